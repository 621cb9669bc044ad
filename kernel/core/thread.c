// Threads: becoming ready, waiting, waking, stopping, choosing the next.
// SPDX-License-Identifier: BSD-2-Clause
#include "core/thread.h"

#include "core/inline.h"
#include "core/leaf.h"
#include "core/queue.h"
#include "core/ready.h"
#include "core/reply.h"
#include "core/time.h"

/*@ terminates \true; exits \false; assigns \nothing;
    ensures is: \result != 0 <==> STATE_RECV <= state <= STATE_CALL || state == STATE_WAIT; */
static inline u32 is_queued(u32 state) {
    return state == STATE_RECV || state == STATE_SEND || state == STATE_CALL || state == STATE_WAIT;
}

void thread_ready(u32 t) {
    if (time_has_budget(TCB(t).sc)) {
        ready_append(t);
    } else {
        TCB(t).state = STATE_NO_TIME;
    }
}

void thread_wait(u32 q, u32 state) {
    u32 cur = K.run.tcb;
    queue_append(q, cur);
    TCB(cur).state = (u8)state;
}

// Thread t, which is in no queue, becomes INACTIVE.
/*@ requires wf: threads;
    requires t: tcb(t) && g_queue[t] == 0;
    terminates \true; exits \false;
    assigns tcb_view[t].state;
    ENSURES_READY
    ENSURES_WAITS
    ENSURES_CONTEXTS
    ensures out: loose(t); */
static inline void deactivate(u32 t) {
    TCB(t).state = STATE_INACTIVE;
}

// The ready thread t becomes INACTIVE.
/*@ requires wf: threads;
    requires t: tcb(t) && is_ready(t);
    terminates \true; exits \false;
    assigns link_view[0 .. 0xffffffff], tcb_view[t].state, queue_view[READY_BASE + TCB(t).priority],
        K.ready_bitmap[0 .. 3], K.ready_summary, K.top, g_queue[t];
    ensures q: queues;
    ensures y: ready_queues;
    ENSURES_WAITS
    ENSURES_CONTEXTS
    ensures out: loose(t); */
static inline void unready(u32 t) {
    ready_remove(t);
}

// Takes t out of the queue that it is in, if it is in one. It is INACTIVE, and still has its Reply.
/*@ requires wf: threads;
    requires t: tcb(t);
    terminates \true; exits \false;
    assigns link_view[0 .. 0xffffffff], tcb_view[t].state, queue_view[g_queue[t]], K.ready_bitmap[0 .. 3],
        K.ready_summary, K.top, g_queue[t];
    ENSURES_THREADS
    ensures heads: \forall integer q; waiting_queue(q) && \old(QUEUE(q).head) == 0 ==> QUEUE(q).head == 0;
    ensures fewer: shorter{Pre,Post}(t);
    ensures out: loose(t); */
static void unqueue(u32 t) {
    u32 state = thread_state(t);
    //@ assert ready: state == STATE_READY <==> is_ready(t);
    //@ assert filled: g_queue[t] != 0 ==> QUEUE(g_queue[t]).head != 0;
    //@ assert range: 0 <= TCB(t).priority < 256;
    if (is_queued(state)) {
        thread_dequeue(t);
        //@ assert threads: threads;
        //@ assert members: \forall integer v; index(v) && g_queue[v] != 0 ==> v != t && g_queue[v] == \at(g_queue[v],Pre);
        //@ assert first: \let q = \at(g_queue[t],Pre); \at(QUEUE(q).head,Pre) == t && QUEUE(q).head != 0 ==> g_place[t] < g_place[QUEUE(q).head];
        //@ assert last: \let q = \at(g_queue[t],Pre); QUEUE(q).head != 0 ==> g_place[QUEUE(q).tail] <= g_place[\at(QUEUE(q).tail,Pre)];
        //@ assert fewer: shorter{Pre,Here}(t);
        //@ assert heads: \forall integer q; waiting_queue(q) && \at(QUEUE(q).head,Pre) == 0 ==> QUEUE(q).head == 0;
    } else if (state == STATE_READY) {
        unready(t);
        //@ assert threads: threads;
        //@ assert fewer: shorter{Pre,Here}(t);
        //@ assert heads: \forall integer q; waiting_queue(q) && \at(QUEUE(q).head,Pre) == 0 ==> QUEUE(q).head == 0;
    } else {
        //@ assert none: g_queue[t] == 0;
        deactivate(t);
        //@ assert threads: threads;
    }
}

