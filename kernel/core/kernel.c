// The entries: calls, interrupts, the timer, faults.
// SPDX-License-Identifier: BSD-2-Clause
#include "core/kernel.h"

#include "core/call.h"
#include "core/cdt.h"
#include "core/endpoint.h"
#include "core/inline.h"
#include "core/irq.h"
#include "core/message.h"
#include "core/thread.h"
#include "core/time.h"

kernel_t K;

enum {
    TIME_STEPS = 8
}; // Bound on the work of one timer interrupt; if more is due, it comes again.

void core_init(void) {
    cdt_init();
}

#define CALL_CASE(call, function)                                                                  \
    case call:                                                                                     \
        return function(cptr, info);

u64 core_call(u64 number, u64 cptr, u64 info) {
    switch (number) {
        CALL_LIST(CALL_CASE)
    default:
        return core_fault(FAULT_CALL, number, cptr);
    }
}

u32 core_interrupt(u32 irq) {
    thread_park();
    u32 next = irq_hand_over(irq);
    if (next != 0) {
        return next;
    }
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

// t, which has sent its fault, waits for the answer.
/*@ requires wf: kept && messages;
    requires t: tcb(t) && (state_of(t) == STATE_CALL || state_of(t) == STATE_REPLY);
    terminates \true; exits \false;
    assigns tcb_view[t].state;
    ENSURES_KEPT
    ensures messages: messages;
    ensures special: tcb_view[t].state >= 128 && state_of(t) == \old(state_of(t)); */
static inline void mark_fault(u32 t) {
    TCB(t).state = (u8)(thread_state(t) + STATE_SPECIAL);
    //@ assert states: \forall integer u; index(u) ==> state_of(u) == state_of{Pre}(u);
    //@ assert w1: wait_endpoint;
    //@ assert w2: wait_signal;
    //@ assert w3: wait_queued;
    //@ assert w4: wait_kind;
    //@ assert w5: wait_special;
    //@ assert w6: wait_tcb;
    //@ assert ready: ready_queues;
    //@ assert c6: context_ready;
    //@ assert r1: reply_thread;
    //@ assert r2: reply_caller;
    //@ assert r3: reply_null;
    //@ assert r4: reply_loan;
    //@ assert timers: wait_timers;
    //@ assert messages: messages;
}

// The fault of the running thread goes to its handler, through the endpoint capability in slot s.
/*@ requires wf: kept && caps && messages;
    requires room: queue_room && wheel_room && lend_room && time_running;
    requires cur: tcb(K.run.tcb) && tcb_view[K.run.tcb].state == STATE_RUNNING && tcb_view[K.run.tcb].fault != FAULT_NONE;
    requires s: endpoint(slot_view[s].object);
    terminates \true; exits \false;
    assigns SEND_ASSIGNS, REGISTERS_ASSIGNS(queue_view[slot_view[s].object].head), tcb_view[K.run.tcb].sending_cptr,
        tcb_view[K.run.tcb].sending_info;
    ENSURES_KEPT
    ensures caps: caps;
    ensures messages: messages;
    ensures special: tcb_view[K.run.tcb].state >= 128;
    ensures waits: state_of(K.run.tcb) == (\old(state_of(QUEUE(slot_view[s].object).head)) == STATE_RECV ? STATE_REPLY : STATE_CALL); */
static NOINLINE void send_fault(u32 s) {
    endpoint_send(s, 0, MESSAGE_REGISTERS, STATE_CALL);
    //@ assert range: 0 <= K.run.tcb < 0x100000000;
    mark_fault(K.run.tcb);
}

// The running thread has used up its context: tell its timeout handler, if it has one.
static void budget_fault(void) {
    u32 cur = K.run.tcb, s = TCB_SLOT_INDEX(cur, TCB_SLOT_TIMEOUT);
    if ((SLOT(s).may & MAY_SEND) == 0) {
        return;
    }
    TCB(cur).fault = FAULT_BUDGET;
    TCB(cur).fault_word[0] = TCB(cur).r[R_RIP];
    TCB(cur).fault_word[1] = SC(K.run.sc).used / TICK;
    TCB(cur).fault_word[2] = (SC(K.run.sc).due[0] - SC(K.run.sc).last + (TICK - 1u)) / TICK;
    TCB(cur).fault_word[3] = TCB(cur).r[R_RSP];
    send_fault(s);
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

u32 core_timer(void) {
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

FLATTEN u32 core_fault(u32 fault, u64 w1, u64 w2) {
    u32 cur = K.run.tcb, s = TCB_SLOT_INDEX(cur, TCB_SLOT_FAULT);
    thread_park();
    TCB(cur).fault = fault;
    TCB(cur).fault_word[0] = TCB(cur).r[R_RIP];
    TCB(cur).fault_word[1] = w1;
    TCB(cur).fault_word[2] = w2;
    TCB(cur).fault_word[3] = TCB(cur).r[R_RSP];
    if ((SLOT(s).may & MAY_SEND) == 0) {
        TCB(cur).state = STATE_INACTIVE;
        return thread_schedule();
    }
    u32 ep = SLOT(s).object, to = endpoint_receiver(ep);
    if (to != 0) {
        message_deliver(cur, to, SLOT(s).data, MESSAGE_REGISTERS, 0);
        return endpoint_hand_over(ep, to, STATE_REPLY | STATE_SPECIAL);
    }
    send_fault(s);
    return thread_schedule();
}
