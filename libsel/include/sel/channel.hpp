// Channel: a one-way ring in shared memory between one sender and one receiver, without copies,
// locks or kernel calls while both are awake.
// SPDX-License-Identifier: BSD-2-Clause
//
//   sender:    reserve() -> write into the slots -> publish(n)
//   receiver:  peek()    -> read from the slots  -> release(n)
// Both work on as many slots at a time as they like: a batch. Only if the other side sleeps is its
// doorbell (a Notification with a badge) rung, once a batch.
//
// Wake-up protocol. A side that finds nothing to do calls prepare_sleep(): it sets its `sleeps`,
// then looks at the other side's count once more. The other side adds to its count, then looks at
// `sleeps`. All four are sequentially consistent, so in their one total order either the look at
// the count comes after the addition, and the side does not sleep, or the look at `sleeps` comes
// after it was set, and the doorbell is rung. A ring that comes before the wait has begun is not
// lost: a Notification keeps its bits. Whoever rings takes `sleeps` back with an exchange, so there
// is one ring a sleep. A model of it, of a ring of two slots, is checked in Spin: libsel/model.
//
// The other side need not be trusted: each side keeps its own count to itself and believes the other
// one's only within bounds (ERR_PROTOCOL otherwise, for ever). The content of a slot may still change
// while a hostile sender holds it: copy out what is checked and then used.
#pragma once

#include <atomic>
#include <span>
#include <type_traits>

#include "sel/capability.hpp"
#include "sel/result.hpp"

namespace sel {

// What lies in the shared memory. Zeroed memory is an empty ring. Counts run on for ever.
template <typename T, u32 N>
struct Ring {
    static_assert(std::is_trivially_copyable_v<T>);
    static_assert(N != 0 && (N & (N - 1)) == 0, "a power of two");
    static constexpr u32 kLine = 64; // Bytes of a cache line, so that the sides do not share one.

    struct alignas(kLine) Side {
        std::atomic<u32> count;  // Slots published, or released, so far.
        std::atomic<u32> sleeps; // 1: ring its doorbell.
    };

    Side sender, receiver;
    T slot[N];
};

// What both ends have in common. Bell: `void ring()`.
template <typename T, u32 N, typename Bell>
class ChannelEnd {
  public:
    // False: the other side has broken the protocol.
    bool good() const { return good_; }

    // Announces that this side will wait for its doorbell. False: it has something to do (or the
    // other side is broken); then it is awake again.
    bool prepare_sleep() {
        mine_.sleeps.store(1, std::memory_order_seq_cst);
        if (available() == 0 && good_) {
            return true;
        }
        awake();
        return false;
    }

    // After the doorbell, or when it does something else instead of waiting.
    void awake() { mine_.sleeps.store(0, std::memory_order_seq_cst); }

  protected:
    using Side = typename Ring<T, N>::Side;

    ChannelEnd(T *slots, Side &mine, Side &other, u32 ahead, Bell bell)
        : slots_{slots}, mine_{mine}, other_{other}, ahead_{ahead}, bell_{bell} {}

    // Slots that this side may use now.
    u32 available() {
        u32 free = other_.count.load(std::memory_order_seq_cst) + ahead_ - count_;
        good_ = good_ && free <= N;
        return good_ ? free : 0;
    }

    // Those of them that lie side by side.
    Result<std::span<T>> part() {
        u32 free = available(), first = count_ % N;
        if (!good_) {
            return ERR_PROTOCOL;
        }
        return std::span<T>{slots_ + first, free < N - first ? free : N - first};
    }

    // `n`: at most what part() gave.
    void advance(u32 n) {
        count_ += n;
        mine_.count.store(count_, std::memory_order_seq_cst);
        if (other_.sleeps.load(std::memory_order_seq_cst) != 0 &&
            other_.sleeps.exchange(0, std::memory_order_seq_cst) != 0) {
            bell_.ring();
        }
    }

  private:
    T *slots_;
    Side &mine_, &other_;
    u32 ahead_; // The sender may be N slots ahead of the receiver.
    u32 count_ = 0;
    bool good_ = true;
    Bell bell_;
};

template <typename T, u32 N, typename Bell>
class Sender : public ChannelEnd<T, N, Bell> {
    using End = ChannelEnd<T, N, Bell>;

  public:
    // `bell` wakes the receiver. The ring must be fresh (zeroed).
    Sender(Ring<T, N> &ring, Bell bell) : End{ring.slot, ring.sender, ring.receiver, N, bell} {}

    // Free slots side by side; empty: the ring is full.
    Result<std::span<T>> reserve() { return End::part(); }

    // The first `n` of them are written.
    void publish(u32 n) { End::advance(n); }
};

template <typename T, u32 N, typename Bell>
class Receiver : public ChannelEnd<T, N, Bell> {
    using End = ChannelEnd<T, N, Bell>;

  public:
    // `bell` wakes the sender. The ring must be fresh (zeroed).
    Receiver(Ring<T, N> &ring, Bell bell) : End{ring.slot, ring.receiver, ring.sender, 0, bell} {}

    // Written slots side by side, in order; empty: there are none.
    Result<std::span<T>> peek() { return End::part(); }

    // The first `n` of them are done with.
    void release(u32 n) { End::advance(n); }
};

// The doorbell of a peer: a Notification capability with WRITE and a badge.
struct PeerBell {
    Notification notification;
    void ring() const { [[maybe_unused]] auto rung = notification.signal(); }
};

} // namespace sel
