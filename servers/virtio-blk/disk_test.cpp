// Disk: starting, requests, and devices that misbehave.
// SPDX-License-Identifier: BSD-2-Clause
#include "fake.hpp"

#include <catch2/catch.hpp>

using namespace virtio_blk;
using block::Op;

namespace {

constexpr u32 kData = 8; // First page for data.

struct Fixture {
    driver::FakeMemory memory;
    FakeDevice device{memory};
    Disk<FakeDevice, driver::FakeMemory> disk{device, memory};
    block::Outcomes out;

    bool start() { return disk.stop() && disk.start(); }
    block::Command command(Op op, u64 sector, u32 sectors) {
        block::Command c{};
        c.op = op;
        c.sector = sector;
        c.sectors = sectors;
        u32 bytes = op == Op::Read || op == Op::Write ? sectors * 512 : 0;
        for (; bytes != 0; bytes -= c.piece[c.pieces++].bytes) {
            c.piece[c.pieces] = {memory.physical(kData + c.pieces), std::min(bytes, 4096u)};
        }
        return c;
    }
    // Does it now: its outcome.
    error_t perform(const block::Command &c) {
        disk.submit(0, c);
        out = {};
        REQUIRE(disk.collect(out));
        REQUIRE(out.count == 1);
        CHECK(out.item[0].tag == 0);
        return out.item[0].error;
    }
};

} // namespace

TEST_CASE_METHOD(Fixture, "the disk is what the device says", "[virtio-blk]") {
    REQUIRE(start());
    const block::Geometry &g = disk.geometry();
    CHECK(g.sectors == 1000);
    CHECK(g.depth == 14);
    CHECK(g.pages_max == 16);
    CHECK(g.flush);
    CHECK(g.discard);
    CHECK_FALSE(g.read_only);
    CHECK(device.accepted == device.features);
    CHECK(device.status == 15);
    device.features = virtio::FEATURE_VERSION_1 | FEATURE_RO | 1u << 28 | 1u << 29;
    REQUIRE(start());
    CHECK(disk.geometry().read_only);
    CHECK_FALSE(disk.geometry().flush);
    CHECK_FALSE(disk.geometry().discard);
    CHECK(device.accepted == (virtio::FEATURE_VERSION_1 | FEATURE_RO));
    CHECK_FALSE(memory.strayed);
}

TEST_CASE_METHOD(Fixture, "small queues and few segments", "[virtio-blk]") {
    device.queue_most = 40;
    device.seg_max = 5;
    REQUIRE(start());
    CHECK(disk.geometry().depth == 1);
    CHECK(disk.geometry().pages_max == 5);
    device.queue_most = 8;
    device.seg_max = 254;
    REQUIRE(start());
    CHECK(disk.geometry().pages_max == 6);
    device.queue_most = 2;
    CHECK_FALSE(start());
    device.queue_most = 0;
    CHECK_FALSE(start());
}

TEST_CASE_METHOD(Fixture, "data goes to the disk and comes back", "[virtio-blk]") {
    REQUIRE(start());
    for (u32 i = 0; i < 3 * 4096; i++) {
        *memory.at<u8>(kData + i / 4096, i % 4096) = static_cast<u8>(i * 7 + i / 256);
    }
    CHECK(perform(command(Op::Write, 100, 20)) == OK);
    CHECK(device.image[100 * 512 + 5000] == static_cast<u8>(5000 * 7 + 5000 / 256));
    std::memset(memory.at<u8>(kData), 0, 2 * 4096);
    CHECK(perform(command(Op::Read, 101, 9)) == OK);
    CHECK(*memory.at<u8>(kData, 88) == static_cast<u8>(600 * 7 + 600 / 256));
    CHECK(*memory.at<u8>(kData + 1, 512) == 0);
    CHECK(perform(command(Op::Flush, 0, 0)) == OK);
    CHECK(device.flushes == 1);
    CHECK(perform(command(Op::Discard, 7, 50)) == OK);
    CHECK(perform(command(Op::Discard, 9, 500)) == OK);
    CHECK(device.discards == std::vector<u64>{7, 50, 9, 100});
    CHECK_FALSE(memory.strayed);
}

TEST_CASE_METHOD(Fixture, "all tags at once, many rounds, in any order", "[virtio-blk]") {
    REQUIRE(start());
    for (u32 round = 0; round < 100; round++) {
        device.silent = true;
        for (u32 tag = 0; tag < disk.geometry().depth; tag++) {
            block::Command c = command(Op::Read, tag, 1);
            c.piece[0].physical = memory.physical(kData + tag);
            disk.submit(tag, c);
        }
        device.silent = false;
        device.work(round % 2 != 0);
        out = {};
        REQUIRE(disk.collect(out));
        REQUIRE(out.count == disk.geometry().depth);
    }
    CHECK_FALSE(memory.strayed);
}

