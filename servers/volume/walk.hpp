// Walk: everything below a directory, one entry a step; no deeper than a path can say.
// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <array>

#include "servers/volume/file_system.hpp"

namespace volume {

inline constexpr u32 kEntriesMax = 1'000'000; // That a walk looks at.

class Walk {
  public:
    Walk() = default;
    explicit Walk(const Path &top) : directory_{top}, path_{top} {}

    // The next entry, which is at path(). ERR_EMPTY: there are no more. ERR_SYNTAX: it lies too deep.
    // Other errors: the directory path() cannot be read any further. Goes on after both.
    sel::Result<NodeInfo> next(FileSystem &fs) {
        while (!done_) {
            path_ = directory_;
            file::Entry entry;
            if (entries_.take(at_, entry)) {
                return enter(entry);
            }
            forget();
            sel::Result<> listed = fs.list(directory_, position_[depth_], entries_);
            if (!listed) {
                leave();
            }
            if (!listed && listed.error() != ERR_EMPTY) {
                return listed.error();
            }
        }
        return ERR_EMPTY;
    }
    const Path &path() const { return path_; }

  private:
    sel::Result<NodeInfo> enter(const file::Entry &entry) {
        position_[depth_] = entry.next;
        if (!path_.enter(entry.name)) {
            return ERR_SYNTAX;
        }
        bool directory = entry.info.kind == file::Kind::Directory;
        if (directory) {
            directory_ = path_;
            position_[++depth_] = 0;
            forget();
        }
        return NodeInfo{directory, entry.info.bytes, entry.info.changed};
    }
    void forget() {
        entries_.data.size = 0;
        at_ = 0;
    }
    void leave() {
        done_ = depth_ == 0;
        if (!done_) {
            depth_--;
            directory_.leave();
        }
    }

    Path directory_, path_;
    file::Entries entries_; // Of the directory, those behind byte `at_` are still to come.
    u32 at_ = 0;
    bool done_ = false;
    u32 depth_ = 0;
    std::array<u32, file::kPathMax / 2 + 1> position_{}; // A name takes two bytes at least.
};

} // namespace volume
