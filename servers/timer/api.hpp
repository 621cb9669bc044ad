// Timer: sleeping, periodic signals and the time of day. The only header for its clients.
// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include "sel/client.hpp"

namespace timer {

// Answers after `ns` nanoseconds. ERR_FULL: too many sleepers.
struct Sleep : sel::Asks<> {
    u64 ns;

    u32 patience_ms() const {
        constexpr u64 kMillisecond = 1'000'000;
        u64 ms = ns / kMillisecond;
        return ms < sel::kNoLimit - sel::kPatienceMs ? static_cast<u32>(ms) + sel::kPatienceMs
                                                     : sel::kNoLimit;
    }
};

// Nanoseconds since boot.
struct Uptime : sel::Asks<u64> {};

// Seconds since 1970-01-01 00:00 as the CMOS clock says, which is taken to run in UTC. ERR_IO:
// there is no working clock.
struct Date : sel::Asks<u64> {};

// Signals the Notification that comes along every `ns` nanoseconds (at least kPeriodMin).
// Answer: its number, for Cancel. ERR_ARG: none came along. ERR_FULL: too many.
inline constexpr u64 kPeriodMin = 100'000;
struct Periodic : sel::Asks<u32> {
    static constexpr bool kBrings = true;
    u64 ns;
};
struct Cancel : sel::Asks<> {
    u32 number;
};

using Api = sel::Protocol<Sleep, Uptime, Date, Periodic, Cancel>;

} // namespace timer
