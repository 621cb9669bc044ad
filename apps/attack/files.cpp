// Attacks by names of files: a client of the vfs that may read one directory, and nothing else.
// SPDX-License-Identifier: BSD-2-Clause
#include "attack.caps.hpp"
#include "attacks.hpp"

#include "sel/environment.hpp"

namespace attack {
namespace {

using Files = sel::Client<file::Api>;

// How one might try to name what lies outside of /etc, or of /disk/a.
constexpr const char *kOutside[] = {
    "/bin/shell",
    "/system",
    "/etc/motd",
    "/disk/b/x",
    "/disk/a/x",
    "/b/x",
    "/..",
    "/../bin/shell",
    "/../b/x",
    "/./../b/x",
    "//../b/x",
    "/../../disk/b/x",
    "/motd/../../system",
    "/x/../../b/x",
    "/..\\b\\x",
    "/\\b\\x",
    "\\disk\\b\\x",
    "../b/x",
    "bin/shell",
    "",
    "0:/b/x",
    "/x/..",
    "/.. /b/x",
    "/.../b/x",
};

bool is_refused(const Files &files, std::string_view path) {
    constexpr u32 kFlags[] = {0, file::kWrite, file::kWrite | file::kCreate, file::kTruncate};
    for (u32 flags : kFlags) {
        if (files.call(file::Open{.flags = flags, .data = path}).ok()) {
            return false;
        }
    }
    return !files.call(file::Stat{.data = path}).ok() &&
           !files.call(file::List{.position = 0, .data = path}).ok();
}

bool reads_nothing_outside(const Files &files) {
    for (std::string_view path : kOutside) {
        if (!is_refused(files, path)) {
            return false;
        }
    }
    return true;
}

// Handles that this client has not been given.
bool guesses_no_handle(const Files &files) {
    constexpr u32 kLives = 4, kMounts = 8, kSlots = 32;
    for (u32 i = 0; i < kLives * kMounts * kSlots; i++) {
        u32 handle = i / kMounts / kSlots << 16 | i / kSlots % kMounts << 13 | i % kSlots;
        if (files.call(file::Read{.handle = handle, .count = 1, .offset = 0}).ok() ||
            files.call(file::Close{.handle = handle}).ok()) {
            return false;
        }
    }
    return true;
}

bool changes_nothing(const Files &files, std::string_view own) {
    constexpr u32 kFlags[] = {file::kWrite, file::kWrite | file::kCreate, file::kCreate,
                              file::kWrite | file::kTruncate, file::kTruncate};
    for (u32 flags : kFlags) {
        if (files.call(file::Open{.flags = flags, .data = own}).ok() ||
            files.call(file::Open{.flags = flags, .data = "/new"}).ok()) {
            return false;
        }
    }
    bool named = files.call(file::MakeDirectory{.data = "/new"}).ok() ||
                 files.call(file::Remove{.data = own}).ok() ||
                 files.call(file::Remove{.data = "/"}).ok() ||
                 files.call(file::Rename{.from = own, .data = "/new"}).ok() ||
                 files.call(file::Rename{.from = own, .data = "/../new"}).ok() ||
                 files.call(file::SyncAll{}).ok();
    auto handle = files.call(file::Open{.flags = 0, .data = own});
    if (named || !handle) {
        return !named;
    }
    constexpr u8 kByte[] = {'!'};
    bool written = files.call(file::Write{.handle = *handle, .offset = 0, .data = {kByte}}).ok() ||
                   files.call(file::Append{.handle = *handle, .data = {kByte}}).ok() ||
                   files.call(file::Truncate{.handle = *handle, .bytes = 0}).ok();
    return !written && files.call(file::Close{.handle = *handle}).ok();
}

bool stays_inside(const Files &files, std::string_view own) {
    [[maybe_unused]] auto closed = files.call(file::CloseAll{});
    return guesses_no_handle(files) && reads_nothing_outside(files) && changes_nothing(files, own);
}

} // namespace

// It can read its file, so that being refused all others means something.
bool leave_directory() {
    return caps::files.call(file::Stat{.data = "/motd"}).ok() && stays_inside(caps::files, "/motd");
}

// If there is a /disk/a, there must be an x in it. Without, nothing is to be had by any name.
bool leave_disk() {
    bool there = caps::disk.call(file::Stat{.data = "/"}).ok();
    return there == caps::disk.call(file::Stat{.data = "/x"}).ok() &&
           stays_inside(caps::disk, "/x");
}

} // namespace attack
