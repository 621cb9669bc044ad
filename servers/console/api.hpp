// Console: text in and out of the serial port. The only header for its clients.
// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include "sel/client.hpp"

namespace console {

inline constexpr u32 kChunk = 896; // Bytes in one message.
using Chunk = sel::Bytes<kChunk>;

// Prints; '\n' leaves as "\r\n". Waits while the output buffer is full. Answer: bytes taken,
// at least one; the caller sends the rest again.
struct Write : sel::Asks<u32> {
    Chunk data;
};

struct Input {
    Chunk data;
};

// Takes what has been typed, as it came; waits until there is at least one byte.
// ERR_BUSY: another client is waiting already.
struct Read : sel::Asks<Input> {};

struct Status {
    u32 overruns; // Times that bytes were lost in the chip.
    u32 waiting;  // Clients that wait for room.
};
struct GetStatus : sel::Asks<Status> {};

using Api = sel::Protocol<Write, Read, GetStatus>;

} // namespace console
