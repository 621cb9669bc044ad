// Log: messages of all servers, in the order of their arrival. The only header for its clients.
// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include "sel/log.hpp"

namespace logging {

inline constexpr u32 kAnySource = ~u32{0};

struct Line {
    u64 sequence; // Ask for sequence + 1 to go on.
    u64 time_ns;  // Since boot.
    u32 source;   // Number of the program.
    sel::Level level;
    sel::Text<sel::kLogLineBytes> data;

    bool sound() const { return level <= sel::Level::DEBUG; }
};

// The oldest line that is still there, not before sequence number `since`, of `level` or
// worse. ERR_EMPTY: there is none.
struct Read : sel::Asks<Line> {
    u64 since;
    sel::Level level;
    u32 source; // Or kAnySource.

    bool accepts(const Line &line) const { return line.sequence >= since; }
};

struct Range {
    u64 first, next; // Sequence numbers: the oldest line kept, and the next one to be written.
};
struct GetRange : sel::Asks<Range> {};

using Writer = sel::Protocol<sel::LogLine>;   // What every server gets.
using Reader = sel::Protocol<Read, GetRange>; // What the shell gets.

} // namespace logging
