// Notifications: bits, their waiters and the bound thread.
// SPDX-License-Identifier: BSD-2-Clause
#include "core/notification.h"

#include "core/inline.h"
#include "core/queue.h"
#include "core/thread.h"

// The wait of t returns these bits.
/*@ requires t: t != 0;
    terminates \true; exits \false;
    assigns tcb_view[t].r[R_RDI], tcb_view[t].r[R_RSI];
    ensures bits: tcb_view[t].r[R_RDI] == bits && tcb_view[t].r[R_RSI] == info; */
static inline void deliver_bits(u32 t, u64 bits, u64 info) {
    TCB(t).r[R_RDI] = bits;
    TCB(t).r[R_RSI] = info;
}

// The bits are there; if there is a bound thread, it knows.
/*@ requires wf: kept && signals;
    requires n: notification(n) && bits != 0 && QUEUE(n).head == 0;
    terminates \true; exits \false;
    assigns notification_view[n].word, tcb_view[notification_view[n].bound].attention;
    ENSURES_KEPT
    ensures n1: notify_bound;
    ensures n2: notify_thread;
    ensures n3: notify_attention;
    ensures n4: notify_null;
    ensures n5: signal_idle;
    ensures live: signal_live_but(notification_view[n].bound);
    ensures word: notification_view[n].word == (\old(notification_view[n].word) | bits);
    ensures some: notification_view[n].word != 0; */
static inline void deposit(u32 n, u64 bits) {
    u32 t = NOTIFICATION(n).bound;
    NOTIFICATION(n).word |= bits;
    if (t != 0) {
        TCB(t).attention = 1;
    }
    //@ assert w1: wait_endpoint;
    //@ assert w2: wait_signal;
    //@ assert w3: wait_queued;
    //@ assert w4: wait_kind;
    //@ assert w5: wait_special;
    //@ assert w6: wait_tcb;
}

// Waiter t gets the bits.
/*@ requires wf: kept && signals;
    requires t: tcb(t) && state_of(t) == STATE_WAIT;
    requires room: queue_room;
    terminates \true; exits \false;
    assigns WAKE_ASSIGNS(t), tcb_view[t].r[R_RDI], tcb_view[t].r[R_RSI];
    ENSURES_KEPT
    ENSURES_SIGNALS
    ensures taken: tcb_view[t].r[R_RDI] == bits && tcb_view[t].r[R_RSI] == 0;
    ensures woken: is_ready(t) || tcb_view[t].state == STATE_NO_TIME;
    ensures off: TIMER(t + TCB_TIMER).queue == 0;
    ensures room: \old(g_back) <= g_back <= \old(g_back) + 1; */
static inline void signal_waiter(u32 t, u64 bits) {
    deliver_bits(t, bits, 0);
    //@ assert w1: wait_endpoint;
    //@ assert w2: wait_signal;
    //@ assert w3: wait_queued;
    //@ assert w4: wait_kind;
    //@ assert w5: wait_special;
    //@ assert w6: wait_tcb;
    //@ assert ready: ready_queues;
    //@ assert contexts: contexts;
    //@ assert threads: threads;
    //@ assert replies: replies;
    //@ assert timers: wait_timers;
    //@ assert bonds: notifications;
    //@ assert signals: signals;
    thread_wake(t);
    //@ assert receivers: \forall integer u; index(u) && state_of(u) == STATE_RECV ==> u != t && \at(state_of(u),Pre) == STATE_RECV;
    //@ assert bounds: \forall integer u; 0 <= u < 0x100000000 ==> TCB(u).bound == \at(TCB(u).bound,Pre);
    //@ assert attention: \forall integer u; 0 <= u < 0x100000000 ==> TCB(u).attention == \at(TCB(u).attention,Pre);
}

void notification_wake_bound(u32 n, u32 t) {
    //@ assert tcb: tcb(t);
    notification_take(n, t);
    //@ assert w1: wait_endpoint;
    //@ assert w2: wait_signal;
    //@ assert w3: wait_queued;
    //@ assert w4: wait_kind;
    //@ assert w5: wait_special;
    //@ assert w6: wait_tcb;
    //@ assert ready: ready_queues;
    //@ assert contexts: contexts;
    //@ assert threads: threads;
    //@ assert replies: replies;
    //@ assert timers: wait_timers;
    //@ assert live: signals;
    thread_wake(t);
    //@ assert receivers: \forall integer u; index(u) && state_of(u) == STATE_RECV ==> u != t && \at(state_of(u),Pre) == STATE_RECV;
    //@ assert bounds: \forall integer u; 0 <= u < 0x100000000 ==> TCB(u).bound == \at(TCB(u).bound,Pre);
    //@ assert attention: \forall integer u; 0 <= u < 0x100000000 && u != t ==> TCB(u).attention == \at(TCB(u).attention,Pre);
    //@ assert taken: TCB(t).attention == 0;
}

void notification_signal(u32 n, u64 bits) {
    u32 t = QUEUE(n).head;
    if (t != 0) {
        //@ assert waits: state_of(t) == STATE_WAIT && tcb(t);
        signal_waiter(t, bits);
        return;
    }
    deposit(n, bits);
    t = NOTIFICATION(n).bound;
    if (thread_state(t) != STATE_RECV) {
        return;
    }
    if (TCB(t).sc == 0) {
        //@ ghost g_deferred[t] = 1;
        return;
    }
    notification_wake_bound(n, t);
}

void notification_take(u32 n, u32 t) {
    u32 bound = NOTIFICATION(n).bound;
    deliver_bits(t, NOTIFICATION(n).word, bound == t ? INFO_SIGNAL : 0);
    NOTIFICATION(n).word = 0;
    if (bound != 0) {
        TCB(bound).attention = 0;
    }
}

void notification_unbind(u32 n) {
    u32 t = NOTIFICATION(n).bound;
    if (t != 0) {
        NOTIFICATION(n).bound = 0;
        TCB(t).bound = 0;
        TCB(t).attention = 0;
    }
}

void notification_bind(u32 n, u32 t) {
    NOTIFICATION(n).bound = t;
    TCB(t).bound = n;
    if (NOTIFICATION(n).word != 0) {
        TCB(t).attention = 1;
    }
}

u32 notification_preempts(u32 n) {
    u32 t = QUEUE(n).head;
    if (t == 0) {
        t = NOTIFICATION(n).bound;
        return TCB(t).state == STATE_RECV && thread_preempts(t) ? t : 0;
    }
    return TCB(t).state == STATE_WAIT && thread_preempts(t) ? t : 0;
}

FLATTEN NOINLINE u64 notification_hand_over(u32 n, u32 t, u64 bits) {
    if (TCB(t).state == STATE_WAIT) {
        deliver_bits(t, bits, 0);
        queue_take(n, t);
        return thread_run_before(t);
    }
    deliver_bits(t, bits, INFO_SIGNAL);
    queue_remove(LINK(t).queue, t);
    REPLY(TCB(t).reply).caller = (run_t){0, 0};
    TCB(t).reply = 0;
    return thread_run_before(t);
}
