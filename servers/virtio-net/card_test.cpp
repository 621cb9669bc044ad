// Card: starting, frames in both directions, commands, and devices that misbehave.
// SPDX-License-Identifier: BSD-2-Clause
#include "fake.hpp"

#include <catch2/catch.hpp>
#include <random>
#include <set>

using namespace virtio_net;

namespace {

constexpr u32 kData = 8; // First page for frames: a buffer each.

using Frame = std::vector<u8>;

struct Fixture {
    driver::FakeMemory memory;
    FakeDevice device{memory};
    Card<FakeDevice, driver::FakeMemory> card{device, memory};

    struct Event {
        u16 tag;
        u32 bytes; // 0: sent.
        u16 flags;
        bool operator==(const Event &) const = default;
    };
    std::vector<Event> events;
    bool believes = true; // What it is told.

    bool received(u16 tag, u32 offset, u32 bytes, u16 flags) {
        REQUIRE(offset == 0);
        events.push_back({tag, bytes, flags});
        return believes;
    }
    bool sent(u16 tag) {
        events.push_back({tag, 0, 0});
        return believes;
    }

    bool start() { return card.stop() && card.start(); }
    driver::Piece buffer(u32 i) { return {memory.physical(kData + i), nic::kBufferBytes}; }
    void receive(u16 tag) {
        card.receive(tag, buffer(tag));
        card.tell();
    }
    void transmit(u16 tag, const Frame &frame) {
        std::memcpy(memory.at<u8>(kData + tag), frame.data(), frame.size());
        card.transmit(tag, {{memory.physical(kData + tag), static_cast<u32>(frame.size())}});
        card.tell();
    }
    bool collect() {
        events.clear();
        return card.collect(*this);
    }
};

Frame frame_of(u32 number, std::size_t bytes = 60) {
    return Frame(bytes, static_cast<u8>(number));
}

} // namespace

TEST_CASE_METHOD(Fixture, "the card is what the device says", "[virtio-net]") {
    REQUIRE(start());
    CHECK(card.facts().mac == nic::Mac{{0x52, 0x54, 0, 1, 2, 3}});
    CHECK(card.facts().filters);
    CHECK_FALSE(card.facts().checksums);
    CHECK(card.receive_room() == nic::kSlots);
    CHECK(card.transmit_room() == nic::kSlots);
    CHECK(device.accepted == device.features);
    CHECK(device.status == 15);
    CHECK(card.link());
    device.link = 0;
    CHECK_FALSE(card.link());
    device.features = virtio::FEATURE_VERSION_1 | FEATURE_MAC | FEATURE_CSUM | 1u << 15 | 1u << 28;
    device.queue_most = 16;
    REQUIRE(start());
    CHECK(device.accepted == (virtio::FEATURE_VERSION_1 | FEATURE_MAC | FEATURE_CSUM));
    CHECK(card.link());
    CHECK(card.facts().checksums);
    CHECK_FALSE(card.facts().filters);
    CHECK(card.receive_room() == 8);
    CHECK_FALSE(memory.strayed);
}

TEST_CASE_METHOD(Fixture, "frames arrive where they should", "[virtio-net]") {
    REQUIRE(start());
    device.features |= FEATURE_GUEST_CSUM;
    REQUIRE(start());
    receive(3);
    receive(5);
    REQUIRE(device.arrive(frame_of(7, 1514)));
    device.header_flags = HEADER_DATA_VALID;
    REQUIRE(device.arrive(frame_of(8)));
    REQUIRE_FALSE(device.arrive(frame_of(9)));
    REQUIRE(collect());
    CHECK(events == std::vector<Event>{{3, 1514, 0}, {5, 60, nic::kChecked}});
    CHECK(*memory.at<u8>(kData + 3, 1513) == 7);
    CHECK(*memory.at<u8>(kData + 5, 0) == 8);
    CHECK(card.receive_room() == nic::kSlots);
    CHECK_FALSE(memory.strayed);
}

TEST_CASE_METHOD(Fixture, "what a device says of check sums counts only if it was agreed",
                 "[virtio-net]") {
    REQUIRE(start());
    receive(3);
    device.header_flags = HEADER_DATA_VALID;
    REQUIRE(device.arrive(frame_of(7)));
    REQUIRE(collect());
    CHECK(events[0].flags == 0);
}

