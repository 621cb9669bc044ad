// Ring: descriptors in a page of the driver's own memory, and what each of them is for.
// SPDX-License-Identifier: BSD-2-Clause
//
//   put(address, word, tag), ..., tell_tail()   the card's from then on
//   word(0)                                     of the oldest that it has: done with?
//   take()                                      then it is the driver's
// Where the card says that it is (its head) is never read. The order is the driver's own, and so is what a descriptor was
// for: the card can only say that the oldest is done with, and what came.
#pragma once

#include <array>
#include <atomic>

#include "abi/capability.h"
#include "servers/e1000/registers.hpp"

namespace e1000 {

template <typename Pool>
class Ring {
  public:
    static constexpr u32 kSize = PAGE_BYTES / sizeof(Descriptor);

    struct Held {
        u64 address = 0;
        u16 tag = 0;
    };

    Ring(const Pool &pool, u32 page) : pool_{pool}, page_{page} {}

    void clear() {
        __builtin_memset(pool_.template at<u8>(page_), 0, PAGE_BYTES);
        head_ = tail_ = told_ = 0;
    }
    u64 physical() const { return pool_.physical(page_); }

    u32 taken() const { return tail_ - head_; }
    // One stays free: head and tail alike say that it is empty.
    u32 room() const { return kSize - 1 - taken(); }

    // room() != 0.
    void put(u64 address, u64 word, u16 tag) {
        descriptors()[tail_ % kSize] = {address, word};
        held_[tail_ % kSize] = {address, tag};
        tail_++;
    }
    // Whether the card has to be told; then all that was written comes before.
    bool has_news() const { return told_ != tail_; }
    u32 tell_tail() {
        std::atomic_thread_fence(std::memory_order_seq_cst);
        told_ = tail_;
        return tail_ % kSize;
    }

    // Of the oldest and those behind it: `i` < taken().
    u64 word(u32 i) const {
        return __atomic_load_n(&descriptors()[(head_ + i) % kSize].word, __ATOMIC_ACQUIRE);
    }
    const Held &held() const { return held_[head_ % kSize]; }
    Held take() { return held_[head_++ % kSize]; }

  private:
    Descriptor *descriptors() const { return pool_.template at<Descriptor>(page_); }

    const Pool &pool_;
    u32 page_;
    u32 head_ = 0, tail_ = 0, told_ = 0; // Counted on and on.
    std::array<Held, kSize> held_{};
};

} // namespace e1000
