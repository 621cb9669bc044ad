// The wheel: every timer of threads and scheduling contexts, in one hierarchical timing wheel.
// SPDX-License-Identifier: BSD-2-Clause
//
// 8 levels of 64 slots cover 2^48 ticks. A timer is at the level of the first base-64 digit in which
// its due time differs from K.wheel.now, in the slot of that digit; so nothing wraps around, and the
// first slot in time is the lowest bit of the lowest level. When the clock reaches a slot above level
// 0, its timers move down one a step: at most 8 steps in the life of a timer.
// The queue of level l (0..7), slot s is K.wheel.queue[64 * (l + 1) + s].
#ifndef CORE_WHEEL_H
#define CORE_WHEEL_H

#include "core/view.h"

#define WHEEL_LIMIT 0x1000000000000u // Due times are below it.
#define WHEEL_NEVER 0xffffffffffffffffu
enum { WHEEL_DONE = 0, WHEEL_MORE = 1 }; // No timer has these indices.

// Timer n, which is off, expires at `due`: later than K.wheel.now, below WHEEL_LIMIT.
void wheel_insert(u32 n, u64 due);

// Timer n, which is on, will not expire.
void wheel_cancel(u32 n);

// One bounded step towards time `now`. WHEEL_DONE: nothing due is left. WHEEL_MORE: call again.
// Otherwise a timer that has expired; it is off.
u32 wheel_step(u64 now);

// Nothing expires before the time returned. WHEEL_NEVER: no timer is on.
u64 wheel_next(void);

static inline u32 wheel_has(u32 n) {
    return TIMER(n).queue != 0;
}

#endif
