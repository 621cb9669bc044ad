// The reference model: threads, priorities, budgets, time, and how calls end.
// SPDX-License-Identifier: BSD-2-Clause
#include <algorithm>
#include <stdexcept>
#include <utility>

#include "test/model/model.hpp"

namespace model {

namespace {

constexpr u64 TICK = 1024;                 // Cycles. Contexts count cycles, timers ticks.
constexpr u64 SMALLEST_BUDGET = 16 * TICK; // sched_context.h
constexpr size_t REFILLS = 4;              // objects.h
constexpr u64 LONGEST_WAIT = 0x800000000000, LONGEST_PERIOD = 0x400000000000;
constexpr Register ARGUMENT[4] = {RDX, R10, R8, R9};

bool in_queue(thread_state_t s) {
    return s == STATE_RECV || s == STATE_SEND || s == STATE_CALL || s == STATE_WAIT;
}

} // namespace

// --- How a call ends.

u64 Model::arg(unsigned i) const {
    return cur->r[ARGUMENT[i]];
}

void Model::result(unsigned i, u64 value) {
    cur->set(ARGUMENT[i], value);
}

u64 Model::done() const {
    return OK;
}

u64 Model::finish() {
    Thread &t = *cur;
    if (t.state == STATE_RUNNING) {
        bool others = !ready.empty() && ready.rbegin()->first > t.priority;
        if (t.context != nullptr && t.context == run_context && !others)
            return OK;
        if (has_budget(t.context))
            ready_front(t);
        else
            t.state = STATE_NO_TIME;
    }
    schedule();
    return OK;
}

u64 Model::refuse(error_t error, u64 cptr, u32 type, u32 rights) {
    const Cap *c = cap_at(*cur, cptr);
    if (c == nullptr)
        error = ERR_CAP;
    else if (type != CAP_NULL && c->type != type)
        error = ERR_TYPE;
    u64 levels = cptr >> 32 == 0 ? slot_at(*cur, cptr) != nullptr
                 : slot_at(*cur, static_cast<u32>(cptr)) == nullptr
                     ? 0
                     : 1 + (slot_at(*cur, cptr) != nullptr);
    cur->denial.cptr = cptr;
    cur->denial.what =
        call_ | u64{error} << 8 | levels << 16 | u64{c != nullptr ? c->type : CAP_NULL} << 24 |
        u64{c != nullptr ? c->rights : 0} << 32 | u64{type} << 40 | u64{rights} << 48;
    cur->denial.argument = 0;
    cur->denial.count++;
    return error;
}

u64 Model::refuse_argument(error_t error, u64 argument) {
    cur->denial = {0, call_ | u64{error} << 8, argument, cur->denial.count + 1};
    return error;
}

// The instruction runs again, unless the caller has ended; others of higher priority go first.
u64 Model::restart(bool begun) {
    Thread &t = *cur;
    t.begun = begun ? call_ : 0;
    if (t.state == STATE_RUNNING) {
        t.set(RIP, t.r[RIP] - 2);
        t.set(RDI, cptr_);
        t.forget(RSI);
        t.result = call_;
    }
    finish();
    return call_;
}

bool Model::goes_on() {
    return std::exchange(cur->begun, 0) == call_;
}

u64 Model::call(u32 number, u64 cptr, u64 info, Choice choice) {
    graveyard_.clear();
    call_ = number;
    cptr_ = cptr;
    info_ = info;
    choice_ = choice;
    cur->result = OK;
    for (auto reg : {RDI, RSI, RCX, R11}) // rcx, r11: lost by the instruction itself.
        cur->forget(reg);
    switch (number) {
    case CALL_CALL:
    case CALL_SEND:
    case CALL_NB_SEND:
        return send_call(number);
    case CALL_RECV:
    case CALL_NB_RECV:
    case CALL_REPLY_RECV:
        return recv_call(number);
    case CALL_REPLY:
        return reply_call();
    case CALL_SIGNAL:
    case CALL_WAIT:
    case CALL_POLL:
        return notification_call(number);
    case CALL_YIELD:
        return yield();
    case CALL_CAP_COPY:
        return cap_copy(false);
    case CALL_CAP_MINT:
        return cap_copy(true);
    case CALL_CAP_MOVE:
        return cap_move();
    case CALL_CAP_SWAP:
        return cap_swap();
    case CALL_CAP_DELETE:
        return cap_delete();
    case CALL_CAP_REVOKE:
        return cap_revoke();
    case CALL_CAP_INFO:
        return cap_info();
    case CALL_UNTYPED_RETYPE:
        return untyped_retype();
    case CALL_UNTYPED_RESET:
        return untyped_reset();
    case CALL_TCB_DENIAL:
        return tcb_denial();
    case CALL_SC_CONFIGURE:
        return sc_configure();
    case CALL_FRAME_MAP:
        return frame_map();
    case CALL_FRAME_UNMAP:
        return frame_unmap();
    case CALL_FRAME_INFO:
        return frame_info();
    case CALL_TABLE_MAP:
        return table_map();
    case CALL_TABLE_UNMAP:
        return table_unmap();
    case CALL_IRQ_GET:
        return irq_get();
    case CALL_IRQ_BIND:
        return irq_bind();
    case CALL_IRQ_ACK:
        return irq_ack();
    case CALL_PORT_IN:
        return port(false);
    case CALL_PORT_OUT:
        return port(true);
    case CALL_TRACE:
        return trace();
    default:
        return tcb_call(number);
    }
}

// --- Who runs.

bool Model::has_budget(const Context *c) {
    return c != nullptr && c->remaining >= SMALLEST_BUDGET;
}

void Model::ready_back(Thread &t) {
    t.state = STATE_READY;
    ready[t.priority].push_back(&t);
}

void Model::ready_front(Thread &t) {
    t.state = STATE_READY;
    ready[t.priority].push_front(&t);
}

void Model::unready(Thread &t) {
    auto it = ready.find(t.priority);
    it->second.remove(&t);
    if (it->second.empty())
        ready.erase(it);
}

void Model::make_ready(Thread &t) {
    if (has_budget(t.context))
        ready_back(t);
    else
        t.state = STATE_NO_TIME;
}

void Model::schedule() {
    Thread *next = nullptr;
    if (!ready.empty()) {
        next = ready.rbegin()->second.front();
        unready(*next);
        next->state = STATE_RUNNING;
    }
    Context *to = next == nullptr ? nullptr : next->context;
    if (to != run_context) {
        Context *from = run_context;
        if (from != nullptr)
            charge(*from);
        if (to != nullptr)
            replenish(*to);
        run_context = to;
        if (from != nullptr && from->user != nullptr && from->user->state == STATE_READY &&
            !has_budget(from)) {
            unready(*from->user);
            from->user->state = STATE_NO_TIME;
        }
    }
    cur = next;
}

void Model::start(Thread &t) {
    t.state = STATE_RUNNING;
    cur = &t;
    run_context = t.context;
}

void Model::give_context(Thread &t, Context &c) {
    t.context = &c;
    c.user = &t;
}

void Model::take_context(Thread &t) {
    if (t.context == nullptr)
        return;
    t.context->user = nullptr;
    t.context = nullptr;
    if (t.state == STATE_READY) {
        unready(t);
        t.state = STATE_NO_TIME;
    }
}

// --- Waiting and its end.

void Model::leave(Thread &t) {
    if (in_queue(t.state)) {
        t.queue->queue.remove(&t);
        t.queue = nullptr;
    } else if (t.state == STATE_READY) {
        unready(t);
    }
    if (t.reply != nullptr)
        free_reply(*t.reply);
    stop_timer(t);
    t.state = STATE_INACTIVE;
}

void Model::wake(Thread &t) {
    leave(t);
    t.fault = FAULT_NONE;
    make_ready(t);
}

void Model::wake_error(Thread &t, error_t error) {
    if (t.fault != FAULT_NONE) // Nobody will answer: it stays stopped.
        return leave(t);
    t.result = error;
    t.set(RDI, 0);
    t.set(RSI, 0);
    wake(t);
}

void Model::stop(Thread &t) {
    if (t.fault == FAULT_NONE && (in_queue(t.state) || t.state == STATE_REPLY)) {
        t.result = ERR_GONE;
        t.set(RDI, 0);
        t.set(RSI, 0);
    }
    leave(t);
}

void Model::destroy(Thread &t) {
    stop(t);
    if (t.context != nullptr) {
        if (t.context->loans.empty())
            take_context(t);
        else
            wake_error(*t.context->loans.back()->caller, ERR_GONE);
    }
    if (t.bound != nullptr)
        unbind(*t.bound);
}

// --- Time.

// It has run since c.last: pay, and let what it cost come back a period after the stretch began.
void Model::account(Context &c) {
    u64 ran = now - c.last, cost = std::min(ran, c.remaining), began = c.last;
    c.used += ran;
    c.remaining -= cost;
    c.last = now;
    if (cost == 0 || c.budget == c.period)
        return;
    if (c.refills.size() == REFILLS)
        c.refills.back() = {c.refills.back().amount + cost, began + c.period};
    else
        c.refills.push_back({cost, began + c.period});
}

bool Model::charge(Context &c) {
    account(c);
    if (has_budget(&c))
        return false;
    replenish(c);
    if (!has_budget(&c) && !c.timer_on)
        wait_refill(c);
    return true;
}

void Model::replenish(Context &c) {
    c.last = now;
    if (c.budget == c.period) {
        if (c.remaining < SMALLEST_BUDGET)
            c.remaining = c.budget;
        return;
    }
    while (!c.refills.empty() && c.refills.front().due <= now) {
        c.remaining += c.refills.front().amount;
        c.refills.pop_front();
    }
}

void Model::wait_refill(Context &c) {
    u64 tick = (c.refills.front().due + TICK - 1) / TICK; // Not before it is due.
    c.timer = timers.insert({std::max(tick, now / TICK + 1), order_++, nullptr, &c}).first;
    c.timer_on = true;
}

void Model::start_timer(Thread &t, u64 ticks) {
    u64 due = now / TICK + 1 + (ticks < LONGEST_WAIT ? ticks : LONGEST_WAIT - 2);
    t.timer = timers.insert({due, order_++, &t, nullptr}).first;
    t.timer_on = true;
}

void Model::stop_timer(Thread &t) {
    if (t.timer_on)
        timers.erase(t.timer);
    t.timer_on = false;
}

void Model::stop_timer(Context &c) {
    if (c.timer_on)
        timers.erase(c.timer);
    c.timer_on = false;
}

size_t Model::timers_due() const {
    return static_cast<size_t>(std::count_if(
        timers.begin(), timers.end(), [this](const Timer &t) { return t.due <= now / TICK; }));
}

u64 Model::next_deadline() const {
    u64 due = timers.empty() ? ~u64{0} : timers.begin()->due * TICK;
    if (run_context != nullptr)
        due = std::min(due, run_context->last + run_context->remaining);
    return due;
}

void Model::order_ties(const std::function<u64(const Timer &)> &place) {
    for (auto first = timers.begin(); first != timers.end();) {
        auto end =
            std::find_if(first, timers.end(), [&](const Timer &t) { return t.due != first->due; });
        std::vector<Timer> ties(first, end);
        timers.erase(first, end);
        std::vector<u64> orders;
        for (const Timer &t : ties)
            orders.push_back(t.order);
        std::stable_sort(ties.begin(), ties.end(),
                         [&](const Timer &a, const Timer &b) { return place(a) < place(b); });
        for (size_t i = 0; i < ties.size(); i++) {
            ties[i].order = orders[i];
            auto now_at = timers.insert(ties[i]).first;
            (ties[i].thread != nullptr ? ties[i].thread->timer : ties[i].context->timer) = now_at;
        }
        first = end;
    }
}

// One timer interrupt, which leaves `left` timers that are due to the next.
void Model::timer(size_t left) {
    graveyard_.clear();
    if (run_context != nullptr && charge(*run_context)) {
        if (!has_budget(run_context)) {
            const Cap *handler = cur->slots[TCB_SLOT_TIMEOUT].cap;
            if (handler != nullptr && (handler->rights & RIGHT_WRITE) != 0) {
                cur->fault = FAULT_BUDGET;
                cur->fault_word = {
                    cur->r[RIP], run_context->used / TICK,
                    (run_context->refills.front().due - run_context->last + TICK - 1) / TICK,
                    cur->r[RSP]};
                send(*static_cast<Endpoint *>(handler->object), *handler, 4, STATE_CALL);
            }
        }
        if (cur->state == STATE_RUNNING)
            make_ready(*cur);
    }
    while (timers_due() > left) {
        Timer t = *timers.begin();
        if (t.thread != nullptr) {
            wake_error(*t.thread, ERR_TIMEOUT);
            continue;
        }
        Context &c = *t.context;
        stop_timer(c);
        if (&c == run_context)
            account(c);
        replenish(c);
        if (!has_budget(&c))
            wait_refill(c);
        if (c.user != nullptr && c.user->state == STATE_NO_TIME)
            make_ready(*c.user);
    }
    if (timers_due() != left)
        throw std::logic_error("the core keeps a timer that should be off");
    if (cur == nullptr)
        schedule();
    else
        finish();
}

void Model::fault(fault_t kind, u64 w1, u64 w2) {
    graveyard_.clear();
    cur->fault = kind;
    cur->fault_word = {cur->r[RIP], w1, w2, cur->r[RSP]};
    const Cap *handler = cur->slots[TCB_SLOT_FAULT].cap;
    if (handler == nullptr || (handler->rights & RIGHT_WRITE) == 0)
        cur->state = STATE_INACTIVE;
    else
        send(*static_cast<Endpoint *>(handler->object), *handler, 4, STATE_CALL);
    schedule();
}

// --- Calls on threads.

u64 Model::yield() {
    ready_back(*cur);
    schedule();
    return OK;
}

u64 Model::tcb_call(u32 number) {
    auto *t = object_at<Thread>(cptr_, CAP_TCB);
    if (t == nullptr)
        return refuse(ERR_TYPE, cptr_, CAP_TCB, 0);
    switch (number) {
    case CALL_TCB_BIND:
        return tcb_bind(*t);
    case CALL_TCB_PRIORITY: {
        if (arg(0) > cur->priority_max || arg(1) > cur->priority_max)
            return refuse_argument(ERR_PRIORITY, std::max(arg(0), arg(1)));
        bool was_ready = t->state == STATE_READY;
        if (was_ready)
            unready(*t);
        t->priority = static_cast<unsigned>(arg(0));
        t->priority_max = static_cast<unsigned>(arg(1));
        if (was_ready)
            make_ready(*t);
        return finish();
    }
    case CALL_TCB_RESUME:
        if (t->state == STATE_INACTIVE) {
            t->fault = FAULT_NONE;
            make_ready(*t);
        }
        return finish();
    case CALL_TCB_SUSPEND:
        stop(*t);
        return finish();
    case CALL_TCB_WRITE:
        return tcb_registers(*t, true);
    case CALL_TCB_READ:
        return tcb_registers(*t, false);
    case CALL_TCB_INFO:
        return tcb_info(*t);
    case CALL_TCB_NOTIFICATION:
        return tcb_notification(*t);
    case CALL_TCB_CONTEXT:
        return tcb_context(*t);
    case CALL_TCB_VECTOR:
        if (arg(0) > 1)
            return refuse_argument(ERR_ARG, arg(0));
        t->vector = arg(0) != 0;
        return done();
    default:
        throw std::logic_error("no such call");
    }
}

u64 Model::tcb_bind(Thread &t) {
    static const struct {
        cap_type_t type;
        u32 rights;
    } NEEDS[TCB_SLOTS] = {{CAP_NULL, 0},
                          {CAP_CNODE, 0},
                          {CAP_VSPACE, 0},
                          {CAP_REPLY, 0},
                          {CAP_FRAME, RIGHT_READ | RIGHT_WRITE},
                          {CAP_ENDPOINT, RIGHT_WRITE},
                          {CAP_ENDPOINT, RIGHT_WRITE}};
    u64 k = arg(0);
    if (k == 0 || k >= TCB_SLOTS || (k == TCB_SLOT_VSPACE && &t == cur))
        return refuse_argument(ERR_ARG, k);
    auto [type, rights] = NEEDS[k];
    Cap *c = cap_at(*cur, arg(1));
    if (arg(1) != 0) {
        if (c == nullptr || c->type != type || (c->rights & rights) != rights)
            return refuse(ERR_RIGHT, arg(1), type, rights);
        if (k == TCB_SLOT_BUFFER && (c->size != FRAME_4K || c->device))
            return refuse_argument(ERR_ARG, arg(1));
    }
    Slot &slot = t.slots[k];
    if (slot.cap != nullptr)
        release(*slot.cap);
    if (arg(1) != 0) {
        bind(*c, slot);
        if (k == TCB_SLOT_VSPACE)
            t.space = c->object->address;
    }
    return finish();
}

u64 Model::tcb_registers(Thread &t, bool write) {
    std::optional<u32> page = buffer(*cur);
    if (!page)
        return refuse_argument(ERR_ARG, TCB_SLOT_BUFFER);
    auto &words = pages[*page];
    if (!write) {
        if (&t == cur || (t.state >= STATE_RECV && t.fault == FAULT_NONE))
            return refuse_argument(ERR_BUSY, t.state);
        t.r[RAX] = t.result;
        std::copy(t.r.begin(), t.r.end(), words.begin());
        return done();
    }
    if (&t == cur || (t.state != STATE_INACTIVE && t.fault == FAULT_NONE))
        return refuse_argument(ERR_BUSY, t.state);
    for (unsigned i : {0u, 18u}) // rip and fs are addresses in the user half.
        if (words[i] >= u64{1} << 47)
            return refuse_argument(ERR_ARG, words[i]);
    for (unsigned i = 0; i < REGS_WORDS; i++)
        t.set(i, words[i]);
    t.result = t.r[RAX];
    t.begun = 0;
    return done();
}

u64 Model::tcb_info(Thread &t) {
    result(0, t.state | t.priority << 8 | t.priority_max << 16 | (t.vector ? 1u << 24 : 0) |
                  u64{t.fault} << 32);
    result(1, t.context == nullptr ? 0 : t.context->used / TICK);
    result(2, t.id);
    return done();
}

u64 Model::tcb_notification(Thread &t) {
    if (arg(0) == 0) {
        if (t.bound != nullptr)
            unbind(*t.bound);
        return done();
    }
    Cap *c = cap_at(*cur, arg(0));
    if (c == nullptr || c->type != CAP_NOTIFICATION || (c->rights & RIGHT_READ) == 0)
        return refuse(ERR_RIGHT, arg(0), CAP_NOTIFICATION, RIGHT_READ);
    auto &n = static_cast<Notification &>(*c->object);
    if (t.bound != nullptr || n.bound != nullptr)
        return refuse_argument(ERR_OCCUPIED, arg(0));
    if (t.state == STATE_RECV && n.word != 0)
        return refuse_argument(ERR_BUSY, arg(0));
    t.bound = &n;
    n.bound = &t;
    return done();
}

u64 Model::tcb_context(Thread &t) {
    if (arg(0) == 0) {
        take_context(t);
        return finish();
    }
    auto *c = object_at<Context>(arg(0), CAP_SCHED_CONTEXT);
    if (c == nullptr)
        return refuse(ERR_TYPE, arg(0), CAP_SCHED_CONTEXT, 0);
    bool lent = t.reply != nullptr && t.reply->lent != nullptr; // It may come back.
    if (t.context != nullptr || lent || c->user != nullptr || !c->loans.empty())
        return refuse_argument(ERR_OCCUPIED, arg(0));
    give_context(t, *c);
    if (t.state == STATE_NO_TIME)
        make_ready(t);
    else if (t.state == STATE_RECV && t.bound != nullptr && t.bound->word != 0)
        wake_bound(*t.bound);
    return finish();
}

u64 Model::sc_configure() {
    Cap *control = cap_at(*cur, cptr_);
    if (control == nullptr || control->type != CAP_SCHED_CONTROL)
        return refuse(ERR_TYPE, cptr_, CAP_SCHED_CONTROL, 0);
    auto *c = object_at<Context>(arg(0), CAP_SCHED_CONTEXT);
    if (c == nullptr)
        return refuse(ERR_TYPE, arg(0), CAP_SCHED_CONTEXT, 0);
    u64 budget = arg(1), period = arg(2);
    if (period >= LONGEST_PERIOD)
        return refuse_argument(ERR_ARG, period);
    if (budget < SMALLEST_BUDGET / TICK || budget > period)
        return refuse_argument(ERR_ARG, budget);
    if (c == run_context)
        account(*c);
    stop_timer(*c);
    c->budget = c->remaining = budget * TICK;
    c->period = period * TICK;
    c->last = now;
    c->refills.clear();
    if (c->user != nullptr && c->user->state == STATE_NO_TIME)
        make_ready(*c->user);
    return finish();
}

u64 Model::tcb_denial() {
    Thread *t = cptr_ == 0 ? cur : object_at<Thread>(cptr_, CAP_TCB);
    if (t == nullptr)
        return refuse(ERR_TYPE, cptr_, CAP_TCB, 0);
    denial_t d = t->denial;
    result(0, d.cptr);
    result(1, d.what);
    result(2, d.argument);
    result(3, d.count);
    return done();
}

} // namespace model