TEST_CASE_METHOD(Fixture, "errors of the device are reported", "[virtio-blk]") {
    REQUIRE(start());
    device.outcome = 1;
    CHECK(perform(command(Op::Read, 0, 1)) == ERR_IO);
    device.outcome = 2;
    CHECK(perform(command(Op::Flush, 0, 0)) == ERR_IO);
    device.silent = true;
    disk.submit(0, command(Op::Read, 0, 1));
    device.say_used(0); // Done, but no status was written.
    out = {};
    CHECK(disk.collect(out));
    CHECK(out.item[0].error == ERR_IO);
}

TEST_CASE_METHOD(Fixture, "nonsense in the used ring is noticed", "[virtio-blk]") {
    REQUIRE(start());
    device.silent = true;
    disk.submit(3, command(Op::Read, 0, 1));
    out = {};
    REQUIRE(disk.collect(out));
    REQUIRE(out.count == 0);
    SECTION("a tag that is not in flight") {
        device.say_used(2 * 18);
    }
    SECTION("the middle of a chain") {
        device.say_used(3 * 18 + 1);
    }
    SECTION("no descriptor") {
        device.say_used(~0u);
    }
    SECTION("twice") {
        device.say_used(3 * 18);
        device.say_used(3 * 18);
    }
    SECTION("too many") {
        device.set_used_index(15);
    }
    SECTION("backwards") {
        device.set_used_index(0xffff);
    }
    SECTION("it asks for a reset") {
        device.status |= virtio::STATUS_NEEDS_RESET;
    }
    CHECK_FALSE(disk.collect(out));
    CHECK(out.count <= 1);
    device.silent = false;
    REQUIRE(disk.reset());
    CHECK(perform(command(Op::Read, 0, 1)) == OK);
    CHECK_FALSE(memory.strayed);
}

TEST_CASE_METHOD(Fixture, "a reset forgets what was in flight", "[virtio-blk]") {
    REQUIRE(start());
    device.silent = true;
    disk.submit(0, command(Op::Read, 0, 1));
    disk.submit(1, command(Op::Read, 0, 1));
    REQUIRE(disk.reset());
    device.silent = false;
    CHECK(perform(command(Op::Read, 0, 1)) == OK);
    device.image.resize(2000 * 512);
    CHECK_FALSE(disk.reset()); // Another disk.
}

TEST_CASE_METHOD(Fixture, "devices that cannot be used", "[virtio-blk]") {
    SECTION("too old") {
        device.features = FEATURE_FLUSH;
    }
    SECTION("it does not agree") {
        device.refuse_features = true;
    }
    SECTION("no sectors") {
        device.image.clear();
    }
    SECTION("no segments") {
        device.seg_max = 0;
    }
    SECTION("no vector") {
        device.deaf_vectors = true;
    }
    SECTION("no structures") {
        device.space[0x34] = 0;
    }
    SECTION("a loop of structures") {
        device.space[0x40] = 0x4009;
    }
    SECTION("a structure outside the registers") {
        device.space[0x48] = 0x3800;
    }
    SECTION("a structure in other registers") {
        device.space[0x44] = 200;
    }
    SECTION("a structure that is too short") {
        device.space[0x4c] = 40;
    }
    SECTION("a bell outside the registers") {
        device.space[0x80] = ~0u;
    }
    SECTION("it does not end its reset") {
        device.status = 15;
        device.stuck = true;
    }
    CHECK_FALSE(start());
    CHECK(device.time <= 1001);
    CHECK_FALSE(memory.strayed);
}

TEST_CASE_METHOD(Fixture, "a line needs its acknowledgement", "[virtio-blk]") {
    device.way = pci::Signal::LINE;
    REQUIRE(start());
    CHECK(perform(command(Op::Read, 0, 1)) == OK);
    CHECK(device.isr_reads == 1);
    device.space[0x58] = 0x9000;
    CHECK_FALSE(start());
}

TEST_CASE_METHOD(Fixture, "sectors of 4 KiB", "[virtio-blk]") {
    device.features |= FEATURE_BLK_SIZE;
    device.blk_size = 4096;
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
    CHECK(device.discards == std::vector<u64>{16, 80});
    CHECK(perform(command(Op::Discard, 16, 104)) == OK);
    CHECK(device.discards.back() == 96); // Of the 100 that it takes at once.
    CHECK_FALSE(memory.strayed);
}

TEST_CASE_METHOD(Fixture, "sectors of another size", "[virtio-blk]") {
    device.features |= FEATURE_BLK_SIZE;
    for (u32 bytes : {0u, 1u, 1024u, 8192u, ~0u}) {
        device.blk_size = bytes;
        CHECK_FALSE(start());
        CHECK(disk.geometry().sector_bytes == bytes);
    }
}
