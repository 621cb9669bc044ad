// Volume: handles, open files and their content.
// SPDX-License-Identifier: BSD-2-Clause
#include "servers/volume/volume.hpp"

#include <algorithm>
#include <utility>

namespace volume {

// --- Handles.

sel::Result<u32> Volume::checked(u64 client, u32 handle, bool for_writing) const {
    if (handle >= kHandles || !handle_[handle].used || handle_[handle].client != client) {
        return ERR_ARG;
    }
    if (file_[handle_[handle].file].gone) {
        return ERR_GONE;
    }
    if (for_writing && !handle_[handle].writable) {
        return ERR_RIGHT;
    }
    return handle_[handle].file;
}

std::string_view Volume::path_of(u64 client, u32 handle) const {
    sel::Result<u32> file = checked(client, handle, false);
    return file.ok() ? file_[*file].path.view() : std::string_view{};
}

bool Volume::idle() const {
    return std::none_of(handle_.begin(), handle_.end(), [](const Handle &h) { return h.used; });
}

sel::Result<u32> Volume::free_handle(u64 client) const {
    u32 held = 0, free = kNone;
    for (u32 i = 0; i < kHandles; i++) {
        held += handle_[i].used && handle_[i].client == client ? 1 : 0;
        free = free == kNone && !handle_[i].used ? i : free;
    }
    return free == kNone || held >= kHandlesPerClient ? sel::Result<u32>{ERR_FULL} : free;
}

u32 Volume::find_file(const Path &path) const {
    for (u32 i = 0; i < kFiles; i++) {
        if (file_[i].handles != 0 && !file_[i].gone && file_[i].path.view() == path.view()) {
            return i;
        }
    }
    return kNone;
}

// The file of `path`, with one handle more.
sel::Result<u32> Volume::make_file(const Path &path) {
    u32 file = find_file(path);
    if (file == kNone) {
        auto free =
            std::find_if(file_.begin(), file_.end(), [](const File &f) { return f.handles == 0; });
        if (free == file_.end()) {
            return ERR_FULL;
        }
        *free = {};
        free->path = path;
        file = static_cast<u32>(free - file_.begin());
    }
    file_[file].handles++;
    return file;
}

// One handle less.
void Volume::put_file(u32 index) {
    File &file = file_[index];
    file.handles--;
    if (file.handles == 0 && file.object != kNone) {
        close_object(file.object);
    }
}

void Volume::put_handle(Handle &handle) {
    put_file(handle.file);
    handle = {};
}

// The file that open() is to open, made or cut as `flags` say.
sel::Result<u32> Volume::prepare(const Path &said, u32 flags) {
    bool writable = (flags & file::kWrite) != 0;
    if (writable && read_only()) {
        return ERR_RIGHT;
    }
    Path path = said;
    sel::Result<NodeInfo> info = fs_.stat(path);
    bool create = info.error() == ERR_NAME && writable && (flags & file::kCreate) != 0;
    if (!info && !create) {
        return info.error();
    }
    if (info.ok() && info->directory) {
        return ERR_DIRECTORY;
    }
    sel::Result<u32> file = make_file(path);
    if (!file) {
        return file;
    }
    error_t error = OK;
    if (create) {
        error = object_of(*file, Mode::Create).error();
        if (error == OK && fs_.stat(path).ok()) {
            file_[*file].path = path;
        }
    } else if (writable && (flags & file::kTruncate) != 0) {
        sel::Result<u32> object = object_of(*file, Mode::Write);
        error = object.ok() ? after(*file, fs_.truncate(*object, 0)).error() : object.error();
    }
    if (error != OK) {
        put_file(*file);
        return after(kNone, error).error();
    }
    return file;
}

sel::Result<u32> Volume::open(u64 client, std::string_view text, u32 flags) {
    sel::Result<Path> path = Path::parse(text);
    sel::Result<u32> handle = free_handle(client);
    if (!path || !handle) {
        return path.ok() ? handle.error() : path.error();
    }
    sel::Result<u32> file = prepare(*path, flags);
    if (!file) {
        return file;
    }
    handle_[*handle] = {true, (flags & file::kWrite) != 0, client, *file};
    return handle;
}

sel::Result<> Volume::close(u64 client, u32 handle) {
    sel::Result<u32> file = checked(client, handle, false);
    if (file.error() == ERR_ARG) {
        return ERR_ARG;
    }
    sel::Result<> committed;
    if (file.ok() && handle_[handle].writable) {
        committed = commit(*file);
    }
    put_handle(handle_[handle]);
    return committed;
}

void Volume::close_all(u64 client) {
    for (Handle &handle : handle_) {
        if (handle.used && handle.client == client) {
            put_handle(handle);
        }
    }
}

// --- Content.

sel::Result<u32> Volume::read(u64 client, u32 handle, u64 offset, std::span<u8> out) {
    sel::Result<u32> file = checked(client, handle, false);
    if (!file) {
        return file;
    }
    sel::Result<u32> object = object_of(*file, Mode::Read);
    return object.ok() ? fs_.read(*object, offset, out) : object;
}

sel::Result<> Volume::write(u64 client, u32 handle, u64 offset, std::span<const u8> data) {
    sel::Result<u32> file = checked(client, handle, true);
    if (!file) {
        return file.error();
    }
    sel::Result<u32> object = object_of(*file, Mode::Write);
    if (!object) {
        return object.error();
    }
    return after(*file, fs_.write(*object, offset, data));
}

sel::Result<> Volume::append(u64 client, u32 handle, std::span<const u8> data) {
    sel::Result<u32> file = checked(client, handle, true);
    if (!file) {
        return file.error();
    }
    sel::Result<u32> object = object_of(*file, Mode::Write);
    return object.ok() ? write(client, handle, fs_.size(*object), data) : object.error();
}

sel::Result<> Volume::truncate(u64 client, u32 handle, u64 bytes) {
    sel::Result<u32> file = checked(client, handle, true);
    if (!file) {
        return file.error();
    }
    sel::Result<u32> object = object_of(*file, Mode::Write);
    if (!object) {
        return object.error();
    }
    return after(*file, fs_.truncate(*object, bytes));
}

sel::Result<> Volume::commit_object(u32 index) {
    sel::Result<> committed = fs_.commit(index);
    slot_[index].changed = !committed;
    return committed.ok() ? committed : after(slot_[index].file, ERR_IO);
}

sel::Result<> Volume::commit(u32 file) {
    sel::Result<> committed;
    u32 index = file_[file].object;
    if (index != kNone && slot_[index].writable) {
        committed = commit_object(index);
    }
    if (committed.ok() && file_[file].lost) {
        committed = ERR_IO;
    }
    file_[file].lost = false;
    return committed;
}

sel::Result<> Volume::sync(u64 client, u32 handle) {
    sel::Result<u32> file = checked(client, handle, false);
    if (!file) {
        return file.error();
    }
    sel::Result<> committed = commit(*file);
    // What had no object any more was closed, not flushed.
    sel::Result<> synced = after(kNone, fs_.sync());
    if (committed.ok() && synced.ok()) {
        dirty_ = std::any_of(slot_.begin(), slot_.end(), [](const Slot &s) { return s.changed; });
    }
    return committed.ok() ? synced : committed;
}

sel::Result<> Volume::write_back() {
    sel::Result<> result;
    for (u32 i = 0; i < slot_.size(); i++) {
        if (slot_[i].file != kNone && slot_[i].writable) {
            sel::Result<> committed = commit_object(i);
            result = result.ok() ? committed : result;
        }
    }
    sel::Result<> synced = after(kNone, fs_.sync());
    dirty_ = !synced;
    if (!synced) {
        note_failure(synced.error(), {});
    } else if (result.ok()) {
        failure_.error = OK;
    }
    return result.ok() ? synced : result;
}

sel::Result<> Volume::sync_all() {
    sel::Result<> result = write_back();
    bool lost = std::exchange(untold_, false) ||
                std::any_of(file_.begin(), file_.end(),
                            [](const File &f) { return f.handles != 0 && f.lost; });
    return result.ok() && lost ? ERR_IO : result;
}

} // namespace volume
