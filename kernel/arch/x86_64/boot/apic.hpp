// The interrupt controllers: legacy PIC off, local APIC on, I/O APICs masked.
// SPDX-License-Identifier: BSD-2-Clause
#ifndef ARCH_APIC_HPP
#define ARCH_APIC_HPP

#include "arch/x86_64/boot/acpi.hpp"

namespace arch {

// Maps the controllers' registers and sets them up. Lines are then routed by irq_unmask().
void apic_init(const Acpi &acpi);

} // namespace arch

#endif
