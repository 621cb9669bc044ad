// Hostile: a client of file systems that takes back what it has lent, at random moments.
// SPDX-License-Identifier: BSD-2-Clause
//
// What must hold, whatever it did before:
//   a region that nobody uses can be made anew, and is zero then
//   nobody else writes to a region that was made anew
//   what is written through a region is read again
// Whether servers, other files and the memory of all survive that is for those to say who look from outside.
#pragma once

#include "lender.caps.hpp"

#include "servers/file/client.hpp"

#include "sel/clock.hpp"

#include <array>

namespace lender {

class Hostile {
  public:
    explicit Hostile(u64 seed) : state_{seed * 2 + 1} {}

    // The last round ends with the region lent, and a request in hand: then the program is to end.
    bool run(u32 rounds) {
        for (u32 i = 1; i <= rounds; i++) {
            if (!lend() || !misbehave(i == rounds) || (i != rounds && !settle())) {
                return false;
            }
        }
        return true;
    }
    // What was wrong.
    std::string_view why() const { return why_; }

  private:
    static constexpr u64 kPatienceMs = 60'000;
    static constexpr std::string_view kPath = "/lender";
    static constexpr u32 kFileBytes = 4 * file::kWindowBytes;

    u32 below(u32 count) {
        state_ = state_ * 6364136223846793005 + 1442695040888963407;
        return static_cast<u32>(state_ >> 33) % count;
    }
    bool wrong(std::string_view what) {
        why_ = what;
        return false;
    }
    static bool is_full_of(std::span<const u8> bytes, u8 value) {
        for (u8 byte : bytes) {
            if (byte != value) {
                return false;
            }
        }
        return true;
    }
    static void fill(std::span<u8> bytes, u8 value) {
        for (u8 &byte : bytes) {
            byte = value;
        }
    }

    bool make(u64 bytes) {
        auto made = caps::window.make(sel::milliseconds(kPatienceMs), bytes);
        if (!made) {
            return wrong("the region does not come back");
        }
        region_ = *made;
        return is_full_of(region_, 0) || wrong("a new region is not empty");
    }
    static sel::Result<> lend_it(sel::Capability what) {
        return caps::files.call_giving(what.cptr(), file::Lend{.window = 0});
    }

    // A region of some size with a file open, and something written through it.
    bool lend() {
        if (!make(u64{PAGE_BYTES} * (1 + below(file::kWindowBytes / PAGE_BYTES))) ||
            !lend_it(sel::Capability{caps::window.token()})) {
            return why_.empty() ? wrong("vfs refuses a region") : false;
        }
        auto opened = caps::files.call(
            file::Open{.flags = file::kWrite | file::kCreate | file::kTruncate, .data = kPath});
        handle_ = opened.value_or(0);
        fill(region_, kMine);
        file::WriteFrom write{.handle = handle_, .count = size(), .offset = 0};
        return opened.ok() && caps::files.call(write).ok() ? true
                                                           : wrong("the file cannot be written");
    }
    u32 size() const { return static_cast<u32>(region_.size()); }

    // One request, sound or not, for which it waits a little or as long as it takes.
    void ask() {
        constexpr u64 kShort[] = {1, 200, 5'000, 50'000}; // Microseconds.
        u64 ticks = below(3) == 0 ? sel::kForever : sel::clock().ticks(kShort[below(4)] * 1000);
        u32 count = 1 + below(size()), place = below(size() - count + 1);
        if (below(6) == 0) {
            place = below(2) == 0 ? ~0u - below(100) : below(2 * file::kWindowBytes);
        }
        file::ReadInto read{
            .handle = handle_, .count = count, .offset = below(kFileBytes), .place = place};
        file::WriteFrom write{.handle = handle_,
                              .count = count,
                              .offset = below(kFileBytes - file::kWindowBytes),
                              .place = place};
        read.window = below(12) == 0 ? below(20) : 0;
        if (below(2) == 0) {
            [[maybe_unused]] auto done = caps::files.call_within(ticks, read);
        } else {
            [[maybe_unused]] auto done = caps::files.call_within(ticks, write);
            if (below(2) == 0) {
                [[maybe_unused]] auto synced =
                    caps::files.call_within(ticks, file::Sync{.handle = handle_});
            }
        }
    }

    static void drop(const sel::Result<> &) {} // What comes of it does not matter.

    void take_away() {
        sel::Capability token{caps::window.token()};
        switch (below(8)) {
        case 0: // And goes on.
            drop(caps::window.release());
            break;
        case 1: // And wants a smaller one at once, which it cannot have yet.
            drop(caps::window.release());
            drop(caps::window.make(sel::milliseconds(1 + below(3)), PAGE_BYTES).error());
            break;
        case 2:
            drop(token.remove());
            break;
        case 3:
            drop(token.revoke());
            break;
        case 4: // Lends what is no memory.
            drop(
                lend_it(below(2) == 0 ? sel::Capability{caps::junk} : sel::Capability{caps::self}));
            break;
        case 5: // Lends it again and again.
            for (u32 i = below(5); i-- != 0;) {
                drop(lend_it(token));
                ask();
            }
            break;
        case 6: // Forgets all.
            drop(caps::files.call(file::CloseAll{}).error());
            break;
        default: // Never takes it back.
            break;
        }
    }

    bool misbehave(bool last) {
        for (u32 i = below(4); i-- != 0;) {
            ask();
        }
        if (last) {
            ask();
            return true;
        }
        take_away();
        for (u32 i = below(4); i-- != 0;) {
            ask();
        }
        return true;
    }

    // It lets go: the region can be made anew, and a good round works.
    bool settle() {
        if (!caps::files.call(file::Lend{.window = 0})) {
            return wrong("vfs does not let go");
        }
        error_t released = caps::window.release().error();
        if (released != OK && released != ERR_EMPTY) {
            return wrong("the region cannot be released");
        }
        if (below(4) != 0) {
            return true;
        }
        if (!make(file::kWindowBytes)) {
            return false;
        }
        fill(region_, kTheirs);
        [[maybe_unused]] auto slept = caps::timer.call(timer::Sleep{.ns = 2'000'000});
        if (!is_full_of(region_, kTheirs)) {
            return wrong("somebody else writes to a region");
        }
        return write_and_read() && caps::files.call(file::Lend{.window = 0}).ok() &&
               caps::window.release().ok();
    }

    bool write_and_read() {
        file::SharedWindow shared{caps::files, caps::window};
        auto opened = caps::files.call(
            file::Open{.flags = file::kWrite | file::kCreate | file::kTruncate, .data = kPath});
        bool written = opened.ok() && shared.write(*opened, 0, size()).ok();
        fill(region_, 0);
        bool read = written && shared.read(*opened, 0, size()).value_or(0) == size();
        return (read && is_full_of(region_, kTheirs) &&
                caps::files.call(file::Close{.handle = *opened}).ok()) ||
               wrong("what was written is not read again");
    }

    static constexpr u8 kMine = 0x11, kTheirs = 0x5a;

    u64 state_;
    std::span<u8> region_;
    u32 handle_ = 0;
    std::string_view why_;
};

} // namespace lender
