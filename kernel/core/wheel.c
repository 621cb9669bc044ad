// The wheel of timers: see wheel.h.
// SPDX-License-Identifier: BSD-2-Clause
#include "core/wheel.h"
#include "core/bits.h"
#include "core/digits_leaf.h"
#include "core/inline.h"
#include "core/leaf.h"

/*@ requires in: level < 8 && slot < 64;
    requires wf: wheel_summary && wheel_high && wheel_marked;
    requires head: WHEEL.queue[64 * (level + 1) + slot].head != 0;
    requires marks: \forall integer n; on(n) ==> 1 <= g_level[n] <= 8 && 0 <= g_slot[n] < 64 &&
        ((g_level[n] == level + 1 && g_slot[n] == slot) || bit(WHEEL.bitmap[g_level[n] - 1], g_slot[n]));
    terminates \true; exits \false;
    assigns WHEEL.bitmap[level], WHEEL.summary;
    ensures b1: wheel_summary;
    ensures b2: wheel_high;
    ensures b3: wheel_marked;
    ensures b4: wheel_marks;
    ensures o: \forall integer k; 0 <= k < 8 && k != level ==> WHEEL.bitmap[k] == \old(WHEEL.bitmap[k]);
    ensures s: \forall integer i; 0 <= i < 64 ==>
        (bit(WHEEL.bitmap[level], i) <==> (i == slot || bit(\old(WHEEL.bitmap[level]), i))); */
static void wheel_mark(u32 level, u32 slot) {
    WHEEL.bitmap[level] = bit_set(WHEEL.bitmap[level], slot);
    //@ assert o: \forall integer k, i; 0 <= k < 8 && k != level && 0 <= i < 64 ==> (bit(WHEEL.bitmap[k], i) <==> bit(\at(WHEEL.bitmap[k], Pre), i));
    WHEEL.summary = bit_set(WHEEL.summary, level);
    //@ assert m: bit(WHEEL.bitmap[level], slot) && bit(WHEEL.summary, level);
    //@ assert n: \forall integer k; 0 <= k < 8 && k != level ==> (bit(WHEEL.summary, k) <==> \exists integer i; 0 <= i < 64 && bit(WHEEL.bitmap[k], i));
}

/*@ requires in: level < 8 && slot < 64;
    requires wf: wheel_summary && wheel_high && wheel_marks;
    requires rest: \forall integer l, s; 0 <= l < 8 && 0 <= s < 64 && bit(WHEEL.bitmap[l], s) ==>
        (l == level && s == slot) || WHEEL.queue[64 * (l + 1) + s].head != 0;
    requires none: \forall integer n; on(n) ==> 1 <= g_level[n] <= 8 && 0 <= g_slot[n] < 64 &&
        !(g_level[n] == level + 1 && g_slot[n] == slot);
    terminates \true; exits \false;
    assigns WHEEL.bitmap[level], WHEEL.summary;
    ensures b1: wheel_summary;
    ensures b2: wheel_high;
    ensures b3: wheel_marked;
    ensures b4: wheel_marks;
    ensures o: \forall integer k; 0 <= k < 8 && k != level ==> WHEEL.bitmap[k] == \old(WHEEL.bitmap[k]);
    ensures s: \forall integer i; 0 <= i < 64 ==>
        (bit(WHEEL.bitmap[level], i) <==> (i != slot && bit(\old(WHEEL.bitmap[level]), i))); */
static void wheel_clear(u32 level, u32 slot) {
    u64 left = bit_clear(WHEEL.bitmap[level], slot);
    WHEEL.bitmap[level] = left;
    if (bit_low(left) == 64u) {
        WHEEL.summary = bit_clear(WHEEL.summary, level);
    }
}

