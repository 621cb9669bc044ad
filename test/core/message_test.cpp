// Messages, answers, notifications, faults, time: scenarios with a few threads.
// SPDX-License-Identifier: BSD-2-Clause
#include <catch2/catch.hpp>

#include "test/core/world.hpp"

using host::World;

namespace {

constexpr u64 LABEL = 1ull << INFO_LABEL_SHIFT;

// A server of priority 150 waits on an endpoint; the first thread is its client.
struct Served : World {
    u32 ep, server, badged;
    explicit Served(u64 budget) : ep(make(CAP_ENDPOINT)), server(thread(150, budget)), badged(0) {
        badged = mint(ep, 77, RIGHT_WRITE | RIGHT_GRANT);
        if (budget == 0) { // A passive server needs a context once, to get to its receive.
            must(call(CALL_TCB_CONTEXT, server, 0, {lent_ = make(CAP_SCHED_CONTEXT)}));
            must(call(CALL_SC_CONFIGURE, SCHED, 0, {lent_, 1000, 1000}));
        }
        resume_thread(server);
        must(runs(server) ? OK : ERR_GONE);
        call(CALL_RECV, ep);
        if (budget == 0)
            must(call(CALL_TCB_CONTEXT, server, 0, {0}));
    }

  private:
    u32 lent_ = 0;
};

} // namespace

TEST_CASE(
    "a call reaches a waiting server with badge, label and words, and its answer comes back") {
    u64 budget = GENERATE(0, 5000);
    Served w(budget);
    w.call(CALL_CALL, w.badged, 3 | 5 * LABEL, {1, 2, 3});
    REQUIRE(w.runs(w.server));
    CHECK(w.badge() == 77);
    CHECK(w.info() == (3 | 5 * LABEL));
    CHECK(w.result(2) == 3);
    CHECK(thread_state(w.first) == STATE_REPLY);
    CHECK((K.run.sc == w.object(World::CONTEXT)) == (budget == 0)); // A passive one runs on ours.
    w.call(CALL_REPLY_RECV, w.ep, 1 | 9 * LABEL, {42});
    REQUIRE(w.current() == w.first);
    CHECK(w.rax == OK);
    CHECK(w.info() == (1 | 9 * LABEL));
    CHECK(w.result(0) == 42);
    CHECK(w.state(w.server) == STATE_RECV);
    CHECK(K.run.sc == w.object(World::CONTEXT));
    CHECK(host::broken_invariant() == "");
}

TEST_CASE("long messages and capabilities go through the IPC buffers") {
    Served w(0);
    u32 gift = w.make(CAP_NOTIFICATION), free = w.fresh();
    BUFFER(TCB_SLOT(w.object(w.server), TCB_SLOT_BUFFER).object).word[BUFFER_CAP_RECV] = free;
    for (u32 i = 4; i < MESSAGE_WORDS; i++)
        w.word(i) = 1000 + i;
    w.word(BUFFER_CAP_SEND) = gift;
    w.call(CALL_CALL, w.badged, MESSAGE_WORDS | INFO_CAP);
    REQUIRE(w.runs(w.server));
    CHECK(w.info() == (MESSAGE_WORDS | INFO_CAP));
    for (u32 i = 4; i < MESSAGE_WORDS; i++)
        REQUIRE(w.word(i) == 1000 + i);
    CHECK(SLOT(w.slot(free)).object == w.object(gift));
    CHECK(cdt_first_child(w.slot(gift)) == w.slot(free)); // Derived: revoking takes it back.
    // Nobody is there for a second capability: the slot is full.
    w.word(BUFFER_CAP_SEND) = gift;
    w.call(CALL_REPLY_RECV, w.ep, INFO_CAP);
    REQUIRE(w.current() == w.first);
    CHECK((w.info() & INFO_CAP) == 0);
}

