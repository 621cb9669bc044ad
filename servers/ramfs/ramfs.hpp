// RamFs: a tree of files in memory. Holds no capability, so it is tested on the host.
// SPDX-License-Identifier: BSD-2-Clause
//
// A node is a directory, a writable file (a chain of blocks of 4 KiB) or a read-only file whose
// content stands in the boot archive. Everything is bounded: nodes, blocks, handles a client.
// A handle names (client, node, generation): removing a file makes its handles answer ERR_GONE.
#pragma once

#include <array>
#include <cstddef>
#include <span>
#include <string_view>

#include "sel/archive.hpp"
#include "sel/bytes.hpp"
#include "sel/result.hpp"

#include "abi/types.h"

namespace ramfs {

enum class Kind : u8 { Free, File, Directory, Archive };

struct NodeInfo {
    Kind kind;
    u64 bytes;
    u64 changed; // Seconds since 1970 when it was last written, 0: unknown.
};

struct Usage {
    u32 nodes, nodes_max;
    u64 bytes, bytes_max;
};

struct Check {
    u32 files, directories;
    u32 damaged;
    u64 bytes;
};

class RamFs {
  public:
    static constexpr std::size_t kBlockBytes = 4096;
    static constexpr std::size_t kPathMax = 255;
    static constexpr std::size_t kNameMax = 63;
    static constexpr u32 kNodes = 1024;
    static constexpr u32 kBlocks = 4096;
    static constexpr u32 kHandles = 256;
    static constexpr u32 kHandlesPerClient = 128; // A vfs opens files for others.

    // `memory`: where the content of writable files is kept.
    explicit RamFs(std::span<u8> memory);

    // Paths are absolute: "/", "/etc/motd". ERR_SYNTAX: not a path. ERR_NAME: nothing there.
    // ERR_DIRECTORY: a file on the way, or the wrong kind at the end.
    sel::Result<NodeInfo> stat(std::string_view path) const;
    error_t make_directory(std::string_view path);
    error_t remove(std::string_view path); // ERR_CHILDREN: the directory is not empty.
    error_t rename(std::string_view from, std::string_view to);

    // A read-only file whose content stays where it is; makes the directories on the way. Its first open()
    // looks whether the content has its sum (sel/archive.hpp); if it has not it is ERR_IO, that and each one after.
    error_t add_archive_file(std::string_view path, const sel::ArchiveFile &file);
    // One that open() or check() has found damaged since, each once; empty: none.
    sel::Text<kPathMax> take_damaged();

    struct ListEntry {
        u32 next; // Position for the next call.
        NodeInfo info;
        std::string_view name;
    };
    // The first entry of directory `path` at or after `position`; ERR_EMPTY: there is none.
    sel::Result<ListEntry> list(std::string_view path, u32 position) const;

    enum OpenFlags : u32 { kWrite = 1, kCreate = 2, kTruncate = 4 };
    sel::Result<u32> open(u64 client, std::string_view path, u32 flags);
    error_t close(u64 client, u32 handle);
    void close_all(u64 client);

    // Bytes read; 0 at the end of the file.
    sel::Result<u32> read(u64 client, u32 handle, u64 offset, std::span<u8> out);
    // Bytes written: all or, with ERR_FULL, none. A gap before `offset` reads as zeroes.
    sel::Result<u32> write(u64 client, u32 handle, u64 offset, std::span<const u8> data);
    sel::Result<u32> append(u64 client, u32 handle, std::span<const u8> data);
    error_t truncate(u64 client, u32 handle, u64 bytes);

    error_t is_open(u64 client, u32 handle) const { return checked(client, handle, false).error(); }

    // Of a file that `client` has open; empty if it has not.
    sel::Text<kPathMax> path_of(u64 client, u32 handle) const;

    Usage usage() const;
    Check check();
    void set_time(u64 seconds) { time_ = seconds; }

  private:
    static constexpr u32 kNone = ~u32{0};
    static constexpr u32 kRoot = 0;

    enum class Content : u8 { Unseen, Intact, Damaged, Told }; // Told: damaged, and taken.

    struct Node {
        Kind kind = Kind::Free;
        u8 name_size = 0;
        u32 parent = kNone;
        u32 generation = 0;
        u64 bytes = 0;
        u64 changed = 0;
        u32 first_block = kNone;
        u32 seek_block = kNone; // Block number seek_index of the chain, to read on quickly.
        u32 seek_index = 0;
        const u8 *content = nullptr;     // Archive.
        u64 sum = 0;                     // Archive: that its content must have,
        Content found = Content::Unseen; // and what it has.
        std::array<char, kNameMax> name_bytes{};

        std::string_view name() const { return {name_bytes.data(), name_size}; }
    };

    struct Handle {
        bool used = false;
        bool writable = false;
        u64 client = 0;
        u32 node = kNone;
        u32 node_generation = 0;
    };

    struct Place { // Where a path leads: the directory, and the last name in it.
        u32 directory;
        std::string_view name; // Empty: the root itself.
        u32 node;              // kNone: not there yet.
    };

    sel::Result<Place> find(std::string_view path) const;
    sel::Result<u32> find_node(std::string_view path) const;
    u32 child(u32 directory, std::string_view name) const;
    bool has_children(u32 directory) const;
    bool is_inside(u32 node, u32 directory) const;
    sel::Result<u32> make_node(u32 directory, std::string_view name, Kind kind);
    void free_node(u32 node);
    NodeInfo info(u32 node) const;
    bool check_sum(Node &node);
    bool whole(Node &node);
    sel::Text<kPathMax> path_to(u32 node) const;
    error_t make_directories(std::string_view path);

    sel::Result<u32> checked(u64 client, u32 handle, bool for_writing) const;
    sel::Result<u32> make_handle(u64 client, u32 node, bool writable);

    u32 block_at(Node &node, u64 index);
    u8 *block(u32 number) { return memory_.data() + std::size_t{number} * kBlockBytes; }
    error_t resize(Node &node, u64 bytes);
    error_t grow(Node &node, u64 blocks, u64 wanted);
    void shrink(Node &node, u64 wanted);
    void fill_zero(Node &node, u64 from, u64 to);
    template <typename Visit>
    void for_blocks(Node &node, u64 offset, std::size_t count, Visit visit);

    std::span<u8> memory_;
    u32 block_count_;
    u32 free_block_ = kNone;
    u32 free_blocks_ = 0;
    u32 used_nodes_ = 1;
    u32 nodes_end_ = 1;    // Behind the last node that was ever used.
    bool damaged_ = false; // Some are Content::Damaged.
    u64 time_ = 0;
    std::array<u32, kBlocks> next_block_{};
    std::array<Node, kNodes> node_{};
    std::array<Handle, kHandles> handle_{};
};

} // namespace ramfs
