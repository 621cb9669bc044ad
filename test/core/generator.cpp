// The generator of calls: which call the running thread makes next, and with what.
// SPDX-License-Identifier: BSD-2-Clause
#include "test/core/lockstep.hpp"

namespace host {

namespace {

// How often each call is tried, in the order of their numbers.
constexpr unsigned WEIGHT[CALL_COUNT] = {90, 90, 30, 20, 60, 20, 25, 30, 20, 15, 10, 25, 25, 12, 8,
                                         16, 2,  6,  30, 3,  25, 8,  20, 4,  6,  4,  4,  10, 14, 2,
                                         3,  12, 14, 6,  4,  12, 5,  4,  6,  6,  3,  3,  1};

constexpr u32 STEP = 32; // Objects that one step of a retype makes.

// A thread waits there, or for it, or runs on it, or has lent it.
bool is_involved(const model::Cap &c) {
    switch (c.type) {
    case CAP_TCB: {
        auto &t = static_cast<const model::Thread &>(*c.object);
        return t.state >= STATE_RECV || (t.context != nullptr && !t.context->loans.empty());
    }
    case CAP_ENDPOINT:
    case CAP_NOTIFICATION:
        return !static_cast<const model::Endpoint &>(*c.object).queue.empty();
    case CAP_REPLY:
        return static_cast<const model::Reply &>(*c.object).caller != nullptr;
    case CAP_SCHED_CONTEXT:
        return !static_cast<const model::Context &>(*c.object).loans.empty();
    default:
        return false;
    }
}

// A server without a context waits there.
bool has_passive_receiver(const model::Cap &c) {
    if (c.type != CAP_ENDPOINT || (c.rights & RIGHT_WRITE) == 0)
        return false;
    auto &queue = static_cast<const model::Endpoint &>(*c.object).queue;
    return !queue.empty() && queue.front()->state == STATE_RECV &&
           queue.front()->context == nullptr;
}

// A caller that has no context any more is the first that waits there.
bool has_bare_caller(const model::Cap &c) {
    if (c.type != CAP_ENDPOINT || (c.rights & RIGHT_READ) == 0)
        return false;
    auto &queue = static_cast<const model::Endpoint &>(*c.object).queue;
    return !queue.empty() && queue.front()->state == STATE_CALL &&
           queue.front()->context == nullptr;
}

// Nobody runs on it.
bool is_free_context(const model::Cap &c) {
    return c.type == CAP_SCHED_CONTEXT &&
           static_cast<const model::Context &>(*c.object).user == nullptr;
}

} // namespace

u64 Lockstep::junk() {
    switch (below(4)) {
    case 0:
        return below(8);
    case 1:
        return 1ull << below(64);
    default:
        return random_();
    }
}

u64 Lockstep::some_ticks() {
    return chance(80) ? below(500) : chance(80) ? below(100000) : junk();
}

// Any slot of the running thread's CSpace, or nonsense.
u64 Lockstep::any_cptr() {
    switch (below(20)) {
    case 0:
        return junk();
    case 1:
        return below(2) * HALF;
    case 2:
        return S_INNER + below(18) * HALF;
    case 3:
        return S_OTHER + below(O_SMALL + 2) * HALF;
    default:
        return below(SLOTS + 2);
    }
}

// The CNode that is the running thread's CSpace.
const model::CNode *Lockstep::space() const {
    const model::Cap *c = model_.cur->slots[TCB_SLOT_CSPACE].cap;
    return c == nullptr ? nullptr : static_cast<const model::CNode *>(c->object);
}

// The address that a slot of the other CNode has for the running thread.
u64 Lockstep::other_cptr(u32 slot) const {
    const model::CNode *own = space();
    return own != nullptr && own->slots.size() == O_SLOTS ? u64{slot} : S_OTHER | slot * HALF;
}

// A run of empty slots in the room for large retypes, 0: none.
u64 Lockstep::empty_run(u32 count) {
    u32 free = 0;
    for (u32 s = O_ROOM; s < O_SLOTS; s++) {
        const model::Slot *slot = model_.slot_at(*model_.cur, other_cptr(s));
        if (slot == nullptr)
            return 0;
        free = slot->cap == nullptr ? free + 1 : 0;
        if (free == count)
            return other_cptr(s + 1 - count);
    }
    return 0;
}

u64 Lockstep::empty_cptr() {
    for (int i = 0; i < 12; i++) {
        u64 c = chance(80)   ? 1 + below(SLOTS)
                : chance(50) ? S_INNER + (1 + below(15)) * HALF
                             : S_OTHER + (1 + below(O_SMALL - 1)) * HALF;
        model::Slot *s = model_.slot_at(*model_.cur, c);
        if (s != nullptr && s->cap == nullptr)
            return c;
    }
    return any_cptr();
}

// A slot of the running thread's CSpace whose capability suits, 0: none.
template <typename F>
u64 Lockstep::cptr_where(F suits) {
    const model::CNode *own = space();
    if (own == nullptr)
        return 0;
    u64 found[SLOTS];
    size_t n = 0;
    size_t end = own->slots.size() == O_SLOTS && chance(90) ? u64{O_SMALL} : own->slots.size();
    for (size_t i = 1; i < end && n < SLOTS; i++)
        if (own->slots[i].cap != nullptr && suits(*own->slots[i].cap))
            found[n++] = i;
    return n == 0 ? 0 : found[below(n)];
}

// Mostly a capability of this type.
u64 Lockstep::cptr_of(u32 type) {
    u64 c = chance(6) ? 0 : cptr_where([=](const model::Cap &cap) { return cap.type == type; });
    return c == 0 ? any_cptr() : c;
}

// One that threads have to do with right now; type CAP_NULL: any type.
u64 Lockstep::involved_cptr(u32 type) {
    u64 c = cptr_where([=](const model::Cap &cap) {
        return (type == CAP_NULL || cap.type == type) && is_involved(cap);
    });
    return c == 0 ? any_cptr() : c;
}

// One of this type that lacks a right.
u64 Lockstep::weak_cptr(u32 type) {
    u64 c = cptr_where(
        [=](const model::Cap &cap) { return cap.type == type && cap.rights != RIGHT_ALL; });
    return c == 0 ? any_cptr() : c;
}

// The running thread itself.
u64 Lockstep::own_cptr() {
    u64 c = cptr_where([this](const model::Cap &cap) { return cap.object == model_.cur; });
    return c == 0 ? any_cptr() : c;
}

// Mostly a thread in this state.
u64 Lockstep::thread_cptr(thread_state_t state) {
    u64 c = chance(40) ? 0 : cptr_where([=](const model::Cap &cap) {
        return cap.type == CAP_TCB &&
               static_cast<const model::Thread &>(*cap.object).state == state;
    });
    return c == 0 ? cptr_of(CAP_TCB) : c;
}

// Mostly one of those that are given out first, or one whose notification somebody waits for.
u32 Lockstep::some_irq() {
    if (chance(40))
        for (auto &irq : model_.irqs)
            if (irq->slot.cap != nullptr && is_involved(*irq->slot.cap))
                return (irq->id - IRQ_BASE) / 8;
    return static_cast<u32>(chance(90) ? IRQ_COUNT - 1 - below(4) : below(IRQ_COUNT));
}

// Does somebody wait to receive there?
bool Lockstep::receives(u64 cptr) const {
    const model::Cap *c = model_.cap_at(*model_.cur, cptr);
    if (c == nullptr || c->type != CAP_ENDPOINT || (c->rights & RIGHT_WRITE) == 0)
        return false;
    auto &queue = static_cast<const model::Endpoint &>(*c->object).queue;
    return !queue.empty() && queue.front()->state == STATE_RECV;
}

u64 Lockstep::message_info() {
    if (chance(2))
        return below(0x10000); // Perhaps too long, perhaps bits that mean nothing.
    u64 info = chance(70) ? below(5) : below(122);
    if (chance(30))
        info |= INFO_CAP;
    if (model_.cur == root_ || chance(80)) // The first thread never waits for ever.
        info |= INFO_TIMEOUT;
    if (chance(25)) // The short path.
        info = below(5);
    if (chance(5))
        info |= INFO_SIGNAL | below(8) << 12;
    return info | below(1000) << INFO_LABEL_SHIFT;
}

// Other calls than messages have no info, and must not care.
u64 Lockstep::info_of(u32 number) {
    if (number <= CALL_POLL)
        return message_info();
    return chance(70) ? 0 : junk();
}

u64 Lockstep::some_address() {
    static const u64 BASE[] = {0, 1ull << 39, 0x7ffffff00000, 0x40000000, 0x200000};
    u64 a = BASE[chance(70) ? 0 : below(5)];
    if (chance(50))
        a += below(4) * 0x1000;
    if (chance(20))
        a += below(3) * 0x200000;
    return chance(5) ? junk() : a;
}

std::array<u64, 4> Lockstep::retype_arguments(u64 cptr) {
    static const u32 TYPES[] = {CAP_ENDPOINT,   CAP_NOTIFICATION, CAP_REPLY,  CAP_TCB,
                                CAP_CNODE,      CAP_FRAME,        CAP_FRAME,  CAP_SCHED_CONTEXT,
                                CAP_PAGE_TABLE, CAP_VSPACE,       CAP_UNTYPED};
    u64 type = chance(95) ? TYPES[below(11)] : below(20), size = 0, count = 1 + below(3);
    if (type == CAP_CNODE)
        size = chance(95) ? 2 + below(60) : below(70000);
    if (type == CAP_UNTYPED)
        size = (1 + below(64)) * PAGE_BYTES + (chance(5) ? 1 : 0);
    if (type == CAP_FRAME)
        size = chance(90) ? 0 : below(4);
    if (chance(3))
        count = junk();
    if (cptr == S_DEVICE) {
        type = chance(90) ? u64{CAP_FRAME} : type;
        count |= (chance(95) ? below(260) : junk()) << 16;
    }
    return {type, size, chance(97) ? empty_cptr() : any_cptr(), count};
}

std::array<u64, 4> Lockstep::context_arguments(u64 cptr) {
    const model::Cap *c = model_.cap_at(*model_.cur, cptr);
    if (c != nullptr && c->type == CAP_TCB && chance(60)) {
        auto &t = static_cast<const model::Thread &>(*c->object);
        if (t.context != nullptr && (t.state == STATE_RECV || t.state == STATE_CALL))
            return {0, 0, 0, 0}; // A passive server; a caller that has nothing to lend.
        if (t.state == STATE_RECV)
            return {cptr_where(is_free_context), 0, 0, 0};
    }
    return {chance(10) ? 0 : cptr_of(CAP_SCHED_CONTEXT), 0, 0, 0};
}

std::array<u64, 4> Lockstep::configure_arguments() {
    u64 budget = chance(90) ? 16 + below(2000) : chance(50) ? 1ull << below(47) : junk();
    u64 period = chance(30)   ? budget
                 : chance(90) ? budget * (1 + below(6))
                              : std::max<u64>(budget, (1ull << below(47)) - 1);
    return {cptr_of(CAP_SCHED_CONTEXT), budget, period, 0};
}

// Arguments that make sense for the call, most of the time.
std::array<u64, 4> Lockstep::arguments_of(u32 number, u64 &cptr) {
    u64 rights = chance(70) ? u64{RIGHT_ALL} : below(9);
    switch (number) {
    case CALL_CALL:
    case CALL_SEND:
    case CALL_NB_SEND:
    case CALL_RECV:
    case CALL_NB_RECV:
    case CALL_REPLY_RECV:
        cptr = cptr_of(CAP_ENDPOINT);
        for (int i = 0; i < 4 && number == CALL_CALL && !receives(cptr); i++)
            cptr = cptr_of(CAP_ENDPOINT);
        if (u64 bare = number == CALL_REPLY_RECV ? cptr_where(has_bare_caller) : 0)
            cptr = bare;
        break;
    case CALL_REPLY:
        cptr = chance(60) ? 0 : cptr_of(CAP_REPLY);
        break;
    case CALL_SIGNAL:
    case CALL_WAIT:
    case CALL_POLL:
        cptr = cptr_of(CAP_NOTIFICATION);
        break;
    case CALL_CAP_COPY:
        return {empty_cptr(), rights, junk(), junk()};
    case CALL_CAP_MINT:
        cptr = chance(40)   ? cptr_of(CAP_ENDPOINT)
               : chance(60) ? cptr_of(CAP_NOTIFICATION)
               : chance(60) ? cptr_of(CAP_IO_PORT)
                            : cptr;
        return {empty_cptr(), rights, chance(50) ? junk() : below(64) << 16 | below(8), 0};
    case CALL_CAP_MOVE:
        return {empty_cptr(), 0, 0, 0};
    case CALL_CAP_SWAP:
        return {any_cptr(), 0, 0, 0};
    case CALL_CAP_DELETE:
    case CALL_CAP_REVOKE:
        if (chance(30))
            cptr = chance(95) ? involved_cptr(CAP_NULL) : own_cptr();
        if (cptr < S_THREAD && chance(97)) // What the machine cannot do without.
            cptr = S_END + below(SLOTS - S_END);
        break;
    case CALL_UNTYPED_RETYPE:
        cptr = cptr_of(CAP_UNTYPED);
        return retype_arguments(cptr);
    case CALL_UNTYPED_RESET:
        cptr = cptr_of(CAP_UNTYPED);
        break;
    case CALL_TCB_BIND: {
        static const u32 TYPE[] = {CAP_NULL,  CAP_CNODE,    CAP_VSPACE,   CAP_REPLY,
                                   CAP_FRAME, CAP_ENDPOINT, CAP_ENDPOINT, CAP_NULL};
        cptr = cptr_of(CAP_TCB);
        u64 k = below(8);
        return {k, chance(10) ? 0 : chance(10) ? weak_cptr(TYPE[k]) : cptr_of(TYPE[k]), 0, 0};
    }
    case CALL_TCB_PRIORITY:
        cptr = cptr_of(CAP_TCB);
        return {chance(90) ? 18 + below(8) : below(300), chance(90) ? 25 + below(8) : below(300), 0,
                0};
    case CALL_TCB_NOTIFICATION:
        cptr = thread_cptr(STATE_RECV);
        return {chance(30) ? 0 : cptr_of(CAP_NOTIFICATION), 0, 0, 0};
    case CALL_TCB_CONTEXT:
        cptr = chance(30) ? thread_cptr(STATE_CALL) : cptr_of(CAP_TCB);
        return context_arguments(cptr);
    case CALL_TCB_SUSPEND:
        cptr = chance(60) ? cptr_of(CAP_TCB) : chance(80) ? involved_cptr(CAP_TCB) : own_cptr();
        break;
    case CALL_TCB_RESUME:
    case CALL_TCB_WRITE:
        cptr = thread_cptr(STATE_INACTIVE);
        break;
    case CALL_TCB_READ:
    case CALL_TCB_INFO:
    case CALL_TCB_VECTOR:
    case CALL_TCB_DENIAL:
        cptr = cptr_of(CAP_TCB);
        return {below(3), 0, 0, 0};
    case CALL_SC_CONFIGURE:
        cptr = cptr_of(CAP_SCHED_CONTROL);
        return configure_arguments();
    case CALL_FRAME_MAP:
        cptr = cptr_of(CAP_FRAME);
        return {cptr_of(CAP_VSPACE), some_address(), chance(80) ? below(8) | 1 : junk(), 0};
    case CALL_FRAME_UNMAP:
    case CALL_FRAME_INFO:
        cptr = cptr_of(CAP_FRAME);
        break;
    case CALL_TABLE_MAP:
        cptr = cptr_of(CAP_PAGE_TABLE);
        return {cptr_of(CAP_VSPACE), some_address(), 0, 0};
    case CALL_TABLE_UNMAP:
        cptr = cptr_of(CAP_PAGE_TABLE);
        break;
    case CALL_IRQ_GET:
        cptr = cptr_of(CAP_IRQ_CONTROL);
        return {chance(95) ? empty_cptr() : junk(),
                chance(70)   ? (chance(95) ? below(6) : 0xf0 | below(16)) | below(4) << 8
                : chance(50) ? u64{IRQ_MSI}
                             : junk(),
                0, 0};
    case CALL_IRQ_BIND:
        cptr = cptr_of(CAP_IRQ_HANDLER);
        return {chance(10) ? weak_cptr(CAP_NOTIFICATION) : cptr_of(CAP_NOTIFICATION), 0, 0, 0};
    case CALL_IRQ_ACK:
        cptr = cptr_of(CAP_IRQ_HANDLER);
        break;
    case CALL_PORT_IN:
    case CALL_PORT_OUT:
        cptr = cptr_of(CAP_IO_PORT);
        return {chance(80) ? below(80) : junk(), 1 + below(4), junk(), 0};
    case CALL_TRACE:
        cptr = cptr_of(CAP_TRACE_CONTROL);
        return {below(3), 0, 0, 0};
    default:
        break;
    }
    return {junk(), junk(), junk(), junk()};
}

// A call to a passive server, above all from a passive server: the context goes on and on.
std::optional<Lockstep::Call> Lockstep::nested_call() {
    bool on_loan = !model_.cur->context->loans.empty();
    if (!chance(on_loan ? 35 : 8))
        return std::nullopt;
    u64 cptr = cptr_where(has_passive_receiver);
    if (cptr == 0)
        return std::nullopt;
    return Call{CALL_CALL,
                cptr,
                chance(70) ? below(chance(50) ? 5 : 122) : message_info(),
                {junk(), 0, 0, 0}};
}

// Retypes of more objects than one step makes, and the room for them made free again.
std::optional<Lockstep::Call> Lockstep::large_call() {
    static const u32 TYPES[] = {CAP_ENDPOINT, CAP_REPLY,      CAP_SCHED_CONTEXT, CAP_CNODE,
                                CAP_TCB,      CAP_PAGE_TABLE, CAP_FRAME,         CAP_UNTYPED};
    if (below(1000) >= 12)
        return std::nullopt;
    bool device = chance(20);
    u64 parent = device ? u64{S_DEVICE} : other_cptr(O_BATCH);
    const model::Cap *c = model_.cap_at(*model_.cur, parent);
    if (c == nullptr || c->type != CAP_UNTYPED)
        return std::nullopt;
    u32 count =
        static_cast<u32>(chance(70) ? STEP + below(20) : STEP + 1 + below(RETYPE_MAX - STEP));
    if (chance(10))
        count = RETYPE_MAX;
    u64 slot = empty_run(count);
    if (slot == 0 || chance(10)) {
        if (!c->children.empty())
            return Call{CALL_CAP_REVOKE, parent, 0, {}};
        if (slot == 0 || chance(50))
            return Call{CALL_UNTYPED_RESET, parent, 0, {}};
    }
    u64 type = device ? u64{CAP_FRAME} : TYPES[below(8)];
    u64 size = type == CAP_CNODE ? 2 + below(20) : type == CAP_UNTYPED ? u64{PAGE_BYTES} : 0;
    if (chance(5))
        slot += slot < HALF ? 1 : HALF; // Perhaps one of them is taken.
    u64 page = device ? below(200) << 16 : 0;
    return Call{CALL_UNTYPED_RETYPE, parent, 0, {type, size, slot, count | page}};
}

// It takes one interrupt after the other; when none is left, all are given back.
std::optional<Lockstep::Call> Lockstep::filling_call() {
    if (!filling_ || chance(30))
        return std::nullopt;
    u64 control = cptr_where([](const model::Cap &c) { return c.type == CAP_IRQ_CONTROL; });
    u64 slot = empty_run(1);
    if (control == 0 || slot == 0)
        return std::nullopt;
    if (coverage_.ends[CALL_IRQ_GET][ERR_MEMORY] > 3) {
        filling_ = false;
        return Call{CALL_CAP_REVOKE, control, 0, {}};
    }
    return Call{CALL_IRQ_GET, control, 0, {slot, IRQ_MSI, 0, 0}};
}

// Has the running thread a call to answer?
static bool owes_answer(const model::Thread &t) {
    const model::Cap *r = t.slots[TCB_SLOT_REPLY].cap;
    if (r == nullptr)
        return false;
    const model::Thread *caller = static_cast<const model::Reply *>(r->object)->caller;
    return caller != nullptr && caller->state == STATE_REPLY;
}

u32 Lockstep::some_number() {
    static const u32 SWITCHES[] = {
        CALL_CALL,       CALL_SEND,        CALL_RECV,         CALL_REPLY_RECV, CALL_REPLY,
        CALL_SIGNAL,     CALL_WAIT,        CALL_YIELD,        CALL_CAP_DELETE, CALL_CAP_REVOKE,
        CALL_TCB_RESUME, CALL_TCB_SUSPEND, CALL_TCB_PRIORITY, CALL_TCB_CONTEXT};
    if (chance(25) && owes_answer(*model_.cur))
        return CALL_REPLY_RECV;
    if (before("").exhausted != nullptr && chance(50))
        return SWITCHES[below(std::size(SWITCHES))];
    static const std::discrete_distribution<u32> distribution(std::begin(WEIGHT), std::end(WEIGHT));
    auto pick = distribution;
    return pick(random_);
}

Lockstep::Call Lockstep::random_call() {
    if (chance(30))
        poke();
    for (auto rare : {&Lockstep::nested_call, &Lockstep::large_call, &Lockstep::filling_call})
        if (auto c = (this->*rare)())
            return *c;
    u32 number = some_number();
    u64 cptr = any_cptr();
    auto arguments = arguments_of(number, cptr);
    return {number, cptr, info_of(number), arguments};
}

} // namespace host