TEST_CASE("an answer brings a capability only by the right to pass one on") {
    // The server receives through an endpoint capability with GRANT or without, at once or after an
    // answer; it answers by CALL_REPLY_RECV or CALL_REPLY; it runs on its own context or on the caller's.
    u32 rights = GENERATE(u32{RIGHT_ALL}, u32{RIGHT_READ | RIGHT_WRITE}, u32{RIGHT_READ});
    u32 call = GENERATE(u32{CALL_REPLY_RECV}, u32{CALL_REPLY});
    u64 budget = GENERATE(u64{0}, u64{100000});
    bool again = GENERATE(false, true), words = GENERATE(false, true);
    CAPTURE(rights, call, budget, again, words);
    Served w(budget);
    u32 gift = w.make(CAP_NOTIFICATION), free = w.fresh(), through = w.mint(w.ep, 0, rights);
    w.call(CALL_CALL, w.badged, 0);
    REQUIRE(w.runs(w.server));
    // The right counts that it received with, not that of what it receives through next.
    w.call(CALL_REPLY_RECV, through, 0);
    REQUIRE(w.current() == w.first);
    if (again) {
        w.call(CALL_CALL, w.badged, 0);
        w.call(CALL_REPLY_RECV, through, 0);
        REQUIRE(w.current() == w.first);
    }
    w.word(BUFFER_CAP_RECV) = free;
    w.call(CALL_CALL, w.badged, 0);
    REQUIRE(w.runs(w.server));
    w.word(BUFFER_CAP_SEND) = gift;
    w.call(call, call == CALL_REPLY ? 0 : w.ep, (words ? 9u : 0u) | INFO_CAP);
    if (w.runs(w.server)) // On its own context it goes on after a CALL_REPLY.
        w.call(CALL_RECV, w.ep);
    REQUIRE(w.current() == w.first);
    CHECK(((w.info() & INFO_CAP) != 0) == (rights == RIGHT_ALL));
    CHECK((SLOT(w.slot(free)).type == CAP_NOTIFICATION) == (rights == RIGHT_ALL));
    CHECK(w.info() % 128 == (words ? 9 : 0));
    CHECK(host::broken_invariant() == "");
}

TEST_CASE("a wait ends with its time-out, and not before") {
    World w;
    u32 ep = w.make(CAP_ENDPOINT);
    u32 call = GENERATE(u32{CALL_CALL}, u32{CALL_SEND}, u32{CALL_RECV});
    w.word(BUFFER_TIMEOUT) = 5000;
    w.call(call, ep, INFO_TIMEOUT);
    REQUIRE(w.current() == 0);
    w.advance(4999);
    CHECK(w.current() == 0);
    w.advance(3);
    REQUIRE(w.current() == w.first);
    CHECK(w.rax == ERR_TIMEOUT);
    CHECK(w.info() == 0);
    CHECK(QUEUE(w.object(ep)).head == 0);
    CHECK(host::broken_invariant() == "");
}

TEST_CASE("of many time-outs at once a timer interrupt takes eight, and whoever ran runs on") {
    World w;
    constexpr unsigned THREADS = 20;
    u32 n = w.make(CAP_NOTIFICATION);
    std::vector<u32> waiting;
    for (unsigned i = 0; i < THREADS; i++) {
        u32 t = w.thread(150);
        w.resume_thread(t);
        REQUIRE(w.runs(t));
        w.word(BUFFER_TIMEOUT) = 1000;
        w.enter(CALL_WAIT, n, INFO_TIMEOUT);
        REQUIRE(w.call(CALL_TCB_PRIORITY, t, 0, {1, 1}) == OK);
        waiting.push_back(t);
    }
    auto left = [&] {
        return std::count_if(waiting.begin(), waiting.end(),
                             [&](u32 t) { return w.state(t) == STATE_WAIT; });
    };
    g_host.clock += 2000 * TICK;
    unsigned entries = 0;
    for (auto before = left(); before != 0; entries++) {
        w.timer();
        CHECK(w.current() == w.first);
        auto after = left();
        CHECK(before - after <= 8);
        before = after;
    }
    CHECK(entries <= THREADS); // A timer takes at most eight steps, too.
    CHECK(host::broken_invariant() == "");
}

