// Generator: as many numbers as anybody wants, of a key that is thrown away with each request.
// SPDX-License-Identifier: BSD-2-Clause
//
// ChaCha20 with fast key erasure: the first 32 bytes of each stream are the next key, the others go out, and the old key is
// nowhere any more. Who reads this memory later learns nothing of what went out before. A seed is hashed together
// with the key, so that a bad one takes nothing away.
// Source: D. J. Bernstein, Fast-key-erasure random-number generators (2017).
#pragma once

#include <type_traits>

#include "blake2s.hpp"

namespace rng {

// Also what the compiler believes nobody reads any more.
template <typename T>
void wipe(T &secret) {
    static_assert(std::is_trivially_copyable_v<T>);
    __builtin_memset(static_cast<void *>(&secret), 0, sizeof secret);
    asm volatile("" : : "r"(&secret) : "memory");
}

class Generator {
  public:
    void seed(std::span<const u8> secret) {
        Blake2s hash;
        hash.add(key_);
        hash.add(secret);
        key_ = hash.finish();
        wipe(hash);
    }

    void fill(std::span<u8> out) {
        Block block = chacha20_block(key_, 0, {});
        Key next;
        std::copy_n(block.begin(), next.size(), next.begin());
        std::size_t from = next.size();
        for (u32 counter = 1;; counter++) {
            std::size_t count = std::min(out.size(), block.size() - from);
            std::copy_n(block.begin() + from, count, out.begin());
            out = out.subspan(count);
            if (out.empty()) {
                break;
            }
            from = 0;
            block = chacha20_block(key_, counter, {});
        }
        key_ = next;
        wipe(next);
        wipe(block);
    }

  private:
    Key key_{};
};

} // namespace rng
