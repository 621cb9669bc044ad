// FakeMemory: a pool in a host test, whose pages lie apart from each other, as a device sees them.
// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include "abi/capability.h"
#include "servers/driver/bus.hpp"

namespace driver {

class FakeMemory {
  public:
    static constexpr u32 kPages = 32;
    static constexpr u64 kBase = 0x1'2340'0000, kStep = 3 * PAGE_BYTES;

    u32 pages() const { return kPages; }
    u64 physical(u32 page) const { return page < kPages ? kBase + page * kStep : 0; }
    template <typename T>
    T *at(u32 page, u32 offset = 0) const {
        return reinterpret_cast<T *>(const_cast<u8 *>(byte_) + page * PAGE_BYTES + offset);
    }

    // What a device reaches; nullptr, and noted: not memory that it was given.
    u8 *find(u64 physical, u64 bytes) {
        u64 page = (physical - kBase) / kStep, offset = (physical - kBase) % kStep;
        if (physical < kBase || page >= kPages || bytes > PAGE_BYTES ||
            offset > PAGE_BYTES - bytes) {
            strayed = true;
            return nullptr;
        }
        return byte_ + page * PAGE_BYTES + offset;
    }
    template <typename T>
    T get(u64 physical) {
        T value{};
        if (const u8 *from = find(physical, sizeof value)) {
            __builtin_memcpy(&value, from, sizeof value);
        }
        return value;
    }
    template <typename T>
    void put(u64 physical, T value) {
        if (u8 *to = find(physical, sizeof value)) {
            __builtin_memcpy(to, &value, sizeof value);
        }
    }

    bool strayed = false;

  private:
    alignas(PAGE_BYTES) u8 byte_[kPages * PAGE_BYTES] = {};
};

} // namespace driver
