// Walk: down into each directory, and up again where it was left.
// SPDX-License-Identifier: BSD-2-Clause
#include "walk.hpp"

namespace shell {

bool Walk::enter(std::string_view name) {
    bool root = path_.view() == "/";
    u32 more = static_cast<u32>(name.size()) + (root ? 0 : 1);
    if (path_.size + more > file::kPathMax) {
        return false;
    }
    path_.append(root ? "" : "/");
    path_.append(name);
    name_ = more;
    return true;
}

void Walk::leave() {
    path_.size -= name_;
    name_ = 0;
}

sel::Result<Walk::Step> Walk::next() {
    if (name_ != 0 && info_.kind == file::Kind::Directory) { // Down, into the one before.
        name_ = 0;
        if (++depth_ > kDepthMost) {
            return ERR_SYNTAX;
        }
        position_[depth_] = 0;
        loaded_ = false;
    } else if (name_ != 0) {
        leave();
    }
    file::Entry entry;
    while (!loaded_ || !entries_.take(at_, entry)) {
        sel::Result<file::Entries> more = system_.list(path_, position_[depth_]);
        if (more) {
            entries_ = *more;
            at_ = 0;
            loaded_ = true;
            continue;
        }
        if (more.error() != ERR_EMPTY || depth_ == 0) {
            return more.error();
        }
        depth_--; // Up, once more past the directory.
        std::size_t slash = path_.view().rfind('/');
        name_ = path_.size - static_cast<u32>(slash == 0 ? 1 : slash);
        info_ = {file::Kind::File, 0, 0, 0}; // It is not entered again.
        loaded_ = false;
        return Step{path_, {file::Kind::Directory, 0, 0, 0}, true, depth_};
    }
    position_[depth_] = entry.next;
    if (!enter(entry.name)) {
        return ERR_SYNTAX;
    }
    info_ = entry.info;
    return Step{path_, entry.info, false, depth_};
}

} // namespace shell
