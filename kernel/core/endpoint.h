// Endpoints: synchronous messages, calls and answers.
// SPDX-License-Identifier: BSD-2-Clause
//
// An endpoint is a queue of threads, oldest first: all of them wait to receive, or all wait to send.
// Which of the two is the state of the first. A call is a send whose sender then waits for the
// answer through the receiver's Reply (reply.h), and meanwhile lends its scheduling context to a
// receiver that has none. Fault messages are calls that the kernel makes for a thread.
#ifndef CORE_ENDPOINT_H
#define CORE_ENDPOINT_H

#include "core/message.h"
#include "core/thread.h"

// The running thread (parked) sends the message in its registers, or its fault, through the endpoint
// capability in slot s: to the first receiver, or it waits in the queue. Its message is then taken with
// the badge and rights of what stands at address `cptr`, or in its slot for faults, at that time; if that
// is no capability for it any more, the wait ends with ERR_GONE. state: STATE_SEND, or STATE_CALL if it
// will wait for an answer.
#define BOND_ASSIGNS                                                                               \
    tcb_view[..].state, tcb_view[..].sc, tcb_view[..].reply, sc_view[..].tcb, sc_view[..].top,     \
        reply_view[..], g_lent[..], g_turn[..], g_turns, g_clock, g_alarm, timer_view[..].next,    \
        timer_view[..].prev, timer_view[..].due, timer_view[..].queue, WHEEL.queue[0..575],        \
        WHEEL.bitmap[0..7], WHEEL.summary, g_level[..], g_slot[..], g_age[..], g_ages
#define HAND_OVER_ASSIGNS                                                                          \
    BOND_ASSIGNS, link_view[..], queue_view[..], K.ready_bitmap[0..3], K.ready_summary, K.top,     \
        g_queue[..], g_place[..], g_back
#define SEND_ASSIGNS HAND_OVER_ASSIGNS, EXTRA_ASSIGNS
/*@ requires wf: kept && caps && messages;
    requires room: queue_room && wheel_room && lend_room && time_running;
    requires cur: tcb(K.run.tcb) && tcb_view[K.run.tcb].state == STATE_RUNNING;
    requires s: endpoint(slot_view[s].object) && (state == STATE_SEND || state == STATE_CALL);
    requires length: info % 128 <= MESSAGE_WORDS;
    requires fault: tcb_view[K.run.tcb].fault != FAULT_NONE ==> info / 256 % 2 == 0;
    terminates \true; exits \false;
    assigns SEND_ASSIGNS, REGISTERS_ASSIGNS(queue_view[slot_view[s].object].head), tcb_view[K.run.tcb].sending_cptr,
        tcb_view[K.run.tcb].sending_info;
    ENSURES_KEPT
    ensures caps: caps;
    ensures messages: messages;
    ensures waits: \let ep = \old(slot_view[s].object); \old(state_of(QUEUE(slot_view[s].object).head)) != STATE_RECV ==>
        g_queue[K.run.tcb] == ep && QUEUE(ep).tail == K.run.tcb && state_of(K.run.tcb) == state &&
        tcb_view[K.run.tcb].sending_cptr == cptr && tcb_view[K.run.tcb].sending_info == info;
    ensures given: \let ep = \old(slot_view[s].object); \old(state_of(QUEUE(slot_view[s].object).head)) == STATE_RECV ==>
        \let to = \old(QUEUE(slot_view[s].object).head);
        g_queue[to] != ep && state_of(to) < STATE_RECV && tcb_view[to].r[R_RDI] == \old(slot_view[s].data);
    ensures called: \old(state_of(QUEUE(slot_view[s].object).head)) == STATE_RECV && state == STATE_CALL ==>
        \let r = \old(tcb_view[QUEUE(slot_view[s].object).head].reply); state_of(K.run.tcb) == STATE_REPLY &&
        tcb_view[K.run.tcb].reply == r && reply_view[r].caller.tcb == K.run.tcb;
    ensures sent: \old(state_of(QUEUE(slot_view[s].object).head)) == STATE_RECV && state == STATE_SEND ==>
        tcb_view[K.run.tcb].state == STATE_RUNNING &&
        reply_view[\old(tcb_view[QUEUE(slot_view[s].object).head].reply)].caller.tcb == 0; */
void endpoint_send(u32 s, u64 cptr, u64 info, u32 state);

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
u32 endpoint_end_stale(u32 ep);

// The first that waits to send on ep brings no context along: its call ends. 0: it does, or nobody waits to send.
// For a receiver that has none: it would leave its queue with nothing to run on.
/*@ requires wf: kept && messages;
    requires room: queue_room;
    requires ep: endpoint(ep);
    terminates \true; exits \false;
    assigns WAKE_ASSIGNS(queue_view[ep].head), tcb_view[queue_view[ep].head].r[R_RAX], tcb_view[queue_view[ep].head].r[R_RDI],
        tcb_view[queue_view[ep].head].r[R_RSI], tcb_view[queue_view[ep].head].mode;
    ENSURES_KEPT
    ensures messages: messages;
    ensures brings: \result == 0 && \old(state_of(QUEUE(ep).head)) > STATE_RECV ==>
        \let from = \old(QUEUE(ep).head); state_of(from) == STATE_CALL && tcb_view[from].sc != 0;
    ensures ended: \result != 0 ==> \let from = \old(QUEUE(ep).head); from != 0 && state_of(from) < STATE_RECV; */
