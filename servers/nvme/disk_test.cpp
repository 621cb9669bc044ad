// Disk: starting, requests, and controllers that misbehave.
// SPDX-License-Identifier: BSD-2-Clause
#include <string>

#include "fake.hpp"

#include <catch2/catch.hpp>

using namespace nvme;
using block::Op;

namespace {

constexpr u32 kData = 8; // First page for data.

struct Fixture {
    driver::FakeMemory memory;
    FakeDevice device{memory};
    Disk<FakeDevice, driver::FakeMemory> disk{device, memory};
    block::Outcomes out;

    bool start() { return disk.stop() && disk.start(); }
    block::Command command(Op op, u64 sector, u32 sectors, u32 skip = 0) {
        block::Command c{};
        c.op = op;
        c.sector = sector;
        c.sectors = sectors;
        u32 bytes = op == Op::Read || op == Op::Write ? sectors * 512 : 0;
        for (; bytes != 0; skip = 0, bytes -= c.piece[c.pieces++].bytes) {
            c.piece[c.pieces] = {memory.physical(kData + c.pieces) + skip,
                                 std::min(bytes, 4096 - skip)};
        }
        return c;
    }
    error_t perform(const block::Command &c, u32 tag = 0) {
        disk.submit(tag, c);
        out = {};
        REQUIRE(disk.collect(out));
        REQUIRE(out.count == 1);
        CHECK(out.item[0].tag == tag);
        return out.item[0].error;
    }
};

} // namespace

TEST_CASE_METHOD(Fixture, "the disk is what the controller says", "[nvme]") {
    REQUIRE(start());
    const block::Geometry &g = disk.geometry();
    CHECK(g.sectors == 1000);
    CHECK(g.depth == 32);
    CHECK(g.pages_max == 16);
    CHECK(g.name == "Fake disk");
    CHECK(g.flush);
    CHECK(g.fua);
    CHECK(g.discard);
    CHECK_FALSE(g.read_only);
    CHECK(device.has_queues());
    device.mdts = 2;
    device.vwc = 0;
    device.oncs = 0;
    device.attributes = 1;
    device.cap_low = 2 << 24 | 7;
    device.model = "a\x01model that is longer than all of the room";
    REQUIRE(start());
    CHECK(g.pages_max == 4);
    CHECK_FALSE(g.flush);
    CHECK_FALSE(g.discard);
    CHECK(g.read_only);
    CHECK(g.depth == 7);
    CHECK(g.name == "a?model that is longer than all of the r");
    CHECK_FALSE(memory.strayed);
}

TEST_CASE_METHOD(Fixture, "data goes to the disk and comes back, whatever its shape", "[nvme]") {
    REQUIRE(start());
    for (u32 sectors : {1u, 8u, 9u, 16u, 17u, 24u, 128u}) {
        for (u32 skip : {0u, 512u, 3584u}) {
            if (sectors == 128 && skip != 0) {
                continue;
            }
            for (u32 i = 0; i < 16 * 4096; i++) {
                *memory.at<u8>(kData + i / 4096, i % 4096) =
                    static_cast<u8>(i * 7 + i / 256 + skip);
            }
            CHECK(perform(command(Op::Write, 100, sectors, skip), sectors % 32) == OK);
            for (u32 i = 0; i < sectors * 512; i++) {
                u32 place = skip + i;
                REQUIRE(device.image[51200 + i] == static_cast<u8>(place * 7 + place / 256 + skip));
            }
            for (u32 i = 0; i < 16; i++) {
                std::memset(memory.at<u8>(kData + i), 0, 4096);
            }
            CHECK(perform(command(Op::Read, 100, sectors, skip)) == OK);
            u32 last = skip + sectors * 512 - 1;
            CHECK(*memory.at<u8>(kData + last / 4096, last % 4096) ==
                  static_cast<u8>(last * 7 + last / 256 + skip));
        }
    }
    CHECK_FALSE(memory.strayed);
}

TEST_CASE_METHOD(Fixture, "flush, durable writes and discards", "[nvme]") {
    REQUIRE(start());
    CHECK(perform(command(Op::Flush, 0, 0)) == OK);
    CHECK(device.flushes == 1);
    block::Command write = command(Op::Write, 1, 1);
    CHECK(perform(write) == OK);
    CHECK((device.seen.back().word[2] >> 30 & 1) == 0);
    write.fua = true;
    CHECK(perform(write) == OK);
    CHECK((device.seen.back().word[2] >> 30 & 1) == 1);
    CHECK(perform(command(Op::Discard, 77, 500), 31) == OK);
    REQUIRE(device.discards.size() == 1);
    CHECK(device.discards[0].sector == 77);
    CHECK(device.discards[0].sectors == 500);
    CHECK(device.seen.back().word[1] == 4);
    CHECK_FALSE(memory.strayed);
}

TEST_CASE_METHOD(Fixture, "all tags at once, many rounds, in any order", "[nvme]") {
    REQUIRE(start());
    for (u32 round = 0; round < 100; round++) {
        device.silent = true;
        for (u32 tag = 0; tag < 32; tag++) {
            disk.submit(tag, command(Op::Read, tag, 1));
        }
        device.work(round % 2 != 0);
        out = {};
        REQUIRE(disk.collect(out));
        REQUIRE(out.count == 32);
    }
    CHECK_FALSE(memory.strayed);
}

