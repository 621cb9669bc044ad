// Volume: handles, open files, and which of them have an object.
// SPDX-License-Identifier: BSD-2-Clause
#include "servers/volume/volume.hpp"

#include <algorithm>
#include <utility>

namespace volume {
namespace {

constexpr u32 kEntriesMax = 1'000'000;              // That a walk looks at.
constexpr u32 kCheckEntries = 64, kCheckParts = 64; // Entries, and 4 KiB parts of a file, a step.
constexpr u32 kMountPath = 32; // Bytes that a path may have in front of those inside.

} // namespace

// --- Names.

// What is there; `path`: as it is spelled.
sel::Result<NodeInfo> Volume::find(std::string_view text, Path &path) {
    sel::Result<Path> parsed = Path::parse(text);
    path = parsed.value_or({});
    return parsed.ok() ? fs_.stat(path) : parsed.error();
}

// The place of a new name: the directory of `path` is there, and spelled as it is.
sel::Result<> Volume::find_place(Path &path) {
    Path place;
    sel::Result<NodeInfo> directory = find(path.parent(), place);
    if (!directory || !directory->directory) {
        return directory.ok() ? ERR_DIRECTORY : directory.error();
    }
    bool fits = place.enter(path.name());
    path = fits ? place : path;
    return fits ? OK : ERR_SYNTAX;
}

sel::Result<file::Path> Volume::resolve(std::string_view text) {
    Path path;
    sel::Result<NodeInfo> info = find(text, path);
    return info.ok() ? sel::Result<file::Path>{path.view()} : info.error();
}

sel::Result<NodeInfo> Volume::stat(std::string_view text) {
    Path path;
    sel::Result<NodeInfo> info = find(text, path);
    u32 file = find_file(path);
    if (!info || file == kNone) {
        return info;
    }
    NodeInfo now = *info; // The object may have more than is committed.
    now.changed = file_[file].changed != 0 ? file_[file].changed : now.changed;
    now.bytes = file_[file].object != kNone ? fs_.size(file_[file].object) : now.bytes;
    return now;
}

sel::Result<> Volume::make_directory(std::string_view text) {
    sel::Result<Path> path = Path::parse(text);
    if (!path) {
        return path.error();
    }
    if (read_only()) {
        return ERR_RIGHT;
    }
    if (path->is_root()) {
        return ERR_EXISTS;
    }
    note_change();
    return after(kNone, fs_.make_directory(*path));
}

sel::Result<> Volume::remove(std::string_view text) {
    Path path;
    sel::Result<NodeInfo> info = find(text, path);
    if (!info) {
        return info.error();
    }
    if (read_only() || path.is_root()) {
        return read_only() ? ERR_RIGHT : ERR_ARG;
    }
    note_change();
    close_objects(path);
    sel::Result<> removed = fs_.remove(path);
    if (removed.error() == ERR_BUSY) { // On a damaged disk, in two directories.
        close_objects({});
        removed = fs_.remove(path);
    }
    u32 file = find_file(path);
    if (removed.ok() && file != kNone) {
        file_[file].gone = true;
    }
    return after(kNone, removed);
}

// What lies below a directory that moves must have paths after it, wherever this is mounted.
sel::Result<> Volume::has_room_below(const Path &from, const Path &to) {
    if (to.view().size() <= from.view().size()) {
        return {};
    }
    std::size_t most = file::kPathMax - kMountPath - (to.view().size() - from.view().size());
    Walk walk{from};
    for (u32 steps = 0; steps < kEntriesMax; steps++) {
        sel::Result<NodeInfo> entry = walk.next(fs_);
        if (entry.error() == ERR_EMPTY) {
            return {};
        }
        if (!entry || walk.path().view().size() > most) {
            return entry.error() == OK || entry.error() == ERR_SYNTAX ? ERR_FULL : entry.error();
        }
    }
    return ERR_FULL;
}

// Open files below `from` are now below `to`; what was there before is gone.
void Volume::moved(const Path &from, const Path &to) {
    Path spelled = to;
    bool there = fs_.stat(spelled).ok();
    for (File &file : file_) {
        if (file.handles == 0 || file.gone) {
            continue;
        }
        if (file.path.is_within(from.view())) {
            file.gone = !there || !file.path.move(from.view(), spelled.view());
        } else if (file.path.view() == to.view()) {
            file.gone = true;
        }
    }
}

// What a rename is to do; from == to: nothing.
sel::Result<Volume::Move> Volume::plan_rename(std::string_view from, std::string_view to) {
    Move move;
    sel::Result<NodeInfo> old = find(from, move.from);
    sel::Result<NodeInfo> present = find(to, move.to);
    if (!old || (!present && present.error() != ERR_NAME)) {
        return old.ok() ? present.error() : old.error();
    }
    if (read_only()) {
        return ERR_RIGHT;
    }
    if (move.from.is_root() || move.to.is_root()) {
        return ERR_ARG;
    }
    bool same = present.ok() && move.from.view() == move.to.view();
    if (same || !present) { // A new name, or a new spelling of the old one.
        move.to = *Path::parse(to);
        if (sel::Result<> place = find_place(move.to); !place) {
            return place.error();
        }
    } else if (present->directory || old->directory) {
        return move.to.is_within(move.from.view()) ? ERR_ARG : ERR_EXISTS;
    }
    if (!same && move.to.is_within(move.from.view())) {
        return ERR_ARG;
    }
    sel::Result<> room = old->directory ? has_room_below(move.from, move.to) : sel::Result<>{};
    return room.ok() ? sel::Result{move} : room.error();
}

sel::Result<> Volume::rename(std::string_view from, std::string_view to) {
    sel::Result<Move> move = plan_rename(from, to);
    if (!move || move->from.view() == move->to.view()) {
        return move.error();
    }
    note_change();
    close_objects(move->from);
    close_objects(move->to);
    sel::Result<> renamed = fs_.rename(move->from, move->to);
    if (renamed.error() == ERR_BUSY) { // On a damaged disk, in two directories.
        close_objects({});
        renamed = fs_.rename(move->from, move->to);
    }
    if (renamed.ok()) {
        moved(move->from, move->to);
    }
    return after(kNone, renamed);
}

sel::Result<Listed> Volume::list(std::string_view text, u32 position) {
    sel::Result<Path> path = Path::parse(text);
    if (!path) {
        return path.error();
    }
    return fs_.list(*path, position);
}

sel::Result<file::Usage> Volume::usage() {
    return fs_.usage();
}

// --- Checking, in steps.

void Volume::note_change() {
    dirty_ = true;
    changes_++;
}

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
    sel::Result<u32> object = u32{0};
    if (create) {
        object = object_of(*file, Mode::Create);
        if (object.ok() && fs_.stat(path).ok()) {
            file_[*file].path = path;
        }
    } else if (writable && (flags & file::kTruncate) != 0) {
        object = object_of(*file, Mode::Write);
        object = object.ok() ? after(*file, fs_.truncate(*object, 0)).error() : object;
    }
    if (object.error() != OK) {
        put_file(*file);
        return after(kNone, object.error()).error();
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

// --- Objects.

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
