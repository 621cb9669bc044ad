// Protocols end to end: client, wire, dispatch and late answers, against a kernel of a few lines.
// SPDX-License-Identifier: BSD-2-Clause
#include <catch2/catch.hpp>

#include <cstring>
#include <vector>

#include "sel/client.hpp"
#include "sel/host.hpp"
#include "sel/reply_pool.hpp"
#include "sel/server.hpp"

namespace {

struct Add : sel::Asks<u64> {
    u64 amount;
};
struct Who : sel::Asks<u32> {
    static constexpr bool kBrings = true;
};
struct Fail : sel::Asks<> {};
struct Part : sel::Asks<u32> {};
struct Line {
    u32 number;
    sel::Text<300> data;
};
struct Echo : sel::Asks<Line> {
    u32 number;
    sel::Text<300> data;
};
struct Block : sel::Asks<u64> {
    u64 token;
};
struct Foreign : sel::Asks<> {};

using Api = sel::Protocol<Add, Who, Fail, Echo, Block, Part>;
using Other = sel::Protocol<Foreign>;

struct Server {
    u64 total = 0;
    u64 bits = 0;
    std::vector<sel::Later<Block>> waiting;
    std::vector<u32> faults;
    std::vector<u32> ended;

    sel::Result<u64> on(const Add &m) { return total += m.amount; }
    sel::Result<u32> on(const Who &, sel::Caller c) { return c.client; }
    sel::Result<u32> on(const Part &, sel::Caller c) { return u32{c.part}; }
    sel::Result<> on(const Fail &) { return ERR_NAME; }
    sel::Result<Line> on(const Echo &m) {
        Line line;
        line.number = m.number + 1;
        line.data.append(m.data);
        line.data.append('!');
        return line;
    }
    void on(const Block &m, sel::Caller, sel::Later<Block> later) {
        if (m.token == 0) {
            later.answer(u64{1});
        } else {
            waiting.push_back(std::move(later));
        }
    }
    sel::Result<> on(const Foreign &) { return {}; }
    void on_signal(u64 b) { bits = b; }
    void on_ended(u32 client) { ended.push_back(client); }
    bool on_fault(const sel::Fault &f) {
        faults.push_back(f.program);
        return f.kind == FAULT_PAGE;
    }
};

constexpr cptr_t kReplies = 20;
constexpr u32 kReplyCount = 3;

// Plays both sides: a CALL goes at once through the server's handle(); TCB_BIND and REPLY are noted.
struct Machine {
    Server server;
    sel::ReplySet replies{sel::Tcb{1}, {kReplies, kReplyCount}};
    sel::EndedClients ended;
    std::set<cptr_t> gone; // Reply objects whose callers wait no more.
    u64 badge = 7;
    bool answered = false;
    std::vector<u64> bound;
    std::vector<cptr_t> deleted;
    std::vector<std::pair<cptr_t, sel::Regs>> late;

    Machine() {
        sel::host::kernel = [this](sel::Regs &r) { call(r); };
    }
    ~Machine() { sel::host::kernel = nullptr; }

    void call(sel::Regs &r) {
        if (r.number == CALL_CALL) {
            r.cptr = badge;
            answered = sel::handle<Api, Other>(server, r, replies, ended);
            r.number = answered ? OK : ERR_TIMEOUT;
        } else if (r.number == CALL_TCB_BIND) {
            bound.push_back(r.word[1]);
            r.number = OK;
        } else if (r.number == CALL_CAP_DELETE) {
            deleted.push_back(r.cptr);
            r.number = OK;
        } else if (r.number == CALL_REPLY && sel::host::reply(r, gone)) {
            late.push_back({r.cptr, r});
        }
    }
};

const sel::Client<Api> client{5};

} // namespace

TEST_CASE("a request reaches its handler and brings back the answer") {
    Machine m;
    CHECK(client.call(Add{{}, 5}).value() == 5);
    CHECK(client.call(Add{{}, 6}).value() == 11);
    CHECK(client.call(Who{}).value() == 7);
    CHECK(client.call(Fail{}).error() == ERR_NAME);
}