TEST_CASE_METHOD(Fixture, "frames are sent", "[virtio-net]") {
    REQUIRE(start());
    transmit(1, frame_of(1));
    transmit(2, frame_of(2, 1514));
    CHECK(device.sent == std::vector{frame_of(1), frame_of(2, 1514)});
    CHECK(device.header.flags == 0);
    REQUIRE(collect());
    CHECK(events == std::vector<Event>{{1, 0, 0}, {2, 0, 0}});
    card.transmit(4, {{memory.physical(kData), 60}, 34, 16, true});
    card.tell();
    CHECK(device.header.flags == HEADER_NEEDS_CSUM);
    CHECK(device.header.checksum_start == 34);
    CHECK(device.header.checksum_offset == 16);
    CHECK_FALSE(memory.strayed);
}

TEST_CASE_METHOD(Fixture, "one bell for a batch", "[virtio-net]") {
    REQUIRE(start());
    for (u16 tag = 0; tag < 10; tag++) {
        card.receive(tag, buffer(tag));
    }
    u32 before = device.bells;
    card.tell();
    card.tell();
    CHECK(device.bells == before + 1);
}

TEST_CASE_METHOD(Fixture, "all places, many rounds", "[virtio-net]") {
    device.queue_most = 32;
    REQUIRE(start());
    std::mt19937 random{3};
    std::set<u16> in, out;
    for (u32 round = 0; round < 5'000; round++) {
        device.silent = random() % 2 != 0;
        u16 tag = static_cast<u16>(random() % 16);
        if (card.receive_room() != 0 && in.insert(tag).second) {
            receive(tag);
        }
        if (card.transmit_room() != 0 && out.insert(tag).second) {
            transmit(tag, frame_of(tag));
        }
        if (random() % 3 == 0) {
            [[maybe_unused]] bool had = device.arrive(frame_of(round, 60 + random() % 1000));
        }
        if (random() % 4 == 0) {
            device.send();
        }
        REQUIRE(collect());
        for (const Event &e : events) {
            REQUIRE((e.bytes != 0 ? in : out).erase(e.tag) == 1);
        }
        REQUIRE(card.receive_room() == 16 - in.size());
        REQUIRE(card.transmit_room() == 16 - out.size());
    }
    CHECK_FALSE(memory.strayed);
}

TEST_CASE_METHOD(Fixture, "nonsense is noticed, and a reset ends it", "[virtio-net]") {
    REQUIRE(start());
    receive(1);
    device.silent = true;
    transmit(2, frame_of(2));
    REQUIRE(collect());
    REQUIRE(events.empty());
    const u32 in = 2 * 127, out = 2 * 127; // The first places that are taken.
    SECTION("a place that is free") {
        device.say_used(0, 72, 0);
    }
    SECTION("the middle of a chain") {
        device.say_used(in + 1, 72, 0);
    }
    SECTION("no descriptor") {
        device.say_used(~0u, 72, 0);
    }
    SECTION("twice") {
        device.say_used(in, 72, 0);
        device.say_used(in, 72, 0);
    }
    SECTION("less than a header") {
        device.say_used(in, 11, 0);
    }
    SECTION("more than the buffer") {
        device.say_used(in, sizeof(Header) + nic::kBufferBytes + 1, 0);
    }
    SECTION("too many arrived") {
        device.set_used_index(2, 0);
    }
    SECTION("arrived, backwards") {
        device.set_used_index(0xffff, 0);
    }
    SECTION("sent what is free") {
        device.say_used(out - 2, 0, 1);
    }
    SECTION("too many sent") {
        device.set_used_index(9, 1);
    }
    SECTION("it asks for a reset") {
        device.status |= virtio::STATUS_NEEDS_RESET;
    }
    SECTION("the server does not believe it") {
        believes = false;
        REQUIRE(device.arrive(frame_of(1)));
    }
    CHECK_FALSE(collect());
    CHECK(events.size() <= 1);
    device.silent = false;
    believes = true;
    REQUIRE(card.reset());
    CHECK(card.receive_room() == nic::kSlots);
    CHECK(card.transmit_room() == nic::kSlots);
    transmit(2, frame_of(4));
    REQUIRE(collect());
    CHECK(events == std::vector<Event>{{2, 0, 0}});
    CHECK_FALSE(memory.strayed);
}

