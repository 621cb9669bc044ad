// Vocabulary of the proofs: waiting threads, their timers, and the contexts that threads run on.
// SPDX-License-Identifier: BSD-2-Clause
#ifndef SPEC_WAIT_H
#define SPEC_WAIT_H

#include "spec/ready.h"
#include "spec/thread.h"
#include "spec/time.h"

//@ ghost u8 g_deferred[0x100000000];

/*@ // Objects by what retype made them; a ready queue is none.
    predicate is_kind{L}(integer o, integer kind) = index(o) &&
        !(READY_BASE <= o < READY_BASE + 256) && header_view[o].kind == kind;
    predicate waiting_queue(integer q) = index(q) && !(READY_BASE <= q < READY_BASE + 256);
    predicate endpoint{L}(integer q) = is_kind{L}(q, CAP_ENDPOINT);
    predicate notification{L}(integer q) = is_kind{L}(q, CAP_NOTIFICATION);
    predicate tcb{L}(integer t) = 0 < t <= 0xffffff00 && TIMER(t + 54).kind == 0;

    // --- INV-52: a thread is in a queue exactly if its state says so; receivers and senders are
    // never in one queue; only a wait is marked as special.
    predicate wait_endpoint{L} = \forall integer t; index(t) && STATE_RECV <= state_of(t) <= STATE_CALL ==>
        endpoint(g_queue[t]);
    predicate wait_signal{L} = \forall integer t; index(t) && state_of(t) == STATE_WAIT ==>
        notification(g_queue[t]);
    predicate wait_queued{L} = \forall integer t; queued(t) ==> tcb_view[t].state == STATE_READY ||
        STATE_RECV <= state_of(t) <= STATE_CALL || state_of(t) == STATE_WAIT;
    predicate wait_kind{L} = \forall integer t; index(t) && endpoint(g_queue[t]) ==>
        (state_of(t) == STATE_RECV <==> state_of(QUEUE(g_queue[t]).head) == STATE_RECV);
    predicate wait_special{L} = \forall integer t; index(t) && tcb_view[t].state >= 128 ==>
        STATE_RECV <= state_of(t) <= STATE_WAIT;
    predicate wait_tcb{L} = \forall integer t; index(t) && state_of(t) != STATE_INACTIVE ==> tcb(t);
    predicate waits{L} = wait_endpoint{L} && wait_signal{L} && wait_queued{L} && wait_kind{L} &&
        wait_special{L} && wait_tcb{L};
    // The timer of a thread is on only while the thread waits.
    predicate wait_timers{L} = \forall integer n; on(n) && TIMER(n).kind != 1 ==>
        n > 54 && tcb_view[n - 54].state >= 128;

    // --- INV-53: a thread and its context name each other (the running thread: once it is parked);
    // who has lent a context has none; who is ready has one with budget.
    predicate context_thread{L} = \forall integer t; index(t) && tcb_view[t].sc != 0 ==>
        SC(tcb_view[t].sc).tcb == t;
    predicate context_user{L} = \forall integer s; index(s) && SC(s).tcb != 0 ==>
        tcb_view[SC(s).tcb].sc == s;
    predicate context_null{L} = tcb_view[0].sc == 0 && SC(0).tcb == 0;
    predicate context_range{L} = \forall integer t; index(t) && tcb_view[t].sc != 0 ==>
        context(tcb_view[t].sc);
    predicate context_lender{L} = \forall integer r; lent(r) ==> tcb_view[REPLY(r).caller.tcb].sc == 0;
    predicate context_ready{L} = \forall integer t; is_ready(t) ==> !exhausted(tcb_view[t].sc);
    predicate contexts{L} = context_thread{L} && context_user{L} && context_null{L} &&
        context_range{L} && context_lender{L} && context_ready{L};

    // Everything that the general way of a message keeps.
    predicate queue_margin{L}(integer n) =
        -0x4000000000000000 + n < g_front < g_back < 0x4000000000000000 - n;
    predicate threads{L} = queues{L} && ready_queues{L} && waits{L} && contexts{L};
    predicate lend_context{L} = \forall integer r; lent(r) ==> context(g_lent[r]);
    predicate lending{L} = loans{L} && lend_bond{L} && lend_back{L} && lend_context{L};
    // INV-51 while Reply r changes hands: it may name a thread that does not wait with it.
    predicate reply_callers{L}(integer r) = \forall integer v; index(v) && v != r &&
        reply_view[v].caller.tcb != 0 ==>
        has_reply(reply_view[v].caller.tcb) && tcb_view[reply_view[v].caller.tcb].reply == v;
    predicate reply_loans{L}(integer r) = \forall integer v; index(v) && v != r && g_lent[v] != 0 ==>
        state_of(reply_view[v].caller.tcb) == STATE_REPLY;
    predicate replies_but{L}(integer r) = reply_thread{L} && reply_callers{L}(r) && reply_null{L} &&
        reply_loans{L}(r);
    predicate wait_timers_but{L}(integer t) = \forall integer n; on(n) && TIMER(n).kind != 1 && n != t + 54 ==>
        n > 54 && tcb_view[n - 54].state >= 128;
    // --- INV-54: nobody waits beside bits that are there for him; but a receiver to whom they came while it
    // had no context (g_deferred) waits on: it would leave its queue with nothing to run on.
    predicate signal_idle{L} = \forall integer n; notification(n) && notification_view[n].word != 0 ==>
        QUEUE(n).head == 0;
    predicate signal_live{L} = \forall integer t; index(t) && state_of(t) == STATE_RECV && g_deferred[t] == 0 ==>
        tcb_view[t].attention == 0;
    // While bits of the notification that t is bound to are delivered.
    predicate signal_live_but{L}(integer t) = \forall integer u; index(u) && state_of(u) == STATE_RECV &&
        g_deferred[u] == 0 && u != t ==> tcb_view[u].attention == 0;
    predicate signals{L} = notifications{L} && signal_idle{L} && signal_live{L};
    // What every step of the general way keeps.
    predicate kept{L} = threads{L} && lending{L} && replies{L} && wheel{L} && time{L} && wait_timers{L};
    // Thread t has nothing left of a wait.
    predicate loose{L}(integer t) = tcb(t) && tcb_view[t].state == STATE_INACTIVE && g_queue[t] == 0; */

