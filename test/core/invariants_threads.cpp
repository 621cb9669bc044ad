// Invariants of threads: their queues, and their bonds with replies, notifications and contexts.
// SPDX-License-Identifier: BSD-2-Clause
#include "test/core/invariants.hpp"

namespace host {

namespace {

using Queues = std::unordered_map<u32, u32>; // Thread: the queue that it is in.

u32 state_of(u32 t) {
    return TCB(t).state % STATE_SPECIAL;
}

// The bond of the running thread with its context is in K.run alone.
u32 context_of(u32 t) {
    return t == K.run.tcb ? K.run.sc : TCB(t).sc;
}

u32 user_of(u32 sc) {
    return sc == K.run.sc ? K.run.tcb : SC(sc).tcb;
}

// INV-40: oldest first, in one queue at most, links agree both ways.
std::string read_queue(const Objects &objects, u32 q, Queues &queues) {
    u32 before = 0;
    for (u32 t = QUEUE(q).head; t != 0; before = t, t = LINK(t).next) {
        if (!objects.is(t, CAP_TCB))
            return broken(60, "what waits is no thread", t);
        if (!queues.emplace(t, q).second)
            return broken(40, "a thread is in two queues", t);
        if (LINK(t).prev != before || LINK(t).queue != q)
            return broken(40, "a thread in a queue does not link back", t);
    }
    return before != 0 && QUEUE(q).tail != before ? broken(40, "the tail is not the last", q) : "";
}

// INV-41: the bitmaps say which priorities have threads.
std::string check_ready() {
    u32 top = 0;
    for (u32 p = 0; p < PRIORITY_COUNT; p++) {
        bool marked = (K.ready_bitmap[p / 64] >> p % 64 & 1) != 0;
        if (marked != (QUEUE(READY_BASE + p).head != 0))
            return broken(41, "a bit of the ready bitmap is wrong", p);
        top = marked ? p + 1 : top;
    }
    for (u32 w = 0; w < 64; w++)
        if ((K.ready_summary >> w & 1) != (w < 4 && K.ready_bitmap[w] != 0))
            return broken(41, "the summary of the ready bitmap is wrong", w);
    return K.top == top ? "" : broken(41, "the highest ready priority is wrong", K.top);
}

// INV-52: a thread is in the queue that its state says.
bool is_where_it_waits(const Objects &objects, u32 t, const Queues &queues) {
    auto at = queues.find(t);
    u32 q = at == queues.end() ? 0 : at->second;
    switch (state_of(t)) {
    case STATE_READY:
        return q == u32{READY_BASE} + TCB(t).priority;
    case STATE_RECV:
    case STATE_SEND:
    case STATE_CALL:
        return objects.is(q, CAP_ENDPOINT) &&
               (state_of(t) == STATE_RECV) == (state_of(QUEUE(q).head) == STATE_RECV);
    case STATE_WAIT:
        return objects.is(q, CAP_NOTIFICATION);
    default:
        return q == 0 && LINK(t).next == 0 && LINK(t).prev == 0;
    }
}

std::string check_wait(const Objects &objects, u32 t, const Queues &queues) {
    const tcb_t &c = TCB(t);
    u32 state = state_of(t);
    bool special = c.state >= STATE_SPECIAL;
    if ((state == STATE_RUNNING) != (t == K.run.tcb))
        return broken(52, "the running thread is another", t);
    if (!is_where_it_waits(objects, t, queues))
        return broken(52, "a thread is in another queue than its state says", t);
    if (special && state < STATE_RECV)
        return broken(52, "a thread that does not wait is marked as special", t);
    if (wheel_has(t + TCB_TIMER) && !special)
        return broken(52, "the timer of a thread that does not wait is on", t);
    if ((state == STATE_SEND || state == STATE_CALL) && c.sending_info % 128 > MESSAGE_WORDS)
        return broken(60, "a message that waits is too long", t);
    if (state == STATE_RECV && c.sc != 0 && c.attention != 0)
        return broken(54, "a thread waits beside bits that are there for it", t);
    return "";
}

std::string check_bonds(const Objects &objects, u32 t) {
    const tcb_t &c = TCB(t);
    u32 state = state_of(t), sc = context_of(t);
    if ((state == STATE_RECV || state == STATE_REPLY) &&
        (!objects.is(c.reply, CAP_REPLY) || REPLY(c.reply).caller.tcb != t))
        return broken(51, "a thread's reply has another caller", t);
    if (c.bound != 0 &&
        (!objects.is(c.bound, CAP_NOTIFICATION) || NOTIFICATION(c.bound).bound != t))
        return broken(50, "a thread's notification is bound elsewhere", t);
    if ((c.attention != 0) != (c.bound != 0 && NOTIFICATION(c.bound).word != 0))
        return broken(50, "attention disagrees with the bits of the notification", t);
    if (sc != 0 && (!objects.is(sc, CAP_SCHED_CONTEXT) || user_of(sc) != t))
        return broken(53, "a thread's context has another user", t);
    if (state == STATE_READY && SC(sc).left < SC_MIN)
        return broken(53, "a ready thread has no budget", t);
    if (state == STATE_READY && (K.run.tcb == 0 || TCB(K.run.tcb).priority < c.priority))
        return broken(53, "a thread of higher priority than the running one is ready", t);
    const slot_t &root = TCB_SLOT(t, TCB_SLOT_CSPACE);
    return root.type == CAP_CNODE || root.data == 0 ? "" : broken(59, "a CSpace is no CNode", t);
}

std::string check_reply(const Objects &objects, u32 r) {
    u32 t = REPLY(r).caller.tcb, sc = REPLY(r).caller.sc;
    if (t == 0)
        return sc == 0 ? "" : broken(51, "a reply without a caller has lent", r);
    if (!objects.is(t, CAP_TCB) || TCB(t).reply != r ||
        (state_of(t) != STATE_RECV && state_of(t) != STATE_REPLY))
        return broken(51, "the caller of a reply does not wait with it", r);
    if (sc != 0 && state_of(t) != STATE_REPLY)
        return broken(51, "who does not wait for an answer has lent", r);
    return sc != 0 && context_of(t) != 0 ? broken(53, "who has lent a context has one", r) : "";
}

std::string check_notification(const Objects &objects, u32 n) {
    u32 t = NOTIFICATION(n).bound;
    if (t != 0 && (!objects.is(t, CAP_TCB) || TCB(t).bound != n))
        return broken(50, "the bound thread of a notification is bound elsewhere", n);
    return NOTIFICATION(n).word != 0 && QUEUE(n).head != 0
               ? broken(54, "a thread waits beside bits", n)
               : "";
}

std::string check_user(const Objects &objects, u32 sc) {
    u32 t = user_of(sc);
    return t != 0 && (!objects.is(t, CAP_TCB) || context_of(t) != sc)
               ? broken(53, "a context's user runs on another", sc)
               : "";
}

} // namespace

std::string check_threads(const Objects &objects) {
    Queues queues;
    std::string error = check_ready();
    for (u32 p = 0; p < PRIORITY_COUNT && error.empty(); p++)
        error = read_queue(objects, READY_BASE + p, queues);
    for (u32 type : {CAP_ENDPOINT, CAP_NOTIFICATION})
        if (error.empty())
            error = objects.each(type, [&](u32 q) { return read_queue(objects, q, queues); });
    if (error.empty())
        error = objects.each(CAP_TCB, [&](u32 t) {
            std::string first = check_wait(objects, t, queues);
            return first.empty() ? check_bonds(objects, t) : first;
        });
    if (error.empty())
        error = objects.each(CAP_REPLY, [&](u32 r) { return check_reply(objects, r); });
    if (error.empty())
        error =
            objects.each(CAP_NOTIFICATION, [&](u32 n) { return check_notification(objects, n); });
    return error.empty()
               ? objects.each(CAP_SCHED_CONTEXT, [&](u32 sc) { return check_user(objects, sc); })
               : error;
}

} // namespace host
