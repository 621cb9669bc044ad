// What the kernel needs from the ACPI tables: interrupt controllers and clocks.
// SPDX-License-Identifier: BSD-2-Clause
#ifndef ARCH_ACPI_HPP
#define ARCH_ACPI_HPP

#include "arch/x86_64/boot/bytes.hpp"

namespace arch {

struct Acpi {
    static constexpr u32 IO_APICS_MAX = 8;
    static constexpr u32 ISA_LINES = 16;

    struct IoApic {
        u64 address;
        u32 first_line; // GSI of its pin 0.
    };
    struct IsaLine {
        u32 line;  // GSI it is wired to.
        u32 flags; // IRQ_LEVEL, IRQ_LOW
    };

    IoApic io_apic[IO_APICS_MAX] = {};
    u32 io_apic_count = 0;
    IsaLine isa[ISA_LINES] = {};
    u64 local_apic = 0;
    u64 hpet = 0;       // Physical address of its registers, 0: none.
    u32 timer_port = 0; // I/O port of the ACPI timer, 0: none.
};

// ACPI Specification 6.4, section 5.2. A pure function of the bytes.
Refusal read_acpi(const Memory &memory, u64 rsdp, Acpi &out);

} // namespace arch

#endif
