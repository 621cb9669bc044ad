// The bond between a thread and the context that it runs on, and between a wait and its timer.
// SPDX-License-Identifier: BSD-2-Clause
//
// While a thread runs, which context it uses is K.run.sc alone: tcb.sc and sc.tcb of those two are
// stale, so that a call can lend the context by leaving it where it is. thread_park() writes them;
// everything but the message path of endpoint_calls.c begins with it and then works on bonds that are exact.
#ifndef CORE_BOND_H
#define CORE_BOND_H

#include "core/ready.h"
#include "core/view.h"
#include "spec/activity.h"

// The state of t, without STATE_SPECIAL.
/*@ terminates \true; exits \false; assigns \nothing;
    ensures state: \result == state_of(t); */
static inline u32 thread_state(u32 t) {
    return (u32)TCB(t).state % STATE_SPECIAL;
}

// Makes the bond between the running thread and its context exact.
/*@ requires wf: unparked;
    requires cur: K.run.sc != 0 ==> tcb(K.run.tcb) && tcb_view[K.run.tcb].state == STATE_RUNNING;
    terminates \true; exits \false;
    assigns tcb_view[K.run.tcb].sc, sc_view[K.run.sc].tcb;
    ENSURES_KEPT
    ensures running: time_running;
    ensures bond: K.run.sc != 0 ==> tcb_view[K.run.tcb].sc == K.run.sc && sc_view[K.run.sc].tcb == K.run.tcb;
    ensures none: K.run.sc == 0 ==> tcb_view[K.run.tcb].sc == \old(tcb_view[K.run.tcb].sc); */
static inline void thread_park(void) {
    if (K.run.sc != 0) {
        TCB(K.run.tcb).sc = K.run.sc;
        SC(K.run.sc).tcb = K.run.tcb;
        //@ assert same: \forall integer s; 0 <= s < 0x100000000 ==> SC(s).budget == \at(SC(s).budget,Pre) && SC(s).period == \at(SC(s).period,Pre) && SC(s).left == \at(SC(s).left,Pre) && SC(s).last == \at(SC(s).last,Pre) && SC(s).used == \at(SC(s).used,Pre) && SC(s).top == \at(SC(s).top,Pre);
        //@ assert amounts: \forall integer s, i; 0 <= s < 0x100000000 && 0 <= i < 4 ==> SC(s).amount[i] == \at(SC(s).amount[i],Pre) && SC(s).due[i] == \at(SC(s).due[i],Pre);
        //@ assert start: \forall integer s; configured(s) ==> win_start(s) && win_before(s) && win_theorem(s);
        //@ assert late: \forall integer s, x; configured(s) ==> late(s, x) == late{Pre}(s, x);
        //@ assert back: \forall integer s; configured(s) ==> back(s) == back{Pre}(s) && (full(s) <==> full{Pre}(s)) && win_debt{Pre}(s);
        //@ assert debt: \forall integer s; configured(s) ==> win_debt(s);
        //@ assert windows: time_windows;
        //@ assert time: time;
        //@ assert states: \forall integer t; 0 <= t < 0x100000000 ==> TCB(t).state == \at(TCB(t).state,Pre) && TCB(t).priority == \at(TCB(t).priority,Pre) && TCB(t).reply == \at(TCB(t).reply,Pre);
        //@ assert ready: ready_queues;
        //@ assert w1: wait_endpoint;
        //@ assert w2: wait_signal;
        //@ assert w3: wait_queued;
        //@ assert w4: wait_kind;
        //@ assert w5: wait_special;
        //@ assert w6: wait_tcb;
        //@ assert c1: context_thread;
        //@ assert c2: context_user;
        //@ assert c3: context_null;
        //@ assert c4: context_range;
        //@ assert c5: context_lender;
        //@ assert c6: context_ready;
        //@ assert lending: lending;
        //@ assert replies: replies;
        //@ assert timers: wait_timers;
    }
}

// Binds context sc (not 0, free) to thread t (which has none).
/*@ requires wf: context_thread && context_user && context_null;
    requires t: t != 0 && TCB(t).sc == 0;
    requires sc: sc != 0 && SC(sc).tcb == 0;
    terminates \true; exits \false;
    assigns tcb_view[t].sc, sc_view[sc].tcb;
    ensures c1: context_thread;
    ensures c2: context_user;
    ensures c3: context_null;
    ensures bond: TCB(t).sc == sc && SC(sc).tcb == t; */
static inline void thread_give_context(u32 t, u32 sc) {
    TCB(t).sc = sc;
    SC(sc).tcb = t;
}

// Takes its context from a thread that is not waiting; a ready thread becomes NO_TIME.
/*@ requires wf: queues && ready_queues;
    requires null: t != 0 || TCB(t).sc == 0;
    terminates \true; exits \false;
    assigns link_view[0 .. 0xffffffff], tcb_view[t].state, tcb_view[t].sc, sc_view[TCB(t).sc].tcb,
        queue_view[READY_BASE + TCB(t).priority], K.ready_bitmap[0 .. 3], K.ready_summary, K.top,
        g_queue[t];
    ensures q: queues;
    ensures r1: ready_map;
    ensures r2: ready_bits;
    ensures r3: ready_states;
    ensures r4: ready_places;
    ensures off: TCB(t).sc == 0;
    ensures bond: \old(TCB(t).sc) != 0 ==> SC(\old(TCB(t).sc)).tcb == 0;
    ensures none: \old(TCB(t).sc) == 0 ==> SC(0).tcb == \old(SC(0).tcb);
    ensures queue: g_queue[t] == (\old(TCB(t).sc) != 0 && \old(TCB(t).state) == STATE_READY ? 0 : \old(g_queue[t]));
    ensures state: TCB(t).state == (\old(TCB(t).sc) != 0 && \old(TCB(t).state) == STATE_READY ?
        STATE_NO_TIME : \old(TCB(t).state)); */
void thread_take_context(u32 t);

// Stops the timer of t, whose wait has ended.
/*@ requires wf: waits && wheel && time && wait_timers_but(t);
    requires t: tcb(t);
    terminates \true; exits \false;
    assigns TIMER_ASSIGNS(t);
    ensures w: waits;
    ensures i1: wheel;
    ensures i2: time;
    ensures i3: wait_timers;
    ensures off: TIMER(t + TCB_TIMER).queue == 0;
    ensures kinds: \forall integer n; 0 <= n < 0x100000000 ==> TIMER(n).kind == \old(TIMER(n).kind); */
void thread_stop_timer(u32 t);

#endif
