// Card: starting, frames in both directions, groups, and devices that misbehave.
// SPDX-License-Identifier: BSD-2-Clause
#include "fake.hpp"

#include <catch2/catch.hpp>
#include <random>
#include <set>

using namespace e1000;

namespace {

constexpr u32 kData = 4; // First page for frames: a buffer each.
constexpr u32 kBuffers = driver::FakeMemory::kPages - kData;

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
    void put(u16 tag, const Frame &frame, bool sum = false, u16 start = 34, u16 offset = 16) {
        std::memcpy(memory.at<u8>(kData + tag), frame.data(), frame.size());
        card.transmit(
            tag,
            {{memory.physical(kData + tag), static_cast<u32>(frame.size())}, start, offset, sum});
    }
    void transmit(u16 tag, const Frame &frame) {
        put(tag, frame);
        card.tell();
    }
    bool collect() {
        events.clear();
        return card.collect(*this);
    }
    void become_new(pci::Signal way = pci::Signal::MSIX) {
        device.id = ID_82574L;
        device.way = way;
    }
};

Frame frame_of(u32 number, std::size_t bytes = 60) {
    return Frame(bytes, static_cast<u8>(number));
}

} // namespace

TEST_CASE_METHOD(Fixture, "an 82540EM", "[e1000]") {
    REQUIRE(start());
    CHECK(card.facts().mac == nic::Mac{{0x52, 0x54, 0, 1, 2, 3}});
    CHECK(card.facts().name.view() == "Intel 82540EM network card");
    CHECK(card.facts().filters);
    CHECK(card.facts().checksums);
    CHECK(card.receive_room() == nic::kSlots);
    CHECK(card.transmit_room() == 127);
    CHECK(device.resets == 1);
    CHECK(device.eeprom_reads == 0);
    CHECK(device.at(REG_IMS) == (CAUSE_TXDW | CAUSE_RXT0 | CAUSE_RXDMT0 | CAUSE_LSC));
    CHECK(device.at(REG_IVAR) == 0);
    CHECK((device.at(REG_CTRL) & CTRL_SLU) != 0);
    CHECK(device.at(REG_RECEIVE + RING_BYTES) == PAGE_BYTES);
    CHECK(device.place(REG_TRANSMIT, 0) == memory.physical(1));
    CHECK(card.link());
    device.at(REG_STATUS) = 0;
    CHECK_FALSE(card.link());
    device.gone = true;
    CHECK_FALSE(card.link());
    CHECK_FALSE(memory.strayed);
}

TEST_CASE_METHOD(Fixture, "an 82574L, with MSI-X and without", "[e1000]") {
    become_new();
    REQUIRE(start());
    CHECK(card.facts().name.view() == "Intel 82574L network card");
    CHECK(device.at(REG_IMS) == (CAUSE_RXQ0 | CAUSE_TXQ0 | CAUSE_OTHER | CAUSE_LSC));
    CHECK(device.at(REG_IVAR) == 0x80808);
    CHECK((device.at(REG_CTRL) & CTRL_MASTER_DISABLE) == 0);
    CHECK((device.at(REG_TRANSMIT + RING_CONTROL) & RING_COUNT_DESCRIPTORS) != 0);
    become_new(pci::Signal::LINE);
    REQUIRE(start());
    CHECK(device.at(REG_IMS) == (CAUSE_TXDW | CAUSE_RXT0 | CAUSE_RXDMT0 | CAUSE_LSC));
    CHECK_FALSE(memory.strayed);
}

TEST_CASE_METHOD(Fixture, "an address that the card has not read", "[e1000]") {
    device.no_address = true;
    SECTION("82540EM") {}
    SECTION("82574L") {
        become_new();
    }
    REQUIRE(start());
    CHECK(device.eeprom_reads == 3);
    CHECK(card.facts().mac == nic::Mac{{0x52, 0x54, 0, 1, 2, 3}});
    CHECK(device.at(REG_RAL) == 0x01005452); // It listens to it.
    CHECK(device.at(REG_RAH) == (0x0302 | RAH_VALID));
}

