// Disktest: tries a disk driver on its device, in a partition that is there for that.
// SPDX-License-Identifier: BSD-2-Clause
//
//   run disktest SERVER[:DISK]     reads, writes, flushes, discards; asks for what it may not have
//   run disktest SERVER[:DISK] restarts   has the driver restarted in the middle of its work
//   run disktest SERVER[:DISK] hostile ROUNDS SEED   takes back what it has lent (hostile.hpp)
// It writes only to a partition whose first sector begins with block::kScratchMark.
#include "hostile.hpp"

#include "servers/block/client.hpp"
#include "servers/block/scratch.hpp"
#include "servers/stream/print.hpp"

#include "sel/clock.hpp"
#include "sel/environment.hpp"
#include "sel/format.hpp"
#include "sel/words.hpp"

namespace {

using block::Op;
using block::Transfer;

constexpr u64 kPatienceMs = 60'000; // Longer than the driver's own time-outs.
constexpr u32 kBatch = 16;
constexpr u32 kSectors = 15; // Of each request: two pages but one sector.

constexpr stream::Printer print{caps::console};

// Counts how often it was told that the driver had died.
class Counted final : public block::Link {
  public:
    Counted(sel::Client<block::Api> driver, u32 disk)
        : link_{driver, sel::milliseconds(kPatienceMs), disk, caps::shared.token()},
          driver_{driver}, disk_{disk} {}

    sel::Client<block::Api> driver() const { return driver_; }
    u32 disk() const { return disk_; }

    sel::Result<block::Disk> info() override { return link_.info(); }
    sel::Result<> attach(block::Access access) override { return link_.attach(access); }
    sel::Result<> detach() override { return link_.detach(); }
    sel::Result<block::Progress> submit(const block::Submit &m) override {
        sel::Result<block::Progress> answer = link_.submit(m);
        restarted += answer.error() == ERR_RESTARTED ? 1 : 0;
        return answer;
    }

    u32 restarted = 0;

  private:
    block::ServerLink link_;
    sel::Client<block::Api> driver_;
    u32 disk_;
};

class Test {
  public:
    // `disk`: from 0 on. `region`: caps::shared.
    Test(std::string_view name, sel::Client<block::Api> driver, u32 disk, std::span<u8> region)
        : name_{name}, link_{driver, disk}, region_{region}, client_{link_, region} {}

    // False: there is no disk, or it is not meant for tests.
    bool begin() {
        if (sel::Result<> started = client_.start(); !started) {
            return say(sel::describe(started.error())), false;
        }
        const u16 page[] = {1};
        if (error_t error = one({.op = Op::Read, .sectors = 1, .pages = page}); error != OK) {
            return say(sel::describe(error)), false;
        }
        auto first = reinterpret_cast<const char *>(client_.page(1).data());
        if (std::string_view{first, block::kScratchMark.size()} != block::kScratchMark) {
            return say("there is no mark in the partition: nothing is written"), false;
        }
        sel::Text<100> line;
        sel::format(line, "{}, {} sectors", client_.disk().data.view(), client_.disk().sectors);
        say(line);
        return client_.disk().sectors > 1 + kBatch * kSectors;
    }

    bool all() {
        report("data", data());
        report("offset", offset());
        report("durable", durable());
        report("discard", one({.op = Op::Discard, .sector = 1, .sectors = 100}) == OK);
        report("refused", refused());
        return good_;
    }

    // The region is nobody's then. True: nothing was wrong in so many rounds.
    bool hostile(u32 rounds, u64 seed) {
        static disktest::Hostile client{link_.driver(), link_.disk(), client_.disk().sectors, seed};
        if (!client_.detach() || !caps::shared.release()) {
            return false;
        }
        bool good = client.run(rounds);
        sel::Text<120> line;
        sel::format(line, "{} rounds {}", rounds, good ? "good" : client.why());
        say(line);
        return good;
    }

