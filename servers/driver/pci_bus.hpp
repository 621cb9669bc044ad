// PciBus, Slice: a driver's devices as pci gives them, and its own memory for them.
// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include "servers/driver/bus.hpp"
#include "servers/pci/api.hpp"

#include "sel/clock.hpp"

#include <array>
#include <utility>

namespace driver {

// A device that pci has for this program: number `place` of those that its manifest names.
class PciBus {
  public:
    PciBus(u32 place, sel::PciDevice device, sel::Client<pci::Claim> pci, sel::Notification signals)
        : place_{place}, device_{device}, pci_{pci}, signals_{signals} {}

    // Registers are there; no DMA yet.
    sel::Result<> take() {
        sel::Result<pci::Taken> taken = pci::take(pci_, device_, place_);
        for (u32 i = 0; i < kTries && taken.error() == ERR_RESTARTED; i++) {
            taken = pci::take(pci_, device_, place_);
        }
        if (taken.ok()) {
            taken_ = *taken;
        }
        return taken.error();
    }
    sel::Result<> allow_dma() { return pci_.call(pci::Start{.place = place_}).error(); }

    u32 config(u32 offset) {
        return pci_.call(pci::ReadConfig{.place = place_, .offset = offset}).value_or(0);
    }
    u32 bytes(u32 bar) const { return bar < pci::kBars ? taken_.bar[bar].bytes : 0; }
    template <typename T>
    T read(u32 bar, u32 offset) const {
        return has<T>(bar, offset) ? device_.at<T>(taken_.bar[bar].offset + offset) : 0;
    }
    template <typename T>
    void write(u32 bar, u32 offset, T value) const {
        if (has<T>(bar, offset)) {
            device_.at<T>(taken_.bar[bar].offset + offset) = value;
        }
    }

    const sel::PciDevice &device() const { return device_; }
    pci::Signal signal() const { return taken_.signal; }
    bool is_mine(u64 bits) const { return (bits & device_.bit) != 0; }
    void acknowledge() const { [[maybe_unused]] auto done = device_.interrupt().acknowledge(); }

    u64 now_ms() const { return clock_.nanoseconds(sel::now()) / 1'000'000; }
    // Signals of others are kept for the server.
    void pause() {
        sel::Result<u64> woken = signals_.wait(sel::milliseconds(1));
        if (woken && is_mine(*woken)) {
            acknowledge();
        }
        missed |= woken.value_or(0) & ~device_.bit;
    }

    static inline u64 missed = 0; // Signals that pause() has received in the place of the server.

  private:
    static constexpr u32 kTries = 3;

    // Devices say where their registers are; not all of them are right.
    template <typename T>
    bool has(u32 bar, u32 offset) const {
        return u64{offset} + sizeof(T) <= bytes(bar);
    }

    u32 place_;
    sel::PciDevice device_;
    sel::Client<pci::Claim> pci_;
    sel::Notification signals_;
    sel::Clock clock_ = sel::clock();
    pci::Taken taken_{};
};

// Of the driver's own memory, what one device has: `pages` from `first` on, for it.
class Slice {
  public:
    Slice(const sel::PciDevice &device, const sel::Window &rings, u32 first, u32 pages) {
        sel::Window part{rings.address + u64{first} * PAGE_BYTES,
                         u64{pages} * PAGE_BYTES,
                         {rings.frames.first + first, pages}};
        mapped_ = memory_.map(device, part);
    }

    sel::Result<> mapped() const { return mapped_; }
    u64 physical(u32 page) const { return memory_.physical(page); }
    template <typename T>
    T *at(u32 page, u32 offset = 0) const {
        return memory_.at<T>(page, offset);
    }

  private:
    sel::DmaMemory memory_;
    sel::Result<> mapped_;
};

template <std::size_t... I>
std::array<PciBus, sizeof...(I)>
make_buses(std::index_sequence<I...>, const std::array<sel::PciDevice, sizeof...(I)> &devices,
           sel::Client<pci::Claim> pci, sel::Notification signals) {
    return {PciBus{static_cast<u32>(I), devices[I], pci, signals}...};
}

} // namespace driver
