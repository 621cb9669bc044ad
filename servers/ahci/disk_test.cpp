// Disk: starting, requests, and controllers that misbehave.
// SPDX-License-Identifier: BSD-2-Clause
#include "fake.hpp"

#include <catch2/catch.hpp>

using namespace ahci;
using block::Op;

namespace {

constexpr u32 kData = 8; // First page for data.

struct Fixture {
    driver::FakeMemory memory;
    FakeDevice device{memory};
    Disk<FakeDevice, driver::FakeMemory> disk{device, memory};
    block::Outcomes out{};

    // The first of the disks that are found.
    bool start() {
        u32 places = disk.stop() ? disk.find() : 0;
        return places != 0 && disk.start(static_cast<u32>(std::countr_zero(places)));
    }
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

// What a disk has of the memory, from page `first` on.
struct Part {
    const driver::FakeMemory &memory;
    u32 first;
    u64 physical(u32 page) const { return memory.physical(first + page); }
    template <typename T>
    T *at(u32 page, u32 offset = 0) const {
        return memory.at<T>(first + page, offset);
    }
};

struct TwoDisks : Fixture {
    Part mine{memory, 0}, theirs{memory, 2};
    Disk<FakeDevice, Part> one{device, mine}, two{device, theirs};

    TwoDisks() {
        device.port[3].present = true;
        device.port[3].image.resize(300 * 512);
        REQUIRE(one.stop());
        REQUIRE(one.find() == 0xc);
        REQUIRE(one.start(2));
        REQUIRE(two.start(3));
    }
    static u32 end(Disk<FakeDevice, Part> &disk) {
        block::Outcomes out;
        return disk.collect(out) && out.count == 1 ? u32{out.item[0].error} : u32{ERR_COUNT};
    }
};

TEST_CASE_METHOD(Fixture, "the first disk is found, behind an empty port and a CD", "[ahci]") {
    device.firmware = CAP2_BOH;
    REQUIRE(start());
    const block::Geometry &g = disk.geometry();
    CHECK(g.sectors == 1000);
    CHECK(g.depth == 1);
    CHECK(g.name == "Fake disk");
    CHECK(g.flush);
    CHECK(g.discard);
    CHECK_FALSE(g.fua);
    CHECK(device.interrupts());
    CHECK((device.port[1].reg[PORT_CMD] & (CMD_FRE | CMD_ST)) == 0);
    device.commands = 0x400;
    device.trim = 0;
    REQUIRE(start());
    CHECK_FALSE(g.flush);
    CHECK_FALSE(g.discard);
    CHECK_FALSE(memory.strayed);
}

TEST_CASE_METHOD(Fixture, "data goes to the disk and comes back", "[ahci]") {
    REQUIRE(start());
    for (u32 skip : {0u, 512u, 3584u}) {
        for (u32 i = 0; i < 3 * 4096; i++) {
            *memory.at<u8>(kData + i / 4096, i % 4096) = static_cast<u8>(i * 7 + i / 256 + skip);
        }
        CHECK(perform(command(Op::Write, 300, 16, skip)) == OK);
        for (u32 i = 0; i < 16 * 512; i++) {
            u32 place = skip + i;
            REQUIRE(device.image[300 * 512 + i] == static_cast<u8>(place * 7 + place / 256 + skip));
        }
        std::memset(memory.at<u8>(kData + 1), 0, 4096);
        CHECK(perform(command(Op::Read, 300, 16, skip)) == OK);
        CHECK(*memory.at<u8>(kData + 1, 100) == static_cast<u8>(4196 * 7 + 16 + skip));
    }
    CHECK(perform(command(Op::Read, 0, 128)) == OK);
    CHECK(perform(command(Op::Flush, 0, 0)) == OK);
    CHECK(device.flushes == 1);
    CHECK(perform(command(Op::Discard, 7, 100)) == OK);
    CHECK(perform(command(Op::Discard, u64{1} << 32, 0x10005)) == OK);
    CHECK(device.trimmed == std::vector<u64>{7, 100, 0x100000000, 0xffff, 0x10000ffff, 6});
    CHECK_FALSE(memory.strayed);
}

TEST_CASE_METHOD(Fixture, "an error ends one command", "[ahci]") {
    REQUIRE(start());
    SECTION("of the disk") {
        device.error = 1u << 30;
        device.task_error = true;
    }
    SECTION("of the disk, without a cause") {
        device.task_error = true;
    }
    SECTION("of the bus") {
        device.error = 1u << 29;
    }
    SECTION("of the cable") {
        device.error = 1u << 27;
    }
    CHECK(perform(command(Op::Read, 0, 1)) == ERR_IO);
    CHECK(perform(command(Op::Read, 0, 1)) == OK);
    CHECK(device.resets == 1);
    CHECK_FALSE(memory.strayed);
}

TEST_CASE_METHOD(Fixture, "a port that cannot go on needs a reset", "[ahci]") {
    REQUIRE(start());
    device.error = 1u << 30;
    SECTION("it does not stop") {
        device.hangs = true;
    }
    SECTION("it stays busy") {
        device.busy = true;
    }
    SECTION("the disk is gone") {
        device.port[2].present = false;
    }
    disk.submit(0, command(Op::Read, 0, 1));
    out = {};
    CHECK_FALSE(disk.collect(out));
    CHECK(out.count == 0);
    device.hangs = device.busy = false;
    device.port[2].present = true;
    REQUIRE(disk.reset());
    CHECK(perform(command(Op::Read, 0, 1)) == OK);
}

TEST_CASE_METHOD(Fixture, "a silent disk, and interrupts for nothing", "[ahci]") {
    REQUIRE(start());
    out = {};
    CHECK(disk.collect(out));
    device.silent = true;
    disk.submit(0, command(Op::Read, 0, 1));
    CHECK(disk.collect(out));
    CHECK(out.count == 0);
    device.silent = false;
    REQUIRE(disk.reset());
    CHECK(disk.collect(out));
    CHECK(out.count == 0);
    CHECK(perform(command(Op::Read, 0, 1)) == OK);
    CHECK(device.port[2].resets == 1);
    CHECK(device.resets == 1); // Of the controller.
    device.image.resize(2000 * 512);
    CHECK_FALSE(disk.reset()); // Another disk.
    CHECK_FALSE(device.interrupts());
}

TEST_CASE_METHOD(Fixture, "a port that does not stop is cured by a reset of its link, or dead",
                 "[ahci]") {
    REQUIRE(start());
    device.hangs = true;
    SECTION("cured") {
        device.cured = true;
        REQUIRE(disk.reset());
        CHECK(perform(command(Op::Read, 0, 1)) == OK);
    }
    SECTION("dead") {
        CHECK_FALSE(disk.reset());
        CHECK_FALSE(device.interrupts());
        CHECK(device.time < 3000);
    }
}

TEST_CASE_METHOD(TwoDisks, "two disks on a controller, each with its own memory", "[ahci]") {
    CHECK(one.geometry().sectors == 1000);
    CHECK(two.geometry().sectors == 300);
    device.image[7 * 512] = 0x11;
    device.port[3].image[7 * 512] = 0x22;
    one.submit(0, command(Op::Read, 7, 1));
    CHECK(end(one) == OK);
    CHECK(*memory.at<u8>(kData) == 0x11);
    two.submit(0, command(Op::Read, 7, 1));
    CHECK(end(one) == ERR_COUNT); // Nothing of its own.
    CHECK(end(two) == OK);
    CHECK(*memory.at<u8>(kData) == 0x22);
    CHECK_FALSE(memory.strayed);
}

TEST_CASE_METHOD(TwoDisks, "one disk is reset while the other works", "[ahci]") {
    device.silent = true;
    device.only = &device.port[3];
    two.submit(0, command(Op::Read, 7, 1));
    REQUIRE(device.port[3].reg[PORT_CI] == 1);
    device.port[2].present = false; // Pulled out.
    CHECK_FALSE(one.reset());
    CHECK(device.port[3].reg[PORT_CI] == 1);
    CHECK((device.port[3].reg[PORT_CMD] & CMD_ST) != 0);
    CHECK(device.port[3].reg[PORT_IE] != 0);
    CHECK(device.port[2].reg[PORT_IE] == 0);
    CHECK(device.resets == 1);
    CHECK(device.port[3].resets == 0);
    device.silent = false;
    REQUIRE(two.reset());
    two.submit(0, command(Op::Read, 7, 1));
    CHECK(end(two) == OK);
    CHECK_FALSE(memory.strayed);
}

TEST_CASE_METHOD(Fixture, "controllers and disks that cannot be used", "[ahci]") {
    SECTION("few registers") {
        device.bar_bytes = 0x100;
    }
    SECTION("addresses of 32 bits") {
        device.cap = 0;
    }
    SECTION("it is gone") {
        device.cap = ~0u;
        device.stuck = true;
    }
    SECTION("a reset does not end") {
        device.stuck = true;
    }
    SECTION("no ports") {
        device.implemented = 0;
    }
    SECTION("the port is not implemented") {
        device.implemented = 3;
    }
    SECTION("the port lies outside the registers") {
        device.bar_bytes = 0x200;
    }
    SECTION("no disk") {
        device.port[2].present = false;
    }
    SECTION("no sectors") {
        device.image.clear();
    }
    SECTION("short addresses") {
        device.commands = 0x2000;
    }
    SECTION("sectors of 2 KiB") {
        device.size = 0x5000;
        device.sector = 2048;
    }
    SECTION("sectors of a strange size") {
        device.size = 0x5000;
        device.sector = ~0u;
    }
    SECTION("IDENTIFY fails") {
        device.error = 1u << 30;
    }
    SECTION("IDENTIFY is not answered") {
        device.silent = true;
    }
    CHECK_FALSE(start());
    CHECK(device.time <= 15'000);
    CHECK_FALSE(memory.strayed);
}

TEST_CASE_METHOD(Fixture, "ports that never get ready cost a bounded time", "[ahci]") {
    device.busy = true;
    CHECK_FALSE(start());
    CHECK(device.time <= 120 + 2 * 10'001); // All together, and the first one alone.
}

TEST_CASE_METHOD(Fixture, "ports without a device cost little time", "[ahci]") {
    REQUIRE(start());
    CHECK(device.time <= 25);
}

TEST_CASE_METHOD(Fixture, "sectors of 4 KiB", "[ahci]") {
    device.size = 0x5000;
    device.sector = 4096;
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
    CHECK(device.trimmed == std::vector<u64>{2, 10});
    CHECK_FALSE(memory.strayed);
}
