// Link: one connection, with limits of time. Whoever is slow gives way when others wait.
// SPDX-License-Identifier: BSD-2-Clause
//
// A request has kRequestMs, a piece of an answer kStallMs. When somebody waits for a place (Crowd), who has been without a
// whole request for kGraceMs, takes nothing for kCrowdMs, or less than kSlowBytes a second, is closed: a client that is silent,
// or gone, keeps nobody out.
#pragma once

#include <atomic>

#include "servers/net/api.hpp"

#include "sel/clock.hpp"

namespace httpd {

// Whether somebody waits for a place. One that gives way is enough.
class Crowd {
  public:
    void wait(bool waits) { waits_.store(waits); }
    bool waits() const { return waits_.load(std::memory_order_relaxed); }
    bool give_way() { return waits_.exchange(false); }

  private:
    std::atomic<bool> waits_{false};
};

class Link {
  public:
    Link(sel::Client<net::Api> net, Crowd &crowd) : net_{net}, crowd_{crowd} {}

    void open(u32 socket) {
        socket_ = socket;
        closed_ = false;
    }
    // What it has sent still arrives: the other side finishes, or has some time for it.
    void close() {
        if (net_.call(net::Finish{.socket = socket_})) {
            begin();
            since_ = sel::now();
            for (u32 i = 0; i < kDrainMost && !receive(kDrainMs).empty(); i++) {
            }
        }
        [[maybe_unused]] auto gone = net_.call(net::Close{.socket = socket_});
    }

    void begin() { since_ = sel::now(); }
    void end() {
        since_ = sel::now();
        sent_ = 0;
    }

    std::string_view receive() { return receive(kRequestMs); }

    bool send(std::string_view text) {
        while (!text.empty() && !closed_) {
            net::Send m{.socket = socket_, .data = {}};
            m.data.assign({reinterpret_cast<const u8 *>(text.data()), text.size()});
            sel::Result<u32> taken = send_piece(m);
            closed_ = !taken;
            text.remove_prefix(taken.value_or(0));
            sent_ += taken.value_or(0);
        }
        return !closed_;
    }

    // False: the client has finished meanwhile. What it sends is not looked at.
    bool pause(u32 ms) {
        u64 end = sel::now() + sel::milliseconds(ms);
        for (u32 i = 0; i < kDrainMost && !closed_; i++) {
            u64 time = sel::now();
            if (time >= end) {
                return true;
            }
            auto got = net_.call_within(end - time, net::Receive{.socket = socket_});
            closed_ = got ? got->data.span().empty() : got.error() != ERR_TIMEOUT;
        }
        return !closed_;
    }

  private:
    static constexpr u32 kRequestMs = 10'000, kStallMs = 5'000, kCrowdMs = 2'000, kGraceMs = 1000,
                         kSliceMs = 100;
    static constexpr u32 kDrainMs = 1000, kDrainMost = 100;
    static constexpr u64 kSlowBytes = 16384;

    u64 elapsed_ms() const { return sel::clock().nanoseconds(sel::now() - since_) / 1'000'000; }
    std::string_view receive(u32 ms) {
        while (!closed_) {
            auto got =
                net_.call_within(sel::milliseconds(kSliceMs), net::Receive{.socket = socket_});
            if (got) {
                data_ = got->data;
                closed_ = data_.span().empty();
                // A drop now and then does not make it a request.
                if (!closed_ && elapsed_ms() <= ms) {
                    return {reinterpret_cast<const char *>(data_.span().data()),
                            data_.span().size()};
                }
                closed_ = true;
            } else if (got.error() != ERR_TIMEOUT || elapsed_ms() > ms) {
                closed_ = true;
            } else if (elapsed_ms() > kGraceMs && crowd_.waits()) {
                closed_ = crowd_.give_way();
            }
        }
        return {};
    }
    // Asked once: a piece that was given up may have gone out all the same, and must not go twice.
    sel::Result<u32> send_piece(const net::Send &m) {
        u64 ms = elapsed_ms();
        bool slow = ms > kGraceMs && sent_ < ms * kSlowBytes / 1000;
        if (slow && crowd_.waits() && crowd_.give_way()) {
            return ERR_TIMEOUT;
        }
        return net_.call_within(sel::milliseconds(crowd_.waits() ? kCrowdMs : kStallMs), m);
    }

    sel::Client<net::Api> net_;
    Crowd &crowd_;
    u32 socket_ = 0;
    bool closed_ = true;
    u64 since_ = 0, sent_ = 0;
    net::Data data_;
};

} // namespace httpd
