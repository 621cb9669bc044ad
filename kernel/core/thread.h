// Threads: who is runnable, on which scheduling context, and how a wait begins and ends.
// SPDX-License-Identifier: BSD-2-Clause
//
// States (thread_state_t) and who changes them:
//   RUNNING  -> RECV SEND CALL REPLY WAIT   thread_wait()        a wait begins
//   waiting  -> READY or NO_TIME            thread_wake()        it ends with a message or an error
//   any      -> INACTIVE                    thread_stop()        suspended or destroyed
//   READY   <-> RUNNING                     thread_schedule(), call_finish()
//   READY   <-> NO_TIME                     thread_ready(), thread_schedule(): context gone or empty
#ifndef CORE_THREAD_H
#define CORE_THREAD_H

#include "abi/error.h"
#include "core/bond.h"
#include "core/ready.h"
#include "core/view.h"
#include "spec/activity.h"

// Lets t compete for the processor: READY if it has budget, else NO_TIME. It is in no queue.
/*@ requires wf: threads && replies && wait_timers;
    requires t: tcb(t) && g_queue[t] == 0 && tcb_view[t].state <= STATE_NO_TIME;
    requires room: queue_room;
    terminates \true; exits \false;
    assigns link_view[0 .. 0xffffffff], tcb_view[t].state, queue_view[READY_BASE + TCB(t).priority],
        K.ready_bitmap[0 .. 3], K.ready_summary, K.top, g_queue[t], g_place[t], g_back;
    ENSURES_QUEUES
    ENSURES_READY
    ENSURES_WAITS
    ENSURES_CONTEXTS
    ENSURES_REPLIES
    ensures i3: wait_timers;
    ensures runs: !exhausted(tcb_view[t].sc) ==> is_ready(t) && g_place[t] == \old(g_back);
    ensures stays: exhausted(tcb_view[t].sc) ==> tcb_view[t].state == STATE_NO_TIME && g_queue[t] == 0;
    ensures room: \old(g_back) <= g_back <= \old(g_back) + 1; */
void thread_ready(u32 t);

// Takes t, which waits, out of its queue. It is INACTIVE, and still has its Reply.
/*@ requires wf: threads;
    requires t: tcb(t) && (STATE_RECV <= state_of(t) <= STATE_CALL || state_of(t) == STATE_WAIT);
    terminates \true; exits \false;
    assigns link_view[0 .. 0xffffffff], tcb_view[t].state, queue_view[g_queue[t]], g_queue[t];
    ENSURES_QUEUES
    ENSURES_READY
    ENSURES_WAITS
    ENSURES_CONTEXTS
    ensures out: loose(t); */
static inline void thread_dequeue(u32 t) {
    queue_remove(LINK(t).queue, t);
    TCB(t).state = STATE_INACTIVE;
}

// Begins a wait of the running thread in queue q: an endpoint whose threads do the same, or a notification.
/*@ requires wf: threads;
    requires t: tcb(K.run.tcb) && tcb_view[K.run.tcb].state == STATE_RUNNING;
    requires q: state == STATE_WAIT ? notification(q) : STATE_RECV <= state <= STATE_CALL && endpoint(q) &&
        (QUEUE(q).head == 0 || (state == STATE_RECV <==> state_of(QUEUE(q).head) == STATE_RECV));
    requires room: queue_room;
    terminates \true; exits \false;
    assigns link_view[0 .. 0xffffffff], queue_view[q], tcb_view[K.run.tcb].state, g_queue[K.run.tcb],
        g_place[K.run.tcb], g_back;
    ENSURES_QUEUES
    ENSURES_READY
    ENSURES_WAITS
    ENSURES_CONTEXTS
    ensures waits: tcb_view[K.run.tcb].state == state && g_queue[K.run.tcb] == q && QUEUE(q).tail == K.run.tcb;
    ensures room: g_back == \old(g_back) + 1; */
void thread_wait(u32 q, u32 state);

