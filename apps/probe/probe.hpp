// Probe: experiments, and the threads that they use.
// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include "probe.caps.hpp"

#include "sel/clock.hpp"
#include "sel/format.hpp"
#include "sel/thread.hpp"

namespace probe {

using Line = sel::Text<120>;

// Each writes its numbers to the line; false: it could not be done.
bool measure_budget(Line &line);
bool measure_priority(Line &line);
bool measure_turns(Line &line);
bool measure_timeouts(Line &line);
bool measure_passive(Line &line);
bool measure_vectors(Line &line);
bool measure_restarts(Line &line);
bool leave_keys(Line &line);
bool fill_time(Line &line);

extern sel::AllocatorOf<24, 96> memory;

inline constexpr u8 kPriority = 60; // As in the manifest.

// `place`: 0, 1. `priority`: at most kPriority, so it runs when the caller waits.
inline bool start(sel::Thread &thread, u32 place, sel::SchedContext context, u8 priority,
                  sel::Thread::Entry entry, void *argument) {
    constexpr u64 kRoom = 0x10000;
    constexpr u32 kStackPages = 4;
    sel::ThreadSetup setup{
        caps::space, caps::cspace, context, priority, sel::kWindowBase + place * kRoom,
        kStackPages};
    return thread.start(setup, entry, argument).ok() && thread.tcb().vector(true).ok();
}

inline void sleep(u64 ms) {
    [[maybe_unused]] auto nothing = caps::signals.wait(sel::milliseconds(ms));
}

// Microseconds of the processor that the thread has used.
inline u64 used_us(const sel::Thread &thread) {
    auto info = thread.tcb().thread_info();
    return info ? sel::clock().nanoseconds(info->ticks_used) / 1000 : 0;
}

} // namespace probe
