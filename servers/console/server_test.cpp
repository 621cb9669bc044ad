// Tests of who waits for the console, against a kernel of a few lines.
// SPDX-License-Identifier: BSD-2-Clause
#include "console.hpp"

#include <catch2/catch.hpp>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "libsel/test/fuzz.hpp"
#include "sel/host.hpp"

namespace {

// A chip whose transmitter is stuck until the test frees it.
struct Chip {
    std::deque<u8> arriving;
    std::size_t sent = 0;
    bool free = false;
};

struct Ports {
    Chip *chip;
    u8 in(unsigned reg) {
        if (reg == 0) {
            u8 byte = chip->arriving.front();
            chip->arriving.pop_front();
            return byte;
        }
        return static_cast<u8>((chip->arriving.empty() ? 0 : 1) | (chip->free ? 0x20 : 0));
    }
    void out(unsigned reg, u8) { chip->sent += reg == 0 ? 1 : 0; }
};

constexpr cptr_t kReplies = 100;

struct Answer {
    u64 reply;
    u32 error;
    u64 word;
};

struct Fixture {
    Chip chip;
    std::vector<Answer> answers;
    std::set<cptr_t> gone; // Reply objects whose callers wait no more.
    sel::ReplySet replies{sel::Tcb{1}, {kReplies, 20}};
    std::unique_ptr<console::Console<Ports>> server =
        std::make_unique<console::Console<Ports>>(Ports{&chip});

    Fixture() {
        sel::host::kernel = [this](sel::Regs &r) {
            if (r.number != CALL_REPLY) {
                r.number = OK;
            } else if (sel::host::reply(r, gone)) {
                answers.push_back({r.cptr, r.label(), r.word[0]});
            }
        };
        server->start();
    }
    ~Fixture() {
        server.reset();
        sel::host::kernel = nullptr;
    }

    template <typename Api = console::Api, typename M>
    void send(u32 client, const M &m) {
        sel::Regs r{};
        sel::store(r, Api::template label<M>(), m);
        r.cptr = client;
        if (!Api::dispatch(*server, r, replies)) {
            replies.settle();
        }
    }
    void read(u32 client) { send<console::Keyboard>(client, console::Read{}); }
    void write(u32 client, std::size_t bytes) {
        console::Write m;
        std::string text(bytes, 'x');
        m.data.assign({reinterpret_cast<const u8 *>(text.data()), bytes});
        send(client, m);
    }
};

} // namespace

TEST_CASE_METHOD(Fixture, "writers wait while the ring is full, and go on in order", "[console]") {
    for (int i = 0; i < 20 && (answers.empty() || answers.back().word == console::kChunk); i++) {
        write(1, console::kChunk);
    }
    std::size_t before = answers.size();
    write(1, console::kChunk); // The ring is full to the last byte or two.
    write(2, 10);
    CHECK(answers.size() == before);
    chip.free = true;
    for (int i = 0; i < 2000; i++) {
        server->interrupted();
    }
    REQUIRE(answers.size() == before + 2);
    CHECK(answers[before].reply != answers[before + 1].reply);
    CHECK(answers[before + 1].word == 10);
    std::size_t taken = 0;
    for (const Answer &answer : answers) {
        CHECK(answer.error == OK);
        taken += answer.word;
    }
    CHECK(chip.sent == taken + 1); // And the divisor, when it was started.
}

TEST_CASE_METHOD(Fixture, "only so many writers can wait", "[console]") {
    for (u32 i = 0; i < 40; i++) {
        write(i, console::kChunk);
    }
    CHECK(answers.back().error == ERR_FULL);
    CHECK(replies.waiting() == console::Console<Ports>::kWriters);
}

TEST_CASE_METHOD(Fixture, "who has waited long enough for room is told to ask again", "[console]") {
    for (int i = 0; i < 20 && replies.waiting() == 0; i++) {
        write(1, console::kChunk);
    }
    std::size_t before = answers.size();
    u64 begun = sel::host::time, due = server->deadline();
    CHECK(due == begun + sel::milliseconds(console::kRoomMs));
    sel::host::time = due - 1;
    write(2, 10);
    server->on_timeout();
    CHECK(answers.size() == before);
    sel::host::time = due;
    server->on_timeout();
    REQUIRE(answers.size() == before + 1);
    CHECK(answers[before].error == ERR_BUSY);
    CHECK(server->deadline() == due - 1 + sel::milliseconds(console::kRoomMs));
    chip.free = true;
    for (int i = 0; i < 100; i++) {
        server->interrupted();
    }
    REQUIRE(answers.size() == before + 2);
    CHECK(answers[before + 1].word == 10);
    CHECK(server->deadline() == sel::kForever);
    sel::host::time = 0;
}

