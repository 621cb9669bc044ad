// Configuration space of one function: ids, capabilities, base addresses, message interrupts.
// SPDX-License-Identifier: BSD-2-Clause
//
// Config is how it is reached (main.cpp: ports; tests: a model):
//   u32 read(u16 address, u32 offset)    void write(u16 address, u32 offset, u32 value)
// with `offset` a multiple of 4 below 256. Nothing that a device says is believed: every list ends
// after as many steps as there is room for, every size is a power of two.
// Source: PCI Local Bus Specification 3.0, chapter 6; PCI Express Base Specification 4.0, 7.5.3.
#pragma once

#include <bit>

#include "api.hpp"

namespace pci {

enum Register : u32 {
    REG_ID = 0x00,
    REG_COMMAND = 0x04, // Status in the upper half: writing zeros leaves it.
    REG_CLASS = 0x08,
    REG_HEADER = 0x0c,
    REG_BAR = 0x10,
    REG_BUSES = 0x18,         // Of a bridge.
    REG_BRIDGE_MEMORY = 0x20, // Base and limit.
    REG_CAPABILITIES = 0x34,
    REG_INTERRUPT = 0x3c
};
enum Command : u32 {
    COMMAND_PORTS = 1,
    COMMAND_MEMORY = 2,
    COMMAND_MASTER = 4,
    COMMAND_NO_LINE = 0x400,
    COMMAND_BITS = 0xffff,
    STATUS_CAPABILITIES = 0x100000
};
enum CapabilityId : u8 {
    CAPABILITY_MSI = 5,
    CAPABILITY_EXPRESS = 0x10,
    CAPABILITY_MSIX = 0x11,
    CAPABILITY_FEATURES = 0x13
};

// A base address register.
struct Base {
    u64 at = 0, bytes = 0; // bytes 0: there is none.
    bool memory = false;   // Else ports.
    bool wide = false;     // The next one holds the upper half.

    bool is_memory() const { return memory && bytes != 0; }
};

struct Function {
    u16 address = 0;
    bool bridge = false;
    u32 id = 0, code = 0;
    u8 msi = 0, msix = 0, express = 0, features = 0; // Places of capabilities, 0: none.
    u8 line = 0; // Interrupt line that the firmware chose, 0: none.
    Base base[kBars];

    u32 owner = 0;                // Program, 0: none.
    u32 need = 0;                 // Which of its `pci` needs it was given for.
    u64 ready = 0;                // When it may be touched again after a reset, in ticks.
    Signal signal = Signal::NONE; // As given to the owner.
};

template <typename Config>
class Space {
  public:
    Space(Config &config, u16 address) : config_{config}, address_{address} {}

    u32 read(u32 offset) const { return config_.read(address_, offset & 0xfc); }
    void write(u32 offset, u32 value) const { config_.write(address_, offset & 0xfc, value); }

    bool is_there() const { return (read(REG_ID) & 0xffff) != 0xffff; }
    u32 header() const { return read(REG_HEADER) >> 16 & 0xff; }

    void command(u32 clear, u32 set) const {
        write(REG_COMMAND, (read(REG_COMMAND) & COMMAND_BITS & ~clear) | set);
    }

    Function identify() const {
        Function f;
        u32 id = read(REG_ID), pin = read(REG_INTERRUPT) >> 8 & 0xff;
        f.address = address_;
        f.id = id << 16 | id >> 16;
        f.code = read(REG_CLASS) >> 8;
        f.bridge = (header() & kHeaderKind) != 0;
        find_capabilities(f);
        if (f.bridge) {
            return f;
        }
        u32 line = read(REG_INTERRUPT) & 0xff;
        f.line = pin != 0 && line < kLines ? static_cast<u8>(line) : u8{0};
        if (f.code >> 16 != kClassBridge) {
            measure(f);
        }
        return f;
    }

    // Sizes of the base addresses (6.2.5.1), with the function deaf meanwhile.
    void measure(Function &f) const {
        u32 before = read(REG_COMMAND) & COMMAND_BITS;
        command(COMMAND_PORTS | COMMAND_MEMORY, 0);
        for (u32 i = 0; i < kBars; i += f.base[i].wide ? 2 : 1) {
            f.base[i] = measure_base(i);
        }
        write(REG_COMMAND, before);
    }

    // Writes the base addresses and the line again: a reset forgets them.
    void place(const Function &f) const {
        command(COMMAND_PORTS | COMMAND_MEMORY, 0);
        for (u32 i = 0; i < kBars; i++) {
            const Base &base = f.base[i];
            if (base.bytes != 0) {
                write(REG_BAR + 4 * i, static_cast<u32>(base.at));
            }
            if (base.bytes != 0 && base.wide) {
                write(REG_BAR + 4 * i + 4, static_cast<u32>(base.at >> 32));
            }
        }
        u32 pins = read(REG_INTERRUPT) & ~u32{0xff};
        write(REG_INTERRUPT, pins | f.line);
    }

    // --- Messages. MSI: section 6.8.1; MSI-X: 6.8.2.

