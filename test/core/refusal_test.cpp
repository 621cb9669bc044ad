// A refused call changes nothing, whatever its caller puts into registers; what is told is exact.
// SPDX-License-Identifier: BSD-2-Clause
#include <catch2/catch.hpp>

#include "test/core/world.hpp"

using host::World;

TEST_CASE("another CSpace is bound to oneself in one step") {
    World w;
    u32 node = w.make(CAP_CNODE, 64), d = TCB_SLOT_INDEX(w.first, TCB_SLOT_CSPACE);
    u32 wrong[] = {World::POOL, 0xffff};
    for (u32 cptr : wrong) { // Refused: what was bound stays.
        u32 before = SLOT(d).object;
        CHECK(w.call(CALL_TCB_BIND, World::TCB_CAP, 0, {TCB_SLOT_CSPACE, cptr}) != OK);
        CHECK(SLOT(d).object == before);
    }
    u32 inside = w.object(node);
    TCB(w.first).r[R_RDX] = TCB_SLOT_CSPACE;
    TCB(w.first).r[R_R10] = node;
    w.enter(CALL_TCB_BIND, World::TCB_CAP, 0);
    CHECK(w.rax == OK);
    CHECK(!w.restarts());
    CHECK(SLOT(d).type == CAP_CNODE);
    CHECK(SLOT(d).object == inside);
    CHECK(host::broken_invariant() == "");
}

TEST_CASE("a thread's Reply is replaced in one step; who received with the old one gets ERR_GONE") {
    World w;
    u32 ep = w.make(CAP_ENDPOINT), t = w.thread(150), fresh = w.make(CAP_REPLY);
    w.resume_thread(t);
    w.enter(CALL_RECV, ep, 0);
    REQUIRE(w.current() == w.first);
    REQUIRE(w.state(t) == STATE_RECV);
    u32 old = TCB(w.object(t)).reply;
    // Its last capability is the one in the slot.
    for (u32 s = World::FREE; s < World::SLOTS; s++)
        if (SLOT(w.slot(s)).type == CAP_REPLY && SLOT(w.slot(s)).object == old)
            REQUIRE(w.call(CALL_CAP_DELETE, s) == OK);
    w.call(CALL_TCB_BIND, t, 0, {TCB_SLOT_REPLY, fresh});
    CHECK(TCB_SLOT(w.object(t), TCB_SLOT_REPLY).object == w.object(fresh));
    CHECK(w.runs(t));
    CHECK(w.rax == ERR_GONE);
    CHECK(host::broken_invariant() == "");
}

TEST_CASE("info of a retype does not tell the kernel that the slots are checked") {
    World w;
    u32 ep = w.make(CAP_ENDPOINT);
    REQUIRE(w.call(CALL_CAP_COPY, ep, 0, {190, RIGHT_ALL}) == OK);
    for (u64 info : {u64{0}, u64{1}, ~u64{0}}) {
        CHECK(w.call(CALL_UNTYPED_RETYPE, World::POOL, info, {CAP_ENDPOINT, 0, 100, 100}) ==
              ERR_OCCUPIED);
        CHECK(SLOT(w.slot(100)).type == CAP_NULL);
        CHECK(SLOT(w.slot(131)).type == CAP_NULL);
    }
}

TEST_CASE("info of a delete or revoke does not tell the kernel that it is done") {
    World w;
    u32 ep = w.make(CAP_ENDPOINT), child = w.mint(ep, 1);
    for (u64 info : {u64{1}, ~u64{0}}) {
        CHECK(w.call(CALL_CAP_DELETE, w.fresh(), info) == ERR_CAP);
        CHECK(w.call(CALL_CAP_REVOKE, w.fresh(), info) == ERR_CAP);
    }
    CHECK(w.call(CALL_CAP_REVOKE, ep, 1) == OK);
    CHECK(SLOT(w.slot(child)).type == CAP_NULL);
    CHECK(w.call(CALL_CAP_DELETE, ep, 1) == OK);
    CHECK(SLOT(w.slot(ep)).type == CAP_NULL);
}

TEST_CASE(
    "a thread that is given other registers in the middle of a delete does not go on with it") {
    World w;
    u32 big = w.make(CAP_CNODE, 2000), t = w.thread(90), n = w.make(CAP_NOTIFICATION);
    u32 bell = w.mint(n, 1), ep = w.make(CAP_ENDPOINT);
    for (u32 i = 1; i < 2000; i++)
        capability_copy(w.slot(ep), w.object(big) + 4 * i, RIGHT_ALL, 0);
    w.resume_thread(t);
    w.enter(CALL_WAIT, n, 0);
    REQUIRE(w.runs(t));
    w.enter(CALL_CAP_DELETE, big, 0);
    REQUIRE(w.restarts());
    REQUIRE(TCB(w.object(t)).begun == CALL_CAP_DELETE);
    (void)bell;
    thread_park();
    thread_wake(w.first); // As by an interrupt: it is the more urgent one.
    w.timer();
    REQUIRE(w.current() == w.first);
    REQUIRE(w.call(CALL_TCB_SUSPEND, t) == OK);
    REQUIRE(w.call(CALL_TCB_READ, t) == OK);
    REQUIRE(w.call(CALL_TCB_WRITE, t) == OK);
    CHECK(TCB(w.object(t)).begun == 0);
}

