// Stack: lwIP above a card: frames, timers, the link, the address.
// SPDX-License-Identifier: BSD-2-Clause
//
//   stack.begin()       once
//   stack.look()        the card, or its link, may be another one
//   stack.work()        behind all that was done with lwIP, and when the card or a timer has something: at its end all
//                       that can be done has been done, or kFrames frames were taken, and it is due again at once: clients come between
//   stack.deadline()    when work() is due again, in ticks
// A frame that arrives stays in its buffer as long as lwIP wants it; one that goes out is copied once into a buffer of the card.
#pragma once

#include <array>

#include "api.hpp"
#include "lwip.hpp"

#include "servers/nic/client.hpp"

namespace net {

// How messages reach the driver of a card; host tests have their own.
class Card {
  public:
    virtual sel::Result<nic::Info> info() = 0;
    // What is lent to it. Zeroes are not needed.
    virtual sel::Result<std::span<u8>> memory() = 0;
    virtual sel::Result<> attach() = 0;
    virtual sel::Result<> kick() = 0;

  protected:
    ~Card() = default;
};

class Stack {
  public:
    static constexpr u32 kFrames = 64; // Of a round.

    explicit Stack(Card &card) : card_{card} {}
    Stack(const Stack &) = delete;
    Stack &operator=(const Stack &) = delete;

    void begin();
    void look();
    void work();
    u64 deadline() const { return due_; }

    // Is there an address?
    bool up() const;
    Interface interface() const;

  private:
    static constexpr u32 kBuffers = 256; // Of the region that main.cpp lends.
    static constexpr u32 kTries = 3;     // To attach, until it waits for news.

    struct Held {
        pbuf_custom base; // First: lwIP gives it back by this address.
        Stack *stack;
        u16 buffer;
    };

    static err_t set_up(netif *interface);
    static err_t send(netif *interface, pbuf *frame);
    static void give_back(pbuf *frame);

    void attach(const nic::Info &info);
    void set_link(bool up);
    void leave();
    void take(const nic::Arrived &frame);
    // The frames that came, and what lwIP does for itself; true: there are more.
    bool take_frames();
    void set_deadline(bool more);

    Card &card_;
    nic::Wire wire_;
    netif interface_{};
    bool added_ = false;    // To lwIP's list of interfaces.
    bool attached_ = false; // To the card.
    nic::Info info_{};
    std::array<Held, kBuffers> held_{};
    std::array<bool, kBuffers> in_use_{}; // By lwIP.
    u64 due_ = sel::kForever;
    u64 frames_in_ = 0, bytes_in_ = 0, frames_out_ = 0, bytes_out_ = 0, lost_in_ = 0, lost_out_ = 0;
};

} // namespace net
