// Vocabulary of the proofs: time (core/time.h).
// SPDX-License-Identifier: BSD-2-Clause
#ifndef SPEC_TIME_H
#define SPEC_TIME_H

#include "spec/clock.h"
#include "spec/sched_context.h"
#include "spec/wheel.h"

// Contexts and alarms count cycles, the wheel counts ticks of 1,024 cycles.
/*@ logic integer tick_after(integer cycles) = (cycles + 1023) / 1024; // The first that is not before.

    predicate configured{L}(integer s) = context(s) && SC(s).budget != 0;
    predicate exhausted{L}(integer s) = SC(s).left < 16384;
    predicate waits{L}(integer s) = on{L}(s + 15);

    predicate time_clock{L} = 1024 * WHEEL.now <= g_clock < 0x200000000000000 && g_T1 < 0x200000000000000;
    predicate time_budgets{L} = \forall integer s; configured(s) ==> budget(s) && SC(s).last <= g_clock;
    predicate time_windows{L} = \forall integer s; configured(s) ==> window(s);
    // The null context and those that are not configured have nothing to run on and no timer.
    predicate time_bare{L} = \forall integer s; 0 <= s < 0xfffffff0 && SC(s).budget == 0 ==>
        SC(s).left == 0 && SC(s).used <= SC(s).last <= g_clock;
    predicate time_kinds{L} = \forall integer s; configured(s) ==> TIMER(s + 15).kind == 1;
    predicate time_owners{L} = \forall integer n; on(n) && TIMER(n).kind == 1 ==> configured(n - 15);
    predicate time_running{L} = K.run.sc == 0 || configured(K.run.sc);
    // Exhausted contexts, and no others, wait on the wheel, until their first refill.
    predicate time_exhausted{L} = \forall integer s; configured(s) && exhausted(s) ==> waits(s);
    predicate time_waiting{L} = \forall integer s; configured(s) && waits(s) ==> exhausted(s) &&
        SC(s).amount[0] != 0 && TIMER(s + 15).due == tick_after(SC(s).due[0]);
    predicate time{L} = time_clock{L} && time_budgets{L} && time_windows{L} && time_bare{L} &&
        time_kinds{L} && time_owners{L} && time_exhausted{L} && time_waiting{L};

    // The alarm rings no later than the first timer and the end of the running context's budget.
    predicate alarm_timers{L} = \forall integer n; on(n) ==> g_alarm <= 1024 * TIMER(n).due;
    predicate alarm_budget{L}(integer s) = s != 0 ==> g_alarm <= SC(s).last + SC(s).left; */

#endif
