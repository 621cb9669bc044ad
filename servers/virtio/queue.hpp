// Queue: a split queue in two pages of the driver's own memory.
// SPDX-License-Identifier: BSD-2-Clause
//
//   queue.clear();                       before the device hears of it (Transport::set_up)
//   queue.set(i, {address, bytes, ...})  descriptors: whose they are is the driver's business
//   queue.offer(head), ..., publish()    a batch; true: ring the bell
//   queue.pending(), queue.take()        what the device has done with, in its order
// The device writes the used ring alone, and nothing of that is believed: pending() is checked by who knows how
// much was offered, and so is the head that take() gives.
#pragma once

#include <array>
#include <atomic>

#include "abi/capability.h"
#include "servers/virtio/registers.hpp"

namespace virtio {

template <typename Pool>
class Queue {
  public:
    static constexpr u32 kPages = 2;
    static constexpr u32 kMost = PAGE_BYTES / sizeof(Descriptor);

    // What the device says that it has done with: the head of a chain, and bytes that it wrote.
    struct Done {
        u32 head, bytes;
    };

    // In the pages `page` and `page` + 1.
    Queue(const Pool &pool, u32 page) : pool_{pool}, page_{page} {}

    void clear() {
        for (u32 i = 0; i < kPages; i++) {
            __builtin_memset(pool_.template at<u8>(page_ + i), 0, PAGE_BYTES);
        }
        seen_ = next_ = 0;
    }

    // How many descriptors are used: a power of two, at most kMost. Transport::set_up() says it.
    void set_size(u32 size) { size_ = size; }
    u32 size() const { return size_; }

    u64 descriptors_at() const { return pool_.physical(page_); }
    u64 available_at() const { return pool_.physical(page_ + 1); }
    u64 used_at() const { return pool_.physical(page_ + 1) + kUsedOffset; }

    void set(u32 i, const Descriptor &d) { pool_.template at<Descriptor>(page_)[i] = d; }

    void offer(u16 head) { available()->head[next_++ % size_] = head; }

    // The device may see all that was offered. True: it wants to be told.
    bool publish() {
        __atomic_store_n(&available()->index, next_, __ATOMIC_SEQ_CST);
        std::atomic_thread_fence(std::memory_order_seq_cst);
        return (load(used()->flags) & kNoNotify) == 0;
    }

    // How many chains the device says that it has done with, and that were not taken.
    u16 pending() const { return static_cast<u16>(load(used()->index) - seen_); }

    // The next of them.
    Done take() {
        const volatile auto &element = used()->element[seen_++ % size_];
        return {element.head, element.bytes};
    }

  private:
    static constexpr u32 kUsedOffset = 1024;
    static constexpr u16 kNoNotify = 1;

    struct Available {
        u16 flags, index;
        u16 head[kMost];
    };
    struct Used {
        u16 flags, index;
        Done element[kMost];
    };
    static_assert(sizeof(Available) <= kUsedOffset);
    static_assert(kUsedOffset + sizeof(Used) <= PAGE_BYTES);

    static u16 load(const volatile u16 &value) { return __atomic_load_n(&value, __ATOMIC_ACQUIRE); }

    Available *available() const { return pool_.template at<Available>(page_ + 1); }
    const volatile Used *used() const { return pool_.template at<Used>(page_ + 1, kUsedOffset); }

    const Pool &pool_;
    u32 page_;
    u32 size_ = kMost;
    u16 next_ = 0; // Heads offered.
    u16 seen_ = 0; // Of the used ring.
};

} // namespace virtio