TEST_CASE("text of every length travels through registers and buffer") {
    Machine m;
    for (u32 n = 0; n <= 300; n++) {
        std::string text(n, 'a');
        if (n != 0) {
            text.back() = 'z';
        }
        Echo e;
        e.number = n;
        e.data.append(std::string_view(text));
        std::memset(sel::ipc_buffer(), 0xee, BUFFER_WORDS * 8);
        auto line = client.call(e);
        REQUIRE(line.ok());
        REQUIRE(line->number == n + 1);
        REQUIRE(line->data.view() == (n < 300 ? text + "!" : text));
    }
}

TEST_CASE("a message can be looked at and passed on without its text") {
    for (u32 n : {0u, 3u, 11u, 12u, 13u, 100u, 300u}) {
        Echo said, head, whole;
        said.number = 7;
        said.data.append(std::string_view{std::string(n, 'x')});
        sel::Regs r{};
        sel::store(r, 4, said);
        std::memset(static_cast<void *>(&head), 0xee, sizeof head);
        REQUIRE(sel::load<false>(r, head));
        CHECK((head.number == 7 && head.data.size == n));
        CHECK((n == 0 || static_cast<u8>(head.data.byte[n - 1]) == 0xee));
        REQUIRE(sel::load(r, whole));
        whole.number = 8;
        sel::store<false>(r, 4, whole); // The rest is where it was.
        Echo passed;
        REQUIRE(sel::load(r, passed));
        CHECK((passed.number == 8 && passed.data.view() == std::string(n, 'x')));
        r.word[0] |= u64{301} << 32;
        CHECK(!sel::load<false>(r, head)); // Longer than its room.
    }
}

TEST_CASE("a message of the wrong shape is refused") {
    Machine m;
    auto raw = [&](u32 label, u64 length, u64 size) {
        sel::Regs r{CALL_CALL, 5, length | u64{label} << INFO_LABEL_SHIFT, {size << 32, 0, 0, 0}};
        sel::kernel_call(r);
        return static_cast<error_t>(r.label());
    };
    CHECK(raw(0, 0, 0) == ERR_PROTOCOL);
    CHECK(raw(7, 0, 0) == ERR_PROTOCOL);
    CHECK(raw(~0u, 0, 0) == ERR_PROTOCOL);
    CHECK(raw(1, 0, 0) == ERR_PROTOCOL); // Add without its word
    CHECK(raw(1, 2, 0) == ERR_PROTOCOL); // with one too many
    CHECK(raw(2, 1, 0) == ERR_PROTOCOL); // Who has none
    CHECK(raw(4, 1, 0) == OK);           // Echo of an empty text
    CHECK(raw(4, 0, 0) == ERR_PROTOCOL);
    CHECK(raw(4, 1, 1) == ERR_PROTOCOL);          // a text longer than the message
    CHECK(raw(4, 120, 301) == ERR_PROTOCOL);      // than its room
    CHECK(raw(4, 2, 0xffffffff) == ERR_PROTOCOL); // than anything
    CHECK(raw(4, 127, 4) == ERR_PROTOCOL);        // a length that no message has
}

TEST_CASE("the badge says which protocol a client may speak") {
    Machine m;
    sel::Client<Other> other{5};
    CHECK(other.call(Foreign{}).error() == ERR_PROTOCOL);
    m.badge = 7 | u64{1} << sel::BADGE_SERVICE_SHIFT;
    CHECK(other.call(Foreign{}).ok());
    CHECK(client.call(Add{{}, 5}).error() == ERR_PROTOCOL);
    m.badge = 7 | u64{2} << sel::BADGE_SERVICE_SHIFT;
    CHECK(other.call(Foreign{}).error() == ERR_PROTOCOL);
}

