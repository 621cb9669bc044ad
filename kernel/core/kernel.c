// The entries besides calls: interrupts, the timer, faults.
// SPDX-License-Identifier: BSD-2-Clause
#include "core/kernel.h"

#include "core/call.h"
#include "core/cdt.h"
#include "core/endpoint.h"
#include "core/irq.h"
#include "core/thread.h"
#include "core/time.h"

kernel_t K;

enum {
    TIME_STEPS = 8
}; // Bound on the work of one timer interrupt; if more is due, it comes again.

void kernel_init(void) {
    cdt_init();
}

u32 kernel_interrupt(u32 irq) {
    thread_park();
    irq_signal(irq);
    return (u32)call_finish();
}

// Timer `node` has expired: a wait is over, or a context has its refill.
/*@ requires wf: kept;
    requires node: TIMER(node).kind == TIMER_CONTEXT ? configured(node - SC_TIMER) : tcb(node - TCB_TIMER);
    requires room: queue_room;
    terminates \true; exits \false;
    assigns WAKE_ERROR_ASSIGNS(node - TCB_TIMER), tcb_view[sc_view[node - SC_TIMER].tcb].state,
        queue_view[READY_BASE + tcb_view[sc_view[node - SC_TIMER].tcb].priority],
        g_queue[sc_view[node - SC_TIMER].tcb], g_place[sc_view[node - SC_TIMER].tcb];
    ENSURES_KEPT
    ensures late: \old(TIMER(node).kind) != TIMER_CONTEXT && \old(TCB(node - TCB_TIMER).fault) == FAULT_NONE ==>
        \let t = node - TCB_TIMER; TCB(t).r[R_RAX] == ERR_TIMEOUT && TIMER(node).queue == 0 &&
        (is_ready(t) || TCB(t).state == STATE_NO_TIME);
    ensures refilled: \old(TIMER(node).kind) == TIMER_CONTEXT && !exhausted(node - SC_TIMER) &&
        \old(TCB(SC(node - SC_TIMER).tcb).state) == STATE_NO_TIME ==> is_ready(SC(node - SC_TIMER).tcb);
    ensures room: \old(g_back) <= g_back <= \old(g_back) + 1; */
static void expire(u32 node) {
    if (!timer_is_context(node)) {
        thread_wake_error(timer_thread(node), ERR_TIMEOUT);
        return;
    }
    u32 user = SC(timer_context(node)).tcb;
    if (TCB(user).state == STATE_NO_TIME) {
        //@ assert user: tcb(user) && g_queue[user] == 0 && TCB(user).sc == node - SC_TIMER;
        thread_ready(user);
    }
}

// The running thread has used up its context: tell its timeout handler, if it has one.
static void budget_fault(void) {
    u32 cur = K.run.tcb, s = TCB_SLOT_INDEX(cur, TCB_SLOT_TIMEOUT);
    if ((SLOT(s).may & MAY_SEND) == 0) {
        return;
    }
    TCB(cur).fault = FAULT_BUDGET;
    TCB(cur).fault_word[0] = TCB(cur).r[R_RIP];
    TCB(cur).fault_word[1] = SC(K.run.sc).used;
    TCB(cur).fault_word[2] = SC(K.run.sc).due[0] - SC(K.run.sc).last;
    TCB(cur).fault_word[3] = TCB(cur).r[R_RSP];
    endpoint_send(SLOT(s).object, SLOT(s).may, SLOT(s).data, MESSAGE_REGISTERS, STATE_CALL);
    TCB(cur).state |= STATE_SPECIAL;
}

// The budget or time slice of the running thread is over: the others of its priority go first.
static void give_way(void) {
    u32 cur = K.run.tcb;
    if (!time_has_budget(K.run.sc)) {
        budget_fault();
    }
    if (TCB(cur).state == STATE_RUNNING) {
        thread_ready(cur);
    }
}

u32 kernel_timer(void) {
    thread_park();
    if (time_charge_running()) {
        give_way();
    }
    for (u32 i = 0; i < TIME_STEPS; i++) {
        u32 node = time_step();
        if (node == 0) {
            break;
        }
        if (node != WHEEL_MORE) {
            expire(node);
        }
    }
    u32 sc = K.run.sc, next = (u32)call_finish();
    if (K.run.sc == sc) {
        time_alarm();
    }
    return next;
}

u32 kernel_fault(u32 fault, u64 w1, u64 w2) {
    u32 cur = K.run.tcb, s = TCB_SLOT_INDEX(cur, TCB_SLOT_FAULT);
    thread_park();
    TCB(cur).fault = fault;
    TCB(cur).fault_word[0] = TCB(cur).r[R_RIP];
    TCB(cur).fault_word[1] = w1;
    TCB(cur).fault_word[2] = w2;
    TCB(cur).fault_word[3] = TCB(cur).r[R_RSP];
    if ((SLOT(s).may & MAY_SEND) == 0) {
        TCB(cur).state = STATE_INACTIVE;
    } else {
        endpoint_send(SLOT(s).object, SLOT(s).may, SLOT(s).data, MESSAGE_REGISTERS, STATE_CALL);
        TCB(cur).state |= STATE_SPECIAL;
    }
    return thread_schedule();
}
