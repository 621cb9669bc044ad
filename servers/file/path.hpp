// FullPath: a canonical path of a file.
// SPDX-License-Identifier: BSD-2-Clause
//
// "/", or names each behind one '/': more than one '/' counts as one, those at the end as none.
// A name is refused, not resolved, if it is "." or "..", or has bytes that could mean something to
// a file system: control characters (0 among them) and '\'.
#pragma once

#include <algorithm>
#include <array>
#include <cstring>

#include "servers/file/api.hpp"

namespace file {

class FullPath {
  public:
    // ERR_SYNTAX: it does not begin with '/', is too long, or has a name that is refused.
    static sel::Result<FullPath> parse(std::string_view text) {
        if (text.size() > kPathMax || !text.starts_with('/')) {
            return ERR_SYNTAX;
        }
        FullPath path;
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

    static bool is_name(std::string_view name) {
        bool dots = name.starts_with('.') && (name == "." || name == "..");
        return !name.empty() && name.size() <= kNameMax && !dots &&
               std::all_of(name.begin(), name.end(),
                           [](char c) { return kInName[static_cast<u8>(c)]; });
    }

    const char *c_str() const { return text_; }
    std::string_view view() const { return {text_, size_}; }
    bool is_root() const { return size_ == 1; }

    // The directory that it is in; "/" for the root.
    std::string_view parent() const {
        std::size_t slash = view().rfind('/');
        return view().substr(0, slash == 0 ? 1 : slash);
    }

    // The last name; nothing for the root.
    std::string_view name() const { return view().substr(view().rfind('/') + 1); }

    // It is `directory`, which is canonical, or something below it.
    bool is_within(std::string_view directory) const {
        return directory == "/" || (view().starts_with(directory) &&
                                    (size_ == directory.size() || text_[directory.size()] == '/'));
    }

    // What is left of it below `directory`, which it is within: canonical, too.
    FullPath below(std::string_view directory) const {
        FullPath path;
        path.join(view().substr(directory == "/" ? 0 : directory.size()));
        return path;
    }

    // Goes on with `inside`, a canonical path or nothing; false, and no change, if it gets too long.
    bool join(std::string_view inside) { return inside.size() <= 1 || append(inside); }

    // Goes to `name` in it; false, and no change, if it gets too long.
    bool enter(std::string_view name) {
        u32 before = size_;
        bool done = append("/") && append(name);
        cut(done ? size_ : before);
        return done;
    }
    void leave() { cut(static_cast<u32>(parent().size())); }

    // Puts `to` where `from`, which it is within, was; false, and no change, if it gets too long.
    bool move(std::string_view from, std::string_view to) {
        FullPath path;
        bool done = path.join(to) && path.join(below(from).view());
        *this = done ? path : *this;
        return done;
    }

  private:
    static constexpr std::array<bool, 256> make_in_name() {
        std::array<bool, 256> in{};
        for (u32 byte = ' '; byte < in.size(); byte++) {
            in[byte] = byte != 0x7f && byte != '\\' && byte != '/';
        }
        return in;
    }
    static const std::array<bool, 256> kInName;

    // The root is nothing in front of a name.
    bool append(std::string_view text) {
        u32 keep = is_root() && text.starts_with('/') ? 0 : size_;
        if (keep + text.size() > kPathMax) {
            return false;
        }
        std::memcpy(text_ + keep, text.data(), text.size());
        cut(keep + static_cast<u32>(text.size()));
        return true;
    }
    void cut(u32 size) {
        size_ = size;
        text_[size] = '\0';
    }

    u32 size_ = 1;
    char text_[kPathMax + 1] = "/";
};

inline constexpr std::array<bool, 256> FullPath::kInName = make_in_name();

} // namespace file
