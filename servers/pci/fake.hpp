// Fake: a PCI bus in memory, for the tests.
// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <array>
#include <map>
#include <vector>

#include "bus.hpp"

namespace pci {

// What a function's 256 bytes hold, and which bits of them can be written.
struct FakeFunction {
    std::array<u32, 64> word{}, writable{};
    std::vector<u32> written; // Offsets, in their order.
    u32 resets = 0;

    void base(u32 i, u32 value, u32 mask) {
        word[REG_BAR / 4 + i] = value;
        writable[REG_BAR / 4 + i] = mask;
    }
    // Appends a capability at `at`, behind the one at `before` (0: it is the first).
    void capability(u32 before, u32 at, u32 id, u32 upper) {
        word[at / 4] = id | upper << 16;
        word[1] |= STATUS_CAPABILITIES;
        if (before == 0) {
            word[REG_CAPABILITIES / 4] = at;
        } else {
            word[before / 4] |= at << 8;
        }
    }
};

struct FakeConfig {
    std::map<u32, FakeFunction> function;
    u64 accesses = 0;

    FakeFunction &add(u32 address, u32 vendor, u32 device, u32 code) {
        FakeFunction &f = function[address];
        f.word[0] = device << 16 | vendor;
        f.word[2] = code << 8;
        f.writable[1] = 0x407;
        f.writable[REG_INTERRUPT / 4] = 0xff;
        return f;
    }
    u32 read(u16 address, u32 offset) {
        accesses++;
        auto found = function.find(address);
        return found == function.end() ? ~0u : found->second.word[offset / 4];
    }
    void write(u16 address, u32 offset, u32 value) {
        accesses++;
        auto found = function.find(address);
        if (found == function.end()) {
            return;
        }
        FakeFunction &f = found->second;
        u32 &word = f.word[offset / 4], mask = f.writable[offset / 4];
        word = (word & ~mask) | (value & mask);
        f.written.push_back(offset);
        // The reset of PCI Express forgets addresses and commands.
        u32 express = f.word[REG_CAPABILITIES / 4] & 0xfc;
        if (express != 0 && (f.word[express / 4] & 0xff) == CAPABILITY_EXPRESS &&
            offset == express + 8 && (value & 0x8000) != 0) {
            f.resets++;
            for (u32 i = 0; i < kBars; i++) {
                f.word[REG_BAR / 4 + i] &= ~f.writable[REG_BAR / 4 + i];
            }
            f.word[1] &= ~0xffffu;
        }
    }
};

// A disk as QEMU shows it: 16 KiB of registers, MSI-X table behind them.
inline FakeFunction &add_nvme(FakeConfig &config, u32 address, u64 at) {
    FakeFunction &f = config.add(address, 0x1b36, 0x0010, 0x010802);
    f.base(0, static_cast<u32>(at) | 4, 0xffffc000);
    f.base(1, static_cast<u32>(at >> 32), 0xffffffff);
    f.capability(0, 0x80, CAPABILITY_EXPRESS, 2);
    f.word[0x84 / 4] = 1u << 28; // It can be reset.
    f.writable[0x88 / 4] = 0x7fff;
    f.capability(0x80, 0x40, CAPABILITY_MSIX, 64); // 65 entries.
    f.writable[0x40 / 4] = 0xc0000000;
    f.word[0x44 / 4] = 0x2000;
    return f;
}

} // namespace pci