/*@ requires wf: slots;
    requires q: slot_queue(q);
    requires n: timer(n) && TIMER(n).queue == 0;
    requires room: wheel_room;
    terminates \true; exits \false;
    assigns timer_view[0 .. 0xffffffff].next, timer_view[0 .. 0xffffffff].prev, timer_view[n].queue,
        WHEEL.queue[q], g_age[n], g_ages;
    ensures s0: slots_in;
    ensures s1: slots_next;
    ensures s2: slots_prev;
    ensures s3: slots_order;
    ensures s4: slots_first;
    ensures s5: slots_distinct;
    ensures s6: slots_ends;
    ensures frame: \forall integer m; timer(m) && m != n ==>
        TIMER(m).queue == \old(TIMER(m).queue) && TIMER(m).due == \old(TIMER(m).due);
    ensures due: TIMER(n).due == \old(TIMER(n).due);
    ensures in: TIMER(n).queue == q && g_ages == \old(g_ages) + 1;
    ensures head: WHEEL.queue[q].head != 0; */
static void wheel_link(u32 q, u32 n) {
    u32 last = WHEEL.queue[q].tail;
    TIMER(n).next = 0;
    TIMER(n).queue = q;
    if (WHEEL.queue[q].head == 0) {
        WHEEL.queue[q].head = n;
        TIMER(n).prev = 0;
    } else {
        TIMER(last).next = n;
        TIMER(n).prev = last;
    }
    WHEEL.queue[q].tail = n;
    //@ ghost g_age[n] = g_ages; g_ages++;
}

/*@ requires wf: slots;
    requires n: on(n) && TIMER(n).queue == q;
    terminates \true; exits \false;
    assigns timer_view[0 .. 0xffffffff].next, timer_view[0 .. 0xffffffff].prev, timer_view[n].queue,
        WHEEL.queue[q];
    ensures s0: slots_in;
    ensures s1: slots_next;
    ensures s2: slots_prev;
    ensures s3: slots_order;
    ensures s4: slots_first;
    ensures s5: slots_distinct;
    ensures s6: slots_ends;
    ensures frame: \forall integer m; timer(m) && m != n ==>
        TIMER(m).queue == \old(TIMER(m).queue) && TIMER(m).due == \old(TIMER(m).due);
    ensures due: TIMER(n).due == \old(TIMER(n).due);
    ensures out: TIMER(n).queue == 0;
    ensures empty: WHEEL.queue[q].head == 0 <==> (\forall integer m; timer(m) ==> TIMER(m).queue != q); */
static void wheel_unlink(u32 q, u32 n) {
    u32 next = TIMER(n).next, prev = TIMER(n).prev;
    if (prev == 0) {
        WHEEL.queue[q].head = next;
    } else {
        TIMER(prev).next = next;
    }
    if (next == 0) {
        WHEEL.queue[q].tail = prev;
    } else {
        TIMER(next).prev = prev;
    }
    TIMER(n).queue = 0;
}

// The queue in which a timer due at `due` belongs at time `now`.
/*@ requires d: now < due < 281474976710656;
    terminates \true; exits \false; assigns \nothing;
    ensures r: 1 <= \result / 64 <= 8;
    ensures at: at_level(due, \result / 64, now);
    ensures slot: \result % 64 == sh(due, \result / 64 - 1) % 64;
    ensures low: \forall integer k; 0 <= k < \result / 64 ==> sh(due, k) != sh(now, k); */
static u32 wheel_place(u64 now, u64 due) {
    u32 level = digit_top(now, due), slot = digit_at(due, level);
    u32 q = 64u * (level + 1u) + slot;
    //@ assert dm: q / 64 == level + 1 && q % 64 == slot;
    //@ assert le: sh(now, level) <= sh(due, level);
    return q;
}

