// Endpoints: the general way of a message, and the short way of a call and its answer.
// SPDX-License-Identifier: BSD-2-Clause
#include "core/endpoint.h"

#include "core/call.h"
#include "core/cspace.h"
#include "core/inline.h"
#include "core/message.h"
#include "core/notification.h"
#include "core/queue.h"
#include "core/reply.h"
#include "core/sched_context.h"
#include "core/thread.h"
#include "core/time.h"

// --- The general path: any state of either side.

// The message of `from` arrives at `to`; all stay what they are.
/*@ requires wf: kept && caps && messages;
    requires threads: is_tcb(from) && is_tcb(to) && from != to;
    requires length: info % 128 <= MESSAGE_WORDS;
    terminates \true; exits \false;
    assigns REGISTERS_ASSIGNS(to), EXTRA_ASSIGNS;
    ENSURES_KEPT
    ensures caps: caps;
    ensures messages: messages;
    ENSURES_DELIVERED */
INLINE void deliver(u32 from, u32 to, u64 badge, u64 info, u32 may_grant) {
    message_deliver(from, to, badge, info, may_grant);
    //@ assert states: \forall integer t; 0 <= t < 0x100000000 ==> TCB(t).state == \at(TCB(t).state,Pre);
    //@ assert replies: \forall integer t; 0 <= t < 0x100000000 ==> TCB(t).reply == \at(TCB(t).reply,Pre);
    //@ assert infos: \forall integer t; 0 <= t < 0x100000000 ==> TCB(t).sending_info == \at(TCB(t).sending_info,Pre);
    //@ assert w1: wait_endpoint;
    //@ assert w2: wait_signal;
    //@ assert w3: wait_queued;
    //@ assert w4: wait_kind;
    //@ assert w5: wait_special;
    //@ assert w6: wait_tcb;
    //@ assert r1: reply_thread;
    //@ assert r2: reply_caller;
    //@ assert r3: reply_null;
    //@ assert r4: reply_loan;
    //@ assert actors: actors;
    //@ assert senders: senders;
}

// What thread t, which is to wait, will send.
/*@ requires wf: kept && caps && messages;
    requires t: t != 0;
    requires length: info % 128 <= MESSAGE_WORDS;
    terminates \true; exits \false;
    assigns tcb_view[t].sending_cptr, tcb_view[t].sending_info;
    ENSURES_KEPT
    ensures messages: messages;
    ensures what: tcb_view[t].sending_cptr == cptr && tcb_view[t].sending_info == info; */
static inline void note_message(u32 t, u64 cptr, u64 info) {
    TCB(t).sending_cptr = cptr;
    TCB(t).sending_info = info;
    //@ assert states: \forall integer x; 0 <= x < 0x100000000 ==> TCB(x).state == \at(TCB(x).state,Pre);
    //@ assert replies: \forall integer x; 0 <= x < 0x100000000 ==> TCB(x).reply == \at(TCB(x).reply,Pre);
    //@ assert contexts: \forall integer x; 0 <= x < 0x100000000 ==> TCB(x).sc == \at(TCB(x).sc,Pre) && TCB(x).priority == \at(TCB(x).priority,Pre);
    //@ assert infos: \forall integer x; 0 <= x < 0x100000000 && x != t ==> TCB(x).sending_info == \at(TCB(x).sending_info,Pre);
    //@ assert w1: wait_endpoint;
    //@ assert w2: wait_signal;
    //@ assert w3: wait_queued;
    //@ assert w4: wait_kind;
    //@ assert w5: wait_special;
    //@ assert w6: wait_tcb;
    //@ assert r1: reply_thread;
    //@ assert r2: reply_caller;
    //@ assert r4: reply_loan;
    //@ assert c1: context_thread;
    //@ assert c5: context_lender;
    //@ assert c6: context_ready;
}

// The running thread waits to send on ep, where nobody receives.
/*@ requires wf: kept && caps && messages;
    requires room: queue_room && wheel_room && time_running;
    requires cur: tcb(K.run.tcb) && tcb_view[K.run.tcb].state == STATE_RUNNING;
    requires ep: endpoint(ep) && (state == STATE_SEND || state == STATE_CALL) && state_of(QUEUE(ep).head) != STATE_RECV;
    requires length: info % 128 <= MESSAGE_WORDS;
    terminates \true; exits \false;
    assigns link_view[0 .. 0xffffffff], queue_view[ep], tcb_view[K.run.tcb].state, g_queue[K.run.tcb], g_place[K.run.tcb],
        g_back, g_clock, g_alarm, TIMER_ASSIGNS(K.run.tcb), timer_view[K.run.tcb + 54].due, g_slot[K.run.tcb + 54],
        g_age[K.run.tcb + 54], g_ages, tcb_view[K.run.tcb].sending_cptr, tcb_view[K.run.tcb].sending_info;
    ENSURES_KEPT
    ensures messages: messages;
    ensures waits: g_queue[K.run.tcb] == ep && QUEUE(ep).tail == K.run.tcb && state_of(K.run.tcb) == state;
    ensures what: tcb_view[K.run.tcb].sending_cptr == cptr && tcb_view[K.run.tcb].sending_info == info;
    ensures bounded: info / 256 % 2 != 0 ==> on(K.run.tcb + TCB_TIMER); */
static inline void wait_to_send(u32 ep, u64 cptr, u64 info, u32 state) {
    u32 cur = K.run.tcb;
    note_message(cur, cptr, info);
    thread_wait(ep, state);
    //@ assert others: \forall integer t; 0 <= t < 0x100000000 && t != cur ==> TCB(t).state == \at(TCB(t).state,Pre);
    //@ assert cur: !has_reply(cur) && !has_reply{Pre}(cur) && TCB(cur).state < 128;
    //@ assert same: \forall integer t; index(t) && t != cur ==> state_of(t) == state_of{Pre}(t);
    //@ assert names: \forall integer t; 0 <= t < 0x100000000 ==> TCB(t).reply == \at(TCB(t).reply,Pre);
    //@ assert had: \forall integer t; index(t) && has_reply(t) ==> has_reply{Pre}(t) && t != cur;
    //@ assert has: \forall integer t; index(t) && has_reply{Pre}(t) ==> has_reply(t) && t != cur;
    //@ assert threads: threads && lending && wheel && time;
    //@ assert r1: reply_thread;
    //@ assert r2: reply_caller;
    //@ assert r4: reply_loan;
    //@ assert r3: reply_null;
    //@ assert timers: wait_timers;
    //@ assert messages: messages;
    thread_arm_timeout(info);
}

