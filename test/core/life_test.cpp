// Memory and the life of objects: retype, delete, revoke, reset; cycles and self-destruction.
// SPDX-License-Identifier: BSD-2-Clause
#include <catch2/catch.hpp>

#include <map>
#include <random>

#include "test/core/world.hpp"

using host::World;

TEST_CASE("the bracket list is a tree under random inserts, moves, swaps and removals") {
    World w;
    u32 node = w.object(w.make(CAP_CNODE, 402));
    std::map<u32, u32> parent; // Slot to parent slot: the naive tree.
    std::mt19937 random(7);
    auto slot = [&] { return node + 4 * (1 + random() % 400); };
    auto inside = [&](u32 a, u32 d) { // By the list: is d between the brackets of a?
        for (u32 i = ITEM(a).link.next; i != a + 2; i = ITEM(i).link.next)
            if (i == d)
                return true;
        return false;
    };
    auto below = [&](u32 a, u32 d) { // By the naive tree.
        for (d = parent.at(d); d != CDT_HEAD; d = parent.at(d))
            if (d == a)
                return true;
        return false;
    };
    for (int step = 0; step < 20000; step++) {
        u32 s = slot(), p = slot();
        if (parent.count(s) == 0) {
            p = parent.count(p) != 0 ? p : u32{CDT_HEAD};
            cdt_insert_child(p, s);
            parent[s] = p;
        } else if (step % 3 == 0) {
            cdt_remove(s);
            for (auto &[c, q] : parent)
                q = q == s ? parent[s] : q;
            parent.erase(s);
        } else if (parent.count(p) == 0) {
            cdt_move(s, p);
            parent[p] = parent[s];
            parent.erase(s);
            for (auto &[c, q] : parent)
                q = q == s ? p : q;
        }
        if (step % 500 != 0 || parent.empty())
            continue;
        u32 d = parent.rbegin()->first;
        for (auto &[a, ignored] : parent)
            REQUIRE(inside(a, d) == (a != d && below(a, d)));
    }
}

TEST_CASE("retyped memory is zero, whatever it held, and is used again after a reset") {
    World w;
    u32 pool = w.make(CAP_UNTYPED, 0x10000);
    for (int round = 0; round < 3; round++) {
        u32 frame = w.fresh();
        REQUIRE(w.call(CALL_UNTYPED_RETYPE, pool, 0, {CAP_FRAME, FRAME_4K, frame, 1}) == OK);
        u32 page = w.object(frame);
        for (u32 i = 0; i < 512; i++) {
            REQUIRE(PHYS(512ull * page + i) == 0);
            PHYS(512ull * page + i) = 0x1111111111111111ull * (i + 1);
        }
        CHECK(w.call(CALL_UNTYPED_RESET, pool) == ERR_CHILDREN);
        REQUIRE(w.call(CALL_CAP_REVOKE, pool) == OK);
        CHECK(SLOT(w.slot(frame)).type == CAP_NULL);
        REQUIRE(w.call(CALL_UNTYPED_RESET, pool) == OK);
        CHECK(UNTYPED(w.object(pool)).next == UNTYPED(w.object(pool)).base);
    }
}

TEST_CASE("a frame of 2 MiB is zeroed in steps, and interrupts get in between") {
    World w;
    u32 frame = w.fresh(), steps = 0;
    u64 arguments[] = {CAP_FRAME, FRAME_2M, frame, 1};
    TCB(w.first).r[R_RDX] = arguments[0];
    TCB(w.first).r[R_R10] = arguments[1];
    TCB(w.first).r[R_R8] = arguments[2];
    TCB(w.first).r[R_R9] = arguments[3];
    w.enter(CALL_UNTYPED_RETYPE, World::POOL, 0);
    while (w.restarts()) {
        w.interrupt(5);
        REQUIRE(w.restarts());
        w.enter(static_cast<u32>(w.rax), TCB(w.first).r[R_RDI], TCB(w.first).r[R_RSI]);
        steps++;
    }
    REQUIRE(w.rax == OK);
    CHECK(steps >= 0x200000 / ZERO_STEP - 1);
    u64 start = 512ull * w.object(frame);
    for (u64 i = 0; i < 0x200000 / 8; i += 7)
        REQUIRE(PHYS(start + i) == 0);
}

