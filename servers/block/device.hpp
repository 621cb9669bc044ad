// What a disk driver and the server in front of it say to each other.
// SPDX-License-Identifier: BSD-2-Clause
//
// A device is a class with
//   const Geometry &geometry() const
//   void submit(u32 tag, const Command &)     `tag` is below depth and not in flight
//   bool collect(Outcomes &)                  what has ended, each tag that is in flight once at most;
//                                             false: the device talks nonsense and must be reset
//   bool reset()                              nothing is in flight any more, or false: it is dead
#pragma once

#include "servers/block/api.hpp"

namespace block {

inline constexpr u32 kTags = 32; // Commands in flight at most.

// Memory without a gap in it, as the device sees it.
struct Piece {
    u64 physical;
    u32 bytes;
};

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
    u64 sectors = 0; // 0: no device.
    u32 depth = 1;   // Tags, at most kTags.
    u32 pages_max = kRequestPages;
    bool read_only = false;
    bool flush = false; // It has a cache, and commands to empty it; else Flush has nothing to do.
    bool fua = false;   // It knows Command::fua; else the server sends a Flush behind the write.
    bool discard = false;
    sel::Text<40> name;
};

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
