// Notifications: a word of bits that are set by signals and taken all at once.
// SPDX-License-Identifier: BSD-2-Clause
//
//   IDLE (word 0, no waiter)  signal -> ACTIVE (word != 0)    wait -> WAITING (queue not empty)
//   ACTIVE                    wait, poll take the word -> IDLE
//   WAITING                   signal hands its bits to the first waiter
// A bound thread also receives the bits in its RECV: it does not sleep beside an active notification, unless it
// has no context. Then they stay until it has one (TCB_CONTEXT), receives with one that was lent, or polls.
#ifndef CORE_NOTIFICATION_H
#define CORE_NOTIFICATION_H

#include "core/view.h"
#include "spec/wait.h"

// Sets `bits` (not 0). Wakes a waiter, or the bound thread if that waits to receive and has a context.
#define SIGNAL_ASSIGNS(n, t)                                                                       \
    WAKE_ASSIGNS(t), tcb_view[t].r[R_RDI], tcb_view[t].r[R_RSI], tcb_view[t].attention
/*@ requires wf: kept && signals;
    requires n: notification(n) && bits != 0;
    requires room: queue_room;
    terminates \true; exits \false;
    assigns notification_view[n].word, SIGNAL_ASSIGNS(n, queue_view[n].head), SIGNAL_ASSIGNS(n, notification_view[n].bound),
        g_deferred[notification_view[n].bound];
    ENSURES_KEPT
    ENSURES_SIGNALS
    ensures waiter: \old(QUEUE(n).head) != 0 ==> \let t = \old(QUEUE(n).head);
        tcb_view[t].r[R_RDI] == bits && tcb_view[t].r[R_RSI] == 0 &&
        (is_ready(t) || tcb_view[t].state == STATE_NO_TIME) && TIMER(t + TCB_TIMER).queue == 0;
    ensures same: \old(QUEUE(n).head) != 0 ==> notification_view[n].word == \old(notification_view[n].word);
    ensures bound: \old(QUEUE(n).head) == 0 && \old(state_of(notification_view[n].bound)) == STATE_RECV &&
        \old(tcb_view[notification_view[n].bound].sc) != 0 ==>
        \let t = notification_view[n].bound; tcb_view[t].r[R_RDI] == (\old(notification_view[n].word) | bits) &&
        tcb_view[t].r[R_RSI] == INFO_SIGNAL && (is_ready(t) || tcb_view[t].state == STATE_NO_TIME) &&
        TIMER(t + TCB_TIMER).queue == 0 && notification_view[n].word == 0;
    ensures kept: \old(QUEUE(n).head) == 0 && (\old(state_of(notification_view[n].bound)) != STATE_RECV ||
        \old(tcb_view[notification_view[n].bound].sc) == 0) ==>
        notification_view[n].word == (\old(notification_view[n].word) | bits);
    ensures room: \old(g_back) <= g_back <= \old(g_back) + 1; */
void notification_signal(u32 n, u64 bits);

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
void notification_wake_bound(u32 n, u32 t);

// The thread that a signal of n wakes, if it runs instead of the running thread; else 0. Its wait has no
// time-out.
/*@ terminates \true; exits \false; assigns \nothing;
    ensures waiter: \result != 0 && QUEUE(n).head != 0 ==> \result == QUEUE(n).head && tcb_view[\result].state == STATE_WAIT;
    ensures bound: \result != 0 && QUEUE(n).head == 0 ==> \result == notification_view[n].bound &&
        tcb_view[\result].state == STATE_RECV;
    ensures next: \result != 0 ==> preempts(\result); */
u32 notification_preempts(u32 n);

// That thread, t, gets `bits` and runs; the running thread, parked, is ready.
u64 notification_hand_over(u32 n, u32 t, u64 bits);

// Takes the bits of n (there are some) for thread t: its RECV or WAIT returns them.
/*@ requires wf: notifications;
    requires n: n != 0 && t != 0;
    terminates \true; exits \false;
    assigns notification_view[n].word, tcb_view[t].r[R_RDI], tcb_view[t].r[R_RSI],
        tcb_view[notification_view[n].bound].attention;
    ensures w1: notify_bound;
    ensures w2: notify_thread;
    ensures w3: notify_attention;
    ensures w4: notify_null;
    ensures taken: tcb_view[t].r[R_RDI] == \old(notification_view[n].word) && notification_view[n].word == 0;
    ensures marked: tcb_view[t].r[R_RSI] == (notification_view[n].bound == t ? INFO_SIGNAL : 0); */
void notification_take(u32 n, u32 t);

// Ends the binding of n, if there is one (n may be 0).
/*@ requires wf: notifications;
    terminates \true; exits \false;
    assigns notification_view[n].bound, tcb_view[notification_view[n].bound].bound,
        tcb_view[notification_view[n].bound].attention;
    ensures w1: notify_bound;
    ensures w2: notify_thread;
    ensures w3: notify_attention;
    ensures w4: notify_null;
    ensures free: notification_view[n].bound == 0 &&
        (\old(notification_view[n].bound) != 0 ==> tcb_view[\old(notification_view[n].bound)].bound == 0); */
void notification_unbind(u32 n);

// Binds n and t; both are free.
/*@ requires wf: notifications;
    requires n: n != 0 && notification_view[n].bound == 0;
    requires t: t != 0 && tcb_view[t].bound == 0;
    terminates \true; exits \false;
    assigns notification_view[n].bound, tcb_view[t].bound, tcb_view[t].attention;
    ensures w1: notify_bound;
    ensures w2: notify_thread;
    ensures w3: notify_attention;
    ensures w4: notify_null;
    ensures bound: notification_view[n].bound == t && tcb_view[t].bound == n; */
void notification_bind(u32 n, u32 t);

#endif
