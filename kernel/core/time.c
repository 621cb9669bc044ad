// Time: see time.h.
// SPDX-License-Identifier: BSD-2-Clause
#include "core/time.h"

#include "core/inline.h"

#define WAIT_LIMIT 0x7ffffffffffeu // Ticks: the longest wait.

/*@ requires wf: time_clock && time_budgets && time_bare;
    terminates \true; exits \false;
    assigns g_clock;
    ensures t1: time_clock;
    ensures t2: time_budgets;
    ensures t4: time_bare;
    ensures now: \old(g_clock) <= \result == g_clock; */
static u64 time_read(void) {
    return clock_now();
}

// The tick of the wheel that begins at `cycles`, or first after it.
/*@ requires c: cycles < 0x400000000000000;
    terminates \true; exits \false; assigns \nothing;
    ensures r: \result == tick_after(cycles);
    ensures at: cycles <= 1024 * \result < cycles + 1024; */
static u64 time_tick(u64 cycles) {
    return (cycles + (TICK - 1u)) / TICK;
}

// Gives sc, which does not wait, back what is due; it waits for the rest if that is too little.
/*@ requires wf: wheel && time_clock && time_budgets && time_windows && time_bare && time_kinds &&
        time_owners && time_waiting;
    requires others: \forall integer s; configured(s) && s != sc && exhausted(s) ==> waits(s);
    requires sc: configured(sc) && !waits(sc);
    requires now: now == g_clock;
    requires room: wheel_room;
    terminates \true; exits \false;
    assigns sc_view[sc].left, sc_view[sc].last, sc_view[sc].amount[0 .. 3], sc_view[sc].due[0 .. 3],
        timer_view[0 .. 0xffffffff].next, timer_view[0 .. 0xffffffff].prev, timer_view[sc + SC_TIMER].due, timer_view[sc + SC_TIMER].queue, WHEEL.queue[0 .. 575], WHEEL.bitmap[0 .. 7], WHEEL.summary,
        g_level[sc + SC_TIMER], g_slot[sc + SC_TIMER], g_age[sc + SC_TIMER], g_ages;
    ensures w: wheel;
    ensures t1: time_clock;
    ensures t2: time_budgets;
    ensures t3: time_windows;
    ensures t4: time_bare;
    ensures t5: time_kinds;
    ensures t6: time_owners;
    ensures t7: time_exhausted;
    ensures t8: time_waiting;
    ensures last: SC(sc).last == now;
    ensures others: \forall integer m; timer(m) && m != sc + SC_TIMER ==>
        TIMER(m).queue == \old(TIMER(m).queue) && TIMER(m).due == \old(TIMER(m).due); */
static NOINLINE void time_await(u32 sc, u64 now) {
    sc_replenish(sc, now);
    //@ assert mine: configured(sc) && budget(sc) && window(sc);
    //@ assert windows: time_windows;
    //@ assert others: \forall integer s; configured(s) && s != sc && exhausted(s) ==> waits(s);
    if (!time_has_budget(sc)) {
        wheel_insert(sc + SC_TIMER, time_tick(sc_due(sc)));
        //@ assert windows: time_windows;
        //@ assert exhausted: time_exhausted;
    }
}

// Charges sc (0: nothing), which has run; if that exhausts it, it waits. Not 0: its budget or slice is
// over.
/*@ requires wf: wheel && time;
    requires sc: sc == 0 || configured(sc);
    requires now: now == g_clock;
    requires room: wheel_room;
    terminates \true; exits \false;
    assigns sc_view[sc].left, sc_view[sc].last, sc_view[sc].used, sc_view[sc].amount[0 .. 3], sc_view[sc].due[0 .. 3], g_spent[sc], g_before[sc],
        timer_view[0 .. 0xffffffff].next, timer_view[0 .. 0xffffffff].prev, timer_view[sc + SC_TIMER].due, timer_view[sc + SC_TIMER].queue, WHEEL.queue[0 .. 575], WHEEL.bitmap[0 .. 7], WHEEL.summary,
        g_level[sc + SC_TIMER], g_slot[sc + SC_TIMER], g_age[sc + SC_TIMER], g_ages;
    ensures w: wheel;
    ensures t1: time_clock;
    ensures t2: time_budgets;
    ensures t3: time_windows;
    ensures t4: time_bare;
    ensures t5: time_kinds;
    ensures t6: time_owners;
    ensures t7: time_exhausted;
    ensures t8: time_waiting;
    ensures charged: sc != 0 ==> SC(sc).last == now;
    ensures used: sc != 0 ==> SC(sc).used == \old(SC(sc).used) + (now - \old(SC(sc).last));
    ensures none: sc == 0 ==> TIMER(SC_TIMER).queue == \old(TIMER(SC_TIMER).queue);
    ensures over: sc != 0 && exhausted(sc) ==> \result != 0; */
