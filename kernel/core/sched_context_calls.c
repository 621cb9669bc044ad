// The call on SchedControl: who may run how much of the time.
// SPDX-License-Identifier: BSD-2-Clause
#include "core/call.h"
#include "core/cspace.h"
#include "core/inline.h"
#include "core/ready.h"
#include "core/thread.h"
#include "core/time.h"

RARE u64 call_sc_configure(u64 cptr, u64 info) {
    (void)info;
    u32 control = cspace_lookup(K.run.tcb, cptr), slot = cspace_lookup(K.run.tcb, ARG0);
    u64 budget = ARG1, period = ARG2; // Ticks.
    if (SLOT(control).type != CAP_SCHED_CONTROL) {
        return call_refuse(CALL_SC_CONFIGURE, ERR_TYPE, cptr, NEED(CAP_SCHED_CONTROL, 0));
    }
    if (SLOT(slot).type != CAP_SCHED_CONTEXT) {
        return call_refuse(CALL_SC_CONFIGURE, ERR_TYPE, ARG0, NEED(CAP_SCHED_CONTEXT, 0));
    }
    if (period >= PERIOD_LIMIT / TICK) {
        return call_refuse_argument(CALL_SC_CONFIGURE, ERR_ARG, period);
    }
    if (budget < SC_MIN / TICK || budget > period) {
        return call_refuse_argument(CALL_SC_CONFIGURE, ERR_ARG, budget);
    }
    thread_park();
    u32 sc = SLOT(slot).object, t = SC(sc).tcb;
    time_configure(sc, budget * TICK, period * TICK);
    if (TCB(t).state == STATE_NO_TIME) {
        ready_append(t);
    }
    return call_finish();
}
