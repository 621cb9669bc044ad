// Time: the running context is charged, exhausted ones wait for their refill, waits time out.
// SPDX-License-Identifier: BSD-2-Clause
//
// Clock, contexts and alarm count cycles, the wheel and the waits of threads ticks: a timer of the wheel is
// due at the beginning of its tick. The clock is read when the running context changes (time_switch), when a bounded wait begins
// (time_start), when a context is configured, and when the alarm rings (time_charge_running,
// time_step); nowhere else. A configured context with less than SC_MIN left has its timer on the wheel,
// and no other one has. The alarm is set for the first of: the next timer, the end of the running
// context's budget. Keeps INV-45 (kernel/spec/time.h).
//
// When the alarm rings:
//   time_charge_running() tells whether the running thread must give way;
//   time_step() until it returns 0, at most a few times an entry: 1, or a timer that has expired:
//     timer_is_context(n): timer_context(n) is refilled; if time_has_budget(), its thread, in state
//       NO_TIME, is ready again;
//     otherwise: the wait of timer_thread(n) has timed out.
//   then time_switch(), or time_alarm() if the same context runs on.
#ifndef CORE_TIME_H
#define CORE_TIME_H

#include "core/leaf.h"
#include "core/sched_context.h"
#include "core/wheel.h"
#include "spec/time.h"

enum { TIMER_THREAD, TIMER_CONTEXT }; // timer_node_t.kind
enum { TIME_DONE, TIME_MORE };        // Results of time_step(); no timer has these indices.

/*@ terminates \true; exits \false; assigns \nothing;
    ensures r: \result != 0 <==> TIMER(n).kind == TIMER_CONTEXT; */
static inline u32 timer_is_context(u32 n) {
    return TIMER(n).kind == TIMER_CONTEXT;
}

/*@ requires n: n > TCB_TIMER;
    terminates \true; exits \false; assigns \nothing;
    ensures r: \result == n - TCB_TIMER; */
static inline u32 timer_thread(u32 n) {
    return n - TCB_TIMER;
}

/*@ requires n: n > SC_TIMER;
    terminates \true; exits \false; assigns \nothing;
    ensures r: \result == n - SC_TIMER; */
static inline u32 timer_context(u32 n) {
    return n - SC_TIMER;
}

// A thread on this context may run. Never true for 0 or a context that is not configured.
/*@ terminates \true; exits \false; assigns \nothing;
    ensures r: \result != 0 <==> !exhausted(sc); */
static inline u32 time_has_budget(u32 sc) {
    return SC(sc).left >= SC_MIN;
}

// clang-format off
#define SWITCH_REQUIRES \
    requires wf: wheel && time; \
    requires from: from == K.run.sc && time_running; \
    requires to: to == 0 || (configured(to) && !exhausted(to)); \
    requires different: from != to; \
    requires room: wheel_room;
#define SWITCH_ASSIGNS \
    g_alarm, K.run.sc, sc_view[from].left, sc_view[from].last, sc_view[from].used, sc_view[from].amount[0 .. 3], sc_view[from].due[0 .. 3], \
    g_spent[from], g_before[from], \
    sc_view[to].left, sc_view[to].last, sc_view[to].used, sc_view[to].amount[0 .. 3], sc_view[to].due[0 .. 3], \
    timer_view[0 .. 0xffffffff].next, timer_view[0 .. 0xffffffff].prev, timer_view[from + SC_TIMER].due, timer_view[from + SC_TIMER].queue, WHEEL.queue[0 .. 575], WHEEL.bitmap[0 .. 7], WHEEL.summary, \
    g_level[from + SC_TIMER], g_slot[from + SC_TIMER], g_age[from + SC_TIMER], g_ages
#define SWITCH_ENSURES \
    ensures s0: slots_in; \
    ensures s1: slots_next; \
    ensures s2: slots_prev; \
    ensures s3: slots_order; \
    ensures s4: slots_first; \
    ensures s5: slots_distinct; \
    ensures s6: slots_ends; \
    ensures w1: wheel_shape; \
    ensures w2: wheel_upper; \
    ensures w3: wheel_lower; \
    ensures w4: wheel_current; \
    ensures w5: wheel_clock; \
    ensures w6: wheel_summary; \
    ensures w7: wheel_high; \
    ensures w8: wheel_marked; \
    ensures w9: wheel_marks; \
    ensures t1: time_clock; \
    ensures t2: time_budgets; \
    ensures t3: time_windows; \
    ensures t4: time_bare; \
    ensures t5: time_kinds; \
    ensures t6: time_owners; \
    ensures t7: time_exhausted; \
    ensures t8: time_waiting; \
    ensures runs: K.run.sc == to; \
    ensures left: from != 0 ==> SC(from).last == g_clock; \
    ensures used: from != 0 ==> SC(from).used == \old(SC(from).used) + (g_clock - \old(SC(from).last)); \
    ensures none: from == 0 ==> TIMER(SC_TIMER).queue == \old(TIMER(SC_TIMER).queue); \
    ensures begins: to != 0 ==> SC(to).last == g_clock && !exhausted(to); \
    ensures a1: alarm_timers; \
    ensures a2: alarm_budget(K.run.sc); \
    ensures value: \result == value;