TEST_CASE("who waits on what is deleted gets ERR_GONE") {
    World w;
    u32 type = GENERATE(u32{CAP_ENDPOINT}, u32{CAP_NOTIFICATION});
    u32 object = w.make(type), waiters[3];
    for (u32 &t : waiters) {
        t = w.thread(150);
        w.resume_thread(t);
        w.call(type == CAP_ENDPOINT ? CALL_RECV : CALL_WAIT, object);
        REQUIRE(w.current() == w.first);
    }
    w.call(CALL_CAP_DELETE, object);
    for (u32 t : waiters) { // In the order in which they came.
        REQUIRE(w.runs(t));
        CHECK(w.rax == ERR_GONE);
        w.call(CALL_TCB_SUSPEND, t);
    }
    REQUIRE(w.current() == w.first);
}

TEST_CASE("a client whose server dies gets ERR_GONE and its context back") {
    u64 budget = GENERATE(0, 5000);
    Served w(budget);
    w.call(CALL_CALL, w.badged, 0);
    REQUIRE(w.runs(w.server));
    w.call(CALL_CAP_DELETE, w.server);
    while (w.current() == w.first && w.restarts())
        w.enter(static_cast<u32>(w.rax), TCB(w.first).r[R_RDI], TCB(w.first).r[R_RSI]);
    // The Reply has a capability besides the server's own, so the client waits until that is gone.
    if (budget != 0) {
        REQUIRE(w.current() == 0);
        w.advance(1);
    } else {
        CHECK(w.current() == w.first);
        CHECK(w.rax == ERR_GONE);
        CHECK(K.run.sc == w.object(World::CONTEXT));
    }
    CHECK(host::broken_invariant() == "");
}

namespace {

// The first thread calls a passive server that calls another: its context is lent twice.
struct Nested : World {
    u32 ep1, ep2, sc, outer, inner;
    explicit Nested(u64 info)
        : ep1(make(CAP_ENDPOINT)), ep2(make(CAP_ENDPOINT)), sc(object(CONTEXT)),
          outer(passive(ep1, 150)), inner(passive(ep2, 160)) {
        word(BUFFER_TIMEOUT) = 500;
        call(CALL_CALL, ep1, info);
        must(runs(outer) ? OK : ERR_GONE);
        call(CALL_CALL, ep2, 0);
        must(runs(inner) && K.run.sc == sc ? OK : ERR_GONE);
    }

  private:
    u32 passive(u32 ep, unsigned priority) {
        u32 t = thread(priority, 0), c = make(CAP_SCHED_CONTEXT);
        must(call(CALL_SC_CONFIGURE, SCHED, 0, {c, 1000, 1000}));
        must(call(CALL_TCB_CONTEXT, t, 0, {c}));
        resume_thread(t);
        call(CALL_RECV, ep);
        must(call(CALL_TCB_CONTEXT, t, 0, {0}));
        return t;
    }
};

} // namespace

TEST_CASE("a context lent twice comes back through both answers") {
    Nested w(0);
    w.call(CALL_REPLY_RECV, w.ep2, 0);
    REQUIRE(w.runs(w.outer));
    CHECK(K.run.sc == w.sc);
    w.call(CALL_REPLY_RECV, w.ep1, 0);
    REQUIRE(w.current() == w.first);
    CHECK(K.run.sc == w.sc);
    CHECK(SC(w.sc).top == 0);
}

TEST_CASE("a caller that has lent its context cannot give up") {
    Nested w(INFO_TIMEOUT);
    w.advance(600);
    CHECK(thread_state(w.first) == STATE_REPLY);
    REQUIRE(w.runs(w.inner));
    CHECK(K.run.sc == w.sc);
    w.call(CALL_REPLY_RECV, w.ep2, 0);
    REQUIRE(w.runs(w.outer));
    w.call(CALL_REPLY_RECV, w.ep1, 0);
    REQUIRE(w.current() == w.first);
    CHECK(K.run.sc == w.sc);
    CHECK(host::broken_invariant() == "");
}

TEST_CASE("an answer that finds bits pending returns at once with them") {
    Served w(0);
    u32 n = w.make(CAP_NOTIFICATION), bit = w.mint(n, 2);
    World::must(w.call(CALL_TCB_NOTIFICATION, w.server, 0, {n}));
    World::must(w.call(CALL_TCB_PRIORITY, w.server, 0, {150, 150}));
    w.call(CALL_CALL, w.badged, 0);
    REQUIRE(w.runs(w.server));
    CHECK(w.call(CALL_SIGNAL, bit) == OK);
    w.call(CALL_REPLY_RECV, w.ep, 0); // It goes back without a context: no time to take them.
    REQUIRE(w.current() == w.first);
    CHECK(w.state(w.server) == STATE_NO_TIME);
    CHECK(TCB(w.object(w.server)).r[R_RDI] == 2);
    CHECK(NOTIFICATION(w.object(n)).word == 0);
}

