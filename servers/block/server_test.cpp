// Server: what clients may do, turns, time-outs and resets, against a device in memory.
// SPDX-License-Identifier: BSD-2-Clause
#include "servers/block/server.hpp"

#include <catch2/catch.hpp>
#include <cstring>
#include <functional>
#include <map>
#include <memory>
#include <random>
#include <set>
#include <vector>

#include "libsel/test/fuzz.hpp"
#include "sel/host.hpp"

using namespace block;

namespace {

constexpr u32 kPages = 20;
constexpr u64 kPatience = 1000;
constexpr u64 kLook = kPatience / 10;

// Page n lies at `base` + n * 3 pages.
struct FakePool {
    explicit FakePool(u64 at) : base{at} {}
    u64 base;
    bool given_back = false;
    alignas(4096) u8 memory[kPages * kPageBytes] = {};

    u32 pages() const { return kPages; }
    u64 physical(u32 page) const { return page < kPages ? base + page * 3 * kPageBytes : 0; }
    template <typename T>
    T *at(u32 page) const {
        return reinterpret_cast<T *>(const_cast<u8 *>(memory) + page * kPageBytes);
    }
    Request &slot(u64 k) { return at<Ring>(0)->slot[k % kRequests]; }
};

struct FakeDevice {
    struct Sent {
        u32 tag;
        Command command;
    };
    Geometry shape;
    std::vector<Sent> sent; // In flight, in their order.
    std::vector<Command> log;
    Outcomes ready;
    bool sane = true, alive = true;
    u32 resets = 0;
    std::function<void()> in_reset;

    FakeDevice() {
        shape.sectors = 10'000;
        shape.depth = 4;
        shape.flush = shape.discard = true;
        shape.name = "fake";
    }
    const Geometry &geometry() const { return shape; }
    void submit(u32 tag, const Command &command) {
        for (const Sent &s : sent) {
            REQUIRE(s.tag != tag);
        }
        REQUIRE(tag < shape.depth);
        sent.push_back({tag, command});
        log.push_back(command);
    }
    bool collect(Outcomes &out) {
        out = ready;
        ready = {};
        return sane;
    }
    bool reset() {
        resets++;
        if (in_reset) {
            in_reset();
        }
        sane = true;
        sent.clear();
        return alive;
    }
    void end(std::size_t i = 0, error_t error = OK) {
        ready.add(sent.at(i).tag, error);
        sent.erase(sent.begin() + static_cast<std::ptrdiff_t>(i));
    }
};

// What clients lend. A pool that was given back is filled, and must still be full of that when it comes again: neither
// the server nor a device has touched it.
struct Lent {
    using Pool = FakePool;
    static constexpr u8 kFill = 0xa5;
    static constexpr u32 kPlaces = 17;

    std::vector<FakeDevice *> devices;
    FakePool *next = nullptr; // That comes with the next message.
    FakePool *at[kPlaces] = {};
    std::set<u32> kept;
    error_t unusable = OK;
    u32 dropped = 0, borrowed = 0;

    void drop() { dropped++; }
    sel::Result<u32> borrow() {
        u32 place = 0;
        if (next == nullptr) {
            return ERR_ARG;
        }
        if (auto there = std::find(at, at + kPlaces, next); there != at + kPlaces) {
            return static_cast<u32>(there - at);
        }
        while (place < kPlaces && at[place] != nullptr) {
            place++;
        }
        if (place == kPlaces) {
            return ERR_FULL;
        }
        borrowed++;
        at[place] = next;
        REQUIRE(is_untouched(*next));
        return place;
    }
    sel::Result<const FakePool *> use(u32 place, u32) {
        REQUIRE(at[place] != nullptr);
        return unusable == OK ? sel::Result<const FakePool *>{at[place]} : unusable;
    }
    void give_back(u32 place) {
        REQUIRE(at[place] != nullptr);
        if (kept.contains(place)) {
            return;
        }
        FakePool &pool = *std::exchange(at[place], nullptr);
        for (const FakeDevice *device : devices) {
            for (const auto &sent : device->sent) {
                for (u32 i = 0; i < sent.command.pieces; i++) {
                    u64 physical = sent.command.piece[i].physical;
                    REQUIRE((physical < pool.base || physical >= pool.physical(kPages - 1)));
                }
            }
        }
        std::memset(pool.memory, kFill, sizeof pool.memory);
        pool.given_back = true;
    }
    void keep(u32 place) { kept.insert(place); }

    static bool is_untouched(const FakePool &pool) {
        return !pool.given_back || std::all_of(pool.memory, pool.memory + sizeof pool.memory,
                                               [](u8 byte) { return byte == kFill; });
    }
    bool has(const FakePool &pool) const {
        return std::find(at, at + kPlaces, &pool) != at + kPlaces;
    }
};

using TestServer = Server<FakeDevice, Lent>;

struct Fixture {
    FakeDevice device, second; // Disks 0 and 1.
    FakePool one{0x100'000}, two{0x900'000};
    std::vector<std::pair<u64, u64>> late; // Answers: label, first word.
    std::vector<u64> answered;             // Their Reply objects.
    std::set<cptr_t> gone;                 // Reply objects whose callers wait no more.
    sel::ReplySet replies{sel::Tcb{1}, {100, 9}};
    Lent lent{.devices = {&device, &second}};
    std::map<u32, FakePool *> pools{{7, &one}, {8, &two}}; // By program.
    std::unique_ptr<TestServer> server = std::make_unique<TestServer>(kPatience, lent);
    u64 word = 0;

