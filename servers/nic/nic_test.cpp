// Both sides of the protocol of network cards: rings, hostile clients, hostile drivers, cards that fail.
// SPDX-License-Identifier: BSD-2-Clause
#include "servers/nic/fake.hpp"

#include <catch2/catch.hpp>
#include <random>

#include "libsel/test/fuzz.hpp"
#include "sel/host.hpp"

using namespace nic;

namespace {

constexpr u64 kPatience = 1000;
constexpr u32 kPages = 132; // 256 buffers.
constexpr sel::Caller kNet{7, false}, kGiving{7, true}, kOther{8, true};

struct Fixture {
    FakeRegion region{kPages};
    FakeCard card{region};
    FakeMemory memory;
    FakeBell bell;
    Server<FakeCard, FakeMemory, FakeBell> server{kPatience, memory, bell, &Fixture::report};
    Wire wire;
    static inline std::vector<std::string> said;

    Fixture() {
        said.clear();
        memory.next = &region;
        server.add_card(card, true);
        sel::host::time = 1;
    }

    static void report(u32, std::string_view what) { said.emplace_back(what); }

    void attach() {
        wire.begin(region.bytes());
        REQUIRE(server.on(SetBell{.card = 0}, kGiving).ok());
        REQUIRE(server.on(Attach{.card = 0}, kGiving).ok());
    }
    sel::Result<> kick() { return server.on(Kick{.card = 0}, kNet); }
    void send(const Bytes &frame) {
        std::optional<u16> buffer = wire.reserve();
        REQUIRE(buffer);
        std::copy(frame.begin(), frame.end(), wire.buffer(*buffer).begin());
        wire.send(*buffer, static_cast<u16>(frame.size()));
    }
    std::vector<Bytes> receive(bool give = true) {
        std::vector<Bytes> frames;
        wire.receive([&](const Arrived &a) {
            frames.emplace_back(a.bytes.begin(), a.bytes.end());
            if (give) {
                wire.give(a.buffer);
            }
        });
        return frames;
    }
    Ring &ring(RingPage page) { return *region.at<Ring>(page); }
    // What a client may write there that does not keep to the rules.
    void put(RingPage page, u32 at, const Slot &slot) {
        Ring &r = ring(page);
        r.slot[at % kSlots] = slot;
        r.sender.count.store(at + 1);
    }
    bool is_detached() { return kick().error() == ERR_BUSY && memory.lent.empty(); }
};

Bytes frame_of(u32 number, std::size_t bytes = 60) {
    Bytes frame(bytes, static_cast<u8>(number * 13 + 1));
    frame[0] = static_cast<u8>(number);
    frame[1] = static_cast<u8>(number >> 8);
    return frame;
}

} // namespace

TEST_CASE_METHOD(Fixture, "frames go out and come in", "[nic]") {
    attach();
    CHECK(card.receive_room() == 0); // It has been given all that it takes.
    wire.wants_kick();
    send(frame_of(1));
    send(frame_of(2, kFrameBytes));
    CHECK(wire.wants_kick());
    CHECK_FALSE(wire.wants_kick());
    REQUIRE(kick().ok());
    CHECK(card.out == std::vector{frame_of(1), frame_of(2, kFrameBytes)});
    CHECK(wire.prepare_sleep());
    card.arrive(frame_of(3, kFrameBytes));
    card.arrive(frame_of(4));
    server.on_interrupt(0);
    CHECK(bell.rings == 1); // For both.
    CHECK(receive() == std::vector{frame_of(3, kFrameBytes), frame_of(4)});
    CHECK_FALSE(wire.bad());
    CHECK_FALSE(card.strayed);
}

TEST_CASE_METHOD(Fixture, "who is awake is not woken", "[nic]") {
    attach();
    card.arrive(frame_of(1));
    server.on_interrupt(0);
    CHECK(bell.rings == 0);
    CHECK_FALSE(wire.prepare_sleep());
    CHECK(receive().size() == 1);
    CHECK(wire.prepare_sleep());
}

TEST_CASE_METHOD(Fixture, "buffers are what bounds both directions", "[nic]") {
    attach();
    for (u32 i = 0; i < 3 * kSlots; i++) {
        card.arrive(frame_of(i));
        server.on_interrupt(0);
    }
    CHECK(card.lost == 2 * kSlots); // Nobody has taken the others.
    CHECK(receive(false).size() == kSlots);
    CHECK_FALSE(wire.bad());
    card.sends = false;
    u32 sent = 0;
    while (wire.reserve()) {
        sent++;
    }
    CHECK(sent == kSlots);
    CHECK(memory.lent.size() == 1);
}

