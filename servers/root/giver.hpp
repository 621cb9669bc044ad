// Giver: gives a program what boot/system.toml says, out of what root holds.
// SPDX-License-Identifier: BSD-2-Clause
//
// Clients and faults are not given here: who has which endpoint, and when, is the business of Programs.
#pragma once

#include "screen.hpp"

#include "sel/process.hpp"

namespace root {

// Registers of a device.
struct DevicePart {
    u64 physical = 0;
    u32 pages = 0;
};

class Giver {
  public:
    // `archive`: the boot module that grant::Archive maps.
    Giver(Kit &kit, Screen &screen, const boot_module_t &archive)
        : kit_{kit}, screen_{screen}, archive_{archive} {}

    // Frames that these grants will take in the book of the program, at most.
    u32 frames(const ProgramRecord &record, std::span<const Grant> grants) const;

    sel::Result<> give(sel::Process &program, const ProgramRecord &record, const Grant &grant);

    // Of a device: `part` as pages `at` on of its window; its interrupt.
    sel::Result<> give_registers(sel::Process &program, const Grant &grant, const DevicePart &part,
                                 u32 at);
    sel::Result<sel::MsiInfo> give_interrupt(sel::Process &program, const Grant &grant, u32 line);

  private:
    // Where it goes.
    struct To {
        sel::Process &program;
        u32 slot, slots;
        bool vector; // The program may use vector registers.
    };

    sel::Result<> give(const To &to, const grant::Io &ports) const;
    sel::Result<> give(const To &to, const grant::Irq &irq) const;
    sel::Result<> give(const To &to, const grant::Device &device) const;
    sel::Result<> give(const To &to, const grant::Archive &archive) const;
    sel::Result<> give(const To &to, const grant::Display &display) const;
    sel::Result<> give(const To &to, const grant::Trace &trace) const;
    sel::Result<> give(const To &to, const grant::TraceControl &control) const;
    sel::Result<> give(const To &to, const grant::Untyped &untyped) const;
    sel::Result<> give(const To &to, const grant::Context &context) const;
    sel::Result<> give(const To &to, const grant::Space &space) const;
    sel::Result<> give(const To &to, const grant::Cspace &cspace) const;
    sel::Result<> give(const To &to, const grant::Doorbell &doorbell) const;
    sel::Result<> give(const To &to, const grant::Pool &pool) const;
    sel::Result<> give(const To &to, const grant::Thread &thread) const;
    sel::Result<> give(const To &to, const grant::Notification &notification) const;
    // Programs gives clients, starters, regions and faults; devices come when they are found; slots stay empty.
    sel::Result<> give(const To &, const grant::Client &) const { return {}; }
    sel::Result<> give(const To &, const grant::Faults &) const { return {}; }
    sel::Result<> give(const To &, const grant::Starter &) const { return {}; }
    sel::Result<> give(const To &, const grant::Region &) const { return {}; }
    sel::Result<> give(const To &, const grant::Regions &) const { return {}; }
    sel::Result<> give(const To &, const grant::Pci &) const { return {}; }
    sel::Result<> give(const To &, const grant::Slots &) const { return {}; }

    sel::Result<cptr_t> device_frames(sel::Process &program, u64 physical, u64 pages) const;
    u64 archive_pages() const { return (archive_.bytes + PAGE_BYTES - 1) / PAGE_BYTES; }

    Kit &kit_;
    Screen &screen_;
    const boot_module_t &archive_;
};

} // namespace root