// What the end of a wait leaves: nothing that names t, and no timer.
/*@ predicate left{L1,L2}(integer t) = \at(TIMER(t + TCB_TIMER).queue,L2) == 0 &&
        (has_reply{L1}(t) ==> \at(reply_view[\at(tcb_view[t].reply,L1)].caller.tcb,L2) == 0) &&
        (\forall integer u; 0 <= u < 0x100000000 && u != t ==>
            \at(tcb_view[u].state,L2) == \at(tcb_view[u].state,L1) ||
            (\at(tcb_view[u].state,L1) == STATE_READY && \at(tcb_view[u].state,L2) == STATE_NO_TIME));
    // If t was the first in the queue that it waited in, fewer wait there.
    predicate shorter{L1,L2}(integer t) = \let q = \at(g_queue[t],L1);
        waiting_queue(q) && \at(queue_view[q].head,L1) == t ==> waiters{L2}(q) < waiters{L1}(q);
    // What t lent last is its own again.
    predicate returned{L1,L2}(integer t) = \let r = \at(tcb_view[t].reply,L1); \let s = \at(reply_view[r].caller.sc,L1);
        has_reply{L1}(t) && s != 0 && \at(sc_view[s].top,L1) == r ==>
        \at(tcb_view[t].sc,L2) == s && \at(sc_view[s].tcb,L2) == t; */

// Ends any wait of t (removed from its queue, timer off); its registers hold the result already.
/*@ requires wf: kept;
    requires t: tcb(t);
    requires room: queue_room;
    terminates \true; exits \false;
    assigns WAKE_ASSIGNS(t);
    ENSURES_KEPT
    ensures left: left{Pre,Post}(t);
    ensures runs: !exhausted(tcb_view[t].sc) ==> is_ready(t);
    ensures stays: exhausted(tcb_view[t].sc) ==> tcb_view[t].state == STATE_NO_TIME;
    ensures heads: \forall integer q; waiting_queue(q) && \old(QUEUE(q).head) == 0 ==> QUEUE(q).head == 0;
    ensures out: g_queue[t] == 0 || is_ready(t);
    ensures fewer: shorter{Pre,Post}(t);
    ensures back: returned{Pre,Post}(t);
    ensures room: \old(g_back) <= g_back <= \old(g_back) + 1; */
void thread_wake(u32 t);

// The same, and the call returns `error`. A thread whose fault is not answered stays where it is, INACTIVE.
/*@ requires wf: kept;
    requires t: tcb(t);
    requires room: queue_room;
    terminates \true; exits \false;
    assigns WAKE_ERROR_ASSIGNS(t);
    ENSURES_KEPT
    ensures error: \old(TCB(t).fault) == FAULT_NONE ==> TCB(t).r[R_RAX] == error;
    ensures stopped: \old(TCB(t).fault) != FAULT_NONE ==> TCB(t).state == STATE_INACTIVE;
    ensures woken: \old(TCB(t).fault) == FAULT_NONE ==> is_ready(t) || TCB(t).state == STATE_NO_TIME;
    ensures off: TIMER(t + TCB_TIMER).queue == 0;
    ensures free: \old(has_reply(t)) ==> reply_view[\old(TCB(t).reply)].caller.tcb == 0;
    ensures out: g_queue[t] == 0 || is_ready(t);
    ensures left: left{Pre,Post}(t);
    ensures fewer: shorter{Pre,Post}(t);
    ensures back: returned{Pre,Post}(t);
    ensures room: \old(g_back) <= g_back <= \old(g_back) + 1; */
void thread_wake_error(u32 t, error_t error);

// Stops t: its wait ends, and when it is resumed the call it waited in returns ERR_GONE.
/*@ requires wf: kept;
    requires t: tcb(t);
    terminates \true; exits \false;
    assigns LEAVE_ASSIGNS(t), tcb_view[t].r[R_RAX], tcb_view[t].r[R_RDI], tcb_view[t].r[R_RSI], tcb_view[t].mode;
    ENSURES_KEPT
    ensures heads: \forall integer q; waiting_queue(q) && \old(QUEUE(q).head) == 0 ==> QUEUE(q).head == 0;
    ensures out: loose(t);
    ensures left: left{Pre,Post}(t);
    ensures error: \old(TCB(t).fault) == FAULT_NONE && STATE_RECV <= \old(state_of(t)) <= STATE_WAIT ==>
        TCB(t).r[R_RAX] == ERR_GONE; */