TEST_CASE_METHOD(Fixture, "interrupts are heard", "[e1000]") {
    SECTION("reading clears them") {}
    SECTION("writing clears them") {
        become_new();
    }
    REQUIRE(start());
    device.at(REG_ICR) = CAUSE_LSC | CAUSE_RXT0;
    card.hear();
    CHECK(device.at(REG_ICR) == 0);
}

TEST_CASE_METHOD(Fixture, "an 82574L sends a message for what comes after it was heard",
                 "[e1000]") {
    become_new();
    REQUIRE(start());
    for (u16 tag = 0; tag < 8; tag++) {
        receive(tag);
    }
    for (u32 i = 1; i <= 4; i++) {
        REQUIRE(device.arrive(frame_of(i)));
        REQUIRE(device.arrive(frame_of(i)));
        CHECK(device.messages == 2 * i - 1);
        transmit(static_cast<u16>(10 + i), frame_of(i));
        CHECK(device.messages == 2 * i);
        card.hear();
        REQUIRE(collect());
        CHECK(events.size() == 3);
    }
}

TEST_CASE_METHOD(Fixture, "frames arrive where they should", "[e1000]") {
    REQUIRE(start());
    CHECK_FALSE(device.arrive(frame_of(1)));
    receive(3);
    receive(5);
    REQUIRE(device.arrive(frame_of(7, 1514)));
    REQUIRE(device.arrive(frame_of(8), 1 | RECEIVE_END | RECEIVE_SUM));
    REQUIRE_FALSE(device.arrive(frame_of(9)));
    REQUIRE(collect());
    CHECK(events == std::vector<Event>{{3, 1514, 0}, {5, 60, nic::kChecked}});
    CHECK(*memory.at<u8>(kData + 3, 1513) == 7);
    CHECK(*memory.at<u8>(kData + 5, 0) == 8);
    CHECK(card.receive_room() == nic::kSlots);
    CHECK_FALSE(memory.strayed);
}

TEST_CASE_METHOD(Fixture, "sums that are wrong, or that the card did not look at", "[e1000]") {
    REQUIRE(start());
    for (u16 tag = 0; tag < 3; tag++) {
        receive(tag);
    }
    REQUIRE(device.arrive(frame_of(1), 1 | RECEIVE_END | RECEIVE_SUM, ERROR_SUM));
    REQUIRE(device.arrive(frame_of(2), 1 | RECEIVE_END | RECEIVE_SUM | RECEIVE_IGNORE_SUMS));
    REQUIRE(device.arrive(frame_of(3), 1 | RECEIVE_END));
    REQUIRE(collect());
    CHECK(events == std::vector<Event>{{0, 60, 0}, {1, 60, 0}, {2, 60, 0}});
}

TEST_CASE_METHOD(Fixture, "damaged and long frames are lost, their buffers are not", "[e1000]") {
    REQUIRE(start());
    receive(1);
    receive(2);
    u32 told = device.tails[0];
    REQUIRE(device.arrive(frame_of(1), 1 | RECEIVE_END, 0x01));
    REQUIRE(device.arrive(frame_of(2, nic::kFrameBytes + 1)));
    memory.put<u64>(device.place(REG_RECEIVE, 0), ~u64{0}); // Not the driver's own word.
    REQUIRE(collect());
    CHECK(events.empty());
    CHECK(device.tails[0] == told + 1);
    CHECK(card.receive_room() == nic::kSlots - 2);
    REQUIRE(device.arrive(frame_of(3)));
    REQUIRE(device.arrive(frame_of(4)));
    REQUIRE(collect());
    CHECK(events == std::vector<Event>{{1, 60, 0}, {2, 60, 0}});
    CHECK_FALSE(memory.strayed);
}

