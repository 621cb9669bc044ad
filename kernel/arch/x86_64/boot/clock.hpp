// How fast the time-stamp counter and the local APIC's timer run.
// SPDX-License-Identifier: BSD-2-Clause
//
// No calibration wait: both are compared with a reference (HPET, else the ACPI timer) between
// clock_begin() and clock_end(), while the kernel does its boot work anyway. Only if that took less
// than 100 microseconds, clock_end() waits for the rest of them.
#ifndef ARCH_CLOCK_HPP
#define ARCH_CLOCK_HPP

#include "arch/x86_64/boot/acpi.hpp"

namespace arch {

void clock_begin(const Acpi &acpi);

// Sets machine.tsc_hz and the scale of the timer.
void clock_end();

} // namespace arch

#endif