static u32 time_charge(u32 sc, u64 now) {
    if (sc == 0) {
        return 0;
    }
    sc_charge(sc, now);
    //@ assert budgets: time_budgets;
    //@ assert windows: time_windows;
    //@ assert bare: time_bare;
    //@ assert same: \forall integer s; context(s) ==> (configured(s) <==> \at(configured(s), Pre));
    //@ assert kinds: time_kinds;
    //@ assert owners: time_owners;
    //@ assert waiting: time_waiting;
    u32 over = !time_has_budget(sc);
    if (over && !wheel_has(sc + SC_TIMER)) {
        time_await(sc, now);
    }
    return over;
}

// sc (0: nothing), which has budget, begins to run.
/*@ requires wf: wheel && time;
    requires sc: sc == 0 || (configured(sc) && !exhausted(sc));
    requires now: now == g_clock;
    terminates \true; exits \false;
    assigns sc_view[sc].left, sc_view[sc].last, sc_view[sc].amount[0 .. 3], sc_view[sc].due[0 .. 3];
    ensures t1: time_clock;
    ensures t2: time_budgets;
    ensures t3: time_windows;
    ensures t4: time_bare;
    ensures t5: time_kinds;
    ensures t6: time_owners;
    ensures t7: time_exhausted;
    ensures t8: time_waiting;
    ensures begins: sc != 0 ==> SC(sc).last == now && !exhausted(sc); */
static void time_enter(u32 sc, u64 now) {
    if (sc != 0) {
        sc_begin(sc, now);
    }
}

/*@ requires wf: wheel && time;
    requires sc: sc == 0 || configured(sc);
    terminates \true; exits \false; assigns g_alarm;
    ensures a1: alarm_timers;
    ensures a2: alarm_budget(sc); */
static void time_set_alarm(u32 sc) {
    u64 alarm = sc != 0 ? SC(sc).last + SC(sc).left : WHEEL_NEVER * TICK;
    if (!wheel_is_empty()) {
        u64 next = wheel_next() * TICK;
        if (next < alarm) {
            alarm = next;
        }
    }
    clock_alarm(alarm);
}

// sc, which has run, is charged and keeps enough to run on.
/*@ requires wf: wheel && time;
    requires sc: configured(sc);
    requires now: now == g_clock;
    requires enough: now - SC(sc).last + SC_MIN <= SC(sc).left;
    terminates \true; exits \false;
    assigns sc_view[sc].left, sc_view[sc].last, sc_view[sc].used, sc_view[sc].amount[0 .. 3], sc_view[sc].due[0 .. 3], g_spent[sc], g_before[sc];
    ensures t1: time_clock;
    ensures t2: time_budgets;
    ensures t3: time_windows;
    ensures t4: time_bare;
    ensures t5: time_kinds;
    ensures t6: time_owners;
    ensures t7: time_exhausted;
    ensures t8: time_waiting;
    ensures charged: SC(sc).last == now;
    ensures used: SC(sc).used == \old(SC(sc).used) + (now - \old(SC(sc).last)); */
static void time_spend(u32 sc, u64 now) {
    sc_spend(sc, now);
    //@ assert same: \forall integer s; context(s) ==> (configured(s) <==> \at(configured(s), Pre));
}

// time_switch() where somebody is idle or `from` is exhausted, at time `now`.
/*@ requires now: now == g_clock;
    SWITCH_REQUIRES
    terminates \true; exits \false;
    assigns SWITCH_ASSIGNS;
    SWITCH_ENSURES */
static RARE NOINLINE u64 time_switch_slow(u32 from, u32 to, u64 now, u64 value) {
    time_charge(from, now);
    //@ assert to: to != 0 ==> configured(to) && !exhausted(to);
    time_enter(to, now);
    time_set_alarm(to);
    K.run.sc = to;
    return value;
}

u64 time_switch(u32 from, u32 to, u64 value) {
    u64 now = time_read();
    if (from == 0 || to == 0 || now - SC(from).last + SC_MIN > SC(from).left) {
        return time_switch_slow(from, to, now, value);
    }
    time_spend(from, now);
    //@ assert to: configured(to) && !exhausted(to);
    time_enter(to, now);
    time_set_alarm(to);
    K.run.sc = to;
    return value;
}

