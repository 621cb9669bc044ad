// Cache: content, bounds, batches, faults, against a plain array.
// SPDX-License-Identifier: BSD-2-Clause
#include "servers/block/ram_disk.hpp"
#include "servers/volume/cache.hpp"

#include <catch2/catch.hpp>
#include <numeric>
#include <random>

using namespace volume;

namespace {

constexpr u32 kSectors = 64 * 8 + 3; // The last page is not whole.

struct Fixture {
    block::PoolMemory<17> memory;
    block::RamDisk disk{kSectors * Cache::kSectorBytes, memory.span()};
    block::Client client{disk, memory.span()};
    bool started = client.start().ok();
    Cache cache{client};

    std::vector<u8> read(u64 offset, std::size_t bytes) {
        std::vector<u8> out(bytes);
        REQUIRE(cache.read(offset, out).ok());
        return out;
    }
    sel::Result<> fill(u64 sector, u32 count, u8 value) {
        std::vector<u8> data(count * Cache::kSectorBytes, value);
        return cache.write(sector * Cache::kSectorBytes, data);
    }
};

} // namespace

TEST_CASE_METHOD(Fixture, "what is written is read, and on disk after a flush", "[cache]") {
    REQUIRE(fill(3, 2, 7).ok());
    CHECK(read(3 * 512 - 1, 1026).front() == 0);
    CHECK(read(3 * 512 + 100, 800) == std::vector<u8>(800, 7));
    CHECK(disk.image[3 * 512] == 0);
    REQUIRE(cache.flush().ok());
    CHECK(disk.image[3 * 512] == 7);
    CHECK(disk.image[5 * 512] == 0);
    CHECK(cache.clean());
}

TEST_CASE_METHOD(Fixture, "only dirty sectors are written", "[cache]") {
    disk.logging = true;
    REQUIRE(fill(1, 1, 1).ok());
    REQUIRE(fill(4, 2, 4).ok());
    REQUIRE(cache.flush().ok());
    REQUIRE(disk.log.size() == 3);
    CHECK((disk.log[0].sector == 1 && disk.log[0].data.size() == 512));
    CHECK((disk.log[1].sector == 4 && disk.log[1].data.size() == 1024));
    CHECK(disk.log[2].op == block::Op::Flush);
    REQUIRE(cache.flush().ok());
    CHECK(disk.log.size() == 3);
}

TEST_CASE_METHOD(Fixture, "neighbours are written in one request, all in one message", "[cache]") {
    disk.logging = true;
    REQUIRE(fill(0, 8 * 7, 9).ok());
    u64 before = disk.messages;
    REQUIRE(cache.flush().ok());
    CHECK(disk.log.size() == 2);
    CHECK(disk.messages == before + 2);
}

TEST_CASE_METHOD(Fixture, "dirt is bounded", "[cache]") {
    for (u32 page = 0; page < 60; page++) {
        REQUIRE(fill(page * 8, 8, static_cast<u8>(page)).ok());
        CHECK(cache.dirty() <= cache.pages() / 2);
    }
    for (u32 page = 0; page < 60; page++) {
        CHECK(read(page * 4096, 1)[0] == page);
    }
}

TEST_CASE_METHOD(Fixture, "a sequential reader reads ahead", "[cache]") {
    for (u32 page = 0; page < 64; page++) {
        read(page * 4096, 4096);
    }
    CHECK(cache.counts().pages_read == 65); // Once each.
    CHECK(disk.requests < 24);
}

TEST_CASE_METHOD(Fixture, "a read of several pages is one request", "[cache]") {
    for (u32 page = 0; page < 64; page++) {
        disk.image[page * 4096] = static_cast<u8>(page + 1);
    }
    CHECK(read(10 * 4096 + 2048, 2 * 4096)[2048] == 12);
    CHECK(disk.requests == 1);
    CHECK(cache.counts().pages_read == 3);
    CHECK(read(12 * 4096, 4096)[0] == 13); // The last one of them.
    CHECK(disk.requests == 1);
    CHECK(read(30 * 4096, 9 * 4096)[8 * 4096] == 39); // More than a quarter of the cache.
    CHECK(disk.requests == 4);
    CHECK(read(63 * 4096, 4096 + 3 * 512)[0] == 64); // Up to the end of the disk.
    CHECK(disk.requests == 5);
}

TEST_CASE_METHOD(Fixture, "the end of the disk is the end", "[cache]") {
    CHECK(read(64 * 4096, 3 * 512).size() == 3 * 512);
    REQUIRE(fill(kSectors - 1, 1, 5).ok());
    REQUIRE(cache.flush().ok());
    CHECK(disk.image.back() == 5);
    u8 byte[512]{};
    CHECK(cache.read(kSectors * 512, {byte, 1}).error() == ERR_ARG);
    CHECK(cache.read(~u64{0}, {byte, 2}).error() == ERR_ARG);
    CHECK(fill(kSectors, 1, 1).error() == ERR_ARG);
    CHECK(cache.write(100, {byte, 512}).error() == ERR_ARG);
    CHECK(cache.write(0, {byte, 100}).error() == ERR_ARG);
    CHECK_FALSE(disk.strayed);
}

