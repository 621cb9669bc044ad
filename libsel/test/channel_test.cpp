// Channel: order, batches, sleeping and waking, a peer that lies; hammered by two threads.
// SPDX-License-Identifier: BSD-2-Clause
#include <catch2/catch.hpp>

#include <chrono>
#include <condition_variable>
#include <cstring>
#include <memory>
#include <mutex>
#include <random>
#include <thread>

#include "sel/channel.hpp"

namespace {

// A Notification: remembers a signal until somebody waits.
class Signal {
  public:
    void ring() {
        std::lock_guard lock{mutex_};
        pending_ = true;
        rings++;
        changed_.notify_one();
    }
    // False: nothing came for a long time, so a wake-up was lost.
    bool wait() {
        std::unique_lock lock{mutex_};
        bool came = changed_.wait_for(lock, std::chrono::seconds(20), [&] { return pending_; });
        pending_ = false;
        return came;
    }
    u32 rings = 0;

  private:
    std::mutex mutex_;
    std::condition_variable changed_;
    bool pending_ = false;
};

struct Bell {
    Signal *signal;
    void ring() const { signal->ring(); }
};

constexpr u32 kSlots = 8;
using Ring = sel::Ring<u64, kSlots>;
using Sender = sel::Sender<u64, kSlots, Bell>;
using Receiver = sel::Receiver<u64, kSlots, Bell>;

struct Pair {
    Ring ring{};
    Signal wakes_receiver, wakes_sender;
    Sender sender{ring, Bell{&wakes_receiver}};
    Receiver receiver{ring, Bell{&wakes_sender}};

    u32 send(u64 first, u32 n) {
        auto free = sender.reserve().value();
        u32 count = n < free.size() ? n : static_cast<u32>(free.size());
        for (u32 i = 0; i < count; i++) {
            free[i] = first + i;
        }
        sender.publish(count);
        return count;
    }
};

} // namespace

TEST_CASE("batches arrive whole and in order, around the end of the ring") {
    Pair p;
    CHECK(p.receiver.peek()->empty());
    CHECK(p.send(1, 6) == 6);
    auto got = p.receiver.peek().value();
    REQUIRE(got.size() == 6);
    CHECK(got[0] == 1);
    CHECK(got[5] == 6);
    p.receiver.release(4);
    CHECK(p.send(7, 8) == 2); // Up to the end of the ring ...
    CHECK(p.send(9, 8) == 4); // ... and from its start.
    CHECK(p.sender.reserve()->empty());
    CHECK(p.receiver.peek()->size() == 4);
    p.receiver.release(4);
    CHECK(p.receiver.peek().value()[0] == 9);
}

TEST_CASE("the doorbell is rung only for one who sleeps, once a batch") {
    Pair p;
    p.send(1, 3);
    CHECK(p.wakes_receiver.rings == 0);
    CHECK(!p.receiver.prepare_sleep()); // Something is there.
    p.receiver.release(3);
    CHECK(p.receiver.prepare_sleep());
    p.send(4, 3);
    p.send(7, 2);
    CHECK(p.wakes_receiver.rings == 1);
    CHECK(p.wakes_sender.rings == 0);
    p.receiver.release(5);
    p.send(1, 8);
    p.send(1, 8);
    CHECK(p.sender.prepare_sleep()); // Full.
    p.receiver.release(1);
    p.receiver.release(1);
    CHECK(p.wakes_sender.rings == 1);
    CHECK(!p.sender.prepare_sleep());
}

TEST_CASE("a count out of bounds ends the channel") {
    for (u32 count : {u32{kSlots} + 1, 0x80000000u, 0xffffffffu}) {
        Pair p;
        p.ring.sender.count = count;
        CHECK(p.receiver.peek().error() == ERR_PROTOCOL);
        CHECK(!p.receiver.prepare_sleep());
        p.ring.sender.count = 1; // It stays broken.
        CHECK(p.receiver.peek().error() == ERR_PROTOCOL);
        CHECK(!p.receiver.good());
    }
    Pair p;
    p.ring.receiver.count = 1; // More released than was ever sent.
    CHECK(p.sender.reserve().error() == ERR_PROTOCOL);
}

TEST_CASE("two threads: nothing is lost, doubled or out of order, and nobody sleeps for ever") {
    constexpr u64 kCount = 400'000;
    auto p = std::make_unique<Pair>();
    bool sender_ok = true, receiver_ok = true;
    std::thread sender{[&] {
        std::mt19937 random{1};
        u64 next = 0;
        while (next < kCount && sender_ok) {
            u64 left = kCount - next;
            u32 batch = 1 + random() % kSlots;
            next += p->send(next, left < batch ? static_cast<u32>(left) : batch);
            if (random() % 4 == 0 && p->sender.prepare_sleep()) {
                sender_ok = p->wakes_sender.wait();
                p->sender.awake();
            }
        }
    }};
    std::thread receiver{[&] {
        std::mt19937 random{2};
        u64 next = 0;
        while (next < kCount && receiver_ok) {
            auto got = p->receiver.peek().value();
            u32 take = got.empty() ? 0 : 1 + random() % static_cast<u32>(got.size());
            for (u32 i = 0; i < take; i++) {
                receiver_ok = receiver_ok && got[i] == next++;
            }
            p->receiver.release(take);
            if (next < kCount && p->receiver.prepare_sleep()) {
                receiver_ok = receiver_ok && p->wakes_receiver.wait();
                p->receiver.awake();
            }
        }
    }};
    sender.join();
    receiver.join();
    CHECK(sender_ok);
    CHECK(receiver_ok);
    CHECK(p->receiver.peek()->empty());
}
