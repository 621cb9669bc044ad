// The calls on endpoints: the short way of a call and of its answer, and the general way.
// SPDX-License-Identifier: BSD-2-Clause
#include "core/call.h"
#include "core/cspace.h"
#include "core/endpoint.h"
#include "core/inline.h"
#include "core/message.h"
#include "core/queue.h"
#include "core/reply.h"
#include "core/sched_context.h"
#include "core/thread.h"
#include "core/time.h"

// --- The general way (endpoint.h), for everything unusual.

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
    u32 ep = SLOT(s).object, lent = SC(K.run.sc).top == r; // The answer takes the context away.
    if (endpoint_end_stale(ep) || (lent && endpoint_end_unpaid(ep))) {
        return call_restart(CALL_REPLY_RECV, cptr, info);
    }
    if (REPLY(r).caller.tcb != 0) {
        endpoint_answer(r, info & ~(u64)INFO_TIMEOUT);
    }
    REPLY(r).may = SLOT(s).may;
    endpoint_receive(ep, r, info);
    return call_finish();
}

static NOINLINE u64 refuse_endpoint(u32 call, u64 cptr, u32 right) {
    return call_refuse(call, ERR_RIGHT, cptr, NEED(CAP_ENDPOINT, right));
}

// --- The path of a call to a server that waits, and of its answer to a client that waits: nobody
// else is concerned, the context stays where it is. Everything unusual goes the general way above,
// by tail calls that decode again, and what was read before the message is read again after it, so
// that no register has to be saved here. Compiled three times: for messages in registers, for more words
// and nothing else, and for all others.
typedef enum { SHORT, WORDS, ANY } length_t;

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

// The call of the running thread, through the capability in slot s, reaches `to`, the first receiver: one that
// runs next on a context of its own.
INLINE u64 call_active(u64 cptr, u64 info, u32 s, u32 to, length_t length) {
    u32 cur = K.run.tcb;
    if (!thread_is_next(to) || (length != SHORT && !message_info_ok(cur, info))) {
        return call_slow(cptr, info);
    }
    thread_park();
    if (length == SHORT) {
        message_registers(cur, to, SLOT(s).data, info);
    } else {
        u64 arrives =
            info ^ INFO_TIMEOUT; // If that is all there is beside registers, they are the message.
        if (!MESSAGE_IS_SHORT(arrives)) {
            arrives = message_extra(cur, to, info, SLOT(s).may & MAY_GRANT);
        }
        message_registers(cur, to, SLOT(s).data, arrives);
        thread_arm_timeout(info);
    }
    return endpoint_hand_over(SLOT(s).object, to, STATE_REPLY | (TCB(cur).state & STATE_SPECIAL));
}

static NOINLINE u64 call_active_short(u64 cptr, u64 info, u32 s, u32 to) {
    return call_active(cptr, info, s, to, SHORT);
}

static NOINLINE u64 call_active_long(u64 cptr, u64 info, u32 s, u32 to) {
    return call_active(cptr, info, s, to, ANY);
}

INLINE u64 call_body(u64 cptr, u64 info, length_t length) {
    u32 cur = K.run.tcb, s = cspace_lookup(cur, cptr);
    if ((SLOT(s).may & MAY_SEND) == 0) {
        return refuse_endpoint(CALL_CALL, cptr, RIGHT_WRITE);
    }
    u32 ep = SLOT(s).object, to = QUEUE(ep).head;
    if (TCB(to).state != STATE_RECV) {
        return call_slow(cptr, info);
    }
    if (TCB(to).sc != 0 || TCB(to).priority < K.top) {
        return length == SHORT ? call_active_short(cptr, info, s, to)
                               : call_active_long(cptr, info, s, to);
    }
    if (length == WORDS) {
        if (!message_has_buffers(cur, to)) {
            return call_slow(cptr, info);
        }
        message_words(message_buffer(cur), message_buffer(to), message_length(info));
        cur = K.run.tcb;
        ep = SLOT(s).object;
        to = QUEUE(ep).head;
    }
    if (length == ANY) { // A time-out bounds the call until its context is lent: that is now.
        if (!message_info_ok(cur, info)) {
            return call_slow(cptr, info);
        }
        info = message_extra(cur, to, info, SLOT(s).may & MAY_GRANT);
    }
    message_registers(cur, to, SLOT(s).data, info);
    call_commit(ep, to);
    return to;
}

FLATTEN static NOINLINE u64 call_any(u64 cptr, u64 info) {
    return call_body(cptr, info, ANY);
}

FLATTEN static NOINLINE u64 call_words(u64 cptr, u64 info) {
    if (!MESSAGE_IS_WORDS(info)) {
        return call_any(cptr, info);
    }
    return call_body(cptr, info, WORDS);
}