    // Until the driver has died several times with a request in hand.
    bool restarts() {
        constexpr u32 kBatchesMost = 20'000;
        auto number = caps::view.call(root::Find{.data = name_.substr(0, name_.find(':'))});
        Killer killer{*this, number.value_or(0)};
        if (!number || !caps::killer.start(kill, &killer)) {
            return false;
        }
        bool same = true;
        for (u32 i = 0; same && i < kBatchesMost && !load(killer.done); i++) {
            round_++;
            same = data();
        }
        sel::Text<120> line;
        sel::format(line, "{} restarts, {} with a request in hand", killer.kills, link_.restarted);
        say(line);
        report("data", same && data());
        report("restarts", load(killer.done) != 0 && link_.restarted >= kInHand);
        return caps::killer.end().ok() && good_;
    }

  private:
    static constexpr u32 kInHand = 3, kKillsMost = 60;

    struct Killer {
        Test &test;
        u32 number;
        u32 kills = 0;
        u32 done = 0;
    };

    static u32 load(const u32 &value) { return __atomic_load_n(&value, __ATOMIC_SEQ_CST); }
    static void sleep(u64 ms) {
        [[maybe_unused]] auto slept = caps::timer.call(timer::Sleep{.ns = ms * 1'000'000});
    }

    static bool has_request_in_hand() {
        auto info = caps::self.thread_info();
        return info && info->state == STATE_REPLY;
    }

    // Lets some batches go by, then has the driver restarted.
    static void kill(void *argument) {
        auto &killer = *static_cast<Killer *>(argument);
        while (load(killer.test.link_.restarted) < kInHand && killer.kills < kKillsMost) {
            constexpr u32 kBatches = 3, kPatience = 2000;
            u32 until = load(killer.test.round_) + kBatches;
            for (u32 i = 0; i < kPatience && load(killer.test.round_) < until; i++) {
                sleep(5);
            }
            for (u32 i = 0; i < kPatience && !has_request_in_hand(); i++) {
                sel::yield();
            }
            if (!caps::supervisor.call(supervisor::Restart{.number = killer.number})) {
                break;
            }
            killer.kills++;
        }
        __atomic_store_n(&killer.done, 1, __ATOMIC_SEQ_CST);
    }

    void say(std::string_view what) { print("{}: {}\n", name_, what); }
    void report(std::string_view what, bool good) {
        good_ = good_ && good;
        sel::Text<100> line;
        sel::format(line, "{} {}", what, good ? "good" : "FAILED");
        say(line);
    }

    error_t one(const Transfer &transfer) {
        sel::Result<> added = client_.add(transfer);
        return added ? client_.run().error() : added.error();
    }

    u8 pattern(u64 sector, u32 i) const {
        return static_cast<u8>(sector * 31 + i * 7 + i / 256 + round_ * 13);
    }
    // A batch over neighbouring areas, pages in a strange order.
    bool batch(Op op) {
        for (u16 i = 0; i < kBatch; i++) {
            u16 pages[] = {static_cast<u16>(2 * kBatch - i), static_cast<u16>(1 + i)};
            if (!client_.add(
                    {.op = op, .sector = first_of(i), .sectors = kSectors, .pages = pages})) {
                return false;
            }
        }
        return client_.run().ok();
    }
    static u64 first_of(u32 request) { return 1 + request * kSectors; }
    u8 &byte_of(u32 request, u32 offset) {
        u32 page = offset < block::kPageBytes ? 2 * kBatch - request : 1 + request;
        return client_.page(static_cast<u16>(page))[offset % block::kPageBytes];
    }

    bool data() {
        constexpr u32 kBytes = kSectors * block::kSectorBytes;
        for (u32 i = 0; i < kBatch; i++) {
            for (u32 k = 0; k < kBytes; k++) {
                byte_of(i, k) = pattern(first_of(i), k);
            }
        }
        if (!batch(Op::Write)) {
            return false;
        }
        for (u32 i = 0; i < kBatch; i++) {
            for (u32 k = 0; k < kBytes; k++) {
                byte_of(i, k) = 0xee;
            }
        }
        bool same = batch(Op::Read);
        for (u32 i = 0; i < kBatch; i++) {
            for (u32 k = 0; k < kBytes; k++) {
                same = same && byte_of(i, k) == pattern(first_of(i), k);
            }
        }
        return same;
    }