#define LEAVE_QUEUE_ASSIGNS                                                                        \
    link_view[..], tcb_view[..].state, queue_view[..], g_queue[..], timer_view[..].next,           \
        timer_view[..].prev, timer_view[..].queue, WHEEL.queue[0..575], WHEEL.bitmap[0..7],        \
        WHEEL.summary, g_level[..]

// Receiver `to` leaves its queue; its Reply still names it.
/*@ requires wf: kept;
    requires to: tcb(to) && state_of(to) == STATE_RECV;
    terminates \true; exits \false;
    assigns LEAVE_QUEUE_ASSIGNS;
    ENSURES_THREADS
    ensures l: lending;
    ensures r: replies_but(tcb_view[to].reply);
    ensures i1: wheel;
    ensures i2: time;
    ensures i3: wait_timers;
    ensures free: \let r = tcb_view[to].reply; r != 0 && g_lent[r] == 0 && reply_view[r].caller.tcb == to && reply_view[r].caller.sc == 0;
    ensures out: loose(to) && TIMER(to + TCB_TIMER).queue == 0;
    ensures others: \forall integer t; 0 <= t < 0x100000000 && t != to ==> tcb_view[t].state == \old(tcb_view[t].state); */
static inline void leave_receivers(u32 to) {
    //@ assert free: \let r = TCB(to).reply; r != 0 && g_lent[r] == 0 && reply_view[r].caller.tcb == to && reply_view[r].caller.sc == 0;
    thread_dequeue(to);
    //@ assert but: replies_but(TCB(to).reply);
    //@ assert threads: threads && lending;
    //@ assert timers: wait_timers_but(to);
    thread_stop_timer(to);
}

// The thread that r names has received through it, and nobody waits for an answer.
/*@ requires wf: threads && lending && replies_but(r) && wheel && time && wait_timers;
    requires to: r != 0 && loose(LENDER(r)) && LENT(r) == 0 && tcb_view[LENDER(r)].reply == r;
    terminates \true; exits \false;
    assigns reply_view[..].caller, tcb_view[..].reply;
    ENSURES_KEPT
    ensures free: LENDER(r) == 0;
    ensures loose: loose(\old(LENDER(r))); */
static inline void received(u32 r) {
    TCB(REPLY(r).caller.tcb).reply = 0;
    REPLY(r).caller = (run_t){0, 0};
    //@ assert w1: wait_endpoint;
    //@ assert w2: wait_signal;
    //@ assert w3: wait_queued;
    //@ assert w4: wait_kind;
    //@ assert w5: wait_special;
    //@ assert w6: wait_tcb;
    //@ assert r1: reply_thread;
    //@ assert r2: reply_caller;
    //@ assert r3: reply_null;
    //@ assert r4: reply_loan;
}

// `to` has received a call of the running thread, which waits for the answer through r.
/*@ requires wf: threads && lending && replies_but(r) && wheel && time && wait_timers;
    requires to: r != 0 && loose(to) && LENDER(r) == to && g_lent[r] == 0;
    requires cur: tcb(K.run.tcb) && tcb_view[K.run.tcb].state == STATE_RUNNING && K.run.tcb != to;
    requires room: lend_room && wheel_room && time_running;
    requires fault: tcb_view[K.run.tcb].fault != FAULT_NONE ==> info / 256 % 2 == 0;
    terminates \true; exits \false;
    assigns BOND_ASSIGNS;
    ENSURES_KEPT
    ensures loose: loose(to);
    ensures others: \forall integer t; 0 <= t < 0x100000000 && t != K.run.tcb ==> tcb_view[t].state == \old(tcb_view[t].state);
    ensures armed: reply_view[r].caller.tcb == K.run.tcb && tcb_view[K.run.tcb].reply == r && state_of(K.run.tcb) == STATE_REPLY;
    ensures lent: \old(tcb_view[K.run.tcb].sc) != 0 && \old(tcb_view[to].sc) == 0 ==>
        tcb_view[to].sc == \old(tcb_view[K.run.tcb].sc) && tcb_view[K.run.tcb].sc == 0 && TIMER(K.run.tcb + TCB_TIMER).queue == 0; */
static inline void called(u32 r, u32 to, u64 info) {
    u32 cur = K.run.tcb;
    //@ assert on: TIMER(cur + TCB_TIMER).queue == 0;
    reply_arm(r, cur, to);
    //@ assert kept: kept;
    if (TCB(cur).sc != 0) {
        thread_arm_timeout(info);
    }
}

// Thread t, which has left its wait, goes on.
/*@ requires wf: kept && messages;
    requires t: is_tcb(t) && loose(t);
    requires room: queue_room;
    terminates \true; exits \false;
    assigns HAND_OVER_ASSIGNS;
    ENSURES_KEPT
    ensures messages: messages;
    ensures woken: is_ready(t) || tcb_view[t].state == STATE_NO_TIME;
    ensures callers: \forall integer r; index(r) ==> reply_view[r].caller == \old(reply_view[r].caller);
    ensures names: \forall integer u; index(u) ==> tcb_view[u].reply == \old(tcb_view[u].reply);
    ensures timers: \forall integer n; TIMER(n).queue == \old(TIMER(n).queue);
    ensures others: \forall integer u; 0 <= u < 0x100000000 && u != t ==> tcb_view[u].state == \old(tcb_view[u].state); */
static inline void go_on(u32 t) {
    thread_ready(t);
    //@ assert others: \forall integer u; 0 <= u < 0x100000000 && u != t ==> TCB(u).state == \at(TCB(u).state,Pre);
    //@ assert messages: messages;
}

// `to`, which has the message that the running thread sent, goes on.
/*@ requires wf: kept && messages;
    requires to: is_tcb(to) && tcb(to) && state_of(to) == STATE_RECV && to != K.run.tcb;
    requires room: queue_room;
    terminates \true; exits \false;
    assigns HAND_OVER_ASSIGNS;
    ENSURES_KEPT
    ensures messages: messages;
    ensures free: reply_view[\old(tcb_view[to].reply)].caller.tcb == 0;
    ensures woken: is_ready(to) || tcb_view[to].state == STATE_NO_TIME;
    ensures runs: \old(tcb_view[K.run.tcb].state) == STATE_RUNNING ==> tcb_view[K.run.tcb].state == STATE_RUNNING; */
static inline void complete_send(u32 to) {
    u32 r = TCB(to).reply;
    leave_receivers(to);
    received(r);
    //@ assert others: \forall integer t; 0 <= t < 0x100000000 && t != to ==> TCB(t).state == \at(TCB(t).state,Pre);
    //@ assert messages: messages;
    go_on(to);
}

