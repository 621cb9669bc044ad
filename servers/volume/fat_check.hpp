// FatCheck: do the chains of a FAT belong together? Changes nothing.
// SPDX-License-Identifier: BSD-2-Clause
//
// Goes through all directories, and follows the chain of each file and directory: a cluster has one
// owner, a chain ends, and it is as long as the size says. What is in use and has no owner is lost.
// Work is counted in units (a link, an entry, 64 places of the table), so that it can be done in
// steps. What it calls damaged fsck.vfat calls so, too; it does not compare the copies of the FAT.
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
    sel::Result<> begin(Cache &cache, const FATFS &fs);
    // Does about so much; true: that was all. ERR_IO: the table cannot be read.
    sel::Result<bool> step(u32 units);
    u32 damaged() const { return damaged_; }

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
        u32 expected;   // By the size of the file.
        bool directory;
    };

    sel::Result<Link> look_up(u32 cluster, u32 &next);
    sel::Result<> follow();
    void end_chain(bool sound);
    sel::Result<> read_entry();
    sel::Result<> next_cluster(Directory &directory);
    sel::Result<> look_for_lost();
    bool take(u32 cluster);
    bool taken(u32 cluster) const { return (taken_[cluster / 8] >> cluster % 8 & 1) != 0; }
    u32 entries(const Directory &directory) const;
    u64 place(const Directory &directory) const;

    Cache *cache_ = nullptr;
    const FATFS *fs_ = nullptr;
    u32 damaged_ = 0;
    u32 depth_ = 0; // 0: all directories have been read.
    u32 lost_from_ = 0;
    bool lost_ = false;
    Chain chain_{};
    std::array<Directory, kDepth> open_{};
    std::array<u8, kClusters / 8> taken_{};
};

} // namespace volume
