// The block function of ChaCha20. Source: RFC 8439, section 2.3.
// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <array>
#include <bit>

#include "abi/types.h"

namespace rng {

using Key = std::array<u8, 32>;
using Nonce = std::array<u8, 12>;
using Block = std::array<u8, 64>;

constexpr u32 load_word(const u8 *from) {
    return u32{from[0]} | u32{from[1]} << 8 | u32{from[2]} << 16 | u32{from[3]} << 24;
}
constexpr void store_word(u8 *to, u32 word) {
    for (u32 i = 0; i < sizeof word; i++) {
        to[i] = static_cast<u8>(word >> 8 * i);
    }
}

using Words = std::array<u32, 16>;

constexpr void quarter_round(Words &s, u32 a, u32 b, u32 c, u32 d) {
    s[a] += s[b];
    s[d] = std::rotl(s[d] ^ s[a], 16);
    s[c] += s[d];
    s[b] = std::rotl(s[b] ^ s[c], 12);
    s[a] += s[b];
    s[d] = std::rotl(s[d] ^ s[a], 8);
    s[c] += s[d];
    s[b] = std::rotl(s[b] ^ s[c], 7);
}

constexpr Block chacha20_block(const Key &key, u32 counter, const Nonce &nonce) {
    Words start{0x61707865, 0x3320646e, 0x79622d32, 0x6b206574};
    for (u32 i = 0; i < 8; i++) {
        start[4 + i] = load_word(&key[4 * i]);
    }
    start[12] = counter;
    for (u32 i = 0; i < 3; i++) {
        start[13 + i] = load_word(&nonce[4 * i]);
    }
    Words s = start;
    for (u32 round = 0; round < 10; round++) {
        for (u32 i = 0; i < 4; i++) { // Columns,
            quarter_round(s, i, 4 + i, 8 + i, 12 + i);
        }
        for (u32 i = 0; i < 4; i++) { // diagonals.
            quarter_round(s, i, 4 + (i + 1) % 4, 8 + (i + 2) % 4, 12 + (i + 3) % 4);
        }
    }
    Block block{};
    for (u32 i = 0; i < 16; i++) {
        store_word(&block[4 * i], s[i] + start[i]);
    }
    return block;
}

} // namespace rng