    Fixture() {
        sel::host::time = 1;
        sel::host::kernel = [this](sel::Regs &r) {
            if (r.number != CALL_REPLY) {
                r.number = OK;
            } else if (sel::host::reply(r, gone)) {
                late.push_back({r.label(), r.word[0]});
                answered.push_back(r.cptr);
            }
        };
        REQUIRE(server->add_disk(device));
        REQUIRE(server->add_disk(second));
        start();
        second.shape.sectors = 2000;
        start(1);
    }
    ~Fixture() {
        server.reset();
        sel::host::kernel = nullptr;
    }
    void start(u32 disk = 0) {
        Table table;
        table.partition[1] = {1000, 500};
        table.partition[2] = {2000, 100, kSystemType, "in doubt"};
        server->start(disk, table);
    }

    static constexpr error_t kWaits = ERR_COUNT;

    // The label of the answer, or kWaits.
    template <typename M>
    error_t send(u32 program, u8 part, const M &m) {
        u64 reply = 100 + replies.current();
        std::size_t before = late.size();
        sel::Regs r{};
        sel::store(r, Api::label<M>(), m);
        r.cptr = program | u64{part} << sel::BADGE_PART_SHIFT;
        lent.next = pools.contains(program) ? pools[program] : nullptr;
        if (std::is_same_v<M, Attach> && !without_token) {
            r.info |= INFO_CAP;
        }
        if (Api::dispatch(*server, r, replies)) {
            word = r.word[0];
            return static_cast<error_t>(r.label());
        }
        replies.settle();
        if (late.size() == before || answered.back() != reply) {
            return kWaits;
        }
        word = late.back().second;
        return static_cast<error_t>(late.back().first);
    }
    bool without_token = false;
    error_t attach(u32 program = 7, u8 part = 0, u32 writes = 1, u32 disk = 0) {
        return send(program, part, Attach{.disk = disk, .writes = writes});
    }
    error_t submit(u64 submitted, u64 until) { return send(7, 0, Submit{{}, submitted, until}); }

    static void ask(FakePool &pool, u64 k, Op op, u64 sector, u32 sectors,
                    std::vector<u16> pages = {}, u16 skip = 0, u8 flags = 0) {
        Request &r = pool.slot(k);
        r.op = op;
        r.sector = sector;
        r.sectors = sectors;
        r.pages = static_cast<u16>(pages.size());
        std::copy_n(pages.begin(), std::min<std::size_t>(pages.size(), 16), r.page);
        r.skip = skip;
        r.flags = flags;
        r.status = kPending;
    }
    u32 status(u64 k) { return one.slot(k).status; }
    // One request of the first client that is refused; its outcome.
    u32 refused(Op op, u64 sector, u32 sectors, std::vector<u16> pages = {}, u16 skip = 0) {
        REQUIRE(attach() == OK);
        ask(one, 0, op, sector, sectors, pages, skip);
        CHECK(submit(1, 1) == OK);
        CHECK(device.log.empty());
        return status(0);
    }
    void pass(u64 ticks) {
        sel::host::time += ticks;
        server->on_timeout();
    }
};

} // namespace

