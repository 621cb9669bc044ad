// The call on SchedControl: how much time a scheduling context gives.
// SPDX-License-Identifier: BSD-2-Clause
#include "core/call.h"
#include "core/cspace.h"
#include "core/leaf.h"
#include "core/thread.h"
#include "core/time.h"

u64 call_sc_configure(u64 cptr, u64 info) {
    (void)info;
    u32 cur = K.run.tcb, s = cspace_lookup(cur, ARG0), sc = SLOT(s).object;
    u64 budget = ARG1, period = ARG2;
    if (SLOT(cspace_lookup(cur, cptr)).type != CAP_SCHED_CONTROL) {
        return call_refuse(CALL_SC_CONFIGURE, ERR_TYPE, cptr, NEED(CAP_SCHED_CONTROL, 0));
    }
    if (SLOT(s).type != CAP_SCHED_CONTEXT) {
        return call_refuse(CALL_SC_CONFIGURE, ERR_TYPE, ARG0, NEED(CAP_SCHED_CONTEXT, 0));
    }
    if (budget < SC_MIN || budget > period) {
        return call_refuse_argument(CALL_SC_CONFIGURE, ERR_ARG, budget);
    }
    if (period >= PERIOD_LIMIT) {
        return call_refuse_argument(CALL_SC_CONFIGURE, ERR_ARG, period);
    }
    thread_park();
    if (sc == K.run.sc) {
        time_charge_running();
    }
    if (wheel_has(sc + SC_TIMER)) {
        wheel_cancel(sc + SC_TIMER);
    }
    sc_init(sc, budget, period, clock_now());
    if (TCB(SC(sc).tcb).state == STATE_NO_TIME) {
        thread_ready(SC(sc).tcb);
    }
    if (sc == K.run.sc) {
        time_alarm();
    }
    return call_finish();
}