TEST_CASE("the badge says which part of a server a client has") {
    Machine m;
    CHECK(client.call(Part{}).value() == 0);
    m.badge = 7 | u64{255} << sel::BADGE_PART_SHIFT;
    CHECK(client.call(Part{}).value() == 255);
    CHECK(client.call(Who{}).value() == 7);
}

TEST_CASE("what the kernel refuses becomes an error of the client") {
    auto with = [](error_t e) {
        sel::host::kernel = [e](sel::Regs &r) { r.number = e; };
        error_t got = client.call(Who{}).error();
        sel::host::kernel = nullptr;
        return got;
    };
    CHECK(with(ERR_GONE) == ERR_RESTARTED);
    CHECK(with(ERR_CAP) == ERR_GONE);
    CHECK(with(ERR_TIMEOUT) == ERR_TIMEOUT);
}

TEST_CASE("an answer with a wrong shape or label is refused") {
    auto with = [](u64 info) {
        sel::host::kernel = [info](sel::Regs &r) {
            r.number = OK;
            r.info = info;
        };
        error_t got = client.call(Add{{}, 1}).error();
        sel::host::kernel = nullptr;
        return got;
    };
    CHECK(with(1) == OK);
    CHECK(with(0) == ERR_PROTOCOL);
    CHECK(with(2) == ERR_PROTOCOL);
    CHECK(with(1 | u64{ERR_COUNT} << INFO_LABEL_SHIFT) == ERR_PROTOCOL);
    CHECK(with(u64{ERR_FULL} << INFO_LABEL_SHIFT) == ERR_FULL);
}

TEST_CASE("answers can be given later, in any order, as many as there are Reply objects") {
    Machine m;
    (void)client.call(Block{{}, 1});
    CHECK(!m.answered);
    (void)client.call(Block{{}, 2});
    CHECK(!m.answered);
    CHECK(m.replies.waiting() == 2);
    CHECK(m.bound == std::vector<u64>{kReplies + 1, kReplies + 2});
    // The third Reply must stay for receiving.
    CHECK(client.call(Block{{}, 3}).error() == ERR_FULL);
    CHECK(client.call(Who{}).ok());

    m.server.waiting[1].answer(u64{22});
    m.server.waiting[1].answer(u64{23}); // Nobody waits any more.
    REQUIRE(m.late.size() == 1);
    CHECK(m.late[0].first == kReplies + 1);
    CHECK(m.late[0].second.word[0] == 22);
    CHECK(m.late[0].second.label() == OK);
    CHECK(m.replies.waiting() == 1);

    (void)client.call(Block{{}, 4});
    CHECK(m.bound.back() == kReplies + 1);
    m.server.waiting.clear(); // Dropped: ERR_GONE to both.
    REQUIRE(m.late.size() == 3);
    CHECK(m.late[1].second.label() == ERR_GONE);
    CHECK(m.late[2].second.label() == ERR_GONE);
    CHECK(m.replies.waiting() == 0);
}

TEST_CASE("an answer given inside the handler needs no second Reply") {
    Machine m;
    for (int i = 0; i < 10; i++) {
        (void)client.call(Block{{}, 0});
    }
    CHECK(m.late.size() == 10);
    CHECK(m.late[9].first == kReplies);
    CHECK(m.bound.empty());
    CHECK(m.replies.waiting() == 0);
}

// A thread of a server that has several, which share a pool of three.
struct Threaded {
    sel::ReplyPool &pool;
    sel::Receiver receiver{pool, sel::Tcb{1}};
    std::vector<sel::PendingReply> &kept;