void thread_stop(u32 t);

// Arms the timer that bounds the wait of the running thread, if info asks for it.
/*@ requires wf: kept && time_running && wheel_room;
    requires t: tcb(K.run.tcb) && STATE_RECV <= state_of(K.run.tcb) <= STATE_WAIT;
    requires plain: info / 256 % 2 != 0 ==> tcb_view[K.run.tcb].state < 128;
    terminates \true; exits \false;
    assigns g_clock, g_alarm, tcb_view[K.run.tcb].state, TIMER_ASSIGNS(K.run.tcb), timer_view[K.run.tcb + 54].due,
        g_slot[K.run.tcb + 54], g_age[K.run.tcb + 54], g_ages;
    ENSURES_KEPT
    ensures none: info / 256 % 2 == 0 ==> TCB(K.run.tcb).state == \old(TCB(K.run.tcb).state) && g_ages == \old(g_ages);
    ensures bounded: info / 256 % 2 != 0 ==> on(K.run.tcb + TCB_TIMER);
    ensures state: state_of(K.run.tcb) == \old(state_of(K.run.tcb)); */
void thread_arm_timeout(u64 info);

// --- "This thread runs next": who is woken goes straight to the processor if it is the one that
// thread_schedule() would choose. Both sides of its bonds are exact (thread_park).

// Would t, which waits, run before all that are ready? It has a context of its own, with budget.
/*@ terminates \true; exits \false; assigns \nothing;
    ensures next: \result != 0 <==> runs_next(t); */
u32 thread_is_next(u32 t);

// Would t, which waits, run instead of the running thread, which can go on? None runs: of course.
/*@ terminates \true; exits \false; assigns \nothing;
    ensures preempts: \result != 0 <==> preempts(t); */
u32 thread_preempts(u32 t);

// t, which has left its wait, runs: what is asked above holds of it. The running thread waits.
u64 thread_run(u32 t);

// The same; the running thread, if one runs, is ready: it is among them already, or goes before those of its
// priority.
u64 thread_run_instead(u32 t);
u64 thread_run_before(u32 t);

// Chooses the next thread and its context. The running thread has been parked or is waiting.
/*@ requires wf: kept && time_running && wheel_room;
    requires none: \forall integer t; index(t) ==> TCB(t).state != STATE_RUNNING;
    requires null: SC(0).left == 0;
    terminates \true; exits \false;
    assigns SCHEDULE_ASSIGNS;
    ENSURES_KEPT
    ensures idle: \result == 0 <==> (\forall integer t; !\old(is_ready(t)));
    ensures runs: \result != 0 ==> TCB(\result).state == STATE_RUNNING && tcb(\result) && \old(is_ready(\result));
    ensures one: \forall integer t; index(t) && t != \result ==> TCB(t).state != STATE_RUNNING;
    ensures context: K.run.sc == TCB(\result).sc && time_running;
    ensures same: \forall integer s; 0 <= s < 0x100000000 ==> SC(s).budget == \old(SC(s).budget) &&
        SC(s).period == \old(SC(s).period) && SC(s).tcb == \old(SC(s).tcb) && SC(s).top == \old(SC(s).top);
    ensures kinds: \forall integer n; 0 <= n < 0x100000000 ==> TIMER(n).kind == \old(TIMER(n).kind);
    ensures fewer: \forall integer t; is_ready(t) ==> \old(is_ready(t));
    ensures best: \result != 0 ==> (\forall integer t; \old(is_ready(t)) ==> TCB(t).priority <= TCB(\result).priority); */
u32 thread_schedule(void);

#endif
