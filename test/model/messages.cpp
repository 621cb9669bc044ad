// The reference model: messages, answers, notifications.
// SPDX-License-Identifier: BSD-2-Clause
#include <algorithm>

#include "test/model/model.hpp"

namespace model {

std::optional<u32> Model::buffer(const Thread &t) const {
    const Cap *c = t.slots[TCB_SLOT_BUFFER].cap;
    return c == nullptr ? std::nullopt : std::optional(c->page);
}

bool Model::info_ok(const Thread &t) const {
    bool needs_buffer = (info_ & 0xffff) > MESSAGE_REGISTERS;
    return !needs_buffer || ((info_ & INFO_LENGTH) <= MESSAGE_WORDS && buffer(t));
}

void Model::wait(Endpoint *queue, thread_state_t state) {
    cur->state = state;
    cur->queue = queue;
    if (queue != nullptr)
        queue->queue.push_back(cur);
}

void Model::arm_timeout(u64 info) {
    if ((info & INFO_TIMEOUT) != 0)
        start_timer(*cur, pages[*buffer(*cur)][BUFFER_TIMEOUT]);
}

// --- What arrives.

bool Model::transfer(Thread &from, Thread &to) {
    Cap *c = cap_at(from, pages[*buffer(from)][BUFFER_CAP_SEND]);
    Slot *slot = slot_at(to, pages[*buffer(to)][BUFFER_CAP_RECV]);
    if (c == nullptr || !copyable(c->type) || slot == nullptr || slot->cap != nullptr)
        return false;
    copy(*c, *slot, RIGHT_ALL, c->data);
    return true;
}

// info as the receiver sees it.
u64 Model::copy_long(Thread &from, Thread &to, u64 info, bool grant) {
    u64 n = info & INFO_LENGTH;
    u64 label = info & ~u64{INFO_LENGTH | INFO_CAP | INFO_TIMEOUT | INFO_SIGNAL};
    if (!buffer(from) || !buffer(to))
        return label | std::min<u64>(n, MESSAGE_REGISTERS);
    auto source = pages[*buffer(from)];
    auto &target = pages[*buffer(to)];
    for (u64 i = MESSAGE_REGISTERS; i < n; i++)
        target[i] = source[i];
    if ((info & INFO_CAP) != 0 && grant && transfer(from, to))
        label |= INFO_CAP;
    return label | n;
}

void Model::deliver(Thread &from, Thread &to, u64 badge, u64 info, bool grant) {
    static const Register WORD[4] = {RDX, R10, R8, R9};
    to.set(RDI, badge);
    if (from.fault != FAULT_NONE) {
        to.set(RSI, 4 | u64{from.fault} << INFO_LABEL_SHIFT);
        for (unsigned i = 0; i < 4; i++)
            to.set(WORD[i], from.fault_word[i]);
        return;
    }
    if ((info & 0xffff) > MESSAGE_REGISTERS)
        info = copy_long(from, to, info, grant);
    to.set(RSI, info);
    for (unsigned i = 0; i < 4; i++) {
        to.set(WORD[i], from.r[WORD[i]]);
        if (i >= (info & INFO_LENGTH))
            to.forget(WORD[i]);
    }
}

// --- Replies and loans.

Reply *Model::own_reply() const {
    const Cap *c = cur->slots[TCB_SLOT_REPLY].cap;
    return c == nullptr ? nullptr : static_cast<Reply *>(c->object);
}

void Model::arm_reply(Reply &r, Thread &caller, Thread &server) {
    r.caller = &caller;
    r.lent = nullptr;
    caller.reply = &r;
    if (caller.context == nullptr || server.context != nullptr)
        return;
    Context &c = *caller.context;
    r.lent = &c;
    c.loans.push_back(&r);
    caller.context = nullptr;
    give_context(server, c);
    stop_timer(caller); // It may not take back what the server runs on.
}

// A context lent through it goes back if that was the youngest loan, else it stays with its user.
void Model::free_reply(Reply &r) {
    Thread &t = *r.caller;
    Context *c = r.lent;
    r.caller = nullptr;
    r.lent = nullptr;
    t.reply = nullptr;
    if (c == nullptr)
        return;
    bool youngest = c->loans.back() == &r;
    c->loans.remove(&r);
    if (youngest) {
        if (c->user != nullptr)
            take_context(*c->user);
        give_context(t, *c);
    }
}

// --- Endpoints.

void Model::send(Endpoint &ep, const Cap &through, u64 info, thread_state_t state) {
    if (ep.queue.empty() || ep.queue.front()->state != STATE_RECV) {
        cur->send_cptr = cptr_;
        cur->send_info = info;
        wait(&ep, state);
        arm_timeout(info);
        return;
    }
    Thread &to = *ep.queue.front();
    ep.queue.pop_front();
    to.queue = nullptr;
    stop_timer(to);
    Reply &r = *to.reply;
    to.reply = nullptr;
    r.caller = nullptr;
    deliver(*cur, to, through.data, info, (through.rights & RIGHT_GRANT) != 0);
    if (state == STATE_CALL) {
        wait(nullptr, STATE_REPLY);
        arm_timeout(info);
        arm_reply(r, *cur, to);
    }
    make_ready(to);
}

// What a thread that waits to send on ep has for that now; nullptr: nothing any more.
const Cap *Model::sends_through(const Endpoint &ep, const Thread &from) const {
    const Cap *c = from.fault == FAULT_NONE     ? cap_at(from, from.send_cptr)
                   : from.fault == FAULT_BUDGET ? from.slots[TCB_SLOT_TIMEOUT].cap
                                                : from.slots[TCB_SLOT_FAULT].cap;
    bool can = c != nullptr && c->type == CAP_ENDPOINT && c->object == &ep &&
               (c->rights & RIGHT_WRITE) != 0;
    return can ? c : nullptr;
}

// Ends the wait of the first sender if it no longer has what it sends through.
bool Model::end_stale(Endpoint &ep) {
    if (ep.queue.empty() || ep.queue.front()->state == STATE_RECV ||
        sends_through(ep, *ep.queue.front()) != nullptr)
        return false;
    wake_error(*ep.queue.front(), ERR_GONE);
    return true;
}

// Takes the message of the first sender.
void Model::take(Endpoint &ep, Reply &r) {
    Thread &from = *ep.queue.front();
    const Cap *c = sends_through(ep, from);
    ep.queue.pop_front();
    from.queue = nullptr;
    deliver(from, *cur, c->data, from.send_info, (c->rights & RIGHT_GRANT) != 0);
    if (from.state == STATE_CALL) {
        arm_reply(r, from, *cur);
        from.state = STATE_REPLY;
    } else {
        stop_timer(from);
        make_ready(from);
    }
}

u64 Model::receive(Endpoint &ep, Reply &r) {
    if (cur->bound != nullptr && cur->bound->word != 0) {
        take_bits(*cur->bound, *cur);
    } else if (!ep.queue.empty() && ep.queue.front()->state != STATE_RECV) {
        take(ep, r);
    } else {
        r.caller = cur;
        cur->reply = &r;
        wait(&ep, STATE_RECV);
        arm_timeout(info_);
    }
    return finish();
}

void Model::answer(Reply &r, u64 info) {
    Thread &to = *r.caller;
    if (to.fault == FAULT_NONE)
        deliver(*cur, to, 0, info, r.may_grant);
    wake(to);
}

u64 Model::send_call(u32 number) {
    const Cap *c = cap_at(*cur, cptr_);
    if (c == nullptr || c->type != CAP_ENDPOINT || (c->rights & RIGHT_WRITE) == 0)
        return refuse(ERR_RIGHT, cptr_, CAP_ENDPOINT, RIGHT_WRITE);
    auto &ep = static_cast<Endpoint &>(*c->object);
    bool receiver = !ep.queue.empty() && ep.queue.front()->state == STATE_RECV;
    bool passive = receiver && ep.queue.front()->context == nullptr;
    if (number == CALL_NB_SEND && (!receiver || passive))
        return ERR_EMPTY;
    if (number == CALL_SEND && passive)
        return refuse_argument(ERR_BUSY, cptr_);
    if (!info_ok(*cur))
        return refuse_argument(ERR_ARG, info_);
    send(ep, *c, info_, number == CALL_CALL ? STATE_CALL : STATE_SEND);
    return finish();
}

u64 Model::recv_call(u32 number) {
    const Cap *c = cap_at(*cur, cptr_);
    Reply *r = own_reply();
    if (c == nullptr || c->type != CAP_ENDPOINT || (c->rights & RIGHT_READ) == 0)
        return refuse(ERR_RIGHT, cptr_, CAP_ENDPOINT, RIGHT_READ);
    if (r == nullptr)
        return refuse(ERR_TYPE, TCB_SLOT_REPLY, CAP_REPLY, 0);
    bool armed = r->caller != nullptr && r->caller->state == STATE_REPLY;
    bool busy = r->caller != nullptr && !(armed && number == CALL_REPLY_RECV);
    if (number == CALL_REPLY_RECV && !info_ok(*cur))
        return refuse_argument(ERR_ARG, info_);
    if (busy)
        return refuse_argument(ERR_BUSY, TCB_SLOT_REPLY);
    if (!info_ok(*cur))
        return refuse_argument(ERR_ARG, info_);
    auto &ep = static_cast<Endpoint &>(*c->object);
    bool something = (cur->bound != nullptr && cur->bound->word != 0) ||
                     (!ep.queue.empty() && ep.queue.front()->state != STATE_RECV);
    if (number == CALL_NB_RECV && !something)
        return ERR_EMPTY;
    if (end_stale(ep))
        return restart();
    if (armed)
        answer(*r, info_);
    r->may_grant = (c->rights & RIGHT_GRANT) != 0;
    return receive(ep, *r);
}

u64 Model::reply_call() {
    Reply *r = cptr_ == 0 ? own_reply() : object_at<Reply>(cptr_, CAP_REPLY);
    if (r == nullptr)
        return refuse(ERR_TYPE, cptr_, CAP_REPLY, 0);
    if (r->caller == nullptr || r->caller->state != STATE_REPLY)
        return refuse_argument(ERR_EMPTY, cptr_);
    if (!info_ok(*cur))
        return refuse_argument(ERR_ARG, info_);
    answer(*r, info_);
    return finish();
}

// --- Notifications.

void Model::signal(Notification &n, u64 bits) {
    if (!n.queue.empty()) {
        Thread &t = *n.queue.front();
        t.set(RDI, bits);
        t.forget(RSI);
        return wake(t);
    }
    n.word |= bits;
    if (n.bound != nullptr && n.bound->state == STATE_RECV) {
        Thread &t = *n.bound;
        take_bits(n, t);
        wake(t);
    }
}

void Model::take_bits(Notification &n, Thread &t) {
    t.set(RDI, n.word);
    t.set(RSI, INFO_SIGNAL);
    if (n.bound != &t)
        t.forget(RSI);
    n.word = 0;
}

void Model::unbind(Notification &n) {
    if (n.bound != nullptr)
        n.bound->bound = nullptr;
    n.bound = nullptr;
}

u64 Model::notification_call(u32 number) {
    const Cap *c = cap_at(*cur, cptr_);
    u32 right = number == CALL_SIGNAL ? RIGHT_WRITE : RIGHT_READ;
    if (c == nullptr || c->type != CAP_NOTIFICATION || (c->rights & right) == 0 ||
        (number == CALL_SIGNAL && c->data == 0))
        return refuse(ERR_RIGHT, cptr_, CAP_NOTIFICATION, right);
    auto &n = static_cast<Notification &>(*c->object);
    if (number == CALL_SIGNAL) {
        signal(n, c->data);
        return finish();
    }
    if (n.word != 0) {
        take_bits(n, *cur);
        return done();
    }
    if (number == CALL_POLL)
        return ERR_EMPTY;
    if (!info_ok(*cur))
        return refuse_argument(ERR_ARG, info_);
    wait(&n, STATE_WAIT);
    arm_timeout(info_);
    schedule();
    return OK;
}

} // namespace model