// `to`, which has the message that the running thread called with, goes on; the caller waits for the answer.
/*@ requires wf: kept && messages;
    requires to: is_tcb(to) && tcb(to) && state_of(to) == STATE_RECV && to != K.run.tcb;
    requires cur: is_tcb(K.run.tcb) && tcb(K.run.tcb) && tcb_view[K.run.tcb].state == STATE_RUNNING;
    requires room: queue_room && lend_room && wheel_room && time_running;
    requires fault: tcb_view[K.run.tcb].fault != FAULT_NONE ==> info / 256 % 2 == 0;
    terminates \true; exits \false;
    assigns HAND_OVER_ASSIGNS;
    ENSURES_KEPT
    ensures messages: messages;
    ensures armed: \let r = \old(tcb_view[to].reply); reply_view[r].caller.tcb == K.run.tcb &&
        tcb_view[K.run.tcb].reply == r && state_of(K.run.tcb) == STATE_REPLY;
    ensures woken: is_ready(to) || tcb_view[to].state == STATE_NO_TIME; */
static inline void complete_call(u32 to, u64 info) {
    u32 r = TCB(to).reply;
    leave_receivers(to);
    called(r, to, info);
    //@ assert others: \forall integer t; 0 <= t < 0x100000000 && t != to && t != K.run.tcb ==> TCB(t).state == \at(TCB(t).state,Pre);
    //@ assert messages: messages;
    go_on(to);
}

void endpoint_send(u32 s, u64 cptr, u64 info, u32 state) {
    u32 cur = K.run.tcb, ep = SLOT(s).object, to = QUEUE(ep).head;
    if (thread_state(to) != STATE_RECV) {
        wait_to_send(ep, cptr, info, state);
        return;
    }
    //@ assert to: tcb(to) && to != cur && g_queue[to] == ep && is_tcb(to) && is_tcb(cur);
    deliver(cur, to, SLOT(s).data, info, SLOT(s).may / MAY_GRANT % 2u);
    if (state == STATE_SEND) {
        complete_send(to);
    } else {
        complete_call(to, info);
    }
}

// The slot of the capability that t, which waits, sends through: what stands there may have changed.
/*@ requires caps: caps;
    requires t: is_tcb(t);
    terminates \true; exits \false; assigns \nothing;
    ensures slot: \result == sends_through(t);
    ensures is: \result == 0 || slot(\result); */
static u32 sends_through(u32 t) {
    if (TCB(t).fault == FAULT_NONE) {
        return cspace_lookup(t, TCB(t).sending_cptr);
    }
    return TCB_SLOT_INDEX(t, TCB(t).fault == FAULT_BUDGET ? TCB_SLOT_TIMEOUT : TCB_SLOT_FAULT);
}

// The first that waits to send on ep no longer has the capability for it: its call ends. 0: it has, or nobody
// waits to send.
/*@ requires wf: kept && caps && messages;
    requires room: queue_room;
    requires ep: endpoint(ep);
    terminates \true; exits \false;
    assigns WAKE_ASSIGNS(queue_view[ep].head), tcb_view[queue_view[ep].head].r[R_RAX], tcb_view[queue_view[ep].head].r[R_RDI],
        tcb_view[queue_view[ep].head].r[R_RSI], tcb_view[queue_view[ep].head].mode;
    ENSURES_KEPT
    ensures messages: messages;
    ensures has: \result == 0 && \old(state_of(QUEUE(ep).head)) > STATE_RECV ==>
        \let s = \old(sends_through(QUEUE(ep).head)); ob(s) == ep && (slot_view[s].may & MAY_SEND) != 0;
    ensures ended: \result != 0 ==> \let from = \old(QUEUE(ep).head); from != 0 && state_of(from) < STATE_RECV; */
static u32 end_stale(u32 ep) {
    u32 from = QUEUE(ep).head;
    if (thread_state(from) <= STATE_RECV) {
        return 0;
    }
    u32 s = sends_through(from);
    if (SLOT(s).object == ep && (SLOT(s).may & MAY_SEND) != 0) {
        return 0;
    }
    //@ assert from: is_tcb(from) && tcb(from) && index(from);
    thread_wake_error(from, ERR_GONE);
    //@ assert kinds: \forall integer t; is_tcb(t) <==> \at(is_tcb(t),Pre);
    //@ assert others: \forall integer t; index(t) && t != from ==> TCB(t).state == \at(TCB(t).state,Pre) || TCB(t).state == STATE_NO_TIME && \at(TCB(t).state,Pre) == STATE_READY;
    //@ assert actors: actors;
    //@ assert infos: \forall integer t; TCB(t).sending_info == \at(TCB(t).sending_info,Pre);
    //@ assert woken: state_of(from) < STATE_RECV;
    //@ assert waiting: \forall integer t; index(t) && (state_of(t) == STATE_SEND || state_of(t) == STATE_CALL) ==> t != from && state_of(t) == \at(state_of(t),Pre);
    //@ assert senders: senders;
    return 1;
}

// Sender `from` leaves its queue; its timer may still be on.
/*@ requires wf: kept;
    requires from: tcb(from) && (state_of(from) == STATE_SEND || state_of(from) == STATE_CALL);
    terminates \true; exits \false;
    assigns link_view[..], tcb_view[..].state, queue_view[..], g_queue[..];
    ENSURES_THREADS
    ensures l: lending;
    ENSURES_REPLIES
    ensures i1: wheel;
    ensures i2: time;
    ensures i3: wait_timers_but(from);
    ensures others: \forall integer t; 0 <= t < 0x100000000 && t != from ==> tcb_view[t].state == \old(tcb_view[t].state);
    ensures out: loose(from); */
static inline void leave_senders(u32 from) {
    thread_dequeue(from);
    //@ assert others: \forall integer t; 0 <= t < 0x100000000 && t != from ==> TCB(t).state == \at(TCB(t).state,Pre);
    //@ assert names: \forall integer t; 0 <= t < 0x100000000 ==> TCB(t).reply == \at(TCB(t).reply,Pre);
    //@ assert from: !has_reply(from) && !has_reply{Pre}(from);
}

// The message of `from`, which waits to send, arrives at the running thread; the wait is over, its timer
// may still be on.
/*@ requires wf: kept && caps && messages;
    requires cur: tcb(K.run.tcb) && tcb_view[K.run.tcb].state == STATE_RUNNING;
    requires from: tcb(from) && (state_of(from) == STATE_SEND || state_of(from) == STATE_CALL);
    terminates \true; exits \false;
    assigns link_view[..], tcb_view[..].state, queue_view[..], g_queue[..], REGISTERS_ASSIGNS(K.run.tcb), EXTRA_ASSIGNS;
    ENSURES_THREADS
    ensures l: lending;
    ensures r: replies;
    ensures i1: wheel;
    ensures i2: time;
    ensures i3: wait_timers_but(from);
    ensures caps: caps;
    ensures messages: messages;
    ensures out: is_tcb(from) && loose(from) && from != K.run.tcb;
    ensures runs: tcb_view[K.run.tcb].state == STATE_RUNNING;
    ensures badge: tcb_view[K.run.tcb].r[R_RDI] == \old(dt(sends_through(from)));
    ensures given: tcb_view[from].fault == FAULT_NONE ==>
        message_given{Pre,Post}(from, K.run.tcb, \old(dt(sends_through(from))), tcb_view[K.run.tcb].r[R_RSI]); */