TEST_CASE("text is printed as long as the console asks for it, and no longer than is allowed",
          "[console]") {
    u32 busy = 3;
    std::string printed;
    sel::host::time = 0;
    sel::host::kernel = [&](sel::Regs &r) {
        sel::host::time += 10;
        console::Write m;
        REQUIRE(sel::load(r, m));
        r.number = OK;
        if (busy != 0) {
            busy--;
            sel::store_error(r, ERR_BUSY);
            return;
        }
        printed.append(reinterpret_cast<const char *>(m.data.byte), m.data.size);
        sel::store(r, OK, m.data.size);
    };
    sel::Client<console::Api> client{1};
    CHECK(console::put_all(client, "hello").ok());
    CHECK(printed == "hello");
    busy = 3;
    CHECK(console::put_all(client, "hello", 30).error() == ERR_BUSY);
    CHECK(busy == 0);
    busy = 3;
    CHECK(console::put_all(client, "hello", 31).ok());
    sel::host::kernel = nullptr;
    sel::host::time = 0;
}

TEST_CASE_METHOD(Fixture, "one client waits for input", "[console]") {
    read(1);
    read(2);
    REQUIRE(answers.size() == 1);
    CHECK(answers[0].error == ERR_BUSY);
    read(1); // It was restarted: its first request is dropped.
    REQUIRE(answers.size() == 2);
    CHECK(answers[1].error == ERR_GONE);
    chip.arriving = {'h', 'i'};
    server->interrupted();
    REQUIRE(answers.size() == 3);
    CHECK(answers[2].error == OK);
    CHECK((answers[2].word & 0xffffffff) == 2); // Bytes.
    chip.arriving = {'!'};
    server->interrupted();
    read(2);
    REQUIRE(answers.size() == 4);
    CHECK(answers[3].error == OK);
}

TEST_CASE_METHOD(Fixture, "what a reader that gave up was to get goes to the next one",
                 "[console]") {
    read(1);
    gone = {kReplies};
    chip.arriving = {'h', 'i'};
    server->interrupted();
    CHECK(answers.empty());
    gone = {};
    read(2); // Of another program, too: the first one does not wait any more.
    REQUIRE(answers.size() == 1);
    CHECK(answers[0].error == OK);
    CHECK((answers[0].word & 0xffffffff) == 2);
}

TEST_CASE_METHOD(Fixture, "one client does not take all places, and who gave up has none",
                 "[console]") {
    using Console = console::Console<Ports>;
    while (answers.empty() || replies.waiting() == 0) {
        write(1, console::kChunk);
    }
    answers.clear();
    for (u32 i = 1; i < Console::kPerClient; i++) {
        write(1, 1);
    }
    CHECK(answers.empty());
    write(1, 1);
    REQUIRE(answers.size() == 1);
    CHECK(answers[0].error == ERR_FULL);
    write(2, 1);
    CHECK(replies.waiting() == Console::kPerClient + 1);

    for (u32 i = 0; i < Console::kPerClient; i++) {
        gone.insert(kReplies + i);
    }
    std::size_t sent = chip.sent;
    write(1, 1);
    CHECK(answers.size() == 1);
    CHECK(replies.waiting() == 2);
    answers.clear();
    chip.free = true;
    for (int i = 0; i < 2000; i++) {
        server->interrupted();
    }
    CHECK(answers.size() == 2);
    CHECK(replies.waiting() == 0);
    CHECK(chip.sent > sent);
}

TEST_CASE_METHOD(Fixture, "random messages, random answers", "[console]") {
    chip.free = true;
    sel::fuzz::server<console::Api>(*server);
    sel::fuzz::server<console::Keyboard>(*server);
    sel::fuzz::clients<console::Api>();
    sel::fuzz::clients<console::Keyboard>();
}

TEST_CASE("a console that lies cannot make a client print what is not its own", "[console]") {
    u32 calls = 0;
    sel::Result<> done;
    auto with = [&](u64 taken) {
        calls = 0;
        sel::host::kernel = [&](sel::Regs &r) {
            calls++;
            r.number = OK;
            r.info = 1;
            r.word[0] = taken;
        };
        done = console::put_all(sel::Client<console::Api>{1}, "hello");
        sel::host::kernel = nullptr;
        return calls;
    };
    CHECK(with(5) == 1);
    CHECK(done.ok());
    CHECK(with(1) == 5);
    CHECK(with(0) == 1);
    CHECK(done.error() == ERR_PROTOCOL);
    CHECK(with(6) == 1);
    CHECK(with(0xffffffff) == 1);
    CHECK(done.error() == ERR_PROTOCOL);
}
