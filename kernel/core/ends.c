// The ends of threads, Replies and contexts: see ends.h.
// SPDX-License-Identifier: BSD-2-Clause
#include "core/ends.h"

#include "core/leaf.h"
#include "core/notification.h"
#include "core/sched_context.h"
#include "core/wheel.h"

// Thread t, which waits for nothing, has its context no more.
/*@ requires wf: wf_activity;
    requires t: loose(t) && tcb_view[t].sc != 0;
    terminates \true; exits \false;
    assigns link_view[0 .. 0xffffffff], queue_view[READY_BASE + tcb_view[t].priority], K.ready_bitmap[0 .. 3],
        K.ready_summary, K.top, g_queue[t], tcb_view[t].state, tcb_view[t].sc, sc_view[tcb_view[t].sc].tcb;
    ENSURES_ACTIVITY
    ensures none: tcb_view[t].sc == 0 && loose(t); */
static void take_away(u32 t) {
    thread_take_context(t);
    //@ assert states: \forall integer u; 0 <= u < 0x100000000 ==> TCB(u).state == \at(TCB(u).state,Pre) && g_queue[u] == \at(g_queue[u],Pre);
    //@ assert heads: \forall integer q; waiting_queue(q) ==> QUEUE(q) == \at(QUEUE(q),Pre);
    //@ assert w1: wait_endpoint;
    //@ assert w2: wait_signal;
    //@ assert w3: wait_queued;
    //@ assert w4: wait_kind;
    //@ assert w5: wait_special;
    //@ assert w6: wait_tcb;
    //@ assert waits: waits;
    //@ assert c1: context_thread;
    //@ assert c2: context_user;
    //@ assert c4: context_range;
    //@ assert c5: context_lender;
    //@ assert c6: context_ready;
    //@ assert contexts: contexts;
    //@ assert tops: \forall integer s; 0 <= s < 0x100000000 ==> SC(s).top == \at(SC(s).top,Pre);
    //@ assert same: \forall integer s; 0 <= s < 0x100000000 ==> SC(s).budget == \at(SC(s).budget,Pre) && SC(s).period == \at(SC(s).period,Pre) && SC(s).left == \at(SC(s).left,Pre) && SC(s).last == \at(SC(s).last,Pre) && SC(s).used == \at(SC(s).used,Pre);
    //@ assert amounts: \forall integer s, i; 0 <= s < 0x100000000 && 0 <= i < 4 ==> SC(s).amount[i] == \at(SC(s).amount[i],Pre) && SC(s).due[i] == \at(SC(s).due[i],Pre);
    //@ assert start: \forall integer s; configured(s) ==> win_start(s) && win_before(s) && win_theorem(s);
    //@ assert late: \forall integer s, x; configured(s) ==> late(s, x) == late{Pre}(s, x);
    //@ assert back: \forall integer s; configured(s) ==> back(s) == back{Pre}(s) && (full(s) <==> full{Pre}(s)) && win_debt{Pre}(s);
    //@ assert debt: \forall integer s; configured(s) ==> win_debt(s);
    //@ assert windows: time_windows;
}

// The context that thread t was lent, which waits for nothing, goes to the youngest caller.
/*@ requires wf: wf_activity;
    requires t: loose(t) && tcb_view[t].sc != 0 && SC(tcb_view[t].sc).top != 0;
    requires room: queue_margin(1);
    terminates \true; exits \false;
    assigns WAKE_ERROR_ASSIGNS(reply_view[sc_view[tcb_view[t].sc].top].caller.tcb);
    ENSURES_ACTIVITY
    ensures used: queue_used{Pre,Post}(1);
    ensures none: tcb_view[t].sc == 0 && loose(t); */
static void call_back(u32 t) {
    u32 sc = TCB(t).sc, r = SC(sc).top, c = REPLY(r).caller.tcb;
    //@ assert r: lent(r) && g_lent[r] == sc && LENT(r) == sc && BORROWER(r) == t;
    //@ assert c: tcb(c) && has_reply(c) && c != t && TCB(c).reply == r && TCB(c).sc == 0;
    thread_wake_error(c, ERR_GONE);
    //@ assert back: TCB(c).sc == sc && SC(sc).tcb == c;
    //@ assert others: \forall integer s; 0 <= s < 0x100000000 && s != sc ==> SC(s).tcb == \at(SC(s).tcb,Pre);
    //@ assert state: tcb(t) && TCB(t).state == STATE_INACTIVE;
}

void reply_return_context(u32 t) {
    if (TCB(t).sc == 0) {
        return;
    }
    if (SC(TCB(t).sc).top == 0) {
        take_away(t);
    } else {
        call_back(t);
    }
}

// Thread t is bound to no notification any more.
/*@ requires wf: wf_activity;
    requires t: tcb(t);
    terminates \true; exits \false;
    assigns notification_view[..].bound, tcb_view[..].bound, tcb_view[..].attention;
    ENSURES_ACTIVITY
    ensures none: tcb_view[t].bound == 0;
    ensures kept: \forall integer n; notification_view[n].bound == \old(notification_view[n].bound) ||
        notification_view[n].bound == 0;
    ensures loose: \old(loose(t)) ==> loose(t);
    ensures context: tcb_view[t].sc == \old(tcb_view[t].sc); */
static void leave_notification(u32 t) {
    notification_unbind(TCB(t).bound);
    //@ assert same: \forall integer u; TCB(u).state == \at(TCB(u).state,Pre) && TCB(u).sc == \at(TCB(u).sc,Pre) && TCB(u).priority == \at(TCB(u).priority,Pre) && TCB(u).reply == \at(TCB(u).reply,Pre);
    //@ assert y: ready_queues;
    //@ assert w1: wait_endpoint;
    //@ assert w2: wait_signal;
    //@ assert w3: wait_queued;
    //@ assert w4: wait_kind;
    //@ assert w5: wait_special;
    //@ assert w6: wait_tcb;
    //@ assert c: contexts;
    //@ assert r: replies;
    //@ assert i3: wait_timers;
}

void thread_destroy(u32 t) {
    thread_stop(t);
    //@ assert bonds: notifications;
    //@ assert running: time_running;
    //@ assert kept: wf_activity;
    vector_drop(t);
    reply_return_context(t);
    leave_notification(t);
    //@ assert off: !on(t + TCB_TIMER);
}

void reply_destroy(u32 r) {
    u32 t = REPLY(r).caller.tcb;
    if (t != 0) {
        //@ assert t: tcb(t) && has_reply(t) && TCB(t).reply == r;
        thread_wake_error(t, ERR_GONE);
    }
}

void context_end(u32 sc) {
    if (SC(sc).tcb != 0) {
        thread_take_context(SC(sc).tcb);
    }
    //@ assert map: ready_map;
    //@ assert ready: ready_bits && ready_states && ready_places;
    if (K.run.sc == sc) {
        K.run.sc = 0;
    }
    //@ assert words: ready_words;
    //@ assert high: ready_high;
    //@ assert best: ready_best;
    //@ assert ready: ready_bits && ready_states && ready_places;
    if (wheel_has(sc + SC_TIMER)) {
        wheel_cancel(sc + SC_TIMER);
    }
    SC(sc).budget = 0;
    SC(sc).left = 0;
}