TEST_CASE("a fault is a message; the answer lets the thread run on with its registers") {
    bool waits = GENERATE(false, true); // Does the handler wait already?
    World w;
    u32 ep = w.make(CAP_ENDPOINT), t = w.thread(150), badged = w.mint(ep, 9);
    w.set(TCB_SLOT_FAULT, t, badged);
    if (!waits)
        w.call(CALL_TCB_PRIORITY, World::TCB_CAP, 0, {200, 255});
    w.resume_thread(t);
    if (waits) {
        REQUIRE(w.runs(t));
    } else {
        w.call(CALL_TCB_PRIORITY, World::TCB_CAP, 0, {100, 255});
        REQUIRE(w.runs(t));
    }
    TCB(w.object(t)).r[R_RDI] = 111;
    TCB(w.object(t)).r[R_RSI] = 222;
    TCB(w.object(t)).r[R_RIP] = 0x1234;
    w.fault(FAULT_PAGE, 0xdead, 7);
    REQUIRE(w.current() == w.first);
    CHECK(w.call(CALL_RECV, ep) == OK);
    CHECK(w.badge() == 9);
    CHECK(w.info() == (4 | u64{FAULT_PAGE} << INFO_LABEL_SHIFT));
    CHECK(w.result(0) == 0x1234);
    CHECK(w.result(1) == 0xdead);
    w.call(CALL_REPLY, 0);
    REQUIRE(w.runs(t));
    CHECK(TCB(w.object(t)).r[R_RDI] == 111);
    CHECK(TCB(w.object(t)).r[R_RSI] == 222);
    CHECK(TCB(w.object(t)).r[R_RIP] == 0x1234);
}

TEST_CASE("bits of a bound notification arrive in RECV") {
    World w;
    u32 ep = w.make(CAP_ENDPOINT), n = w.make(CAP_NOTIFICATION);
    u32 one = w.mint(n, 1), four = w.mint(n, 4);
    World::must(w.call(CALL_TCB_NOTIFICATION, World::TCB_CAP, 0, {n}));
    w.call(CALL_SIGNAL, one);
    w.call(CALL_SIGNAL, four);
    CHECK(w.call(CALL_RECV, ep) == OK);
    CHECK(w.badge() == 5);
    CHECK(w.info() == INFO_SIGNAL);
    CHECK(w.call(CALL_POLL, n) == ERR_EMPTY);
    CHECK(w.call(CALL_SIGNAL, n) == ERR_RIGHT); // No badge: nothing to set.
}

TEST_CASE("an interrupt signals, stays masked until acknowledged, and wakes its driver") {
    World w;
    u32 n = w.make(CAP_NOTIFICATION), badged = w.mint(n, 8), handler = w.fresh();
    REQUIRE(w.call(CALL_IRQ_GET, World::IRQ, 0, {handler, 4}) == OK);
    CHECK(w.call(CALL_IRQ_GET, World::IRQ, 0, {w.fresh(), 4 | IRQ_LEVEL}) == ERR_OCCUPIED);
    u32 irq = (w.object(handler) - IRQ_BASE) / 8;
    REQUIRE(w.call(CALL_IRQ_BIND, handler, 0, {badged}) == OK);
    CHECK(g_host.unmasked[irq] == 1);
    w.call(CALL_WAIT, n);
    REQUIRE(w.current() == 0);
    w.interrupt(irq);
    REQUIRE(w.current() == w.first);
    CHECK(w.badge() == 8);
    CHECK(g_host.unmasked[irq] == 0);
    CHECK(w.call(CALL_IRQ_ACK, handler) == OK);
    CHECK(g_host.unmasked[irq] == 1);
    CHECK(w.call(CALL_CAP_DELETE, handler) == OK);
    CHECK(g_host.unmasked[irq] == 0);
    CHECK(IRQ(IRQ_BASE + 8 * irq).state == IRQ_FREE);
}

