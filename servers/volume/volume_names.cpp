// Volume: what goes by names: looking, making, removing, renaming.
// SPDX-License-Identifier: BSD-2-Clause
#include "servers/volume/volume.hpp"

namespace volume {
namespace {

constexpr u32 kMountPath = 32; // Bytes that a path may have in front of those inside.

} // namespace

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

sel::Result<> Volume::list(std::string_view text, u32 position, file::Entries &out) {
    sel::Result<Path> path = Path::parse(text);
    return path.ok() ? fs_.list(*path, position, out) : path.error();
}

sel::Result<file::Usage> Volume::usage() {
    return fs_.usage();
}

} // namespace volume
