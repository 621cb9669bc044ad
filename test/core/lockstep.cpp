// The core and the model in lock step: boot, entries into both, the passing of time.
// SPDX-License-Identifier: BSD-2-Clause
#include "test/core/lockstep.hpp"

#include <sstream>

namespace host {

namespace {

constexpr u64 CLOCK_LIMIT = 1ull << 57; // Cycles: abi/types.h
constexpr u32 MODEL_ARGUMENT[4] = {model::RDX, model::R10, model::R8, model::R9};
constexpr u32 CORE_ARGUMENT[4] = {R_RDX, R_R10, R_R8, R_R9};
constexpr u64 SMALLEST_BUDGET = 16 * TICK; // sched_context.h

// Entries that can take the processor from a thread, whose budget may turn out to be used up.
const char *const SWITCHES[] = {"call",   "reply_recv", "send",      "recv",       "reply",
                                "signal", "wait",       "yield",     "cap_delete", "tcb_resume",
                                "fault",  "timer",      "interrupt", "tcb_suspend"};

} // namespace

Coverage::Coverage() {
    for (const char *s :
         {"loans two deep", "loans three deep", "loans four deep", "more than four timers due",
          "timers left to the next interrupt", "retype of more objects than one step makes",
          "retype of 256 objects", "interrupt later than a whole budget", "clock near its limit"})
        situations[s] = 0;
    for (const char *s : SWITCHES)
        situations[std::string("exhausted at ") + s] = 0;
}

void Coverage::add(const Coverage &other) {
    for (u32 c = 0; c < CALL_COUNT; c++)
        for (u32 e = 0; e < ERR_COUNT; e++)
            ends[c][e] += other.ends[c][e];
    for (auto &[what, count] : other.situations)
        situations[what] += count;
}

Lockstep::Lockstep(u64 seed, u64 stride) : stride_(stride), random_(seed), core_(seed * 2 + 1) {
    if (chance(75)) // The machine has been on for a while.
        g_host.clock = chance(90) ? below(CLOCK_LIMIT - (1ull << 50)) : CLOCK_LIMIT - (1ull << 32);
    model_.now = g_host.clock;
    filling_ = chance(12);
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
    sc_init(sc, 10000 * TICK, 10000 * TICK, g_host.clock);
    context.last = model_.now;
    context.budget = context.period = context.remaining = 10000 * TICK;
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
        fail("set-up call " + std::string(model::CALLS[number].name) +
             " failed: " + std::to_string(core_.rax));
}

void Lockstep::set_up() {
    auto make = [this](u32 type, u64 size, u64 slot, u64 count) {
        must(CALL_UNTYPED_RETYPE, S_POOL, {type, size, slot, count});
    };
    make(CAP_TCB, 0, S_THREAD, THREADS);
    make(CAP_REPLY, 0, S_THREAD_REPLY, THREADS);
    make(CAP_SCHED_CONTEXT, 0, S_THREAD_CONTEXT, THREADS);
    make(CAP_FRAME, FRAME_4K, S_THREAD_BUFFER, THREADS);
    make(CAP_ENDPOINT, 0, S_ENDPOINT, ENDPOINTS);
    make(CAP_NOTIFICATION, 0, S_NOTIFICATION, 2);
    make(CAP_VSPACE, 0, S_SPACE, 1);
    make(CAP_PAGE_TABLE, 0, S_TABLE, 4);
    make(CAP_FRAME, FRAME_4K, S_FRAME, 3);
    make(CAP_CNODE, 16, S_INNER, 1);
    make(CAP_CNODE, O_SLOTS, S_OTHER, 1);
    make(CAP_UNTYPED, 0x40000, S_CHILD, 1);
    make(CAP_UNTYPED, 0x300000, S_OTHER | O_BATCH * HALF, 1);
    for (u32 i = 0; i < ENDPOINTS; i++)
        must(CALL_CAP_MINT, S_ENDPOINT + i, {S_ENDPOINT + ENDPOINTS + i, RIGHT_ALL, 100 + i});
    for (u32 i = 0; i < 2; i++)
        must(CALL_CAP_MINT, S_NOTIFICATION + i, {S_NOTIFICATION + 2 + i, RIGHT_ALL, 1ull << i});
    for (u32 s = 1; s < O_COPIES; s++) {
        static const u32 FROM[] = {S_THREAD + 1,         S_FRAME, S_VSPACE, S_THREAD_REPLY,
                                   S_THREAD_CONTEXT + 2, S_PORT,  S_TRACE,  S_THREAD + 3};
        u32 from = s < 28   ? S_ENDPOINT + s % (2 * ENDPOINTS)
                   : s < 33 ? S_NOTIFICATION + s % 4
                            : FROM[s % 8];
        must(CALL_CAP_COPY, from, {S_OTHER | s * HALF, RIGHT_ALL});
    }
    for (u32 i = 0; i < THREADS; i++)
        set_up_thread(i);
    for (u32 i = PASSIVE; i < THREADS; i++)
        set_up_passive(i);
    for (u32 i = 0; i < 2; i++) {
        must(CALL_IRQ_GET, S_IRQ, {S_LINE + i, i == 0 ? u64{1} : u64{IRQ_MSI}});
        must(CALL_IRQ_BIND, S_LINE + i, {S_NOTIFICATION + 2 + i});
    }
    must(CALL_TCB_NOTIFICATION, S_THREAD, {S_NOTIFICATION});
    must(CALL_TCB_NOTIFICATION, S_THREAD + (chance(50) ? 3 : PASSIVE), {S_NOTIFICATION + 1});
    for (u32 i = 0; i < 3; i++) // Levels 3, 2 and 1 below address 0; the fourth is left over.
        must(CALL_TABLE_MAP, S_TABLE + i, {S_VSPACE, 0});
    must(CALL_TCB_PRIORITY, S_TCB, {chance(50) ? u64{22} : u64{10}, 40});
}

void Lockstep::set_up_thread(u32 i) {
    u64 t = S_THREAD + i;
    must(CALL_TCB_BIND, t, {TCB_SLOT_CSPACE, i % 5 != 0 || i == 0 ? u64{S_CNODE} : u64{S_OTHER}});
    must(CALL_TCB_BIND, t, {TCB_SLOT_VSPACE, i % 2 != 0 ? u64{S_SPACE} : u64{S_VSPACE}});
    must(CALL_TCB_BIND, t, {TCB_SLOT_REPLY, S_THREAD_REPLY + i});
    must(CALL_TCB_BIND, t, {TCB_SLOT_BUFFER, S_THREAD_BUFFER + i});
    if (i % 3 == 0)
        must(CALL_TCB_BIND, t, {TCB_SLOT_FAULT, S_ENDPOINT + below(2 * ENDPOINTS)});
    if (i % 3 == 1)
        must(CALL_TCB_BIND, t, {TCB_SLOT_TIMEOUT, S_ENDPOINT + below(2 * ENDPOINTS)});
    u64 budget = 50 + below(1000);
    must(CALL_SC_CONFIGURE, S_SCHED,
         {S_THREAD_CONTEXT + i, budget, chance(30) ? budget : budget * (2 + below(4))});
    must(CALL_TCB_PRIORITY, t, {20 + below(6), 30});
    must(CALL_TCB_CONTEXT, t, {S_THREAD_CONTEXT + i});
    if (i < PASSIVE)
        must(CALL_TCB_RESUME, t, {});
}

// It runs as far as its first RECV, and has its context no more.
void Lockstep::set_up_passive(u32 i) {
    u64 t = S_THREAD + i, endpoint = S_ENDPOINT + 3 + i - PASSIVE;
    must(CALL_TCB_PRIORITY, t, {255, 255});
    must(CALL_TCB_RESUME, t, {});
    call(CALL_YIELD, 0, 0, {});
    if (const auto *own = space(); own->slots.size() == O_SLOTS)
        endpoint = 3 + i - PASSIVE;
    call(CALL_RECV, endpoint, 0, {});
    must(CALL_TCB_CONTEXT, t, {0});
    must(CALL_TCB_PRIORITY, t, {20 + below(6), 30});
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

Lockstep::Before Lockstep::before(const char *what) const {
    const model::Context *c = model_.run_context;
    bool finite = c != nullptr && c->budget != c->period;
    bool gone = finite && c->last + c->remaining < model_.now + SMALLEST_BUDGET;
    return {what, gone ? c : nullptr};
}

// Both worlds have done the entry.
void Lockstep::after(const Before &b) {
    entries_++;
    u32 next = model_.cur == nullptr ? 0 : model_.cur->id;
    if (core_.current() != next)
        fail(std::string("next thread after ") + b.what + ": core " +
             std::to_string(core_.current()) + ", model " + std::to_string(next));
    const model::Context *c = model_.run_context;
    if (b.exhausted != nullptr && c != b.exhausted)
        coverage_.situations[std::string("exhausted at ") + b.what]++;
    size_t loans = c == nullptr ? 0 : c->loans.size();
    coverage_.situations["loans two deep"] += loans == 2;
    coverage_.situations["loans three deep"] += loans == 3;
    coverage_.situations["loans four deep"] += loans >= 4;
    auto left = calls_.find(next);
    if (next == 0 || left == calls_.end())
        return;
    if (!core_.restarts())
        ended(left->second, core_.rax);
    calls_.erase(left);
}

void Lockstep::ended(u32 number, u64 error) {
    if (error >= ERR_COUNT || (model::CALLS[number].ends >> error & 1) == 0)
        fail(std::string(model::CALLS[number].name) + " ends with " + std::to_string(error));
    coverage_.ends[number][error]++;
}

void Lockstep::enter(u32 number, u64 cptr, u64 info) {
    u32 caller = core_.current();
    std::ostringstream out;
    out << std::hex << entries_ << " @" << g_host.clock << " " << caller << "/"
        << +TCB(caller).priority << ": " << model::CALLS[number].name << "(" << cptr << ", "
        << info;
    for (u32 a : CORE_ARGUMENT)
        out << ", " << TCB(caller).r[a];
    note(out.str() + ")");
    u32 destination = number == CALL_IRQ_GET ? cspace_destination(caller, TCB(caller).r[R_RDX]) : 0;
    TCB(caller).r[R_RIP] = SYSCALL + 2;
    model_.cur->set(model::RIP, SYSCALL + 2);
    Before b = before(model::CALLS[number].name);
    u64 many = number == CALL_UNTYPED_RETYPE && TCB(caller).begun == number
                   ? TCB(caller).r[R_R9] % 0x10000
                   : 0;
    core_.enter(number, cptr, info);
    model::Choice choice;
    if (destination != 0 && SLOT(destination).type == CAP_IRQ_HANDLER)
        choice.irq = (SLOT(destination).object - IRQ_BASE) / 8;
    u64 rax = model_.call(number, cptr, info, choice);
    trace_.back() += " -> " + std::to_string(rax);
    u32 next = core_.current();
    if (next != caller)
        calls_[caller] = number;
    after(b);
    if (next == caller && core_.rax != rax)
        fail("result: core " + std::to_string(core_.rax) + ", model " + std::to_string(rax));
    if (next != caller && next != 0 && core_.rax != model_.cur->result)
        fail("result after the switch: core " + std::to_string(core_.rax) + ", model " +
             std::to_string(model_.cur->result));
    if (next == caller && !core_.restarts())
        ended(number, rax);
    coverage_.situations["retype of more objects than one step makes"] += many > 32;
    coverage_.situations["retype of 256 objects"] += many == RETYPE_MAX;
    if (number == CALL_TCB_READ && rax == OK)
        adopt_registers(cptr);
    if (number == CALL_TCB_WRITE && rax == OK) // What it was doing is forgotten.
        calls_.erase(model_.cap_at(*model_.cur, cptr)->object->id);
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

void Lockstep::after_event(const Before &b) {
    after(b);
    if (model_.cur != nullptr && core_.rax != model_.cur->result)
        fail(std::string("result after ") + b.what);
    if (entries_ % stride_ == 0)
        check();
}

static size_t timers_left(const model::Model &m) {
    size_t left = 0;
    for (auto &[id, o] : m.objects) {
        u32 n = o->type == CAP_TCB ? id + TCB_TIMER : id + SC_TIMER;
        if ((o->type == CAP_TCB || o->type == CAP_SCHED_CONTEXT) && wheel_has(n) &&
            TIMER(n).due <= g_host.clock / TICK)
            left++;
    }
    return left;
}

// Where a timer is on the wheel. Of those that are due together the one on the lower level expires first, also when it
// came later: it was inserted while the others had not yet moved down.
static u64 place_on_wheel(const model::Timer &t) {
    u32 n = t.thread != nullptr ? t.thread->id + TCB_TIMER : t.context->id + SC_TIMER;
    u64 before = 0;
    for (u32 m = WHEEL.queue[TIMER(n).queue].head; m != n && m != 0; m = TIMER(m).next)
        before++;
    return u64{TIMER(n).queue} / 64 << 32 | before;
}

void Lockstep::timer() {
    std::ostringstream out;
    out << std::hex << entries_ << " @" << g_host.clock << " timer";
    note(out.str());
    Before b = before("timer");
    model_.order_ties(place_on_wheel);
    size_t due = model_.timers_due();
    stop_running();
    core_.timer();
    size_t left = timers_left(model_);
    model_.timer(left);
    coverage_.situations["more than four timers due"] += due > 4;
    coverage_.situations["timers left to the next interrupt"] += left > 0;
    after_event(b);
}

void Lockstep::interrupt() {
    u32 irq = some_irq();
    note(std::to_string(entries_) + " interrupt " + std::to_string(irq));
    Before b = before("interrupt");
    stop_running();
    core_.interrupt(irq);
    model_.interrupt(irq);
    after_event(b);
}

void Lockstep::fault() {
    u64 w1 = junk(), w2 = below(32);
    auto kind = static_cast<fault_t>(1 + below(3));
    if (kind == FAULT_CALL)
        w1 = std::max<u64>(w1, CALL_COUNT);
    note(std::to_string(entries_) + " fault " + std::to_string(kind));
    Before b = before("fault");
    stop_running();
    core_.fault(kind, w1, w2);
    model_.fault(kind, w1, w2);
    after_event(b);
}

// --- The passing of time.

// Mostly less than a budget, seldom years.
u64 Lockstep::some_pause() {
    if (chance(90))
        return below(20 * TICK);
    return chance(70) ? below(2000 * TICK) : 1ull << below(54);
}

// The clock moves on to `end`, and the timer interrupt comes on time, or a little late. A timer makes
// no more steps in its life than one interrupt serves: so all that are due are done after as many
// interrupts as there were timers, and one or two more.
void Lockstep::ring(u64 end) {
    u64 most = 0;
    for (u64 i = 0; g_host.alarm <= end; i++) {
        if (g_host.alarm > g_host.clock) {
            g_host.clock = g_host.alarm + below(3 * TICK);
            i = 0;
        }
        if (i == 0)
            most = model_.timers.size() + 2;
        model_.now = g_host.clock;
        if (i > most)
            fail("the timer interrupt comes again and again");
        timer();
        end = std::max(end, g_host.clock);
        if (chance(2))
            break;
    }
    g_host.clock = model_.now = end;
}

void Lockstep::pass_time() {
    u64 cycles = some_pause();
    if (core_.current() == 0 && g_host.alarm > g_host.clock && g_host.alarm != CLOCK_NEVER)
        cycles = std::min<u64>(g_host.alarm - g_host.clock, 1ull << 50); // Idle: sleep until then.
    if (g_host.clock + cycles >= CLOCK_LIMIT)
        cycles = 0;
    u64 end = g_host.clock + cycles;
    if (end + (1ull << 31) >= CLOCK_LIMIT)
        coverage_.situations["clock near its limit"]++;
    if (core_.current() == 0 && chance(15)) // Late.
        g_host.clock = end = std::min<u64>(end + below(1ull << below(34)), CLOCK_LIMIT - 1);
    if (core_.current() == 0 || chance(85))
        return ring(end);
    // Something keeps the timer interrupt from coming: the next entry finds the clock far ahead.
    if (chance(20))
        end = std::min<u64>(end + below(10000 * TICK), CLOCK_LIMIT - 1);
    if (model_.run_context != nullptr && model_.run_context->budget <= end - g_host.clock)
        coverage_.situations["interrupt later than a whole budget"]++;
    g_host.clock = model_.now = end;
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

bool Lockstep::step() {
    if (core_.current() == 0) {
        bool over = g_host.alarm == CLOCK_NEVER || g_host.clock + (1ull << 50) >= CLOCK_LIMIT;
        if (over && below(200) == 0)
            return false; // Nobody can run, and no time will change that.
        if (chance(50))
            interrupt();
        else
            pass_time();
        return true;
    }
    u64 kind = before("").exhausted != nullptr ? 28 + below(15) : below(100); // Late: not now.
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
    else if (Call c = random_call(); true)
        call(c.number, c.cptr, c.info, c.arguments);
    return true;
}

void Lockstep::run(u64 steps) {
    for (u64 i = 0; i < steps; i++)
        if (!step())
            return;
}

} // namespace host