void wheel_insert(u32 n, u64 due) {
    u32 q = wheel_place(WHEEL.now, due);
    u32 level = q / 64u, slot = q % 64u;
    //@ assert sp: sh(due, level) == sh(due, level - 1) / 64 && sh(WHEEL.now, level) == sh(WHEEL.now, level - 1) / 64;
    //@ assert np: !(level == WHEEL.level && slot == WHEEL.slot);
    TIMER(n).due = due;
    wheel_link(q, n);
    //@ ghost g_level[n] = level; g_slot[n] = slot;
    //@ assert me: TIMER(n).due == due && q == 64 * level + slot && level <= 8 && slot < 64;
    //@ assert oth1: \forall integer m; timer(m) && m != n ==> TIMER(m).queue == \at(TIMER(m).queue, Pre) && TIMER(m).due == \at(TIMER(m).due, Pre) && g_level[m] == \at(g_level[m], Pre) && g_slot[m] == \at(g_slot[m], Pre);
    //@ assert heads: \forall integer p; slot_queue(p) && p != q ==> WHEEL.queue[p].head == \at(WHEEL.queue[p].head, Pre);
    //@ assert marked: wheel_marked && WHEEL.queue[64 * (level - 1 + 1) + slot].head != 0;
    //@ assert shape: wheel_shape;
    //@ assert mine: sh(WHEEL.now, g_level[n] - 1) < sh(TIMER(n).due, g_level[n] - 1);
    //@ assert theirs: \forall integer m; on(m) && m != n && !emptying(m) ==> \at(on(m), Pre) && !\at(emptying(m), Pre);
    //@ assert lower: wheel_lower;
    //@ assert old: \forall integer m; on(m) && m != n ==> 0 <= g_level[m] - 1 < 8 && 0 <= g_slot[m] < 64 && bit(WHEEL.bitmap[g_level[m] - 1], g_slot[m]);
    wheel_mark(level - 1u, slot);
}

void wheel_cancel(u32 n) {
    u32 q = TIMER(n).queue;
    u32 level = q / 64u, slot = q % 64u;
    //@ assert dm: level == g_level[n] && slot == g_slot[n];
    wheel_unlink(q, n);
    //@ ghost g_level[n] = 0;
    //@ assert oth1: \forall integer m; timer(m) && m != n ==> TIMER(m).queue == \at(TIMER(m).queue, Pre) && TIMER(m).due == \at(TIMER(m).due, Pre) && g_level[m] == \at(g_level[m], Pre) && g_slot[m] == \at(g_slot[m], Pre);
    //@ assert gone: WHEEL.queue[q].head == 0 ==> \forall integer m; on(m) ==> TIMER(m).queue != q;
    //@ assert sh2: \forall integer m; on(m) ==> TIMER(m).queue == 64 * g_level[m] + g_slot[m] && m != n;
    //@ assert bn: wheel_marks;
    //@ assert heads: \forall integer p; slot_queue(p) && p != q ==> WHEEL.queue[p].head == \at(WHEEL.queue[p].head, Pre);
    //@ assert rest: \forall integer l, s; 0 <= l < 8 && 0 <= s < 64 && bit(WHEEL.bitmap[l], s) ==> (l == level - 1 && s == slot) || WHEEL.queue[64 * (l + 1) + s].head != 0;
    if (WHEEL.queue[q].head == 0) {
        //@ assert oth: \forall integer m; on(m) ==> g_level[m] != level || g_slot[m] != slot;
        wheel_clear(level - 1u, slot);
    }
}

// The queue of the first slot in time, 0: the wheel is empty.
/*@ requires wf: wheel;
    requires quiet: wheel_quiet;
    terminates \true; exits \false; assigns \nothing;
    ensures none: \result == 0 <==> (\forall integer n; !on(n));
    ensures q: \result != 0 ==> slot_queue(\result) && on(WHEEL.queue[\result].head) &&
        g_level[WHEEL.queue[\result].head] == \result / 64 && g_slot[WHEEL.queue[\result].head] == \result % 64;
    ensures lowest: \result != 0 ==> \forall integer n; on(n) ==>
        \result / 64 <= g_level[n] && (g_level[n] == \result / 64 ==> \result % 64 <= g_slot[n]); */
