// The generator of calls, and the core and the model in lock step.
// SPDX-License-Identifier: BSD-2-Clause
#include "test/core/lockstep.hpp"

#include <sstream>

namespace host {

namespace {

const char *const NAMES[CALL_COUNT] = {
    "call",        "reply_recv",   "send",       "nb_send",
    "recv",        "nb_recv",      "reply",      "signal",
    "wait",        "poll",         "yield",      "cap_copy",
    "cap_mint",    "cap_move",     "cap_swap",   "cap_delete",
    "cap_revoke",  "cap_info",     "retype",     "reset",
    "tcb_bind",    "tcb_priority", "tcb_resume", "tcb_suspend",
    "tcb_write",   "tcb_read",     "tcb_info",   "tcb_notification",
    "tcb_context", "tcb_vector",   "tcb_denial", "sc_configure",
    "frame_map",   "frame_unmap",  "frame_info", "table_map",
    "table_unmap", "irq_get",      "irq_bind",   "irq_ack",
    "port_in",     "port_out",     "trace"};

// How often each call is tried, in the order of their numbers.
constexpr unsigned WEIGHT[CALL_COUNT] = {90, 90, 30, 20, 60, 20, 25, 30, 20, 15, 10, 25, 25, 12, 8,
                                         16, 2,  6,  30, 3,  25, 8,  20, 4,  6,  4,  4,  10, 14, 2,
                                         3,  12, 14, 6,  4,  12, 5,  4,  6,  6,  3,  3,  1};

enum { SLOTS = 96, THREADS = 7 }; // Of the root CNode; threads besides the first.

// Slots that set_up fills.
enum {
    S_CNODE = 1,
    S_TCB,
    S_VSPACE,
    S_BUFFER,
    S_CONTEXT,
    S_REPLY,
    S_SCHED,
    S_IRQ,
    S_PORT,
    S_TRACE,
    S_POOL,
    S_DEVICE,
    S_THREAD = 16, // THREADS of each of the following.
    S_THREAD_REPLY = S_THREAD + THREADS,
    S_THREAD_CONTEXT = S_THREAD_REPLY + THREADS,
    S_THREAD_BUFFER = S_THREAD_CONTEXT + THREADS,
    S_ENDPOINT = S_THREAD_BUFFER + THREADS, // 3, and badged ones
    S_NOTIFICATION = S_ENDPOINT + 6,        // 2, and badged ones
    S_SPACE = S_NOTIFICATION + 4,
    S_TABLE,               // 4
    S_FRAME = S_TABLE + 4, // 3
    S_INNER = S_FRAME + 3, // A CNode, and one that is the CSpace of the last threads.
    S_OTHER,
    S_CHILD, // Untyped.
    S_END
};
static_assert(S_END < SLOTS - 8);

constexpr u64 HALF = 1ull << 32;
constexpr u64 CLOCK_LIMIT = 1ull << 47; // abi/types.h
constexpr u32 MODEL_ARGUMENT[4] = {model::RDX, model::R10, model::R8, model::R9};
constexpr u32 CORE_ARGUMENT[4] = {R_RDX, R_R10, R_R8, R_R9};

} // namespace

Lockstep::Lockstep(u64 seed, u64 stride) : stride_(stride), random_(seed), core_(seed * 2 + 1) {
    boot();
    set_up();
}

void Lockstep::note(const std::string &text) {
    trace_.push_back(text);
    if (trace_.size() > 40)
        trace_.pop_front();
}

std::string Lockstep::trace() const {
    std::string all;
    for (auto &line : trace_)
        all += line + "\n";
    return all;
}

void Lockstep::fail(const std::string &what) const {
    throw Mismatch("entry " + std::to_string(entries_) + ": " + what);
}

// --- Boot.

void Lockstep::give(u32 slot, model::Slot &model_slot, u32 type, u32 object, u64 data,
                    model::Cap c) {
    capability_new(CDT_HEAD, slot, type, RIGHT_ALL, object, data);
    c.type = static_cast<cap_type_t>(type);
    c.rights = RIGHT_ALL;
    c.data = type == CAP_FRAME ? 0 : data;
    model_.give(model_.root, model_slot, std::move(c));
}

void Lockstep::boot() {
    using namespace model;
    auto adopt = [this](auto object) -> auto & {
        return model_.adopt(std::move(object));
    };
    u32 n = core_.place(CAP_CNODE, SLOTS), t = core_.place(CAP_TCB), v = core_.place(CAP_VSPACE);
    u32 sc = core_.place(CAP_SCHED_CONTEXT), r = core_.place(CAP_REPLY);
    u32 page = core_.place(CAP_FRAME, FRAME_4K);
    auto &cnode = adopt(std::make_unique<CNode>(n, 0, SLOTS));
    cnode.bytes = 0;
    auto &root = adopt(std::make_unique<Thread>(t, 0));
    root.bytes = 0;
    auto &space = adopt(std::make_unique<Table>(CAP_VSPACE, v, table_address(v)));
    space.level = 4;
    auto &context = adopt(std::make_unique<Context>(sc, 0));
    auto &reply = adopt(std::make_unique<Reply>(r, 0));
    context.bytes = reply.bytes = space.bytes = 0;
    auto &pool = adopt(std::make_unique<Untyped>(POOL_UNTYPED, 0, 0, POOL_BASE, RAM_END, false));
    auto &device =
        adopt(std::make_unique<Untyped>(DEVICE_UNTYPED, 0, 0, DEVICE_BASE, DEVICE_END, true));
    struct Boot {
        u32 slot, type, object;
        u64 data;
        Object *model;
    };
    const Boot list[] = {
        {S_CNODE, CAP_CNODE, n, SLOTS, &cnode},
        {S_TCB, CAP_TCB, t, 0, &root},
        {S_VSPACE, CAP_VSPACE, v, 0, &space},
        {S_BUFFER, CAP_FRAME, page, 0, nullptr},
        {S_CONTEXT, CAP_SCHED_CONTEXT, sc, 0, &context},
        {S_REPLY, CAP_REPLY, r, 0, &reply},
        {S_SCHED, CAP_SCHED_CONTROL, 0, 0, nullptr},
        {S_IRQ, CAP_IRQ_CONTROL, 0, 0, nullptr},
        {S_PORT, CAP_IO_PORT, 0, 0xffffull << 16, nullptr},
        {S_TRACE, CAP_TRACE_CONTROL, 0, 0, nullptr},
        {S_POOL, CAP_UNTYPED, POOL_UNTYPED, RAM_END - POOL_BASE, &pool},
        {S_DEVICE, CAP_UNTYPED, DEVICE_UNTYPED, DEVICE_END - DEVICE_BASE, &device}};
    for (auto &b : list) {
        Cap c;
        c.object = b.model;
        c.page = b.type == CAP_FRAME ? page : 0;
        give(n + 4 * b.slot, cnode.slots[b.slot], b.type, b.object, b.data, std::move(c));
    }
    const u32 bound[][2] = {{TCB_SLOT_CSPACE, S_CNODE},
                            {TCB_SLOT_VSPACE, S_VSPACE},
                            {TCB_SLOT_REPLY, S_REPLY},
                            {TCB_SLOT_BUFFER, S_BUFFER}};
    for (auto [k, s] : bound) {
        capability_bind(n + 4 * s, TCB_SLOT_INDEX(t, k));
        model_.bind(*cnode.slots[s].cap, root.slots[k]);
    }
    TCB(t).cr3 = root.space = table_address(v);
    TCB(t).priority = TCB(t).priority_max = 255;
    root.priority = root.priority_max = 255;
    root.set(model::RFLAGS, 0x202);
    sc_init(sc, 10000, 10000, 0);
    context.budget = context.period = context.remaining = 10000;
    TCB(t).sc = sc;
    SC(sc).tcb = t;
    Model::give_context(root, context);
    core_.start(t);
    model_.start(root);
    root_ = &root;
    check();
}

// A call of the set-up: it has to succeed.
void Lockstep::must(u32 number, u64 cptr, std::initializer_list<u64> arguments) {
    std::array<u64, 4> a{};
    std::copy(arguments.begin(), arguments.end(), a.begin());
    call(number, cptr, 0, a);
    while (core_.restarts())
        enter(static_cast<u32>(core_.rax), TCB(core_.current()).r[R_RDI],
              TCB(core_.current()).r[R_RSI]);
    if (core_.rax != OK)
        fail("set-up call " + std::string(NAMES[number]) + " failed: " + std::to_string(core_.rax));
}

void Lockstep::set_up() {
    auto make = [this](u32 type, u64 size, u32 slot, u64 count) {
        must(CALL_UNTYPED_RETYPE, S_POOL, {type, size, slot, count});
    };
    make(CAP_TCB, 0, S_THREAD, THREADS);
    make(CAP_REPLY, 0, S_THREAD_REPLY, THREADS);
    make(CAP_SCHED_CONTEXT, 0, S_THREAD_CONTEXT, THREADS);
    make(CAP_FRAME, FRAME_4K, S_THREAD_BUFFER, THREADS);
    make(CAP_ENDPOINT, 0, S_ENDPOINT, 3);
    make(CAP_NOTIFICATION, 0, S_NOTIFICATION, 2);
    make(CAP_VSPACE, 0, S_SPACE, 1);
    make(CAP_PAGE_TABLE, 0, S_TABLE, 4);
    make(CAP_FRAME, FRAME_4K, S_FRAME, 3);
    make(CAP_CNODE, 16, S_INNER, 1);
    make(CAP_CNODE, 48, S_OTHER, 1);
    make(CAP_UNTYPED, 0x40000, S_CHILD, 1);
    for (u32 i = 0; i < 3; i++)
        must(CALL_CAP_MINT, S_ENDPOINT + i, {S_ENDPOINT + 3 + i, RIGHT_ALL, 100 + i});
    for (u32 i = 0; i < 2; i++)
        must(CALL_CAP_MINT, S_NOTIFICATION + i, {S_NOTIFICATION + 2 + i, RIGHT_ALL, 1ull << i});
    for (u32 i = 0; i < THREADS; i++) {
        u64 t = S_THREAD + i;
        must(CALL_TCB_BIND, t, {TCB_SLOT_CSPACE, i < 5 ? u64{S_CNODE} : u64{S_OTHER}});
        must(CALL_TCB_BIND, t, {TCB_SLOT_VSPACE, i % 2 != 0 ? u64{S_SPACE} : u64{S_VSPACE}});
        must(CALL_TCB_BIND, t, {TCB_SLOT_REPLY, S_THREAD_REPLY + i});
        must(CALL_TCB_BIND, t, {TCB_SLOT_BUFFER, S_THREAD_BUFFER + i});
        if (i % 3 == 0)
            must(CALL_TCB_BIND, t, {TCB_SLOT_FAULT, S_ENDPOINT + below(6)});
        if (i % 3 == 1)
            must(CALL_TCB_BIND, t, {TCB_SLOT_TIMEOUT, S_ENDPOINT + below(6)});
        u64 budget = 50 + below(1000);
        must(CALL_SC_CONFIGURE, S_SCHED,
             {S_THREAD_CONTEXT + i, budget, chance(30) ? budget : budget * (2 + below(4))});
        must(CALL_TCB_PRIORITY, t, {20 + below(6), 30});
        if (i % 4 != 3) // The others are passive servers.
            must(CALL_TCB_CONTEXT, t, {S_THREAD_CONTEXT + i});
        must(CALL_TCB_RESUME, t, {});
    }
    must(CALL_TCB_NOTIFICATION, S_THREAD, {S_NOTIFICATION});
    must(CALL_TCB_NOTIFICATION, S_THREAD + 3, {S_NOTIFICATION + 1});
    for (u32 s = 0; s < 40; s++) { // The other CSpace holds copies.
        static const u32 FROM[] = {S_THREAD + 1,         S_FRAME, S_VSPACE, S_THREAD_REPLY,
                                   S_THREAD_CONTEXT + 2, S_PORT,  S_TRACE,  S_THREAD + 3};
        u32 from = s < 24 ? S_ENDPOINT + s % 6 : s < 30 ? S_NOTIFICATION + s % 4 : FROM[s % 8];
        must(CALL_CAP_COPY, from, {S_OTHER | (1 + s) * HALF, RIGHT_ALL});
    }
    for (u32 i = 0; i < 3; i++) // Levels 3, 2 and 1 below address 0; the fourth is left over.
        must(CALL_TABLE_MAP, S_TABLE + i, {S_VSPACE, 0});
    must(CALL_TCB_PRIORITY, S_TCB, {chance(50) ? u64{22} : u64{10}, 40});
}

// --- Entries into both worlds.

void Lockstep::check() {
    bool all = stride_ == 1 || entries_ % (stride_ * 16) == 0;
    std::string d = difference(core_, model_, all);
    if (d.empty() && all)
        d = broken_invariant();
    if (!d.empty())
        fail(d);
}

void Lockstep::enter(u32 number, u64 cptr, u64 info) {
    u32 caller = core_.current();
    std::ostringstream out;
    out << std::hex << entries_ << " @" << g_host.clock << " " << caller << "/"
        << +TCB(caller).priority << ": " << NAMES[number] << "(" << cptr << ", " << info;
    for (u32 a : CORE_ARGUMENT)
        out << ", " << TCB(caller).r[a];
    note(out.str() + ")");
    u32 destination = number == CALL_IRQ_GET ? cspace_destination(caller, TCB(caller).r[R_RDX]) : 0;
    TCB(caller).r[R_RIP] = SYSCALL + 2;
    model_.cur->set(model::RIP, SYSCALL + 2);
    core_.enter(number, cptr, info);
    model::Choice choice;
    if (destination != 0 && SLOT(destination).type == CAP_IRQ_HANDLER)
        choice.irq = (SLOT(destination).object - IRQ_BASE) / 8;
    u64 rax = model_.call(number, cptr, info, choice);
    entries_++;
    u32 next = model_.cur == nullptr ? 0 : model_.cur->id;
    trace_.back() += " -> " + std::to_string(rax);
    if (core_.current() != next)
        fail("next thread: core " + std::to_string(core_.current()) + ", model " +
             std::to_string(next));
    if (next == caller) {
        if (core_.rax != rax)
            fail("result: core " + std::to_string(core_.rax) + ", model " + std::to_string(rax));
        if (rax < ERR_COUNT && !core_.restarts())
            outcomes[number][rax]++;
    } else if (next != 0 && core_.rax != model_.cur->result) {
        fail("result after the switch: core " + std::to_string(core_.rax) + ", model " +
             std::to_string(model_.cur->result));
    } else {
        outcomes[number][OK]++;
    }
    if (number == CALL_TCB_READ && rax == OK)
        adopt_registers(cptr);
    if (entries_ % stride_ == 0)
        check();
}

// What CALL_TCB_READ shows of registers that the specification leaves open.
void Lockstep::adopt_registers(u64 cptr) {
    auto *t = static_cast<model::Thread *>(model_.cap_at(*model_.cur, cptr)->object);
    u32 page = *model_.buffer(*model_.cur);
    for (unsigned i = 0; i < REGS_WORDS; i++)
        if (i != model::RAX && (t->known >> i & 1) == 0)
            model_.pages[page][i] = BUFFER(page).word[i];
}

void Lockstep::call(u32 number, u64 cptr, u64 info, const std::array<u64, 4> &arguments) {
    for (unsigned i = 0; i < 4; i++) {
        TCB(core_.current()).r[CORE_ARGUMENT[i]] = arguments[i];
        model_.cur->set(MODEL_ARGUMENT[i], arguments[i]);
    }
    u64 rsp = 0x7000 + entries_ * 16;
    TCB(core_.current()).r[R_RSP] = rsp;
    model_.cur->set(model::RSP, rsp);
    enter(number, cptr, info);
}

// The arch layer saves the registers of the running thread between two instructions.
void Lockstep::stop_running() {
    if (model_.cur != nullptr)
        model_.cur->result = core_.rax;
}

void Lockstep::after_event(const char *what) {
    entries_++;
    u32 next = model_.cur == nullptr ? 0 : model_.cur->id;
    if (core_.current() != next)
        fail(std::string("next thread after ") + what + ": core " +
             std::to_string(core_.current()) + ", model " + std::to_string(next));
    if (next != 0 && core_.rax != model_.cur->result)
        fail(std::string("result after ") + what);
    if (entries_ % stride_ == 0)
        check();
}

static size_t timers_left(const model::Model &m) {
    size_t left = 0;
    for (auto &[id, o] : m.objects) {
        u32 n = o->type == CAP_TCB ? id + TCB_TIMER : id + SC_TIMER;
        if ((o->type == CAP_TCB || o->type == CAP_SCHED_CONTEXT) && wheel_has(n) &&
            TIMER(n).due <= g_host.clock)
            left++;
    }
    return left;
}

void Lockstep::timer() {
    std::ostringstream out;
    out << std::hex << entries_ << " @" << g_host.clock << " timer";
    note(out.str());
    stop_running();
    core_.timer();
    model_.timer(timers_left(model_));
    after_event("timer");
}

void Lockstep::interrupt() {
    u32 irq = static_cast<u32>(chance(90) ? IRQ_COUNT - 1 - below(4) : below(IRQ_COUNT));
    note(std::to_string(entries_) + " interrupt " + std::to_string(irq));
    stop_running();
    core_.interrupt(irq);
    model_.interrupt(irq);
    after_event("interrupt");
}

void Lockstep::fault() {
    u64 w1 = junk(), w2 = below(32);
    auto kind = static_cast<fault_t>(1 + below(3));
    note(std::to_string(entries_) + " fault " + std::to_string(kind));
    stop_running();
    core_.fault(kind, w1, w2);
    model_.fault(kind, w1, w2);
    after_event("fault");
}

// The clock moves on; the timer interrupt comes on time, or a little late.
void Lockstep::pass_time() {
    u64 ticks = chance(90) ? below(20) : chance(80) ? below(2000) : 1ull << below(34);
    if (core_.current() == 0 && g_host.alarm > g_host.clock && g_host.alarm != ~0ull)
        ticks = std::min<u64>(g_host.alarm - g_host.clock, 1ull << 40); // Idle: sleep until then.
    if (g_host.clock + ticks >= CLOCK_LIMIT)
        ticks = 0;
    u64 end = g_host.clock + ticks;
    for (int i = 0; i < 64 && g_host.alarm <= end; i++) {
        g_host.clock = std::max(g_host.clock, g_host.alarm + below(3));
        model_.now = g_host.clock;
        timer();
        end = std::max(end, g_host.clock);
        if (chance(20))
            break;
    }
    g_host.clock = end;
    model_.now = end;
}

// The running thread writes into its IPC buffer.
void Lockstep::poke() {
    auto page = model_.buffer(*model_.cur);
    if (!page)
        return;
    auto write = [&](u64 i, u64 value) {
        BUFFER(*page).word[i] = value;
        model_.pages[*page][i] = value;
    };
    for (u64 n = below(8); n > 0; n--)
        write(below(BUFFER_CAP_SEND), junk());
    write(BUFFER_CAP_SEND, any_cptr());
    write(BUFFER_CAP_RECV, chance(80) ? empty_cptr() : any_cptr());
    write(BUFFER_TIMEOUT, some_ticks());
}

// --- The generator.

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
        return S_OTHER + below(50) * HALF;
    default:
        return below(SLOTS + 2);
    }
}

