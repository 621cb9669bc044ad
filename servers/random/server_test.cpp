// Server: when there are numbers, and when not; sources that lie, stop, or are not there; the processor's instructions.
// SPDX-License-Identifier: BSD-2-Clause
#include "processor.hpp"
#include "server.hpp"

#include <catch2/catch.hpp>
#include <functional>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "libsel/test/fuzz.hpp"
#include "sel/host.hpp"

using namespace rng;

namespace {

struct FakeWorld {
    bool processor = true, device = false;
    std::mt19937_64 random{5};
    std::function<u8(u64)> byte = [this](u64) { return static_cast<u8>(random() >> 56); };
    u64 drawn = 0, asked = 0, ms = 1;
    std::size_t most = ~std::size_t{0}; // Bytes that are left in the processor.
    std::vector<std::string> said;

    bool has_processor() const { return processor; }
    std::size_t draw(std::span<u8> to) {
        std::size_t count = std::min(to.size(), most);
        most -= count;
        for (u8 &b : to.first(count)) {
            b = byte(drawn++);
        }
        return count;
    }
    bool has_device() const { return device; }
    void ask_device() { asked++; }
    u64 now_ms() const { return ms; }
    u64 ticks() const { return 7; } // As if instructions were counted.
    void report(std::string_view line) { said.emplace_back(line); }
};

struct Fixture {
    FakeWorld world;
    Server<FakeWorld> server{world};

    std::vector<u8> get(u32 count = 32) {
        sel::Result<Numbers> numbers = server.on(Bytes{.count = count});
        if (!numbers) {
            CHECK(numbers.error() == ERR_BUSY);
            return {};
        }
        return {numbers->data.byte, numbers->data.byte + numbers->data.size};
    }
    State state() { return server.on(GetState{}).value(); }
    // A buffer of the device.
    void give(std::size_t bytes = 256) {
        std::vector<u8> buffer(bytes);
        for (u8 &b : buffer) {
            b = world.byte(world.drawn++);
        }
        server.take_device(buffer);
    }
    bool said(std::string_view text) {
        for (const std::string &line : world.said) {
            if (line.find(text) != line.npos) {
                return true;
            }
        }
        return false;
    }
};

// Two servers whose sources say the same give the same: so nothing else is in there.
std::vector<u8> first_numbers(u64 seed, u64 ms) {
    Fixture f;
    f.world.random.seed(seed);
    f.world.ms = ms;
    f.server.begin();
    return f.get();
}

} // namespace

TEST_CASE_METHOD(Fixture, "a good processor is enough", "[random]") {
    server.begin();
    CHECK(state().seeds == 1);
    CHECK(state().processor == Condition::GOOD);
    CHECK(state().device == Condition::ABSENT);
    CHECK(said("seeded by the processor"));
    CHECK(world.drawn == Health::kStartBytes);
    std::set<std::vector<u8>> seen;
    for (u32 i = 0; i < 1000; i++) {
        REQUIRE(seen.insert(get()).second);
    }
    CHECK(world.drawn == Health::kStartBytes); // All out of one seed.
    CHECK(get(1).size() == 1);
    CHECK(get(kBytesMost).size() == kBytesMost);
}

TEST_CASE("numbers follow from what the sources say, and from nothing that is invented",
          "[random]") {
    CHECK(first_numbers(3, 1) == first_numbers(3, 1));
    CHECK(first_numbers(3, 1) != first_numbers(4, 1));
}

TEST_CASE_METHOD(Fixture, "without a source there are no numbers", "[random]") {
    world.processor = false;
    server.begin();
    CHECK(get().empty());
    CHECK(state().seeds == 0);
    CHECK(world.said ==
          std::vector<std::string>{"there is no source of random numbers: nobody gets any"});
    world.ms += 10 * Server<FakeWorld>::kReseedMs; // Time does not count.
    for (u32 i = 0; i < 10'000; i++) {
        REQUIRE(get().empty());
    }
}

TEST_CASE_METHOD(Fixture, "a processor that lies", "[random]") {
    SECTION("zeros") {
        world.byte = [](u64) { return u8{0}; };
    }
    SECTION("ones") {
        world.byte = [](u64) { return u8{0xff}; };
    }
    SECTION("a counter") {
        world.byte = [](u64 i) { return static_cast<u8>(i); };
    }
    SECTION("the same word") {
        world.byte = [](u64 i) { return static_cast<u8>(0x9e3779b97f4a7c15 >> i % 8 * 8); };
    }
    SECTION("it stops at the end of the start") {
        world.byte = [this](u64 i) {
            return i < 1000 ? static_cast<u8>(world.random() >> 56) : u8{4};
        };
    }
    server.begin();
    for (u32 i = 0; i < 100; i++) {
        REQUIRE(get().empty());
    }
    CHECK(state().processor == Condition::FAILED);
    CHECK(said("the processor has failed a test"));
    CHECK(said("nobody gets random numbers"));
    u64 before = world.drawn;
    CHECK(get().empty());
    CHECK(world.drawn == before); // It is asked no more.
    CHECK(world.said.size() == 2);
}

TEST_CASE_METHOD(Fixture, "a processor that stops answering before it has given enough",
                 "[random]") {
    world.most = GENERATE(0u, 8u, 200u, 1016u, 1023u);
    server.begin();
    CHECK(get().empty());
    CHECK(state().processor == Condition::FAILED);
    CHECK(said("the processor does not answer"));
}

TEST_CASE_METHOD(Fixture, "a device is asked until it has given enough", "[random]") {
    world.processor = false;
    world.device = true;
    server.begin();
    CHECK(world.asked == 1);
    CHECK(get().empty());
    for (u32 i = 0; i < 3; i++) {
        give();
        CHECK(get().empty());
        CHECK(state().device == Condition::STARTING);
    }
    give();
    CHECK(state().device == Condition::GOOD);
    CHECK(get().size() == 32);
    u64 asked = world.asked;
    give();                      // For the next seed,
    CHECK(world.asked == asked); // and then no more.
    CHECK(state().seeds == 1);
}

