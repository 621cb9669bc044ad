// Reply objects: claimed, armed, released; loans given back.
// SPDX-License-Identifier: BSD-2-Clause
#include "core/reply.h"

#include "core/sched_context.h"
#include "core/thread.h"
#include "core/time.h"

void reply_release(u32 r) {
    if (r == 0) {
        return;
    }
    run_t caller = REPLY(r).caller;
    REPLY(r).caller = (run_t){0, 0};
    TCB(caller.tcb).reply = 0;
    if (caller.sc == 0) {
        return;
    }
    u32 youngest = SC(caller.sc).top == r;
    lend_remove(caller.sc, r);
    if (youngest) {
        thread_take_context(SC(caller.sc).tcb);
        thread_give_context(caller.tcb, caller.sc);
    }
}

void reply_arm(u32 r, u32 c, u32 t) {
    u32 sc = TCB(c).sc;
    u32 lends = sc != 0 && TCB(t).sc == 0;
    REPLY(r).caller = (run_t){c, lends ? sc : 0};
    TCB(c).reply = r;
    if (lends) {
        lend_push(sc, r);
        TCB(c).sc = 0;
        thread_give_context(t, sc);
        time_stop(c);
    }
    u32 special = TCB(c).fault != FAULT_NONE || wheel_has(c + TCB_TIMER);
    TCB(c).state = special ? STATE_REPLY | STATE_SPECIAL : STATE_REPLY;
}

void reply_return_context(u32 t) {
    u32 sc = TCB(t).sc;
    if (sc == 0) {
        return;
    }
    u32 r = SC(sc).top;
    if (r == 0) {
        thread_take_context(t);
    } else {
        thread_wake_error(REPLY(r).caller.tcb, ERR_GONE);
    }
}

void reply_destroy(u32 r) {
    u32 t = REPLY(r).caller.tcb;
    if (t != 0) {
        thread_wake_error(t, ERR_GONE);
    }
}