// clang-format on

// The processor goes from context `from` (which runs, or 0) to another, `to` (which has budget, or 0: idle).
// Returns `value`: who ends with it has nothing to keep meanwhile.
/*@ SWITCH_REQUIRES
    terminates \true; exits \false;
    assigns g_clock, SWITCH_ASSIGNS;
    SWITCH_ENSURES */
u64 time_switch(u32 from, u32 to, u64 value);

// Charges the running context up to now. Not 0: its budget or time slice is over; it may run on
// only if time_has_budget(), and behind the others of its thread's priority.
/*@ requires wf: wheel && time;
    requires sc: time_running;
    requires room: wheel_room;
    terminates \true; exits \false;
    assigns g_clock, sc_view[K.run.sc].left, sc_view[K.run.sc].last, sc_view[K.run.sc].used, sc_view[K.run.sc].amount[0 .. 3], sc_view[K.run.sc].due[0 .. 3],
        g_spent[K.run.sc], g_before[K.run.sc],
        timer_view[0 .. 0xffffffff].next, timer_view[0 .. 0xffffffff].prev, timer_view[K.run.sc + SC_TIMER].due, timer_view[K.run.sc + SC_TIMER].queue, WHEEL.queue[0 .. 575], WHEEL.bitmap[0 .. 7], WHEEL.summary,
        g_level[K.run.sc + SC_TIMER], g_slot[K.run.sc + SC_TIMER], g_age[K.run.sc + SC_TIMER], g_ages;
    ensures w: wheel;
    ensures t1: time_clock;
    ensures t2: time_budgets;
    ensures t3: time_windows;
    ensures t4: time_bare;
    ensures t5: time_kinds;
    ensures t6: time_owners;
    ensures t7: time_exhausted;
    ensures t8: time_waiting;
    ensures charged: K.run.sc != 0 ==> SC(K.run.sc).last == g_clock;
    ensures used: K.run.sc != 0 ==>
        SC(K.run.sc).used == \old(SC(K.run.sc).used) + (g_clock - \old(SC(K.run.sc).last));
    ensures over: K.run.sc != 0 && exhausted(K.run.sc) ==> \result != 0; */
u32 time_charge_running(void);

// One bounded step of expiry: TIME_DONE: nothing due is left; TIME_MORE: call again; else the timer
// that expired. A context's has been refilled (and waits on, if that was not enough). The running
// context loses none of the time that it has run.
/*@ requires wf: wheel && time;
    requires room: g_ages < 0xfffffffffffffff0;
    requires sc: time_running;
    terminates \true; exits \false;
    assigns g_clock, sc_view[0 .. 0xffffffff],
        g_spent[0 .. 0xffffffff], g_before[0 .. 0xffffffff],
        timer_view[0 .. 0xffffffff].next, timer_view[0 .. 0xffffffff].prev, timer_view[0 .. 0xffffffff].due, timer_view[0 .. 0xffffffff].queue, WHEEL.queue[0 .. 575], WHEEL.bitmap[0 .. 7], WHEEL.summary,
        g_level[0 .. 0xffffffff], g_slot[0 .. 0xffffffff], g_age[0 .. 0xffffffff], g_ages,
        WHEEL.now, WHEEL.level, WHEEL.slot, g_moved;
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
    ensures done: \result == TIME_DONE ==> (\forall integer n; on(n) ==> g_clock < 1024 * TIMER(n).due);
    ensures late: \result > TIME_MORE ==> \let n = \result; \old(on(n)) && 1024 * \old(TIMER(n).due) <= g_clock;
    ensures context: \result > TIME_MORE && TIMER(\result).kind == TIMER_CONTEXT ==> configured(\result - SC_TIMER);
    ensures thread: \result > TIME_MORE && TIMER(\result).kind != TIMER_CONTEXT ==> TIMER(\result).queue == 0;
    ensures accounted: K.run.sc != 0 ==>
        SC(K.run.sc).used - SC(K.run.sc).last == \old(SC(K.run.sc).used) - \old(SC(K.run.sc).last);
    ensures others: \forall integer n; timer(n) && n != \result ==>
        (on(n) <==> \old(on(n))) && TIMER(n).due == \old(TIMER(n).due); */
u32 time_step(void);

