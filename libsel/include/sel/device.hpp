// PciDevice, DmaMemory: what a driver has of its device, and the memory that both of them touch.
// SPDX-License-Identifier: BSD-2-Clause
//
//   constexpr sel::PciDevice caps::device{...};      need "pci"; servers/pci/api.hpp claims it
//   constexpr sel::Window caps::pool{...};           need "pool"
//   static sel::DmaMemory pool;
//   pool.map(caps::device, caps::pool);              from now on the device may reach it
//   *pool.at<u64>(3, 0) = 1;                         the processor's view of page 3
//   command.address = pool.physical(3);              the device's view of it
//   pool.unmap();                                    when the device has forgotten all of these
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

// Memory for a device, page by page. Its pages may lie anywhere in RAM.
class DmaMemory {
  public:
    static constexpr u32 kPagesMax = 256;

    // The pages of this window, for this device. There is no IOMMU: every device reaches them, at their
    // physical addresses. ERR_BUSY: it has some already. ERR_ARG: there are too many. Others: of the kernel, for a
    // Frame that is not there; then it has none.
    Result<> map(const PciDevice &, const Window &window) {
        if (pages_ != 0) {
            return ERR_BUSY;
        }
        if (window.frames.count > kPagesMax) {
            return ERR_ARG;
        }
        for (u32 i = 0; i < window.frames.count; i++) {
            Result<FrameInfo> info = Frame{window.frames.first + i}.frame_info();
            if (!info) {
                return info.error();
            }
            physical_[i] = info->physical;
        }
        pages_ = window.frames.count;
        address_ = window.address;
        return {};
    }

    // The device has forgotten all addresses of it.
    void unmap() { pages_ = 0; }

    // How many there are; 0: it is not mapped.
    u32 pages() const { return pages_; }

    // Address of a page, for the device; 0: there is no such page.
    u64 physical(u32 page) const { return page < pages_ ? physical_[page] : 0; }

    // `page` < pages().
    template <typename T>
    T *at(u32 page, u32 offset = 0) const {
        return reinterpret_cast<T *>(address_ + u64{page} * PAGE_BYTES + offset);
    }

  private:
    u64 address_ = 0;
    u32 pages_ = 0;
    u64 physical_[kPagesMax] = {};
};

} // namespace sel
