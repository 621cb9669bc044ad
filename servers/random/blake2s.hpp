// BLAKE2s-256 without a key: makes 32 bytes of any number. Source: RFC 7693.
// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <algorithm>
#include <span>

#include "chacha20.hpp"

namespace rng {

class Blake2s {
  public:
    constexpr void add(std::span<const u8> bytes) {
        for (u8 byte : bytes) {
            if (fill_ == buffer_.size()) { // Not before: the last block is another one.
                compress(false);
            }
            buffer_[fill_++] = byte;
        }
    }

    constexpr Key finish() {
        std::fill(buffer_.begin() + fill_, buffer_.end(), u8{0});
        compress(true);
        Key out{};
        for (u32 i = 0; i < 8; i++) {
            store_word(&out[4 * i], state_[i]);
        }
        return out;
    }

  private:
    static constexpr std::array<u32, 8> kStart = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                                  0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
    static constexpr u32 kParameters = 0x01010020; // 32 bytes of digest, no key (section 2.5).
    static constexpr u8 kOrder[10][16] = {{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15},
                                          {14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3},
                                          {11, 8, 12, 0, 5, 2, 15, 13, 10, 14, 3, 6, 7, 1, 9, 4},
                                          {7, 9, 3, 1, 13, 12, 11, 14, 2, 6, 5, 10, 4, 0, 15, 8},
                                          {9, 0, 5, 7, 2, 4, 10, 15, 14, 1, 11, 12, 6, 8, 3, 13},
                                          {2, 12, 6, 10, 0, 11, 8, 3, 4, 13, 7, 5, 15, 14, 1, 9},
                                          {12, 5, 1, 15, 14, 13, 4, 10, 0, 7, 6, 3, 9, 2, 8, 11},
                                          {13, 11, 7, 14, 12, 1, 3, 9, 5, 0, 15, 4, 8, 6, 2, 10},
                                          {6, 15, 14, 9, 11, 3, 0, 8, 12, 2, 13, 7, 1, 4, 10, 5},
                                          {10, 2, 8, 4, 7, 6, 1, 5, 15, 11, 9, 14, 3, 12, 13, 0}};

    static constexpr void mix(Words &v, const std::array<u32, 4> &at, u32 x, u32 y) {
        auto &[a, b, c, d] = at;
        v[a] += v[b] + x;
        v[d] = std::rotr(v[d] ^ v[a], 16);
        v[c] += v[d];
        v[b] = std::rotr(v[b] ^ v[c], 12);
        v[a] += v[b] + y;
        v[d] = std::rotr(v[d] ^ v[a], 8);
        v[c] += v[d];
        v[b] = std::rotr(v[b] ^ v[c], 7);
    }

    constexpr void compress(bool last) {
        bytes_ += fill_;
        Words v{}, m{};
        for (u32 i = 0; i < 8; i++) {
            v[i] = state_[i];
            v[8 + i] = kStart[i];
        }
        v[12] ^= static_cast<u32>(bytes_);
        v[13] ^= static_cast<u32>(bytes_ >> 32);
        v[14] ^= last ? ~0u : 0;
        for (u32 i = 0; i < 16; i++) {
            m[i] = load_word(&buffer_[4 * i]);
        }
        for (const auto &order : kOrder) {
            for (u32 i = 0; i < 4; i++) {
                mix(v, {i, 4 + i, 8 + i, 12 + i}, m[order[2 * i]], m[order[2 * i + 1]]);
            }
            for (u32 i = 0; i < 4; i++) {
                mix(v, {i, 4 + (i + 1) % 4, 8 + (i + 2) % 4, 12 + (i + 3) % 4}, m[order[8 + 2 * i]],
                    m[order[9 + 2 * i]]);
            }
        }
        for (u32 i = 0; i < 8; i++) {
            state_[i] ^= v[i] ^ v[8 + i];
        }
        fill_ = 0;
    }

    std::array<u32, 8> state_ = {kStart[0] ^ kParameters,
                                 kStart[1],
                                 kStart[2],
                                 kStart[3],
                                 kStart[4],
                                 kStart[5],
                                 kStart[6],
                                 kStart[7]};
    Block buffer_{};
    u32 fill_ = 0;
    u64 bytes_ = 0;
};

} // namespace rng
