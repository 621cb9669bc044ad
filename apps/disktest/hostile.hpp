// Hostile: a client of a disk driver that takes back what it has lent, at random moments.
// SPDX-License-Identifier: BSD-2-Clause
//
// Each round lends a region of another size, has requests in flight in it, then releases it, makes a smaller one, deletes
// or revokes its token, sends more requests, or gives up waiting. It has no Frame that it could unmap. What must hold:
//   a region that the driver uses cannot be made anew, and one that nobody uses can
//   a region that was made anew is zero, and nobody else writes there
// Whether the driver, other clients and the memory of all survive that is for those to say who look from outside.
#pragma once

#include "disktest.caps.hpp"

#include "servers/block/client.hpp"

#include "sel/clock.hpp"

namespace disktest {

class Hostile {
  public:
    // `sectors` of the partition, of which the first one is never written.
    Hostile(sel::Client<block::Api> driver, u32 disk, u64 sectors, u64 seed)
        : driver_{driver}, disk_{disk}, sectors_{sectors}, state_{seed * 2 + 1} {}

    // The last round ends with requests in flight and the region lent: then the program is to end.
    bool run(u32 rounds) {
        for (u32 i = 1; i <= rounds; i++) {
            if (!lend() || !misbehave(i == rounds)) {
                return false;
            }
        }
        return true;
    }
    // What was wrong.
    std::string_view why() const { return why_; }

  private:
    static constexpr u64 kPatienceMs = 60'000, kShortMs = 2;
    static constexpr u32 kBatch = 32;

    u32 below(u32 count) {
        state_ = state_ * 6364136223846793005 + 1442695040888963407;
        return static_cast<u32>(state_ >> 33) % count;
    }
    bool wrong(std::string_view what) {
        why_ = what;
        return false;
    }
    bool expect(bool good, std::string_view what) { return good || wrong(what); }
    void spin(u32 times) {
        for (u32 i = 0; i < times; i++) {
            sel::yield();
        }
    }
    sel::Result<std::span<u8>> make(u64 ms, u64 pages) {
        return caps::shared.make(sel::milliseconds(ms), pages * block::kPageBytes);
    }
    static u64 pages_max() { return caps::shared.bytes() / block::kPageBytes; }

    bool is_full_of(u8 value) const {
        for (u8 byte : region_) {
            if (byte != value) {
                return false;
            }
        }
        return true;
    }

    template <typename M>
    sel::Result<typename M::Answer> ask(const M &m, u64 ms = kPatienceMs) {
        return driver_.call_within(sel::milliseconds(ms), m);
    }
    sel::Result<> attach() {
        return driver_.call_giving_within(sel::milliseconds(kPatienceMs), caps::shared.token(),
                                          block::Attach{.disk = disk_, .writes = 1});
    }

    // A region with requests in flight in it.
    bool lend() {
        auto made = make(kPatienceMs, 2 + below(static_cast<u32>(pages_max() - 1)));
        if (!made) {
            return wrong("the region does not come back");
        }
        region_ = *made;
        if (!is_full_of(0)) {
            return wrong("a new region is not empty");
        }
        if (!attach()) {
            return wrong("the driver refuses a region");
        }
        submitted_ = 0;
        return expect(submit().ok(), "the driver refuses requests");
    }

    // Sound ones mostly. Nobody waits for them.
    sel::Result<> submit() {
        u32 count = 1 + below(kBatch);
        for (u32 i = 0; i < count; i++) {
            write_request(reinterpret_cast<block::Ring *>(region_.data())
                              ->slot[(submitted_ + i) % block::kRequests]);
        }
        submitted_ += count;
        return ask(block::Submit{{}, submitted_, 0}).error();
    }
    void write_request(block::Request &r) {
        u32 pages = 1 + below(4), last = static_cast<u32>(region_.size() / block::kPageBytes) - 1;
        r.op = below(3) == 0 ? block::Op::Write : block::Op::Read;
        r.flags = 0;
        r.sectors = pages * block::kPageSectors;
        r.sector = 1 + below(static_cast<u32>(sectors_ - r.sectors - 1));
        r.skip = 0;
        r.pages = static_cast<u16>(pages);
        for (u32 i = 0; i < pages; i++) {
            r.page[i] = static_cast<u16>(1 + below(last));
        }
        if (below(8) == 0) { // Nonsense.
            r.page[below(4)] = static_cast<u16>(below(0x10000));
            r.sectors = below(2) == 0 ? below(0x10000) : r.sectors;
        }
        r.status.store(block::kPending, std::memory_order_release);
    }

    // The driver has it yet.
    bool is_held() {
        return expect(make(kShortMs, 1 + below(2)).error() == ERR_TIMEOUT,
                      "a region that the driver uses was made anew");
    }

    bool misbehave(bool last) {
        spin(below(4) == 0 ? below(200) : below(8));
        if (last) {
            return true;
        }
        bool good = true;
        switch (below(6)) {
        case 0: // Takes it away.
            good = caps::shared.release().ok() && is_held();
            break;
        case 1: { // And goes on as if nothing had been.
            good = caps::shared.release().ok() && is_held();
            [[maybe_unused]] auto more = ask(block::Submit{{}, submitted_ + below(64), 0});
            break;
        }
        case 2: // Deletes the token, and attaches without.
            good = sel::Capability{caps::shared.token()}.remove().ok() &&
                   expect(attach().error() == ERR_RIGHT, "attached with nothing");
            break;
        case 3: // Revokes it: what the driver has is no copy of that.
            good = sel::Capability{caps::shared.token()}.revoke().ok() && submit_more();
            break;
        case 4: { // Gives up waiting, and begins anew.
            [[maybe_unused]] auto gone = ask(block::Submit{{}, submitted_, submitted_}, 1);
            [[maybe_unused]] auto again = attach();
            break;
        }
        default: { // Lets go without waiting.
            [[maybe_unused]] auto gone = ask(block::Detach{}, 1);
        }
        }
        return good && settle();
    }
    bool submit_more() {
        error_t error = submit().error();
        return expect(error == OK || error == ERR_ARG, "the driver has lost a region");
    }

    // Nobody uses it any more: it can be made, and nobody writes to it.
    bool settle() {
        if (!ask(block::Detach{})) {
            return wrong("the driver does not let go");
        }
        error_t released = caps::shared.release().error();
        if (released != OK && released != ERR_EMPTY) {
            return wrong("the region cannot be released");
        }
        if (below(4) != 0) {
            return true;
        }
        constexpr u8 kFill = 0x5a;
        auto made = make(kPatienceMs, pages_max());
        if (!made) {
            return wrong("a region that nobody uses is not made anew");
        }
        region_ = *made;
        bool empty = is_full_of(0);
        for (u8 &byte : region_) {
            byte = kFill;
        }
        [[maybe_unused]] auto slept = caps::timer.call(timer::Sleep{.ns = 2'000'000});
        return expect(empty && is_full_of(kFill), "somebody else writes to a region") &&
               caps::shared.release().ok();
    }

    sel::Client<block::Api> driver_;
    u32 disk_;
    u64 sectors_, state_;
    std::span<u8> region_;
    u64 submitted_ = 0;
    std::string_view why_ = "a call was refused";
};

} // namespace disktest
