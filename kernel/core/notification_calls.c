// The calls on notifications: signal, wait, poll.
// SPDX-License-Identifier: BSD-2-Clause
#include "core/call.h"
#include "core/cspace.h"
#include "core/inline.h"
#include "core/message.h"
#include "core/notification.h"
#include "core/thread.h"

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

// Somebody waits, or a thread is bound: the general way.
static NOINLINE u64 signal_slow(u32 s) {
    thread_park();
    notification_signal(SLOT(s).object, SLOT(s).data);
    return call_finish();
}

// The same, straight to the thread that is woken if it runs next.
FLATTEN static NOINLINE u64 signal_waiter_or_bound(u32 s) {
    u32 n = SLOT(s).object, t = notification_preempts(n);
    if (t == 0) {
        return signal_slow(s);
    }
    thread_park();
    return notification_hand_over(n, t, SLOT(s).data);
}

FLATTEN u64 call_signal(u64 cptr, u64 info) {
    (void)info;
    u32 cur = K.run.tcb, s = cspace_lookup(cur, cptr);
    if ((SLOT(s).may & MAY_SIGNAL) == 0) {
        return call_refuse(CALL_SIGNAL, ERR_RIGHT, cptr, NEED(CAP_NOTIFICATION, RIGHT_WRITE));
    }
    u32 n = SLOT(s).object;
    if ((QUEUE(n).head | NOTIFICATION(n).bound) != 0) {
        return signal_waiter_or_bound(s);
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
