// Pipes: nothing is lost, nobody waits for ever, and nobody has an end that is not its own.
// SPDX-License-Identifier: BSD-2-Clause
#include "pipe.hpp"

#include <catch2/catch.hpp>

#include <map>
#include <random>
#include <string>
#include <vector>

#include "libsel/test/fuzz.hpp"
#include "sel/server.hpp"

using namespace piping;

namespace {

constexpr u32 kShell = 9, kOther = 10;
constexpr u32 kOne = sel::Environment::kSystemPrograms + 1, kTwo = kOne + 1, kThree = kOne + 2;
constexpr cptr_t kReplies = 100;
constexpr u32 kReplyCount = 53;

// The server, and the kernel as far as it answers.
struct Machine {
    Pipes pipes{1};
    sel::ReplySet replies{sel::Tcb{1}, {kReplies, kReplyCount}};
    sel::EndedClients ended;
    std::map<u64, u32> waiting;                  // Reply: client.
    std::vector<std::pair<u32, sel::Regs>> late; // Answers: to whom they go.
    std::set<cptr_t> gone;
    u32 client = 0;

    Machine() {
        sel::host::time = 0;
        sel::host::kernel = [this](sel::Regs &r) {
            if (r.number == CALL_REPLY) {
                if (sel::host::reply(r, gone)) {
                    late.emplace_back(waiting[r.cptr], r);
                }
            } else if (r.number == CALL_CALL) {
                u32 service = static_cast<u32>(r.cptr);
                r.cptr = client | u64{service} << sel::BADGE_SERVICE_SHIFT;
                u64 reply = kReplies + replies.current();
                waiting[reply] = client;
                std::size_t before = late.size();
                bool now =
                    sel::handle<stream::In, stream::Out, Maker, Binder>(pipes, r, replies, ended);
                // Others may be answered before it.
                for (std::size_t i = before; !now && i < late.size(); i++) {
                    if (late[i].second.cptr == reply) {
                        r = late[i].second;
                        late.erase(late.begin() + static_cast<long>(i));
                        r.number = OK;
                        return;
                    }
                }
                r.number = now ? OK : ERR_TIMEOUT;
            } else {
                r.number = OK;
            }
        };
    }
    ~Machine() {
        sel::host::kernel = nullptr;
        sel::host::time = 0;
    }

    template <typename Api, typename M>
    auto call(u32 who, u32 service, const M &m) {
        client = who;
        return sel::Client<Api>{service}.call(m);
    }
    template <typename M>
    auto make(const M &m, u32 who = kShell) {
        return call<Maker>(who, 2, m);
    }
    sel::Result<> bind(u32 pipe, u32 program, End end, u32 maker = kShell) {
        return call<Binder>(kOther, 3,
                            Bind{.maker = maker, .pipe = pipe, .client = program, .end = end});
    }
    // What it reads at once; ERR_TIMEOUT: it waits.
    sel::Result<stream::Input> read(u32 who) { return call<stream::In>(who, 0, stream::Read{}); }
    sel::Result<u32> write(u32 who, std::string_view text) {
        stream::Write m;
        m.data.assign({reinterpret_cast<const u8 *>(text.data()), text.size()});
        return call<stream::Out>(who, 1, m);
    }
    sel::Result<u32> try_write(u32 pipe, std::string_view text) {
        TryWrite m{.pipe = pipe, .data = {}};
        m.data.assign({reinterpret_cast<const u8 *>(text.data()), text.size()});
        return make(m);
    }
    // The late answer that this one got.
    sel::Regs got(u32 who) {
        for (std::size_t i = 0; i < late.size(); i++) {
            if (late[i].first == who) {
                sel::Regs r = late[i].second;
                late.erase(late.begin() + static_cast<long>(i));
                return r;
            }
        }
        FAIL("nobody has answered");
        return {};
    }
    bool got_anything() const { return !late.empty(); }
};

std::string text(const sel::Result<stream::Input> &input) {
    REQUIRE(input.ok());
    return {reinterpret_cast<const char *>(input->data.byte), input->data.size};
}

} // namespace

TEST_CASE("what one writes the other reads, in order, to the end") {
    Machine m;
    u32 pipe = m.make(Make{}).value();
    REQUIRE(m.bind(pipe, kOne, End::WRITER).ok());
    REQUIRE(m.bind(pipe, kTwo, End::READER).ok());
    CHECK(m.read(kTwo).error() == ERR_TIMEOUT);
    CHECK(m.write(kOne, "hello ").value() == 6);
    CHECK(m.got(kTwo).label() == OK);
    CHECK(m.write(kOne, "wor").value() == 3);
    CHECK(m.write(kOne, "ld").value() == 2);
    CHECK(text(m.read(kTwo)) == "world");
    CHECK(m.write(kOne, "").value() == 0);
    CHECK(m.make(Release{.pipe = pipe, .end = End::READER}).ok());
    CHECK(m.make(Release{.pipe = pipe, .end = End::WRITER}).ok());
    CHECK(m.write(kOne, "last").value() == 4);
    m.pipes.on_ended(kOne);
    CHECK(text(m.read(kTwo)) == "last");
    CHECK(text(m.read(kTwo)).empty());
    m.pipes.on_ended(kTwo);
    CHECK(m.make(TryRead{.pipe = pipe}).error() == ERR_ARG); // It is gone.
}