static u32 wheel_first(void) {
    //@ assert lw0: \forall integer n; on(n) ==> bit(WHEEL.bitmap[g_level[n] - 1], g_slot[n]);
    //@ assert lw1: \forall integer n; on(n) ==> bit(WHEEL.summary, g_level[n] - 1);
    u32 level = bit_low(WHEEL.summary);
    if (level == 64u) {
        return 0;
    }
    //@ assert b: level < 8;
    u32 slot = bit_low(WHEEL.bitmap[level]);
    //@ assert s: slot < 64;
    //@ assert lw2: \forall integer n; on(n) ==> level <= g_level[n] - 1;
    //@ assert lw3: \forall integer n; on(n) && g_level[n] - 1 == level ==> slot <= g_slot[n];
    u32 q = 64u * (level + 1u) + slot;
    //@ assert dm: q / 64 == level + 1 && q % 64 == slot;
    //@ assert h: WHEEL.queue[q].head != 0 && TIMER(WHEEL.queue[q].head).queue == q && on(WHEEL.queue[q].head);
    return q;
}

// The time at which that slot begins.
/*@ requires wf: wheel;
    requires quiet: wheel_quiet;
    requires q: slot_queue(q) && on(WHEEL.queue[q].head) &&
        g_level[WHEEL.queue[q].head] == q / 64 && g_slot[WHEEL.queue[q].head] == q % 64;
    requires lowest: \forall integer n; on(n) ==>
        q / 64 <= g_level[n] && (g_level[n] == q / 64 ==> q % 64 <= g_slot[n]);
    terminates \true; exits \false; assigns \nothing;
    ensures later: WHEEL.now < \result < 281474976710656;
    ensures least: \forall integer y; 0 <= y < \result ==> sh(y, q / 64 - 1) < sh(\result, q / 64 - 1);
    ensures up: \forall integer k; q / 64 <= k <= 8 ==> sh(\result, k) == sh(WHEEL.now, k);
    ensures mine: sh(\result, q / 64 - 1) == sh(TIMER(WHEEL.queue[q].head).due, q / 64 - 1);
    ensures first: \forall integer n; on(n) && g_level[n] == q / 64 ==>
        (g_slot[n] == q % 64 ? sh(\result, q / 64 - 1) == sh(TIMER(n).due, q / 64 - 1) :
            sh(\result, q / 64 - 1) < sh(TIMER(n).due, q / 64 - 1));
    ensures lo: \forall integer n; on(n) ==> \result <= TIMER(n).due; */
static u64 wheel_start(u32 q) {
    u32 l = q / 64u;
    u64 e = digits_above(TIMER(WHEEL.queue[q].head).due, l - 1u);
    //@ assert dig: \forall integer n; on(n) && g_level[n] == l ==> sh(TIMER(n).due, l - 1) == 64 * sh(WHEEL.now, l) + g_slot[n];
    //@ assert f1: \forall integer n; on(n) && g_level[n] == l ==> sh(e, l - 1) <= sh(TIMER(n).due, l - 1);
    //@ assert f2: \forall integer n; on(n) && g_level[n] == l ==> e <= TIMER(n).due;
    //@ assert el: sh(e, l) == sh(WHEEL.now, l);
    //@ assert up: \forall integer k; l <= k <= 8 ==> sh(e, k) == sh(WHEEL.now, k);
    //@ assert f3: \forall integer n; on(n) && g_level[n] > l ==> sh(e, g_level[n] - 1) < sh(TIMER(n).due, g_level[n] - 1);
    return e;
}

