// The ends of threads, Replies and contexts: what each gives back to the others.
// SPDX-License-Identifier: BSD-2-Clause
//
// Each is called once, when the object has lost its last capability (object.c).
#ifndef CORE_ENDS_H
#define CORE_ENDS_H

#include "core/thread.h"

// t has lost its last capability: stops it and gives back everything it is bound to.
/*@ requires wf: wf_activity;
    requires t: tcb(t);
    requires room: queue_margin(1);
    terminates \true; exits \false;
    assigns ACTIVITY;
    ENSURES_ACTIVITY
    ensures used: queue_used{Pre,Post}(1);
    ensures unbound: \forall integer n; notification_view[n].bound == \old(notification_view[n].bound) ||
        notification_view[n].bound == 0;
    ensures alone: loose(t) && tcb_view[t].sc == 0 && tcb_view[t].bound == 0 && TIMER(t + TCB_TIMER).queue == 0; */
void thread_destroy(u32 t);

// Thread t ends: the context that it was lent goes to the youngest caller, who gets ERR_GONE.
/*@ requires wf: wf_activity;
    requires t: loose(t);
    requires room: queue_margin(1);
    terminates \true; exits \false;
    assigns ACTIVITY;
    ENSURES_ACTIVITY
    ensures used: queue_used{Pre,Post}(1);
    ensures bound: \forall integer n; notification_view[n].bound == \old(notification_view[n].bound);
    ensures none: tcb_view[t].sc == 0 && loose(t); */
void reply_return_context(u32 t);

// r has lost its last capability: who receives or waits with it gets ERR_GONE.
/*@ requires wf: wf_activity;
    requires room: queue_margin(1);
    terminates \true; exits \false;
    assigns ACTIVITY;
    ENSURES_ACTIVITY
    ensures used: queue_used{Pre,Post}(1);
    ensures bound: \forall integer n; notification_view[n].bound == \old(notification_view[n].bound);
    ensures free: reply_view[r].caller.tcb == 0; */
void reply_destroy(u32 r);

// sc loses its user, its timer and its budget. A ready user is NO_TIME; the running one (K.run.sc becomes
// 0) must not go on.
/*@ requires wf: queues && ready_queues && wheel;
    requires sc: context(sc);
    requires user: SC(sc).tcb != 0 ==> TCB(SC(sc).tcb).sc == sc;
    requires users: \forall integer t; 0 <= t < 0x100000000 && TCB(t).sc == sc ==> t != 0 && SC(sc).tcb == t;
    requires null: TCB(0).sc == 0;
    terminates \true; exits \false;
    assigns sc_view[sc].tcb, sc_view[sc].budget, sc_view[sc].left, K.run.sc, link_view[0 .. 0xffffffff],
        tcb_view[SC(sc).tcb].state, tcb_view[SC(sc).tcb].sc,
        queue_view[READY_BASE + TCB(SC(sc).tcb).priority], K.ready_bitmap[0 .. 3], K.ready_summary,
        K.top, g_queue[SC(sc).tcb], timer_view[0 .. 0xffffffff].next,
        timer_view[0 .. 0xffffffff].prev, timer_view[sc + SC_TIMER].queue, WHEEL.queue[0 .. 575],
        WHEEL.bitmap[0 .. 7], WHEEL.summary, g_level[sc + SC_TIMER];
    ensures q: queues;
    ensures r0: ready_words;
    ensures r1: ready_high && ready_best;
    ensures r2: ready_bits;
    ensures r3: ready_states;
    ensures r4: ready_places;
    ensures s0: slots_in;
    ensures s1: slots_next;
    ensures s2: slots_prev;
    ensures s3: slots_order;
    ensures s4: slots_first;
    ensures s5: slots_distinct;
    ensures s6: slots_ends;
    ensures w1: wheel_shape;
    ensures w2: wheel_upper;
    ensures w3: wheel_lower;
    ensures w4: wheel_current;
    ensures w5: wheel_clock;
    ensures w6: wheel_summary;
    ensures w7: wheel_high;
    ensures w8: wheel_marked;
    ensures w9: wheel_marks;
    ensures states: \forall integer t; 0 <= t < 0x100000000 ==> TCB(t).state ==
        (t != 0 && t == \old(SC(sc).tcb) && \old(TCB(t).state) == STATE_READY ? STATE_NO_TIME : \old(TCB(t).state));
    ensures queued: \forall integer t; 0 <= t < 0x100000000 ==> g_queue[t] ==
        (t != 0 && t == \old(SC(sc).tcb) && \old(TCB(t).state) == STATE_READY ? 0 : \old(g_queue[t]));
    ensures users: \forall integer t; 0 <= t < 0x100000000 ==> TCB(t).sc == (t == \old(SC(sc).tcb) ? 0 : \old(TCB(t).sc));
    ensures user: SC(sc).tcb == 0 && K.run.sc != sc && (\forall integer t; index(t) ==> TCB(t).sc != sc);
    ensures run: K.run.sc == (\old(K.run.sc) == sc ? 0 : \old(K.run.sc));
    ensures done: TIMER(sc + SC_TIMER).queue == 0 && SC(sc).budget == 0 && SC(sc).left == 0; */
void context_end(u32 sc);

#endif
