// Reply objects: claimed, armed, released; loans given back.
// SPDX-License-Identifier: BSD-2-Clause
#include "core/reply.h"

#include "core/sched_context.h"
#include "core/thread.h"
#include "core/time.h"

// Context sc goes from its user, if it has one, back to thread c, which lent it.
/*@ requires wf: threads;
    requires c: loose(c) && tcb_view[c].sc == 0 && (\forall integer r; lent(r) ==> reply_view[r].caller.tcb != c);
    requires sc: context(sc);
    terminates \true; exits \false;
    assigns link_view[0 .. 0xffffffff], queue_view[READY_BASE + tcb_view[sc_view[sc].tcb].priority],
        K.ready_bitmap[0 .. 3], K.ready_summary, K.top, g_queue[sc_view[sc].tcb], tcb_view[c].sc,
        tcb_view[sc_view[sc].tcb].state, tcb_view[sc_view[sc].tcb].sc, sc_view[sc].tcb,
        sc_view[tcb_view[sc_view[sc].tcb].sc].tcb;
    ensures q: queues;
    ENSURES_READY
    ENSURES_WAITS
    ENSURES_CONTEXTS
    ensures back: tcb_view[c].sc == sc && SC(sc).tcb == c;
    ensures loose: loose(c);
    ensures others: \forall integer t; 0 <= t < 0x100000000 ==> tcb_view[t].state == \old(tcb_view[t].state) ||
        (\old(tcb_view[t].state) == STATE_READY && tcb_view[t].state == STATE_NO_TIME); */
static void give_back(u32 sc, u32 c) {
    thread_take_context(SC(sc).tcb);
    //@ assert w1: wait_endpoint;
    //@ assert w2: wait_signal;
    //@ assert w3: wait_queued;
    //@ assert w4: wait_kind;
    thread_give_context(c, sc);
}

void reply_release(u32 r) {
    run_t caller = REPLY(r).caller;
    REPLY(r).caller = (run_t){0, 0};
    TCB(caller.tcb).reply = 0;
    //@ assert thread: reply_thread;
    //@ assert callers: reply_caller;
    //@ assert queues: queues;
    //@ assert ready: ready_queues;
    //@ assert waits: waits;
    //@ assert context: context_thread && context_user && context_null && context_range && context_ready;
    //@ assert lender: \forall integer v; lent(v) && v != r ==> TCB(REPLY(v).caller.tcb).sc == 0 && REPLY(v).caller.tcb != caller.tcb;
    if (caller.sc == 0) {
        return;
    }
    u32 youngest = SC(caller.sc).top == r;
    lend_remove(caller.sc, r);
    //@ assert lender: context_lender;
    //@ assert threads: threads;
    //@ assert loan: reply_loan;
    if (youngest) {
        give_back(caller.sc, caller.tcb);
        //@ assert threads: threads;
        //@ assert waits: \forall integer v; index(v) && g_lent[v] != 0 ==> 0 <= REPLY(v).caller.tcb < 0x100000000;
    }
}

// Thread c, which is to wait for the answer through r, lends its context to thread t, which has none.
/*@ requires wf: contexts && lending && wheel && time;
    requires c: tcb(c) && tcb_view[c].sc != 0 && !is_ready(c);
    requires t: tcb(t) && tcb_view[t].sc == 0 && !is_ready(t) && t != c;
    requires r: r != 0 && reply_view[r].caller.tcb == c && reply_view[r].caller.sc == 0 && g_lent[r] == 0;
    requires lends: \forall integer v; lent(v) ==> reply_view[v].caller.tcb != t;
    requires room: lend_room;
    terminates \true; exits \false;
    assigns LEND_ASSIGNS(r, c, t);
    ENSURES_CONTEXTS
    ENSURES_LOANS
    ensures l10: lend_back;
    ensures l11: lend_context;
    ensures w: wheel;
    ENSURES_TIME
    ensures lent: tcb_view[t].sc == \old(tcb_view[c].sc) && tcb_view[c].sc == 0 && SC(tcb_view[t].sc).tcb == t &&
        reply_view[r].caller.sc == tcb_view[t].sc && SC(tcb_view[t].sc).top == r && g_lent[r] == tcb_view[t].sc;
    ensures off: TIMER(c + TCB_TIMER).queue == 0;
    ensures room: g_turns == \old(g_turns) + 1; */
static void lend(u32 r, u32 c, u32 t) {
    u32 sc = TCB(c).sc;
    time_stop(c);
    REPLY(r).caller.sc = sc;
    lend_push(sc, r);
    TCB(c).sc = 0;
    TCB(t).sc = sc;
    SC(sc).tcb = t;
}

void reply_arm(u32 r, u32 c, u32 t) {
    REPLY(r).caller = (run_t){c, 0};
    TCB(c).reply = r;
    if (TCB(c).sc != 0 && TCB(t).sc == 0) {
        lend(r, c, t);
    }
    //@ assert contexts: contexts && lending && wheel && time;
    //@ assert timers: wait_timers_but(c);
    u32 special = TCB(c).fault != FAULT_NONE || wheel_has(c + TCB_TIMER);
    TCB(c).state = special ? STATE_REPLY | STATE_SPECIAL : STATE_REPLY;
}

void reply_return_context(u32 t) {
    u32 sc = TCB(t).sc;
    if (sc == 0) {
        return;
    }
    u32 r = SC(sc).top;
    if (r == 0) {
        thread_take_context(t);
    } else {
        thread_wake_error(REPLY(r).caller.tcb, ERR_GONE);
    }
}

void reply_destroy(u32 r) {
    u32 t = REPLY(r).caller.tcb;
    if (t != 0) {
        thread_wake_error(t, ERR_GONE);
    }
}