static inline void take_message(u32 from) {
    u32 cur = K.run.tcb;
    //@ assert from: is_tcb(from) && is_tcb(cur) && from != cur;
    u32 s = sends_through(from);
    deliver(from, cur, SLOT(s).data, TCB(from).sending_info, SLOT(s).may / MAY_GRANT % 2u);
    leave_senders(from);
    //@ assert others: \forall integer t; 0 <= t < 0x100000000 && t != from ==> TCB(t).state == \at(TCB(t).state,Pre);
    //@ assert infos: \forall integer t; 0 <= t < 0x100000000 ==> TCB(t).sending_info == \at(TCB(t).sending_info,Pre);
    //@ assert messages: messages;
}

// `from`, whose call the running thread has taken, waits for the answer through r.
/*@ requires wf: threads && lending && replies && wheel && time && wait_timers_but(from) && messages;
    requires from: is_tcb(from) && loose(from) && from != K.run.tcb;
    requires cur: tcb(K.run.tcb) && tcb_view[K.run.tcb].state == STATE_RUNNING;
    requires r: r != 0 && reply_view[r].caller.tcb == 0;
    requires room: lend_room;
    terminates \true; exits \false;
    assigns HAND_OVER_ASSIGNS;
    ENSURES_KEPT
    ensures messages: messages;
    ensures armed: state_of(from) == STATE_REPLY && tcb_view[from].reply == r && reply_view[r].caller.tcb == from;
    ensures runs: tcb_view[K.run.tcb].state == STATE_RUNNING; */
static inline void taken_call(u32 from, u32 r) {
    reply_arm(r, from, K.run.tcb);
    //@ assert others: \forall integer t; 0 <= t < 0x100000000 && t != from ==> TCB(t).state == \at(TCB(t).state,Pre);
    //@ assert infos: \forall integer t; 0 <= t < 0x100000000 ==> TCB(t).sending_info == \at(TCB(t).sending_info,Pre);
    //@ assert messages: messages;
}

// `from`, whose message the running thread has taken, goes on.
/*@ requires wf: threads && lending && replies && wheel && time && wait_timers_but(from) && messages;
    requires from: is_tcb(from) && loose(from) && from != K.run.tcb;
    requires room: queue_room;
    terminates \true; exits \false;
    assigns HAND_OVER_ASSIGNS;
    ENSURES_KEPT
    ensures messages: messages;
    ensures woken: is_ready(from) || tcb_view[from].state == STATE_NO_TIME;
    ensures off: TIMER(from + TCB_TIMER).queue == 0;
    ensures runs: tcb_view[K.run.tcb].state == \old(tcb_view[K.run.tcb].state); */
static inline void taken_send(u32 from) {
    thread_stop_timer(from);
    //@ assert kept: kept;
    go_on(from);
}

// The running thread takes the message of `from`, which waits to send.
/*@ requires wf: kept && caps && messages;
    requires room: queue_room && lend_room;
    requires cur: tcb(K.run.tcb) && tcb_view[K.run.tcb].state == STATE_RUNNING;
    requires from: tcb(from) && (state_of(from) == STATE_SEND || state_of(from) == STATE_CALL);
    requires r: r != 0 && reply_view[r].caller.tcb == 0;
    terminates \true; exits \false;
    assigns SEND_ASSIGNS, REGISTERS_ASSIGNS(K.run.tcb);
    ENSURES_KEPT
    ensures caps: caps;
    ensures messages: messages;
    ensures badge: tcb_view[K.run.tcb].r[R_RDI] == \old(dt(sends_through(from)));
    ensures given: tcb_view[from].fault == FAULT_NONE ==>
        message_given{Pre,Post}(from, K.run.tcb, \old(dt(sends_through(from))), tcb_view[K.run.tcb].r[R_RSI]);
    ensures sent: \old(state_of(from)) == STATE_SEND ==> state_of(from) < STATE_RECV && TIMER(from + TCB_TIMER).queue == 0;
    ensures called: \old(state_of(from)) == STATE_CALL ==>
        state_of(from) == STATE_REPLY && tcb_view[from].reply == r && reply_view[r].caller.tcb == from;
    ensures runs: tcb_view[K.run.tcb].state == STATE_RUNNING; */
static void take(u32 from, u32 r) {
    u32 is_call = thread_state(from) == STATE_CALL;
    take_message(from);
    if (is_call) {
        taken_call(from, r);
    } else {
        taken_send(from);
    }
}

// The running thread takes the bits of the notification that it is bound to.
/*@ requires wf: kept && messages && notifications;
    requires cur: tcb(K.run.tcb) && tcb_view[K.run.tcb].attention != 0;
    terminates \true; exits \false;
    assigns notification_view[..].word, tcb_view[..].attention, tcb_view[K.run.tcb].r[R_RDI], tcb_view[K.run.tcb].r[R_RSI];
    ENSURES_KEPT
    ensures messages: messages;
    ENSURES_NOTIFICATIONS
    ensures taken: \let n = tcb_view[K.run.tcb].bound; notification_view[n].word == 0 &&
        tcb_view[K.run.tcb].r[R_RDI] == \old(notification_view[tcb_view[K.run.tcb].bound].word);
    ensures marked: tcb_view[K.run.tcb].r[R_RSI] == INFO_SIGNAL; */
static inline void take_bits(void) {
    u32 cur = K.run.tcb;
    //@ assert bound: TCB(cur).bound != 0 && NOTIFICATION(TCB(cur).bound).bound == cur;
    notification_take(TCB(cur).bound, cur);
    //@ assert w1: wait_endpoint;
    //@ assert w2: wait_signal;
    //@ assert w3: wait_queued;
    //@ assert w4: wait_kind;
    //@ assert w5: wait_special;
    //@ assert w6: wait_tcb;
    //@ assert ready: ready_queues;
    //@ assert contexts: contexts;
    //@ assert replies: replies;
    //@ assert timers: wait_timers;
}

