// Vocabulary of the proofs: threads, messages, and the bonds between them.
// SPDX-License-Identifier: BSD-2-Clause
#ifndef SPEC_THREAD_H
#define SPEC_THREAD_H

#include "core/view.h"
#include "spec/lend.h"
#include "spec/queue.h"

/*@ // A TCB, or the null TCB: its slots have indices of their own.
    predicate thread(integer t) = 0 <= t <= 0xffffff00;
    logic integer state_of{L}(integer t) = \at(tcb_view[t].state,L) % 128;

    // `to` holds badge, info and the four register words that `from` had.
    predicate message_given{L1,L2}(integer from, integer to, integer badge, integer info) =
        \at(tcb_view[to].r[R_RDI],L2) == badge && \at(tcb_view[to].r[R_RSI],L2) == info &&
        \at(tcb_view[to].r[R_RDX],L2) == \at(tcb_view[from].r[R_RDX],L1) &&
        \at(tcb_view[to].r[R_R10],L2) == \at(tcb_view[from].r[R_R10],L1) &&
        \at(tcb_view[to].r[R_R8],L2) == \at(tcb_view[from].r[R_R8],L1) &&
        \at(tcb_view[to].r[R_R9],L2) == \at(tcb_view[from].r[R_R9],L1);

    // --- INV-50: a notification and its bound thread name each other; the thread's attention
    // tells whether there are bits; nobody waits beside bits.
    predicate notify_bound{L} = \forall integer n; index(n) && notification_view[n].bound != 0 ==>
        tcb_view[notification_view[n].bound].bound == n;
    predicate notify_thread{L} = \forall integer t; index(t) && tcb_view[t].bound != 0 ==>
        notification_view[tcb_view[t].bound].bound == t;
    predicate notify_attention{L} = \forall integer t; index(t) ==>
        (tcb_view[t].attention != 0 <==>
            tcb_view[t].bound != 0 && notification_view[tcb_view[t].bound].word != 0);
    predicate notify_null{L} = notification_view[0].bound == 0 && notification_view[0].word == 0 &&
        tcb_view[0].bound == 0 && tcb_view[0].attention == 0;
    predicate notifications{L} = notify_bound{L} && notify_thread{L} && notify_attention{L} && notify_null{L};

    // --- INV-51: a Reply and the thread that receives or waits with it name each other.
    predicate has_reply{L}(integer t) = state_of{L}(t) == STATE_RECV || state_of{L}(t) == STATE_REPLY;
    predicate reply_thread{L} = \forall integer t; index(t) && has_reply(t) ==>
        tcb_view[t].reply != 0 && reply_view[tcb_view[t].reply].caller.tcb == t;
    predicate reply_caller{L} = \forall integer r; index(r) && reply_view[r].caller.tcb != 0 ==>
        has_reply(reply_view[r].caller.tcb) && tcb_view[reply_view[r].caller.tcb].reply == r;
    predicate reply_null{L} = reply_view[0].caller.tcb == 0 && state_of(0) == 0;
    // Only who waits for an answer has lent; what it lent is on that context's stack.
    predicate reply_loan{L} = \forall integer r; index(r) && g_lent[r] != 0 ==>
        state_of(reply_view[r].caller.tcb) == STATE_REPLY;
    predicate replies{L} = reply_thread{L} && reply_caller{L} && reply_null{L} && reply_loan{L}; */

// The invariants as single clauses, for contracts.
#define ENSURES_QUEUES                                                                             \
    ensures q0 : queue_in;                                                                         \
    ensures q1 : queue_next;                                                                       \
    ensures q2 : queue_prev;                                                                       \
    ensures q3 : queue_order;                                                                      \
    ensures q4 : queue_first;                                                                      \
    ensures q5 : queue_distinct;                                                                   \
    ensures q6 : queue_ends;                                                                       \
    ensures q7 : queue_alone;
#define ENSURES_LOANS                                                                              \
    ensures l1 : lend_in;                                                                          \
    ensures l2 : lend_below;                                                                       \
    ensures l3 : lend_above;                                                                       \
    ensures l4 : lend_order;                                                                       \
    ensures l5 : lend_top;                                                                         \
    ensures l6 : lend_distinct;                                                                    \
    ensures l7 : lend_ends;                                                                        \
    ensures l8 : lend_free;                                                                        \
    ensures l9 : lend_bond;
#define ENSURES_REPLIES                                                                            \
    ensures r1 : reply_thread;                                                                     \
    ensures r2 : reply_caller;                                                                     \
    ensures r3 : reply_null;                                                                       \
    ensures r4 : reply_loan;

#endif