TEST_CASE("revoke takes all descendants and nothing else") {
    World w;
    u32 ep = w.make(CAP_ENDPOINT), a = w.mint(ep, 1), b = w.mint(ep, 2);
    u32 a1 = w.fresh(), a2 = w.fresh();
    REQUIRE(w.call(CALL_CAP_COPY, a, 0, {a1, RIGHT_ALL}) == OK);
    REQUIRE(w.call(CALL_CAP_COPY, a1, 0, {a2, RIGHT_READ}) == OK);
    SECTION("children") {
        REQUIRE(w.call(CALL_CAP_REVOKE, a) == OK);
        CHECK(SLOT(w.slot(a)).type == CAP_ENDPOINT);
        CHECK(SLOT(w.slot(b)).type == CAP_ENDPOINT);
        CHECK(SLOT(w.slot(a1)).type == CAP_NULL);
        CHECK(SLOT(w.slot(a2)).type == CAP_NULL);
    }
    SECTION("a deleted capability's children go to its parent") {
        REQUIRE(w.call(CALL_CAP_DELETE, a1) == OK);
        CHECK(SLOT(w.slot(a2)).type == CAP_ENDPOINT);
        REQUIRE(w.call(CALL_CAP_REVOKE, b) == OK);
        CHECK(SLOT(w.slot(a2)).type == CAP_ENDPOINT);
        REQUIRE(w.call(CALL_CAP_REVOKE, a) == OK);
        CHECK(SLOT(w.slot(a2)).type == CAP_NULL);
    }
    CHECK(host::broken_invariant() == "");
}

TEST_CASE("a CNode that holds its own capability goes with its memory") {
    World w;
    u32 pool = w.make(CAP_UNTYPED, 0x10000), node = w.fresh();
    REQUIRE(w.call(CALL_UNTYPED_RETYPE, pool, 0, {CAP_CNODE, 64, node, 1}) == OK);
    REQUIRE(w.call(CALL_CAP_MOVE, node, 0, {node | u64{5} << 32}) == OK);
    CHECK(SLOT(w.slot(node)).type == CAP_NULL); // Only its own slot 5 names it now.
    REQUIRE(w.call(CALL_CAP_REVOKE, pool) == OK);
    CHECK(K.reaper == 0);
    CHECK(w.call(CALL_UNTYPED_RESET, pool) == OK);
    CHECK(host::broken_invariant() == "");
}

TEST_CASE("a thread that deletes what it runs on stops, and the rest goes on") {
    World w;
    u32 pool = w.make(CAP_UNTYPED, 0x20000), victim = w.thread(200), own = w.fresh();
    w.resume_thread(victim);
    REQUIRE(w.runs(victim));
    SECTION("its TCB") {
        w.call(CALL_CAP_DELETE, victim);
    }
    SECTION("its CSpace slot, then nothing can be named") {
        w.call(CALL_TCB_BIND, victim, 0, {TCB_SLOT_CSPACE, 0});
        CHECK(w.call(CALL_CAP_DELETE, victim) == ERR_CAP);
        w.fault(FAULT_EXCEPTION, 13, 0);
    }
    CHECK(w.current() == w.first);
    CHECK(w.call(CALL_UNTYPED_RETYPE, pool, 0, {CAP_ENDPOINT, 0, own, 1}) == OK);
    CHECK(host::broken_invariant() == "");
}