// Who waits with Reply r, what it lent, and who runs on that.
#define LENDER(r) reply_view[r].caller.tcb
#define LENT(r) reply_view[r].caller.sc
#define BORROWER(r) sc_view[reply_view[r].caller.sc].tcb
#define RELEASE_ASSIGNS(r)                                                                         \
    link_view[0..0xffffffff], queue_view[READY_BASE + tcb_view[BORROWER(r)].priority],             \
        K.ready_bitmap[0..3], K.ready_summary, K.top, g_queue[BORROWER(r)],                        \
        tcb_view[LENDER(r)].reply, tcb_view[LENDER(r)].sc, tcb_view[BORROWER(r)].state,            \
        tcb_view[BORROWER(r)].sc, sc_view[LENT(r)].tcb, sc_view[LENT(r)].top,                      \
        sc_view[tcb_view[BORROWER(r)].sc].tcb, reply_view[0..0xffffffff].below,                    \
        reply_view[0..0xffffffff].above, reply_view[r].caller, g_lent[r]
// The bond of r is broken, and its caller has back what went back to it. In contracts.
// clang-format off
#define ENSURES_RELEASED(r)                                                                                        \
    ensures free: LENDER(r) == 0 && LENT(r) == 0 && g_lent[r] == 0;                                                \
    ensures back: \old(LENT(r)) != 0 && \old(SC(LENT(r)).top) == r ==>                                             \
        tcb_view[\old(LENDER(r))].sc == \old(LENT(r)) && SC(\old(LENT(r))).tcb == \old(LENDER(r));                 \
    ensures stays: \old(LENT(r)) == 0 || \old(SC(LENT(r)).top) != r ==>                                            \
        (\forall integer t; index(t) ==> tcb_view[t].sc == \old(tcb_view[t].sc) &&                                 \
            tcb_view[t].state == \old(tcb_view[t].state) && g_queue[t] == \old(g_queue[t]));                       \
    ensures loose: loose(\old(LENDER(r)));                                                                         \
    ensures others: \forall integer t; 0 <= t < 0x100000000 ==> tcb_view[t].state == \old(tcb_view[t].state) ||    \
        (\old(tcb_view[t].state) == STATE_READY && tcb_view[t].state == STATE_NO_TIME);
// clang-format on
#define TIMER_ASSIGNS(t)                                                                           \
    timer_view[0..0xffffffff].next, timer_view[0..0xffffffff].prev, timer_view[t + 54].queue,      \
        WHEEL.queue[0..575], WHEEL.bitmap[0..7], WHEEL.summary, g_level[t + 54]
