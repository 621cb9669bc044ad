// File: the protocol that every file system speaks. The only header for its clients.
// SPDX-License-Identifier: BSD-2-Clause
//
// Paths are absolute ("/etc/motd"), at most 255 bytes, each name at most 63. A file is read and
// written through a handle that belongs to the client which opened it; positions are explicit, so
// nothing but the handle is lost when the server restarts (ERR_RESTARTED: open again).
//
// Errors: ERR_SYNTAX not a path, ERR_NAME no such file, ERR_DIRECTORY a file where a directory was
// expected or the reverse, ERR_EXISTS, ERR_CHILDREN directory not empty, ERR_RIGHT read-only,
// ERR_FULL no room or too many open files, ERR_ARG no such handle or a rename into itself,
// ERR_GONE the file was removed meanwhile.
#pragma once

#include "sel/client.hpp"

namespace file {

inline constexpr u32 kPathMax = 255;
inline constexpr u32 kNameMax = 63;
inline constexpr u32 kChunk = 896; // Bytes of content in one message.

using Path = sel::Text<kPathMax>;
using Name = sel::Text<kNameMax>;
using Chunk = sel::Bytes<kChunk>;

enum class Kind : u32 { File, Directory };

struct Info {
    Kind kind;
    u32 read_only; // 0 or 1.
    u64 bytes;
    u64 changed; // Seconds since 1970, 0: unknown.
};

struct Stat : sel::Asks<Info> {
    Path data;
};

enum OpenFlags : u32 { kWrite = 1, kCreate = 2, kTruncate = 4 };

// The handle.
struct Open : sel::Asks<u32> {
    u32 flags;
    Path data;
};

struct Close : sel::Asks<> {
    u32 handle;
};

// Closes all handles of this client: what a program does first.
struct CloseAll : sel::Asks<> {};

struct Content {
    Chunk data; // Empty at the end of the file.
};
struct Read : sel::Asks<Content> {
    u32 handle, count;
    u64 offset;
};

// All bytes, or ERR_FULL and none. A gap before `offset` reads as zeroes.
struct Write : sel::Asks<> {
    u32 handle;
    u64 offset;
    Chunk data;
};

struct Append : sel::Asks<> {
    u32 handle;
    Chunk data;
};

struct Truncate : sel::Asks<> {
    u32 handle;
    u64 bytes;
};

// One entry of a directory; ERR_EMPTY behind the last one. Start at position 0.
struct Entry {
    u32 next; // Position of the next one.
    Info info;
    Name data;
};
struct List : sel::Asks<Entry> {
    u32 position;
    Path data;
};

struct MakeDirectory : sel::Asks<> {
    Path data;
};

// A file, or an empty directory.
struct Remove : sel::Asks<> {
    Path data;
};

// An existing file at the new place is replaced.
struct Rename : sel::Asks<> {
    Path from;
    Path data;
};

struct Usage {
    u64 bytes, bytes_max;
    u32 files, files_max;
};
struct GetUsage : sel::Asks<Usage> {};

using Api = sel::Protocol<Stat, Open, Close, CloseAll, Read, Write, Append, Truncate, List,
                          MakeDirectory, Remove, Rename, GetUsage>;

} // namespace file