TEST_CASE("memory is not free again while an object in it is dying") {
    World w;
    u32 pool = w.make(CAP_UNTYPED, 0x10000), t = w.thread(50), node = w.fresh();
    REQUIRE(w.call(CALL_UNTYPED_RETYPE, pool, 0, {CAP_CNODE, 64, node, 1}) == OK);
    REQUIRE(w.call(CALL_TCB_BIND, t, 0, {TCB_SLOT_CSPACE, node}) == OK);
    u32 inside = w.make(CAP_ENDPOINT);
    REQUIRE(w.call(CALL_CAP_MOVE, inside, 0, {node | u64{9} << 32}) == OK);
    u32 index = w.object(node);
    capability_remove(w.slot(node)); // Only the thread holds it now.
    REQUIRE(w.call(CALL_TCB_BIND, t, 0, {TCB_SLOT_CSPACE, 0}) == OK);
    REQUIRE(K.reaper == index);
    REQUIRE(w.call(CALL_UNTYPED_RESET, pool) == OK);
    CHECK(K.reaper == 0);
    CHECK(SLOT(index + 4 * 9).type == CAP_NULL);
    CHECK(host::broken_invariant() == "");
}

// A CNode whose end takes many steps, in slot `big`.
u32 large_garbage(World &w) {
    u32 big = w.make(CAP_CNODE, 2000), ep = w.make(CAP_ENDPOINT);
    for (u32 i = 1; i < 2000; i++)
        capability_copy(w.slot(ep), w.object(big) + 4 * i, RIGHT_ALL, SLOT(w.slot(ep)).data);
    return big;
}

// The call of the running thread, until it is done: how many kernel entries it took.
u32 entries(World &w, u32 thread, u32 call, u32 cptr) {
    u32 count = 1;
    w.enter(call, cptr, 0);
    for (; w.runs(thread) && w.restarts(); count++)
        w.enter(static_cast<u32>(w.rax), TCB(w.current()).r[R_RDI], TCB(w.current()).r[R_RSI]);
    return count;
}

TEST_CASE("who made it dying pays: a delete takes what one's own objects take") {
    World w;
    u32 big = large_garbage(w), own = w.make(CAP_ENDPOINT), other = w.make(CAP_ENDPOINT),
        v = w.thread(200, 5000);
    w.enter(CALL_CAP_DELETE, big, 0); // One step.
    REQUIRE(w.restarts());
    u64 left = DYING;
    REQUIRE(left == 1);
    thread_park();
    w.resume_thread(v); // The first thread's call is now one of `v`, which runs.
    REQUIRE(w.runs(v));
    SECTION("of others") {
        CHECK(entries(w, v, CALL_CAP_DELETE, own) == 1);
        CHECK(DYING == left);
        CHECK(TCB(w.object(v)).first_dying == 0);
        CHECK(entries(w, v, CALL_CAP_REVOKE, other) == 1);
        CHECK(DYING == left);
    }
    SECTION("of a thread that one ends") {
        u32 t = w.thread(10);
        TCB(w.object(t)).first_dying = TCB(w.first).first_dying;
        CHECK(entries(w, v, CALL_CAP_DELETE, t) > 100);
        CHECK(DYING == 0);
        CHECK(TCB(w.object(v)).first_dying == 0);
    }
    SECTION("a reset finishes all") {
        u32 pool = w.make(CAP_UNTYPED, 0x1000);
        CHECK(entries(w, v, CALL_UNTYPED_RESET, pool) > 100);
        CHECK(DYING == 0);
    }
    CHECK(host::broken_invariant() == "");
}

TEST_CASE("device memory becomes frames at any page and nothing else") {
    World w;
    u32 f = w.fresh();
    CHECK(w.call(CALL_UNTYPED_RETYPE, World::DEVICE, 0, {CAP_TCB, 0, f, 1}) == ERR_ARG);
    REQUIRE(w.call(CALL_UNTYPED_RETYPE, World::DEVICE, 0, {CAP_FRAME, 0, f, 1 | 3 << 16}) == OK);
    CHECK(w.object(f) == host::DEVICE_BASE / PAGE_BYTES + 3);
    CHECK(w.call(CALL_TCB_BIND, World::TCB_CAP, 0, {TCB_SLOT_BUFFER, f}) == ERR_ARG);
    CHECK(w.call(CALL_UNTYPED_RETYPE, World::DEVICE, 0, {CAP_FRAME, 0, w.fresh(), 1 | 256 << 16}) ==
          ERR_MEMORY);
}