// The running thread begins to wait on ep, where nobody sends, with Reply r, which is free.
/*@ requires wf: kept && messages;
    requires room: queue_room;
    requires cur: tcb(K.run.tcb) && tcb_view[K.run.tcb].state == STATE_RUNNING;
    requires ep: endpoint(ep) && state_of(QUEUE(ep).head) <= STATE_RECV;
    requires r: r != 0 && reply_view[r].caller.tcb == 0;
    terminates \true; exits \false;
    assigns link_view[..], queue_view[..], tcb_view[..].state, tcb_view[..].reply, reply_view[..].caller, g_queue[..],
        g_place[..], g_back;
    ENSURES_KEPT
    ensures messages: messages;
    ensures waits: g_queue[K.run.tcb] == ep && QUEUE(ep).tail == K.run.tcb && tcb_view[K.run.tcb].state == STATE_RECV;
    ensures claimed: reply_view[r].caller.tcb == K.run.tcb && tcb_view[K.run.tcb].reply == r; */
static inline void claim(u32 ep, u32 r) {
    u32 cur = K.run.tcb;
    //@ assert head: QUEUE(ep).head == 0 || state_of(QUEUE(ep).head) == STATE_RECV;
    //@ assert free: g_lent[r] == 0 && !has_reply(0);
    reply_name(r, cur);
    //@ assert messages: messages;
    thread_wait(ep, STATE_RECV);
    //@ assert others: \forall integer t; 0 <= t < 0x100000000 && t != cur ==> TCB(t).state == \at(TCB(t).state,Pre);
    //@ assert names: \forall integer t; 0 <= t < 0x100000000 && t != cur ==> TCB(t).reply == \at(TCB(t).reply,Pre);
    //@ assert cur: TCB(cur).state == STATE_RECV && TCB(cur).reply == r && LENDER(r) == cur;
    //@ assert r1: reply_thread;
    //@ assert r2: reply_caller;
    //@ assert r3: reply_null;
    //@ assert r4: reply_loan;
    //@ assert timers: wait_timers;
    //@ assert messages: messages;
}

// The wait of the running thread ends when info says.
/*@ requires wf: kept && messages && time_running && wheel_room;
    requires cur: tcb(K.run.tcb) && STATE_RECV <= tcb_view[K.run.tcb].state <= STATE_WAIT;
    terminates \true; exits \false;
    assigns g_clock, g_alarm, tcb_view[..].state, timer_view[..].next, timer_view[..].prev, timer_view[..].due,
        timer_view[..].queue, WHEEL.queue[0 .. 575], WHEEL.bitmap[0 .. 7], WHEEL.summary, g_level[..], g_slot[..],
        g_age[..], g_ages;
    ENSURES_KEPT
    ensures messages: messages;
    ensures state: state_of(K.run.tcb) == \old(state_of(K.run.tcb));
    ensures bounded: info / 256 % 2 != 0 ==> on(K.run.tcb + TCB_TIMER); */
static inline void bound_wait(u64 info) {
    thread_arm_timeout(info);
}

// The running thread waits to receive on ep, where nobody sends, with Reply r, which is free.
/*@ requires wf: kept && messages;
    requires room: queue_room && wheel_room && time_running;
    requires cur: tcb(K.run.tcb) && tcb_view[K.run.tcb].state == STATE_RUNNING;
    requires ep: endpoint(ep) && state_of(QUEUE(ep).head) <= STATE_RECV;
    requires r: r != 0 && reply_view[r].caller.tcb == 0;
    terminates \true; exits \false;
    assigns HAND_OVER_ASSIGNS;
    ENSURES_KEPT
    ensures messages: messages;
    ensures waits: g_queue[K.run.tcb] == ep && QUEUE(ep).tail == K.run.tcb && state_of(K.run.tcb) == STATE_RECV;
    ensures claimed: reply_view[r].caller.tcb == K.run.tcb && tcb_view[K.run.tcb].reply == r;
    ensures bounded: info / 256 % 2 != 0 ==> on(K.run.tcb + TCB_TIMER); */
static inline void wait_to_receive(u32 ep, u32 r, u64 info) {
    claim(ep, r);
    bound_wait(info);
}

// The running thread receives on ep with Reply r, which is free: the bits of its bound notification,
// or the message of the first sender, or it waits.
/*@ requires wf: kept && caps && messages && notifications;
    requires room: queue_room && wheel_room && lend_room && time_running;
    requires cur: tcb(K.run.tcb) && tcb_view[K.run.tcb].state == STATE_RUNNING;
    requires ep: endpoint(ep);
    requires r: r != 0 && reply_view[r].caller.tcb == 0;
    terminates \true; exits \false;
    assigns SEND_ASSIGNS, REGISTERS_ASSIGNS(K.run.tcb), notification_view[..].word, tcb_view[..].attention;
    ENSURES_KEPT
    ensures caps: caps;
    ensures messages: messages;
    ENSURES_NOTIFICATIONS
    ensures bits: \old(tcb_view[K.run.tcb].attention) != 0 ==> tcb_view[K.run.tcb].state == STATE_RUNNING &&
        tcb_view[K.run.tcb].r[R_RDI] == \old(notification_view[tcb_view[K.run.tcb].bound].word) &&
        notification_view[tcb_view[K.run.tcb].bound].word == 0 && tcb_view[K.run.tcb].r[R_RSI] == INFO_SIGNAL;
    ensures taken: \old(tcb_view[K.run.tcb].attention) == 0 && \old(state_of(QUEUE(ep).head)) > STATE_RECV ==>
        \let from = \old(QUEUE(ep).head); tcb_view[K.run.tcb].state == STATE_RUNNING &&
        tcb_view[K.run.tcb].r[R_RDI] == \old(dt(sends_through(QUEUE(ep).head))) &&
        (\old(state_of(QUEUE(ep).head)) == STATE_CALL ==> reply_view[r].caller.tcb == from);
    ensures waits: \old(tcb_view[K.run.tcb].attention) == 0 && \old(state_of(QUEUE(ep).head)) <= STATE_RECV ==>
        state_of(K.run.tcb) == STATE_RECV && g_queue[K.run.tcb] == ep && QUEUE(ep).tail == K.run.tcb &&
        reply_view[r].caller.tcb == K.run.tcb && (info / 256 % 2 != 0 ==> on(K.run.tcb + TCB_TIMER));
    ensures alive: state_of(K.run.tcb) == STATE_RECV ==> tcb_view[K.run.tcb].attention == 0; */
static void receive(u32 ep, u32 r, u64 info) {
    u32 head = QUEUE(ep).head;
    if (TCB(K.run.tcb).attention != 0) {
        take_bits();
    } else if (thread_state(head) > STATE_RECV) {
        //@ assert head: tcb(head) && (state_of(head) == STATE_SEND || state_of(head) == STATE_CALL);
        take(head, r);
    } else {
        wait_to_receive(ep, r, info);
    }
}