    Threaded(sel::ReplyPool &p, std::vector<sel::PendingReply> &k) : pool{p}, kept{k} {
        REQUIRE(receiver.start().ok());
    }
    sel::Result<u64> on(const Add &m) { return m.amount; }
    sel::Result<u32> on(const Who &, sel::Caller c) { return c.client; }
    sel::Result<> on(const Fail &) { return ERR_NAME; }
    sel::Result<Line> on(const Echo &) { return ERR_NAME; }
    sel::Result<u32> on(const Part &) { return 0u; }
    // 0: answered in the registers, 1: before it receives again, else kept.
    bool on(Block &m, sel::Caller, sel::Regs &r) {
        sel::PendingReply reply;
        if (m.token > 1 && receiver.keep(reply)) {
            kept.push_back(reply);
            return false;
        }
        sel::store_answer(r, m.token > 1 ? sel::Result<u64>{ERR_FULL} : m.token + 40);
        return m.token != 1 || !receiver.answer(r);
    }
    bool call(u64 token, sel::Regs &r) {
        sel::EndedClients ended;
        r = {};
        sel::store(r, Api::label<Block>(), Block{{}, token});
        return sel::handle<Api>(*this, r, receiver, ended);
    }
};

// The answer that a thread gives before it receives again is nobody's: that is no reason to receive no more.
TEST_CASE("a caller that gives up stops no thread") {
    Machine m;
    sel::ReplyPool pool{{kReplies, kReplyCount}};
    std::vector<sel::PendingReply> kept;
    struct Enough {};
    u32 received = 0;
    sel::host::kernel = [&](sel::Regs &r) {
        if (r.number == CALL_REPLY) {
            r.number = ERR_EMPTY;
        } else if (++received == 3) {
            throw Enough{};
        } else {
            r = {};
            sel::store(r, Api::label<Block>(), Block{{}, 9});
            r.number = OK;
        }
    };
    struct Left : Threaded {
        using Threaded::on;
        using Threaded::Threaded;
        bool on(Block &, sel::Caller, sel::Regs &r) { return receiver.answer(r); }
    } left{pool, kept};
    CHECK_THROWS_AS(sel::receive<Api>(sel::Endpoint{1}, left, left.receiver), Enough);
    sel::host::kernel = nullptr;
}

TEST_CASE("threads that share Reply objects answer, keep, and answer for each other") {
    Machine m;
    sel::ReplyPool pool{{kReplies, kReplyCount}};
    std::vector<sel::PendingReply> kept;
    Threaded one{pool, kept}, other{pool, kept};
    CHECK(m.bound == std::vector<u64>{kReplies, kReplies + 1});
    sel::Receiver third{pool, sel::Tcb{1}}, fourth{pool, sel::Tcb{1}};
    CHECK(third.start().ok());
    CHECK(fourth.start().error() == ERR_FULL);
    pool.put(third.current());
    sel::Regs r;
    CHECK(one.call(0, r));
    CHECK((r.label() == OK && r.word[0] == 40 && m.late.empty()));
    CHECK(!other.call(1, r));
    REQUIRE(m.late.size() == 1);
    CHECK((m.late[0].first == kReplies + 1 && m.late[0].second.word[0] == 41));

    CHECK(!one.call(2, r)); // Kept: the third Reply receives now.
    CHECK(m.bound.back() == kReplies + 2);
    CHECK(pool.used() == 3);
    CHECK(other.call(3, r));
    CHECK(r.label() == ERR_FULL);
    CHECK(kept[0].waits());
    CHECK(kept[0].answer(sel::Result<u64>{u64{7}}));
    CHECK((m.late[1].first == kReplies && m.late[1].second.word[0] == 7));
    CHECK(pool.used() == 2);
    CHECK(!other.call(4, r)); // Its Reply serves again, for another thread.
    CHECK(m.bound.back() == kReplies);
    m.gone = {kReplies + 1};
    CHECK(!kept[1].waits());
    CHECK(!kept[1].answer(sel::Result<u64>{u64{8}})); // Nobody got it, and the place is free.
    CHECK(pool.used() == 2);
}

