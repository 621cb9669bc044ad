// FileSystem: what a Volume needs of littlefs or FAT. Paths are canonical and end with a 0.
// SPDX-License-Identifier: BSD-2-Clause
//
// An object is an open file of the library below; there are few, and the Volume puts files into
// them as they are used. Its content is committed by commit() and close(), and forgotten by drop().
// Errors are those of servers/file/api.hpp; ERR_IO: the disk failed, or it holds nonsense.
#pragma once

#include <span>
#include <string_view>

#include "servers/file/path.hpp"

namespace volume {

using Path = file::FullPath;

struct NodeInfo {
    bool directory;
    u64 bytes;
    u64 changed; // Seconds since 1970, 0: unknown.
};

// What a check of the structures between files has found so far.
struct Structures {
    u32 damaged, repaired;
    u32 seen, all; // How far it is, in a measure of its own.
};

enum class Mode { Read, Write, Create }; // Create: Write, and make it if it is not there.

class FileSystem {
  public:
    static constexpr u32 kObjects = 16;

    // ERR_NAME: what is on the disk is no such file system that could be used; note() says what.
    virtual sel::Result<> mount() = 0;
    // Makes an empty one, which the next mount() finds. Without `force` only over nothing:
    // ERR_EXISTS, and note() says what was found.
    virtual sel::Result<> format(bool force) = 0;
    // For people: what mount() or format() found. Empty: nothing special.
    std::string_view note() const { return note_; }

    // What is there. `path` becomes the one spelling that the file system has for it, so two paths
    // lead to one node when these are the same, and it lies below another when it begins with that.
    virtual sel::Result<NodeInfo> stat(Path &path) = 0;
    virtual sel::Result<> make_directory(const Path &path) = 0;
    virtual sel::Result<> remove(const Path &path) = 0;
    // `to` may be an existing file, which is replaced, or another spelling of `from`. Neither is open
    // as an object.
    virtual sel::Result<> rename(const Path &from, const Path &to) = 0;
    // Entries from `position` on, as many as there is room for behind what `out` has; ERR_EMPTY behind the last
    // one, and errors, only if there is none of them. What Path takes for no name is left out.
    virtual sel::Result<> list(const Path &path, u32 position, file::Entries &out) = 0;

    // ERR_BUSY: the file is open in another object, under another name.
    virtual sel::Result<> open(u32 object, const Path &path, Mode mode) = 0;
    virtual sel::Result<> close(u32 object) = 0;
    virtual void drop(u32 object) = 0;
    virtual u64 size(u32 object) = 0;
    virtual sel::Result<u32> read(u32 object, u64 offset, std::span<u8> out) = 0;
    // All or, with ERR_FULL, nothing. `offset` may be behind the end.
    virtual sel::Result<> write(u32 object, u64 offset, std::span<const u8> data) = 0;
    virtual sel::Result<> truncate(u32 object, u64 bytes) = 0;
    // The object's content is on the disk.
    virtual sel::Result<> commit(u32 object) = 0;
    // Everything but uncommitted objects is on the disk.
    virtual sel::Result<> sync() = 0;
    // A write failed, and what was not on the disk can be forgotten: revert() does that, as a power
    // cut would. No object is open then. Never: sync() tries again to write it.
    virtual bool write_failed() const = 0;
    virtual void revert() = 0;

    // Looks at the structures between files, which nobody changes meanwhile: begin_check(), and then
    // check() until it answers true. ERR_FULL of the first: there are too many. With `repair` no
    // object is open, and the file system is to be mounted anew behind it; ERR_TYPE: it needs none.
    virtual sel::Result<> begin_check(bool repair) = 0;
    virtual sel::Result<bool> check(Structures &found) = 0;

    virtual sel::Result<file::Usage> usage() = 0;
    virtual bool read_only() const = 0;
    virtual u64 bytes_max() const = 0; // Of a file.

    // The same for clients.
    file::Info info(const NodeInfo &node) const {
        return {node.directory ? file::Kind::Directory : file::Kind::File, read_only() ? 1u : 0u,
                node.bytes, node.changed};
    }

    // What is to be the time of changes from now on.
    void set_time(u64 seconds) { time_ = seconds; }

  protected:
    ~FileSystem() = default;
    u64 time_ = 0;
    sel::Text<120> note_;
};

} // namespace volume
