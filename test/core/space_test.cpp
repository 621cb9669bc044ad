// Address spaces: mappings end on both sides, and the processor is told.
// SPDX-License-Identifier: BSD-2-Clause
#include <catch2/catch.hpp>

#include "test/core/world.hpp"

using host::World;

namespace {

struct Space : World {
    u32 frame, tables[3];
    Space() : frame(make(CAP_FRAME)) {
        for (u32 &t : tables) {
            t = make(CAP_PAGE_TABLE);
            must(call(CALL_TABLE_MAP, t, 0, {VSPACE, 0x5000}));
        }
    }
    u64 entry() const { return WORD(object(tables[2]) - TABLE_ENTRIES + 5); }
};

} // namespace

TEST_CASE("a frame is mapped where and as asked, and once") {
    Space w;
    CHECK(w.call(CALL_FRAME_MAP, w.frame, 0, {World::VSPACE, 0x5001, RIGHT_READ}) == ERR_ARG);
    CHECK(w.call(CALL_FRAME_MAP, w.frame, 0, {World::VSPACE, 0x7ffffffff000, 1}) == ERR_ARG);
    CHECK(w.call(CALL_FRAME_MAP, w.frame, 0, {World::VSPACE, 1ull << 40, 1}) == ERR_TABLE);
    REQUIRE(w.call(CALL_FRAME_MAP, w.frame, 0, {World::VSPACE, 0x5000, RIGHT_READ}) == OK);
    u64 page = u64{w.object(w.frame)} * PAGE_BYTES;
    CHECK(w.entry() == (page | ENTRY_PRESENT | ENTRY_USER | ENTRY_NO_EXECUTE));
    REQUIRE(w.call(CALL_FRAME_MAP, w.frame, 0, {World::VSPACE, 0x5000, RIGHT_ALL}) == OK);
    CHECK(w.entry() == (page | ENTRY_PRESENT | ENTRY_USER | ENTRY_WRITE));
    CHECK(w.call(CALL_FRAME_MAP, w.frame, 0, {World::VSPACE, 0x6000, 1}) == ERR_BUSY);
    u32 other = w.make(CAP_FRAME);
    CHECK(w.call(CALL_FRAME_MAP, other, 0, {World::VSPACE, 0x5000, 1}) == ERR_OCCUPIED);
    CHECK(host::broken_invariant() == "");
}

TEST_CASE("whatever ends a mapping also drops its translation") {
    Space w;
    REQUIRE(w.call(CALL_FRAME_MAP, w.frame, 0, {World::VSPACE, 0x5000, RIGHT_ALL}) == OK);
    g_host.drops = g_host.flushes = 0;
    SECTION("unmap") {
        REQUIRE(w.call(CALL_FRAME_UNMAP, w.frame) == OK);
        CHECK(g_host.dropped[0] == 0x5000);
    }
    SECTION("fewer rights") {
        REQUIRE(w.call(CALL_FRAME_MAP, w.frame, 0, {World::VSPACE, 0x5000, RIGHT_READ}) == OK);
        CHECK(g_host.dropped[0] == 0x5000);
        REQUIRE(w.call(CALL_FRAME_UNMAP, w.frame) == OK);
    }
    SECTION("delete") {
        REQUIRE(w.call(CALL_CAP_DELETE, w.frame) == OK);
        CHECK(g_host.dropped[0] == 0x5000);
    }
    SECTION("a page table goes") {
        REQUIRE(w.call(CALL_TABLE_UNMAP, w.tables[2]) == OK);
        CHECK(g_host.flushes > 0);
    }
    SECTION("a page table above it is deleted") {
        REQUIRE(w.call(CALL_CAP_DELETE, w.tables[0]) == OK);
        CHECK(g_host.flushes > 0);
        CHECK(TABLE(w.object(w.tables[1])).level == 0);
        REQUIRE(w.call(CALL_TABLE_UNMAP, w.tables[1]) == OK);
        REQUIRE(w.call(CALL_TABLE_UNMAP, w.tables[2]) == OK);
    }
    CHECK(g_host.drops + g_host.flushes > 0);
    CHECK(w.entry() == 0);
    CHECK(host::broken_invariant() == "");
}

TEST_CASE("a mapping moves with its capability and is not copied") {
    Space w;
    REQUIRE(w.call(CALL_FRAME_MAP, w.frame, 0, {World::VSPACE, 0x5000, RIGHT_ALL}) == OK);
    u32 copy = w.fresh(), moved = w.fresh();
    REQUIRE(w.call(CALL_CAP_COPY, w.frame, 0, {copy, RIGHT_READ}) == OK);
    REQUIRE(w.call(CALL_CAP_MOVE, w.frame, 0, {moved}) == OK);
    REQUIRE(w.call(CALL_FRAME_INFO, copy) == OK);
    CHECK(w.result(2) == ~0ull);
    CHECK(w.call(CALL_FRAME_MAP, copy, 0, {World::VSPACE, 0x6000, RIGHT_WRITE | 1}) == ERR_RIGHT);
    REQUIRE(w.call(CALL_FRAME_INFO, moved) == OK);
    CHECK(w.result(2) == 0x5000);
    CHECK(host::broken_invariant() == "");
}

// Two Frames of one page, each an object of its own (INV-8 says nothing of Frames), another's between them.
TEST_CASE("a page of device memory that was given out twice ends once") {
    Space w;
    const u32 frame[] = {w.fresh(), w.fresh(), w.fresh()};
    const u64 page[] = {1, 2, 1};
    for (u32 i = 0; i < 3; i++)
        REQUIRE(w.call(CALL_UNTYPED_RETYPE, World::DEVICE, 0,
                       {CAP_FRAME, FRAME_4K, frame[i], 1 | page[i] << 16}) == OK);
    REQUIRE(w.object(frame[0]) == w.object(frame[2]));
    REQUIRE(w.call(CALL_FRAME_MAP, frame[0], 0, {World::VSPACE, 0x5000, RIGHT_READ}) == OK);
    REQUIRE(w.call(CALL_FRAME_MAP, frame[2], 0, {World::VSPACE, 0x6000, RIGHT_READ}) == OK);
    CHECK(host::broken_invariant() == "");
    REQUIRE(w.call(CALL_CAP_DELETE, frame[0]) == OK);
    REQUIRE(w.call(CALL_FRAME_INFO, frame[2]) == OK);
    CHECK(w.result(2) == 0x6000);
    REQUIRE(w.call(CALL_CAP_REVOKE, World::DEVICE) == OK);
    CHECK(SLOT(w.slot(frame[2])).type == CAP_NULL);
    CHECK(host::broken_invariant() == "");
}

TEST_CASE("a thread that loses its address space runs on the kernel's") {
    World w;
    u32 space = w.make(CAP_VSPACE), t = w.thread(150);
    w.set(TCB_SLOT_VSPACE, t, space);
    CHECK(TCB(w.object(t)).cr3 == table_address(w.object(space)));
    REQUIRE(w.call(CALL_CAP_DELETE, space) == OK); // The bound capability keeps it alive.
    CHECK(TCB(w.object(t)).cr3 != HOST_KERNEL_SPACE);
    REQUIRE(w.call(CALL_TCB_BIND, t, 0, {TCB_SLOT_VSPACE, 0}) == OK);
    CHECK(TCB(w.object(t)).cr3 == HOST_KERNEL_SPACE);
}
