// Clock: ticks of the kernel (sel::now()) and nanoseconds, into each other.
// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include "sel/environment.hpp"
#include "sel/kernel.hpp"

namespace sel {

// Converts between ticks and time at a given time-stamp counter frequency. 128-bit arithmetic, so
// nothing overflows; a result that does not fit saturates.
class Clock {
  public:
    explicit constexpr Clock(u64 tsc_hz) : tsc_hz_{tsc_hz != 0 ? tsc_hz : kAssumedHz} {}

    constexpr u64 ticks(u64 ns) const {
        return scale(ns, tsc_hz_, static_cast<Wide>(kSecond) << CLOCK_SHIFT);
    }
    constexpr u64 nanoseconds(u64 ticks) const {
        return scale(ticks, static_cast<Wide>(kSecond) << CLOCK_SHIFT, tsc_hz_);
    }

    static constexpr u64 kSecond = 1'000'000'000;

  private:
    __extension__ using Wide = unsigned __int128;
    static constexpr u64 kAssumedHz = 1'000'000'000; // When the boot found no frequency.

    static constexpr u64 scale(u64 value, Wide by, Wide over) {
        Wide scaled = value * by / over;
        return scaled > kForever ? kForever : static_cast<u64>(scaled);
    }

    u64 tsc_hz_;
};

inline Clock clock() {
    return Clock{environment().tsc_hz};
}

// For time-outs: client.call_within(sel::milliseconds(200), ...).
inline u64 milliseconds(u64 ms) {
    return clock().ticks(ms * 1'000'000);
}

} // namespace sel