// Takes t out of whatever it waits in, and stops its timer. It is INACTIVE.
/*@ requires wf: kept;
    requires t: tcb(t);
    terminates \true; exits \false;
    assigns LEAVE_ASSIGNS(t);
    ENSURES_KEPT
    ensures heads: \forall integer q; waiting_queue(q) && \old(QUEUE(q).head) == 0 ==> QUEUE(q).head == 0;
    ensures fewer: shorter{Pre,Post}(t);
    ensures back: returned{Pre,Post}(t);
    ensures out: loose(t);
    ensures left: left{Pre,Post}(t); */
static void leave(u32 t) {
    u32 state = thread_state(t);
    unqueue(t);
    //@ assert timers: wait_timers_but(t);
    if (state == STATE_RECV || state == STATE_REPLY) {
        //@ assert but: replies_but(TCB(t).reply);
        //@ assert range: 0 <= TCB(BORROWER(TCB(t).reply)).priority < 256;
        reply_release(TCB(t).reply);
        //@ assert bonds: threads && lending && replies && time;
        //@ assert fewer: shorter{Pre,Here}(t);
        //@ assert back: returned{Pre,Here}(t);
        //@ assert heads: \forall integer q; waiting_queue(q) && \at(QUEUE(q).head,Pre) == 0 ==> QUEUE(q).head == 0;
        //@ assert timers: wait_timers_but(t);
    } else {
        //@ assert replies: replies;
    }
    thread_stop_timer(t);
}

// t waits for no answer to a fault.
/*@ requires wf: kept;
    requires t: t != 0;
    terminates \true; exits \false;
    assigns tcb_view[t].fault;
    ENSURES_KEPT
    ensures none: tcb_view[t].fault == FAULT_NONE; */
static inline void clear_fault(u32 t) {
    TCB(t).fault = FAULT_NONE;
}

void thread_wake(u32 t) {
    clear_fault(t);
    leave(t);
    thread_ready(t);
}

// The call of waiting thread t will return `error`.
/*@ requires wf: kept;
    requires t: t != 0;
    terminates \true; exits \false;
    assigns tcb_view[t].r[R_RAX], tcb_view[t].r[R_RDI], tcb_view[t].r[R_RSI], tcb_view[t].mode;
    ENSURES_KEPT
    ensures error: tcb_view[t].r[R_RAX] == error && tcb_view[t].r[R_RDI] == 0 && tcb_view[t].r[R_RSI] == 0; */
static void set_error(u32 t, error_t error) {
    TCB(t).r[R_RAX] = error;
    TCB(t).r[R_RDI] = 0;
    TCB(t).r[R_RSI] = 0;
    TCB(t).mode |= MODE_IRET;
}

void thread_wake_error(u32 t, error_t error) {
    if (TCB(t).fault == FAULT_NONE) {
        set_error(t, error);
        thread_wake(t);
    } else {
        leave(t);
    }
}

void thread_stop(u32 t) {
    u32 state = thread_state(t);
    if (TCB(t).fault == FAULT_NONE && (is_queued(state) || state == STATE_REPLY)) {
        set_error(t, ERR_GONE);
    }
    leave(t);
}

// The wait of t is bounded by a timer.
/*@ requires wf: threads && replies && wait_timers_but(t);
    requires t: tcb(t) && STATE_RECV <= tcb_view[t].state <= STATE_WAIT;
    terminates \true; exits \false;
    assigns tcb_view[t].state;
    ENSURES_READY
    ENSURES_WAITS
    ENSURES_CONTEXTS
    ENSURES_REPLIES
    ensures i3: wait_timers;
    ensures state: tcb_view[t].state == \old(tcb_view[t].state) + 128; */