#define LEAVE_ASSIGNS(t)                                                                           \
    RELEASE_ASSIGNS(tcb_view[t].reply), tcb_view[t].state, queue_view[g_queue[t]], g_queue[t],     \
        TIMER_ASSIGNS(t)
#define WAKE_ASSIGNS(t)                                                                            \
    LEAVE_ASSIGNS(t), tcb_view[t].fault, g_place[t], g_back,                                       \
        queue_view[READY_BASE + tcb_view[t].priority]
#define WAKE_ERROR_ASSIGNS(t)                                                                      \
    WAKE_ASSIGNS(t), tcb_view[t].r[R_RAX], tcb_view[t].r[R_RDI], tcb_view[t].r[R_RSI],             \
        tcb_view[t].mode
#define LEND_ASSIGNS(r, c, t)                                                                      \
    reply_view[r].caller.sc, reply_view[0..0xffffffff].below, reply_view[0..0xffffffff].above,     \
        sc_view[tcb_view[c].sc].top, g_lent[r], g_turn[r], g_turns, tcb_view[c].sc,                \
        tcb_view[t].sc, sc_view[tcb_view[c].sc].tcb, TIMER_ASSIGNS(c)
#define SCHEDULE_ASSIGNS                                                                           \
    link_view[..], tcb_view[..].state, g_queue[..], queue_view[READY_BASE..READY_BASE + 255],      \
        K.ready_bitmap[0..3], K.ready_summary, K.top, g_clock, g_alarm, K.run.sc, sc_view[..],     \
        g_spent[..], g_before[..], timer_view[..], WHEEL.queue[0..575], WHEEL.bitmap[0..7],        \
        WHEEL.summary, g_level[..], g_slot[..], g_age[..], g_ages
#define ENSURES_READY                                                                              \
    ensures y1 : ready_words;                                                                      \
    ensures y2 : ready_high;                                                                       \
    ensures y3 : ready_best;                                                                       \
    ensures y4 : ready_bits;                                                                       \
    ensures y5 : ready_states;                                                                     \
    ensures y6 : ready_places;
#define ENSURES_WAITS                                                                              \
    ensures w1 : wait_endpoint;                                                                    \
    ensures w2 : wait_signal;                                                                      \
    ensures w3 : wait_queued;                                                                      \
    ensures w4 : wait_kind;                                                                        \
    ensures w5 : wait_special;                                                                     \
    ensures w6 : wait_tcb;
#define ENSURES_CONTEXTS                                                                           \
    ensures c1 : context_thread;                                                                   \
    ensures c2 : context_user;                                                                     \
    ensures c3 : context_null;                                                                     \
    ensures c4 : context_range;                                                                    \
    ensures c5 : context_lender;                                                                   \
    ensures c6 : context_ready;
// Composed steps: what their parts keep, they keep.
#define ENSURES_THREADS                                                                            \
    ensures q : queues;                                                                            \
    ensures y : ready_queues;                                                                      \
    ensures w : waits;                                                                             \
    ensures c : contexts;
#define ENSURES_KEPT                                                                               \
    ENSURES_THREADS                                                                                \
    ensures l : lending;                                                                           \
    ensures r : replies;                                                                           \
    ensures i1 : wheel;                                                                            \
    ensures i2 : time;                                                                             \
    ensures i3 : wait_timers;
#define ENSURES_SIGNALS                                                                            \
    ensures n1 : notify_bound;                                                                     \
    ensures n2 : notify_thread;                                                                    \
    ensures n3 : notify_attention;                                                                 \
    ensures n4 : notify_null;                                                                      \
    ensures n5 : signal_idle;                                                                      \
    ensures n6 : signal_live;
#define ENSURES_TIME                                                                               \
    ensures t1 : time_clock;                                                                       \
    ensures t2 : time_budgets;                                                                     \
    ensures t3 : time_windows;                                                                     \
    ensures t4 : time_bare;                                                                        \
    ensures t5 : time_kinds;                                                                       \
    ensures t6 : time_owners;                                                                      \
    ensures t7 : time_exhausted;                                                                   \
    ensures t8 : time_waiting;

// Who runs next (core/thread.h): t would run before all that are ready; and before the running thread.
/*@ predicate runs_next{L}(integer t) = !exhausted(tcb_view[t].sc) && tcb_view[t].sc != K.run.sc &&
        tcb_view[t].priority >= K.top;
    predicate preempts{L}(integer t) = runs_next{L}(t) && (K.run.tcb == 0 ||
        (tcb_view[t].priority > tcb_view[K.run.tcb].priority && !exhausted(K.run.sc))); */

#endif