TEST_CASE_METHOD(Fixture, "a small queue goes round, too", "[nvme]") {
    device.cap_low = 2 << 24 | 2;
    REQUIRE(start());
    REQUIRE(disk.geometry().depth == 2);
    for (u32 round = 0; round < 50; round++) {
        CHECK(perform(command(Op::Read, 1, 1), round % 2) == OK);
    }
    CHECK_FALSE(memory.strayed);
}

TEST_CASE_METHOD(Fixture, "errors of the device are reported", "[nvme]") {
    REQUIRE(start());
    device.status = 0x281; // Media: unrecovered read error.
    CHECK(perform(command(Op::Read, 0, 1)) == ERR_IO);
    device.status = 0;
    CHECK(perform(command(Op::Read, 0, 1)) == OK);
}

TEST_CASE_METHOD(Fixture, "nonsense in the completion queue is noticed", "[nvme]") {
    REQUIRE(start());
    device.silent = true;
    disk.submit(3, command(Op::Read, 0, 1));
    out = {};
    REQUIRE(disk.collect(out));
    REQUIRE(out.count == 0);
    SECTION("a tag that is not in flight") {
        device.complete(1, 2, 0);
    }
    SECTION("no tag") {
        device.complete(1, 0x8003, 0);
    }
    SECTION("of another queue") {
        device.complete(1, 3, 0, 7);
    }
    SECTION("twice") {
        device.complete(1, 3, 0);
        device.complete(1, 3, 0);
    }
    SECTION("it has failed") {
        device.failed = CSTS_CFS;
    }
    CHECK_FALSE(disk.collect(out));
    CHECK(out.count <= 1);
    device.failed = 0;
    device.silent = false;
    REQUIRE(disk.reset());
    CHECK(perform(command(Op::Read, 0, 1)) == OK);
    CHECK_FALSE(memory.strayed);
}

TEST_CASE_METHOD(Fixture, "a reset forgets what was in flight", "[nvme]") {
    REQUIRE(start());
    device.silent = true;
    disk.submit(0, command(Op::Read, 0, 1));
    disk.submit(1, command(Op::Read, 0, 1));
    REQUIRE(disk.reset());
    CHECK(device.enables == 2);
    device.silent = false;
    CHECK(perform(command(Op::Read, 0, 1)) == OK);
    device.image.resize(2000 * 512);
    CHECK_FALSE(disk.reset()); // Another disk.
}

TEST_CASE_METHOD(Fixture, "a reset that fails is said to have failed", "[nvme]") {
    REQUIRE(start());
    SECTION("it does not stop") {
        device.stuck = true;
    }
    SECTION("it does not answer") {
        device.deaf = true;
    }
    SECTION("it is gone") {
        device.failed = ~0u;
    }
    CHECK_FALSE(disk.reset());
    CHECK(device.time <= 6000);
}

TEST_CASE_METHOD(Fixture, "controllers that cannot be used", "[nvme]") {
    SECTION("few registers") {
        device.bar_bytes = 0x800;
    }
    SECTION("too few doorbells") {
        device.bar_bytes = 0x1010;
    }
    SECTION("no NVM commands") {
        device.cap_high = 1;
    }
    SECTION("large pages only") {
        device.cap_high |= 1 << 16;
    }
    SECTION("a queue of one") {
        device.cap_low = 0;
    }
    SECTION("it is never ready") {
        device.stuck = true;
    }
    SECTION("it fails") {
        device.failed = CSTS_CFS;
    }
    SECTION("it does not answer") {
        device.deaf = true;
    }
    SECTION("it refuses") {
        device.fails_admin = true;
    }
    SECTION("no namespace") {
        device.active = 0;
    }
    SECTION("sectors of 2 KiB") {
        device.lbaf = 11 << 16;
    }
    SECTION("sectors of no size") {
        device.lbaf = 0xff << 16;
    }
    SECTION("metadata") {
        device.lbaf |= 8;
    }
    SECTION("protection") {
        device.protection = 1;
    }
    SECTION("no sectors") {
        device.image.clear();
    }
    CHECK_FALSE(start());
    CHECK(device.time <= 6000);
    CHECK_FALSE(memory.strayed);
}

TEST_CASE_METHOD(Fixture, "sectors of 4 KiB", "[nvme]") {
    device.lbaf = 12 << 16;
    device.image.resize(400 * 512);
    REQUIRE(start());
    CHECK(disk.geometry().sector_bytes == 4096);
    CHECK(disk.geometry().sectors == 400);
    std::memset(memory.at<u8>(kData), 0x77, 4096);
    std::memset(memory.at<u8>(kData + 1), 0x78, 4096);
    CHECK(perform(command(Op::Write, 16, 16)) == OK);
    CHECK(device.image[16 * 512 - 1] == 0);
    CHECK(device.image[16 * 512] == 0x77);
    CHECK(device.image[32 * 512 - 1] == 0x78);
    CHECK(device.image[32 * 512] == 0);
    CHECK(perform(command(Op::Read, 24, 8)) == OK);
    CHECK(*memory.at<u8>(kData) == 0x78);
    CHECK(perform(command(Op::Discard, 16, 80)) == OK);
    REQUIRE(device.discards.size() == 1);
    CHECK(device.discards[0].sector == 2);
    CHECK(device.discards[0].sectors == 10);
    CHECK_FALSE(memory.strayed);
}