u32 endpoint_end_unpaid(u32 ep);

// The running thread receives on ep with Reply r, which is free: the bits of its bound notification,
// or the message of the first sender, or it waits. Without a context it leaves the bits: see INV-54.
/*@ requires wf: kept && caps && messages && notifications;
    requires room: queue_room && wheel_room && lend_room && time_running;
    requires cur: tcb(K.run.tcb) && tcb_view[K.run.tcb].state == STATE_RUNNING;
    requires ep: endpoint(ep);
    requires r: r != 0 && reply_view[r].caller.tcb == 0;
    terminates \true; exits \false;
    assigns SEND_ASSIGNS, REGISTERS_ASSIGNS(K.run.tcb), notification_view[..].word, tcb_view[..].attention,
        g_deferred[K.run.tcb];
    ENSURES_KEPT
    ensures caps: caps;
    ensures messages: messages;
    ENSURES_NOTIFICATIONS
    ensures bits: \old(tcb_view[K.run.tcb].attention) != 0 && \old(tcb_view[K.run.tcb].sc) != 0 ==> tcb_view[K.run.tcb].state == STATE_RUNNING &&
        tcb_view[K.run.tcb].r[R_RDI] == \old(notification_view[tcb_view[K.run.tcb].bound].word) &&
        notification_view[tcb_view[K.run.tcb].bound].word == 0 && tcb_view[K.run.tcb].r[R_RSI] == INFO_SIGNAL;
    ensures taken: (\old(tcb_view[K.run.tcb].attention) == 0 || \old(tcb_view[K.run.tcb].sc) == 0) &&
        \old(state_of(QUEUE(ep).head)) > STATE_RECV ==>
        \let from = \old(QUEUE(ep).head); tcb_view[K.run.tcb].state == STATE_RUNNING &&
        tcb_view[K.run.tcb].r[R_RDI] == \old(dt(sends_through(QUEUE(ep).head))) &&
        (\old(state_of(QUEUE(ep).head)) == STATE_CALL ==> reply_view[r].caller.tcb == from);
    ensures waits: (\old(tcb_view[K.run.tcb].attention) == 0 || \old(tcb_view[K.run.tcb].sc) == 0) &&
        \old(state_of(QUEUE(ep).head)) <= STATE_RECV ==>
        state_of(K.run.tcb) == STATE_RECV && g_queue[K.run.tcb] == ep && QUEUE(ep).tail == K.run.tcb &&
        reply_view[r].caller.tcb == K.run.tcb && (info / 256 % 2 != 0 ==> on(K.run.tcb + TCB_TIMER));
    ensures alive: state_of(K.run.tcb) == STATE_RECV && \old(tcb_view[K.run.tcb].sc) != 0 ==>
        tcb_view[K.run.tcb].attention == 0;
    ensures deferred: state_of(K.run.tcb) == STATE_RECV && g_deferred[K.run.tcb] == 0 ==>
        tcb_view[K.run.tcb].attention == 0; */
void endpoint_receive(u32 ep, u32 r, u64 info);

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
void endpoint_answer(u32 r, u64 info);

// The first receiver of ep, if it runs next, on its own context, once it is called; else 0.
/*@ terminates \true; exits \false; assigns \nothing;
    ensures first: \result != 0 ==> \result == QUEUE(ep).head && tcb_view[\result].state == STATE_RECV && runs_next(\result);
    ensures none: \result == 0 ==> \let t = QUEUE(ep).head; t == 0 || tcb_view[t].state != STATE_RECV || !runs_next(t); */
static inline u32 endpoint_receiver(u32 ep) {
    u32 to = QUEUE(ep).head;
    return TCB(to).state == STATE_RECV && thread_is_next(to) ? to : 0;
}

// `to`, that receiver, has the message of the running thread, which is parked, and runs; the running
// thread waits for the answer: state is STATE_REPLY, with STATE_SPECIAL for a fault.
u64 endpoint_hand_over(u32 ep, u32 to, u32 state);

// Ends the wait of the first thread in the queue of a dying endpoint or notification with ERR_GONE.
// 0: the queue is empty.
/*@ requires wf: wf_activity;
    requires q: endpoint(queue) || notification(queue);
    requires room: queue_margin(1);
    terminates \true; exits \false;
    assigns WAKE_ERROR_ASSIGNS(queue_view[queue].head);
    ENSURES_ACTIVITY
    ensures none: \result == 0 <==> \old(QUEUE(queue).head) == 0;
    ensures one: \old(QUEUE(queue).head) != 0 ==> \let t = \old(QUEUE(queue).head); g_queue[t] != queue &&
        TIMER(t + TCB_TIMER).queue == 0 && (\old(TCB(QUEUE(queue).head).fault) == FAULT_NONE ==> TCB(t).r[R_RAX] == ERR_GONE);
    ensures empty: \result == 0 ==> QUEUE(queue).head == 0;
    ensures less: \result != 0 ==> waiters(queue) < \old(waiters(queue));
    ensures room: \old(g_back) <= g_back <= \old(g_back) + 1; */
u32 endpoint_cancel_one(u32 queue);

#endif
