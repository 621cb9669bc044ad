// LentMemory: what clients lend to a driver, mapped for its devices.
// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include "servers/root/api.hpp"

#include "sel/device.hpp"

#include <array>

namespace driver {

inline constexpr u32 kDevices = root::kDevices; // Of a driver, at most.

// What clients lend, mapped for the device that they use.
class LentMemory {
  public:
    using Pool = sel::DmaMemory;

    // A region of fewer pages than `least` is refused (ERR_ARG).
    LentMemory(const root::RegionRoom &room, u32 least) : room_{room}, least_{least} {}

    void set_device(u32 number, const sel::PciDevice &device) { device_[number] = &device; }

    void drop() const { room_.drop(); }
    sel::Result<u32> borrow() {
        sel::Result<root::RegionRoom::Lent> lent = room_.borrow();
        if (!lent) {
            return lent.error();
        }
        window_[lent->place] = lent->window;
        return lent->place;
    }
    sel::Result<const Pool *> use(u32 place, u32 number) {
        Pool &pool = pool_[place];
        pool.unmap();
        if (sel::Result<> mapped = pool.map(*device_[number], window_[place]); !mapped) {
            return mapped.error();
        }
        if (pool.pages() < least_) {
            return ERR_ARG;
        }
        return static_cast<const Pool *>(&pool);
    }
    void give_back(u32 place) {
        if ((kept_ >> place & 1) == 0) {
            pool_[place].unmap();
            [[maybe_unused]] auto done = room_.give_back(place);
        }
    }
    void keep(u32 place) { kept_ |= u32{1} << place; }

  private:
    static constexpr u32 kPlaces = root::kRegionPlaces;
    static_assert(kPlaces <= 32);

    const root::RegionRoom &room_;
    u32 least_;
    std::array<const sel::PciDevice *, kDevices> device_{};
    std::array<sel::Window, kPlaces> window_{};
    std::array<Pool, kPlaces> pool_{};
    u32 kept_ = 0; // Bits: places.
};

} // namespace driver
