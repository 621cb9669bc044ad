// Time: the running context is charged, exhausted ones wait for their refill, waits time out.
// SPDX-License-Identifier: BSD-2-Clause
//
// The clock is read when the running context changes (time_switch), when a bounded wait begins
// (time_start) and when the alarm rings (time_charge_running, time_step); nowhere else.
// A configured context that has less than SC_MIN left and does not run has its timer on the wheel.
// The alarm is set for the first of: the next timer, the end of the running context's budget.
//
// When the alarm rings:
//   time_charge_running() tells whether the running thread must give way;
//   time_step() until it returns 0, at most a few times an entry: 1, or a timer that has expired:
//     timer_is_context(n): timer_context(n) is refilled; time_has_budget() tells if enough, then
//       its thread, if it is in state NO_TIME, is ready again;
//     otherwise: the wait of timer_thread(n) has timed out.
//   then time_switch(), or time_alarm() if the same context runs on.
#ifndef CORE_TIME_H
#define CORE_TIME_H

#include "core/sched_context.h"
#include "core/wheel.h"

enum { TIMER_THREAD, TIMER_CONTEXT }; // timer_node_t.kind

static inline u32 timer_is_context(u32 n) {
    return TIMER(n).kind == TIMER_CONTEXT;
}
static inline u32 timer_thread(u32 n) {
    return n - TCB_TIMER;
}
static inline u32 timer_context(u32 n) {
    return n - SC_TIMER;
}

// A thread on this context may run. Never true for 0 or a context that is not configured.
static inline u32 time_has_budget(u32 sc) {
    return SC(sc).left >= SC_MIN;
}

// The processor goes from context `from` (which runs, or 0) to `to` (which has budget, or 0: idle).
void time_switch(u32 from, u32 to);

// Charges the running context up to now. Not 0: its budget or time slice is over; it may run on
// only if time_has_budget(), and behind the others of its thread's priority.
u32 time_charge_running(void);

// One bounded step of expiry: 0 nothing due is left, 1 call again, else the timer that expired.
u32 time_step(void);

// Sets the alarm for the running context.
void time_alarm(void);

// The wait of thread t, whose timer is off, ends after `ticks`.
void time_start(u32 t, u64 ticks);

// It ended before.
static inline void time_stop(u32 t) {
    if (wheel_has(t + TCB_TIMER)) {
        wheel_cancel(t + TCB_TIMER);
    }
}

#endif
