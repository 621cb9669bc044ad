// Random: numbers that nobody outside can tell beforehand, of a key that this program alone knows.
// SPDX-License-Identifier: BSD-2-Clause
//
// SipHash-2-4 of a counter, or of what a number is to depend on, under a key of 128 bits.
// Source: Aumasson, Bernstein: SipHash, a fast short-input PRF (2012), section 2.
#pragma once

#include <array>
#include <bit>
#include <span>

#include "abi/types.h"

namespace net {

struct Key {
    u64 low, high;
};

constexpr u64 sip_hash(const Key &key, std::span<const u64> words) {
    u64 a = key.low ^ 0x736f6d6570736575, b = key.high ^ 0x646f72616e646f6d;
    u64 c = key.low ^ 0x6c7967656e657261, d = key.high ^ 0x7465646279746573;
    auto round = [&] {
        a += b;
        b = std::rotl(b, 13) ^ a;
        a = std::rotl(a, 32);
        c += d;
        d = std::rotl(d, 16) ^ c;
        a += d;
        d = std::rotl(d, 21) ^ a;
        c += b;
        b = std::rotl(b, 17) ^ c;
        c = std::rotl(c, 32);
    };
    auto take = [&](u64 word) {
        d ^= word;
        round();
        round();
        a ^= word;
    };
    for (u64 word : words) {
        take(word);
    }
    take(u64{words.size() * sizeof(u64)} << 56);
    c ^= 0xff;
    for (u32 i = 0; i < 4; i++) {
        round();
    }
    return a ^ b ^ c ^ d;
}

class Random {
  public:
    void seed(const Key &key) {
        key_ = key;
        count_ = 0;
    }
    u32 next() {
        const u64 words[] = {0, count_++};
        return static_cast<u32>(sip_hash(key_, words));
    }
    // The first sequence number of a connection: another one at each time, and for each pair of ends another
    // distance (RFC 6528). `us`: time, in units of 4 microseconds.
    u32 sequence(std::span<const u64, 2> ends, u64 us) const {
        const u64 words[] = {1, ends[0], ends[1]};
        return static_cast<u32>(sip_hash(key_, words) + us / 4);
    }

  private:
    Key key_{};
    u64 count_ = 0;
};

// Of two keys: nobody can tell it who does not know both.
constexpr Key mix(const Key &a, const Key &b) {
    const u64 words[] = {b.low, b.high};
    return {sip_hash(a, words), sip_hash({b.high ^ a.low, b.low ^ a.high}, words)};
}

// A key of the processor's generator (RDRAND), mixed with the time. False: it has none, and the key is made of
// times alone, which who knows the machine can narrow down.
bool make_key(Key &key);

} // namespace net
