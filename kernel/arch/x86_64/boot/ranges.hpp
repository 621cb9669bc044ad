// A sorted set of physical page ranges, of bounded size.
// SPDX-License-Identifier: BSD-2-Clause
#ifndef ARCH_RANGES_HPP
#define ARCH_RANGES_HPP

#include "abi/types.h"

namespace arch {

struct Range {
    u64 base, end;
    constexpr u64 bytes() const { return end - base; }
};

class Ranges {
  public:
    static constexpr u32 CAPACITY = 128;

    constexpr u32 count() const { return count_; }
    constexpr const Range &operator[](u32 i) const { return range_[i]; }
    constexpr const Range *begin() const { return range_; }
    constexpr const Range *end() const { return range_ + count_; }

    // Both return false, and change nothing, if the set would need more than CAPACITY ranges.
    [[nodiscard]] constexpr bool add(u64 base, u64 end) {
        if (base >= end) {
            return true;
        }
        Ranges result;
        Range add{base, end};
        for (const Range &r : *this) {
            if (r.end < add.base || r.base > add.end) {
                continue;
            }
            add = {r.base < add.base ? r.base : add.base, r.end > add.end ? r.end : add.end};
        }
        bool placed = false;
        for (const Range &r : *this) {
            if (!placed && r.base > add.end) {
                placed = true;
                result.append(add);
            }
            if (r.end < add.base || r.base > add.end) {
                result.append(r);
            }
        }
        if (!placed) {
            result.append(add);
        }
        return replace(result);
    }
    [[nodiscard]] constexpr bool remove(u64 base, u64 end) {
        Ranges result;
        for (const Range &r : *this) {
            if (base >= end || r.end <= base || r.base >= end) {
                result.append(r);
                continue;
            }
            if (r.base < base) {
                result.append({r.base, base});
            }
            if (end < r.end) {
                result.append({end, r.end});
            }
        }
        return replace(result);
    }
    // Drops the smallest ranges until at most `limit` are left.
    constexpr void keep_largest(u32 limit) {
        while (count_ > limit) {
            u32 smallest = 0;
            for (u32 i = 1; i < count_; i++) {
                if (range_[i].bytes() < range_[smallest].bytes()) {
                    smallest = i;
                }
            }
            for (u32 i = smallest; i + 1 < count_; i++) {
                range_[i] = range_[i + 1];
            }
            count_--;
        }
    }
    constexpr u64 bytes() const {
        u64 sum = 0;
        for (const Range &r : *this) {
            sum += r.bytes();
        }
        return sum;
    }
    // Do they have anything in common with it?
    constexpr bool meets(u64 base, u64 end) const {
        for (const Range &r : *this) {
            if (r.base < end && base < r.end) {
                return true;
            }
        }
        return false;
    }
    constexpr bool contains(u64 base, u64 end) const {
        for (const Range &r : *this) {
            if (r.base <= base && end <= r.end) {
                return true;
            }
        }
        return false;
    }

  private:
    constexpr void append(Range r) {
        if (count_ < CAPACITY) {
            range_[count_] = r;
        }
        count_++;
    }
    constexpr bool replace(const Ranges &result) {
        if (result.count_ > CAPACITY) {
            return false;
        }
        *this = result;
        return true;
    }

    Range range_[CAPACITY] = {};
    u32 count_ = 0;
};

} // namespace arch

#endif