static inline void mark_bounded(u32 t) {
    TCB(t).state = (u8)(TCB(t).state + STATE_SPECIAL);
}

void thread_arm_timeout(u64 info) {
    u32 cur = K.run.tcb;
    if (info / INFO_TIMEOUT % 2u == 0) {
        return;
    }
    time_start(cur, BUFFER(TCB_SLOT(cur, TCB_SLOT_BUFFER).object).word[BUFFER_TIMEOUT]);
    if (TCB(cur).sc == 0) { // Its context goes on with another thread, so no switch sets the alarm.
        time_alarm();
    }
    //@ assert kinds: \forall integer n; 0 <= n < 0x100000000 ==> TIMER(n).kind == \at(TIMER(n).kind,Pre);
    //@ assert tcbs: wait_tcb;
    //@ assert waits: waits;
    //@ assert timers: wait_timers_but(cur);
    mark_bounded(cur);
}

// The user of sc, which was charged, is ready no longer if that took its budget.
/*@ requires wf: queues && ready_queues && waits && context_thread && context_user && context_null &&
        context_range && context_lender;
    requires ready: \forall integer t; is_ready(t) && t != SC(sc).tcb ==> !exhausted(TCB(t).sc);
    requires sc: sc != 0 && state_of(0) == STATE_INACTIVE;
    terminates \true; exits \false;
    assigns link_view[0 .. 0xffffffff], tcb_view[SC(sc).tcb].state, queue_view[READY_BASE + TCB(SC(sc).tcb).priority],
        K.ready_bitmap[0 .. 3], K.ready_summary, K.top, g_queue[SC(sc).tcb];
    ensures q: queues;
    ENSURES_READY
    ENSURES_WAITS
    ENSURES_CONTEXTS
    ensures others: \forall integer t; 0 <= t < 0x100000000 ==> TCB(t).state == \old(TCB(t).state) ||
        (\old(TCB(t).state) == STATE_READY && TCB(t).state == STATE_NO_TIME); */
static inline void demote(u32 sc) {
    u32 t = SC(sc).tcb;
    if (TCB(t).state == STATE_READY && !time_has_budget(sc)) {
        ready_remove(t);
        TCB(t).state = STATE_NO_TIME;
    }
}

// Takes the thread to run out of its ready queue; 0: none is ready.
/*@ requires wf: kept;
    requires none: \forall integer t; index(t) ==> TCB(t).state != STATE_RUNNING;
    requires null: SC(0).left == 0;
    terminates \true; exits \false;
    assigns link_view[0 .. 0xffffffff], tcb_view[0 .. 0xffffffff].state, queue_view[READY_BASE .. READY_BASE + 255],
        K.ready_bitmap[0 .. 3], K.ready_summary, K.top, g_queue[0 .. 0xffffffff];
    ENSURES_KEPT
    ensures idle: \result == 0 <==> (\forall integer t; !\old(is_ready(t)));
    ensures runs: \result != 0 ==> TCB(\result).state == STATE_RUNNING && tcb(\result) && \old(is_ready(\result));
    ensures one: \forall integer t; index(t) && t != \result ==> TCB(t).state == \old(TCB(t).state);
    ensures context: \result == 0 ? TCB(\result).sc == 0 : configured(TCB(\result).sc) && !exhausted(TCB(\result).sc);
    ensures best: \result != 0 ==> (\forall integer t; \old(is_ready(t)) ==> TCB(t).priority <= TCB(\result).priority); */
static inline u32 take_ready(void) {
    u32 t = ready_take();
    //@ assert was: t != 0 ==> is_ready{Pre}(t) && !exhausted(TCB(t).sc) && tcb(t);
    //@ assert bare: exhausted(0);
    //@ assert others: \forall integer v; index(v) && v != t ==> TCB(v).state == \at(TCB(v).state,Pre);
    //@ assert null: TCB(0).state == \at(TCB(0).state,Pre);
    //@ assert special: t != 0 ==> g_queue[t] == 0 && TCB(t).state == STATE_RUNNING && is_ready{Pre}(t);
    //@ assert heads: \forall integer q; waiting_queue(q) ==> QUEUE(q) == \at(QUEUE(q),Pre);
    //@ assert queue: \forall integer v; index(v) && STATE_RECV <= state_of(v) ==> v != t && g_queue[v] == \at(g_queue[v],Pre);
    //@ assert w1: wait_endpoint;
    //@ assert w2: wait_signal;
    //@ assert w3: wait_queued;
    //@ assert w4: wait_kind;
    //@ assert w5: wait_special;
    //@ assert w6: wait_tcb;
    //@ assert c6: context_ready;
    //@ assert r1: reply_thread;
    //@ assert r2: reply_caller;
    //@ assert r3: reply_null;
    //@ assert r4: reply_loan;
    //@ assert timers: wait_timers;
    return t;
}