TEST_CASE_METHOD(Fixture, "nothing is lost, doubled or mixed up: random steps", "[nic]") {
    attach();
    std::mt19937 random{1};
    u32 sent = 0, arrived = 0, expected = 0;
    std::vector<u16> held;
    for (u32 step = 0; step < 30'000; step++) {
        switch (random() % 8) {
        case 0:
            card.sends = random() % 4 != 0;
            break;
        case 1:
        case 2:
            if (std::optional<u16> buffer = wire.reserve()) {
                Bytes frame = frame_of(sent++, 14 + random() % 1501);
                std::copy(frame.begin(), frame.end(), wire.buffer(*buffer).begin());
                wire.send(*buffer, static_cast<u16>(frame.size()));
            }
            break;
        case 3:
        case 4:
            if (u32 lost = card.lost; card.arrive(frame_of(arrived)), lost == card.lost) {
                arrived++;
            }
            break;
        case 5:
            server.on_interrupt(0);
            break;
        case 6:
            wire.receive([&](const Arrived &a) {
                REQUIRE(Bytes(a.bytes.begin(), a.bytes.end()) == frame_of(expected++));
                held.push_back(a.buffer);
            });
            break;
        default:
            while (!held.empty() && random() % 4 != 0) {
                wire.give(held.back());
                held.pop_back();
            }
            if (wire.wants_kick()) {
                REQUIRE(kick().ok());
            }
        }
        REQUIRE_FALSE(wire.bad());
    }
    card.sends = true;
    server.on_interrupt(0);
    REQUIRE(kick().ok());
    receive();
    CHECK(card.out.size() == sent);
    for (u32 i = 0; i < sent; i++) {
        REQUIRE(card.out[i][0] == static_cast<u8>(i));
    }
    CHECK(sent > 1000);
    CHECK(expected > 1000);
    CHECK_FALSE(card.strayed);
    CHECK(said.empty());
}

TEST_CASE_METHOD(Fixture, "a client that breaks a rule is detached", "[nic]") {
    attach();
    u32 vacant = ring(PAGE_VACANT).sender.count.load();
    SECTION("a buffer that the card has") {
        card.room = kSlots + 8;
        put(PAGE_VACANT, vacant, {200, 0, 0, 0, 0, 0, 0});
    }
    SECTION("a buffer that the card has, to be sent") {
        put(PAGE_OUTGOING, 0, {200, 0, 60, 0, 0, 0, 0});
    }
    SECTION("no buffer") {
        put(PAGE_OUTGOING, 0, {256, 0, 60, 0, 0, 0, 0});
    }
    SECTION("no bytes") {
        put(PAGE_OUTGOING, 0, {1, 0, 0, 0, 0, 0, 0});
    }
    SECTION("more bytes than a frame has") {
        put(PAGE_OUTGOING, 0, {1, 0, kFrameBytes + 1, 0, 0, 0, 0});
    }
    SECTION("bytes of the next buffer") {
        put(PAGE_OUTGOING, 0, {1, kBufferBytes - 59, 60, 0, 0, 0, 0});
        put(PAGE_OUTGOING, 1, {1, 0xffff, 60, 0, 0, 0, 0});
    }
    SECTION("a check sum that the card cannot do") {
        put(PAGE_OUTGOING, 0, {1, 0, 60, kNeedsChecksum, 34, 16, 0});
    }
    SECTION("a check sum outside the frame") {
        card.shape.checksums = true;
        put(PAGE_OUTGOING, 0, {1, 0, 60, kNeedsChecksum, 50, 9, 0});
    }
    SECTION("a count that runs backwards") {
        ring(PAGE_OUTGOING).sender.count.store(~0u);
    }
    SECTION("a count that runs ahead") {
        ring(PAGE_VACANT).sender.count.store(vacant + kSlots + 1);
        card.room = kSlots + 8;
    }
    SECTION("arrived frames that were never there") {
        ring(PAGE_ARRIVED).receiver.count.store(5);
        card.arrive(frame_of(1));
    }
    u32 rings = bell.rings;
    CHECK(kick().error() == ERR_PROTOCOL);
    CHECK(bell.rings == rings + 1);
    CHECK(is_detached());
    CHECK(card.has() == 0);
    attach();
    send(frame_of(9));
    CHECK(kick().ok());
    CHECK(card.out.back() == frame_of(9));
    CHECK_FALSE(card.strayed);
}