TEST_CASE("the highest priority runs, and equals take turns when they yield") {
    World w;
    u32 a = w.thread(150), b = w.thread(150), high = w.thread(200);
    w.call(CALL_TCB_PRIORITY, World::TCB_CAP, 0, {180, 255});
    w.resume_thread(a);
    w.resume_thread(b);
    CHECK(w.current() == w.first);
    w.resume_thread(high);
    REQUIRE(w.runs(high));
    w.call(CALL_TCB_SUSPEND, high);
    REQUIRE(w.current() == w.first);
    w.call(CALL_TCB_SUSPEND, World::TCB_CAP);
    for (int i = 0; i < 3; i++) {
        REQUIRE(w.runs(a));
        w.call(CALL_YIELD, 0);
        REQUIRE(w.runs(b));
        w.call(CALL_YIELD, 0);
    }
}

TEST_CASE("a send does not wake a server that has nothing to run on") {
    World w;
    u32 ep = w.make(CAP_ENDPOINT), server = w.thread(150, 0), sc = w.make(CAP_SCHED_CONTEXT);
    REQUIRE(w.call(CALL_SC_CONFIGURE, World::SCHED, 0, {sc, 100000, 100000}) == OK);
    REQUIRE(w.call(CALL_TCB_CONTEXT, server, 0, {sc}) == OK);
    w.resume_thread(server);
    w.enter(CALL_RECV, ep, 0);
    REQUIRE(w.call(CALL_TCB_CONTEXT, server, 0, {0}) == OK); // It is passive now.
    CHECK(w.call(CALL_NB_SEND, ep) == ERR_EMPTY);
    CHECK(w.call(CALL_SEND, ep) == ERR_BUSY);
    REQUIRE(w.state(server) == STATE_RECV);
    w.enter(CALL_CALL, ep, 0);
    CHECK(w.runs(server)); // A call brings it time.
    CHECK(host::broken_invariant() == "");
}

TEST_CASE("what a thread waits to send arrives only if it still has the capability for it") {
    World w;
    u32 ep = w.make(CAP_ENDPOINT), through[] = {w.mint(ep, 5), w.mint(ep, 6)};
    u32 client[] = {w.thread(150), w.thread(150)};
    for (u32 i = 0; i < 2; i++) {
        w.resume_thread(client[i]);
        w.enter(CALL_CALL, through[i], 0); // Nobody receives: it waits.
        REQUIRE(w.call(CALL_TCB_PRIORITY, client[i], 0, {1, 1}) == OK);
    }
    SECTION("after a revoke nothing arrives") {
        REQUIRE(w.call(CALL_CAP_REVOKE, ep) == OK);
        CHECK(w.call(CALL_NB_RECV, ep) == ERR_EMPTY);
        for (u32 t : client) {
            CHECK(w.state(t) == STATE_READY);
            CHECK(TCB(w.object(t)).r[R_RAX] == ERR_GONE);
        }
    }
    SECTION("after a delete what is behind it arrives") {
        REQUIRE(w.call(CALL_CAP_DELETE, through[0]) == OK);
        REQUIRE(w.call(CALL_RECV, ep) == OK);
        CHECK(w.badge() == 6);
        CHECK(TCB(w.object(client[0])).r[R_RAX] == ERR_GONE);
    }
    SECTION("a capability to another endpoint at that address does not stand in for it") {
        u32 other = w.make(CAP_ENDPOINT);
        REQUIRE(w.call(CALL_CAP_DELETE, through[0]) == OK);
        REQUIRE(w.call(CALL_CAP_COPY, other, 0, {through[0], RIGHT_ALL}) == OK);
        REQUIRE(w.call(CALL_REPLY_RECV, ep) == OK);
        CHECK(w.badge() == 6);
    }
    SECTION("a fault goes to nobody when its handler is taken back") {
        u32 handler = w.mint(ep, 7), faulty = w.thread(150);
        w.set(TCB_SLOT_FAULT, faulty, handler);
        w.resume_thread(faulty);
        w.fault(FAULT_PAGE, 0x1000, 0);
        REQUIRE(w.state(faulty) == STATE_CALL);
        REQUIRE(w.call(CALL_CAP_REVOKE, ep) == OK);
        CHECK(w.call(CALL_NB_RECV, ep) == ERR_EMPTY);
        CHECK(w.state(faulty) == STATE_INACTIVE);
    }
    CHECK(host::broken_invariant() == "");
}

