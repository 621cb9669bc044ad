// Path: canonical file names.
// SPDX-License-Identifier: BSD-2-Clause
#include <algorithm>
#include <cstring>

#include "servers/volume/file_system.hpp"

namespace volume {
bool Path::is_name(std::string_view name) {
    return !name.empty() && name.size() <= file::kNameMax && name != "." && name != ".." &&
           std::none_of(name.begin(), name.end(), [](char c) {
               auto byte = static_cast<u8>(c);
               return byte < ' ' || byte == 0x7f || byte == '\\' || byte == '/';
           });
}

sel::Result<Path> Path::parse(std::string_view text) {
    if (text.size() > file::kPathMax || !text.starts_with('/')) {
        return ERR_SYNTAX;
    }
    Path path;
    for (;;) {
        text.remove_prefix(std::min(text.find_first_not_of('/'), text.size()));
        if (text.empty()) {
            return path;
        }
        std::string_view name = text.substr(0, text.find('/'));
        if (!is_name(name) || !path.enter(name)) {
            return ERR_SYNTAX;
        }
        text.remove_prefix(name.size());
    }
}

bool Path::enter(std::string_view name) {
    u32 end = is_root() ? 0 : size_;
    if (end + 1 + name.size() > file::kPathMax) {
        return false;
    }
    text_[end] = '/';
    std::memcpy(text_ + end + 1, name.data(), name.size());
    size_ = end + 1 + static_cast<u32>(name.size());
    text_[size_] = '\0';
    return true;
}

void Path::leave() {
    size_ = static_cast<u32>(parent().size());
    text_[size_] = '\0';
}

std::string_view Path::parent() const {
    std::size_t slash = view().rfind('/');
    return view().substr(0, slash == 0 ? 1 : slash);
}

bool Path::is_within(std::string_view directory) const {
    return directory == "/" || (view().starts_with(directory) &&
                                (size_ == directory.size() || text_[directory.size()] == '/'));
}

bool Path::move(std::string_view from, std::string_view to) {
    std::size_t rest = size_ - from.size();
    if (to.size() + rest > file::kPathMax) {
        return false;
    }
    std::memmove(text_ + to.size(), text_ + from.size(), rest + 1);
    std::memcpy(text_, to.data(), to.size());
    size_ = static_cast<u32>(to.size() + rest);
    return true;
}

} // namespace volume