// Lets the wheel's clock run to `now` (0), or to the next slot that has to be emptied (its queue).
/*@ requires wf: wheel;
    requires quiet: wheel_quiet;
    requires now: WHEEL.now <= now < 281474976710656;
    terminates \true; exits \false;
    assigns WHEEL.now, WHEEL.level, WHEEL.slot;
    ensures w2: wheel_upper;
    ensures w3: wheel_lower;
    ensures w4: wheel_current;
    ensures w5: wheel_clock;
    ensures clock: \old(WHEEL.now) <= WHEEL.now <= now;
    ensures past: \forall integer n; on(n) ==> WHEEL.now <= TIMER(n).due;
    ensures r: \result == 0 ==> WHEEL.now == now && WHEEL.level == 0 && \forall integer n; on(n) ==> now < TIMER(n).due;
    ensures q: \result != 0 ==> slot_queue(\result) && on(WHEEL.queue[\result].head) &&
        emptying(WHEEL.queue[\result].head) && \result == 64 * WHEEL.level + WHEEL.slot; */
static u32 wheel_advance(u64 now) {
    u32 q = wheel_first();
    if (q == 0) {
        WHEEL.level = 0;
        WHEEL.now = now;
        return 0;
    }
    u64 start = wheel_start(q);
    if (now < start) {
        //@ assert tl: sh(now, q / 64) == sh(WHEEL.now, q / 64);
        //@ assert tup: \forall integer k; q / 64 <= k <= 8 ==> sh(now, k) == sh(WHEEL.now, k);
        //@ assert tb: sh(now, q / 64 - 1) < sh(start, q / 64 - 1);
        //@ assert eq: \forall integer n; on(n) && g_level[n] == q / 64 ==> sh(now, g_level[n] - 1) < sh(TIMER(n).due, g_level[n] - 1);
        //@ assert gt: \forall integer n; on(n) && g_level[n] > q / 64 ==> sh(now, g_level[n] - 1) < sh(TIMER(n).due, g_level[n] - 1);
        WHEEL.level = 0;
        WHEEL.now = now;
        //@ assert quiet: wheel_quiet;
        return 0;
    }
    WHEEL.now = start;
    WHEEL.level = q / 64u;
    WHEEL.slot = q % 64u;
    //@ assert same: \forall integer n; on(n) && g_level[n] == q / 64 && g_slot[n] != q % 64 ==> sh(start, g_level[n] - 1) < sh(TIMER(n).due, g_level[n] - 1);
    //@ assert gt: \forall integer n; on(n) && g_level[n] > q / 64 ==> sh(start, g_level[n] - 1) < sh(TIMER(n).due, g_level[n] - 1);
    return q;
}

// The first timer of q, the slot that is being emptied: takes it out, or moves it to a lower level.
/*@ requires wf: wheel;
    requires q: slot_queue(q) && q == 64 * WHEEL.level + WHEEL.slot;
    requires head: on(WHEEL.queue[q].head) && emptying(WHEEL.queue[q].head);
    requires past: \forall integer m; on(m) ==> WHEEL.now <= TIMER(m).due;
    requires room: wheel_room;
    terminates \true; exits \false;
    assigns timer_view[0 .. 0xffffffff].next, timer_view[0 .. 0xffffffff].prev,
        timer_view[WHEEL.queue[q].head].due, timer_view[WHEEL.queue[q].head].queue,
        WHEEL.queue[0 .. 575], WHEEL.bitmap[0 .. 7], WHEEL.summary,
        g_level[WHEEL.queue[q].head], g_slot[WHEEL.queue[q].head], g_age[WHEEL.queue[q].head], g_ages, g_moved;
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
    ensures room: g_ages <= \old(g_ages) + 1;
    ensures result: \result == WHEEL_MORE || timer(\result);
    ensures which: g_moved == \old(WHEEL.queue[q].head);
    ensures frame: \forall integer n; timer(n) && n != g_moved ==>
        TIMER(n).due == \old(TIMER(n).due) && TIMER(n).queue == \old(TIMER(n).queue);
    ensures expired: \result != WHEEL_MORE ==> \let n = \result;
        g_moved == n && \old(on(n)) && TIMER(n).queue == 0 && \old(TIMER(n).due) == WHEEL.now;
    ensures order: \result != WHEEL_MORE ==> (\forall integer n; on(n) ==> WHEEL.now <= TIMER(n).due);
    ensures moved: \result == WHEEL_MORE ==> \let n = g_moved;
        on(n) && \old(on(n)) && TIMER(n).due == \old(TIMER(n).due);
    ensures lower: \result == WHEEL_MORE ==> \let n = g_moved; g_level[n] < \old(g_level[n]); */