TEST_CASE_METHOD(Fixture, "frames are sent", "[e1000]") {
    REQUIRE(start());
    transmit(1, frame_of(1));
    transmit(2, frame_of(2, 1514));
    CHECK(device.sent == std::vector<Frame>{frame_of(1), frame_of(2, 1514)});
    REQUIRE(collect());
    CHECK(events == std::vector<Event>{{1, 0, 0}, {2, 0, 0}});
    CHECK_FALSE(memory.strayed);
}

TEST_CASE_METHOD(Fixture, "the card puts check sums in", "[e1000]") {
    REQUIRE(start());
    Frame frame(60);
    for (u32 i = 0; i < 26; i++) {
        frame[34 + i] = static_cast<u8>(11 * i);
    }
    frame[50] = 0x12; // Of the pseudo header.
    frame[51] = 0x34;
    put(1, frame, true);
    put(2, frame_of(2));
    put(3, frame, true, 300, 2); // Cannot be said to it.
    card.tell();
    REQUIRE(device.sent.size() == 3);
    u32 sum = 0;
    for (u32 i = 34; i < 60; i += 2) {
        sum += u32{device.sent[0][i]} << 8 | device.sent[0][i + 1];
    }
    sum -= u32{device.sent[0][50]} << 8 | device.sent[0][51];
    sum += 0x1234 + (u32{device.sent[0][50]} << 8 | device.sent[0][51]);
    sum = (sum & 0xffff) + (sum >> 16);
    sum = (sum & 0xffff) + (sum >> 16);
    CHECK(sum == 0xffff);
    CHECK(device.sent[1] == frame_of(2));
    CHECK(device.sent[2] == frame);
    REQUIRE(collect());
    CHECK(events == std::vector<Event>{{1, 0, 0}, {2, 0, 0}, {3, 0, 0}});
    CHECK(card.transmit_room() == 127);
}

TEST_CASE_METHOD(Fixture, "the tail is written once for a batch", "[e1000]") {
    REQUIRE(start());
    u32 before = device.tails[0];
    for (u16 tag = 0; tag < 10; tag++) {
        card.receive(tag, buffer(tag));
    }
    card.tell();
    card.tell();
    REQUIRE(collect());
    CHECK(device.tails[0] == before + 1);
}

TEST_CASE_METHOD(Fixture, "the rings are filled to the brim, with sums", "[e1000]") {
    REQUIRE(start());
    device.silent = true;
    u32 sent = 0;
    for (; card.transmit_room() != 0; sent++) {
        put(static_cast<u16>(sent % kBuffers), frame_of(sent), true);
    }
    CHECK(sent == 127);
    u32 given = 0;
    for (; card.receive_room() != 0; given++) {
        card.receive(static_cast<u16>(given), buffer(given % kBuffers));
    }
    CHECK(given == nic::kSlots);
    card.tell();
    device.silent = false;
    device.send();
    CHECK(device.sent.size() == sent);
    REQUIRE(collect());
    CHECK(events.size() == sent);
    CHECK(card.transmit_room() == 127);
}

TEST_CASE_METHOD(Fixture, "all places, many rounds", "[e1000]") {
    if (GENERATE(false, true)) {
        become_new();
    }
    REQUIRE(start());
    std::mt19937 random{3};
    std::set<u16> in, out;
    for (u32 round = 0; round < 20'000; round++) {
        device.silent = random() % 2 != 0;
        u16 tag = static_cast<u16>(random() % kBuffers);
        if (card.receive_room() != 0 && !out.contains(tag) && in.insert(tag).second) {
            receive(tag);
        }
        tag = static_cast<u16>(random() % kBuffers);
        if (card.transmit_room() != 0 && !in.contains(tag) && out.insert(tag).second) {
            put(tag, frame_of(tag), random() % 2 != 0);
            card.tell();
        }
        if (random() % 3 == 0) {
            u32 errors = random() % 8 == 0 ? 1 : 0;
            [[maybe_unused]] bool had =
                device.arrive(frame_of(round, 60 + random() % 1000), 1 | RECEIVE_END, errors);
        }
        if (random() % 4 == 0) {
            device.send();
        }
        REQUIRE(collect());
        for (const Event &e : events) {
            REQUIRE((e.bytes != 0 ? in : out).erase(e.tag) == 1);
        }
        REQUIRE(card.receive_room() == nic::kSlots - in.size());
    }
    CHECK_FALSE(memory.strayed);
}