TEST_CASE("a full pipe keeps its writer waiting, and tells it to ask again") {
    Machine m;
    u32 pipe = m.make(Make{}).value();
    REQUIRE(m.bind(pipe, kOne, End::WRITER).ok());
    REQUIRE(m.bind(pipe, kTwo, End::READER).ok());
    std::string sent;
    for (u32 i = 0; i < 100; i++) {
        std::string piece(stream::kChunk, static_cast<char>('a' + i % 26));
        sel::Result<u32> taken = m.write(kOne, piece);
        if (!taken) {
            CHECK(taken.error() == ERR_TIMEOUT);
            break;
        }
        sent += piece.substr(0, *taken);
    }
    CHECK(sent.size() == kBytes);
    CHECK(m.pipes.deadline() == sel::milliseconds(stream::kRoomMs));
    sel::host::time = m.pipes.deadline();
    m.pipes.on_timeout();
    CHECK(m.got(kOne).label() == ERR_BUSY);
    CHECK(m.pipes.deadline() == sel::kForever);
    CHECK(m.write(kOne, "!").error() == ERR_TIMEOUT);
    std::string received = text(m.read(kTwo));
    CHECK(m.got(kOne).word[0] == 1);
    while (received.size() < sent.size() + 1) {
        received += text(m.read(kTwo));
    }
    CHECK(received == sent + "!");
}

TEST_CASE("when nobody is left to read, writers are told") {
    Machine m;
    u32 pipe = m.make(Make{}).value();
    REQUIRE(m.bind(pipe, kOne, End::WRITER).ok());
    REQUIRE(m.bind(pipe, kTwo, End::READER).ok());
    while (m.write(kOne, std::string(500, 'x')).ok()) {
    }
    m.pipes.on_ended(kTwo);
    CHECK(!m.got_anything()); // The maker may still bind another one.
    CHECK(m.make(Release{.pipe = pipe, .end = End::READER}).ok());
    CHECK(m.got(kOne).label() == ERR_GONE);
    CHECK(m.write(kOne, "x").error() == ERR_GONE);
    CHECK(m.try_write(pipe, "x").error() == ERR_GONE);
}

TEST_CASE("the maker reads and writes without waiting, and hears of changes") {
    Machine m;
    u32 pipe = m.make(Make{}).value();
    CHECK(m.make(TryRead{.pipe = pipe}).error() == ERR_BUSY);
    REQUIRE(m.bind(pipe, kOne, End::WRITER).ok());
    u64 seen = m.make(Wait{.seen = 0}).value();
    CHECK(m.make(Wait{.seen = seen}).error() == ERR_TIMEOUT);
    CHECK(m.write(kOne, "abc").ok());
    CHECK(m.got(kShell).word[0] == seen + 1);
    CHECK(m.write(kOne, "def").ok());
    seen = m.make(Wait{.seen = seen + 1}).value(); // That was between two.
    CHECK(text(m.make(TryRead{.pipe = pipe})) == "abcdef");
    CHECK(m.make(Release{.pipe = pipe, .end = End::WRITER}).ok());
    CHECK(m.make(IsBound{.client = kOne}).value() == 1);
    CHECK(m.make(IsBound{.client = kOne}, kOther).value() == 0); // Nobody else's business.
    CHECK(m.make(Wait{.seen = seen}).error() == ERR_TIMEOUT);
    m.pipes.on_ended(kOne);
    CHECK(m.got(kShell).word[0] == seen + 1);
    CHECK(m.make(IsBound{.client = kOne}).value() == 0);
    CHECK(text(m.make(TryRead{.pipe = pipe})).empty());

    pipe = m.make(Make{}).value();
    std::string all(stream::kChunk, 'y');
    u32 taken = 0;
    while (sel::Result<u32> more = m.try_write(pipe, all)) {
        taken += *more;
    }
    CHECK(taken == kBytes);
    CHECK(m.try_write(pipe, "x").error() == ERR_BUSY);
}

