// Path: canonical file names.
// SPDX-License-Identifier: BSD-2-Clause
#include <algorithm>
#include <cstring>

#include "servers/volume/file_system.hpp"

namespace volume {
namespace {

bool is_name(std::string_view name) {
    return name.size() <= file::kNameMax && name != "." && name != ".." &&
           name.find('\0') == name.npos;
}

} // namespace

sel::Result<Path> Path::parse(std::string_view text) {
    if (text.size() > file::kPathMax || !text.starts_with('/')) {
        return ERR_SYNTAX;
    }
    Path path;
    path.size_ = 0;
    while (!text.empty()) {
        text.remove_prefix(std::min(text.find_first_not_of('/'), text.size()));
        std::string_view name = text.substr(0, text.find('/'));
        text.remove_prefix(name.size());
        if (!is_name(name)) {
            return ERR_SYNTAX;
        }
        if (!name.empty()) {
            path.text_[path.size_++] = '/';
            std::memcpy(path.text_ + path.size_, name.data(), name.size());
            path.size_ += static_cast<u32>(name.size());
        }
    }
    if (path.size_ == 0) {
        path.text_[path.size_++] = '/';
    }
    path.text_[path.size_] = '\0';
    return path;
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
