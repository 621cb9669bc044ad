// NewFile: where it is written, and what becomes of it.
// SPDX-License-Identifier: BSD-2-Clause
#include "new_file.hpp"

#include "servers/file/path.hpp"

namespace shell {

sel::Result<> NewFile::open(std::string_view name) {
    sel::Result<file::FullPath> path = file::FullPath::parse(name);
    sel::Result<file::Info> there = system_.stat(name);
    if (!path || (!there && there.error() != ERR_NAME)) {
        return path.ok() ? there.error() : path.error();
    }
    replaces_ = there.ok();
    name_ = path->view();
    if (replaces_) {
        if (there->kind == file::Kind::Directory || there->read_only != 0) {
            return there->read_only != 0 ? ERR_RIGHT : ERR_DIRECTORY;
        }
        file::FullPath beside = *path;
        beside.leave();
        if (!beside.enter(kBeside)) {
            return ERR_SYNTAX;
        }
        path_ = beside.view();
    } else {
        path_ = name_;
    }
    sel::Result<u32> handle = system_.open(path_, file::kWrite | file::kCreate | file::kTruncate);
    open_ = handle.ok();
    handle_ = handle.value_or(0);
    return handle.error();
}

sel::Result<> NewFile::end(const sel::Result<> &written) {
    if (!open_) {
        return written;
    }
    open_ = false;
    sel::Result<> done = system_.close(handle_);
    done = written.ok() ? done : written;
    if (done.ok() && replaces_) {
        done = system_.rename(path_, name_);
    }
    if (!done) {
        [[maybe_unused]] auto best = system_.remove(path_);
    }
    return done;
}

} // namespace shell