static u32 wheel_move(u32 q) {
    u32 n = WHEEL.queue[q].head;
    //@ assert n: timer(n);
    u64 due = TIMER(n).due;
    //@ ghost g_moved = n;
    wheel_cancel(n);
    if (due <= WHEEL.now) {
        return n;
    }
    wheel_insert(n, due);
    //@ assert down: sh(due, \at(g_level, Pre)[n] - 1) == sh(WHEEL.now, \at(g_level, Pre)[n] - 1);
    //@ assert mv: g_level[n] < \at(g_level, Pre)[n];
    return WHEEL_MORE;
}

// The slot that is being emptied, or the next one; 0: none is due, and the wheel's clock is at `now`.
/*@ requires wf: wheel;
    requires now: WHEEL.now <= now < 281474976710656;
    terminates \true; exits \false;
    assigns WHEEL.now, WHEEL.level, WHEEL.slot;
    ensures s: slots;
    ensures w1: wheel_shape;
    ensures w2: wheel_upper;
    ensures w3: wheel_lower;
    ensures w4: wheel_current;
    ensures w5: wheel_clock;
    ensures w6: wheel_summary && wheel_high;
    ensures w8: wheel_marked && wheel_marks;
    ensures clock: \old(WHEEL.now) <= WHEEL.now <= now;
    ensures past: \forall integer n; on(n) ==> WHEEL.now <= TIMER(n).due;
    ensures done: \result == 0 ==> WHEEL.now == now && (\forall integer n; on(n) ==> now < TIMER(n).due);
    ensures q: \result != 0 ==> slot_queue(\result) && on(WHEEL.queue[\result].head) &&
        emptying(WHEEL.queue[\result].head) && \result == 64 * WHEEL.level + WHEEL.slot; */
static u32 wheel_due(u64 now) {
    u32 q = 64u * WHEEL.level + WHEEL.slot;
    if (WHEEL.level != 0 && WHEEL.queue[q].head != 0) {
        //@ assert w: on(WHEEL.queue[q].head);
        //@ assert all: \forall integer m; on(m) ==> WHEEL.now <= TIMER(m).due;
        return q;
    }
    //@ assert nz: \forall integer n; on(n) ==> WHEEL.queue[TIMER(n).queue].head != 0;
    //@ assert np: \forall integer n; on(n) ==> !emptying(n);
    //@ assert quiet: wheel_quiet;
    return wheel_advance(now);
}

u32 wheel_step(u64 now) {
    //@ ghost g_moved = 0;
    u32 q = wheel_due(now);
    return q == 0 ? WHEEL_DONE : wheel_move(q);
}

FLATTEN NOINLINE u64 wheel_next(void) {
    u32 q = 64u * WHEEL.level + WHEEL.slot;
    if (WHEEL.level != 0 && WHEEL.queue[q].head != 0) {
        //@ assert w: on(WHEEL.queue[q].head);
        //@ assert all: \forall integer m; on(m) ==> WHEEL.now <= TIMER(m).due;
        return WHEEL.now;
    }
    //@ assert nz: \forall integer n; on(n) ==> WHEEL.queue[TIMER(n).queue].head != 0;
    //@ assert np: \forall integer n; on(n) ==> !emptying(n);
    //@ assert quiet: wheel_quiet;
    q = wheel_first();
    return q == 0 ? WHEEL_NEVER : wheel_start(q);
}
