// Console: how screens and keyboards of other servers belong to its terminal. The only header for these; what programs
// ask is servers/stream/api.hpp.
// SPDX-License-Identifier: BSD-2-Clause
//
// All that the terminal shows goes to the serial line and to who asks for it with Show; what Type brings is typed, as
// if on the serial line. Neither is waited for: a screen that is slow misses lines, and one that starts anew gets what
// it showed before, as far as the console has kept it.
#pragma once

#include "servers/stream/api.hpp"

namespace console {

struct Shown {
    u64 life; // Of the console: positions count from 0 in each.
    u64 at;   // Position of the first byte.
    stream::Chunk data;
};

// What is shown from position `at` of `life` on; waits until there is something. Answer: what is kept of it, at least
// one byte. If it begins elsewhere the bytes before are gone (or of another life): it begins with a line then.
// ERR_BUSY: another one asks.
struct Show : sel::Asks<Shown, sel::kNoLimit> {
    u64 life, at;
    u32 columns, rows; // Of the screen.
};

// Answer: bytes taken, the first ones; for the rest there is no room.
struct Type : sel::Asks<u32> {
    stream::Chunk data;

    bool accepts(u32 taken) const { return taken <= data.size; }
};

using Screen = sel::Protocol<Show>;
using Keyboard = sel::Protocol<Type>;

} // namespace console
