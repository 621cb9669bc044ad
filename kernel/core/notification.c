// Notifications: bits, their waiters and the bound thread.
// SPDX-License-Identifier: BSD-2-Clause
#include "core/notification.h"

#include "core/call.h"
#include "core/cspace.h"
#include "core/inline.h"
#include "core/message.h"
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

// Thread t, which is bound to n and waits to receive, gets the bits of n instead.
/*@ requires wf: kept && notifications && signal_idle && signal_live_but(t);
    requires n: notification(n) && notification_view[n].bound == t && notification_view[n].word != 0;
    requires t: t != 0 && state_of(t) == STATE_RECV;
    requires room: queue_room;
    terminates \true; exits \false;
    assigns WAKE_ASSIGNS(t), tcb_view[t].r[R_RDI], tcb_view[t].r[R_RSI], notification_view[n].word, tcb_view[t].attention;
    ENSURES_KEPT
    ENSURES_SIGNALS
    ensures taken: tcb_view[t].r[R_RDI] == \old(notification_view[n].word) && notification_view[n].word == 0;
    ensures marked: tcb_view[t].r[R_RSI] == INFO_SIGNAL;
    ensures woken: is_ready(t) || tcb_view[t].state == STATE_NO_TIME;
    ensures off: TIMER(t + TCB_TIMER).queue == 0;
    ensures room: \old(g_back) <= g_back <= \old(g_back) + 1; */
static inline void signal_bound(u32 n, u32 t) {
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
    if (thread_state(t) == STATE_RECV) {
        signal_bound(n, t);
    }
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

// Nobody waits and no thread is bound: the bits are there.
/*@ requires wf: signals;
    requires n: n != 0 && bits != 0 && QUEUE(n).head == 0 && notification_view[n].bound == 0;
    terminates \true; exits \false;
    assigns notification_view[n].word;
    ENSURES_SIGNALS
    ensures word: notification_view[n].word == (\old(notification_view[n].word) | bits); */
static inline void set_bits(u32 n, u64 bits) {
    NOTIFICATION(n).word |= bits;
}

// The running thread takes the bits of n.
/*@ requires wf: signals;
    requires n: n != 0 && notification_view[n].word != 0;
    requires cur: K.run.tcb != 0;
    terminates \true; exits \false;
    assigns notification_view[n].word, tcb_view[K.run.tcb].r[R_RDI], tcb_view[K.run.tcb].r[R_RSI],
        tcb_view[notification_view[n].bound].attention;
    ENSURES_SIGNALS
    ensures taken: tcb_view[K.run.tcb].r[R_RDI] == \old(notification_view[n].word) && notification_view[n].word == 0;
    ensures marked: tcb_view[K.run.tcb].r[R_RSI] == (notification_view[n].bound == K.run.tcb ? INFO_SIGNAL : 0); */
static inline void collect(u32 n) {
    notification_take(n, K.run.tcb);
}

// The running thread waits for bits of n, which has none.
/*@ requires wf: kept && signals;
    requires room: queue_room && wheel_room && time_running;
    requires cur: tcb(K.run.tcb) && tcb_view[K.run.tcb].state == STATE_RUNNING;
    requires n: notification(n) && notification_view[n].word == 0;
    terminates \true; exits \false;
    assigns link_view[0 .. 0xffffffff], queue_view[n], tcb_view[K.run.tcb].state, g_queue[K.run.tcb], g_place[K.run.tcb],
        g_back, g_clock, g_alarm, TIMER_ASSIGNS(K.run.tcb), timer_view[K.run.tcb + 54].due, g_slot[K.run.tcb + 54],
        g_age[K.run.tcb + 54], g_ages;
    ENSURES_KEPT
    ENSURES_SIGNALS
    ensures waits: g_queue[K.run.tcb] == n && QUEUE(n).tail == K.run.tcb && state_of(K.run.tcb) == STATE_WAIT;
    ensures bounded: info / 256 % 2 != 0 ==> on(K.run.tcb + TCB_TIMER); */
static inline void wait_for_bits(u32 n, u64 info) {
    thread_wait(n, STATE_WAIT);
    //@ assert others: \forall integer t; 0 <= t < 0x100000000 && t != K.run.tcb ==> TCB(t).state == \at(TCB(t).state,Pre);
    //@ assert cur: !has_reply(K.run.tcb) && !\at(has_reply(K.run.tcb),Pre) && TCB(K.run.tcb).state < 128;
    //@ assert r1: reply_thread;
    //@ assert r2: reply_caller;
    //@ assert r3: reply_null;
    //@ assert r4: reply_loan;
    //@ assert timers: wait_timers;
    //@ assert live: signal_live;
    thread_arm_timeout(info);
    //@ assert bits: \forall integer m; NOTIFICATION(m).word == \at(NOTIFICATION(m).word,Pre);
    //@ assert heads: \forall integer m; index(m) && m != n ==> QUEUE(m).head == \at(QUEUE(m).head,Pre);
    //@ assert live: signal_live;
}

// A waiter or a bound thread is there.
static NOINLINE u64 signal_slow(u64 cptr, u64 info) {
    (void)info;
    u32 s = cspace_lookup(K.run.tcb, cptr);
    thread_park();
    notification_signal(SLOT(s).object, SLOT(s).data);
    return call_finish();
}

FLATTEN u64 call_signal(u64 cptr, u64 info) {
    u32 cur = K.run.tcb, s = cspace_lookup(cur, cptr);
    if ((SLOT(s).may & MAY_SIGNAL) == 0) {
        return call_refuse(CALL_SIGNAL, ERR_RIGHT, cptr, NEED(CAP_NOTIFICATION, RIGHT_WRITE));
    }
    u32 n = SLOT(s).object;
    if ((QUEUE(n).head | NOTIFICATION(n).bound) != 0) {
        return signal_slow(cptr, info);
    }
    set_bits(n, SLOT(s).data);
    return cur;
}

u64 call_wait(u64 cptr, u64 info) {
    u32 cur = K.run.tcb, s = cspace_lookup(cur, cptr);
    if ((SLOT(s).may & MAY_WAIT) == 0) {
        return call_refuse(CALL_WAIT, ERR_RIGHT, cptr, NEED(CAP_NOTIFICATION, RIGHT_READ));
    }
    u32 n = SLOT(s).object;
    if (NOTIFICATION(n).word != 0) {
        collect(n);
        return cur;
    }
    if (!message_info_ok(cur, info)) {
        return call_refuse_argument(CALL_WAIT, ERR_ARG, info);
    }
    thread_park();
    wait_for_bits(n, info);
    return thread_schedule();
}

u64 call_poll(u64 cptr, u64 info) {
    (void)info;
    u32 cur = K.run.tcb, s = cspace_lookup(cur, cptr);
    if ((SLOT(s).may & MAY_WAIT) == 0) {
        return call_refuse(CALL_POLL, ERR_RIGHT, cptr, NEED(CAP_NOTIFICATION, RIGHT_READ));
    }
    u32 n = SLOT(s).object;
    if (NOTIFICATION(n).word == 0) {
        return call_error(ERR_EMPTY);
    }
    collect(n);
    return cur;
}