    void set_message(const Function &f, const sel::MsiInfo &message) const {
        bool wide = (read(f.msi) & kMsiWide) != 0;
        u32 control = read(f.msi) & ~(kMsiEnable | kMsiCount);
        write(f.msi, control);
        write(f.msi + 4u, static_cast<u32>(message.address));
        if (wide) {
            write(f.msi + 8u, static_cast<u32>(message.address >> 32));
        }
        write(f.msi + (wide ? 12u : 8u), static_cast<u32>(message.data));
        if ((control & kMsiMaskable) != 0) {
            write(f.msi + (wide ? 16u : 12u), 0);
        }
    }

    // NONE: MSI-X that was on stays so, with all messages masked (PCI 3.0, 6.8.2.3): some devices do not bear that it goes
    // off in the middle of their work (QEMU's e1000e).
    void messages(const Function &f, Signal on) const {
        if (f.msi != 0) {
            u32 control = read(f.msi) & ~kMsiEnable;
            write(f.msi, control | (on == Signal::MSI ? kMsiEnable : 0));
        }
        if (f.msix != 0) {
            u32 before = read(f.msix), control = before & ~(kMsixEnable | kMsixMasked);
            bool mask = on == Signal::NONE && (before & kMsixEnable) != 0;
            write(f.msix, control | (on == Signal::MSIX ? kMsixEnable
                                     : mask             ? kMsixEnable | kMsixMasked
                                                        : 0));
        }
    }

    u32 table_entries(const Function &f) const { return (read(f.msix) >> 16 & 0x7ff) + 1; }
    u32 table_bar(const Function &f) const { return read(f.msix + 4u) & 7; }
    u32 table_offset(const Function &f) const { return read(f.msix + 4u) & ~7u; }

    // Resets the function, if it can do that (PCI Express 4.0, 6.6.2; Advanced Features ECN). It may
    // be touched again after 100 ms.
    bool reset(const Function &f) const {
        if (f.express != 0 && (read(f.express + 4u) & kExpressReset) != 0) {
            write(f.express + 8u, (read(f.express + 8u) & 0xffff) | kExpressDoReset);
            return true;
        }
        if (f.features != 0 && (read(f.features) & kFeaturesReset) == kFeaturesReset) {
            write(f.features + 4u, kFeaturesDoReset);
            return true;
        }
        return false;
    }

  private:
    static constexpr u32 kHeaderKind = 0x7f, kLines = 16, kClassBridge = 6;
    static constexpr u32 kFirst = 0x40, kCapabilityBytes = 4;
    static constexpr u32 kMsiEnable = 1u << 16, kMsiCount = 7u << 20, kMsiWide = 1u << 23,
                         kMsiMaskable = 1u << 24;
    static constexpr u32 kMsixEnable = 1u << 31, kMsixMasked = 1u << 30;
    static constexpr u32 kExpressReset = 1u << 28, kExpressDoReset = 1u << 15;
    static constexpr u32 kFeaturesReset = 3u << 24,
                         kFeaturesDoReset = 1; // And transactions pending.

    // The first of each kind. A structure that would not fit below 256 is none.
    void find_capabilities(Function &f) const {
        if ((read(REG_COMMAND) & STATUS_CAPABILITIES) == 0) {
            return;
        }
        u32 at = read(REG_CAPABILITIES) & 0xfc;
        for (u32 steps = 0; steps < (256 - kFirst) / kCapabilityBytes && at >= kFirst; steps++) {
            u32 word = read(at);
            note(f.msi, CAPABILITY_MSI, word, at, 24);
            note(f.msix, CAPABILITY_MSIX, word, at, 12);
            note(f.express, CAPABILITY_EXPRESS, word, at, 12);
            note(f.features, CAPABILITY_FEATURES, word, at, 6);
            at = word >> 8 & 0xfc;
        }
    }

    static void note(u8 &place, CapabilityId id, u32 word, u32 at, u32 bytes) {
        if (place == 0 && (word & 0xff) == id && at + bytes <= 256) {
            place = static_cast<u8>(at);
        }
    }

    // All bits of the register that can be set.
    u32 probe(u32 reg) const {
        u32 before = read(reg);
        write(reg, ~0u);
        u32 mask = read(reg);
        write(reg, before);
        return mask;
    }

    Base measure_base(u32 i) const {
        constexpr u32 kPorts = 1, kKind = 6, kKind64 = 4;
        u32 reg = REG_BAR + 4 * i, low = read(reg);
        Base base;
        base.memory = (low & kPorts) == 0;
        if (!base.memory) {
            base.at = low & ~3u;
            base.bytes = (~(probe(reg) & ~3u) + 1) & 0xffff;
        } else if ((low & kKind) != kKind64) {
            base.at = low & ~0xfu;
            base.bytes = ~(probe(reg) & ~0xfu) + 1;
        } else if (i + 1 < kBars) {
            base.wide = true;
            base.at = (low & ~0xfu) | u64{read(reg + 4)} << 32;
            base.bytes = ~((probe(reg) & ~0xfu) | u64{probe(reg + 4)} << 32) + 1;
        }
        base.bytes = std::has_single_bit(base.bytes) ? base.bytes : 0;
        return base;
    }

    Config &config_;
    u16 address_;
};

} // namespace pci
