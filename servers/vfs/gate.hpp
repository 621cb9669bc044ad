// Gate: one thread at a time is in a file system, and what comes meanwhile is left to it.
// SPDX-License-Identifier: BSD-2-Clause
//
//   nobody is in   0, or work that somebody is rung for
//   one is in      kIn, and a bit for each job that waits
// Who comes in with enter() or push() stays until leave() lets it go, or next() has no more work.
#pragma once

#include <atomic>

#include "abi/types.h"

namespace vfs {

class Gate {
  public:
    static constexpr u64 kIn = 1ull << 63;
    static constexpr u64 kSweep =
        1ull << 62; // Clients have ended, or closed all. Other bits: a job each.
    static constexpr u32 kJobs = 62;

    static constexpr u64 job(u32 number) { return 1ull << number; } // Below kJobs.

    // Nobody is in, and nothing is to be done: the caller is in now.
    bool enter() {
        u64 idle = 0;
        return state_.compare_exchange_strong(idle, kIn);
    }
    // The same, if there is work and nobody is in.
    bool enter_for_work() {
        u64 state = state_.load();
        while (state != 0 && (state & kIn) == 0) {
            if (state_.compare_exchange_weak(state, state | kIn)) {
                return true;
            }
        }
        return false;
    }
    // Leaves work here. True: nobody was in, and the caller is now.
    bool push(u64 work) { return (state_.fetch_or(kIn | work) & kIn) == 0; }
    // Only leaves it: somebody must be rung. False: whoever is in will do it.
    bool note(u64 work) { return (state_.fetch_or(work) & kIn) == 0; }

    // For who is in. True: it is out; false: there is work.
    bool leave() {
        u64 in = kIn;
        return state_.compare_exchange_strong(in, 0);
    }
    // Some work, sweeping first, jobs in turns; 0: there is none, and the caller is out.
    u64 next() {
        while (!leave()) {
            u64 work = state_.load() & ~kIn;
            if (work != 0) {
                u64 jobs = work & ~kSweep, later = jobs & ~((turn_ << 1) - 1);
                u64 chosen = (work & kSweep) != 0 ? kSweep : lowest(later != 0 ? later : jobs);
                turn_ = chosen == kSweep ? turn_ : chosen;
                state_.fetch_and(~chosen);
                return chosen;
            }
        }
        return 0;
    }

  private:
    static u64 lowest(u64 bits) { return bits & (0 - bits); }

    std::atomic<u64> state_ = 0;
    u64 turn_ = 0; // The last job: of who is in.
};

} // namespace vfs