// It wakes at the beginning of each tick and waits again before the next: no tick ever ends while it runs.
TEST_CASE("a thread is charged for what it runs between two ticks") {
    World w;
    const u64 budget = 16, stretch = 1000; // Ticks, cycles.
    u32 n = w.make(CAP_NOTIFICATION), t = w.thread(200, budget, 1000000);
    w.resume_thread(t);
    u32 sc = TCB(w.object(t)).sc;
    u64 rounds = 0, used = SC(sc).used;
    while (w.runs(t) && rounds < 1000) {
        rounds++;
        g_host.clock += stretch;
        w.word(BUFFER_TIMEOUT) = 0;
        w.enter(CALL_WAIT, n, INFO_TIMEOUT);
        REQUIRE(!w.runs(t));
        REQUIRE(SC(sc).used == used + rounds * stretch);
        g_host.clock += TICK - stretch;
        w.timer();
    }
    CHECK(rounds == 1); // What is left is less than the smallest budget.
    u32 rich = w.thread(210, 160, 1000000);
    w.resume_thread(rich);
    for (rounds = 0; w.runs(rich) && rounds < 1000; rounds++) {
        g_host.clock += stretch;
        w.word(BUFFER_TIMEOUT) = 0;
        w.enter(CALL_WAIT, n, INFO_TIMEOUT);
        g_host.clock += TICK - stretch;
        w.timer();
    }
    CHECK(rounds == ((160 - budget) * TICK + stretch - 1) / stretch);
}

TEST_CASE("a context never gives more than its budget in any period") {
    World w;
    const u64 budget = 200 * TICK, period = 1000 * TICK;
    u32 t = w.thread(150, budget / TICK, period / TICK);
    w.resume_thread(t);
    std::vector<std::pair<u64, u64>> stretches; // From, to.
    u64 seed = 12345;
    for (int i = 0; i < 3000; i++) {
        seed = seed * 6364136223846793005 + 1442695040888963407;
        u64 from = g_host.clock, cycles = 1 + seed % (97 * TICK);
        bool runs = w.runs(t);
        if (g_host.alarm <= from + cycles) {
            g_host.clock = std::max(from, g_host.alarm);
            if (runs)
                stretches.emplace_back(from, g_host.clock);
            w.timer();
            continue;
        }
        g_host.clock += cycles;
        if (runs)
            stretches.emplace_back(from, g_host.clock);
        if (runs && seed >> 60 == 0)
            w.call(CALL_YIELD, 0);
    }
    REQUIRE(stretches.size() > 500);
    for (auto [start, ignored] : stretches) {
        u64 used = 0;
        for (auto [from, to] : stretches)
            if (from < start + period && to > start)
                used += std::min(to, start + period) - std::max(from, start);
        REQUIRE(used <= budget);
    }
    CHECK(SC(TCB(w.object(t)).sc).used > 0);
}

TEST_CASE("who has lent its context gets no other one before it is back") {
    Served w(0);
    u32 other = w.make(CAP_SCHED_CONTEXT), lent = World::CONTEXT;
    w.must(w.call(CALL_SC_CONFIGURE, World::SCHED, 0, {other, 1000, 1000}));
    w.call(CALL_CALL, w.badged, 0);
    REQUIRE(w.runs(w.server));
    CHECK(w.call(CALL_TCB_CONTEXT, World::TCB_CAP, 0, {other}) == ERR_OCCUPIED);
    w.call(CALL_REPLY_RECV, w.ep, 0);
    REQUIRE(w.current() == w.first);
    CHECK(K.run.sc == w.object(lent));
    CHECK(SC(w.object(other)).tcb == 0); // Free: another thread may have it.
    CHECK(w.call(CALL_TCB_CONTEXT, w.server, 0, {other}) == OK);
    CHECK(host::broken_invariant() == "");
}
