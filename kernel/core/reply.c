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
        (\old(tcb_view[t].state) == STATE_READY && tcb_view[t].state == STATE_NO_TIME);
    ensures waits: \forall integer t; 0 <= t < 0x100000000 ==> (has_reply(t) <==> \old(has_reply(t))) &&
        (state_of(t) == STATE_REPLY <==> \old(state_of(t)) == STATE_REPLY);
    ensures tops: \forall integer s; 0 <= s < 0x100000000 ==> SC(s).top == \old(SC(s).top); */
static void give_back(u32 sc, u32 c) {
    thread_take_context(SC(sc).tcb);
    //@ assert w1: wait_endpoint;
    //@ assert w2: wait_signal;
    //@ assert w3: wait_queued;
    //@ assert w4: wait_kind;
    thread_give_context(c, sc);
}

// Breaks the bond of r, see reply_release(); what contexts may consume is not looked at.
/*@ requires wf: threads && lending && replies_but(r);
    requires r: r != 0 && loose(LENDER(r)) && tcb_view[LENDER(r)].reply == r;
    terminates \true; exits \false;
    assigns RELEASE_ASSIGNS(r);
    ENSURES_QUEUES
    ENSURES_READY
    ENSURES_WAITS
    ENSURES_CONTEXTS
    ENSURES_LOANS
    ensures l10: lend_back;
    ensures l11: lend_context;
    ENSURES_REPLIES
    ENSURES_RELEASED(r) */
static void unbind(u32 r) {
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
        //@ assert none: loans && replies;
        return;
    }
    u32 youngest = SC(caller.sc).top == r;
    lend_remove(caller.sc, r);
    //@ assert lender: context_lender;
    //@ assert threads: threads;
    //@ assert loan: reply_loan;
    //@ assert caller: replies;
    //@ assert range: \forall integer v; index(v) ==> 0 <= REPLY(v).caller.tcb < 0x100000000;
    if (youngest) {
        give_back(caller.sc, caller.tcb);
        //@ assert threads: threads;
        //@ assert above: lend_above;
        //@ assert loans: loans;
        //@ assert null: reply_null;
        //@ assert back: reply_caller;
        //@ assert bonds: reply_thread;
        //@ assert reply: reply_loan;
    }
}

void reply_release(u32 r) {
    unbind(r);
    //@ assert same: \forall integer s; 0 <= s < 0x100000000 ==> SC(s).budget == \at(SC(s).budget,Pre) && SC(s).period == \at(SC(s).period,Pre) && SC(s).left == \at(SC(s).left,Pre) && SC(s).last == \at(SC(s).last,Pre) && SC(s).used == \at(SC(s).used,Pre);
    //@ assert amounts: \forall integer s, i; 0 <= s < 0x100000000 && 0 <= i < 4 ==> SC(s).amount[i] == \at(SC(s).amount[i],Pre) && SC(s).due[i] == \at(SC(s).due[i],Pre);
    //@ assert start: \forall integer s; configured(s) ==> win_start(s) && win_before(s) && win_theorem(s);
    //@ assert late: \forall integer s, x; configured(s) ==> late(s, x) == late{Pre}(s, x);
    //@ assert debt: \forall integer s; configured(s) ==> win_debt(s);
    //@ assert windows: time_windows;
}

// Thread c, which is to wait for the answer through r, lends its context to thread t, which has none.
/*@ requires wf: threads && lending && wheel && time && wait_timers_but(c);
    requires c: tcb(c) && tcb_view[c].sc != 0 && !is_ready(c);
    requires t: tcb(t) && tcb_view[t].sc == 0 && !is_ready(t) && t != c;
    requires r: r != 0 && reply_view[r].caller.tcb == c && reply_view[r].caller.sc == 0 && g_lent[r] == 0;
    requires lends: \forall integer v; lent(v) ==> reply_view[v].caller.tcb != t;
    requires room: lend_room;
    terminates \true; exits \false;
    assigns LEND_ASSIGNS(r, c, t);
    ENSURES_READY
    ENSURES_WAITS
    ENSURES_CONTEXTS
    ensures i3: wait_timers;
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
    thread_stop_timer(c);
    //@ assert windows: time_windows;
    REPLY(r).caller.sc = sc;
    lend_push(sc, r);
    TCB(c).sc = 0;
    TCB(t).sc = sc;
    SC(sc).tcb = t;
    //@ assert same: \forall integer s; context(s) ==> SC(s).budget == \at(SC(s).budget,Pre) && SC(s).period == \at(SC(s).period,Pre) && SC(s).left == \at(SC(s).left,Pre) && SC(s).last == \at(SC(s).last,Pre);
    //@ assert amounts: \forall integer s, i; context(s) && 0 <= i < 4 ==> SC(s).amount[i] == \at(SC(s).amount[i],Pre) && SC(s).due[i] == \at(SC(s).due[i],Pre);
    //@ assert start: \forall integer s; configured(s) ==> win_start(s) && win_before(s) && win_theorem(s);
    //@ assert late: \forall integer s, x; configured(s) ==> late(s, x) == late{Pre}(s, x);
    //@ assert back: \forall integer s; configured(s) ==> back(s) == back{Pre}(s) && (full(s) <==> full{Pre}(s)) && win_debt{Pre}(s);
    //@ assert debt: \forall integer s; configured(s) ==> win_debt(s);
    //@ assert windows2: time_windows;
}

// c, which a Reply names, waits for the answer.
/*@ requires wf: threads && replies_but(tcb_view[c].reply) && wait_timers_but(c);
    requires c: tcb(c) && g_queue[c] == 0 && tcb_view[c].state <= STATE_RUNNING;
    requires r: tcb_view[c].reply != 0 && LENDER(tcb_view[c].reply) == c;
    terminates \true; exits \false;
    assigns tcb_view[c].state;
    ENSURES_READY
    ENSURES_WAITS
    ENSURES_CONTEXTS
    ENSURES_REPLIES
    ensures i3: wait_timers;
    ensures state: state_of(c) == STATE_REPLY;
    ensures plain: tcb_view[c].fault == FAULT_NONE && TIMER(c + TCB_TIMER).queue == 0 ==> tcb_view[c].state < 128; */
static inline void wait_answer(u32 c) {
    u32 special = TCB(c).fault != FAULT_NONE || wheel_has(c + TCB_TIMER);
    TCB(c).state = special ? STATE_REPLY | STATE_SPECIAL : STATE_REPLY;
}

void reply_arm(u32 r, u32 c, u32 t) {
    reply_name(r, c);
    if (TCB(c).sc != 0 && TCB(t).sc == 0) {
        lend(r, c, t);
        //@ assert threads: threads && lending && time;
        //@ assert bond: reply_thread;
        //@ assert callers: reply_callers(r);
        //@ assert null: reply_null;
        //@ assert loans: reply_loans(r);
        //@ assert timers: wait_timers_but(c);
    } else {
        //@ assert same: threads && lending && time && replies_but(r) && wait_timers_but(c);
    }
    wait_answer(c);
}