TEST_CASE_METHOD(Fixture, "random used rings harm nobody", "[virtio-net]") {
    std::mt19937 random{4};
    for (u32 round = 0; round < 3'000; round++) {
        REQUIRE(start());
        u32 in = random() % 8, out = random() % 8;
        for (u16 tag = 0; tag < in; tag++) {
            receive(tag);
        }
        device.silent = true;
        for (u16 tag = 0; tag < out; tag++) {
            transmit(tag, frame_of(tag));
        }
        device.silent = false;
        for (u32 i = random() % 6; i != 0; i--) {
            device.say_used(static_cast<u32>(240 + random() % 20),
                            static_cast<u32>(random() % 2100), random() % 2);
        }
        if (random() % 8 == 0) {
            device.set_used_index(static_cast<u16>(random()), random() % 2);
        }
        bool sane = collect();
        std::set<std::pair<u16, bool>> seen;
        for (const Event &e : events) {
            bool arrived = e.bytes != 0;
            REQUIRE(e.bytes <= nic::kBufferBytes);
            REQUIRE((e.tag < std::max(in, out)));
            REQUIRE((!sane || seen.insert({e.tag, arrived}).second || e.bytes == 0));
        }
    }
    CHECK_FALSE(memory.strayed);
}

TEST_CASE_METHOD(Fixture, "groups are told to the device", "[virtio-net]") {
    REQUIRE(start());
    nic::Mac groups[2] = {{{1, 0, 0x5e, 0, 0, 1}}, {{0x33, 0x33, 0, 0, 0, 1}}};
    REQUIRE(card.filter(groups));
    REQUIRE(device.commands.size() == 2);
    CHECK(device.commands[0] == std::vector<u8>{1, 0,    0, 0, 0, 0,    2,    0, 0, 0, 1,
                                                0, 0x5e, 0, 0, 1, 0x33, 0x33, 0, 0, 0, 1});
    CHECK(device.commands[1] == std::vector<u8>{0, 0, 0});
    device.answer = 1;
    CHECK_FALSE(card.filter(groups));
    device.silent = true;
    u64 before = device.time;
    CHECK_FALSE(card.filter(groups));
    CHECK(device.time <= before + 1001);
    device.features &= ~u64{FEATURE_CTRL_RX};
    REQUIRE(start());
    CHECK(card.filter(groups)); // There is nothing to be told.
    CHECK_FALSE(memory.strayed);
}

TEST_CASE_METHOD(Fixture, "devices that cannot be used", "[virtio-net]") {
    SECTION("too old") {
        device.features = FEATURE_MAC;
    }
    SECTION("no address") {
        device.features = virtio::FEATURE_VERSION_1;
    }
    SECTION("the address of a group") {
        device.mac[0] = 1;
    }
    SECTION("an empty address") {
        std::memset(device.mac, 0, sizeof device.mac);
    }
    SECTION("it does not agree") {
        device.refuse_features = true;
    }
    SECTION("no vector") {
        device.deaf_vectors = true;
    }
    SECTION("no queue") {
        device.queue_most = 0;
    }
    SECTION("a queue that is too small") {
        device.queue_most = 3;
    }
    SECTION("no structures") {
        device.space[0x34] = 0;
    }
    SECTION("a structure that is too short") {
        device.space[0x6c] = 7;
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

TEST_CASE_METHOD(Fixture, "another card after a reset is not believed", "[virtio-net]") {
    REQUIRE(start());
    device.mac[5]++;
    CHECK_FALSE(card.reset());
}

TEST_CASE_METHOD(Fixture, "a line falls when it is heard", "[virtio-net]") {
    device.way = pci::Signal::LINE;
    REQUIRE(start());
    u32 before = device.isr_reads;
    card.hear();
    CHECK(device.isr_reads == before + 1);
}