// Answers the caller of r (armed) with the message of the running thread.
/*@ requires wf: kept && caps && messages;
    requires room: queue_room;
    requires cur: tcb(K.run.tcb) && tcb_view[K.run.tcb].state == STATE_RUNNING;
    requires r: r != 0 && state_of(reply_view[r].caller.tcb) == STATE_REPLY;
    requires length: info % 128 <= MESSAGE_WORDS;
    terminates \true; exits \false;
    assigns WAKE_ASSIGNS(reply_view[r].caller.tcb), REGISTERS_ASSIGNS(reply_view[r].caller.tcb), EXTRA_ASSIGNS;
    ENSURES_KEPT
    ensures caps: caps;
    ensures messages: messages;
    ensures once: reply_view[r].caller.tcb == 0;
    ensures woken: \let to = \old(reply_view[r].caller.tcb); state_of(to) < STATE_RECV && TIMER(to + TCB_TIMER).queue == 0;
    ensures answer: \old(TCB(reply_view[r].caller.tcb).fault) == FAULT_NONE && info % 65536 <= MESSAGE_REGISTERS &&
        TCB(K.run.tcb).fault == FAULT_NONE ==> message_given{Pre,Post}(K.run.tcb, \old(reply_view[r].caller.tcb), 0, info);
    ensures grant: \old(REPLY(r).may) / MAY_GRANT % 2 == 0 ==> slots_same{Pre,Post};
    ensures room: \old(g_back) <= g_back <= \old(g_back) + 1; */
static void answer(u32 r, u64 info) {
    u32 cur = K.run.tcb, to = REPLY(r).caller.tcb;
    //@ assert to: tcb(to) && to != cur && TCB(to).reply == r;
    if (TCB(to).fault == FAULT_NONE) {
        deliver(cur, to, 0, info, reply_may_grant(r));
    }
    //@ assert kept: kept;
    //@ assert grant: \at(REPLY(r).may,Pre) / MAY_GRANT % 2 == 0 ==> slots_same{Pre,Here};
    thread_wake(to);
    //@ assert others: \forall integer t; index(t) && t != to ==> TCB(t).state == \at(TCB(t).state,Pre) || TCB(t).state == STATE_NO_TIME && \at(TCB(t).state,Pre) == STATE_READY;
    //@ assert was: state_of{Pre}(to) == STATE_REPLY;
    //@ assert rest: \forall integer t; index(t) && t != to && state_of(t) != STATE_INACTIVE ==> state_of{Pre}(t) != STATE_INACTIVE;
    //@ assert active: \forall integer t; index(t) && state_of(t) != STATE_INACTIVE ==> state_of{Pre}(t) != STATE_INACTIVE;
    //@ assert sends: \forall integer t; index(t) && (state_of(t) == STATE_SEND || state_of(t) == STATE_CALL) ==> state_of(t) == state_of{Pre}(t);
    //@ assert infos: \forall integer t; 0 <= t < 0x100000000 ==> TCB(t).sending_info == \at(TCB(t).sending_info,Pre);
    //@ assert actors: actors;
    //@ assert senders: senders;
}

u32 endpoint_cancel_one(u32 queue) {
    u32 t = QUEUE(queue).head;
    if (t == 0) {
        return 0;
    }
    //@ assert t: tcb(t);
    thread_wake_error(t, ERR_GONE);
    return 1;
}

u32 endpoint_hand_over(u32 ep, u32 to, u32 state) {
    u32 cur = K.run.tcb, r = TCB(to).reply;
    queue_take(ep, to);
    TCB(cur).state = (u8)state;
    TCB(cur).reply = r;
    REPLY(r).caller = (run_t){cur, 0};
    return thread_run(to);
}

static u64 send_slow(u32 call, u64 cptr, u64 info, u32 state) {
    u32 cur = K.run.tcb, s = cspace_lookup(cur, cptr);
    if (!message_info_ok(cur, info)) {
        return call_refuse_argument(call, ERR_ARG, info);
    }
    thread_park();
    endpoint_send(s, cptr, info, state);
    return call_finish();
}

static NOINLINE u64 call_slow(u64 cptr, u64 info) {
    return send_slow(CALL_CALL, cptr, info, STATE_CALL);
}

static NOINLINE u64 reply_recv_slow(u64 cptr, u64 info) {
    u32 cur = K.run.tcb, s = cspace_lookup(cur, cptr), r = reply_of(cur);
    if (r == 0) {
        return call_refuse(CALL_REPLY_RECV, ERR_TYPE, TCB_SLOT_REPLY, NEED(CAP_REPLY, 0));
    }
    if (!message_info_ok(cur, info)) {
        return call_refuse_argument(CALL_REPLY_RECV, ERR_ARG, info);
    }
    if (REPLY(r).caller.tcb != 0 && !reply_is_armed(r)) {
        return call_refuse_argument(CALL_REPLY_RECV, ERR_BUSY, TCB_SLOT_REPLY);
    }
    thread_park();
    if (end_stale(SLOT(s).object)) {
        return call_restart(CALL_REPLY_RECV, cptr, info);
    }
    if (REPLY(r).caller.tcb != 0) {
        answer(r, info & ~(u64)INFO_TIMEOUT);
    }
    REPLY(r).may = SLOT(s).may;
    receive(SLOT(s).object, r, info);
    return call_finish();
}

static NOINLINE u64 refuse_endpoint(u32 call, u64 cptr, u32 right) {
    return call_refuse(call, ERR_RIGHT, cptr, NEED(CAP_ENDPOINT, right));
}

// --- The path of a call to a server that waits, and of its answer to a client that waits: nobody
// else is concerned, the context stays where it is. Everything unusual goes the general way above,
// by tail calls that decode again, and what was read before the message is read again after it, so
// that no register has to be saved here. Compiled twice: for messages in registers, and for longer.

// The call of the running thread reaches `to`, the first receiver of ep: it waits for the answer
// through the Reply of `to`, and its context goes along.
/*@ requires queues: queues && ep != 0;
    requires loans: loans && lend_bond && lend_room;
    requires replies: replies;
    requires from: K.run.tcb != 0 && K.run.sc != 0 && tcb_view[K.run.tcb].state == STATE_RUNNING;
    requires to: to != 0 && tcb_view[to].state == STATE_RECV && QUEUE(ep).head == to;
    terminates \true; exits \false;
    assigns link_view[0 .. 0xffffffff], queue_view[ep], g_queue[to], tcb_view[to].state,
        tcb_view[K.run.tcb].state, tcb_view[K.run.tcb].reply, tcb_view[K.run.tcb].sc,
        reply_view[0 .. 0xffffffff], sc_view[K.run.sc].top,
        g_lent[tcb_view[to].reply], g_turn[tcb_view[to].reply], g_turns;
    ENSURES_QUEUES
    ENSURES_LOANS
    ENSURES_REPLIES
    ensures waits: tcb_view[K.run.tcb].state == STATE_REPLY &&
        tcb_view[K.run.tcb].reply == \old(tcb_view[to].reply) && tcb_view[K.run.tcb].sc == 0;
    ensures armed: reply_view[\old(tcb_view[to].reply)].caller == K.run;
    ensures lent: g_lent[\old(tcb_view[to].reply)] == K.run.sc && SC(K.run.sc).top == \old(tcb_view[to].reply);
    ensures runs: tcb_view[to].state == STATE_RUNNING && g_queue[to] == 0; */
