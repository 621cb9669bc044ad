// Each invariant that is checked at run time is seen to be broken when it is.
// SPDX-License-Identifier: BSD-2-Clause
#include <catch2/catch.hpp>

#include <string>

#include "test/core/world.hpp"

using host::World;

namespace {

// A word of the core's memory is wrong; after the check it is right again.
template <typename T, typename V>
void breaks(int number, T &word, V wrong) {
    T right = word;
    REQUIRE(host::broken_invariant() == "");
    word = static_cast<T>(wrong);
    CHECK_THAT(host::broken_invariant(), Catch::StartsWith("INV-" + std::to_string(number) + ":"));
    word = right;
}

} // namespace

TEST_CASE("broken invariants of capabilities are seen") {
    World w;
    u32 ep = w.make(CAP_ENDPOINT), badged = w.mint(ep, 7, RIGHT_READ);
    w.make(CAP_NOTIFICATION); // In the tree it lies between the two endpoints.
    u32 other = w.make(CAP_ENDPOINT), e = w.slot(ep), b = w.slot(badged);
    breaks(1, ITEM(e).link.prev, 0);
    breaks(4, SLOT(u32{SCRATCH_SLOT}).type, CAP_FRAME);
    breaks(5, SLOT(w.slot(w.fresh())).type, CAP_FRAME);
    breaks(6, SLOT(w.slot(w.fresh())).data, 1);
    breaks(8, SLOT(w.slot(other)).object, w.object(ep));
    breaks(9, SLOT(b).object, w.object(other));
    breaks(9, SLOT(e).data, 5);
    breaks(10, SLOT(e).may, 0);
    breaks(33, HEADER(w.object(ep)).kind, CAP_TCB);
    breaks(39, IRQ(IRQ_OBJECT(3)).state, IRQ_IDLE);
    breaks(61, SLOT(w.slot(World::PORT)).data, u64{1} << 32);
}

TEST_CASE("broken invariants of memory are seen") {
    World w;
    u32 f = w.make(CAP_FRAME), v = w.object(World::VSPACE);
    u32 level[] = {w.make(CAP_PAGE_TABLE), w.make(CAP_PAGE_TABLE), w.make(CAP_PAGE_TABLE)};
    for (u32 table : level)
        REQUIRE(w.call(CALL_TABLE_MAP, table, 0, {World::VSPACE, 0}) == OK);
    REQUIRE(w.call(CALL_FRAME_MAP, f, 0, {World::VSPACE, 0, RIGHT_READ}) == OK);
    u32 low = w.object(level[2]);
    breaks(30, UNTYPED(u32{host::POOL_UNTYPED}).next, 0);
    UNTYPED(u32{host::POOL_UNTYPED}).zeroed += 32; // The junk that the boot loader left.
    CHECK_THAT(host::broken_invariant(), Catch::StartsWith("INV-31:"));
    UNTYPED(u32{host::POOL_UNTYPED}).zeroed -= 32;
    breaks(34, TABLE(v).owner[300], w.slot(f));
    breaks(34, TABLE(v).owner[0], w.slot(f));
    breaks(35, WORD(v - TABLE_ENTRIES + 5), 1);
    breaks(36, TABLE(low).level, 2);
    breaks(62, TABLE(v).left, 1);
    breaks(58, SLOT(w.slot(f)).object, SLOT(w.slot(f)).object + 0x800);
}

TEST_CASE("broken invariants of threads are seen") {
    World w;
    u32 ep = w.make(CAP_ENDPOINT), n = w.make(CAP_NOTIFICATION), a = w.thread(150),
        b = w.thread(50);
    u32 t = w.object(a), ready = w.object(b), note = w.object(n);
    w.resume_thread(a);
    w.enter(CALL_RECV, ep, 0);
    w.resume_thread(b);
    REQUIRE(w.call(CALL_TCB_NOTIFICATION, b, 0, {n}) == OK);
    breaks(40, LINK(t).prev, ready);
    breaks(41, K.top, 0);
    breaks(41, K.ready_bitmap[1], 1);
    breaks(50, NOTIFICATION(note).bound, t);
    breaks(50, TCB(ready).attention, 1);
    breaks(51, REPLY(TCB(t).reply).caller.tcb, 0);
    breaks(52, TCB(t).state, STATE_WAIT);
    breaks(52, TCB(ready).state, STATE_READY | STATE_SPECIAL);
    breaks(53, SC(TCB(ready).sc).tcb, t);
    breaks(54, TCB(t).attention, 1);
}

TEST_CASE("broken invariants of time are seen") {
    World w;
    u32 client = w.thread(150), own = w.thread(10, 1000, 5000), n = w.make(CAP_NOTIFICATION);
    u32 sc = TCB(w.object(own)).sc;
    breaks(43, SC(sc).left, 999 * TICK);
    breaks(43, SC(sc).budget, 1);
    breaks(45, SC(sc).last, g_host.clock + 1);
    breaks(45, SC(sc).left, 0);
    breaks(42, WHEEL.bitmap[2], 1);
    breaks(42, WHEEL.summary, 1);
    w.resume_thread(client);
    w.word(BUFFER_TIMEOUT) = 100;
    w.enter(CALL_WAIT, n, INFO_TIMEOUT);
    u32 timer = w.object(client) + TCB_TIMER;
    REQUIRE(wheel_has(timer));
    breaks(42, TIMER(timer).due, 5000);
    breaks(45, TIMER(timer).kind, TIMER_CONTEXT);
}

TEST_CASE("broken invariants of messages that wait, and of loans, are seen") {
    World w;
    u32 ep = w.make(CAP_ENDPOINT), client = w.thread(150), server = w.thread(50);
    w.resume_thread(client);
    w.enter(CALL_CALL, ep, 0);
    breaks(60, TCB(w.object(client)).sending_info, MESSAGE_WORDS + 1);
    w.enter(CALL_RECV, ep, 0); // The first thread, which has a context: nothing is lent.
    u32 r = TCB(w.object(client)).reply;
    REQUIRE(w.runs(World::TCB_CAP));
    breaks(53, REPLY(r).caller.sc, w.object(World::CONTEXT)); // Who has lent one has none.
    breaks(44, SC(w.object(World::CONTEXT)).top, r);
    breaks(51, REPLY(r).caller.tcb, w.object(server));
}