TEST_CASE_METHOD(Fixture, "random rings: nothing but buffers is touched", "[nic]") {
    std::mt19937 random{2};
    for (u32 round = 0; round < 2'000; round++) {
        attach();
        for (u32 i = 0; i < 8; i++) {
            Slot slot{static_cast<u16>(random() % 260),
                      static_cast<u16>(random() % 2100),
                      static_cast<u16>(random() % 1600),
                      static_cast<u16>(random() % 4),
                      static_cast<u16>(random() % 1600),
                      static_cast<u16>(random() % 40),
                      0};
            RingPage page = random() % 2 != 0 ? PAGE_OUTGOING : PAGE_VACANT;
            Ring &r = ring(page);
            u32 count = r.sender.count.load();
            r.slot[count % kSlots] = slot;
            r.sender.count.store(random() % 16 != 0 ? count + 1 : static_cast<u32>(random()));
            r.receiver.count.store(random() % 16 != 0 ? r.receiver.count.load()
                                                      : static_cast<u32>(random()));
            card.arrive(frame_of(i));
            server.on_interrupt(0);
            [[maybe_unused]] auto kicked = kick();
        }
        REQUIRE_FALSE(card.strayed);
        [[maybe_unused]] auto gone = server.on(Detach{.card = 0}, kNet);
        REQUIRE(memory.lent.empty());
        REQUIRE(card.has() == 0);
    }
}

TEST_CASE_METHOD(Fixture, "a driver that lies is noticed by its client", "[nic]") {
    attach();
    auto say = [&](RingPage page, const Slot &slot) {
        Ring &r = ring(page);
        u32 count = r.sender.count.load();
        r.slot[count % kSlots] = slot;
        r.sender.count.store(count + 1);
    };
    SECTION("a buffer that it does not have") {
        say(PAGE_ARRIVED, {1, 0, 60, 0, 0, 0, 0});
    }
    SECTION("no buffer") {
        say(PAGE_ARRIVED, {5000, 0, 60, 0, 0, 0, 0});
    }
    SECTION("twice") {
        say(PAGE_ARRIVED, {200, 0, 60, 0, 0, 0, 0});
        say(PAGE_ARRIVED, {200, 0, 60, 0, 0, 0, 0});
    }
    SECTION("bytes outside") {
        say(PAGE_ARRIVED, {200, 2000, 60, 0, 0, 0, 0});
    }
    SECTION("bytes far outside") {
        say(PAGE_ARRIVED, {200, 0xffff, 60, 0, 0, 0, 0});
    }
    SECTION("sent what was not sent") {
        say(PAGE_SENT, {3, 0, 0, 0, 0, 0, 0});
    }
    SECTION("a count that runs ahead") {
        ring(PAGE_ARRIVED).sender.count.store(kSlots + 1);
    }
    u32 frames = 0;
    wire.receive([&](const Arrived &a) {
        frames++;
        REQUIRE(a.bytes.data() >= region.bytes().data() + kRingPages * PAGE_BYTES);
        REQUIRE(a.bytes.data() + a.bytes.size() <= region.bytes().data() + region.bytes().size());
    });
    wire.reclaim();
    CHECK(wire.bad());
    CHECK(frames <= 1);
    CHECK_FALSE(wire.reserve());
    CHECK(wire.prepare_sleep()); // It does not run in circles.
}

TEST_CASE_METHOD(Fixture, "a card that lies is reset, and keeps its buffers", "[nic]") {
    attach();
    card.sends = false;
    send(frame_of(1));
    REQUIRE(kick().ok());
    SECTION("nonsense") {
        card.sane = false;
    }
    SECTION("a buffer that it does not have") {
        card.lies_received = {17};
    }
    SECTION("no buffer") {
        card.lies_received = {60000};
    }
    SECTION("sent what it was to fill") {
        card.lies_sent = {200};
    }
    SECTION("it does not send") {
        sel::host::time += kPatience;
        server.on_timeout();
        CHECK(said.back() == "the card does not send");
    }
    SECTION("it does not take commands") {
        card.obeys = false;
        CHECK(server.on(SetFilter{.card = 0, .count = 0, .multicast = {}}, kNet).error() ==
              ERR_TIMEOUT);
    }
    server.on_interrupt(0);
    CHECK(card.resets == 1);
    CHECK(card.receive_room() == 0);
    CHECK(server.deadline() == sel::kForever);
    card.sends = true;
    card.arrive(frame_of(5));
    send(frame_of(6));
    REQUIRE(kick().ok());
    CHECK(receive() == std::vector{frame_of(5)});
    CHECK(card.out.back() == frame_of(6));
    CHECK_FALSE(card.strayed);
}

