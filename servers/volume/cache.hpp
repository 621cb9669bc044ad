// Cache: the pages of a disk that are in memory, read on demand, written back in batches.
// SPDX-License-Identifier: BSD-2-Clause
//
// The pages lie in the pool that is shared with the driver: the device reads and writes them itself.
// A page knows which of its 8 sectors are valid and which are dirty (newer than the disk); only
// dirty sectors are ever written, so a write cut off by a power failure cannot harm a neighbour. On a
// disk whose sectors are pages it reads the rest of the page first, and writes all of it.
//
// States of a page: free -> valid (read, or written over) -> dirty -> valid (written back) -> free.
// Dirty pages are written back when half of the pages are dirty, when no clean page is left, and by
// flush(), in ascending order with neighbours in one request. Between two flushes the disk may see
// writes in any order; what was written before a flush() that answered OK is on the medium.
#pragma once

#include <array>

#include "servers/block/client.hpp"

namespace volume {

class Cache {
  public:
    static constexpr u32 kPageBytes = block::kPageBytes;
    static constexpr u32 kSectorBytes = block::kSectorBytes;
    static constexpr u32 kPages = 1024;   // At most that many of the pool are used.
    static constexpr u32 kReadAhead = 16; // Pages in one read of a sequential reader.
    static constexpr u32 kUnlimited = ~u32{0};

    // `disk`: start() has succeeded.
    explicit Cache(block::Client &disk);

    u64 bytes() const { return disk_.disk().sectors * kSectorBytes; }
    bool read_only() const { return disk_.disk().read_only != 0; }
    const block::Disk &disk() const { return disk_.disk(); }

    // ERR_ARG: outside the disk. Else what the driver said.
    sel::Result<> read(u64 offset, std::span<u8> out);
    // Whole sectors only. The error may be that of an earlier write which had to be written back.
    sel::Result<> write(u64 offset, std::span<const u8> data);
    // Everything written so far is on the medium. After an error what failed is still dirty.
    sel::Result<> flush();
    // Forgets what is dirty: what is read from now on is on the disk.
    void discard();

    // How many calls of read() and write() are allowed from now on, before they answer ERR_IO: a
    // file system that follows the links of a damaged disk in a circle comes to an end.
    void allow(u32 calls) { allowed_ = calls; }

    bool clean() const { return dirty_ == 0 && flushed_; }

    struct Counts {
        u64 hits, misses, pages_read, pages_written, flushes;
    };
    const Counts &counts() const { return counts_; }
    u32 dirty() const { return dirty_; }
    u32 pages() const { return pages_; }

    // What is in the cache at `offset`, if all of it is and lies in one page: until the next call. nullptr: it is not.
    const u8 *peek(u64 offset, std::size_t size) {
        return allowed() ? present(offset, size) : nullptr;
    }

  private:
    static constexpr u32 kPageSectors = block::kPageSectors;
    static constexpr u32 kBuckets = 1024;
    static constexpr u16 kNone = 0xffff;
    static constexpr u64 kNoPage = ~u64{0};

    struct Entry {
        u64 page = kNoPage; // Number on the disk.
        u16 next = kNone;   // In the bucket.
        u8 valid = 0;       // Bit i: sector i.
        u8 dirty = 0;
        bool used_lately = false;
        bool busy = false; // Part of what is being done now: not to be taken.
    };
    // A request of write_back(): `count` entries from order_[first] on, their sectors `mask`.
    struct Piece {
        u16 first, count;
        u8 mask;
    };

    bool allowed();
    u8 *memory(u16 index) const { return disk_.page(static_cast<u16>(index + 1)).data(); }
    u8 sectors_of(u64 page) const; // Those inside the disk.
    u8 touched(u32 offset, u32 bytes) const;
    u16 find(u64 page) const;
    sel::Result<u16> claim(u64 page);
    u16 victim();
    void forget(u16 index);
    const u8 *present(u64 offset, std::size_t size);
    sel::Result<> read_pages(u64 offset, std::span<u8> out);
    sel::Result<u16> load(u64 page, u8 sectors, u32 wanted = 1);
    sel::Result<u16> entry_for_write(u64 page, bool whole);
    sel::Result<u16> load_absent(u64 page, u8 sectors, u32 wanted);
    sel::Result<> load_ahead(u64 page, u16 first, u32 wanted);
    sel::Result<> load_missing(u16 index, u8 sectors);
    sel::Result<> write_back();
    u32 collect_dirty();
    sel::Result<> add_pieces(u32 from, u32 dirty, u32 &next);
    sel::Result<> add_piece(const Piece &piece);
    sel::Result<> run_pieces();

    block::Client &disk_;
    u32 pages_;
    u32 dirty_ = 0;
    bool flushed_ = true; // No write since the last flush.
    u32 allowed_ = kUnlimited;
    u16 hand_ = 0;
    u64 expected_ = kNoPage; // Behind the last page read: the next one of a sequential reader.
    u32 piece_count_ = 0;
    Counts counts_{};
    std::array<Entry, kPages> entry_{};
    std::array<u16, kBuckets> bucket_;
    std::array<u16, kPages> order_{};
    std::array<Piece, block::kRequests> piece_{};
};

} // namespace volume
