// Client: batches, errors, restarts and time-outs of the driver.
// SPDX-License-Identifier: BSD-2-Clause
#include "servers/block/client.hpp"
#include "servers/block/ram_disk.hpp"

#include <catch2/catch.hpp>

using namespace block;

namespace {

struct Fixture {
    PoolMemory<20> memory;
    RamDisk disk{64 * kPageBytes, memory.span()};
    Client client{disk, memory.span()};

    Fixture() {
        REQUIRE(client.start().ok());
        for (std::size_t i = 0; i < disk.image.size(); i++) {
            disk.image[i] = static_cast<u8>(i / kSectorBytes);
        }
    }
    sel::Result<> add(Op op, u64 sector, u32 sectors, std::span<const u16> pages, u16 skip = 0) {
        return client.add(
            {.op = op, .sector = sector, .sectors = sectors, .pages = pages, .skip = skip});
    }
};

const u16 kOne[] = {1};
const u16 kThree[] = {5, 3, 9};

} // namespace

TEST_CASE_METHOD(Fixture, "data is scattered to the named pages", "[block]") {
    REQUIRE(add(Op::Read, 10, 17, kThree, 1024).ok());
    REQUIRE(client.run().ok());
    CHECK(client.page(5)[1024] == 10);
    CHECK(client.page(5)[4095] == 15);
    CHECK(client.page(3)[0] == 16);
    CHECK(client.page(9)[2 * kSectorBytes] == 26);
    CHECK(client.page(9)[3 * kSectorBytes] == 0);
    CHECK_FALSE(disk.strayed);
}

TEST_CASE_METHOD(Fixture, "a batch is one message and any number of rounds of the ring",
                 "[block]") {
    for (u32 round = 0; round < 5; round++) {
        for (u32 i = 0; i < 40; i++) {
            client.page(1)[0] = 77;
            REQUIRE(add(i % 2 != 0 ? Op::Write : Op::Read, i, 1, kOne).ok());
        }
        REQUIRE(client.run().ok());
    }
    CHECK(disk.messages == 5);
    CHECK(disk.requests == 200);
}

TEST_CASE_METHOD(Fixture, "malformed transfers are refused", "[block]") {
    const u16 ring[] = {0}, outside[] = {20};
    CHECK(add(Op::Read, 0, 0, kOne).error() == ERR_ARG);
    CHECK(add(Op::Read, 511, 2, kOne).error() == ERR_ARG);
    CHECK(add(Op::Read, ~u64{0}, 2, kOne).error() == ERR_ARG);
    CHECK(add(Op::Read, 0, 9, kOne).error() == ERR_ARG);
    CHECK(add(Op::Read, 0, 8, kOne, 512).error() == ERR_ARG);
    CHECK(add(Op::Read, 0, 1, kOne, 100).error() == ERR_ARG);
    CHECK(add(Op::Read, 0, 1, kThree).error() == ERR_ARG);
    CHECK(add(Op::Write, 0, 1, ring).error() == ERR_ARG);
    CHECK(add(Op::Write, 0, 1, outside).error() == ERR_ARG);
    CHECK(add(Op::Discard, 0, 1, kOne).error() == ERR_ARG);
    CHECK(client.add({.op = Op::Flush, .sectors = 1}).error() == ERR_ARG);
    disk.read_only = true;
    REQUIRE(client.start().ok());
    CHECK(add(Op::Write, 0, 1, kOne).error() == ERR_RIGHT);
    CHECK(client.run().ok());
    CHECK(disk.requests == 0);
    for (u32 i = 0; i < kRequests; i++) {
        REQUIRE(add(Op::Read, i, 1, kOne).ok());
    }
    CHECK(client.full());
    CHECK(add(Op::Read, 0, 1, kOne).error() == ERR_ARG);
}