TEST_CASE_METHOD(Fixture, "a card that does nothing else is given up", "[nic]") {
    attach();
    sel::Result<Info> before = server.on(GetInfo{.card = 0}, kNet);
    REQUIRE(before.ok());
    CHECK(before->link.up == 1);
    for (u32 i = 0; i <= server.kResets; i++) {
        card.sane = false;
        server.on_interrupt(0);
    }
    CHECK(said.back() == "the card is given up");
    CHECK(bell.rings != 0);
    CHECK(is_detached());
    CHECK(memory.kept.empty()); // Its last reset ended all that it did.
    CHECK(server.on(GetInfo{.card = 0}, kNet).error() == ERR_IO);
    CHECK(server.on(Attach{.card = 0}, kGiving).error() == ERR_IO);
}

TEST_CASE_METHOD(Fixture, "a card without a link is not given up for what it cannot send",
                 "[nic]") {
    attach();
    card.sends = card.up = false;
    for (u32 i = 1; i <= 20; i++) {
        send(frame_of(i));
        REQUIRE(kick().ok());
        sel::host::time += kPatience + 1;
        server.on_timeout();
        REQUIRE(card.resets == i);
        wire.reclaim(); // Counts as sent.
    }
    CHECK_FALSE(server.dead(0));
    card.sends = card.up = true;
    server.on_interrupt(0);
    send(frame_of(30));
    REQUIRE(kick().ok());
    CHECK(card.out.back() == frame_of(30));
    CHECK_FALSE(server.dead(0));
    card.sends = false;
    for (u32 i = 0; i < 10 && !server.dead(0); i++) {
        send(frame_of(i));
        [[maybe_unused]] auto kicked = kick();
        sel::host::time += kPatience + 1;
        server.on_timeout();
    }
    CHECK(server.dead(0)); // With one it is.
}

TEST_CASE_METHOD(Fixture, "an interrupt is heard, whoever has the card", "[nic]") {
    server.on_interrupt(0);
    CHECK(card.heard == 1);
    attach();
    server.on_interrupt(0);
    CHECK(card.heard == 2);
}

TEST_CASE_METHOD(Fixture, "memory of a card that cannot be reset is kept", "[nic]") {
    attach();
    card.alive = false;
    SECTION("it talks nonsense") {
        card.sane = false;
        server.on_interrupt(0);
    }
    SECTION("its client ends") {
        server.on_ended(7);
    }
    CHECK(memory.kept.size() == 1);
    CHECK(server.dead(0));
}

TEST_CASE_METHOD(Fixture, "who may do what", "[nic]") {
    CHECK(server.on(GetInfo{.card = 1}, kNet).error() == ERR_NAME);
    CHECK(server.on(SetBell{.card = 0}, kNet).error() == ERR_RIGHT);
    CHECK(server.on(Attach{.card = 0}, kNet).error() == ERR_RIGHT);
    CHECK(kick().error() == ERR_BUSY);
    attach();
    CHECK(server.on(SetBell{.card = 0}, kOther).error() == ERR_BUSY);
    CHECK(server.on(Attach{.card = 0}, kOther).error() == ERR_BUSY);
    CHECK(server.on(Kick{.card = 0}, kOther).error() == ERR_BUSY);
    CHECK(server.on(Detach{.card = 0}, kOther).error() == ERR_BUSY);
    CHECK(memory.lent.size() == 1);
    server.on_ended(8);
    CHECK(memory.lent.size() == 1);
    server.on_ended(7);
    CHECK(memory.lent.empty());
    CHECK(card.has() == 0);
    CHECK(server.on(SetBell{.card = 0}, kOther).ok());
    FakeRegion small{kRingPages};
    memory.next = &small;
    CHECK(server.on(Attach{.card = 0}, kOther).error() == ERR_ARG);
    CHECK(memory.lent.empty());
}

TEST_CASE_METHOD(Fixture, "a change of the link is told once", "[nic]") {
    attach();
    CHECK(server.on(GetInfo{.card = 0}, kNet)->link.changes == 1);
    card.up = false;
    server.on_interrupt(0);
    CHECK(server.on(GetInfo{.card = 0}, kNet)->link.changes == 2);
    CHECK(server.on(GetInfo{.card = 0}, kNet)->link.up == 0);
    server.on_interrupt(0);
    CHECK(server.on(GetInfo{.card = 0}, kNet)->link.changes == 2);
}

TEST_CASE_METHOD(Fixture, "any messages", "[nic]") {
    sel::fuzz::clients<Api>();
    sel::host::kernel = [](sel::Regs &r) { r.number = OK; };
    sel::fuzz::server<Api>(server);
    sel::host::kernel = nullptr;
}