TEST_CASE_METHOD(Fixture, "Info tells of disk and partitions", "[block]") {
    CHECK(send(7, 0, Info{}) == OK);
    CHECK(word == 10'000);
    CHECK(send(99, 2, Info{}) == OK);
    CHECK(word == 500);
    CHECK(send(8, 1, Info{}) == ERR_EMPTY);
    CHECK(send(8, 255, Info{}) == ERR_EMPTY);
}

TEST_CASE_METHOD(Fixture, "disks have numbers, and the last one is followed by none", "[block]") {
    CHECK(send(7, 0, Info{.disk = 1}) == OK);
    CHECK(word == 2000);
    CHECK(send(8, 2, Info{.disk = 1}) == OK);
    for (u32 number : {2u, kDisks, ~0u}) {
        CHECK(send(7, 0, Info{.disk = number}) == ERR_NAME);
        CHECK(attach(7, 0, 1, number) == ERR_NAME);
        CHECK(send(7, 0, GetWriter{.disk = number}) == ERR_NAME);
    }
    FakeDevice more[kDisks];
    for (u32 i = 2; i < kDisks; i++) {
        CHECK(server->add_disk(more[i]));
    }
    CHECK_FALSE(server->add_disk(more[0]));
    CHECK(send(7, 0, Info{.disk = 2}) == ERR_IO); // It is there, and was not started.
    CHECK(attach(7, 0, 1, 2) == ERR_IO);
    server->on_interrupt(2);
    CHECK(more[2].resets == 0);
    server = std::make_unique<TestServer>(kPatience, lent);
    CHECK(send(7, 0, Info{}) == ERR_NAME);
    CHECK(attach() == ERR_NAME);
    CHECK(server->deadline() == sel::kForever);
}

TEST_CASE_METHOD(Fixture, "the same sectors of two disks are not the same", "[block]") {
    REQUIRE(attach() == OK);
    REQUIRE(attach(8, 2, 1, 1) == OK);
    CHECK(send(8, 2, GetWriter{.disk = 1}) == ERR_EMPTY);
    CHECK(send(8, 2, GetWriter{.disk = 0}) == OK);
    CHECK(word == 7);
    ask(one, 0, Op::Write, 1000, 8, {1});
    ask(two, 0, Op::Write, 0, 8, {1});
    CHECK(submit(1, 1) == kWaits);
    CHECK(send(8, 2, Submit{{}, 1, 1}) == kWaits);
    REQUIRE(device.sent.size() == 1);
    REQUIRE(second.sent.size() == 1);
    CHECK(second.sent[0].command.piece[0].physical == two.physical(1));
    second.end();
    server->on_interrupt(0);
    CHECK(two.slot(0).status == kPending);
    server->on_interrupt(1);
    CHECK(two.slot(0).status == u32{OK});
    CHECK(status(0) == kPending);
}

TEST_CASE_METHOD(Fixture, "a disk that fails does not disturb the others", "[block]") {
    REQUIRE(attach() == OK);
    REQUIRE(attach(8, 2, 1, 1) == OK);
    ask(one, 0, Op::Read, 5, 1, {1});
    CHECK(submit(1, 1) == kWaits);
    sel::host::time += 100;
    ask(two, 0, Op::Write, 0, 8, {1});
    CHECK(send(8, 2, Submit{{}, 1, 1}) == kWaits);
    device.alive = false;
    pass(kPatience - 100);
    CHECK(server->dead(0));
    CHECK_FALSE(server->dead(1));
    CHECK(status(0) == ERR_TIMEOUT);
    CHECK(second.resets == 0);
    CHECK(two.slot(0).status == kPending);
    CHECK(server->deadline() == 101 + kPatience);
    second.end();
    server->on_interrupt(1);
    CHECK(two.slot(0).status == u32{OK});
    CHECK(server->deadline() == sel::kForever);
    CHECK(attach() == ERR_TIMEOUT);
    CHECK(attach(7, 0, 0, 1) == OK);
    CHECK(send(8, 2, Info{.disk = 1}) == OK);
}

TEST_CASE_METHOD(Fixture, "a client goes to another disk when nothing of it is in flight",
                 "[block]") {
    REQUIRE(attach() == OK);
    ask(one, 0, Op::Write, 1000, 8, {1});
    CHECK(submit(1, 1) == kWaits);
    CHECK(attach(7, 0, 1, 1) == kWaits);
    CHECK(attach(8, 2) == ERR_BUSY); // It writes there yet,
    CHECK(attach(8, 2, 1, 1) == OK); // and not yet here,
    device.end();
    server->on_interrupt(0);
    CHECK(late.back().first == ERR_BUSY); // where somebody else was first.
    CHECK(attach(8, 2) == OK);
    CHECK(attach(7, 0, 1, 1) == OK);
    ask(one, 0, Op::Read, 1999, 1, {1});
    CHECK(submit(1, 1) == kWaits);
    CHECK(second.log.back().sector == 1999);
}

TEST_CASE_METHOD(Fixture, "only who lends something may send requests", "[block]") {
    CHECK(attach(9, 0) == ERR_ARG); // A token of nothing.
    without_token = true;
    CHECK(attach(7, 0) == ERR_RIGHT);
    without_token = false;
    CHECK(attach(8, 1) == ERR_EMPTY);
    CHECK(lent.dropped == 1);
    CHECK(submit(1, 1) == ERR_BUSY);
    CHECK(send(9, 0, Submit{{}, 1, 1}) == ERR_BUSY);
    lent.unusable = ERR_CAP;
    CHECK(attach() == ERR_CAP);
    CHECK(!lent.has(one));
    lent.unusable = OK;
    CHECK(attach() == OK);
}

TEST_CASE_METHOD(Fixture, "a token that comes with an impossible Attach is dropped", "[block]") {
    REQUIRE(attach() == OK);
    auto with_token = [&](u32 label, const auto &m) {
        u32 before = lent.dropped;
        sel::Regs r{};
        sel::store(r, label, m);
        r.info |= INFO_CAP;
        r.cptr = 7;
        Api::dispatch(*server, r, replies);
        replies.settle();
        return lent.dropped == before + 1;
    };
    CHECK(with_token(Api::label<Attach>(), Attach{.disk = 9}));
}

TEST_CASE_METHOD(Fixture, "a region goes back when its client lets go or ends", "[block]") {
    REQUIRE(attach() == OK);
    CHECK(lent.has(one));
    REQUIRE(attach() == OK);
    CHECK(lent.borrowed == 1); // It has it.
    SECTION("detached") {
        CHECK(send(7, 0, Detach{}) == OK);
    }
    SECTION("ended") {
        server->on_ended(7);
    }
    SECTION("refused") {
        REQUIRE(attach(8, 2, 1, 1) == OK);
        REQUIRE(send(7, 0, Detach{}) == OK);
        CHECK(attach(7, 0, 1, 1) == ERR_BUSY);
    }
    CHECK(!lent.has(one));
    CHECK(submit(0, 0) == ERR_BUSY);
    CHECK(send(7, 0, Detach{}) == OK);
}

TEST_CASE_METHOD(Fixture, "a region stays while something of it is in flight", "[block]") {
    REQUIRE(attach() == OK);
    ask(one, 0, Op::Read, 5, 8, {1});
    CHECK(submit(1, 1) == kWaits);
    SECTION("detached") {
        CHECK(send(7, 0, Detach{}) == kWaits);
    }
    SECTION("ended") {
        server->on_ended(7);
    }
    SECTION("ended, and the device was reset") {
        server->on_ended(7);
        device.sane = false;
        server->on_interrupt(0);
        CHECK(device.sent.size() == 1);
    }
    CHECK(lent.has(one));
    device.end();
    server->on_interrupt(0);
    CHECK(!lent.has(one));
}

TEST_CASE_METHOD(Fixture, "a client has one region at a time", "[block]") {
    FakePool other{0x500'000};
    REQUIRE(attach() == OK);
    ask(one, 0, Op::Read, 5, 8, {1});
    CHECK(submit(1, 1) == kWaits);
    pools[7] = &other;
    CHECK(attach() == ERR_BUSY);
    CHECK(!lent.has(other));
    CHECK(lent.has(one));
    device.end();
    server->on_interrupt(0);
    CHECK(late.back() == std::pair<u64, u64>{OK, 1}); // What it had is as it was.
    CHECK(attach() == OK);
    CHECK(lent.has(other));
    CHECK(!lent.has(one));
}

TEST_CASE_METHOD(Fixture, "a region serves one client at a time", "[block]") {
    REQUIRE(attach() == OK);
    pools[8] = &one; // It was given the token.
    CHECK(attach(8, 2, 0) == ERR_BUSY);
    CHECK(attach(7, 2, 0) == ERR_BUSY); // In another part.
    CHECK(lent.has(one));
    ask(one, 0, Op::Read, 5, 8, {1});
    CHECK(submit(1, 1) == kWaits);
    device.end();
    server->on_interrupt(0);
    CHECK(send(7, 0, Detach{}) == OK);
    CHECK(attach(8, 2, 0) == OK);
}

TEST_CASE_METHOD(Fixture, "a region in a device that is given up is kept", "[block]") {
    REQUIRE(attach() == OK);
    REQUIRE(attach(8, 2, 0) == OK);
    ask(one, 0, Op::Read, 5, 8, {1});
    CHECK(submit(1, 1) == kWaits);
    device.alive = false;
    pass(kPatience);
    REQUIRE(server->dead(0));
    CHECK(send(7, 0, Detach{}) == OK);
    server->on_ended(7);
    server->on_ended(8);
    CHECK(lent.has(one));
    CHECK(!lent.has(two));           // Nothing of it was there.
    CHECK(attach(7, 0, 1, 1) == OK); // The same region, at another disk.
    CHECK(send(7, 0, Detach{}) == OK);
    CHECK(lent.has(one));
}

TEST_CASE_METHOD(Fixture, "clients beyond the bound are refused", "[block]") {
    std::vector<std::unique_ptr<FakePool>> more;
    for (u32 i = 0; i <= TestServer::kClients; i++) {
        more.push_back(std::make_unique<FakePool>(0x1'0000'0000 + i * 0x100'0000));
        pools[20 + i] = more.back().get();
        CHECK(attach(20 + i, 0, 0) == (i < TestServer::kClients ? OK : ERR_FULL));
    }
    CHECK(!lent.has(*more.back()));
    server->on_ended(23);
    CHECK(attach(20 + TestServer::kClients, 0, 0) == OK);
}

// What the scenario `regions` does on the machine, with a device that is slow, fails, and forgets.
TEST_CASE_METHOD(Fixture, "whatever clients do, no region is touched after it went back",
                 "[block]") {
    std::mt19937 random{3};
    std::vector<std::unique_ptr<FakePool>> more;
    for (u32 i = 0; i < 4; i++) {
        more.push_back(std::make_unique<FakePool>(0x1'0000'0000 + i * 0x100'0000));
    }
    u64 count[2] = {};
    u32 attached = 0;
    for (u32 round = 0; round < 30'000; round++) {
        u32 who = random() % 2, program = 7 + who;
        u8 part = who == 0 ? 0 : 2;
        FakePool &pool = *more[2 * who + random() % 2];
        switch (random() % 8) {
        case 0:
            pools[program] = random() % 8 == 0 ? more[random() % 4].get() : &pool;
            without_token = random() % 16 == 0;
            if (attach(program, part, random() % 2, random() % 2) == OK) {
                count[who] = 0;
                attached++;
            }
            without_token = false;
            break;
        case 1:
            send(program, part, Detach{});
            break;
        case 2:
            server->on_ended(program);
            break;
        case 3:
        case 4: {
            for (u32 i = 0; i < 3 && lent.has(pool); i++) {
                bool sound = random() % 8 != 0;
                u32 sectors = 1 + random() % 12;
                std::vector<u16> pages((sectors + 7) / 8);
                for (u16 &page : pages) {
                    page = static_cast<u16>(sound ? 1 + random() % (kPages - 1) : random() % 24);
                }
                ask(pool, count[who] + i, static_cast<Op>(sound ? random() % 2 : random() % 5),
                    random() % 480, sectors, pages, sound ? 0 : 512);
            }
            u64 submitted = count[who] + random() % 4;
            error_t error = send(program, part, Submit{{}, submitted, random() % 2 * submitted});
            count[who] = error == OK || error == kWaits ? submitted : count[who];
            break;
        }
        case 5:
            pass(random() % (kPatience / 4));
            break;
        default: {
            FakeDevice &d = random() % 2 == 0 ? device : second;
            if (!d.sent.empty()) {
                d.end(random() % d.sent.size(), random() % 8 == 0 ? ERR_IO : OK);
            }
            d.sane = random() % 256 != 0;
            server->on_interrupt(&d == &device ? 0 : 1);
        }
        }
        while (late.size() > 1000) {
            late.erase(late.begin(), late.begin() + 500);
        }
    }
    CHECK(attached > 1000);
    CHECK(lent.borrowed > 1000);
    CHECK(device.log.size() + second.log.size() > 500);
    CHECK(device.resets + second.resets > 10);
    CHECK_FALSE(server->dead(0));
    CHECK_FALSE(server->dead(1));
    for (auto *d : lent.devices) {
        while (!d->sent.empty()) {
            d->end();
        }
    }
    server->on_interrupt(0);
    server->on_interrupt(1);
    server->on_ended(7);
    server->on_ended(8);
    for (const auto &pool : more) {
        CHECK(!lent.has(*pool));
        CHECK(Lent::is_untouched(*pool));
    }
}

TEST_CASE_METHOD(Fixture, "one at a time writes to a sector, and others read it", "[block]") {
    REQUIRE(attach() == OK);
    CHECK(attach(8, 2) == ERR_BUSY);
    CHECK(send(8, 2, GetWriter{}) == OK);
    CHECK(word == 7);
    CHECK(send(7, 0, GetWriter{}) == ERR_EMPTY);
    CHECK(attach(8, 2, 0) == OK);
    ask(two, 0, Op::Write, 0, 8, {1});
    ask(two, 1, Op::Discard, 0, 8);
    ask(two, 2, Op::Read, 0, 8, {1});
    CHECK(send(8, 2, Submit{{}, 3, 3}) == kWaits);
    CHECK(two.slot(0).status == u32{ERR_RIGHT});
    CHECK(two.slot(1).status == u32{ERR_RIGHT});
    REQUIRE(device.log.size() == 1);
    device.end();
    server->on_interrupt(0);
    CHECK(two.slot(2).status == u32{OK});
    CHECK(attach() == OK); // It has it itself.
    CHECK(send(7, 0, Detach{}) == OK);
    CHECK(submit(1, 1) == ERR_BUSY);
    CHECK(send(8, 2, GetWriter{}) == ERR_EMPTY);
    CHECK(attach(8, 2) == OK);
    CHECK(attach() == ERR_BUSY);
    CHECK(attach(7, 0, 0) == OK);
    CHECK(send(9, 0, Detach{}) == OK); // It has nothing.
}

TEST_CASE_METHOD(Fixture, "partitions apart from each other have a writer each", "[block]") {
    FakePool three{0x700'000};
    Table table;
    table.partition[1] = {1000, 500};
    table.partition[2] = {1500, 100};
    server->start(0, table);
    pools[9] = &three;
    CHECK(attach(8, 2) == OK);
    CHECK(attach(9, 3) == OK);
    CHECK(send(9, 3, GetWriter{}) == ERR_EMPTY);
    CHECK(attach() == ERR_BUSY);
    CHECK(send(8, 2, Detach{}) == OK);
    CHECK(attach() == ERR_BUSY);
    server->on_ended(9);
    CHECK(attach() == OK);
    CHECK(attach(9, 3) == ERR_BUSY);
}

TEST_CASE_METHOD(Fixture, "what is in flight keeps its sectors", "[block]") {
    REQUIRE(attach() == OK);
    ask(one, 0, Op::Write, 1000, 8, {1});
    CHECK(submit(1, 1) == kWaits);
    SECTION("of a client that lets go") {
        CHECK(send(7, 0, Detach{}) == kWaits);
        CHECK(late.back().first == ERR_BUSY); // The Submit.
        CHECK(attach(8, 2) == ERR_BUSY);
        device.end();
        server->on_interrupt(0);
        CHECK(late.back() == std::pair<u64, u64>{OK, 0});
    }
    SECTION("of a client that has ended") {
        server->on_ended(7);
        CHECK(attach(8, 2) == ERR_BUSY);
        device.end();
        server->on_interrupt(0);
    }
    SECTION("of a client that then only reads") {
        CHECK(attach(7, 0, 0) == kWaits);
        CHECK(attach(8, 2) == ERR_BUSY);
        device.end();
        server->on_interrupt(0);
        CHECK(late.back() == std::pair<u64, u64>{OK, 0});
    }
    SECTION("after a reset of the device") {
        server->on_ended(7);
        device.sane = false;
        server->on_interrupt(0);
        CHECK(device.sent.size() == 1); // Sent again.
        CHECK(attach(8, 2) == ERR_BUSY);
        device.end();
        server->on_interrupt(0);
    }
    CHECK(attach(8, 2) == OK);
    CHECK((lent.has(one) ? status(0) == kPending : Lent::is_untouched(one)));
}

TEST_CASE_METHOD(Fixture, "a request becomes pieces of the pool, inside the partition", "[block]") {
    CHECK(attach(8, 2) == OK);
    ask(two, 0, Op::Read, 490, 10, {5, 3}, 1024);
    CHECK(send(8, 2, Submit{{}, 1, 1}) == kWaits);
    REQUIRE(device.sent.size() == 1);
    const Command &c = device.sent[0].command;
    CHECK(c.op == Op::Read);
    CHECK(c.sector == 1490);
    CHECK(c.sectors == 10);
    REQUIRE(c.pieces == 2);
    CHECK(c.piece[0].physical == two.physical(5) + 1024);
    CHECK(c.piece[0].bytes == 3072);
    CHECK(c.piece[1].physical == two.physical(3));
    CHECK(c.piece[1].bytes == 2048);
    CHECK(two.slot(0).status == kPending);
    device.end();
    server->on_interrupt(0);
    CHECK(late.back() == std::pair<u64, u64>{OK, 1});
    CHECK(two.slot(0).status == OK);
    CHECK(server->deadline() == sel::kForever);
}

TEST_CASE_METHOD(Fixture, "malformed requests never reach the device", "[block]") {
    u32 error = ERR_ARG;
    std::vector<u16> many(17, 1);
    CHECK(refused(Op::Read, 0, 0, {1}) == error);
    CHECK(refused(Op::Read, 9'999, 2, {1}) == error);
    CHECK(refused(Op::Read, ~u64{0}, 2, {1}) == error);
    CHECK(refused(Op::Read, 0, ~0u, {1}) == error);
    CHECK(refused(Op::Read, 0, 8, {}) == error);
    CHECK(refused(Op::Read, 0, 8, {0}) == error);
    CHECK(refused(Op::Read, 0, 8, {kPages}) == error);
    CHECK(refused(Op::Read, 0, 8, {0xffff}) == error);
    CHECK(refused(Op::Read, 0, 9, {1}) == error);
    CHECK(refused(Op::Read, 0, 8, {1, 2}) == error);
    CHECK(refused(Op::Write, 0, 8, {1}, 512) == error);
    CHECK(refused(Op::Write, 0, 1, {1}, 100) == error);
    CHECK(refused(Op::Write, 0, 1, {1}, 4096) == error);
    CHECK(refused(Op::Write, 0, 136, many) == error);
    CHECK(refused(Op::Flush, 0, 1) == error);
    CHECK(refused(Op::Flush, 0, 0, {1}) == error);
    CHECK(refused(Op::Discard, 0, 1, {1}) == error);
    CHECK(refused(Op::Discard, 10'000, 1) == error);
    CHECK(refused(static_cast<Op>(4), 0, 8, {1}) == error);
    device.shape.pages_max = 1;
    CHECK(refused(Op::Read, 0, 16, {1, 2}) == error);
    device.shape.read_only = true;
    CHECK(refused(Op::Write, 0, 8, {1}) == ERR_RIGHT);
    CHECK(refused(Op::Discard, 0, 8) == ERR_RIGHT);
    device.shape.flush = device.shape.discard = device.shape.read_only = false;
    CHECK(refused(Op::Flush, 0, 0) == OK);
    CHECK(refused(Op::Discard, 0, 8) == OK);
}

TEST_CASE_METHOD(Fixture, "parts of a sector of 4 KiB are refused", "[block]") {
    device.shape.sector_bytes = kPageBytes;
    u32 error = ERR_ARG;
    CHECK(refused(Op::Read, 0, 4, {1}) == error);
    CHECK(refused(Op::Read, 4, 8, {1}) == error);
    CHECK(refused(Op::Read, 0, 8, {1, 2}, 512) == error);
    CHECK(refused(Op::Discard, 0, 4) == error);
    ask(one, 0, Op::Read, 8, 16, {1, 2});
    REQUIRE(attach() == OK);
    CHECK(submit(1, 1) == kWaits);
    CHECK(device.log.size() == 1);
}

TEST_CASE_METHOD(Fixture, "a partition in doubt is read-only", "[block]") {
    FakePool three{0x700'000};
    pools[9] = &three;
    REQUIRE(attach(9, 3) == OK);
    ask(three, 0, Op::Write, 0, 8, {1});
    ask(three, 1, Op::Discard, 0, 8);
    ask(three, 2, Op::Read, 0, 8, {1});
    CHECK(send(9, 3, Submit{{}, 3, 3}) == kWaits);
    CHECK(three.slot(0).status == u32{ERR_RIGHT});
    CHECK(three.slot(1).status == u32{ERR_RIGHT});
    REQUIRE(device.log.size() == 1);
    CHECK(device.log[0].op == Op::Read);
    CHECK(send(9, 3, Info{}) == OK);
}

TEST_CASE_METHOD(Fixture, "counts that run wild are refused", "[block]") {
    REQUIRE(attach() == OK);
    CHECK(submit(65, 1) == ERR_ARG);
    CHECK(submit(~u64{0}, 1) == ERR_ARG);
    CHECK(submit(1, 2) == ERR_ARG);
    ask(one, 0, Op::Read, 0, 8, {1});
    ask(one, 1, Op::Read, 8, 8, {2});
    CHECK(submit(2, 0) == OK);
    CHECK(word == 0);
    CHECK(submit(1, 0) == ERR_ARG);
    CHECK(submit(2, 2) == kWaits);
    CHECK(submit(2, 2) == ERR_BUSY);
    gone = {100, 101}; // It gave up, and asks again.
    CHECK(submit(2, 2) == kWaits);
    CHECK(device.log.size() == 2);
}

TEST_CASE_METHOD(Fixture, "outcomes may come in any order", "[block]") {
    device.shape.depth = 8;
    REQUIRE(attach() == OK);
    for (u16 k = 0; k < 4; k++) {
        ask(one, k, Op::Read, k * 8u, 8, {u16(k + 1)});
    }
    CHECK(submit(4, 3) == kWaits);
    device.end(1, ERR_IO);
    device.end(1);
    server->on_interrupt(0);
    CHECK(late.size() == 1);
    CHECK(status(1) == ERR_IO);
    CHECK(status(0) == kPending);
    device.end(0);
    server->on_interrupt(0);
    CHECK(late.back() == std::pair<u64, u64>{OK, 3});
}

TEST_CASE_METHOD(Fixture, "the ring goes round", "[block]") {
    REQUIRE(attach() == OK);
    u64 k = 0;
    for (u32 round = 0; round < 10; round++) {
        for (u32 i = 0; i < 40; i++) {
            ask(one, k++, Op::Write, i, 1, {1});
        }
        CHECK(submit(k, k) == kWaits);
        while (!device.sent.empty()) {
            device.end(device.sent.size() - 1);
            server->on_interrupt(0);
        }
        CHECK(late.back() == std::pair<u64, u64>{OK, k});
    }
    CHECK(device.log.size() == 400);
}

TEST_CASE_METHOD(Fixture, "clients take turns, and none has all of the device", "[block]") {
    REQUIRE(attach() == OK);
    REQUIRE(attach(8, 2, 0) == OK);
    for (u32 k = 0; k < 60; k++) {
        ask(one, k, Op::Read, 5000, 1, {1});
        ask(two, k, Op::Read, 0, 1, {1});
    }
    CHECK(submit(60, 60) == kWaits);
    CHECK(device.sent.size() == 2);
    CHECK(send(8, 2, Submit{{}, 60, 60}) == kWaits);
    CHECK(device.sent.size() == 4);
    for (u32 i = 0; i < 50; i++) {
        device.end();
        server->on_interrupt(0);
        CHECK(device.sent.size() == 4);
    }
    auto first = std::count_if(device.log.begin(), device.log.end(),
                               [](const Command &c) { return c.sector == 5000; });
    CHECK((first >= 26 && first <= 28));
    CHECK(device.log.size() == 54);
}

TEST_CASE_METHOD(Fixture, "Attach waits for what is in flight, and forgets the rest", "[block]") {
    REQUIRE(attach() == OK);
    for (u32 k = 0; k < 10; k++) {
        ask(one, k, Op::Write, k, 1, {1});
    }
    CHECK(submit(10, 10) == kWaits);
    CHECK(attach() == kWaits);
    CHECK(late.back().first == ERR_BUSY); // The Submit.
    CHECK(attach() == kWaits);
    CHECK(late.size() == 3); // The first Attach.
    for (u32 i = 0; i < 4; i++) {
        CHECK(late.size() == 3);
        device.end();
        server->on_interrupt(0);
    }
    CHECK(late.back() == std::pair<u64, u64>{OK, 0});
    CHECK(device.log.size() == 4);
    CHECK(status(0) == kPending);
    ask(one, 0, Op::Read, 77, 1, {1});
    CHECK(submit(1, 1) == kWaits);
    CHECK(device.log.back().sector == 77);
}

TEST_CASE_METHOD(Fixture, "a durable write is followed by a flush if the device has none",
                 "[block]") {
    REQUIRE(attach() == OK);
    ask(one, 0, Op::Write, 5, 1, {1}, 0, kFua);
    CHECK(submit(1, 1) == kWaits);
    device.end();
    server->on_interrupt(0);
    CHECK(status(0) == kPending);
    REQUIRE(device.sent.size() == 1);
    CHECK(device.sent[0].command.op == Op::Flush);
    device.end();
    server->on_interrupt(0);
    CHECK(status(0) == OK);
    device.shape.fua = true;
    ask(one, 1, Op::Write, 5, 1, {1}, 0, kFua);
    CHECK(submit(2, 2) == kWaits);
    CHECK(device.sent[0].command.fua);
    device.end();
    server->on_interrupt(0);
    CHECK(status(1) == OK);
    ask(one, 2, Op::Write, 5, 1, {1}, 0, 2);
    CHECK(submit(3, 3) == OK);
    CHECK(status(2) == ERR_ARG);
}

TEST_CASE_METHOD(Fixture, "a lost interrupt costs time only", "[block]") {
    REQUIRE(attach() == OK);
    ask(one, 0, Op::Read, 5, 1, {1});
    CHECK(submit(1, 1) == kWaits);
    device.end();
    CHECK(server->deadline() == 1 + kLook);
    pass(kLook);
    CHECK(late.back() == std::pair<u64, u64>{OK, 1});
    CHECK(device.resets == 0);
}

TEST_CASE_METHOD(Fixture, "who waits for a device at work is promised an answer anew", "[block]") {
    REQUIRE(attach() == OK);
    REQUIRE(attach(8, 2, 0) == OK);
    ask(one, 0, Op::Read, 5, 1, {1});
    ask(two, 0, Op::Read, 5, 1, {1});
    u32 first = replies.current();
    CHECK(submit(1, 1) == kWaits);
    u32 second = replies.current();
    CHECK(send(8, 2, Submit{{}, 1, 1}) == kWaits);
    auto since = [](u32 reply) { return sel::host::ledger.debt[reply].since; };
    for (u64 looks = 1; looks < TestServer::kLooks; looks++) {
        CHECK(server->deadline() == 1 + looks * kLook);
        pass(kLook);
        CHECK(since(first) == 1 + looks * kLook);
        CHECK(since(second) == 1 + looks * kLook);
        CHECK(sel::host::ledger.debt[first].ms == kAnswerMs);
    }
    CHECK(device.resets == 0);
    device.end(0);
    server->on_interrupt(0);
    CHECK(sel::host::ledger.debt[first].ms == 0);
    pass(kLook);
    CHECK(device.resets == 1); // The other one is late.
    CHECK(since(first) == 1 + (TestServer::kLooks - 1) * kLook);
}

TEST_CASE_METHOD(Fixture, "a slow reset is time that clients are given", "[block]") {
    REQUIRE(attach() == OK);
    ask(one, 0, Op::Read, 5, 1, {1});
    ask(one, 1, Op::Read, 6, 1, {1});
    CHECK(submit(1, 0) == OK);
    sel::host::time += kLook;
    u32 reply = replies.current();
    CHECK(submit(2, 2) == kWaits);
    device.in_reset = [&] { CHECK(sel::host::ledger.debt[reply].ms == TestServer::kResetMs); };
    pass(kPatience - kLook);
    CHECK(device.resets == 1);
    CHECK(sel::host::ledger.debt[reply].ms == kAnswerMs); // The second one was sent again.
}

TEST_CASE_METHOD(Fixture, "what is late fails, what was in flight with it is repeated", "[block]") {
    REQUIRE(attach() == OK);
    ask(one, 0, Op::Read, 5, 1, {1});
    ask(one, 1, Op::Write, 6, 1, {1}, 0, kFua);
    CHECK(submit(1, 0) == OK);
    sel::host::time += 100;
    CHECK(submit(2, 2) == kWaits);
    device.end(1);
    server->on_interrupt(0);
    CHECK(device.sent[1].command.op == Op::Flush);
    pass(kPatience - 100);
    CHECK(device.resets == 1);
    CHECK(status(0) == ERR_TIMEOUT);
    REQUIRE(device.sent.size() == 1);
    CHECK(device.sent[0].command.op == Op::Write); // From the start: who knows what was lost.
    device.end();
    server->on_interrupt(0);
    device.end();
    server->on_interrupt(0);
    CHECK(status(1) == OK);
    CHECK(late.back() == std::pair<u64, u64>{OK, 2});
}

TEST_CASE_METHOD(Fixture, "a request that was in flight at three resets is given up", "[block]") {
    REQUIRE(attach() == OK);
    ask(one, 0, Op::Read, 5, 1, {1});
    CHECK(submit(1, 1) == kWaits);
    for (u32 i = 0; i < 3; i++) {
        CHECK(status(0) == kPending);
        device.sane = false;
        server->on_interrupt(0);
    }
    CHECK(device.resets == 3);
    CHECK(status(0) == ERR_TIMEOUT);
    CHECK_FALSE(server->dead(0));
}

TEST_CASE_METHOD(Fixture, "outcomes of what was not asked are nonsense", "[block]") {
    REQUIRE(attach() == OK);
    ask(one, 0, Op::Read, 5, 1, {1});
    CHECK(submit(1, 1) == kWaits);
    SECTION("a free tag") {
        device.ready.add(3, OK);
    }
    SECTION("no tag") {
        device.ready.add(77, OK);
    }
    SECTION("twice") {
        device.ready.add(0, OK);
        device.end();
    }
    server->on_interrupt(0);
    CHECK(device.resets == 1);
}

TEST_CASE_METHOD(Fixture, "a device that cannot be reset is given up", "[block]") {
    REQUIRE(attach() == OK);
    ask(one, 0, Op::Read, 5, 1, {1});
    ask(one, 1, Op::Read, 5, 1, {1});
    CHECK(submit(2, 2) == kWaits);
    device.alive = false;
    pass(kPatience);
    CHECK(server->dead(0));
    CHECK(late.back() == std::pair<u64, u64>{OK, 2});
    CHECK(status(1) == ERR_TIMEOUT);
    ask(one, 2, Op::Read, 5, 1, {1});
    CHECK(submit(3, 3) == OK);
    CHECK(status(2) == ERR_TIMEOUT);
    CHECK(attach() == ERR_TIMEOUT);
    CHECK(send(7, 0, Info{}) == ERR_TIMEOUT);
    CHECK(server->deadline() == sel::kForever);
}

TEST_CASE_METHOD(Fixture, "a device that never answers between resets is given up", "[block]") {
    REQUIRE(attach() == OK);
    for (u64 k = 0; !server->dead(0); k++) {
        REQUIRE(k < 10);
        ask(one, k, Op::Read, 5, 1, {1});
        CHECK(submit(k + 1, k + 1) == kWaits);
        pass(kPatience);
        CHECK(status(k) == ERR_TIMEOUT);
    }
    CHECK(device.resets == TestServer::kResets);
}

TEST_CASE_METHOD(Fixture, "a hostile client never gets a foreign byte", "[block]") {
    std::mt19937 random{2};
    REQUIRE(attach(8, 2) == OK);
    u64 k = 0;
    for (u32 round = 0; round < 3000; round++) {
        u32 sectors = random() % 128 + 1;
        std::vector<u16> pages((sectors + 7) / 8, static_cast<u16>(random() % 19 + 1));
        ask(two, k, static_cast<Op>(random() % 2), random() % 400, sectors, pages);
        for (u32 i = random() % 4; i != 0; i--) {
            u32 value = random() % 2 == 0 ? static_cast<u32>(random()) : random() % 30;
            reinterpret_cast<u16 *>(&two.slot(k))[random() % 26] = static_cast<u16>(value);
        }
        std::size_t before = late.size();
        send(8, 2, Submit{{}, k + 1, k + 1});
        k++;
        while (!device.sent.empty()) {
            const Command &c = device.sent[0].command;
            if (c.op != Op::Flush) {
                CHECK((c.sector >= 1000 && c.sector + c.sectors <= 1500));
            }
            u64 bytes = 0;
            for (u32 i = 0; i < c.pieces; i++) {
                u64 page = (c.piece[i].physical - two.base) / (3 * kPageBytes);
                CHECK((page >= 1 && page < kPages));
                CHECK((c.piece[i].physical % kPageBytes + c.piece[i].bytes <= kPageBytes));
                bytes += c.piece[i].bytes;
            }
            CHECK((c.pieces == 0 || bytes == c.sectors * kSectorBytes));
            device.end();
            server->on_interrupt(0);
        }
        CHECK(late.size() == before + 1);
    }
    CHECK(device.log.size() > 500);
    CHECK(device.log.size() < 2500);
}

TEST_CASE_METHOD(Fixture, "random messages, random answers", "[block]") {
    lent.next = &one;
    sel::fuzz::server<Api>(*server, 8, 4);
    sel::fuzz::clients<Api>();
}