// time_switch() in the words of the scheduler: what it leaves alone.
/*@ requires wf: wheel && time && time_running && wheel_room;
    requires from: from == K.run.sc && from != to;
    requires to: to == 0 || (configured(to) && !exhausted(to));
    terminates \true; exits \false;
    assigns g_clock, g_alarm, K.run.sc, sc_view[..], g_spent[..], g_before[..], timer_view[..], WHEEL.queue[0 .. 575],
        WHEEL.bitmap[0 .. 7], WHEEL.summary, g_level[..], g_slot[..], g_age[..], g_ages;
    ensures i1: wheel;
    ensures i2: time;
    ensures same: \forall integer s; 0 <= s < 0x100000000 ==> SC(s).budget == \old(SC(s).budget) &&
        SC(s).period == \old(SC(s).period) && SC(s).tcb == \old(SC(s).tcb) && SC(s).top == \old(SC(s).top);
    ensures kinds: \forall integer n; 0 <= n < 0x100000000 ==> TIMER(n).kind == \old(TIMER(n).kind);
    ensures left: \forall integer s; index(s) && s != from && s != to ==> SC(s).left == \old(SC(s).left);
    ensures on: \forall integer n; on(n) && TIMER(n).kind != 1 ==> \old(on(n));
    ensures runs: K.run.sc == to && time_running; */
static inline void change_context(u32 from, u32 to) {
    time_switch(from, to, 0);
    //@ assert kinds: from != 0 ==> TIMER(from + SC_TIMER).kind == 1;
}

// The processor goes from the running context to another, `to`, whose user runs, or 0: none. A ready thread
// may be left with an exhausted context: the user of the one that ran.
/*@ requires wf: kept && time_running && wheel_room;
    requires null: SC(0).left == 0;
    requires to: to != K.run.sc && (to == 0 || (configured(to) && !exhausted(to) && TCB(SC(to).tcb).state == STATE_RUNNING));
    terminates \true; exits \false;
    assigns g_clock, g_alarm, K.run.sc, sc_view[..], g_spent[..], g_before[..], timer_view[..], WHEEL.queue[0 .. 575],
        WHEEL.bitmap[0 .. 7], WHEEL.summary, g_level[..], g_slot[..], g_age[..], g_ages;
    ensures q: queues;
    ensures y: ready_queues;
    ENSURES_WAITS
    ensures c1: context_thread;
    ensures c2: context_user;
    ensures c3: context_null;
    ensures c4: context_range;
    ensures c5: context_lender;
    ensures ready: \forall integer t; is_ready(t) && t != SC(\old(K.run.sc)).tcb ==> !exhausted(TCB(t).sc);
    ensures l: lending;
    ensures r: replies;
    ensures i1: wheel;
    ensures i2: time;
    ensures i3: wait_timers;
    ensures same: \forall integer s; 0 <= s < 0x100000000 ==> SC(s).budget == \old(SC(s).budget) &&
        SC(s).period == \old(SC(s).period) && SC(s).tcb == \old(SC(s).tcb) && SC(s).top == \old(SC(s).top);
    ensures kinds: \forall integer n; 0 <= n < 0x100000000 ==> TIMER(n).kind == \old(TIMER(n).kind);
    ensures alone: \old(K.run.sc) == 0 ==> context_ready;
    ensures runs: K.run.sc == to && time_running; */