TEST_CASE("registers are read exactly or not at all") {
    World w;
    u32 ep = w.make(CAP_ENDPOINT), t = w.thread(150);
    CHECK(w.call(CALL_TCB_READ, World::TCB_CAP) == ERR_BUSY);
    REQUIRE(w.call(CALL_TCB_READ, t) == OK);
    w.resume_thread(t);
    w.enter(CALL_RECV, ep, 0);
    REQUIRE(w.current() == w.first);
    CHECK(w.call(CALL_TCB_READ, t) == ERR_BUSY);
    SECTION("its wait ends: it finds the error") {
        REQUIRE(w.call(CALL_TCB_SUSPEND, t) == OK);
        REQUIRE(w.call(CALL_TCB_READ, t) == OK);
        CHECK(w.word(3) == ERR_GONE);
    }
    SECTION(
        "its call has ended well: it finds OK, and what a call loses is as the call leaves it") {
        u32 send = w.mint(ep, 3);
        REQUIRE(w.call(CALL_TCB_PRIORITY, t, 0, {50, 50}) == OK);
        REQUIRE(w.call(CALL_NB_SEND, send, 0) == OK);
        TCB(w.object(t)).r[R_RAX] = TCB(w.object(t)).r[R_RCX] = 0x1234; // What it was before.
        REQUIRE(w.call(CALL_TCB_READ, t) == OK);
        CHECK(w.word(3) == OK);
        CHECK(w.word(5) == w.word(0));
        CHECK(w.word(8) == 3);
    }
}

TEST_CASE("an interrupt line that the machine does not have is refused") {
    World w;
    u32 to = w.fresh();
    CHECK(w.call(CALL_IRQ_GET, World::IRQ, 0, {to, 0xff}) == ERR_ARG);
    CHECK(w.call(CALL_IRQ_GET, World::IRQ, 0, {to, HOST_LINES}) == ERR_ARG);
    CHECK(SLOT(w.slot(to)).type == CAP_NULL);
    CHECK(w.call(CALL_IRQ_GET, World::IRQ, 0, {to, HOST_LINES - 1}) == OK);
}

TEST_CASE("what is told of a mapped Frame names no kernel object") {
    World w;
    u32 f = w.make(CAP_FRAME), v = w.make(CAP_VSPACE);
    u32 level[] = {w.make(CAP_PAGE_TABLE), w.make(CAP_PAGE_TABLE), w.make(CAP_PAGE_TABLE)};
    for (u32 table : level)
        REQUIRE(w.call(CALL_TABLE_MAP, table, 0, {v, 0x400000}) == OK);
    REQUIRE(w.call(CALL_FRAME_MAP, f, 0, {v, 0x400000, RIGHT_READ}) == OK);
    REQUIRE(w.call(CALL_CAP_INFO, f) == OK);
    CHECK(w.result(2) == 0);
    REQUIRE(w.call(CALL_CAP_INFO, level[2]) == OK);
    CHECK(w.result(2) == 0);
}

TEST_CASE("a retype that was refused on its way is not gone on with by the next one") {
    World w;
    u32 pool = w.make(CAP_UNTYPED, 0x10000), ep = w.make(CAP_ENDPOINT);
    REQUIRE(w.call(CALL_CAP_COPY, ep, 0, {190, RIGHT_ALL}) == OK);
    TCB(w.first).r[R_RDX] = CAP_ENDPOINT;
    TCB(w.first).r[R_R10] = 0;
    TCB(w.first).r[R_R8] = 60;
    TCB(w.first).r[R_R9] = 40;
    w.enter(CALL_UNTYPED_RETYPE, pool, 0); // All slots were looked at.
    REQUIRE(w.restarts());
    capability_move(w.slot(pool), w.slot(240)); // As another thread does.
    w.enter(CALL_UNTYPED_RETYPE, pool, 0);
    REQUIRE(w.rax == ERR_CAP);
    CHECK(w.call(CALL_UNTYPED_RETYPE, World::POOL, 0, {CAP_ENDPOINT, 0, 140, 60}) == ERR_OCCUPIED);
    CHECK(SLOT(w.slot(140)).type == CAP_NULL); // 190 is taken: nothing is made.
}