    // The data begins in the middle of a page: sectors 2 to 10 of what data() wrote.
    bool offset() {
        const u16 pages[] = {7, 3};
        client_.page(7)[2047] = client_.page(3)[2560] = 0x5a;
        bool same =
            one({.op = Op::Read, .sector = 2, .sectors = 9, .pages = pages, .skip = 2048}) == OK;
        for (u32 k = 0; k < 9 * block::kSectorBytes; k++) {
            u8 got = k < 2048 ? client_.page(7)[2048 + k] : client_.page(3)[k - 2048];
            same = same && got == pattern(1, block::kSectorBytes + k);
        }
        return same && client_.page(7)[2047] == 0x5a && client_.page(3)[2560] == 0x5a;
    }

    bool durable() {
        const u16 page[] = {1};
        client_.page(1)[511] = 0xd7;
        bool done = one({.op = Op::Write,
                         .sector = 5,
                         .sectors = 1,
                         .pages = page,
                         .flags = block::kFua}) == OK &&
                    one({.op = Op::Flush}) == OK;
        client_.page(1)[511] = 0;
        return done && one({.op = Op::Read, .sector = 5, .sectors = 1, .pages = page}) == OK &&
               client_.page(1)[511] == 0xd7;
    }

    // What a client that does not check itself gets.
    bool refused() {
        u64 end = client_.disk().sectors;
        if (!link_.attach(block::Access::Write)) {
            return false;
        }
        bool right = outcome(0, end, 1, 1) == ERR_ARG && outcome(1, end - 1, 2, 1) == ERR_ARG &&
                     outcome(2, ~u64{0}, 1, 1) == ERR_ARG && outcome(3, 0, 1, 0) == ERR_ARG &&
                     outcome(4, 0, 1, 0x4000) == ERR_ARG && outcome(5, 0, 9, 1) == ERR_ARG &&
                     outcome(6, end - 1, 1, 1) == OK;
        return client_.start().ok() && right;
    }
    u32 outcome(u64 number, u64 sector, u32 sectors, u16 page) {
        block::Request &r = reinterpret_cast<block::Ring *>(region_.data())->slot[number];
        r.sector = sector;
        r.sectors = sectors;
        r.op = Op::Read;
        r.flags = 0;
        r.pages = 1;
        r.page[0] = page;
        r.skip = 0;
        r.status = block::kPending;
        sel::Result<block::Progress> done =
            link_.submit({.submitted = number + 1, .until = number + 1});
        return done ? r.status.load() : u32{ERR_COUNT};
    }

    std::string_view name_;
    Counted link_;
    std::span<u8> region_;
    block::Client client_;
    u32 round_ = 0;
    bool good_ = true;
};

// 0: it is none.
u32 number_of(std::string_view text) {
    u32 number = 0;
    for (char c : text) {
        if (c < '0' || c > '9' || number > 1'000'000) {
            return 0;
        }
        number = number * 10 + static_cast<u32>(c - '0');
    }
    return number;
}

bool run(Test &test, std::string_view mode, u32 rounds, u32 seed) {
    return test.begin() && (mode == "restarts"  ? test.restarts()
                            : mode == "hostile" ? test.hostile(rounds, seed)
                                                : test.all());
}

} // namespace

int main() {
    sel::Words words{sel::environment().argument_text()};
    std::string_view disk = words.next(), mode = words.next();
    u32 rounds = number_of(words.next()), seed = number_of(words.next());
    std::string_view server = disk.substr(0, disk.find(':')), number = "1";
    if (server.size() != disk.size()) {
        number = disk.substr(server.size() + 1);
    }
    bool known = words.next().empty() && number.size() == 1 && number[0] >= '1' &&
                 number[0] <= '9' &&
                 (mode.empty() || mode == "restarts" || (mode == "hostile" && rounds != 0));
    for (const sel::Named<block::Api> &driver : caps::disks) {
        if (known && driver.name.substr(0, driver.name.find('/')) == server) {
            auto region = caps::shared.make(sel::milliseconds(kPatienceMs));
            if (!region) {
                print("disktest: no memory to share with the driver\n");
                return 1;
            }
            static Test test{disk, driver.client, static_cast<u32>(number[0] - '1'), *region};
            return run(test, mode, rounds, seed) ? 0 : 1;
        }
    }
    print(
        "disktest: expected the name of a disk driver, :NUMBER of a disk there, and nothing more, "
        "`restarts`, or `hostile ROUNDS SEED`\n");
    return 2;
}
