// Crowd: all servers together leave a part of the processor to who is below them, whatever they say.
// SPDX-License-Identifier: BSD-2-Clause
//
// What each has used is the kernel's count. When all together have used more than kMost for a second, none
// of them gets more than a bound, at which they would have used kBound: those that use least keep all of
// it. When they use less than kLess they have their budgets again (adr/0084).
#pragma once

#include <span>

#include "abi/types.h"

namespace root {

class Crowd {
  public:
    static constexpr u32 kAll = 1000; // Per mille of the processor, as all numbers here.
    static constexpr u32 kMost = 750, kBound = 700, kLess = 600;
    static constexpr u32 kPatienceMs = 1000;
    static constexpr u32 kLookMostMs = 500; // That one look counts for.

    // `used`: by each server, in the `ms` milliseconds since the last look.
    void look(std::span<const u32> used, u32 ms) {
        u32 all = sum(used, kAll);
        over_ms_ = all > kMost ? over_ms_ + (ms < kLookMostMs ? ms : kLookMostMs) : 0;
        if (over_ms_ >= kPatienceMs) {
            over_ms_ = 0;
            bound_ = find_bound(used);
        } else if (all < kLess) {
            bound_ = kAll;
        }
    }

    // What a server has at most of each of its periods; kAll: no bound.
    u32 bound() const { return bound_; }

  private:
    static u32 sum(std::span<const u32> used, u32 bound) {
        u32 all = 0;
        for (u32 one : used) {
            all += one < bound ? one : bound;
        }
        return all;
    }

    static u32 find_bound(std::span<const u32> used) {
        u32 bound = 1;
        for (u32 step = 512; step != 0; step /= 2) {
            bound += sum(used, bound + step) <= kBound ? step : 0;
        }
        return bound;
    }

    u32 over_ms_ = 0;
    u32 bound_ = kAll;
};

} // namespace root
