// Time: see time.h.
// SPDX-License-Identifier: BSD-2-Clause
#include "core/time.h"

#define WAIT_LIMIT 0x7ffffffffffeu // Ticks: the longest wait.

// Charges sc, which has run; if that exhausts it, it waits. Not 0: its budget or slice is over.
/*@ requires wf: wheel && time;
    requires sc: configured(sc);
    requires now: now == g_clock;
    requires room: wheel_room;
    terminates \true; exits \false;
    assigns sc_view[sc].left, sc_view[sc].last, sc_view[sc].used, sc_view[sc].amount[0 .. 3], sc_view[sc].due[0 .. 3], g_spent[sc], g_before[sc],
        timer_view[0 .. 0xffffffff].next, timer_view[0 .. 0xffffffff].prev, timer_view[sc + SC_TIMER].due, timer_view[sc + SC_TIMER].queue, K.wheel.queue[0 .. 575], K.wheel.bitmap[0 .. 7], K.wheel.summary,
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
    ensures charged: SC(sc).last == now;
    ensures over: exhausted(sc) ==> \result != 0; */
static u32 time_charge(u32 sc, u64 now) {
    sc_charge(sc, now);
    u32 over = !time_has_budget(sc);
    if (over && !wheel_has(sc + SC_TIMER)) {
        sc_replenish(sc, now);
        if (!time_has_budget(sc)) {
            wheel_insert(sc + SC_TIMER, sc_due(sc));
        }
    }
    return over;
}

/*@ requires wf: wheel && time;
    requires sc: sc == 0 || configured(sc);
    terminates \true; exits \false; assigns \nothing; */
static void time_set_alarm(u32 sc) {
    u64 alarm = wheel_next();
    if (sc != 0) {
        u64 end = SC(sc).last + SC(sc).left;
        if (end < alarm) {
            alarm = end;
        }
    }
    clock_alarm(alarm);
}

void time_switch(u32 from, u32 to) {
    u64 now = clock_now();
    if (from != 0) {
        time_charge(from, now);
    }
    //@ assert to: to != 0 ==> configured(to) && !exhausted(to) && SC(to).last <= now;
    if (to != 0) {
        sc_replenish(to, now);
    }
    time_set_alarm(to);
    K.run.sc = to;
}

u32 time_charge_running(void) {
    u32 sc = K.run.sc;
    u64 now = clock_now();
    return sc == 0 ? 0 : time_charge(sc, now);
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
        timer_view[0 .. 0xffffffff].next, timer_view[0 .. 0xffffffff].prev, timer_view[sc + SC_TIMER].due, timer_view[sc + SC_TIMER].queue, K.wheel.queue[0 .. 575], K.wheel.bitmap[0 .. 7], K.wheel.summary,
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
*/
static void time_refill(u32 sc, u64 now) {
    if (sc == K.run.sc) {
        sc_charge(sc, now);
    }
    sc_replenish(sc, now);
    if (!time_has_budget(sc)) {
        wheel_insert(sc + SC_TIMER, sc_due(sc));
    }
}

u32 time_step(void) {
    u64 now = clock_now();
    u32 n = wheel_step(now);
    //@ assert same: \forall integer s; context(s) && s + 15 != g_moved ==> (waits(s) <==> \at(waits(s), Pre)) && TIMER(s + 15).due == \at(TIMER(s + 15).due, Pre);
    //@ assert owners: time_owners;
    //@ assert waiting: time_waiting;
    if (n > TIME_MORE && timer_is_context(n)) {
        time_refill(timer_context(n), now);
    }
    return n;
}

void time_start(u32 t, u64 ticks) {
    u64 now = clock_now();
    u64 wait = ticks < WAIT_LIMIT ? ticks : WAIT_LIMIT;
    wheel_insert(t + TCB_TIMER, now + wait + 1u);
    time_alarm();
}

void time_configure(u32 sc, u64 budget, u64 period) {
    u64 now = clock_now();
    if (sc == K.run.sc) {
        sc_charge(sc, now);
    }
    if (wheel_has(sc + SC_TIMER)) {
        wheel_cancel(sc + SC_TIMER);
    }
    TIMER(sc + SC_TIMER).kind = TIMER_CONTEXT;
    //@ ghost g_spent[sc] = 0; g_before[sc] = 0;
    sc_init(sc, budget, period, now);
    if (sc == K.run.sc) {
        time_alarm();
    }
}
