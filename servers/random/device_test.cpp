// EntropyDevice: buffers, and devices that misbehave.
// SPDX-License-Identifier: BSD-2-Clause
#include "entropy_device.hpp"
#include "servers/virtio/fake.hpp"

#include <catch2/catch.hpp>

using namespace rng;

namespace {

class FakeDevice final : public virtio::FakeRegisters {
  public:
    explicit FakeDevice(driver::FakeMemory &memory)
        : FakeRegisters{memory, virtio::FEATURE_VERSION_1} {}

    u8 value = 1;
    u32 written = 256;  // Bytes, as it says.
    u16 head_error = 0; // Added to the head that it names.

    void answer() {
        while (offered() != 0) {
            u16 head = take_offered();
            virtio::Descriptor d = descriptor(head);
            memory_.strayed = memory_.strayed || (d.flags & virtio::DESCRIPTOR_WRITE) == 0;
            for (u32 i = 0; i < d.bytes && i < written; i++) {
                memory_.put<u8>(d.address + i, static_cast<u8>(value + i));
            }
            say_used(head + head_error, written);
        }
    }

  private:
    u32 config_word(u32) const override { return 0; }
    void on_bell(u32) override {
        if (!silent) {
            answer();
        }
    }
};

struct Fixture {
    driver::FakeMemory memory;
    FakeDevice device{memory};
    EntropyDevice<FakeDevice, driver::FakeMemory> entropy{device, memory};
    using Got = decltype(entropy)::Got;
    std::span<const u8> bytes;

    bool start() { return entropy.stop() && entropy.start(); }
};

} // namespace

TEST_CASE_METHOD(Fixture, "a buffer is asked for, and comes", "[random]") {
    REQUIRE(start());
    CHECK(device.status == 15);
    CHECK(entropy.collect(bytes) == Got::NOTHING);
    device.silent = true;
    entropy.ask();
    entropy.ask();
    CHECK(device.bells == 1);
    CHECK(entropy.busy());
    CHECK(entropy.collect(bytes) == Got::NOTHING);
    device.answer();
    REQUIRE(entropy.collect(bytes) == Got::BYTES);
    REQUIRE(bytes.size() == 256);
    CHECK(bytes[0] == 1);
    CHECK(bytes[255] == 0);
    *memory.at<u8>(2) = 0x77; // The device writes on.
    CHECK(bytes[0] == 1);
    CHECK_FALSE(entropy.busy());
    device.silent = false;
    device.written = 3;
    for (u32 i = 0; i < 1000; i++) {
        entropy.ask();
        REQUIRE(entropy.collect(bytes) == Got::BYTES);
        REQUIRE(bytes.size() == 3);
    }
    CHECK_FALSE(memory.strayed);
}

TEST_CASE_METHOD(Fixture, "what the device did not write is zero, not what was there before",
                 "[random]") {
    REQUIRE(start());
    entropy.ask();
    REQUIRE(entropy.collect(bytes) == Got::BYTES);
    device.silent = true;
    entropy.ask();
    device.say_used(0, 256);
    REQUIRE(entropy.collect(bytes) == Got::BYTES);
    CHECK(std::all_of(bytes.begin(), bytes.end(), [](u8 b) { return b == 0; }));
}

TEST_CASE_METHOD(Fixture, "nonsense is noticed", "[random]") {
    REQUIRE(start());
    SECTION("nothing was asked for") {
        device.say_used(0, 64);
    }
    SECTION("an empty buffer") {
        device.written = 0;
        entropy.ask();
    }
    SECTION("more than there is") {
        device.written = 257;
        entropy.ask();
    }
    SECTION("another buffer") {
        device.head_error = 1;
        entropy.ask();
    }
    SECTION("several") {
        entropy.ask();
        device.say_used(0, 64);
    }
    SECTION("backwards") {
        device.silent = true;
        entropy.ask();
        device.set_used_index(0xffff);
    }
    SECTION("it asks for a reset") {
        device.status |= virtio::STATUS_NEEDS_RESET;
    }
    CHECK(entropy.collect(bytes) == Got::NONSENSE);
    CHECK(bytes.empty());
    device.written = 256;
    device.head_error = 0;
    device.silent = false;
    REQUIRE(start());
    entropy.ask();
    CHECK(entropy.collect(bytes) == Got::BYTES);
    CHECK_FALSE(memory.strayed);
}

TEST_CASE_METHOD(Fixture, "devices that cannot be used", "[random]") {
    SECTION("too old") {
        device.features = 0;
    }
    SECTION("no queue") {
        device.queue_most = 0;
    }
    SECTION("no vector") {
        device.deaf_vectors = true;
    }
    SECTION("no structures") {
        device.space[0x34] = 0;
    }
    SECTION("it does not end its reset") {
        device.status = 15;
        device.stuck = true;
    }
    CHECK_FALSE(start());
    CHECK(device.time <= 1001);
    CHECK_FALSE(memory.strayed);
}

TEST_CASE_METHOD(Fixture, "it needs no configuration of its own", "[random]") {
    device.space[0x60] = 9 | 0x70 << 8 | 20 << 16 | 99u << 24; // Of another kind.
    CHECK(start());
}