TEST_CASE_METHOD(Fixture, "nonsense is noticed, and a reset ends it", "[e1000]") {
    REQUIRE(start());
    receive(1);
    device.silent = true;
    transmit(2, frame_of(2));
    REQUIRE(collect());
    REQUIRE(events.empty());
    SECTION("a frame without an end") {
        device.set_word(REG_RECEIVE, 0, FakeDevice::received(60, 1));
    }
    SECTION("an empty frame") {
        device.set_word(REG_RECEIVE, 0, FakeDevice::received(0));
    }
    SECTION("more than the buffer") {
        device.set_word(REG_RECEIVE, 0, FakeDevice::received(nic::kBufferBytes + 1));
    }
    SECTION("as much as can be said") {
        device.set_word(REG_RECEIVE, 0, ~u64{0});
    }
    SECTION("the server does not believe what arrived") {
        believes = false;
        REQUIRE(device.arrive(frame_of(1)));
    }
    SECTION("the server does not believe what was sent") {
        believes = false;
        device.silent = false;
        device.send();
    }
    CHECK_FALSE(collect());
    CHECK(events.size() <= 1);
    device.silent = false;
    believes = true;
    REQUIRE(card.reset());
    CHECK(card.receive_room() == nic::kSlots);
    CHECK(card.transmit_room() == 127);
    device.sent.clear();
    transmit(2, frame_of(4));
    CHECK(device.sent == std::vector<Frame>{frame_of(4)});
    REQUIRE(collect());
    CHECK(events == std::vector<Event>{{2, 0, 0}});
    CHECK_FALSE(memory.strayed);
}

TEST_CASE_METHOD(Fixture, "what was not given to the card cannot be done with", "[e1000]") {
    REQUIRE(start());
    receive(1);
    device.silent = true;
    transmit(2, frame_of(2));
    for (u32 i = 1; i < Ring<driver::FakeMemory>::kSize; i++) {
        device.set_word(REG_RECEIVE, i, FakeDevice::received(60));
        device.set_word(REG_TRANSMIT, i, ~u64{0});
    }
    REQUIRE(collect());
    CHECK(events.empty());
    receive(3); // Its place says no more that it is done with.
    REQUIRE(collect());
    CHECK(events.empty());
    REQUIRE(device.arrive(frame_of(1)));
    REQUIRE(collect());
    CHECK(events == std::vector<Event>{{1, 60, 0}});
}

TEST_CASE_METHOD(Fixture, "a frame counts as sent when its own descriptor says so", "[e1000]") {
    REQUIRE(start());
    device.silent = true;
    put(1, frame_of(1), true);
    card.tell();
    device.set_word(REG_TRANSMIT, 0, ~u64{0}); // That of its sum.
    REQUIRE(collect());
    CHECK(events.empty());
    device.set_word(REG_TRANSMIT, 1, kDone);
    REQUIRE(collect());
    CHECK(events == std::vector<Event>{{1, 0, 0}});
}

TEST_CASE_METHOD(Fixture, "where the card says that it is does not matter", "[e1000]") {
    device.is_position_wrong = true;
    device.wrong_position = GENERATE(256u, 0x7fffu, ~0u, 5u);
    REQUIRE(start());
    receive(1);
    transmit(2, frame_of(2));
    REQUIRE(device.arrive(frame_of(1)));
    REQUIRE(collect());
    CHECK(events == std::vector<Event>{{1, 60, 0}, {2, 0, 0}});
    CHECK_FALSE(memory.strayed);
}