u64 Lockstep::empty_cptr() {
    for (int i = 0; i < 12; i++) {
        u64 c = chance(80)   ? 1 + below(SLOTS)
                : chance(50) ? S_INNER + (1 + below(15)) * HALF
                             : S_OTHER + (1 + below(47)) * HALF;
        model::Slot *s = model_.slot_at(*model_.cur, c);
        if (s != nullptr && s->cap == nullptr)
            return c;
    }
    return any_cptr();
}

// Mostly a capability of this type.
u64 Lockstep::cptr_of(u32 type) {
    if (chance(6))
        return any_cptr();
    const model::Cap *space = model_.cur->slots[TCB_SLOT_CSPACE].cap;
    if (space == nullptr)
        return any_cptr();
    u64 found[SLOTS];
    size_t n = 0;
    auto &slots = static_cast<model::CNode *>(space->object)->slots;
    for (size_t i = 1; i < slots.size() && n < SLOTS; i++)
        if (slots[i].cap != nullptr && slots[i].cap->type == type)
            found[n++] = i;
    return n == 0 ? any_cptr() : found[below(n)];
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
        count |= below(260) << 16;
    }
    return {type, size, empty_cptr(), count};
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
        if (cptr <= S_DEVICE && chance(97)) // What the machine cannot do without.
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
        return {k, chance(10) ? 0 : cptr_of(TYPE[k]), 0, 0};
    }
    case CALL_TCB_PRIORITY:
        cptr = cptr_of(CAP_TCB);
        return {chance(90) ? 18 + below(8) : below(300), chance(90) ? 25 + below(8) : below(300), 0,
                0};
    case CALL_TCB_NOTIFICATION:
        cptr = cptr_of(CAP_TCB);
        return {chance(30) ? 0 : cptr_of(CAP_NOTIFICATION), 0, 0, 0};
    case CALL_TCB_CONTEXT:
        cptr = cptr_of(CAP_TCB);
        if (auto *c = model_.cap_at(*model_.cur, cptr); c != nullptr && c->type == CAP_TCB) {
            auto &t = static_cast<const model::Thread &>(*c->object);
            if (t.state == STATE_RECV && chance(60)) // A passive server.
                return {0, 0, 0, 0};
        }
        return {chance(10) ? 0 : cptr_of(CAP_SCHED_CONTEXT), 0, 0, 0};
    case CALL_TCB_RESUME:
    case CALL_TCB_SUSPEND:
    case CALL_TCB_READ:
    case CALL_TCB_WRITE:
    case CALL_TCB_INFO:
    case CALL_TCB_VECTOR:
    case CALL_TCB_DENIAL:
        cptr = cptr_of(CAP_TCB);
        return {below(3), 0, 0, 0};
    case CALL_SC_CONFIGURE: {
        cptr = cptr_of(CAP_SCHED_CONTROL);
        u64 budget = chance(90) ? 16 + below(2000) : junk();
        return {cptr_of(CAP_SCHED_CONTEXT), budget, chance(30) ? budget : budget * (1 + below(6)),
                0};
    }
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
        return {empty_cptr(),
                chance(70)   ? below(6) | (below(4) << 8)
                : chance(50) ? u64{IRQ_MSI}
                             : junk(),
                0, 0};
    case CALL_IRQ_BIND:
        cptr = cptr_of(CAP_IRQ_HANDLER);
        return {cptr_of(CAP_NOTIFICATION), 0, 0, 0};
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