INLINE void call_commit(u32 ep, u32 to) {
    u32 cur = K.run.tcb;
    queue_take(ep, to);
    u32 r = TCB(to).reply;
    TCB(to).state = STATE_RUNNING;
    TCB(cur).state = STATE_REPLY;
    TCB(cur).reply = r;
    TCB(cur).sc = 0;
    REPLY(r).caller = K.run;
    lend_push(K.run.sc, r);
}

// The call of the running thread, through the capability in slot s, reaches a receiver that runs next on
// a context of its own.
INLINE u64 call_active(u64 cptr, u64 info, u32 s, u32 is_short) {
    u32 cur = K.run.tcb, ep = SLOT(s).object, to = endpoint_receiver(ep);
    if (to == 0 || (!is_short && !message_info_ok(cur, info))) {
        return call_slow(cptr, info);
    }
    thread_park();
    if (is_short) {
        message_registers(cur, to, SLOT(s).data, info);
    } else {
        u64 arrives = message_extra(cur, to, info, SLOT(s).may & MAY_GRANT);
        message_registers(cur, to, SLOT(s).data, arrives);
        thread_arm_timeout(info);
    }
    return endpoint_hand_over(ep, to, STATE_REPLY | (TCB(cur).state & STATE_SPECIAL));
}

FLATTEN static NOINLINE u64 call_active_short(u64 cptr, u64 info, u32 s) {
    return call_active(cptr, info, s, 1);
}

static NOINLINE u64 call_active_long(u64 cptr, u64 info, u32 s) {
    return call_active(cptr, info, s, 0);
}

INLINE u64 call_body(u64 cptr, u64 info, u32 is_short) {
    u32 cur = K.run.tcb, s = cspace_lookup(cur, cptr);
    if ((SLOT(s).may & MAY_SEND) == 0) {
        return refuse_endpoint(CALL_CALL, cptr, RIGHT_WRITE);
    }
    u32 ep = SLOT(s).object, to = QUEUE(ep).head;
    if (TCB(to).state != STATE_RECV) {
        return call_slow(cptr, info);
    }
    if (TCB(to).sc != 0 || TCB(to).priority < K.top) {
        return is_short ? call_active_short(cptr, info, s) : call_active_long(cptr, info, s);
    }
    if (!is_short) { // A time-out bounds the call until its context is lent: that is now.
        if (!message_info_ok(cur, info)) {
            return call_slow(cptr, info);
        }
        info = message_extra(cur, to, info, SLOT(s).may & MAY_GRANT);
    }
    message_registers(cur, to, SLOT(s).data, info);
    call_commit(ep, to);
    return to;
}

FLATTEN static NOINLINE u64 call_long(u64 cptr, u64 info) {
    return call_body(cptr, info, 0);
}

FLATTEN u64 call_call(u64 cptr, u64 info) {
    if (!MESSAGE_IS_SHORT(info)) {
        return call_long(cptr, info);
    }
    return call_body(cptr, info, 1);
}

// The running thread has answered `to`, the caller that its Reply names: `to` runs on, with the
// context that it lent, and the running thread receives on ep through a capability with `may`.
/*@ requires queues: queues && queue_room && ep != 0;
    requires loans: loans && lend_bond;
    requires replies: replies;
    requires from: thread(K.run.tcb) && K.run.tcb != 0 && K.run.sc != 0;
    requires runs: tcb_view[K.run.tcb].state == STATE_RUNNING && g_queue[K.run.tcb] == 0;
    requires reply: \let r = slot_view[K.run.tcb + 4 * TCB_SLOT_REPLY].object;
        r != 0 && reply_view[r].caller.tcb == to && SC(K.run.sc).top == r;
    requires to: to != 0 && tcb_view[to].state == STATE_REPLY;
    terminates \true; exits \false;
    assigns link_view[0 .. 0xffffffff], queue_view[ep], g_queue[K.run.tcb], g_place[K.run.tcb], g_back,
        tcb_view[to].state, tcb_view[K.run.tcb].state, tcb_view[K.run.tcb].reply, tcb_view[K.run.tcb].sc,
        reply_view[0 .. 0xffffffff], sc_view[K.run.sc].top,
        g_lent[slot_view[K.run.tcb + 4 * TCB_SLOT_REPLY].object];
    ENSURES_QUEUES
    ENSURES_LOANS
    ENSURES_REPLIES
    ensures runs: tcb_view[to].state == STATE_RUNNING;
    ensures receives: tcb_view[K.run.tcb].state == STATE_RECV && g_queue[K.run.tcb] == ep && tcb_view[K.run.tcb].sc == 0;
    ensures once: \let r = slot_view[K.run.tcb + 4 * TCB_SLOT_REPLY].object;
        reply_view[r].caller.tcb == K.run.tcb && reply_view[r].caller.sc == 0 && g_lent[r] == 0 && REPLY(r).may == may; */
INLINE void answer_commit(u32 ep, u32 to, u32 may) {
    u32 cur = K.run.tcb, r = reply_of(cur);
    TCB(to).state = STATE_RUNNING;
    lend_pop(K.run.sc, r);
    REPLY(r).caller = (run_t){cur, 0};
    REPLY(r).may = may;
    TCB(cur).reply = r;
    TCB(cur).sc = 0;
    TCB(cur).state = STATE_RECV;
    queue_append(ep, cur);
}

// Does the answer to `to`, which lent no context, let it run next, while the running thread waits on ep,
// where nobody sends?
/*@ requires cur: 0 <= K.run.tcb < 0x100000000;
    terminates \true; exits \false; assigns \nothing;
    ensures next: \result != 0 <==> r != 0 && reply_view[r].caller.sc == 0 && state_of(to) == STATE_REPLY &&
        tcb_view[K.run.tcb].attention == 0 && runs_next(to) && tcb_view[QUEUE(ep).head].state <= STATE_RECV; */
static inline u32 answers_next(u32 ep, u32 r, u32 to) {
    return r != 0 && REPLY(r).caller.sc == 0 && thread_state(to) == STATE_REPLY &&
           TCB(K.run.tcb).attention == 0 && thread_is_next(to) &&
           TCB(QUEUE(ep).head).state <= STATE_RECV;
}

