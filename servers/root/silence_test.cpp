// Silence: who answers is left alone, whatever it says; who keeps its clients waiting is found.
// SPDX-License-Identifier: BSD-2-Clause
#include <catch2/catch.hpp>

#include <random>

#include "silence.hpp"

using root::Patience;
using root::ServerLook;
using root::Silence;

namespace {

constexpr u64 kTicks = 1'000'000; // In one look.

struct Server {
    Patience patience;
    ServerLook look;
    u32 looks = 0;

    Server() {
        look.ledger.deadline = sel::kForever;
        first(STATE_RECV);
    }
    void first(u8 state) { look.thread[0] = {true, false, state, look.thread[0].ticks_used}; }
    void worker(u8 state) { look.thread[1] = {true, false, state, look.thread[1].ticks_used}; }
    void owe(u32 reply, u32 ms, u64 since = 1) {
        look.armed |= u64{1} << reply;
        look.ledger.debt[reply] = {since, ms, 0};
    }
    Silence once(u32 ms = Patience::kLookMs) { return patience.look(look, ms, kTicks); }
    // What is found first within so many milliseconds, and when (`looks`).
    Silence within(u32 ms) {
        Silence found = Silence::NONE;
        looks = 0;
        while (found == Silence::NONE && looks < ms / Patience::kLookMs) {
            found = once();
            looks++;
        }
        return found;
    }
};

constexpr u32 kLong = 60'000;

} // namespace

TEST_CASE("a server that waits for requests is left alone", "[root]") {
    Server s;
    CHECK(s.within(kLong) == Silence::NONE);
    CHECK(!Patience::at_work(s.look));
    s.owe(3, sel::kNoLimit); // A reader of keys.
    CHECK(s.within(kLong) == Silence::NONE);
    CHECK(!Patience::at_work(s.look));
}

TEST_CASE("an answer that is owed for too long is late", "[root]") {
    Server s;
    s.look.ledger.deadline = 5;
    s.owe(3, 3000);
    CHECK(Patience::at_work(s.look));
    CHECK(s.within(kLong) == Silence::LATE);
    CHECK(s.looks == 3000 / Patience::kLookMs + 2);
    s.look.armed = 0; // It gave up, or was answered.
    CHECK(s.within(kLong) == Silence::NONE);
}

TEST_CASE("callers that come and go in one place are not one that waits", "[root]") {
    Server s;
    s.look.ledger.deadline = 5;
    for (u64 since = 1; since < 100; since++) {
        s.owe(3, 500, since);
        CHECK(s.once() == Silence::NONE);
        CHECK(s.once() == Silence::NONE);
    }
}

TEST_CASE("who owes an answer and waits for nothing has forgotten it", "[root]") {
    Server s;
    s.owe(0, 100'000);
    CHECK(s.within(kLong) == Silence::FORGOTTEN);
    CHECK(s.looks == Patience::kIdleMs / Patience::kLookMs + 1);
    s.look.ledger.deadline = 5; // A device may be at work, and will be given up some time.
    CHECK(s.within(50'000) == Silence::NONE);
}

TEST_CASE("a thread that works has not forgotten; one that sleeps has", "[root]") {
    Server s;
    s.owe(0, 100'000);
    s.worker(STATE_REPLY);
    s.look.helpers_work = true;
    CHECK(s.within(50'000) == Silence::NONE);
    s.worker(STATE_WAIT);
    CHECK(s.within(kLong) == Silence::FORGOTTEN);
}

TEST_CASE("a caller whom the server does not know is lost", "[root]") {
    Server s;
    s.look.armed = 4;
    s.first(STATE_READY); // Just received.
    CHECK(s.once() == Silence::NONE);
    s.first(STATE_RECV);
    CHECK(s.once() == Silence::LOST);
}

TEST_CASE("who waits outside of its loop stands", "[root]") {
    for (u8 state : {STATE_WAIT, STATE_SEND, STATE_CALL, STATE_REPLY, STATE_INACTIVE}) {
        Server s;
        s.first(state);
        CHECK(Patience::at_work(s.look));
        CHECK(s.within(kLong) == Silence::STANDS);
        CHECK(s.looks == Patience::kIdleMs / Patience::kLookMs);
        s.look.thread[0].faulted = true; // The supervisor has it.
        CHECK(s.within(kLong) == Silence::NONE);
    }
    Server s;
    s.worker(STATE_CALL);
    CHECK(s.within(kLong) == Silence::STANDS);
}

TEST_CASE("who waits for a server that works does not stand", "[root]") {
    Server s;
    s.look.helpers_work = true;
    s.first(STATE_REPLY);
    CHECK(s.within(kLong) == Silence::NONE);
    s.first(STATE_WAIT); // But for itself nobody works.
    CHECK(s.within(kLong) == Silence::STANDS);
}

TEST_CASE("who runs now and then does not stand", "[root]") {
    Server s;
    s.first(STATE_WAIT);
    for (u32 i = 0; i < 100; i++) {
        s.look.thread[0].ticks_used += i % 3 == 0 ? 1 : 0;
        CHECK(s.once() == Silence::NONE);
    }
}

TEST_CASE("a thread that runs and answers nobody loops", "[root]") {
    Server s;
    s.worker(STATE_READY);
    for (u32 i = 0; i < 100; i++) {
        s.look.thread[1].ticks_used += kTicks;
        s.look.ledger.thread[0].answers++;
        CHECK(s.once() == Silence::NONE);
    }
    for (u32 i = 1; i <= Patience::kBusyLooks; i++) {
        s.look.thread[1].ticks_used += kTicks / Patience::kBusyPart;
        CHECK(s.once() == (i < Patience::kBusyLooks ? Silence::NONE : Silence::LOOPS));
    }
    s.look.thread[1].ticks_used += kTicks / Patience::kBusyPart - 1;
    CHECK(s.once() == Silence::NONE);
}

TEST_CASE("a machine that stood still makes nobody late", "[root]") {
    Server s;
    s.look.ledger.deadline = 5;
    s.owe(3, 1000);
    CHECK(s.once() == Silence::NONE);
    CHECK(s.once(3'000'000'000) == Silence::NONE);
    CHECK(s.once() == Silence::NONE);
}

TEST_CASE("whatever a ledger says, it is looked at and judged", "[root]") {
    std::mt19937_64 random{1};
    Server s;
    for (u32 round = 0; round < 20'000; round++) {
        s.look.armed = random() & random();
        for (sel::Debt &debt : s.look.ledger.debt) {
            debt = {random(), static_cast<u32>(random()), 0};
        }
        for (u32 i = 0; i < s.look.thread.size(); i++) {
            u8 state = static_cast<u8>(random());
            s.look.thread[i] = {random() % 2 == 0, random() % 4 == 0, state, random()};
        }
        s.look.ledger.answers = random();
        s.look.ledger.deadline = random();
        Silence found = s.once(static_cast<u32>(random()));
        REQUIRE(found <= Silence::LOOPS);
    }
}
