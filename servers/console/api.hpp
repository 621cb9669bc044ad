// Console: text in and out of the serial port. The only header for its clients.
// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include "sel/client.hpp"

namespace console {

inline constexpr u32 kChunk = 896; // Bytes in one message.
using Chunk = sel::Bytes<kChunk>;

// Prints; '\n' leaves as "\r\n". Waits while the output buffer is full. Answer: bytes taken,
// at least one and no more than there were (put_all() sees to that); the caller sends the rest again.
// ERR_FULL: too many wait already, in all or of this client. ERR_BUSY: there has been no room for kRoomMs,
// say because a terminal has stopped the output; ask again.
inline constexpr u32 kRoomMs = 500;
struct Write : sel::Asks<u32> {
    Chunk data;

    bool accepts(u32 taken) const { return taken <= data.size && (taken != 0 || data.size == 0); }
};

struct Input {
    Chunk data;
};

// Takes what has been typed, as it came; waits until there is at least one byte. What does not reach the
// reader, because it died or gave up, stays for the next one. ERR_BUSY: another client waits.
struct Read : sel::Asks<Input, sel::kNoLimit> {};

struct Status {
    u32 overruns; // Times that bytes were lost in the chip.
    u32 waiting;  // Clients that wait for room.
};
struct GetStatus : sel::Asks<Status> {};

using Api = sel::Protocol<Write, GetStatus>;
using Keyboard =
    sel::Protocol<Read>; // For the program in front: nobody else can read what is typed.

// Prints all of it, waiting at most about `ticks` for each piece. What a console that dies had in hand may be
// printed twice.
inline sel::Result<> put_all(const sel::Client<Api> &console, std::string_view text,
                             u64 ticks = sel::kForever) {
    constexpr u32 kTries = 3;
    sel::Result<> done;
    u64 begun = sel::now();
    for (u32 failures = 0; !text.empty() && failures < kTries;) {
        Write write;
        write.data.assign({reinterpret_cast<const u8 *>(text.data()), text.size()});
        sel::Result<u32> taken = console.call_within(ticks, write);
        text.remove_prefix(taken.value_or(0));
        done = taken.error();
        if (taken.ok()) {
            failures = 0;
            begun = sel::now();
        } else if (taken.error() == ERR_RESTARTED) {
            failures++;
        } else if (taken.error() != ERR_BUSY || sel::now() - begun >= ticks) {
            return done;
        }
    }
    return done;
}

} // namespace console