TEST_CASE_METHOD(Fixture, "random descriptors harm nobody", "[e1000]") {
    std::mt19937 random{4};
    for (u32 round = 0; round < 2'000; round++) {
        REQUIRE(start());
        u32 in = random() % 8, out = random() % 8;
        for (u16 tag = 0; tag < in; tag++) {
            receive(tag);
        }
        device.silent = true;
        for (u16 tag = 0; tag < out; tag++) {
            put(static_cast<u16>(8 + tag), frame_of(tag), random() % 2 != 0);
        }
        card.tell();
        device.silent = false;
        for (u32 i = random() % 12; i != 0; i--) {
            u32 ring = random() % 2 != 0 ? REG_RECEIVE : REG_TRANSMIT, place = random() % 20;
            u64 word = u64{random()} << 32 | random();
            memory.put<u64>(device.place(ring, place), word);
            device.set_word(ring, place, random() % 2 != 0 ? word : word & 0x7ff'0000'07ff);
        }
        std::set<u16> seen;
        for (u32 again = 0; again < 2; again++) {
            if (!collect()) {
                break;
            }
            for (const Event &e : events) {
                REQUIRE(e.bytes <= nic::kFrameBytes);
                REQUIRE((e.bytes != 0 ? e.tag < in : e.tag >= 8 && e.tag < 8 + out));
                REQUIRE(seen.insert(e.tag).second);
            }
        }
        REQUIRE(card.receive_room() <= nic::kSlots);
        REQUIRE(card.transmit_room() <= 127);
    }
    CHECK_FALSE(memory.strayed);
}

TEST_CASE_METHOD(Fixture, "groups are told to the card, and again after a reset", "[e1000]") {
    REQUIRE(start());
    nic::Mac groups[2] = {{{1, 0, 0x5e, 0, 0, 1}}, {{0x33, 0x33, 0xff, 0x12, 0x34, 0x56}}};
    auto bits = [&] {
        std::set<u32> set;
        for (u32 i = 0; i < 4096; i++) {
            if ((device.at(REG_MTA + i / 32 * 4) >> i % 32 & 1) != 0) {
                set.insert(i);
            }
        }
        return set;
    };
    REQUIRE(bits().empty());
    REQUIRE(card.filter(groups));
    CHECK(bits() == std::set<u32>{0x010, 0x563});
    REQUIRE(card.reset());
    CHECK(bits() == std::set<u32>{0x010, 0x563});
    REQUIRE(card.filter({}));
    CHECK(bits().empty());
    CHECK_FALSE(memory.strayed);
}

TEST_CASE_METHOD(Fixture, "devices that cannot be used", "[e1000]") {
    SECTION("too few registers") {
        device.bar_bytes = 0x5000;
    }
    SECTION("none") {
        device.bar_bytes = 0;
    }
    SECTION("it is gone") {
        device.gone = true;
    }
    SECTION("it does not end its reset") {
        device.stuck = true;
    }
    SECTION("an 82574L does not end its reset, nor what it asks of the bus") {
        become_new();
        device.stuck = device.busy_master = true;
    }
    SECTION("it does not read its EEPROM") {
        become_new();
        device.no_auto_read = true;
    }
    SECTION("no address, and an EEPROM that does not answer") {
        device.no_address = device.mute_eeprom = true;
    }
    SECTION("the address of a group") {
        device.mac[0] = 1;
    }
    SECTION("an empty address") {
        std::memset(device.mac, 0, sizeof device.mac);
    }
    SECTION("an address of ones") {
        std::memset(device.mac, 0xff, sizeof device.mac);
    }
    CHECK_FALSE(start());
    CHECK(device.time <= 1200);
    CHECK_FALSE(memory.strayed);
}

TEST_CASE_METHOD(Fixture, "a bus that is asked on and on does not stop a reset", "[e1000]") {
    become_new();
    device.busy_master = true;
    CHECK(start());
}

TEST_CASE_METHOD(Fixture, "another card after a reset is not believed", "[e1000]") {
    REQUIRE(start());
    device.mac[5]++;
    CHECK_FALSE(card.reset());
}

TEST_CASE_METHOD(Fixture, "a card that goes away is not reset", "[e1000]") {
    REQUIRE(start());
    receive(1);
    device.gone = true;
    CHECK_FALSE(card.reset());
}