FLATTEN u64 call_call(u64 cptr, u64 info) {
    if (!MESSAGE_IS_SHORT(info)) {
        return call_words(cptr, info);
    }
    return call_body(cptr, info, SHORT);
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
INLINE void answer_commit(u32 ep, u32 to, u64 may) {
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

// Does the answer through r to `to`, which lent no context, let it run next?
/*@ requires null: reply_null;
    terminates \true; exits \false; assigns \nothing;
    ensures next: \result != 0 <==>
        reply_view[r].caller.sc == 0 && state_of(to) == STATE_REPLY && runs_next(to); */
static inline u32 answers_next(u32 r, u32 to) {
    return REPLY(r).caller.sc == 0 && thread_state(to) == STATE_REPLY && thread_is_next(to);
}

// The running thread answers `to`, a caller that has a context of its own, and receives through the capability
// in slot s, where nobody sends.
INLINE u64 reply_recv_active(u64 cptr, u64 info, u32 s, u32 to, length_t length) {
    u32 cur = K.run.tcb, r = reply_of(cur);
    if (!answers_next(r, to) ||
        (length != SHORT && ((info & INFO_TIMEOUT) != 0 || !message_info_ok(cur, info)))) {
        return reply_recv_slow(cptr, info);
    }
    thread_park();
    if (TCB(to).fault == FAULT_NONE) {
        if (length != SHORT) {
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
    REPLY(r).caller.tcb = cur;
    TCB(cur).reply = r;
    TCB(cur).state = STATE_RECV;
    queue_append(SLOT(s).object, cur);
    return thread_run(to);
}

static NOINLINE u64 reply_recv_active_short(u64 cptr, u64 info, u32 s, u32 to) {
    return reply_recv_active(cptr, info, s, to, SHORT);
}

static NOINLINE u64 reply_recv_active_long(u64 cptr, u64 info, u32 s, u32 to) {
    return reply_recv_active(cptr, info, s, to, ANY);
}

INLINE u64 reply_recv_body(u64 cptr, u64 info, length_t length) {
    u32 cur = K.run.tcb, s = cspace_lookup(cur, cptr);
    if ((SLOT(s).may & MAY_RECV) == 0) {
        return refuse_endpoint(CALL_REPLY_RECV, cptr, RIGHT_READ);
    }
    if (TCB(cur).attention != 0 || TCB(QUEUE(SLOT(s).object).head).state > STATE_RECV) {
        return reply_recv_slow(cptr, info);
    }
    u32 r = reply_of(cur), to = REPLY(r).caller.tcb;
    if (TCB(to).state != STATE_REPLY || SC(K.run.sc).top != r || TCB(to).priority < K.top) {
        return length == SHORT ? reply_recv_active_short(cptr, info, s, to)
                               : reply_recv_active_long(cptr, info, s, to);
    }
    if (length == WORDS) {
        if (!message_has_buffers(cur, to)) {
            return reply_recv_slow(cptr, info);
        }
        message_words(message_buffer(cur), message_buffer(to), message_length(info));
        cur = K.run.tcb;
        to = REPLY(reply_of(cur)).caller.tcb;
    }
    if (length == ANY) {
        if ((info & INFO_TIMEOUT) != 0 || !message_info_ok(cur, info)) {
            return reply_recv_slow(cptr, info);
        }
        info = message_extra(cur, to, info, reply_may_grant(r));
    }
    message_registers(cur, to, 0, info);
    answer_commit(SLOT(s).object, to, SLOT(s).may);
    return to;
}

static NOINLINE u64 reply_recv_any(u64 cptr, u64 info) {
    return reply_recv_body(cptr, info, ANY);
}

FLATTEN static NOINLINE u64 reply_recv_words(u64 cptr, u64 info) {
    if (!MESSAGE_IS_WORDS(info)) {
        return reply_recv_any(cptr, info);
    }
    return reply_recv_body(cptr, info, WORDS);
}

FLATTEN u64 call_reply_recv(u64 cptr, u64 info) {
    if (!MESSAGE_IS_SHORT(info)) {
        return reply_recv_words(cptr, info);
    }
    return reply_recv_body(cptr, info, SHORT);
}

// --- The other calls.

// A send brings no context along: a receiver without one could not go on, and nobody behind it would be heard.
static u32 needs_call(u32 ep) {
    u32 to = QUEUE(ep).head;
    return thread_state(to) == STATE_RECV && TCB(to).sc == 0;
}

RARE u64 call_send(u64 cptr, u64 info) {
    u32 s = cspace_lookup(K.run.tcb, cptr);
    if ((SLOT(s).may & MAY_SEND) == 0) {
        return refuse_endpoint(CALL_SEND, cptr, RIGHT_WRITE);
    }
    if (needs_call(SLOT(s).object)) {
        return call_refuse_argument(CALL_SEND, ERR_BUSY, cptr);
    }
    return send_slow(CALL_SEND, cptr, info, STATE_SEND);
}

RARE u64 call_nb_send(u64 cptr, u64 info) {
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
    if (endpoint_end_stale(SLOT(s).object)) {
        return call_restart(call, cptr, info);
    }
    REPLY(r).may = SLOT(s).may;
    endpoint_receive(SLOT(s).object, r, info);
    return call_finish();
}

u64 call_recv(u64 cptr, u64 info) {
    return recv(CALL_RECV, cptr, info);
}

RARE u64 call_nb_recv(u64 cptr, u64 info) {
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
    endpoint_answer(r, info);
    return call_finish();
}