// The running thread answers a caller that has a context of its own, and receives through the capability
// in slot s.
INLINE u64 reply_recv_active(u64 cptr, u64 info, u32 s, u32 is_short) {
    u32 cur = K.run.tcb, ep = SLOT(s).object, r = reply_of(cur), to = REPLY(r).caller.tcb;
    if (!answers_next(ep, r, to) ||
        (!is_short && ((info & INFO_TIMEOUT) != 0 || !message_info_ok(cur, info)))) {
        return reply_recv_slow(cptr, info);
    }
    thread_park();
    if (TCB(to).fault == FAULT_NONE) {
        if (!is_short) {
            info = message_extra(cur, to, info, reply_may_grant(r));
        }
        message_registers(cur, to, 0, info);
    }
    REPLY(r).may = SLOT(s).may;
    TCB(to).fault = FAULT_NONE;
    if (TCB(to).state != STATE_REPLY) {
        time_stop(to);
    }
    TCB(to).reply = 0;
    REPLY(r).caller = (run_t){cur, 0};
    TCB(cur).reply = r;
    TCB(cur).state = STATE_RECV;
    queue_append(ep, cur);
    return thread_run(to);
}

FLATTEN static NOINLINE u64 reply_recv_active_short(u64 cptr, u64 info, u32 s) {
    return reply_recv_active(cptr, info, s, 1);
}

static NOINLINE u64 reply_recv_active_long(u64 cptr, u64 info, u32 s) {
    return reply_recv_active(cptr, info, s, 0);
}

INLINE u64 reply_recv_body(u64 cptr, u64 info, u32 is_short) {
    u32 cur = K.run.tcb, s = cspace_lookup(cur, cptr), may = SLOT(s).may;
    if ((may & MAY_RECV) == 0) {
        return refuse_endpoint(CALL_REPLY_RECV, cptr, RIGHT_READ);
    }
    u32 r = reply_of(cur), to = REPLY(r).caller.tcb;
    if (TCB(to).state != STATE_REPLY || TCB(cur).attention != 0 || SC(K.run.sc).top != r ||
        TCB(to).priority < K.top) {
        return is_short ? reply_recv_active_short(cptr, info, s)
                        : reply_recv_active_long(cptr, info, s);
    }
    if (TCB(QUEUE(SLOT(s).object).head).state > STATE_RECV) {
        return reply_recv_slow(cptr, info);
    }
    if (!is_short) {
        if ((info & INFO_TIMEOUT) != 0 || !message_info_ok(cur, info)) {
            return reply_recv_slow(cptr, info);
        }
        info = message_extra(cur, to, info, reply_may_grant(r));
        may = SLOT(s).may;
    }
    message_registers(cur, to, 0, info);
    answer_commit(SLOT(s).object, to, may);
    return to;
}

FLATTEN static NOINLINE u64 reply_recv_long(u64 cptr, u64 info) {
    return reply_recv_body(cptr, info, 0);
}

FLATTEN u64 call_reply_recv(u64 cptr, u64 info) {
    if (!MESSAGE_IS_SHORT(info)) {
        return reply_recv_long(cptr, info);
    }
    return reply_recv_body(cptr, info, 1);
}

// --- The other calls.

// A send brings no context along: a receiver without one could not go on, and nobody behind it would be heard.
static u32 needs_call(u32 ep) {
    u32 to = QUEUE(ep).head;
    return thread_state(to) == STATE_RECV && TCB(to).sc == 0;
}

u64 call_send(u64 cptr, u64 info) {
    u32 s = cspace_lookup(K.run.tcb, cptr);
    if ((SLOT(s).may & MAY_SEND) == 0) {
        return refuse_endpoint(CALL_SEND, cptr, RIGHT_WRITE);
    }
    if (needs_call(SLOT(s).object)) {
        return call_refuse_argument(CALL_SEND, ERR_BUSY, cptr);
    }
    return send_slow(CALL_SEND, cptr, info, STATE_SEND);
}

u64 call_nb_send(u64 cptr, u64 info) {
    u32 s = cspace_lookup(K.run.tcb, cptr);
    if ((SLOT(s).may & MAY_SEND) == 0) {
        return refuse_endpoint(CALL_NB_SEND, cptr, RIGHT_WRITE);
    }
    u32 ep = SLOT(s).object;
    if (thread_state(QUEUE(ep).head) != STATE_RECV || needs_call(ep)) {
        return call_error(ERR_EMPTY);
    }
    return send_slow(CALL_NB_SEND, cptr, info, STATE_SEND);
}

static u64 recv(u32 call, u64 cptr, u64 info) {
    u32 cur = K.run.tcb, s = cspace_lookup(cur, cptr), r = reply_of(cur);
    if ((SLOT(s).may & MAY_RECV) == 0) {
        return refuse_endpoint(call, cptr, RIGHT_READ);
    }
    if (r == 0) {
        return call_refuse(call, ERR_TYPE, TCB_SLOT_REPLY, NEED(CAP_REPLY, 0));
    }
    if (REPLY(r).caller.tcb != 0) {
        return call_refuse_argument(call, ERR_BUSY, TCB_SLOT_REPLY);
    }
    if (!message_info_ok(cur, info)) {
        return call_refuse_argument(call, ERR_ARG, info);
    }
    u32 head = QUEUE(SLOT(s).object).head;
    if (call == CALL_NB_RECV && TCB(cur).attention == 0 && thread_state(head) <= STATE_RECV) {
        return call_error(ERR_EMPTY);
    }
    thread_park();
    if (end_stale(SLOT(s).object)) {
        return call_restart(call, cptr, info);
    }
    REPLY(r).may = SLOT(s).may;
    receive(SLOT(s).object, r, info);
    return call_finish();
}

u64 call_recv(u64 cptr, u64 info) {
    return recv(CALL_RECV, cptr, info);
}

u64 call_nb_recv(u64 cptr, u64 info) {
    return recv(CALL_NB_RECV, cptr, info);
}

u64 call_reply(u64 cptr, u64 info) {
    u32 cur = K.run.tcb, r = reply_of(cur);
    if (cptr != 0) {
        u32 s = cspace_lookup(cur, cptr);
        r = (SLOT(s).may & MAY_REPLY) != 0 ? SLOT(s).object : 0;
    }
    if (r == 0) {
        return call_refuse(CALL_REPLY, ERR_TYPE, cptr, NEED(CAP_REPLY, 0));
    }
    if (!reply_is_armed(r)) {
        return call_refuse_argument(CALL_REPLY, ERR_EMPTY, cptr);
    }
    if (!message_info_ok(cur, info)) {
        return call_refuse_argument(CALL_REPLY, ERR_ARG, info);
    }
    thread_park();
    answer(r, info);
    return call_finish();
}
