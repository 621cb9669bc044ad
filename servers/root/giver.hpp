// Giver: gives a program what boot/system.toml says, out of what root holds.
// SPDX-License-Identifier: BSD-2-Clause
//
// Clients and faults are not given here: who has which endpoint, and when, is the business of Programs.
#pragma once

#include "kit.hpp"

#include "sel/process.hpp"

namespace root {

// Registers of a device.
struct DevicePart {
    u64 physical = 0;
    u32 pages = 0;
};

class Giver {
  public:
    // `archive`: the boot module that a GRANT_ARCHIVE maps.
    Giver(Kit &kit, const boot_module_t &archive) : kit_{kit}, archive_{archive} {}

    // Frames that these grants will take in the book of the program, at most.
    u32 frames(const ProgramRecord &record, std::span<const Grant> grants) const;

    sel::Result<> give(sel::Process &program, const Grant &grant);

    // Of a GRANT_PCI: `pages` of registers as pages `at` on of its window; its interrupt.
    sel::Result<> give_registers(sel::Process &program, const Grant &grant, const DevicePart &part,
                                 u32 at);
    sel::Result<sel::MsiInfo> give_interrupt(sel::Process &program, const Grant &grant, u32 line);

  private:
    sel::Result<> give_device(sel::Process &program, const Grant &grant);
    sel::Result<> give_archive(sel::Process &program, const Grant &grant);
    sel::Result<> give_irq(sel::Process &program, const Grant &grant);
    sel::Result<cptr_t> device_frames(sel::Process &program, u64 physical, u64 pages);
    u64 archive_pages() const { return (archive_.bytes + PAGE_BYTES - 1) / PAGE_BYTES; }

    Kit &kit_;
    const boot_module_t &archive_;
};

} // namespace root
