// Vfs: which file systems make up the name space, and taking them out and in. Files themselves are
// reached by servers/file/api.hpp. The only header for its clients.
// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include "servers/file/api.hpp"

namespace vfs {

// A file system of [mounts] in boot/system.toml.
struct Volume {
    u32 mounted;       // 0 or 1.
    u32 known;         // 1: its server has answered since vfs was started.
    error_t error;     // Why there is no usage; OK: there is.
    error_t unsaved;   // Why the last SyncAll did not write everything; OK: it did.
    u32 open;          // Files that clients have open there.
    file::Usage usage; // Of the file system.
    sel::Text<24> server;
    file::Path data; // Where it is mounted.
};

inline constexpr u32 kVolumesMax = 16;

// Counts up from 0 to ERR_NAME behind the last one, of at most kVolumesMax.
struct GetVolume : sel::Asks<Volume, file::kAnswerMs> {
    u32 place;
};

// Puts back what Unmount took out. ERR_NAME: nothing of [mounts] has this path. ERR_EXISTS: it is
// there already.
struct Mount : sel::Asks<void, file::kAnswerMs> {
    file::Path data;
};

// Writes everything to the disk, lets go of that, and takes it out: all below it answers ERR_GONE. ERR_BUSY: files
// are open there. ERR_ARG: it is the root. ERR_GONE: it is out already.
struct Unmount : sel::Asks<void, file::kAnswerMs> {
    file::Path data;
};

// What a program that is started at run time may name from now on, until its end: this subtree, of which it is told
// only what its own paths say. One that is bound to nothing may name nothing (ERR_RIGHT). For who starts programs.
// ERR_ARG: there are no programs at run time with this number. ERR_SYNTAX: not a path. ERR_EXISTS: it is bound.
// ERR_FULL: kBoundMax are.
inline constexpr u32 kBoundMax = 128;
struct Bind : sel::Asks<> {
    u32 client;
    u32 read_only; // 0 or 1.
    file::Path data;
};

using View = sel::Protocol<GetVolume>;
using Control = sel::Protocol<Mount, Unmount>;
using Binder = sel::Protocol<Bind>;

} // namespace vfs
