// PciDevice, DmaPool: what a driver has of its device, and the memory that both of them touch.
// SPDX-License-Identifier: BSD-2-Clause
//
//   constexpr sel::PciDevice caps::device{...};      need "pci"; servers/pci/api.hpp claims it
//   constexpr sel::Window caps::pool{...};           need "pool"
//   std::array<sel::ClientPool, N> caps::pools{...}; need "pool*"
//   static sel::DmaPool pool{caps::pool};            asks the kernel once where the pages are
//   *pool.at<u64>(3, 0) = 1;                         the processor's view of page 3
//   command.address = pool.physical(3);              the device's view of it
#pragma once

#include "sel/capability.hpp"

namespace sel {

// Slots and addresses that root keeps for the device. Nothing is there until it has been claimed.
struct PciDevice {
    static constexpr u64 kWindowBytes = 64 * PAGE_BYTES; // As scripts/manifest.py makes it.

    SlotRange slots; // The interrupt, then Frames of registers.
    u64 window;      // Where registers are mapped, uncached.
    u64 bit;         // Of its interrupt in on_signal().

    constexpr Interrupt interrupt() const { return {slots.first, bit}; }

    // A register, `offset` bytes into the window.
    template <typename T>
    volatile T &at(u64 offset) const {
        return *reinterpret_cast<volatile T *>(window + offset);
    }
};

// A pool that a server shares with one client (need "pool*"), in its part of the server.
struct ClientPool {
    u32 program; // Caller::client
    u8 part;     // Caller::part
    Window window;
};

// A pool, page by page. Its pages may lie anywhere in RAM, and stay there as long as the machine runs.
class DmaPool {
  public:
    static constexpr u32 kPagesMax = 256; // scripts/manifest.py allows no larger pool.

    explicit DmaPool(const Window &window) : window_{window} {
        u64 count = window.bytes / PAGE_BYTES;
        while (pages_ < count && pages_ < kPagesMax) {
            Result<FrameInfo> info = Frame{window.frames.first + pages_}.frame_info();
            if (!info) {
                break;
            }
            physical_[pages_++] = info->physical;
        }
    }

    // How many there are: fewer than in the window if a Frame of it is missing.
    u32 pages() const { return pages_; }

    // Physical address of a page; 0: there is no such page.
    u64 physical(u32 page) const { return page < pages_ ? physical_[page] : 0; }

    // `page` < pages().
    template <typename T>
    T *at(u32 page, u32 offset = 0) const {
        return window_.at<T>(u64{page} * PAGE_BYTES + offset);
    }

  private:
    Window window_;
    u32 pages_ = 0;
    u64 physical_[kPagesMax] = {};
};

} // namespace sel
