// Bus: finds all functions, through bridges too.
// SPDX-License-Identifier: BSD-2-Clause
//
// Each bus is looked at once, whatever bridges say, so the search ends; functions beyond kFunctions
// are counted and left alone.
#pragma once

#include "config.hpp"

namespace pci {

template <typename Config>
class Bus {
  public:
    static constexpr u32 kFunctions = 64;

    explicit Bus(Config &config) : config_{config} {}

    void scan() {
        constexpr u32 kBuses = 256;
        seen_[0] = true;
        for (u32 done = 0, bus = 0; done < kBuses && bus < kBuses; done++) {
            scan_bus(bus);
            scanned_[bus] = true;
            for (bus = 0; bus < kBuses && (!seen_[bus] || scanned_[bus]); bus++) {
            }
        }
    }

    u32 count() const { return count_; }
    u32 left_out() const { return left_out_; }
    Function &operator[](u32 i) { return function_[i < count_ ? i : 0]; }
    const Function &operator[](u32 i) const { return function_[i < count_ ? i : 0]; }
    Function *begin() { return function_; }
    Function *end() { return function_ + count_; }

    Space<Config> space(const Function &f) { return {config_, f.address}; }

    // True if memory of another function lies in the same pages.
    bool shares_page(const Function &f, const Base &base) {
        for (const Function &other : *this) {
            for (const Base &theirs : other.base) {
                if (&other != &f && theirs.is_memory() &&
                    meets(theirs.at, theirs.bytes, base.at, base.bytes)) {
                    return true;
                }
            }
        }
        return false;
    }

    // Free addresses for registers of `bytes` on bus 0, below 4 GiB; 0: none. Looks downwards from
    // the interrupt controllers, where PCs have no RAM.
    u64 find_room(u64 bytes) {
        constexpr u64 kTop = 0xfec00000, kBottom = 0xf0000000;
        u64 step = bytes < PAGE_BYTES ? u64{PAGE_BYTES} : bytes;
        if (step > kTop - kBottom) {
            return 0;
        }
        u64 at = kTop / step * step;
        for (u32 i = 0; i < kRoomSteps && at >= kBottom + step; i++) {
            at -= step;
            if (is_free(at, step)) {
                return at;
            }
        }
        return 0;
    }

  private:
    static constexpr u32 kRoomSteps = 4096;

    static bool meets(u64 a, u64 a_bytes, u64 b, u64 b_bytes) {
        constexpr u64 kPage = PAGE_BYTES;
        return a / kPage <= (b + b_bytes - 1) / kPage && b / kPage <= (a + a_bytes - 1) / kPage;
    }

    bool is_free(u64 at, u64 bytes) {
        for (const Function &f : *this) {
            for (const Base &base : f.base) {
                if (base.is_memory() && meets(base.at, base.bytes, at, bytes)) {
                    return false;
                }
            }
            u32 window = f.bridge ? space(f).read(REG_BRIDGE_MEMORY) : 0;
            u64 first = u64{window & 0xfff0} << 16, last = u64{window & 0xfff00000} | 0xfffff;
            if (f.bridge && first <= last && meets(first, last - first + 1, at, bytes)) {
                return false;
            }
        }
        return true;
    }

    void scan_bus(u32 bus) {
        for (u32 device = 0; device < 32; device++) {
            u32 functions = 1;
            for (u32 i = 0; i < functions; i++) {
                Space<Config> space{config_, static_cast<u16>(bus << 8 | device << 3 | i)};
                if (!space.is_there()) {
                    continue;
                }
                functions = (i == 0 && (space.header() & kMany) != 0) ? 8 : functions;
                add(space);
            }
        }
    }

    void add(const Space<Config> &space) {
        constexpr u32 kBridge = 1;
        if ((space.header() & ~kMany) == kBridge) {
            seen_[space.read(REG_BUSES) >> 8 & 0xff] = true;
        }
        if (count_ == kFunctions) {
            left_out_++;
        } else {
            function_[count_++] = space.identify();
        }
    }

    static constexpr u32 kMany = 0x80;

    Config &config_;
    Function function_[kFunctions];
    u32 count_ = 0, left_out_ = 0;
    bool seen_[256] = {}, scanned_[256] = {};
};

} // namespace pci