u32 time_charge_running(void) {
    u64 now = time_read();
    return time_charge(K.run.sc, now);
}

void time_alarm(void) {
    time_set_alarm(K.run.sc);
}

// The refill that exhausted context sc waited for has come; it waits again if that is not enough.
/*@ requires wf: wheel && time_clock && time_budgets && time_windows && time_bare && time_kinds &&
        time_owners && time_waiting;
    requires others: \forall integer s; configured(s) && s != sc && exhausted(s) ==> waits(s);
    requires sc: configured(sc) && !waits(sc);
    requires now: now == g_clock;
    requires room: wheel_room;
    terminates \true; exits \false;
    assigns sc_view[sc].left, sc_view[sc].last, sc_view[sc].used, sc_view[sc].amount[0 .. 3], sc_view[sc].due[0 .. 3], g_spent[sc], g_before[sc],
        timer_view[0 .. 0xffffffff].next, timer_view[0 .. 0xffffffff].prev, timer_view[sc + SC_TIMER].due, timer_view[sc + SC_TIMER].queue, WHEEL.queue[0 .. 575], WHEEL.bitmap[0 .. 7], WHEEL.summary,
        g_level[sc + SC_TIMER], g_slot[sc + SC_TIMER], g_age[sc + SC_TIMER], g_ages;
    ensures w: wheel;
    ensures t1: time_clock;
    ensures t2: time_budgets;
    ensures t3: time_windows;
    ensures t4: time_bare;
    ensures t5: time_kinds;
    ensures t6: time_owners;
    ensures t7: time_exhausted;
    ensures t8: time_waiting;
    ensures accounted: K.run.sc != 0 ==>
        SC(K.run.sc).used - SC(K.run.sc).last == \old(SC(K.run.sc).used) - \old(SC(K.run.sc).last);
    ensures others: \forall integer m; timer(m) && m != sc + SC_TIMER ==>
        TIMER(m).queue == \old(TIMER(m).queue) && TIMER(m).due == \old(TIMER(m).due); */
static void time_refill(u32 sc, u64 now) {
    if (sc == K.run.sc) {
        sc_charge(sc, now);
    }
    //@ assert same: \forall integer s; context(s) ==> (configured(s) <==> \at(configured(s), Pre));
    //@ assert budgets: time_budgets;
    //@ assert windows: time_windows;
    //@ assert bare: time_bare;
    //@ assert kinds: time_kinds;
    //@ assert owners: time_owners;
    //@ assert waiting: time_waiting;
    time_await(sc, now);
}

// n is what wheel_step(now) returned.
/*@ requires wf: wheel && time_clock && time_budgets && time_windows && time_bare && time_kinds &&
        time_owners && time_waiting;
    requires others: \forall integer s; configured(s) && s + 15 != n && exhausted(s) ==> waits(s);
    requires n: n > WHEEL_MORE ==> timer(n) && TIMER(n).queue == 0 && (TIMER(n).kind == 1 ==> configured(n - 15));
    requires now: now == g_clock;
    requires room: wheel_room;
    terminates \true; exits \false;
    assigns sc_view[0 .. 0xffffffff],
        g_spent[0 .. 0xffffffff], g_before[0 .. 0xffffffff],
        timer_view[0 .. 0xffffffff].next, timer_view[0 .. 0xffffffff].prev, timer_view[0 .. 0xffffffff].due,
        timer_view[0 .. 0xffffffff].queue, WHEEL.queue[0 .. 575], WHEEL.bitmap[0 .. 7], WHEEL.summary, g_level[0 .. 0xffffffff],
        g_slot[0 .. 0xffffffff], g_age[0 .. 0xffffffff], g_ages;
    ensures w: wheel;
    ensures t1: time_clock;
    ensures t2: time_budgets;
    ensures t3: time_windows;
    ensures t4: time_bare;
    ensures t5: time_kinds;
    ensures t6: time_owners;
    ensures t7: time_exhausted;
    ensures t8: time_waiting;
    ensures same: \forall integer s; 0 <= s < 0x100000000 ==> SC(s).budget == \old(SC(s).budget) &&
        SC(s).period == \old(SC(s).period) && SC(s).tcb == \old(SC(s).tcb) && SC(s).top == \old(SC(s).top);
    ensures thread: n > WHEEL_MORE && TIMER(n).kind != 1 ==> TIMER(n).queue == 0;
    ensures accounted: K.run.sc != 0 ==>
        SC(K.run.sc).used - SC(K.run.sc).last == \old(SC(K.run.sc).used) - \old(SC(K.run.sc).last);
    ensures others: \forall integer m; timer(m) && m != n ==>
        TIMER(m).queue == \old(TIMER(m).queue) && TIMER(m).due == \old(TIMER(m).due); */
