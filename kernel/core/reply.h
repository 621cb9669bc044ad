// Reply objects: who is to be answered, and the context that the caller lent with its call.
// SPDX-License-Identifier: BSD-2-Clause
//
//            reply_name           reply_arm             reply_send, reply_release
//   FREE ----------------> CLAIMED ---------> ARMED ----------------------------> FREE
//   tcb 0                  tcb receives       tcb waits for its answer
//
// The bond tcb.reply <-> reply.tcb is exact while the thread is in state RECV or REPLY.
#ifndef CORE_REPLY_H
#define CORE_REPLY_H

#include "abi/error.h"
#include "core/thread.h"

// The Reply that thread t receives with, 0: it has none.
/*@ requires t: thread(t);
    terminates \true; exits \false; assigns \nothing;
    ensures slot: \result == slot_view[t + 4 * TCB_SLOT_REPLY].object; */
static inline u32 reply_of(u32 t) {
    return TCB_SLOT(t, TCB_SLOT_REPLY).object;
}

// A caller waits for the answer through r.
/*@ terminates \true; exits \false; assigns \nothing;
    ensures armed: \result != 0 <==> state_of(reply_view[r].caller.tcb) == STATE_REPLY; */
static inline u32 reply_is_armed(u32 r) {
    return thread_state(REPLY(r).caller.tcb) == STATE_REPLY;
}

// May the answer through r bring a capability? Whoever received through r had the right to pass one on.
/*@ requires r: r != 0;
    terminates \true; exits \false; assigns \nothing;
    ensures right: \result == REPLY(r).may / MAY_GRANT % 2; */
static inline u32 reply_may_grant(u32 r) {
    return (u32)(REPLY(r).may / MAY_GRANT % 2u);
}

// r, which is free or claimed, names c, which begins to receive or to wait for the answer.
/*@ requires wf: threads && lending && replies_but(r);
    requires r: r != 0 && g_lent[r] == 0 && !has_reply(LENDER(r));
    requires c: tcb(c) && !has_reply(c);
    terminates \true; exits \false;
    assigns reply_view[r].caller, tcb_view[c].reply;
    ENSURES_THREADS
    ENSURES_LOANS
    ensures l10: lend_back;
    ensures l11: lend_context;
    ensures r: replies_but(r);
    ensures bond: LENDER(r) == c && LENT(r) == 0 && tcb_view[c].reply == r; */
static inline void reply_name(u32 r, u32 c) {
    REPLY(r).caller = (run_t){c, 0};
    TCB(c).reply = r;
}

// Breaks the bond of r with a thread that has left its wait; a context lent through it goes back to
// that thread if it was the youngest loan, else it stays with its user.
/*@ requires wf: threads && lending && replies_but(r) && time;
    requires r: r != 0 && loose(LENDER(r)) && tcb_view[LENDER(r)].reply == r;
    terminates \true; exits \false;
    assigns RELEASE_ASSIGNS(r);
    ENSURES_THREADS
    ensures l: lending;
    ensures r: replies;
    ENSURES_TIME
    ENSURES_RELEASED(r) */
void reply_release(u32 r);

// Caller c begins to wait for its answer through r, which server t claimed. It lends its context if
// t has none; its wait is then bounded no longer, so that it cannot take away what t runs on.
/*@ requires wf: threads && lending && replies_but(r) && wheel && time && wait_timers_but(c);
    requires r: r != 0 && g_lent[r] == 0 && !has_reply(LENDER(r));
    requires c: tcb(c) && g_queue[c] == 0 && tcb_view[c].state <= STATE_RUNNING;
    requires t: tcb(t) && tcb_view[t].state <= STATE_RUNNING && t != c;
    requires room: lend_room;
    terminates \true; exits \false;
    assigns LEND_ASSIGNS(r, c, t), reply_view[r].caller, tcb_view[c].reply, tcb_view[c].state;
    ensures q: queues;
    ENSURES_READY
    ENSURES_WAITS
    ensures c: contexts;
    ensures l: lending;
    ENSURES_REPLIES
    ensures i1: wheel;
    ensures i2: time;
    ensures i3: wait_timers;
    ensures armed: reply_view[r].caller.tcb == c && tcb_view[c].reply == r && state_of(c) == STATE_REPLY;
    ensures lent: \old(tcb_view[c].sc) != 0 && \old(tcb_view[t].sc) == 0 ==> tcb_view[t].sc == \old(tcb_view[c].sc) &&
        tcb_view[c].sc == 0 && SC(tcb_view[t].sc).top == r && TIMER(c + TCB_TIMER).queue == 0;
    ensures kept: \old(tcb_view[c].sc) == 0 || \old(tcb_view[t].sc) != 0 ==> tcb_view[c].sc == \old(tcb_view[c].sc) &&
        tcb_view[t].sc == \old(tcb_view[t].sc) && reply_view[r].caller.sc == 0 &&
        TIMER(c + TCB_TIMER).queue == \old(TIMER(c + TCB_TIMER).queue);
    ensures plain: \old(tcb_view[c].fault) == FAULT_NONE && TIMER(c + TCB_TIMER).queue == 0 ==> tcb_view[c].state < 128;
    ensures room: \old(g_turns) <= g_turns <= \old(g_turns) + 1; */
void reply_arm(u32 r, u32 c, u32 t);

#endif