TEST_CASE("nobody has an end that was not given to it") {
    Machine m;
    u32 pipe = m.make(Make{}).value();
    CHECK(m.read(kOne).error() == ERR_GONE);
    CHECK(m.write(kOne, "x").error() == ERR_GONE);
    CHECK(m.read(kShell).error() == ERR_GONE);
    CHECK(m.make(TryRead{.pipe = pipe}, kOther).error() == ERR_ARG);
    CHECK(m.make(Release{.pipe = pipe, .end = End::READER}, kOther).error() == ERR_ARG);
    CHECK(m.bind(pipe, kOne, End::WRITER, kOther).error() == ERR_ARG);
    CHECK(m.bind(pipe, kShell, End::WRITER).error() == ERR_ARG);
    CHECK(m.bind(pipe, sel::Environment::kPrograms + 1, End::WRITER).error() == ERR_ARG);
    CHECK(m.bind(pipe + kPipes, kOne, End::WRITER).error() == ERR_ARG);
    CHECK(m.bind(pipe ^ 1u << 16, kOne, End::WRITER).error() == ERR_RESTARTED);
    REQUIRE(m.bind(pipe, kOne, End::WRITER).ok());
    CHECK(m.bind(pipe, kTwo, End::WRITER).error() == ERR_EXISTS);
    u32 second = m.make(Make{}).value();
    CHECK(m.bind(second, kOne, End::WRITER).error() == ERR_EXISTS);
    CHECK(m.read(kOne).error() == ERR_GONE); // It has the other end.
    CHECK(m.make(Release{.pipe = pipe, .end = End::WRITER}).ok());
    CHECK(m.make(Release{.pipe = pipe, .end = End::WRITER}).error() == ERR_ARG);
    CHECK(m.bind(pipe, kTwo, End::WRITER).error() == ERR_ARG); // The maker has let go of it.
}

TEST_CASE("as many as may be, and all comes back") {
    Machine m;
    std::vector<u32> made;
    for (u32 i = 0; i < kPerMaker; i++) {
        made.push_back(m.make(Make{}).value());
    }
    CHECK(m.make(Make{}).error() == ERR_FULL);
    for (u32 i = kPerMaker; i < kPipes; i++) {
        CHECK(m.make(Make{}, kOther).ok());
    }
    CHECK(m.make(Make{}, kOther).error() == ERR_FULL);
    REQUIRE(m.bind(made[0], kOne, End::WRITER).ok());
    REQUIRE(m.bind(made[0], kTwo, End::READER).ok());
    m.pipes.on_ended(kShell);
    CHECK(m.write(kOne, "still").ok()); // Programs are not ended with who connected them.
    CHECK(text(m.read(kTwo)) == "still");
    for (u32 i = 1; i < kPerMaker; i++) {
        CHECK(m.make(Make{}, kThree).ok());
    }
    m.pipes.on_ended(kOne);
    CHECK(text(m.read(kTwo)).empty());
    m.pipes.on_ended(kTwo);
    CHECK(m.make(Make{}, kThree).ok());
    CHECK(m.make(Make{}, kThree).error() == ERR_FULL);
}

TEST_CASE("what a reader that gave up was to get is there for the next") {
    Machine m;
    u32 pipe = m.make(Make{}).value();
    REQUIRE(m.bind(pipe, kTwo, End::READER).ok());
    u64 reply = kReplies + m.replies.current();
    CHECK(m.read(kTwo).error() == ERR_TIMEOUT);
    m.gone.insert(reply);
    CHECK(m.try_write(pipe, "kept").ok());
    CHECK(!m.got_anything());
    m.gone.clear();
    CHECK(text(m.read(kTwo)) == "kept");
}

TEST_CASE("a long text through pieces of every size") {
    Machine m;
    std::mt19937_64 random{3};
    u32 pipe = m.make(Make{}).value();
    REQUIRE(m.bind(pipe, kOne, End::WRITER).ok());
    REQUIRE(m.bind(pipe, kTwo, End::READER).ok());
    CHECK(m.make(Release{.pipe = pipe, .end = End::WRITER}).ok());
    std::string sent, received;
    bool writes = false, reads = false; // It waits.
    std::string piece;
    while (received.size() < 300'000) {
        if (!writes) {
            piece.assign(1 + random() % stream::kChunk, static_cast<char>(random()));
            sel::Result<u32> taken = m.write(kOne, piece);
            sent += piece.substr(0, taken.value_or(0));
            writes = taken.error() == ERR_TIMEOUT;
        }
        if (!reads && (writes || random() % 3 == 0)) {
            sel::Result<stream::Input> input = m.read(kTwo);
            reads = input.error() == ERR_TIMEOUT;
            received += reads ? "" : text(input);
        }
        while (m.got_anything()) {
            auto [who, r] = m.late.front();
            m.late.erase(m.late.begin());
            stream::Input input;
            if (who == kOne) {
                sent += piece.substr(0, r.word[0]);
                writes = false;
            } else {
                REQUIRE(sel::load(r, input));
                received += text(input);
                reads = false;
            }
        }
    }
    CHECK(sent.substr(0, received.size()) == received);
}

TEST_CASE("random messages, random answers") {
    Machine m;
    sel::fuzz::clients<Maker>();
    sel::fuzz::clients<Binder>();
    sel::fuzz::server<Maker>(m.pipes, 70);
    sel::fuzz::server<Binder>(m.pipes, 70);
    sel::fuzz::server<stream::In>(m.pipes, 70);
    sel::fuzz::server<stream::Out>(m.pipes, 70);
}
