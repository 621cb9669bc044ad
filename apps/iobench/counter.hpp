// Counter: the instructions of everything in the machine that works for somebody.
// SPDX-License-Identifier: BSD-2-Clause
//
// Under `-icount shift=0` the time-stamp counter counts instructions, but it also moves on while the
// processor waits for a disk. So it never waits: a thread of the lowest priority takes what is left,
// and counts its turns, of which each is two instructions. What remains is the work of all threads
// and of the kernel, interrupts included, whichever way the time of the disk falls.
#pragma once

#include "sel/thread.hpp"

namespace iobench {

class Counter {
  public:
    // `thread`: of priority 1.
    explicit Counter(sel::ReadyThread thread) : thread_{thread} {}

    // Runs until the program ends.
    sel::Result<> start() { return thread_.start(turn_for_ever, &turns_); }

    // Instructions up to now that were not spent waiting.
    u64 now() const {
        u64 all = __builtin_ia32_rdtsc();
        return all - __atomic_load_n(&turns_, __ATOMIC_RELAXED) * kInstructionsPerTurn;
    }

  private:
    static constexpr u64 kInstructionsPerTurn = 2;

    static void turn_for_ever(void *turns) {
        asm volatile("1: incq %0\n\tjmp 1b" : "+m"(*static_cast<u64 *>(turns)));
    }

    u64 turns_ = 0;
    sel::ReadyThread thread_;
};

} // namespace iobench
