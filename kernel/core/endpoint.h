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
u32 endpoint_hand_over(u32 ep, u32 to, u32 state);

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