// Sets the alarm for the running context.
/*@ requires wf: wheel && time;
    requires sc: time_running;
    terminates \true; exits \false; assigns g_alarm;
    ensures a1: alarm_timers;
    ensures a2: alarm_budget(K.run.sc); */
void time_alarm(void);

// The wait of thread t, whose timer is off, ends after `ticks`. The alarm is still to be set.
/*@ requires wf: wheel && time;
    requires t: t != 0 && t < 0xfffffff0 - TCB_TIMER && TIMER(t + TCB_TIMER).queue == 0 &&
        TIMER(t + TCB_TIMER).kind == TIMER_THREAD;
    requires sc: time_running;
    requires room: wheel_room;
    terminates \true; exits \false;
    assigns g_clock, timer_view[0 .. 0xffffffff].next, timer_view[0 .. 0xffffffff].prev, timer_view[t + TCB_TIMER].due, timer_view[t + TCB_TIMER].queue, WHEEL.queue[0 .. 575], WHEEL.bitmap[0 .. 7], WHEEL.summary,
        g_level[t + TCB_TIMER], g_slot[t + TCB_TIMER], g_age[t + TCB_TIMER], g_ages;
    ensures w: wheel;
    ensures t1: time_clock;
    ensures t2: time_budgets;
    ensures t3: time_windows;
    ensures t4: time_bare;
    ensures t5: time_kinds;
    ensures t6: time_owners;
    ensures t7: time_exhausted;
    ensures t8: time_waiting;
    ensures on: on(t + TCB_TIMER) && g_clock + 1024 * \min(ticks, 0x7ffffffffffe) < 1024 * TIMER(t + TCB_TIMER).due; */
void time_start(u32 t, u64 ticks);

// It ended before.
/*@ requires wf: wheel && time;
    requires t: t != 0 && t < 0xfffffff0 - TCB_TIMER && TIMER(t + TCB_TIMER).kind == TIMER_THREAD;
    terminates \true; exits \false;
    assigns timer_view[0 .. 0xffffffff].next, timer_view[0 .. 0xffffffff].prev, timer_view[t + TCB_TIMER].queue, WHEEL.queue[0 .. 575], WHEEL.bitmap[0 .. 7], WHEEL.summary, g_level[t + TCB_TIMER];
    ensures w: wheel;
    ensures t1: time_clock;
    ensures t2: time_budgets;
    ensures t3: time_windows;
    ensures t4: time_bare;
    ensures t5: time_kinds;
    ensures t6: time_owners;
    ensures t7: time_exhausted;
    ensures t8: time_waiting;
    ensures off: TIMER(t + TCB_TIMER).queue == 0;
    ensures a1: \old(alarm_timers) ==> alarm_timers; */
static inline void time_stop(u32 t) {
    if (wheel_has(t + TCB_TIMER)) {
        wheel_cancel(t + TCB_TIMER);
    }
}

// Gives context sc a new budget and period, from now on; what it had consumed is forgotten.
/*@ requires wf: wheel && time;
    requires sc: context(sc);
    requires running: time_running;
    requires timer: !configured(sc) ==> TIMER(sc + SC_TIMER).queue == 0;
    requires b: SC_MIN <= budget <= period < 0x100000000000000;
    terminates \true; exits \false;
    assigns g_clock, g_alarm, sc_view[sc].budget, sc_view[sc].period, sc_view[sc].left, sc_view[sc].last, sc_view[sc].used, sc_view[sc].amount[0 .. 3], sc_view[sc].due[0 .. 3],
        g_spent[sc], g_before[sc], timer_view[sc + SC_TIMER].kind,
        timer_view[0 .. 0xffffffff].next, timer_view[0 .. 0xffffffff].prev, timer_view[sc + SC_TIMER].queue, WHEEL.queue[0 .. 575], WHEEL.bitmap[0 .. 7], WHEEL.summary, g_level[sc + SC_TIMER];
    ensures w: wheel;
    ensures t1: time_clock;
    ensures t2: time_budgets;
    ensures t3: time_windows;
    ensures t4: time_bare;
    ensures t5: time_kinds;
    ensures t6: time_owners;
    ensures t7: time_exhausted;
    ensures t8: time_waiting;
    ensures set: SC(sc).budget == budget && SC(sc).period == period && SC(sc).left == budget;
    ensures a1: \old(alarm_timers) ==> alarm_timers;
    ensures accounted: K.run.sc != 0 ==>
        SC(K.run.sc).used - SC(K.run.sc).last == \old(SC(K.run.sc).used) - \old(SC(K.run.sc).last);
    ensures a2: \old(alarm_budget(K.run.sc)) ==> alarm_budget(K.run.sc); */
void time_configure(u32 sc, u64 budget, u64 period);

#endif