static void time_expire(u32 n, u64 now) {
    if (n > WHEEL_MORE && timer_is_context(n)) {
        time_refill(timer_context(n), now);
    }
}

u32 time_step(void) {
    u64 now = time_read();
    u32 n = wheel_step(now / TICK);
    //@ assert same: \forall integer s; context(s) && s + 15 != g_moved ==> (waits(s) <==> \at(waits(s), Pre)) && TIMER(s + 15).due == \at(TIMER(s + 15).due, Pre);
    //@ assert owners: time_owners;
    //@ assert waiting: time_waiting;
    time_expire(n, now);
    return n;
}

void time_start(u32 t, u64 ticks) {
    u64 now = time_read();
    u64 wait = ticks < WAIT_LIMIT ? ticks : WAIT_LIMIT;
    wheel_insert(t + TCB_TIMER, now / TICK + wait + 1u);
    //@ assert same: \forall integer s; configured(s) ==> s + 15 != t + 54 && (waits(s) <==> \at(waits(s), Pre)) && TIMER(s + 15).due == \at(TIMER(s + 15).due, Pre);
    //@ assert kinds: time_kinds;
    //@ assert owners: time_owners;
    //@ assert exhausted: time_exhausted;
    //@ assert waiting: time_waiting;
}

// Takes the timer of sc off and makes it one of a context.
/*@ requires wf: wheel;
    requires sc: context(sc);
    terminates \true; exits \false;
    assigns timer_view[0 .. 0xffffffff].next, timer_view[0 .. 0xffffffff].prev,
        timer_view[sc + SC_TIMER].queue, timer_view[sc + SC_TIMER].kind, WHEEL.queue[0 .. 575],
        WHEEL.bitmap[0 .. 7], WHEEL.summary, g_level[sc + SC_TIMER];
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
    ensures off: TIMER(sc + SC_TIMER).queue == 0 && TIMER(sc + SC_TIMER).kind == TIMER_CONTEXT;
    ensures frame: \forall integer m; timer(m) && m != sc + SC_TIMER ==>
        TIMER(m).queue == \old(TIMER(m).queue) && TIMER(m).due == \old(TIMER(m).due) &&
        TIMER(m).kind == \old(TIMER(m).kind); */
static void time_reset_timer(u32 sc) {
    TIMER(sc + SC_TIMER).kind = TIMER_CONTEXT;
    //@ assert same: \forall integer n; timer(n) ==> TIMER(n).queue == \at(TIMER(n).queue, Pre) && TIMER(n).due == \at(TIMER(n).due, Pre) && TIMER(n).next == \at(TIMER(n).next, Pre) && TIMER(n).prev == \at(TIMER(n).prev, Pre);
    //@ assert s1: slots_in && slots_next && slots_prev;
    //@ assert s2: slots_order && slots_first && slots_distinct && slots_ends;
    //@ assert w1: wheel_shape && wheel_upper && wheel_lower && wheel_current;
    //@ assert w2: wheel_clock && wheel_summary && wheel_high;
    //@ assert w3: wheel_marked && wheel_marks;
    if (wheel_has(sc + SC_TIMER)) {
        wheel_cancel(sc + SC_TIMER);
    }
}

void time_configure(u32 sc, u64 budget, u64 period) {
    u64 now = time_read();
    if (sc == K.run.sc) {
        sc_charge(sc, now);
    }
    time_reset_timer(sc);
    //@ ghost g_spent[sc] = 0; g_before[sc] = 0;
    sc_init(sc, budget, period, now);
    //@ assert mine: configured(sc) && budget(sc) && window(sc) && !exhausted(sc) && !waits(sc);
    //@ assert theirs: \forall integer s; configured(s) && s != sc ==> \at(configured(s), Pre) && window(s);
    //@ assert windows: time_windows;
    //@ assert budgets: time_budgets && time_bare;
    //@ assert kinds: time_kinds;
    //@ assert owners: time_owners;
    //@ assert exhausted: time_exhausted;
    //@ assert waiting: time_waiting;
    //@ assert wheel: wheel && time_clock;
    if (sc == K.run.sc) {
        time_alarm();
    }
}
