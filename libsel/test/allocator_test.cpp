// Allocator: objects come, go and come again; in the end every byte and slot is back.
// SPDX-License-Identifier: BSD-2-Clause
#include <catch2/catch.hpp>

#include <random>
#include <vector>

#include "sel/allocator.hpp"
#include "sim_kernel.hpp"

namespace {

constexpr cptr_t kFirst = 100;
constexpr u32 kSlots = 200, kChunks = 8;
using Memory = sel::AllocatorOf<kChunks, kSlots>;

struct Fixture {
    explicit Fixture(u64 bytes = 1 << 20, u32 slots = kSlots)
        : kernel{bytes}, memory{sel::Untyped{SimKernel::kPool}, {kFirst, slots}} {}
    SimKernel kernel;
    Memory memory;
};

} // namespace

TEST_CASE("a chunk whose objects are all freed serves another type") {
    Fixture f;
    std::vector<cptr_t> frames;
    for (int i = 0; i < 4; i++) {
        frames.push_back(f.memory.make(CAP_FRAME, FRAME_4K).value());
    }
    u64 used = f.kernel.used(SimKernel::kPool);
    cptr_t other = f.memory.make(CAP_TCB).value();
    CHECK(f.kernel.used(SimKernel::kPool) > used);
    used = f.kernel.used(SimKernel::kPool);
    for (cptr_t frame : frames) {
        CHECK(f.memory.free(frame).ok());
        CHECK(!f.kernel.occupied(frame));
    }
    CHECK(f.memory.make(CAP_ENDPOINT).ok());
    CHECK(f.memory.make(CAP_PAGE_TABLE).ok()); // Too big beside endpoints: a chunk of its own.
    CHECK(f.memory.live() == 3);
    CHECK(f.memory.free(other).ok());
    CHECK(f.kernel.used(SimKernel::kPool) == used + Memory::kChunk + PAGE_BYTES);
}

TEST_CASE("freeing ends the copies, too") {
    Fixture f;
    cptr_t frame = f.memory.make(CAP_FRAME).value();
    CHECK(sel::Capability{frame}.copy(5000).ok());
    CHECK(f.memory.free(frame).ok());
    CHECK(!f.kernel.occupied(5000));
    CHECK(f.memory.free(frame).error() == ERR_ARG); // Once is enough.
}

TEST_CASE("what is not there is refused and changes nothing") {
    Fixture f;
    CHECK(f.memory.free(kFirst).error() == ERR_ARG);
    CHECK(f.memory.free(kFirst + kSlots).error() == ERR_ARG);
    CHECK(f.memory.free(0).error() == ERR_ARG);
    CHECK(f.memory.free_slot(kFirst).error() == ERR_ARG);
    CHECK(f.memory.make(CAP_CNODE, 1000).error() == ERR_ARG); // Bigger than a chunk.
    CHECK(f.memory.live() == 0);
    cptr_t slot = f.memory.slot().value();
    CHECK(f.memory.free(slot).error() == ERR_ARG);
    CHECK(f.memory.free_slot(slot).ok());
}

TEST_CASE("slots, chunks and memory each run out with their own error") {
    SECTION("slots") {
        Fixture f{1 << 20, 10};
        for (int i = 0; i < 9; i++) { // One slot is the chunk's.
            REQUIRE(f.memory.make(CAP_ENDPOINT).ok());
        }
        CHECK(f.memory.make(CAP_ENDPOINT).error() == ERR_FULL);
    }
    SECTION("chunks") {
        Fixture f;
        for (u32 i = 0; i < 4 * kChunks; i++) {
            REQUIRE(f.memory.make(CAP_FRAME).ok());
        }
        CHECK(f.memory.make(CAP_FRAME).error() == ERR_FULL);
    }
    SECTION("memory") {
        Fixture f{3 * Memory::kChunk};
        u32 made = 0;
        while (f.memory.make(CAP_FRAME).ok()) {
            made++;
        }
        CHECK(made == 8);
        CHECK(f.memory.make(CAP_FRAME).error() == ERR_MEMORY);
        CHECK(f.memory.live() == 8);
    }
}

TEST_CASE("after anything, clear() brings back every byte and slot") {
    Fixture f;
    std::mt19937 random{1};
    const cap_type_t types[] = {CAP_FRAME, CAP_TCB, CAP_ENDPOINT, CAP_PAGE_TABLE};
    std::vector<cptr_t> live;
    for (int i = 0; i < 20000; i++) {
        if (random() % 5 < 3) {
            auto made = f.memory.make(types[random() % 4]);
            if (made.ok()) {
                live.push_back(*made);
            }
        } else if (!live.empty()) {
            std::size_t k = random() % live.size();
            REQUIRE(f.memory.free(live[k]).ok());
            live.erase(live.begin() + static_cast<std::ptrdiff_t>(k));
        }
        REQUIRE(f.memory.live() == live.size());
        REQUIRE(f.kernel.capabilities() <= live.size() + kChunks);
    }
    for (cptr_t object : live) {
        REQUIRE(f.kernel.occupied(object));
        REQUIRE(f.memory.free(object).ok());
    }
    CHECK(f.kernel.capabilities() <= kChunks); // Only empty chunks are left ...
    CHECK(f.memory.make(CAP_FRAME).ok());
    CHECK(f.memory.slot().ok());
    CHECK(f.memory.clear().ok());
    CHECK(f.kernel.capabilities() == 0); // ... and now nothing.
    CHECK(f.kernel.used(SimKernel::kPool) == 0);
    CHECK(f.memory.make(CAP_TCB).ok());
}