TEST_CASE_METHOD(Fixture, "a device that gives little at a time", "[random]") {
    world.processor = false;
    world.device = true;
    server.begin();
    for (u32 i = 0; i < Health::kStartBytes; i++) {
        REQUIRE(get().empty());
        give(1);
    }
    CHECK(get().size() == 32);
}

TEST_CASE_METHOD(Fixture, "a device that lies or is stuck", "[random]") {
    world.processor = false;
    world.device = true;
    server.begin();
    SECTION("zeros") {
        world.byte = [](u64) { return u8{0}; };
    }
    SECTION("the same buffer again and again") {
        std::vector<u8> buffer(256);
        for (u8 &b : buffer) {
            b = static_cast<u8>(world.random() >> 56);
        }
        world.byte = [buffer](u64 i) { return buffer[i % 256]; };
    }
    SECTION("it does not answer") {
        server.device_failed("does not answer");
        CHECK(said("the virtio entropy device does not answer"));
    }
    for (u32 i = 0; i < 20; i++) {
        give();
        REQUIRE(get().empty());
    }
    CHECK(state().device == Condition::FAILED);
    CHECK(said("nobody gets random numbers"));
}

TEST_CASE_METHOD(Fixture, "one that lies does not spoil the other", "[random]") {
    world.device = true;
    world.byte = [this](u64 i) {
        return i < Health::kStartBytes ? static_cast<u8>(world.random() >> 56) : u8{0};
    };
    server.begin();
    CHECK(state().seeds == 1);
    std::vector<u8> before = get();
    for (u32 i = 0; i < 8; i++) {
        give();
    }
    CHECK(state().device == Condition::FAILED);
    CHECK(state().processor == Condition::GOOD);
    std::vector<u8> after = get();
    CHECK(after.size() == 32);
    CHECK(after != before);
    CHECK_FALSE(said("no source is left"));
}

TEST_CASE_METHOD(Fixture,
                 "a source that fails later: numbers come out of the last seed, and it is said",
                 "[random]") {
    server.begin();
    world.byte = [](u64) { return u8{0}; };
    world.ms += Server<FakeWorld>::kReseedMs;
    CHECK(get().size() == 32);
    CHECK(state().seeds == 1);
    CHECK(state().processor == Condition::FAILED);
    CHECK(said("all comes out of the last seed"));
}

TEST_CASE_METHOD(Fixture, "a new seed after a while, not before", "[random]") {
    world.device = true;
    server.begin();
    REQUIRE(state().seeds == 1);
    for (u32 i = 0; i < 10; i++) {
        give();
    }
    world.ms += Server<FakeWorld>::kReseedMs - 1;
    get();
    CHECK(state().seeds == 1);
    u64 drawn = world.drawn;
    world.ms += 1;
    get();
    CHECK(state().seeds == 2);
    CHECK(world.drawn == drawn + 64); // One draw.
    get();
    CHECK(state().seeds == 2);
}

TEST_CASE_METHOD(Fixture, "any messages", "[random]") {
    sel::host::kernel = [](sel::Regs &r) { r.number = OK; };
    server.begin();
    sel::fuzz::server<Api>(server);
    sel::fuzz::clients<Api>();
    sel::host::kernel = nullptr;
}

namespace {

struct FakeCpu {
    u32 ecx = 1u << 30, ebx = 1u << 18;
    u32 seeds = 0, randoms = 0;
    u32 dry = 0; // How often it says that there is nothing before it gives one.
    bool seed_works = true, random_works = true;

    u32 features(u32 leaf) const { return leaf == 0 ? ecx : ebx; }
    bool seed(u64 &word) {
        word = 1;
        return ++seeds % (dry + 1) == 0 && seed_works;
    }
    bool random(u64 &word) {
        word = 2;
        return ++randoms % (dry + 1) == 0 && random_works;
    }
};

} // namespace

TEST_CASE("the processor's instructions are used if they are there", "[random]") {
    FakeCpu cpu;
    u8 to[64];
    SECTION("none") {
        cpu.ecx = cpu.ebx = ~(1u << 30 | 1u << 18);
        Processor processor{cpu};
        CHECK_FALSE(processor.there());
        CHECK(processor.draw(to) == 0);
        CHECK(cpu.seeds + cpu.randoms == 0);
    }
    SECTION("both: seeds") {
        Processor processor{cpu};
        CHECK(processor.draw(to) == 64);
        CHECK(to[8] == 1);
        CHECK(cpu.randoms == 0);
    }
    SECTION("random alone") {
        cpu.ebx = 0;
        Processor processor{cpu};
        CHECK(processor.draw(to) == 64);
        CHECK(to[8] == 2);
        CHECK(cpu.seeds == 0);
    }
    SECTION("seeds that are dry: the other") {
        cpu.seed_works = false;
        Processor processor{cpu};
        CHECK(processor.draw(to) == 64);
        CHECK(to[8] == 2);
    }
    SECTION("dry for a while") {
        cpu.dry = 20;
        Processor processor{cpu};
        CHECK(processor.draw(to) == 64);
    }
    SECTION("dry for ever") {
        cpu.seed_works = cpu.random_works = false;
        Processor processor{cpu};
        CHECK(processor.draw(to) == 0);
        CHECK(cpu.seeds + cpu.randoms == 64);
    }
    SECTION("no room for a word") {
        Processor processor{cpu};
        CHECK(processor.draw({to, 7}) == 0);
        CHECK(processor.draw({to, 12}) == 8);
    }
}
