// The wheel: every timer of threads and scheduling contexts, in one hierarchical timing wheel.
// SPDX-License-Identifier: BSD-2-Clause
//
// 8 levels of 64 slots cover 2^48 ticks. A timer is at the level of the first base-64 digit in which
// its due time differs from WHEEL.now, in the slot of that digit; so nothing wraps around, and the
// first slot in time is the lowest bit of the lowest level. When the clock reaches a slot above level
// 0, its timers move down one a step: at most 8 steps in the life of a timer.
// The queue of level l (0..7), slot s is WHEEL.queue[64 * (l + 1) + s].
// Keeps INV-42 (kernel/spec/wheel.h).
#ifndef CORE_WHEEL_H
#define CORE_WHEEL_H

#include "core/view.h"
#include "spec/wheel.h"

#define WHEEL_LIMIT 0x1000000000000u // Due times are below it.
#define WHEEL_NEVER 0x3fffffffffffffu
enum { WHEEL_DONE = 0, WHEEL_MORE = 1 }; // No timer has these indices.

// Timer n, which is off, expires at `due`: later than WHEEL.now, below WHEEL_LIMIT.
/*@ requires wf: wheel;
    requires n: timer(n) && TIMER(n).queue == 0;
    requires due: WHEEL.now < due < 281474976710656;
    requires room: wheel_room;
    terminates \true; exits \false;
    assigns timer_view[0 .. 0xffffffff].next, timer_view[0 .. 0xffffffff].prev,
        timer_view[n].due, timer_view[n].queue, WHEEL.queue[0 .. 575], WHEEL.bitmap[0 .. 7], WHEEL.summary,
        g_level[n], g_slot[n], g_age[n], g_ages;
    ensures s0: slots_in;
    ensures s1: slots_next;
    ensures s2: slots_prev;
    ensures s3: slots_order;
    ensures s4: slots_first;
    ensures s5: slots_distinct;
    ensures s6: slots_ends;
    ensures w1: wheel_shape;
    ensures w2: wheel_upper;
    ensures w3: wheel_lower;
    ensures w4: wheel_current;
    ensures w5: wheel_clock;
    ensures w6: wheel_summary;
    ensures w7: wheel_high;
    ensures w8: wheel_marked;
    ensures w9: wheel_marks;
    ensures in: on(n) && !emptying(n) && TIMER(n).due == due && at_level(due, g_level[n], WHEEL.now);
    ensures frame: \forall integer m; timer(m) && m != n ==>
        TIMER(m).queue == \old(TIMER(m).queue) && TIMER(m).due == \old(TIMER(m).due);
    ensures lower: \forall integer k; 0 <= k < g_level[n] ==> sh(due, k) != sh(WHEEL.now, k);
    ensures once: g_ages == \old(g_ages) + 1; */
void wheel_insert(u32 n, u64 due);

// Timer n, which is on, will not expire.
/*@ requires wf: wheel;
    requires n: on(n);
    terminates \true; exits \false;
    assigns timer_view[0 .. 0xffffffff].next, timer_view[0 .. 0xffffffff].prev, timer_view[n].queue,
        WHEEL.queue[0 .. 575], WHEEL.bitmap[0 .. 7], WHEEL.summary, g_level[n];
    ensures s0: slots_in;
    ensures s1: slots_next;
    ensures s2: slots_prev;
    ensures s3: slots_order;
    ensures s4: slots_first;
    ensures s5: slots_distinct;
    ensures s6: slots_ends;
    ensures w1: wheel_shape;
    ensures w2: wheel_upper;
    ensures w3: wheel_lower;
    ensures w4: wheel_current;
    ensures w5: wheel_clock;
    ensures w6: wheel_summary;
    ensures w7: wheel_high;
    ensures w8: wheel_marked;
    ensures w9: wheel_marks;
    ensures frame: \forall integer m; timer(m) && m != n ==> TIMER(m).queue == \old(TIMER(m).queue);
    ensures out: TIMER(n).queue == 0; */
void wheel_cancel(u32 n);

// One bounded step towards time `now`. WHEEL_DONE: nothing due is left. WHEEL_MORE: call again.
// Otherwise a timer that has expired; it is off.
//@ ghost u32 g_moved; // The timer that a step took out or moved, 0: none.
/*@ requires wf: wheel;
    requires now: WHEEL.now <= now < 281474976710656;
    requires room: wheel_room;
    terminates \true; exits \false;
    assigns timer_view[0 .. 0xffffffff].next, timer_view[0 .. 0xffffffff].prev,
        timer_view[0 .. 0xffffffff].due, timer_view[0 .. 0xffffffff].queue,
        WHEEL.queue[0 .. 575], WHEEL.bitmap[0 .. 7], WHEEL.summary,
        WHEEL.now, WHEEL.level, WHEEL.slot, g_level[0 .. 0xffffffff], g_slot[0 .. 0xffffffff],
        g_age[0 .. 0xffffffff], g_ages, g_moved;
    ensures s0: slots_in;
    ensures s1: slots_next;
    ensures s2: slots_prev;
    ensures s3: slots_order;
    ensures s4: slots_first;
    ensures s5: slots_distinct;
    ensures s6: slots_ends;
    ensures w1: wheel_shape;
    ensures w2: wheel_upper;
    ensures w3: wheel_lower;
    ensures w4: wheel_current;
    ensures w5: wheel_clock;
    ensures w6: wheel_summary;
    ensures w7: wheel_high;
    ensures w8: wheel_marked;
    ensures w9: wheel_marks;
    ensures clock: \old(WHEEL.now) <= WHEEL.now <= now;
    ensures room: g_ages <= \old(g_ages) + 1;
    ensures result: \result == WHEEL_DONE || \result == WHEEL_MORE || timer(\result);
    ensures frame: \forall integer n; timer(n) && n != g_moved ==>
        TIMER(n).due == \old(TIMER(n).due) && TIMER(n).queue == \old(TIMER(n).queue);
    ensures done: \result == WHEEL_DONE ==>
        g_moved == 0 && WHEEL.now == now && (\forall integer n; on(n) ==> now < TIMER(n).due);
    ensures expired: \result != WHEEL_DONE && \result != WHEEL_MORE ==> \let n = \result;
        g_moved == n && \old(on(n)) && TIMER(n).queue == 0 && \old(TIMER(n).due) == WHEEL.now;
    ensures order: \result != WHEEL_DONE && \result != WHEEL_MORE ==>
        (\forall integer n; on(n) ==> WHEEL.now <= TIMER(n).due);
    ensures moved: \result == WHEEL_MORE ==> \let n = g_moved;
        on(n) && \old(on(n)) && TIMER(n).due == \old(TIMER(n).due);
    ensures lower: \result == WHEEL_MORE ==> \let n = g_moved; g_level[n] < \old(g_level[n]); */
u32 wheel_step(u64 now);

// Nothing expires before the time returned. WHEEL_NEVER: no timer is on.
/*@ requires wf: wheel;
    terminates \true; exits \false; assigns \nothing;
    ensures early: \forall integer n; on(n) ==> \result <= TIMER(n).due;
    ensures never: \result == WHEEL_NEVER <==> (\forall integer n; !on(n));
    ensures later: WHEEL.now <= \result;
    ensures range: \result <= WHEEL_NEVER; */
u64 wheel_next(void);

/*@ terminates \true; exits \false; assigns \nothing;
    ensures r: \result != 0 <==> TIMER(n).queue != 0; */
static inline u32 wheel_has(u32 n) {
    return TIMER(n).queue != 0;
}

#endif
