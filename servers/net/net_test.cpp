// Net: the stack above a card in memory; the test is the other machine, or the same one by the loop.
// SPDX-License-Identifier: BSD-2-Clause
#include "port.hpp"
#include "server.hpp"

#include "address.hpp"
#include "servers/nic/fake.hpp"

#include <catch2/catch.hpp>
#include <cstring>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <set>

#include "libsel/test/fuzz.hpp"
#include "sel/host.hpp"

using namespace net;

namespace {

constexpr nic::Mac kOurs{{0x52, 0x54, 0, 0, 0, 1}}, kTheirs{{0x52, 0x54, 0, 0, 0, 2}};
constexpr Address kUs = v4(10, 0, 2, 15), kPeer = v4(10, 0, 2, 2), kSelf = v4(127, 0, 0, 1);
constexpr std::string_view kRights[] = {"anything", "connect=10.0.2.2:9,listen=7",
                                        "connect=127.0.0.1:*,listen=7", "connect=test.example:80"};
constexpr sel::Caller kAll{1, false, 1}, kSome{2, false, 2}, kNone{3, false, 0}, kLoop{4, false, 3},
    kNamed{5, false, 4};

using Bytes = nic::Bytes;

Data data_of(std::string_view text) {
    return Data{std::span{reinterpret_cast<const u8 *>(text.data()), text.size()}};
}
std::string text_of(const Data &data) {
    return {reinterpret_cast<const char *>(data.byte), data.span().size()};
}

void put16(Bytes &to, u32 value) {
    to.push_back(static_cast<u8>(value >> 8));
    to.push_back(static_cast<u8>(value));
}
u16 sum_of(const Bytes &bytes, std::size_t from, u32 sum = 0) {
    for (std::size_t i = from; i < bytes.size(); i += 2) {
        sum += static_cast<u32>(bytes[i] << 8) + (i + 1 < bytes.size() ? bytes[i + 1] : 0u);
    }
    while (sum > 0xffff) {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    return static_cast<u16>(~sum);
}

// A packet of the other machine to ours.
Bytes packet(u8 protocol, const Bytes &payload, Address from = kPeer) {
    Bytes f;
    f.append(kOurs.byte, 6).append(kTheirs.byte, 6);
    put16(f, 0x0800);
    Bytes ip{0x45, 0};
    put16(ip, static_cast<u32>(20 + payload.size()));
    put16(ip, 1);
    put16(ip, 0);
    ip.push_back(64);
    ip.push_back(protocol);
    put16(ip, 0);
    ip.append(from.byte + 12, 4).append(kUs.byte + 12, 4);
    u16 sum = sum_of(ip, 0);
    ip[10] = static_cast<u8>(sum >> 8);
    ip[11] = static_cast<u8>(sum);
    return f + ip + payload;
}
Bytes datagram(u16 from_port, u16 port, std::string_view text, Address from = kPeer) {
    Bytes udp;
    put16(udp, from_port);
    put16(udp, port);
    put16(udp, static_cast<u32>(8 + text.size()));
    put16(udp, 0); // No check sum.
    udp.append(text.begin(), text.end());
    return packet(17, udp, from);
}

// lwIP is one for the whole test program; so are the stack and the card below it.
struct Machine final : Card {
    nic::FakeRegion region{132};
    nic::FakeCard card{region};
    nic::FakeMemory memory_of_driver;
    nic::FakeBell bell;
    nic::Server<nic::FakeCard, nic::FakeMemory, nic::FakeBell> driver{
        1'000'000'000'000, memory_of_driver, bell, [](u32, std::string_view) {}};
    bool there = true;
    error_t kick_error = OK;
    Stack stack{*this};

    static constexpr sel::Caller kMe{9, true};

    sel::Result<nic::Info> info() override {
        return there ? driver.on(nic::GetInfo{.card = 0}, {9, false})
                     : sel::Result<nic::Info>{ERR_NAME};
    }
    sel::Result<std::span<u8>> memory() override { return region.bytes(); }
    sel::Result<> attach() override {
        [[maybe_unused]] auto set = driver.on(nic::SetBell{.card = 0}, kMe);
        return driver.on(nic::Attach{.card = 0}, kMe);
    }
    sel::Result<> kick() override {
        error_t error = std::exchange(kick_error, OK);
        return error != OK ? sel::Result<>{error} : driver.on(nic::Kick{.card = 0}, {9, false});
    }

    Machine() {
        card.shape.mac = kOurs;
        memory_of_driver.next = &region;
        driver.add_card(card, true);
        net::random().seed({1, 2});
        stack.begin();
        stack.look();
        give_address();
    }
    void give_address() {
        ip4_addr_t a, m, r;
        IP4_ADDR(&a, 10, 0, 2, 15);
        IP4_ADDR(&m, 255, 255, 255, 0);
        IP4_ADDR(&r, 10, 0, 2, 2);
        dhcp_stop(netif_default);
        netif_set_addr(netif_default, &a, &m, &r);
    }
};

Machine &machine() {
    static Machine *machine = new Machine;
    return *machine;
}

struct Fixture {
    Machine &m = machine();
    std::unique_ptr<Server> server = std::make_unique<Server>(m.stack, kRights);
    std::set<cptr_t> gone;
    std::map<cptr_t, sel::Regs> answers;
    u32 next_reply = 0;

    Fixture() {
        sel::host::environment.tsc_hz = 1'000'000'000;
        sel::host::kernel = [this](sel::Regs &r) {
            if (r.number != CALL_REPLY) {
                r.number = OK;
                return;
            }
            sel::Regs said = r;
            if (sel::host::reply(r, gone)) {
                answers[said.cptr] = said;
                buffers[said.cptr].assign(sel::ipc_buffer(), sel::ipc_buffer() + MESSAGE_WORDS);
            }
        };
        pass(1000);
        m.card.out.clear();
    }
    ~Fixture() {
        for (u32 client = 1; client < 8; client++) {
            server->on_ended(client);
        }
        pass(300'000); // What lwIP still knows of connections ends.
        sel::host::kernel = nullptr;
    }
    std::map<cptr_t, std::vector<u64>> buffers;

    // Time passes, with all that happens in it.
    void pass(u64 ms) {
        for (u64 end = sel::host::time + ms * 1'000'000; sel::host::time < end;) {
            u64 due = std::min(server->deadline(), end);
            sel::host::time = std::max(due, sel::host::time + 1'000);
            m.driver.on_interrupt(0);
            server->finish_round();
        }
    }
    void arrive(const Bytes &frame) {
        m.card.arrive(frame);
        m.driver.on_interrupt(0);
        server->finish_round();
    }
    // The other machine says who it is.
    void know_peer() {
        Bytes f;
        f.append(kOurs.byte, 6).append(kTheirs.byte, 6);
        f += Bytes{8, 6, 0, 1, 8, 0, 6, 4, 0, 2};
        f.append(kTheirs.byte, 6).append(kPeer.byte + 12, 4);
        f.append(kOurs.byte, 6).append(kUs.byte + 12, 4);
        arrive(f);
    }
    // Makes a request that may be kept; what it is told later is in answer().
    template <typename M>
    cptr_t ask(const M &message, sel::Caller caller) {
        cptr_t reply = 200 + next_reply;
        static std::vector<std::unique_ptr<sel::ReplySet>> sets; // They outlive what holds them.
        sets.push_back(std::make_unique<sel::ReplySet>(sel::Tcb{1}, sel::SlotRange{reply, 2}));
        next_reply += 2;
        [[maybe_unused]] bool spare = sets.back()->spare();
        server->on(message, caller, sel::Later<M>{*sets.back()});
        sets.back()->settle();
        return reply;
    }
    template <typename M>
    std::optional<sel::Result<typename M::Answer>> answer(cptr_t reply) {
        auto found = answers.find(reply);
        if (found == answers.end()) {
            return {};
        }
        sel::Regs r = found->second;
        answers.erase(found);
        if (r.label() != OK) {
            return sel::Result<typename M::Answer>{static_cast<error_t>(r.label())};
        }
        if constexpr (std::is_void_v<typename M::Answer>) {
            return sel::Result<>{};
        } else {
            std::copy(buffers[reply].begin(), buffers[reply].end(), sel::ipc_buffer());
            typename M::Answer a{};
            REQUIRE(sel::load(r, a));
            return sel::Result<typename M::Answer>{a};
        }
    }
    u32 open(Kind kind, sel::Caller caller) {
        sel::Result<u32> socket = server->on(Open{.kind = kind}, caller);
        REQUIRE(socket.ok());
        return *socket;
    }
    // Frames with IP that went out since the last look.
    std::vector<Bytes> packets() {
        std::vector<Bytes> found;
        for (const Bytes &frame : m.card.out) {
            if (frame[12] == 8 && frame[13] == 0) {
                found.push_back(frame);
            }
        }
        m.card.out.clear();
        return found;
    }
    u64 memory_used() {
        u64 used = lwip_stats.mem.used;
        for (u32 i = 0; i < MEMP_MAX; i++) {
            used += i == MEMP_SYS_TIMEOUT ? 0u : lwip_stats.memp[i]->used;
        }
        return used;
    }

    // How many bytes were taken; 0: it still waits, or was refused.
    u32 sent(cptr_t reply) {
        auto found = answers.find(reply);
        u32 count = 0;
        if (found != answers.end()) {
            sel::Regs r = found->second;
            std::copy(buffers[reply].begin(), buffers[reply].end(), sel::ipc_buffer());
            answers.erase(found);
            [[maybe_unused]] bool loaded = r.label() == OK && sel::load(r, count);
        }
        return count;
    }

    struct Pair {
        u32 listener, server, client;
    };
    Pair connect_by_loop(u16 port = 7) {
        Pair p{};
        p.listener = open(Kind::TCP, kLoop);
        REQUIRE(server->on(Listen{.socket = p.listener, .port = port}, kLoop).ok());
        cptr_t accept = ask(Accept{.socket = p.listener}, kLoop);
        p.client = open(Kind::TCP, kLoop);
        cptr_t connected = ask(Connect{.socket = p.client, .to = {kSelf, port}}, kLoop);
        pass(10);
        auto done = answer<Connect>(connected);
        REQUIRE(done);
        REQUIRE(done->ok());
        auto accepted = answer<Accept>(accept);
        REQUIRE(accepted);
        REQUIRE(accepted->ok());
        p.server = (*accepted)->socket;
        return p;
    }
    // "-": nothing is there, and it is given up.
    std::string receive(u32 socket, sel::Caller caller = kLoop) {
        cptr_t reply = ask(Receive{.socket = socket}, caller);
        auto got = answer<Receive>(reply);
        if (!got) {
            gone.insert(reply);
        }
        return got && got->ok() ? text_of((*got)->data) : "-";
    }
};

} // namespace

TEST_CASE_METHOD(Fixture, "echo requests are answered", "[net]") {
    know_peer();
    Bytes echo{8, 0};
    put16(echo, 0);
    put16(echo, 0x1234);
    put16(echo, 1);
    echo.append(56, 'x');
    u16 sum = sum_of(echo, 0);
    echo[2] = static_cast<u8>(sum >> 8);
    echo[3] = static_cast<u8>(sum);
    arrive(packet(1, echo));
    auto out = packets();
    REQUIRE(out.size() == 1);
    CHECK(out[0].substr(0, 6) == Bytes(kTheirs.byte, 6));
    CHECK(out[0][34] == 0); // An answer.
    CHECK(out[0].substr(38) == packet(1, echo).substr(38));
    CHECK(sum_of(out[0], 34) == 0);
}

TEST_CASE_METHOD(Fixture, "a ping and its answer", "[net]") {
    know_peer();
    u32 socket = open(Kind::ECHO, kAll);
    REQUIRE(
        server->on(SendTo{.socket = socket, .to = {kPeer, 0}, .data = data_of("number 1")}, kAll)
            .ok());
    auto out = packets();
    REQUIRE(out.size() == 1);
    Bytes answer_frame = out[0].substr(34);
    CHECK(sum_of(answer_frame, 0) == 0);
    answer_frame[0] = 0;
    answer_frame[2] = answer_frame[3] = 0;
    u16 sum = sum_of(answer_frame, 0);
    answer_frame[2] = static_cast<u8>(sum >> 8);
    answer_frame[3] = static_cast<u8>(sum);
    cptr_t waits = ask(ReceiveFrom{.socket = socket}, kAll);
    CHECK_FALSE(answer<ReceiveFrom>(waits));
    Bytes other = answer_frame;
    other[4] ^= 1; // Of another program.
    arrive(packet(1, other));
    CHECK_FALSE(answer<ReceiveFrom>(waits));
    arrive(packet(1, answer_frame));
    auto got = answer<ReceiveFrom>(waits);
    REQUIRE(got);
    REQUIRE(got->ok());
    CHECK(text_of((*got)->data) == "number 1");
    CHECK((*got)->from.address == kPeer);
    CHECK((*got)->ttl == 64);
}

TEST_CASE_METHOD(Fixture, "datagrams go out and come in", "[net]") {
    know_peer();
    u32 socket = open(Kind::UDP, kSome);
    SendTo hello{.socket = socket, .to = {kPeer, 9}, .data = data_of("hello")};
    REQUIRE(server->on(hello, kSome).ok());
    auto out = packets();
    REQUIRE(out.size() == 1);
    CHECK(out[0].substr(42) == Bytes{'h', 'e', 'l', 'l', 'o'});
    u16 port = static_cast<u16>(out[0][34] << 8 | out[0][35]);
    CHECK(port >= 0xc000);
    arrive(datagram(9, port, "one"));
    arrive(datagram(9, port, std::string(1200, 'y')));
    arrive(datagram(10, port, "from a port that it may not reach"));
    arrive(datagram(9, port, "from somebody else", v4(10, 0, 2, 3)));
    auto first = answer<ReceiveFrom>(ask(ReceiveFrom{.socket = socket}, kSome));
    REQUIRE(first);
    CHECK(text_of((*first)->data) == "one");
    CHECK((*first)->from == Endpoint{kPeer, 9});
    auto second = answer<ReceiveFrom>(ask(ReceiveFrom{.socket = socket}, kSome));
    REQUIRE(second);
    CHECK((*second)->data.size == kChunk);
    CHECK((*second)->cut == 1200 - kChunk);
    CHECK_FALSE(answer<ReceiveFrom>(ask(ReceiveFrom{.socket = socket}, kSome)));
}

TEST_CASE_METHOD(Fixture, "who does not read keeps 8 KiB and no more", "[net]") {
    know_peer();
    u32 socket = open(Kind::UDP, kSome);
    REQUIRE(server->on(Bind{.socket = socket, .port = 7}, kSome).ok());
    u64 before = memory_used();
    for (u32 i = 0; i < 1'000; i++) {
        arrive(datagram(5, 7, std::string(500, static_cast<char>('a' + i % 26)), v4(10, 0, 2, 77)));
    }
    CHECK(memory_used() == before);
    u32 kept = 0;
    while (auto got = answer<ReceiveFrom>(ask(ReceiveFrom{.socket = socket}, kSome))) {
        CHECK(text_of((*got)->data)[0] == static_cast<char>('a' + kept % 26));
        kept++;
    }
    CHECK(kept == Socket::kRoom / (500 + 32));
}

TEST_CASE_METHOD(Fixture, "rights are kept", "[net]") {
    know_peer();
    CHECK(server->on(Open{.kind = Kind::TCP}, kNone).error() == ERR_RIGHT);
    CHECK(answer<Resolve>(ask(Resolve{.data = "10.0.2.2"}, kNone))->error() == ERR_RIGHT);
    u32 tcp = open(Kind::TCP, kSome), udp = open(Kind::UDP, kSome), echo = open(Kind::ECHO, kSome);
    for (Endpoint to : {Endpoint{kPeer, 8}, Endpoint{v4(10, 0, 2, 3), 9}, Endpoint{kPeer, 0},
                        Endpoint{kSelf, 9}, Endpoint{v4(255, 255, 255, 255), 9}}) {
        CHECK(answer<Connect>(ask(Connect{.socket = tcp, .to = to}, kSome))->error() == ERR_RIGHT);
        CHECK(server->on(SendTo{.socket = udp, .to = to, .data = data_of("x")}, kSome).error() ==
              ERR_RIGHT);
    }
    SendTo away{.socket = echo, .to = {v4(10, 0, 2, 3), 0}, .data = data_of("x")};
    CHECK(server->on(away, kSome).error() == ERR_RIGHT);
    CHECK(server->on(Listen{.socket = tcp, .port = 8}, kSome).error() == ERR_RIGHT);
    CHECK(server->on(Bind{.socket = udp, .port = 8}, kSome).error() == ERR_RIGHT);
    CHECK(server->on(Bind{.socket = udp, .port = 0}, kSome).error() == ERR_ARG);
    CHECK(m.card.out.empty()); // Not a byte.
    CHECK(server->on(Bind{.socket = udp, .port = 7}, kSome).ok());
    CHECK(server->on(Listen{.socket = tcp, .port = 7}, kSome).ok());
}

TEST_CASE_METHOD(Fixture, "sockets belong to who opened them", "[net]") {
    u32 socket = open(Kind::UDP, kSome);
    CHECK(server->on(Close{.socket = socket}, kAll).error() == ERR_NAME);
    CHECK(server->on(Close{.socket = socket + 1}, kSome).error() == ERR_NAME);
    CHECK(server->on(Close{.socket = socket ^ 1u << 8}, kSome).error() == ERR_NAME);
    CHECK(server->on(Close{.socket = socket}, kSome).ok());
    CHECK(server->on(Close{.socket = socket}, kSome).error() == ERR_NAME);
    u32 again = open(Kind::UDP, kSome);
    CHECK(again != socket);
    u32 mine = 1;
    while (server->on(Open{.kind = Kind::UDP}, kSome).ok()) {
        mine++;
    }
    CHECK(mine == Server::kPerClient);
    CHECK(server->on(Open{.kind = Kind::UDP}, kSome).error() == ERR_FULL);
    CHECK(server->on(Open{.kind = Kind::UDP}, kAll).ok());
    server->on_ended(kSome.client);
    CHECK(server->on(Open{.kind = Kind::TCP}, kSome).ok());
}

TEST_CASE_METHOD(Fixture, "a connection by the loop: both directions and both ends", "[net]") {
    Pair p = connect_by_loop();
    REQUIRE(sent(ask(Send{.socket = p.client, .data = data_of("question")}, kLoop)) == 8);
    pass(10);
    CHECK(receive(p.server) == "question");
    REQUIRE(sent(ask(Send{.socket = p.server, .data = data_of("answer")}, kLoop)) == 6);
    pass(10);
    CHECK(receive(p.client) == "answer");
    CHECK(server->on(Finish{.socket = p.client}, kLoop).ok());
    pass(10);
    CHECK(receive(p.server).empty());
    REQUIRE(sent(ask(Send{.socket = p.server, .data = data_of("more")}, kLoop)) == 4);
    pass(10);
    CHECK(receive(p.client) == "more");
    CHECK(server->on(Close{.socket = p.server}, kLoop).ok());
    pass(10);
    CHECK(receive(p.client).empty());
}

TEST_CASE_METHOD(Fixture, "a stream arrives as it was sent, with a reader that is slow", "[net]") {
    Pair p = connect_by_loop();
    std::mt19937 random{6};
    std::string stream, got;
    cptr_t sending = 0;
    u32 size = 0;
    for (u32 step = 0; step < 3'000; step++) {
        if (u32 taken = sending != 0 ? sent(sending) : 0; taken != 0) {
            stream.resize(stream.size() - size + taken);
            sending = 0;
        }
        if (sending == 0) {
            std::string piece(1 + random() % kChunk, static_cast<char>('a' + random() % 26));
            size = static_cast<u32>(piece.size());
            stream += piece;
            sending = ask(Send{.socket = p.client, .data = data_of(piece)}, kLoop);
        }
        if (random() % 2 == 0) {
            std::string piece = receive(p.server);
            got += piece == "-" ? "" : piece;
        }
        pass(random() % 4);
        REQUIRE(stream.size() - got.size() <= Socket::kRoom + TCP_SND_BUF + kChunk);
    }
    CHECK(got.size() > 500'000);
    CHECK(stream.starts_with(got));
}

TEST_CASE_METHOD(Fixture, "a request that was given up loses nothing", "[net]") {
    Pair p = connect_by_loop();
    cptr_t given_up = ask(Receive{.socket = p.server}, kLoop);
    gone.insert(given_up);
    REQUIRE(sent(ask(Send{.socket = p.client, .data = data_of("once")}, kLoop)) == 4);
    pass(10);
    CHECK_FALSE(answer<Receive>(given_up));
    CHECK(receive(p.server) == "once");
    u32 listener = p.listener;
    cptr_t accept = ask(Accept{.socket = listener}, kLoop);
    gone.insert(accept);
    u32 second = open(Kind::TCP, kLoop);
    cptr_t connected = ask(Connect{.socket = second, .to = {kSelf, 7}}, kLoop);
    pass(10);
    REQUIRE(answer<Connect>(connected)->ok());
    CHECK(answer<Accept>(ask(Accept{.socket = listener}, kLoop))->ok());
}

TEST_CASE_METHOD(Fixture, "nobody listens: refused", "[net]") {
    u32 socket = open(Kind::TCP, kLoop);
    cptr_t connected = ask(Connect{.socket = socket, .to = {kSelf, 99}}, kLoop);
    pass(10);
    CHECK(answer<Connect>(connected)->error() == ERR_IO);
    CHECK(server->on(GetCause{.socket = socket}, kLoop).value() == Cause::REFUSED);
}

TEST_CASE_METHOD(Fixture, "nobody answers: timed out", "[net]") {
    know_peer();
    u32 socket = open(Kind::TCP, kAll);
    cptr_t connected = ask(Connect{.socket = socket, .to = {kPeer, 99}}, kAll);
    pass(200'000);
    CHECK(answer<Connect>(connected)->error() == ERR_IO);
    CHECK(server->on(GetCause{.socket = socket}, kAll).value() == Cause::TIMED_OUT);
}

TEST_CASE_METHOD(Fixture, "a client that ends leaves nothing, and its peer hears of it", "[net]") {
    pass(300'000);
    u64 before = memory_used();
    for (u32 i = 0; i < 20; i++) {
        Pair p = connect_by_loop();
        u32 other = open(Kind::TCP, kAll);
        cptr_t connected = ask(Connect{.socket = other, .to = {kSelf, 7}}, kAll);
        pass(10);
        REQUIRE(answer<Connect>(connected)->ok());
        ask(Send{.socket = p.client, .data = data_of(std::string(kChunk, 'z'))}, kLoop);
        ask(Receive{.socket = p.client}, kLoop);
        cptr_t waits = ask(Receive{.socket = other}, kAll);
        server->on_ended(kLoop.client);
        pass(10);
        CHECK(answer<Receive>(waits)->error() == ERR_IO);
        CHECK(server->on(GetCause{.socket = other}, kAll).value() == Cause::RESET);
        CHECK(server->on(Close{.socket = other}, kAll).ok());
        pass(10);
    }
    CHECK(memory_used() == before);
}

TEST_CASE_METHOD(Fixture, "who does not accept keeps so many connections at most", "[net]") {
    u32 listener = open(Kind::TCP, kLoop);
    REQUIRE(server->on(Listen{.socket = listener, .port = 7}, kLoop).ok());
    u32 done = 0;
    for (u32 i = 0; i < Server::kWaiting + 6; i++) {
        u32 socket = open(Kind::TCP, kAll);
        cptr_t connected = ask(Connect{.socket = socket, .to = {kSelf, 7}}, kAll);
        pass(50);
        auto outcome = answer<Connect>(connected);
        done += outcome && outcome->ok() ? 1 : 0;
    }
    CHECK(done == Server::kWaiting); // The others wait until there is room: none is broken off.
    u32 held = 0;
    for (u32 place = 0; place < Server::kSockets; place++) {
        auto info = server->on(GetSocket{.place = place});
        held += info && info->client == kLoop.client ? 1 : 0;
        place = info ? info->next - 1 : place;
    }
    CHECK(held == 1 + Server::kWaiting);
    CHECK(server->on(Close{.socket = listener}, kLoop).ok());
    CHECK(server->on(GetSocket{.place = 0})->client == kAll.client);
}

TEST_CASE_METHOD(Fixture, "the driver dies: what is held in its buffers stays, frames go on",
                 "[net]") {
    know_peer();
    m.kick_error = ERR_RESTARTED;
    u32 socket = open(Kind::UDP, kAll);
    SendTo hello{.socket = socket, .to = {kPeer, 9}, .data = data_of("lost")};
    REQUIRE(server->on(hello, kAll).ok());
    CHECK(m.stack.interface().there == 1);
    m.give_address();
    know_peer();
    packets();
    REQUIRE(server->on(hello, kAll).ok());
    CHECK(packets().size() == 1);
}

TEST_CASE_METHOD(Fixture, "the driver is a new one, and nothing is to be sent", "[net]") {
    know_peer();
    m.driver.on_ended(9); // As in its next life: nobody is attached.
    REQUIRE(m.card.has() == 0);
    server->look();
    CHECK(m.card.has() != 0);
    CHECK(m.stack.interface().address == v4(0, 0, 0, 0));
    m.give_address();
    Bytes echo{8, 0, 0xf7, 0xff, 0, 0, 0, 0};
    know_peer();
    packets();
    arrive(packet(1, echo));
    CHECK(packets().size() == 1);
}

TEST_CASE_METHOD(Fixture, "the link goes and comes: the address is asked for anew", "[net]") {
    m.card.up = false;
    m.driver.on_interrupt(0);
    server->look();
    CHECK(m.stack.interface().up == 0);
    CHECK(m.stack.interface().address == v4(0, 0, 0, 0));
    m.card.out.clear();
    u32 socket = open(Kind::UDP, kAll);
    SendTo hello{.socket = socket, .to = {kPeer, 9}, .data = data_of("x")};
    CHECK(server->on(hello, kAll).error() == ERR_IO);
    CHECK(server->on(GetCause{.socket = socket}, kAll).value() == Cause::NO_NETWORK);
    pass(3'000);
    CHECK(m.card.out.empty());
    m.card.up = true;
    m.driver.on_interrupt(0);
    server->look();
    pass(3'000);
    auto out = packets();
    REQUIRE_FALSE(out.empty());
    CHECK(out[0][37] == 67); // DHCP.
    CHECK(m.stack.interface().asks == 1);
    m.give_address();
}

TEST_CASE_METHOD(Fixture, "frames that are none", "[net]") {
    know_peer();
    u64 before = memory_used();
    u32 socket = open(Kind::UDP, kAll);
    REQUIRE(server->on(Bind{.socket = socket, .port = 7}, kAll).ok());
    std::mt19937 random{7};
    const Bytes models[] = {datagram(9, 7, std::string(100, 'x')), packet(6, Bytes(40, 0)),
                            packet(1, Bytes(60, 8)), Bytes(60, 0xff)};
    for (u32 i = 0; i < 20'000; i++) {
        Bytes frame = models[random() % std::size(models)];
        for (u32 n = random() % 6; n != 0; n--) {
            frame[random() % frame.size()] = static_cast<u8>(random());
        }
        if (random() % 8 == 0) {
            frame.resize(random() % (frame.size() + 1));
        }
        arrive(frame);
        if (i % 64 == 0) {
            pass(100);
        }
    }
    CHECK_FALSE(m.card.strayed);
    CHECK(server->on(Close{.socket = socket}, kAll).ok());
    pass(300'000);
    CHECK(memory_used() <= before + 1); // One packet may wait for an address.
    know_peer();
    u32 after = open(Kind::UDP, kAll);
    SendTo hello{.socket = after, .to = {kPeer, 9}, .data = data_of("x")};
    packets();
    CHECK(server->on(hello, kAll).ok());
    CHECK(packets().size() == 1);
}

TEST_CASE_METHOD(Fixture, "a name in a right means what it meant first", "[net]") {
    know_peer();
    ip_addr_t names;
    IP_ADDR4(&names, 10, 0, 2, 2);
    dns_setserver(0, &names);
    // The last question's answer: such an address.
    auto answer_with = [&](Address a) {
        auto out = packets();
        REQUIRE(out.size() == 1);
        Bytes question = out[0].substr(42);
        Bytes reply = question.substr(0, 2) + Bytes{0x81, 0x80, 0, 1, 0, 1, 0, 0, 0, 0} +
                      question.substr(12) + Bytes{0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 1, 0, 4};
        reply.append(a.byte + 12, 4);
        u16 port = static_cast<u16>(out[0][34] << 8 | out[0][35]);
        arrive(datagram(53, port, {reinterpret_cast<const char *>(reply.data()), reply.size()}));
    };
    auto connect = [&](Address to, u16 port) {
        u32 socket = open(Kind::TCP, kNamed);
        auto said = answer<Connect>(ask(Connect{.socket = socket, .to = {to, port}}, kNamed));
        CHECK(server->on(Close{.socket = socket}, kNamed).ok());
        return said ? said->error() : OK; // OK: it is on its way.
    };
    constexpr Address kFirst = v4(10, 0, 2, 7), kThen = v4(10, 0, 2, 8);
    CHECK(connect(kFirst, 80) == ERR_RIGHT);
    for (const char *other : {"else.example", "x.test.example", "test.example.evil.example", ""}) {
        CHECK(answer<Resolve>(ask(Resolve{.data = other}, kNamed))->error() == ERR_RIGHT);
    }
    CHECK(answer<Resolve>(ask(Resolve{.data = "test.example"}, kSome))->error() == ERR_RIGHT);
    CHECK(packets().empty());
    cptr_t asked = ask(Resolve{.data = "Test.example"}, kNamed);
    answer_with(kFirst);
    CHECK(answer<Resolve>(asked)->value() == kFirst);
    CHECK(connect(kFirst, 80) == OK);
    CHECK(connect(kFirst, 81) == ERR_RIGHT);
    CHECK(connect(kThen, 80) == ERR_RIGHT);
    pass(5'000); // The answer was good for a second.
    packets();
    // Nobody is asked any more, so nobody can say anything else.
    CHECK(answer<Resolve>(ask(Resolve{.data = "test.example"}, kNamed))->value() == kFirst);
    CHECK(answer<Resolve>(ask(Resolve{.data = "test.example"}, kAll))->value() == kFirst);
    CHECK(packets().empty());
    CHECK(connect(kThen, 80) == ERR_RIGHT);
    // A name in nobody's right follows its answers.
    for (Address a : {kFirst, kThen}) {
        know_peer();
        packets();
        asked = ask(Resolve{.data = "free.example"}, kAll);
        answer_with(a);
        CHECK(answer<Resolve>(asked)->value() == a);
        pass(5'000);
        packets();
    }
    CHECK(connect(kThen, 80) == ERR_RIGHT);
    dns_setserver(0, nullptr);
}

TEST_CASE_METHOD(Fixture, "one client does not get all the places for names", "[net]") {
    know_peer();
    ip_addr_t names;
    IP_ADDR4(&names, 10, 0, 2, 2);
    dns_setserver(0, &names);
    u32 full = 0;
    for (u32 i = 0; i < Server::kResolves; i++) {
        Resolve m{.data = {}};
        sel::format(m.data, "name{}.example", i);
        auto said = answer<Resolve>(ask(m, kAll));
        full += said && said->error() == ERR_FULL ? 1 : 0;
    }
    CHECK(full >= Server::kResolves - Server::kResolvesPerClient);
    dns_setserver(0, nullptr);
}

TEST_CASE_METHOD(Fixture, "who sends much leaves half of the memory to others", "[net]") {
    constexpr sel::Caller kReader{5, false, 1}, kGreedy{6, false, 1}, kModest{7, false, 1};
    constexpr u32 kStreams = 14;
    u32 listener = open(Kind::TCP, kReader);
    REQUIRE(server->on(Listen{.socket = listener, .port = 7}, kReader).ok());
    auto connect = [&](sel::Caller caller) {
        u32 socket = open(Kind::TCP, caller);
        cptr_t accept = ask(Accept{.socket = listener}, kReader);
        cptr_t connected = ask(Connect{.socket = socket, .to = {kSelf, 7}}, caller);
        pass(10);
        REQUIRE(answer<Connect>(connected)->ok());
        REQUIRE(answer<Accept>(accept)->ok());
        return socket;
    };
    // How many bytes are taken until one must wait; nobody reads.
    auto fill = [&](u32 socket, sel::Caller caller) {
        u32 bytes = 0;
        for (u32 got = 1; got != 0; bytes += got) {
            got = sent(
                ask(Send{.socket = socket, .data = data_of(std::string(kChunk, 'x'))}, caller));
            pass(10);
        }
        return bytes;
    };
    u64 before = lwip_stats.mem.used;
    std::vector<u32> sockets;
    for (u32 i = 0; i < kStreams; i++) {
        sockets.push_back(connect(kGreedy));
    }
    for (u32 socket : sockets) {
        fill(socket, kGreedy);
    }
    CHECK(lwip_stats.mem.used - before > lwip_stats.mem.avail / 3);
    CHECK(lwip_stats.mem.used - before <= lwip_stats.mem.avail / 2 + 2 * TCP_MSS);
    CHECK(fill(connect(kModest), kModest) >= TCP_SND_BUF);
}

TEST_CASE_METHOD(Fixture, "clients come between the frames of a flood", "[net]") {
    know_peer();
    u32 socket = open(Kind::UDP, kAll);
    REQUIRE(server->on(Bind{.socket = socket, .port = 7}, kAll).ok());
    u64 before = m.stack.interface().frames_in;
    u32 sent_frames = 0;
    for (; m.card.has() != 0 && sent_frames < 2 * Stack::kFrames - 20; sent_frames++) {
        m.card.arrive(datagram(9, 7, "x"));
    }
    REQUIRE(sent_frames > Stack::kFrames);
    m.driver.on_interrupt(0);
    server->finish_round();
    CHECK(m.stack.interface().frames_in == before + Stack::kFrames);
    CHECK(server->deadline() <= sel::now());
    server->on_timeout();
    CHECK(m.stack.interface().frames_in == before + sent_frames);
    CHECK(server->deadline() > sel::now());
}

TEST_CASE_METHOD(Fixture, "any messages", "[net]") {
    sel::fuzz::clients<Api>();
    sel::fuzz::clients<View>();
    sel::fuzz::clients<Control>();
    sel::fuzz::server<Api>(*server, 4, 4, 5'000);
    sel::fuzz::server<View>(*server, 4, 4, 2'000);
    sel::fuzz::server<Control>(*server, 4, 4, 1'000);
}

TEST_CASE("SipHash is SipHash", "[net]") {
    // Of the paper, appendix A: the message of 15 bytes 00 ... 0e is no whole number of words; that of 8 is in the
    // reference implementation's vectors.
    const u64 words[] = {0x0706050403020100};
    CHECK(sip_hash({0x0706050403020100, 0x0f0e0d0c0b0a0908}, words) == 0x93f5f5799a932462);
    Random a, b;
    a.seed({1, 2});
    b.seed({1, 3});
    CHECK(a.next() != b.next());
    const u64 ends[2] = {1, 2}, others[2] = {1, 3};
    CHECK(a.sequence(ends, 400) - a.sequence(ends, 0) == 100);
    CHECK(a.sequence(ends, 0) != a.sequence(others, 0));
    CHECK(a.sequence(ends, 0) != b.sequence(ends, 0));
    // Both keys count, and all of them.
    const Key one{1, 2}, two{3, 4}, mixed = mix(one, two);
    for (Key other : {mix({0, 2}, two), mix({1, 0}, two), mix(one, {0, 4}), mix(one, {3, 0})}) {
        CHECK(other.low != mixed.low);
        CHECK(other.high != mixed.high);
    }
}
