// Volume: checking, in steps.
// SPDX-License-Identifier: BSD-2-Clause
#include "servers/volume/volume.hpp"

namespace volume {
namespace {

constexpr u32 kCheckEntries = 64, kCheckParts = 64; // Entries, and 4 KiB parts of a file, a step.

} // namespace

sel::Result<> Volume::begin_check(std::string_view text) {
    check_ = {};
    if (sel::Result<NodeInfo> start = stat(text); !start) {
        return start.error();
    }
    if (!read_only()) { // What is in memory counts, too.
        write_back().error();
    }
    sel::Result<> begun = fs_.begin_check(false);
    if (!begun && begun.error() != ERR_FULL) {
        return begun;
    }
    check_.changes = changes_;
    check_.structures = begun.ok();
    check_.found.unseen = begun.ok() ? 0 : 1;
    check_.found.directories = 1;
    return {};
}

sel::Result<file::Checked> Volume::check(std::string_view text, u32 step) {
    if (step == 0) {
        if (sel::Result<> begun = begin_check(text); !begun) {
            return begun.error();
        }
    } else if (step != check_.found.next) {
        return ERR_GONE;
    } else if (check_.changes != changes_) {
        check_ = {};
        return ERR_BUSY;
    }
    sel::Result<bool> more = check_step();
    if (!more) {
        check_ = {};
        return more.error();
    }
    check_.found.next = *more ? step + 1 : 0;
    return check_.found;
}

// False: that was all.
sel::Result<bool> Volume::check_step() {
    if (check_.structures) {
        Structures structures{};
        sel::Result<bool> done = fs_.check(structures);
        bool ended = !done || *done;
        check_.structures = !ended;
        check_.found.damaged = structures.damaged + (done.ok() ? 0 : 1);
        return true;
    }
    for (u32 i = 0; i < kCheckEntries; i++) {
        if (check_.reading) {
            check_content();
            return true;
        }
        sel::Result<bool> more = check_entry();
        if (!more || !*more) {
            return more;
        }
    }
    return true;
}

sel::Result<bool> Volume::check_entry() {
    file::Checked &found = check_.found;
    sel::Result<NodeInfo> entry = check_.walk.next(fs_);
    if (entry.error() == ERR_EMPTY || found.files + found.directories >= kEntriesMax) {
        return entry.error() == ERR_EMPTY ? sel::Result{false} : ERR_IO;
    }
    if (!entry) {
        found.damaged++;
    } else if (entry->directory) {
        found.directories++;
    } else {
        found.files++;
        check_.reading = true;
        check_.file = check_.walk.path();
        check_.offset = 0;
        check_.bytes = entry->bytes;
    }
    return true;
}

// Reads some of a file.
void Volume::check_content() {
    u32 file = find_file(check_.file);
    if (file != kNone && file_[file].object != kNone) {
        close_object(file_[file].object);
    }
    u32 slot = free_slot();
    bool good = fs_.open(slot, check_.file, Mode::Read).ok();
    if (good) {
        static std::array<u8, 4096> part; // One thread, and no room on the stack.
        for (u32 i = 0; good && i < kCheckParts && check_.offset < check_.bytes; i++) {
            u32 count = fs_.read(slot, check_.offset, part).value_or(0);
            good = count != 0;
            check_.offset += count;
        }
        fs_.drop(slot);
    }
    check_.reading = good && check_.offset < check_.bytes;
    check_.found.damaged += good ? 0 : 1;
    check_.found.bytes += good && !check_.reading ? check_.bytes : 0;
}

} // namespace volume
