// Health: does a source of random bytes still look like one? It cannot show that it is good, only that it is not.
// SPDX-License-Identifier: BSD-2-Clause
//
// A source is believed to give kBits of entropy a byte, half of what it promises. A good one fails each test once in 2^20
// samples at most.
//   repetition   the same byte kRepeats times in a row
//   proportion   of kWindow bytes kMost or more are as the first one
//   memory       eight bytes that have been there in the last kWords times eight: a buffer that comes again and again
// Source: NIST SP 800-90B, 4.4.1 repetition count, 4.4.2 adaptive proportion, 4.3 start-up; the last one is our own (4.5).
#pragma once

#include <array>
#include <span>

#include "abi/types.h"

namespace rng {

class Health {
  public:
    static constexpr u32 kBits = 4;
    static constexpr u32 kStartBytes = 1024; // That must have passed before any counts.
    static constexpr u32 kRepeats = 1 + 20 / kBits;
    static constexpr u32 kWindow = 512;
    static constexpr u32 kMost = 62; // 1 + critbinom(512, 2^-4, 1 - 2^-20).
    static constexpr u32 kWords = 64;

    // False, now and for ever: it has failed.
    bool take(std::span<const u8> bytes) {
        for (u8 byte : bytes) {
            take(byte);
        }
        return good_;
    }
    bool good() const { return good_; }
    bool started() const { return taken_ >= kStartBytes; }
    u64 taken() const { return taken_; }

  private:
    void take(u8 byte) {
        run_ = taken_ != 0 && byte == last_ ? run_ + 1 : 1;
        last_ = byte;
        u64 place = taken_ % kWindow;
        first_ = place == 0 ? byte : first_;
        same_ = place == 0 ? 1 : same_ + (byte == first_ ? 1 : 0);
        good_ = good_ && run_ < kRepeats && same_ < kMost;
        word_ = word_ << 8 | byte;
        taken_++;
        if (taken_ % sizeof word_ == 0) {
            remember();
        }
    }

    void remember() {
        u64 count = taken_ / sizeof word_ - 1;
        for (u64 i = 0; i < kWords && i < count; i++) {
            good_ = good_ && words_[i] != word_;
        }
        words_[count % kWords] = word_;
    }

    u64 taken_ = 0;
    u32 run_ = 0, same_ = 0;
    u8 last_ = 0, first_ = 0;
    u64 word_ = 0;
    std::array<u64, kWords> words_{};
    bool good_ = true;
};

} // namespace rng
