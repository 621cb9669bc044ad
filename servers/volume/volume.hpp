// Volume: what clients have open, on top of a FileSystem. Holds no capability.
// SPDX-License-Identifier: BSD-2-Clause
//
//   handle (a client's, 256) -> file (a path that is open, 192) -> object (of the library, 16)
//
// All handles of a file share it, whatever they called it: a File has the one spelling that the file
// system gives. So everybody sees the same content. A file has an object
// only while it is used; the least recently used one gives its object up, which commits it. Before
// a name changes the objects concerned are closed, so the library never sees a name change under
// an open file. A file whose name is removed is `gone`: its handles answer ERR_GONE.
//
// If an object cannot be committed its content is what it last was on the disk, and so is that of all
// others if the file system can revert(). The next sync() or close() of each of these files says
// ERR_IO once, sync_all() as long as there are any; once, if nobody has the file open any more.
#pragma once

#include <array>

#include "servers/volume/file_system.hpp"
#include "servers/volume/walk.hpp"

namespace volume {

class Volume {
  public:
    static constexpr u32 kHandles = 256;
    static constexpr u32 kHandlesPerClient = 128; // A vfs opens files for others.
    static constexpr u32 kFiles = 192;

    // `fs` is mounted.
    explicit Volume(FileSystem &fs) : fs_{fs} {}

    // As servers/file/api.hpp says of the messages with these names.
    sel::Result<NodeInfo> stat(std::string_view path);
    sel::Result<file::Path> resolve(std::string_view path);
    sel::Result<> make_directory(std::string_view path);
    sel::Result<> remove(std::string_view path);
    sel::Result<> rename(std::string_view from, std::string_view to);
    sel::Result<> list(std::string_view path, u32 position, file::Entries &out);
    sel::Result<file::Usage> usage();
    sel::Result<file::Checked> check(std::string_view path, u32 step);

    sel::Result<u32> open(u64 client, std::string_view path, u32 flags);
    sel::Result<> close(u64 client, u32 handle);
    void close_all(u64 client);
    sel::Result<u32> read(u64 client, u32 handle, u64 offset, std::span<u8> out);
    sel::Result<> write(u64 client, u32 handle, u64 offset, std::span<const u8> data);
    sel::Result<> append(u64 client, u32 handle, std::span<const u8> data);
    sel::Result<> truncate(u64 client, u32 handle, u64 bytes);
    sel::Result<> sync(u64 client, u32 handle);
    sel::Result<> sync_all();
    // The same, on nobody's behalf: what was lost is left to be told.
    sel::Result<> write_back();

    // The path of an open handle; empty if it is none.
    std::string_view path_of(u64 client, u32 handle) const;

    // Nobody has a file open.
    bool idle() const;
    // What could not be written last, for the log. `times` grows with each that is not as the last.
    struct Failure {
        u32 times = 0;
        error_t error = OK; // OK: since then all was written.
        Path path;          // "/": something, of any file.
    };
    const Failure &failure() const { return failure_; }

    // Something has been written that sync_all() would commit.
    bool dirty() const { return dirty_; }
    bool read_only() const { return fs_.read_only(); }
    file::Info info(const NodeInfo &node) const { return fs_.info(node); }
    void set_time(u64 seconds) {
        time_ = seconds;
        fs_.set_time(seconds);
    }

  private:
    static constexpr u32 kNone = ~u32{0};

    struct File {
        u32 handles = 0; // 0: free.
        u32 object = kNone;
        bool gone = false;
        u64 changed = 0;   // When it was written through these handles.
        bool lost = false; // A commit failed, and nobody has been told.
        Path path;
    };
    struct Slot { // An object of the file system.
        u32 file = kNone;
        bool writable = false;
        bool changed = false; // Since it was committed.
        u64 used = 0;         // When, counted in uses.
    };
    struct Handle {
        bool used = false;
        bool writable = false;
        u64 client = 0;
        u32 file = kNone;
    };

    struct Move {
        Path from, to;
    };

    // A check that has begun: the structures first, then each file is read.
    struct Check {
        file::Checked found{}; // `next` 0: none.
        u64 changes = 0;       // When it began.
        bool structures = false;
        bool reading = false;
        Path file; // Of `bytes`, read up to `offset`.
        u64 offset = 0, bytes = 0;
        Walk walk;
    };

    sel::Result<> begin_check(std::string_view path);
    sel::Result<bool> check_step();
    sel::Result<bool> check_entry();
    void check_content();

    sel::Result<u32> checked(u64 client, u32 handle, bool for_writing) const;
    sel::Result<u32> free_handle(u64 client) const;
    sel::Result<NodeInfo> find(std::string_view text, Path &path);
    sel::Result<> find_place(Path &path);
    sel::Result<> has_room_below(const Path &from, const Path &to);
    sel::Result<Move> plan_rename(std::string_view from, std::string_view to);
    void moved(const Path &from, const Path &to);
    u32 find_file(const Path &path) const;
    sel::Result<u32> make_file(const Path &path);
    void put_file(u32 file);
    void put_handle(Handle &handle);
    sel::Result<u32> prepare(const Path &said, u32 flags);

    sel::Result<u32> object_of(u32 file, Mode mode);
    sel::Result<u32> open_object(u32 file, Mode mode);
    u32 free_slot();
    void close_object(u32 slot);
    void drop_object(u32 slot);
    void close_objects(const Path &path);
    sel::Result<> commit_object(u32 slot);
    sel::Result<> commit(u32 file);
    sel::Result<> after(u32 file, const sel::Result<> &result);
    void lose(u32 file);
    void revert();
    void note_change();
    void note_failure(error_t error, const Path &path);

    FileSystem &fs_;
    bool dirty_ = false;
    bool untold_ = false; // Something was lost of a file that nobody has open.
    Failure failure_;
    u64 time_ = 0;
    u64 uses_ = 0;
    u64 changes_ = 0;
    Check check_;
    std::array<File, kFiles> file_{};
    std::array<Slot, FileSystem::kObjects> slot_{};
    std::array<Handle, kHandles> handle_{};
};

} // namespace volume
