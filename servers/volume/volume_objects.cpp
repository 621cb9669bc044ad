// Volume: which files have an object of the file system, and what could not be written.
// SPDX-License-Identifier: BSD-2-Clause
#include "servers/volume/volume.hpp"

#include <utility>

namespace volume {

void Volume::note_change() {
    dirty_ = true;
    changes_++;
}

void Volume::close_object(u32 index) {
    Slot &slot = slot_[index];
    File &file = file_[slot.file];
    file.object = kNone;
    u32 owner = std::exchange(slot, {}).file;
    if (file.gone) {
        fs_.drop(index);
    } else if (sel::Result<> closed = fs_.close(index); !closed) {
        lose(owner);
        after(owner, closed).error();
    }
}

// What is not committed is forgotten.
void Volume::drop_object(u32 index) {
    fs_.drop(index);
    file_[slot_[index].file].object = kNone;
    slot_[index] = {};
}

// --- What could not be written.

void Volume::lose(u32 index) {
    File &file = file_[index];
    file.lost = file.handles != 0;
    untold_ = untold_ || file.handles == 0;
    note_failure(ERR_IO, file.path);
}

void Volume::note_failure(error_t error, const Path &path) {
    bool known = failure_.error == error && failure_.path.view() == path.view();
    failure_.times += known ? 0 : 1;
    failure_.error = error;
    failure_.path = path;
}

void Volume::revert() {
    for (u32 i = 0; i < slot_.size(); i++) {
        if (slot_[i].file != kNone) {
            if (slot_[i].changed) {
                lose(slot_[i].file);
            }
            drop_object(i);
        }
    }
    fs_.revert();
}

// After a change that failed half way the object of `file` is what it last was on the disk; and so
// is everything, if the disk failed.
sel::Result<> Volume::after(u32 file, const sel::Result<> &result) {
    if (result.error() != ERR_IO) {
        return result;
    }
    if (file != kNone && file_[file].object != kNone) {
        drop_object(file_[file].object);
        lose(file);
    }
    if (fs_.write_failed()) {
        revert();
    }
    return result;
}

// The objects of `path` and of all below it.
void Volume::close_objects(const Path &path) {
    for (u32 i = 0; i < slot_.size(); i++) {
        if (slot_[i].file != kNone && file_[slot_[i].file].path.is_within(path.view())) {
            close_object(i);
        }
    }
}

// A free slot; if there is none the least recently used one is closed.
u32 Volume::free_slot() {
    u32 oldest = 0;
    for (u32 i = 0; i < slot_.size(); i++) {
        if (slot_[i].file == kNone) {
            return i;
        }
        oldest = slot_[i].used < slot_[oldest].used ? i : oldest;
    }
    close_object(oldest);
    return oldest;
}

sel::Result<u32> Volume::open_object(u32 file, Mode mode) {
    u32 index = free_slot();
    sel::Result<> opened = fs_.open(index, file_[file].path, mode);
    if (opened.error() == ERR_BUSY) { // On a damaged disk, in two directories.
        close_objects({});
        index = free_slot();
        opened = fs_.open(index, file_[file].path, mode);
    }
    if (!opened) {
        return opened.error();
    }
    slot_[index] = {file, mode != Mode::Read, false, 0};
    file_[file].object = index;
    return index;
}

// The object of `file`, opened if it is not, for what `mode` says.
sel::Result<u32> Volume::object_of(u32 file, Mode mode) {
    u32 index = file_[file].object;
    if (index != kNone && mode != Mode::Read && !slot_[index].writable) {
        close_object(index);
        index = kNone;
    }
    if (index == kNone) {
        sel::Result<u32> opened = open_object(file, mode);
        if (!opened) {
            // The name went away: on a damaged disk it was in two directories.
            bool gone = opened.error() == ERR_NAME && mode != Mode::Create;
            return gone ? ERR_GONE : opened.error();
        }
        index = *opened;
    }
    slot_[index].used = ++uses_;
    if (mode != Mode::Read) {
        slot_[index].changed = true;
        file_[file].changed = time_;
        note_change();
    }
    return index;
}

} // namespace volume