TEST_CASE("signals and faults go to their own handlers") {
    Machine m;
    sel::Regs r{OK, 5, INFO_SIGNAL, {}};
    CHECK(!sel::handle<Api>(m.server, r, m.replies, m.ended));
    CHECK(m.server.bits == 5);
    r = {OK, 3 | sel::BADGE_FAULT, u64{FAULT_PAGE} << INFO_LABEL_SHIFT | 4, {}};
    CHECK(sel::handle<Api>(m.server, r, m.replies, m.ended));
    CHECK(r.info == 0);
    r = {OK, 4 | sel::BADGE_FAULT, u64{FAULT_CALL} << INFO_LABEL_SHIFT | 4, {}};
    CHECK(!sel::handle<Api>(m.server, r, m.replies, m.ended));
    CHECK(m.server.faults == std::vector<u32>{3, 4});
}

TEST_CASE("callers that died or gave up hold no place") {
    Machine m;
    (void)client.call(Block{{}, 1});
    (void)client.call(Block{{}, 2});
    CHECK(client.call(Block{{}, 3}).error() == ERR_FULL);
    CHECK(m.server.waiting[0].waits());

    m.gone = {kReplies};
    CHECK(!m.server.waiting[0].waits());
    CHECK(m.server.waiting[1].waits());
    (void)client.call(Block{{}, 4}); // Receives with the Reply that the first one had.
    CHECK(!m.answered);
    CHECK(m.bound.back() == kReplies);
    m.gone = {};
    (void)client.call(Who{}); // Somebody waits there now, but not for the first answer.
    CHECK(!m.server.waiting[0].waits());
    CHECK(!m.server.waiting[0].answer(u64{11}));
    CHECK(m.late.empty());
    CHECK(m.server.waiting[1].answer(u64{22}));
    CHECK(m.server.waiting[2].answer(u64{44}));
    REQUIRE(m.late.size() == 2);
    CHECK(m.late[1].first == kReplies + 2);
}

TEST_CASE("the ledger has who is kept waiting, since when, and for how long at most") {
    struct Slow : sel::Asks<void, 5000> {};
    struct Until : sel::Asks<> {
        u64 ms;
        u32 patience_ms() const { return static_cast<u32>(ms); }
    };
    using Waits = sel::Protocol<Slow, Until>;
    struct Keeper {
        sel::Later<Slow> slow;
        sel::Later<Until> until;
        void on(const Slow &, sel::Caller, sel::Later<Slow> later) { slow = std::move(later); }
        void on(const Until &, sel::Caller, sel::Later<Until> later) { until = std::move(later); }
    };
    Machine m; // Answers what the kernel is asked.
    sel::host::ledger = {};
    const auto &debt = sel::host::ledger.debt;
    Keeper keeper;
    auto send = [&](u64 time, const auto &message) {
        sel::host::time = time;
        sel::Regs r{};
        sel::store(r, Waits::label<std::remove_cvref_t<decltype(message)>>(), message);
        if (!Waits::dispatch(keeper, r, m.replies)) {
            m.replies.settle();
        }
    };
    send(100, Slow{});
    send(200, Until{{}, 7});
    CHECK((debt[0].since == 100 && debt[0].ms == 5000));
    CHECK((debt[1].since == 200 && debt[1].ms == 7));
    CHECK(debt[2].ms == 0);
    CHECK(keeper.slow.answer({}));
    CHECK(debt[0].ms == 0);
    CHECK(debt[1].ms == 7);
    m.gone = {kReplies + 1};
    CHECK(!keeper.until.answer({}));
    CHECK(debt[1].ms == 0);
    sel::host::time = 0;
}

TEST_CASE("an answer that nobody gets says so") {
    Machine m;
    (void)client.call(Block{{}, 1});
    m.gone = {kReplies};
    CHECK(!m.server.waiting[0].answer(u64{11}));
    CHECK(m.replies.waiting() == 0);
}

