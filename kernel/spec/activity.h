// Vocabulary of the proofs: threads, their bonds and time together.
// SPDX-License-Identifier: BSD-2-Clause
//
// Holds while the running thread is parked (core/thread.h): the end of an object and every wake-up
// begin and end in such a state.
#ifndef SPEC_ACTIVITY_H
#define SPEC_ACTIVITY_H

#include "spec/wait.h"

/*@ predicate wf_activity{L} = kept{L} && notifications{L} && time_running{L};

    // Before that, the bond of the running thread K.run.tcb with its context K.run.sc is not looked at; no
    // other thread and no other context names one of the two.
    predicate context_others{L} =
        (\forall integer t; index(t) && t != K.run.tcb && tcb_view[t].sc != 0 ==>
            SC(tcb_view[t].sc).tcb == t && tcb_view[t].sc != K.run.sc) &&
        (\forall integer s; index(s) && s != K.run.sc && SC(s).tcb != 0 ==>
            tcb_view[SC(s).tcb].sc == s && SC(s).tcb != K.run.tcb);
    predicate contexts_unparked{L} = K.run.sc == 0 ? contexts{L} :
        context_others{L} && context_null{L} && context_range{L} && context_lender{L} && context_ready{L};
    predicate unparked{L} = queues{L} && ready_queues{L} && waits{L} && contexts_unparked{L} && lending{L} &&
        replies{L} && wheel{L} && time{L} && wait_timers{L} && time_running{L};

    // What at most n wake-ups have left of queue_margin.
    predicate queue_used{L1,L2}(integer n) = \at(g_back,L1) <= \at(g_back,L2) <= \at(g_back,L1) + n;

    // How much there is to do before nobody waits in queue q, and nothing is lent from context s.
    logic integer waiters{L}(integer q) =
        QUEUE(q).head == 0 ? 0 : g_place[QUEUE(q).tail] - g_place[QUEUE(q).head] + 1;
    logic integer debts{L}(integer s) = SC(s).top == 0 ? 0 : g_turn[SC(s).top] + 1; */

// All that a wake-up or the end of a thread may write. In contracts.
#define ACTIVITY                                                                                   \
    link_view[..], queue_view[..], tcb_view[..], sc_view[..], reply_view[..],                      \
        notification_view[..].bound, timer_view[..].next, timer_view[..].prev,                     \
        timer_view[..].queue, K.ready_summary, K.ready_bitmap[0..3], K.top, K.run.sc,              \
        WHEEL.queue[0..575], WHEEL.bitmap[0..7], WHEEL.summary, g_queue[..], g_place[..], g_back,  \
        g_lent[..], g_level[..]

#define ENSURES_NOTIFICATIONS                                                                      \
    ensures n1 : notify_bound;                                                                     \
    ensures n2 : notify_thread;                                                                    \
    ensures n3 : notify_attention;                                                                 \
    ensures n4 : notify_null;
#define ENSURES_ACTIVITY                                                                           \
    ENSURES_KEPT                                                                                   \
    ensures notifications : notifications;                                                         \
    ensures running : time_running;

#endif
