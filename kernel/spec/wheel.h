// Vocabulary of the proofs: the wheel of timers (core/wheel.h).
// SPDX-License-Identifier: BSD-2-Clause
//
// Ghost state: g_level[n] (level + 1, 0: off) and g_slot[n] say what TIMER(n).queue says in one
// number; g_age[n] is the ticket of timer n in its slot's queue.
#ifndef SPEC_WHEEL_H
#define SPEC_WHEEL_H

#include "core/view.h"
#include "spec/bits.h"

//@ ghost u32 g_level[0x100000000]; u32 g_slot[0x100000000]; u64 g_age[0x100000000]; u64 g_ages;

/*@ // x / 64^l. Written as a recursion so that the provers see an equation with a trigger, no macro.
    logic integer sh(integer x, integer l) = l < 0 ? sh(x, 0) : l == 0 ? x : l == 1 ? x / 64 :
        l == 2 ? x / 4096 : l == 3 ? x / 262144 : l == 4 ? x / 16777216 : l == 5 ? x / 1073741824 :
        l == 6 ? x / 68719476736 : l == 7 ? x / 4398046511104 : x / 281474976710656;
    lemma sh_0: \forall integer x; sh(x, 0) == x;
    lemma sh_mono: \forall integer x, y, l; 0 <= x <= y && 0 <= l <= 8 ==> 0 <= sh(x, l) <= sh(y, l);
    lemma sh_step: \forall integer x, l; 0 <= x && 0 <= l < 8 ==> sh(x, l + 1) == sh(x, l) / 64;
    lemma sh_up: \forall integer x, y, a, b;
        0 <= x && 0 <= y && 0 <= a <= b <= 8 && sh(x, a) == sh(y, a) ==> sh(x, b) == sh(y, b);
    lemma sh_top: \forall integer x; 0 <= x < 281474976710656 ==> sh(x, 8) == 0; */

/*@ predicate timer(integer n) = 2 <= n < 0x100000000;
    predicate slot_queue(integer q) = 64 <= q < 576;
    predicate on{L}(integer n) = timer(n) && TIMER(n).queue != 0;

    // The queue of each slot, as spec/queue.h.
    predicate slots_in{L} = \forall integer n; on(n) ==>
        slot_queue(TIMER(n).queue) && WHEEL.queue[TIMER(n).queue].head != 0 && g_age[n] < g_ages;
    predicate slots_next{L} = \forall integer n; on(n) ==>
        (TIMER(n).next == 0 ? WHEEL.queue[TIMER(n).queue].tail == n :
            on(TIMER(n).next) && TIMER(TIMER(n).next).queue == TIMER(n).queue &&
            TIMER(TIMER(n).next).prev == n && g_age[n] < g_age[TIMER(n).next]);
    predicate slots_prev{L} = \forall integer n; on(n) ==>
        (TIMER(n).prev == 0 ? WHEEL.queue[TIMER(n).queue].head == n :
            on(TIMER(n).prev) && TIMER(TIMER(n).prev).queue == TIMER(n).queue &&
            TIMER(TIMER(n).prev).next == n && g_age[TIMER(n).prev] < g_age[n]);
    predicate slots_order{L} = \forall integer n, m; on(n) && on(m) &&
        TIMER(n).queue == TIMER(m).queue && g_age[n] < g_age[m] ==>
        TIMER(n).next != 0 && g_age[TIMER(n).next] <= g_age[m];
    predicate slots_first{L} = \forall integer n; on(n) ==>
        g_age[WHEEL.queue[TIMER(n).queue].head] <= g_age[n] <= g_age[WHEEL.queue[TIMER(n).queue].tail];
    predicate slots_distinct{L} = \forall integer n, m; on(n) && on(m) &&
        TIMER(n).queue == TIMER(m).queue && g_age[n] == g_age[m] ==> n == m;
    predicate slots_ends{L} = \forall integer q; slot_queue(q) && WHEEL.queue[q].head != 0 ==>
        on(WHEEL.queue[q].head) && TIMER(WHEEL.queue[q].head).queue == q &&
        TIMER(WHEEL.queue[q].head).prev == 0 && on(WHEEL.queue[q].tail) &&
        TIMER(WHEEL.queue[q].tail).queue == q && TIMER(WHEEL.queue[q].tail).next == 0;
    predicate slots{L} = slots_in{L} && slots_next{L} && slots_prev{L} && slots_order{L} &&
        slots_first{L} && slots_distinct{L} && slots_ends{L};

    // Where a timer is: the level that its due time says relative to `now`; the slot is the digit.
    predicate at_level(integer due, integer level, integer now) =
        sh(due, level) == sh(now, level) && sh(now, level - 1) < sh(due, level - 1);
    // In the slot that is being emptied, at whose beginning the wheel's clock stands.
    predicate emptying{L}(integer n) = g_level[n] == WHEEL.level && g_slot[n] == WHEEL.slot;

    predicate wheel_shape{L} = \forall integer n; on(n) ==>
        1 <= g_level[n] <= 8 && 0 <= g_slot[n] < 64 && TIMER(n).queue == 64 * g_level[n] + g_slot[n] &&
        TIMER(n).due < 281474976710656 && g_slot[n] == sh(TIMER(n).due, g_level[n] - 1) % 64;
    predicate wheel_upper{L} = \forall integer n; on(n) ==>
        sh(TIMER(n).due, g_level[n]) == sh(WHEEL.now, g_level[n]);
    predicate wheel_lower{L} = \forall integer n; on(n) && !emptying(n) ==>
        sh(WHEEL.now, g_level[n] - 1) < sh(TIMER(n).due, g_level[n] - 1);
    predicate wheel_current{L} = \forall integer n; on(n) && emptying(n) ==>
        sh(WHEEL.now, g_level[n] - 1) == sh(TIMER(n).due, g_level[n] - 1) &&
        WHEEL.now <= TIMER(n).due;
    predicate wheel_clock{L} = WHEEL.now < 281474976710656 && 0 <= WHEEL.level <= 8 &&
        0 <= WHEEL.slot < 64 &&
        (WHEEL.level != 0 ==> WHEEL.slot == sh(WHEEL.now, WHEEL.level - 1) % 64);

    predicate wheel_summary{L} = \forall integer l; 0 <= l < 8 ==>
        (bit(WHEEL.summary, l) <==> (\exists integer i; 0 <= i < 64 && bit(WHEEL.bitmap[l], i)));
    predicate wheel_high{L} = \forall integer l; 8 <= l < 64 ==> !bit(WHEEL.summary, l);
    predicate wheel_marked{L} = \forall integer l, s; 0 <= l < 8 && 0 <= s < 64 &&
        bit(WHEEL.bitmap[l], s) ==> WHEEL.queue[64 * (l + 1) + s].head != 0;
    predicate wheel_marks{L} = \forall integer n; on(n) ==>
        bit(WHEEL.bitmap[g_level[n] - 1], g_slot[n]);

    predicate wheel{L} = slots{L} && wheel_shape{L} && wheel_upper{L} && wheel_lower{L} &&
        wheel_current{L} && wheel_clock{L} && wheel_summary{L} && wheel_high{L} && wheel_marked{L} &&
        wheel_marks{L};
    predicate wheel_room{L} = g_ages < 0xffffffffffffffff;
    // No slot is being emptied.
    predicate wheel_quiet{L} = \forall integer n; on(n) ==>
        sh(WHEEL.now, g_level[n] - 1) < sh(TIMER(n).due, g_level[n] - 1); */

#endif
