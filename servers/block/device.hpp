// What a disk driver and the server in front of it say to each other.
// SPDX-License-Identifier: BSD-2-Clause
//
// A device is a class with
//   const Geometry &geometry() const
//   void submit(u32 tag, const Command &)     `tag` is below depth and not in flight
//   bool collect(Outcomes &)                  what has ended, each tag that is in flight once at most;
//                                             false: the device talks nonsense and must be reset
//   bool reset()                              nothing is in flight any more, or false: it is dead. The
//                                             other disks of its controller go on
// and, for its driver (driver.hpp), which makes one for each disk,
//   static constexpr u32 kPages               of its pool, from page 0 on
//   bool stop()                               its controller forgets all addresses of an earlier life
//   u32 find()                                after stop(), with DMA on; bit i: a disk at place i of the
//                                             controller
//   bool start(u32 place)                     behind a find(); then geometry() holds
//
// It reaches its hardware through a Bus (servers/driver/bus.hpp).
#pragma once

#include <algorithm>
#include <bit>

#include "servers/block/api.hpp"
#include "servers/driver/bus.hpp"

namespace block {

inline constexpr u32 kTags = 32; // Commands in flight at most.

using driver::Piece;

// A request after all checks. Read and Write: the pieces have as many bytes as the sectors; all but
// the first begin at a page, all but the last end at one.
struct Command {
    Op op;
    bool fua;
    u64 sector; // Of the whole disk.
    u32 sectors;
    u32 pieces;
    Piece piece[kRequestPages];
};

struct Geometry {
    u64 sectors = 0;                 // Of kSectorBytes; 0: no device.
    u32 sector_bytes = kSectorBytes; // Its own: commands are whole ones of these. Or kPageBytes.
    u32 depth = 1;                   // Tags, at most kTags.
    u32 pages_max = kRequestPages;
    bool read_only = false;
    bool flush = false; // It has a cache, and commands to empty it; else Flush has nothing to do.
    bool fua = false;   // It knows Command::fua; else the server sends a Flush behind the write.
    bool discard = false;
    sel::Text<40> name;
};

inline bool is_sector_size(u64 bytes) {
    return bytes == kSectorBytes || bytes == kPageBytes;
}

struct Outcomes {
    struct Outcome {
        u32 tag;
        error_t error; // OK or ERR_IO.
    };
    u32 count = 0;
    Outcome item[kTags];

    void add(u32 tag, error_t error) {
        if (count < kTags) {
            item[count++] = {tag, error};
        }
    }
};

} // namespace block
