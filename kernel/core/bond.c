// A thread loses its context; the timer of a wait is stopped.
// SPDX-License-Identifier: BSD-2-Clause
#include "core/bond.h"

#include "core/ready.h"
#include "core/time.h"

void thread_take_context(u32 t) {
    u32 sc = TCB(t).sc;
    if (sc == 0) {
        return;
    }
    SC(sc).tcb = 0;
    TCB(t).sc = 0;
    if (TCB(t).state == STATE_READY) {
        ready_remove(t);
        TCB(t).state = STATE_NO_TIME;
    }
}

void thread_stop_timer(u32 t) {
    time_stop(t);
    //@ assert kinds: \forall integer n; 0 <= n < 0x100000000 ==> TIMER(n).kind == \at(TIMER(n).kind,Pre);
    //@ assert tcbs: wait_tcb;
    //@ assert others: \forall integer n; on(n) ==> n != t + 54 && \at(on(n),Pre);
}