TEST_CASE_METHOD(Fixture, "one failure does not hide the others", "[block]") {
    disk.fault = [](const Request &r) { return r.sector == 3 ? ERR_IO : OK; };
    for (u32 i = 0; i < 6; i++) {
        REQUIRE(add(Op::Read, i, 1, kOne).ok());
    }
    CHECK(client.run().error() == ERR_IO);
    for (u32 i = 0; i < 6; i++) {
        CHECK(client.error(i) == (i == 3 ? ERR_IO : OK));
    }
}

TEST_CASE_METHOD(Fixture, "after a restart only what was not done is repeated", "[block]") {
    for (u32 i = 0; i < 10; i++) {
        REQUIRE(add(Op::Write, i, 1, kOne).ok());
    }
    disk.die_after = 5;
    CHECK(client.run().ok());
    CHECK(client.restarts() == 1);
    CHECK(disk.requests == 10);
    CHECK(disk.messages == 2);
}

TEST_CASE_METHOD(Fixture, "another disk is not written in the place of the first", "[block]") {
    const u16 page[] = {1};
    auto write = [&] {
        REQUIRE(client.add({.op = Op::Write, .sector = 0, .sectors = 1, .pages = page}).ok());
        return client.run().error();
    };
    client.page(1)[0] = 0x77;
    disk.die_after = 1;
    SECTION("the partition was moved") {
        disk.first = 2048;
    }
    SECTION("it has another size") {
        disk.image.resize(disk.image.size() + 4096);
    }
    SECTION("it is for something else") {
        disk.type = kSystemType;
    }
    SECTION("it looks the same, and is another one") {
        disk.id = {1, 2};
    }
    CHECK(write() == ERR_GONE);
    CHECK(write() == ERR_GONE);
    CHECK(disk.image[0] != 0x77);
}

TEST_CASE_METHOD(Fixture, "a driver that keeps dying is given up", "[block]") {
    disk.fault = [&](const Request &) {
        disk.die_after = 1;
        return OK;
    };
    for (u32 i = 0; i < 10; i++) {
        REQUIRE(add(Op::Write, i, 1, kOne).ok());
    }
    CHECK(client.run().error() == ERR_RESTARTED);
    CHECK(client.restarts() == Client::kTries);
    CHECK(client.error(0) == OK);
    CHECK(client.error(9) == ERR_RESTARTED);
    disk.fault = nullptr;
    disk.die_after = 0;
    REQUIRE(add(Op::Read, 0, 1, kOne).ok());
    CHECK(client.run().ok());
}

TEST_CASE_METHOD(Fixture, "a driver that does not answer is attached to anew", "[block]") {
    REQUIRE(add(Op::Read, 7, 1, kOne).ok());
    disk.stall_after = 1;
    CHECK(client.run().ok());
    CHECK(client.page(1)[0] == 7);
    CHECK(client.settle().ok());
}

TEST_CASE_METHOD(Fixture, "a disk that was let go is attached when it is next used", "[block]") {
    REQUIRE(client.detach().ok());
    CHECK_FALSE(disk.attached());
    disk.attach_error = ERR_BUSY; // Somebody else has it.
    CHECK(client.settle().error() == ERR_BUSY);
    REQUIRE(add(Op::Write, 0, 1, kOne).ok());
    CHECK(client.run().error() == ERR_BUSY);
    CHECK(disk.requests == 0);
    CHECK(client.start().error() == ERR_BUSY);
    disk.attach_error = OK;
    REQUIRE(add(Op::Write, 0, 1, kOne).ok());
    CHECK(client.run().ok());
    CHECK(disk.attached());
}

TEST_CASE_METHOD(Fixture, "who only reads writes nothing", "[block]") {
    REQUIRE(client.start(Access::Read).ok());
    CHECK(add(Op::Write, 0, 1, kOne).error() == ERR_RIGHT);
    CHECK(add(Op::Discard, 0, 1, {}).error() == ERR_RIGHT);
    REQUIRE(add(Op::Read, 0, 1, kOne).ok());
    CHECK(client.run().ok());
}