TEST_CASE_METHOD(Fixture, "a bad sector spoils no other one", "[cache]") {
    disk.fault = [](const block::Request &r) {
        return r.op == block::Op::Read && r.sector <= 20 && r.sector + r.sectors > 20 ? ERR_IO : OK;
    };
    CHECK(read(16 * 512, 4 * 512).size() == 4 * 512);
    u8 byte[1];
    CHECK(cache.read(20 * 512, byte).error() == ERR_IO);
    CHECK(read(21 * 512, 512).size() == 512);
    // It heals when it is written.
    REQUIRE(fill(20, 1, 3).ok());
    CHECK(read(20 * 512, 1)[0] == 3);
}

TEST_CASE_METHOD(Fixture, "what cannot be written stays dirty, and is written later", "[cache]") {
    disk.fault = [](const block::Request &r) { return r.op == block::Op::Write ? ERR_IO : OK; };
    REQUIRE(fill(8, 8, 1).ok());
    CHECK(cache.flush().error() == ERR_IO);
    CHECK(cache.dirty() == 1);
    CHECK_FALSE(cache.clean());
    disk.fault = nullptr;
    REQUIRE(cache.flush().ok());
    CHECK(disk.image[8 * 512] == 1);
    CHECK(cache.clean());
}

TEST_CASE_METHOD(Fixture, "a flush that fails is not taken for done", "[cache]") {
    disk.fault = [](const block::Request &r) {
        return r.op == block::Op::Flush ? ERR_TIMEOUT : OK;
    };
    REQUIRE(fill(8, 8, 1).ok());
    CHECK(cache.flush().error() == ERR_TIMEOUT);
    CHECK_FALSE(cache.clean());
    disk.fault = nullptr;
    disk.logging = true;
    REQUIRE(cache.flush().ok());
    CHECK(disk.log.size() == 1);
}

TEST_CASE_METHOD(Fixture, "the number of calls can be bounded", "[cache]") {
    cache.allow(2);
    u8 byte[1];
    CHECK(cache.read(0, byte).ok());
    CHECK(cache.read(0, byte).ok());
    CHECK(cache.read(0, byte).error() == ERR_IO);
    CHECK(fill(0, 1, 1).error() == ERR_IO);
    cache.allow(Cache::kUnlimited);
    CHECK(cache.read(0, byte).ok());
}

// Random reads and writes with dying, stalling and failing drivers, against a plain array.
TEST_CASE_METHOD(Fixture, "a disk with sectors of 4 KiB is given whole ones", "[cache]") {
    disk.sector_bytes = 4096;
    disk.image.assign(kSectors / 8 * 4096, 0x11);
    disk.logging = true;
    REQUIRE(client.start().ok());
    REQUIRE(fill(9, 1, 9).ok());
    REQUIRE(fill(16, 8, 16).ok());
    CHECK(cache.counts().pages_read == 1); // Around sector 9; the other one is written over.
    REQUIRE(cache.flush().ok());
    REQUIRE(disk.log.size() == 2);
    CHECK((disk.log[0].sector == 8 && disk.log[0].data.size() == 8192));
    CHECK(read(8 * 512, 512) == std::vector<u8>(512, 0x11));
    CHECK(disk.image[9 * 512] == 9);
    CHECK(disk.image[10 * 512] == 0x11);
    disk.fault = [](const block::Request &r) { return r.sector == 80 ? ERR_IO : OK; };
    CHECK(fill(81, 1, 1).error() == ERR_IO);
    CHECK(fill(80, 8, 1).ok());
    CHECK_FALSE(disk.strayed);
}

TEST_CASE_METHOD(Fixture, "random operations agree with a model", "[cache]") {
    u32 sectors = kSectors;
    if (GENERATE(false, true)) {
        disk.sector_bytes = 4096;
        sectors = kSectors / 8 * 8;
        disk.image.resize(sectors * 512);
        REQUIRE(client.start().ok());
    }
    std::mt19937 random{7};
    std::vector<u8> model(disk.image.size());
    for (int step = 0; step < 20000; step++) {
        if (random() % 50 == 0) {
            (random() % 2 != 0 ? disk.die_after : disk.stall_after) = random() % 4;
        }
        bool fail = random() % 40 == 0;
        disk.fault = [&](const block::Request &) { return fail ? ERR_IO : OK; };
        u32 sector = random() % sectors;
        u32 count = 1 + random() % std::min<u32>(sectors - sector, 30);
        if (random() % 3 == 0) {
            std::vector<u8> data(count * 512, static_cast<u8>(random()));
            while (!cache.write(u64{sector} * 512, data).ok()) {
                fail = false;
            }
            std::copy(data.begin(), data.end(), model.begin() + sector * 512);
        } else if (random() % 20 == 0) {
            while (!cache.flush().ok()) {
                fail = false;
            }
            REQUIRE(disk.image == model);
        } else {
            std::vector<u8> out(count * 512 - random() % 512);
            if (cache.read(u64{sector} * 512, out).ok()) {
                REQUIRE(std::equal(out.begin(), out.end(), model.begin() + sector * 512));
            }
        }
    }
    CHECK_FALSE(disk.strayed);
}
