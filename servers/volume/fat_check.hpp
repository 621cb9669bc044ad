// FatCheck: do the chains of a FAT belong together? If told to, makes them.
// SPDX-License-Identifier: BSD-2-Clause
//
// Goes through all directories, and follows the chain of each file and directory: a cluster has one
// owner, a chain ends, and it is as long as the size says. What is in use and has no owner is lost. All
// copies of the table are the same.
//
// Repair does what `fsck.vfat -a` does. Whoever comes second to a cluster ends before it; so does a chain that goes
// round, or on to what is free, bad or no cluster, and one that is longer than the size says. A
// size that its chain does not have becomes what the chain has. A directory without a first cluster
// becomes an empty file. What is lost is free, and the first copy of the table is that of all others, as is the count of what is free.
// Each change makes the disk better by itself, so that it may be the last one.
//
// Work is counted in units (a link, an entry, 64 places of the table), so that it can be done in
// steps. What it calls damaged fsck.vfat calls so, too.
#pragma once

#include <array>

#include "servers/volume/cache.hpp"

#include <ff.h>

namespace volume {

class FatCheck {
  public:
    static constexpr u32 kClusters = 1 << 20; // Of a volume, at most.
    static constexpr u32 kDepth = 128;        // A path of 255 bytes has 127 names.

    // ERR_FULL: it has more clusters. `fs` is mounted on `cache`.
    sel::Result<> begin(Cache &cache, const FATFS &fs, bool repair);
    // Does about so much; true: that was all. ERR_IO: the table cannot be read, or nothing written.
    sel::Result<bool> step(u32 units);
    u32 damaged() const { return damaged_; }
    u32 repaired() const { return repaired_; } // Of these.
    // Clusters that were used or have been found, of `clusters()`: how far it is.
    u32 clusters() const { return static_cast<u32>(fs_->n_fatent); }
    u32 seen() const { return seen_; }

  private:
    static constexpr u32 kEntryBytes = 32;
    static constexpr u32 kNone = 0;

    enum class Link : u32 { Free, Bad, Last, Next, Nonsense };
    struct Directory {
        u32 cluster;  // That is being read; kNone: the root directory of FAT12 and FAT16.
        u32 entry;    // In it.
        u32 clusters; // That are left, this one among them.
    };
    struct Chain {
        u32 first, now; // kNone: no chain is being followed.
        u32 count;      // Of clusters so far.
        u32 last;       // Before `now`; kNone: there is none.
        u32 size;       // Of the file.
        u64 entry;      // Its place on the disk; 0: the root directory has none.
        bool directory;
    };
    enum class Phase { Chains, Lost, Copies, Notes, Done };

    sel::Result<Link> look_up(u32 cluster, u32 &next);
    sel::Result<> put(u64 place, std::span<const u8> bytes);
    sel::Result<> set_link(u32 cluster, u32 value);
    sel::Result<> unit();
    sel::Result<> follow();
    sel::Result<> cut();
    sel::Result<> set_size();
    sel::Result<> put_size(u32 bytes);
    void end_chain();
    void found();
    sel::Result<> mend(const sel::Result<> &done);
    sel::Result<> read_entry();
    sel::Result<> begin_chain(const u8 *entry, u64 at);
    sel::Result<> next_cluster(Directory &directory);
    sel::Result<> look_for_lost();
    sel::Result<> compare_copies();
    sel::Result<> clear_mark();
    sel::Result<> set_free();
    u32 sector_bytes() const { return fs_->ssize; }
    u32 cluster_bytes() const { return fs_->csize * sector_bytes(); }
    u32 expected(const Chain &chain) const {
        return static_cast<u32>((u64{chain.size} + cluster_bytes() - 1) / cluster_bytes());
    }
    bool take(u32 cluster);
    bool taken(u32 cluster) const { return (taken_[cluster / 8] >> cluster % 8 & 1) != 0; }
    u32 entries(const Directory &directory) const;
    u64 place(const Directory &directory) const;

    Cache *cache_ = nullptr;
    const FATFS *fs_ = nullptr;
    bool repair_ = false;
    u32 damaged_ = 0, repaired_ = 0;
    u32 seen_ = 0, free_ = 0;
    u32 depth_ = 0; // 0: all directories have been read.
    u32 lost_from_ = 0, sector_ = 0;
    bool lost_ = false, differ_ = false;
    Phase phase_ = Phase::Done;
    Chain chain_{};
    std::array<Directory, kDepth> open_{};
    std::array<u8, kClusters / 8> taken_{};
};

} // namespace volume
