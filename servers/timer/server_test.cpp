// Tests of the timer's protocol against a kernel of a few lines.
// SPDX-License-Identifier: BSD-2-Clause
#include "server.hpp"

#include <catch2/catch.hpp>
#include <memory>
#include <vector>

#include "libsel/test/fuzz.hpp"
#include "sel/host.hpp"

namespace {

constexpr cptr_t kReplies = 100, kArrival = 200, kKept = 300;
constexpr u64 kHz = u64{1} << 30; // 1 tick = 2^CLOCK_SHIFT / 2^30 s.

struct Fixture {
    std::vector<u64> answered; // Replies, in their order.
    std::vector<u64> errors;   // What they said.
    std::vector<u64> signals;
    std::set<cptr_t> gone; // Reply objects whose callers wait no more.
    cap_type_t arrived = CAP_NOTIFICATION;
    bool owner_alive = true;
    sel::ReplySet replies{sel::Tcb{1}, {kReplies, 8}};
    std::unique_ptr<timer::TimerServer> server = std::make_unique<timer::TimerServer>(
        sel::Clock{kHz}, kArrival, sel::SlotRange{kKept, 2}, 1000);

    Fixture() {
        sel::host::time = 0;
        sel::host::kernel = [this](sel::Regs &r) {
            u64 call = r.number;
            if (call == CALL_REPLY) {
                if (sel::host::reply(r, gone)) {
                    answered.push_back(r.cptr);
                    errors.push_back(r.label());
                }
                return;
            }
            r.number = OK;
            if (call == CALL_SIGNAL) {
                signals.push_back(r.cptr);
                r.number = owner_alive ? OK : ERR_CAP;
            } else if (call == CALL_CAP_INFO) {
                r.word[0] = arrived;
            }
        };
    }
    ~Fixture() {
        server.reset();
        sel::host::kernel = nullptr;
    }

    // Sends a message; the error of an immediate answer.
    template <typename M>
    error_t send(u32 client, const M &m, bool capability = false) {
        sel::Regs r{};
        sel::store(r, timer::Api::label<M>(), m);
        r.cptr = client;
        r.info |= capability ? u64{INFO_CAP} : 0;
        if (timer::Api::dispatch(*server, r, replies)) {
            word = r.word[0];
            return static_cast<error_t>(r.label());
        }
        replies.settle();
        return OK;
    }
    u64 word = 0;

    void pass_until(u64 ns) {
        sel::host::time = sel::Clock{kHz}.ticks(ns) + 2;
        server->on_timeout();
    }
};

constexpr u64 kMs = 1'000'000;

} // namespace

TEST_CASE_METHOD(Fixture, "sleepers are woken in order of their times", "[timer]") {
    CHECK(server->deadline() == sel::kForever);
    send(1, timer::Sleep{.ns = 20 * kMs});
    send(2, timer::Sleep{.ns = 10 * kMs});
    CHECK(answered.empty());
    CHECK(server->deadline() == sel::Clock{kHz}.ticks(10 * kMs) + 1);
    pass_until(10 * kMs);
    CHECK(answered == std::vector<u64>{kReplies + 1});
    pass_until(20 * kMs);
    CHECK(answered == std::vector<u64>{kReplies + 1, kReplies});
    CHECK(errors == std::vector<u64>{OK, OK});
    CHECK(server->deadline() == sel::kForever);
}

TEST_CASE_METHOD(Fixture, "sleeping too long is refused at once", "[timer]") {
    send(1, timer::Sleep{.ns = ~u64{0}});
    CHECK(errors == std::vector<u64>{ERR_ARG});
}

TEST_CASE_METHOD(Fixture, "periodic signals come until they are cancelled", "[timer]") {
    CHECK(send(1, timer::Periodic{.ns = kMs}) == ERR_ARG);
    arrived = CAP_ENDPOINT;
    CHECK(send(1, timer::Periodic{.ns = kMs}, true) == ERR_ARG);
    arrived = CAP_NOTIFICATION;
    CHECK(send(1, timer::Periodic{.ns = 5}, true) == ERR_ARG);
    CHECK(send(1, timer::Periodic{.ns = kMs}, true) == OK);
    u32 number = static_cast<u32>(word);
    CHECK(send(1, timer::Periodic{.ns = kMs}, true) == OK);
    CHECK(send(1, timer::Periodic{.ns = kMs}, true) == ERR_FULL);
    pass_until(kMs);
    pass_until(2 * kMs);
    CHECK(signals == std::vector<u64>{kKept, kKept + 1, kKept, kKept + 1});
    CHECK(send(2, timer::Cancel{.number = number}) == ERR_NAME);
    CHECK(send(1, timer::Cancel{.number = number}) == OK);
    CHECK(send(1, timer::Cancel{.number = 99}) == ERR_NAME);
    pass_until(3 * kMs);
    CHECK(signals.size() == 5);
    owner_alive = false; // Its notification is gone: so is the alarm.
    pass_until(4 * kMs);
    pass_until(5 * kMs);
    CHECK(signals.size() == 6);
    CHECK(server->deadline() == sel::kForever);
}

TEST_CASE_METHOD(Fixture, "time and date go on", "[timer]") {
    pass_until(3'000 * kMs);
    CHECK(send(1, timer::Date{}) == OK);
    CHECK(word == 1003);
    CHECK(send(1, timer::Uptime{}) == OK);
    CHECK(word >= 3'000 * kMs);
}

TEST_CASE_METHOD(Fixture, "sleepers that died or gave up hold no place", "[timer]") {
    using timer::Alarms;
    for (std::size_t i = 0; i + 1 < Alarms::kPerClient; i++) { // As many as there are Replies.
        send(1, timer::Sleep{.ns = 50 * kMs});
    }
    CHECK(send(1, timer::Sleep{.ns = kMs}) == ERR_FULL);
    gone = {kReplies, kReplies + 3};
    CHECK(send(1, timer::Sleep{.ns = 10 * kMs}) == OK);
    gone = {kReplies + 3};
    pass_until(10 * kMs);
    CHECK(answered ==
          std::vector<u64>{kReplies + 7}); // That one received, when there was room again.
    gone = {kReplies + 1, kReplies + 2, kReplies + 3, kReplies + 4, kReplies + 5, kReplies + 6};
    server->on_ended(1);
    CHECK(server->deadline() == sel::kForever);
}

TEST_CASE_METHOD(Fixture, "the signals of a client end with it", "[timer]") {
    CHECK(send(1, timer::Periodic{.ns = kMs}, true) == OK);
    CHECK(send(2, timer::Periodic{.ns = kMs}, true) == OK);
    server->on_ended(1);
    pass_until(kMs);
    CHECK(signals == std::vector<u64>{kKept + 1});
    CHECK(send(3, timer::Periodic{.ns = kMs}, true) == OK); // In the place of the first.
}

TEST_CASE_METHOD(Fixture, "random messages, random answers", "[timer]") {
    sel::fuzz::server<timer::Api>(*server);
    sel::fuzz::clients<timer::Api>();
}