TEST_CASE("a capability that nobody takes is not there for the next message") {
    constexpr cptr_t kArrival = 33;
    Machine m;
    sel::receive_slot(kArrival);
    auto arrives = [&](u64 label, u64 length, u64 badge = 7) {
        m.deleted.clear();
        sel::Regs r{OK, badge, INFO_CAP | length | label << INFO_LABEL_SHIFT, {}};
        sel::handle<Api, Other>(m.server, r, m.replies, m.ended);
        return m.deleted == std::vector<cptr_t>{kArrival};
    };
    CHECK(arrives(Api::label<Add>(), 1)); // Its handler does not know who asks.
    CHECK(arrives(Api::label<Add>(), 2)); // It has another length.
    CHECK(arrives(Api::label<Who>(), 5));
    CHECK(
        arrives(Api::label<Part>(), 0)); // None may come along, though its handler knows who asks.
    CHECK(arrives(99, 0));               // There is no such message,
    CHECK(arrives(1, 0, 9ull << sel::BADGE_SERVICE_SHIFT | 7)); // and no such protocol.
    CHECK(!arrives(Api::label<Who>(), 0));                      // This one may take it.
    for (u32 i = 0; i < kReplyCount; i++) {
        (void)client.call(Block{{}, 1});
    }
    CHECK(arrives(Api::label<Block>(), 1)); // There is no room for its caller.
}

TEST_CASE("the end of a client is told once, before the other signals") {
    Machine m;
    sel::host::environment.ends[4] = 1;
    sel::host::environment.ends[255] = 9;
    sel::Regs r{OK, sel::SIGNAL_ENDED | 2, INFO_SIGNAL, {}};
    CHECK(!sel::handle<Api>(m.server, r, m.replies, m.ended));
    CHECK(m.server.ended == std::vector<u32>{5, 256});
    CHECK(m.server.bits == 2);
    m.server.bits = 0;
    r = {OK, sel::SIGNAL_ENDED, INFO_SIGNAL, {}};
    CHECK(!sel::handle<Api>(m.server, r, m.replies, m.ended));
    CHECK(m.server.ended.size() == 2);
    CHECK(m.server.bits == 0);
    sel::host::environment.ends[4] = 0;
    sel::host::environment.ends[255] = 0;
}

namespace {

struct Counted {
    u32 count;
    bool sound() const { return count <= 3; }
};
struct Take : sel::Asks<Counted> {
    u32 most;
    bool sound() const { return most < 100; }
    bool accepts(const Counted &c) const { return c.count <= most; }
};
struct Named {
    sel::Text<8> first; // Not the last one: nobody checks its length on the wire.
    sel::Text<8> data;
};

} // namespace

TEST_CASE("numbers that a message says are not sound reach nobody") {
    using Counting = sel::Protocol<Take>;
    struct {
        u32 asked = 0;
        sel::Result<Counted> on(const Take &) {
            asked++;
            return Counted{0};
        }
    } server;
    sel::ReplySet replies{sel::Tcb{1}, {kReplies, kReplyCount}};
    auto ask = [&](u64 most) {
        sel::Regs r{OK, 1, 1 | u64{1} << INFO_LABEL_SHIFT, {most}};
        Counting::dispatch(server, r, replies);
        return r.label();
    };
    CHECK(ask(99) == OK);
    CHECK(ask(100) == ERR_PROTOCOL);
    CHECK(server.asked == 1);

    auto answered = [](u64 count) {
        sel::host::kernel = [=](sel::Regs &r) { r = {OK, 0, 1, {count}}; };
        error_t error = sel::Client<Counting>{1}.call(Take{.most = 2}).error();
        sel::host::kernel = nullptr;
        return error;
    };
    CHECK(answered(2) == OK);
    CHECK(answered(3) == ERR_PROTOCOL); // Sound, but no answer to this.
    CHECK(answered(4) == ERR_PROTOCOL);
}

TEST_CASE("a text ends in its own room, whatever size came with it") {
    sel::Regs r{OK, 0, 3, {u64{0xffffffff}, 0, 0}};
    Named named;
    REQUIRE(sel::load(r, named));
    CHECK(named.first.view().size() == 8);
    CHECK(named.first.full());
}