static inline void switch_time(u32 to) {
    u32 from = K.run.sc;
    //@ assert names: \forall integer t; is_ready(t) ==> TCB(t).sc != 0 && TCB(t).sc != to && (TCB(t).sc == from ==> t == SC(from).tcb);
    change_context(from, to);
    //@ assert w6: wait_tcb;
    //@ assert ready: \forall integer t; is_ready(t) && t != SC(from).tcb ==> !exhausted(TCB(t).sc);
}

// The user of context sc, which was charged, is ready no longer if that took its budget.
/*@ requires wf: queues && ready_queues && waits && context_thread && context_user && context_null &&
        context_range && context_lender && lending && replies && wheel && time && wait_timers;
    requires ready: \forall integer t; is_ready(t) && t != SC(sc).tcb ==> !exhausted(TCB(t).sc);
    requires sc: sc != 0;
    terminates \true; exits \false;
    assigns link_view[..], tcb_view[..].state, queue_view[READY_BASE .. READY_BASE + 255], K.ready_bitmap[0 .. 3],
        K.ready_summary, K.top, g_queue[..];
    ENSURES_KEPT
    ensures others: \forall integer t; 0 <= t < 0x100000000 ==> TCB(t).state == \old(TCB(t).state) ||
        (\old(TCB(t).state) == STATE_READY && TCB(t).state == STATE_NO_TIME); */
static inline void demote_user(u32 sc) {
    demote(sc);
    //@ assert r1: reply_thread;
    //@ assert r2: reply_caller;
    //@ assert r3: reply_null;
    //@ assert r4: reply_loan;
    //@ assert timers: wait_timers;
}

// The processor goes from the running context to another, `to`, whose user runs, or 0: none.
/*@ requires wf: kept && time_running && wheel_room;
    requires null: SC(0).left == 0;
    requires to: to != K.run.sc && (to == 0 || (configured(to) && !exhausted(to) && TCB(SC(to).tcb).state == STATE_RUNNING));
    terminates \true; exits \false;
    assigns SCHEDULE_ASSIGNS;
    ENSURES_KEPT
    ensures same: \forall integer s; 0 <= s < 0x100000000 ==> SC(s).budget == \old(SC(s).budget) &&
        SC(s).period == \old(SC(s).period) && SC(s).tcb == \old(SC(s).tcb) && SC(s).top == \old(SC(s).top);
    ensures kinds: \forall integer n; 0 <= n < 0x100000000 ==> TIMER(n).kind == \old(TIMER(n).kind);
    ensures runs: K.run.sc == to && time_running;
    ensures others: \forall integer t; 0 <= t < 0x100000000 ==> TCB(t).state == \old(TCB(t).state) ||
        (\old(TCB(t).state) == STATE_READY && TCB(t).state == STATE_NO_TIME); */
static inline void switch_context(u32 to) {
    u32 from = K.run.sc;
    switch_time(to);
    if (from != 0) {
        demote_user(from);
    }
}

u32 thread_is_next(u32 t) {
    u32 sc = TCB(t).sc;
    return time_has_budget(sc) && sc != K.run.sc && TCB(t).priority >= K.top;
}

u32 thread_preempts(u32 t) {
    u32 cur = K.run.tcb;
    return thread_is_next(t) &&
           (cur == 0 || (TCB(t).priority > TCB(cur).priority && time_has_budget(K.run.sc)));
}

FLATTEN NOINLINE u64 thread_run(u32 t) {
    TCB(t).state = STATE_RUNNING;
    return time_switch(K.run.sc, TCB(t).sc, t);
}

u64 thread_run_instead(u32 t) {
    TCB(t).state = STATE_RUNNING;
    switch_context(TCB(t).sc);
    return t;
}

u64 thread_run_before(u32 t) {
    u32 cur = K.run.tcb;
    if (cur != 0) {
        ready_push(cur);
    }
    return thread_run_instead(t);
}

FLATTEN NOINLINE u32 thread_schedule(void) {
    u32 t = take_ready(), to = TCB(t).sc;
    if (K.run.sc != to) {
        //@ assert user: t != 0 ==> SC(to).tcb == t;
        switch_context(to);
    }
    return t;
}
