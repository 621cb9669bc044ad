// ByteRing: bytes in their order, N at most.
// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <algorithm>
#include <span>

#include "abi/types.h"

namespace net {

template <u32 N>
class ByteRing {
  public:
    u32 size() const { return size_; }
    u32 room() const { return N - size_; }
    void clear() { size_ = 0; }

    // At most room().
    void put(std::span<const u8> from) {
        u32 end = (first_ + size_) % N, count = static_cast<u32>(from.size());
        u32 part = std::min(count, N - end);
        __builtin_memcpy(byte_ + end, from.data(), part);
        __builtin_memcpy(byte_, from.data() + part, count - part);
        size_ += count;
    }
    // The oldest ones, which stay; at most size().
    void peek(std::span<u8> to) const {
        u32 count = static_cast<u32>(to.size()), part = std::min(count, N - first_);
        __builtin_memcpy(to.data(), byte_ + first_, part);
        __builtin_memcpy(to.data() + part, byte_, count - part);
    }
    // They are gone; at most size().
    void drop(u32 count) {
        first_ = (first_ + count) % N;
        size_ -= count;
    }
    void take(std::span<u8> to) {
        peek(to);
        drop(static_cast<u32>(to.size()));
    }

  private:
    u8 byte_[N];
    u32 first_ = 0, size_ = 0;
};

} // namespace net