void Lockstep::random_call() {
    static const std::discrete_distribution<u32> distribution(std::begin(WEIGHT), std::end(WEIGHT));
    auto pick = distribution;
    u32 number = pick(random_);
    if (const model::Cap *r = model_.cur->slots[TCB_SLOT_REPLY].cap; r != nullptr && chance(25))
        if (auto *caller = static_cast<const model::Reply *>(r->object)->caller; caller != nullptr)
            number = caller->state == STATE_REPLY ? u32{CALL_REPLY_RECV} : number;
    u64 cptr = any_cptr();
    auto arguments = arguments_of(number, cptr);
    u64 info = number <= CALL_POLL ? message_info() : 0;
    if (chance(30))
        poke();
    call(number, cptr, info, arguments);
}

bool Lockstep::step() {
    if (core_.current() == 0) {
        bool over = g_host.alarm == ~0ull || g_host.clock + (1ull << 40) >= CLOCK_LIMIT;
        if (over && below(200) == 0)
            return false; // Nobody can run, and no time will change that.
        if (chance(50))
            interrupt();
        else
            pass_time();
        return true;
    }
    u64 kind = below(100);
    if (kind < 30)
        pass_time();
    else if (kind < 34)
        interrupt();
    else if (kind < 36 && model_.cur != root_)
        fault();
    if (core_.current() == 0)
        return true;
    if (core_.restarts())
        enter(static_cast<u32>(core_.rax), TCB(core_.current()).r[R_RDI],
              TCB(core_.current()).r[R_RSI]);
    else
        random_call();
    return true;
}

void Lockstep::run(u64 steps) {
    for (u64 i = 0; i < steps; i++)
        if (!step())
            return;
}

} // namespace host
