// Measures the clocks of the machine.
// SPDX-License-Identifier: BSD-2-Clause
#include "arch/x86_64/boot/clock.hpp"

#include "arch/x86_64/boot/cpu.hpp"
#include "arch/x86_64/boot/paging.hpp"
#include "arch/x86_64/instructions.h"
#include "arch/x86_64/serial.hpp"

namespace arch {
namespace {

constexpr u64 NS = 1000000000;
constexpr u64 SPAN_MIN_NS = 100000;
constexpr u32 TIMER_START = 0xffffffff;

// A counter of known frequency. IA-PC HPET Specification 1.0a, section 2.3; ACPI 6.4, section 4.8.3.
struct Reference {
    u32 port;      // ACPI timer, 0: HPET.
    u32 mask;      // Of the counter.
    u64 period_fs; // Of one count.
};

struct Reading {
    u64 tsc;
    u32 reference, timer;
};

Reference reference;
Reading first;

enum { HPET_PERIOD = 4, HPET_CONFIGURATION = 0x10, HPET_COUNTER = 0xf0 };

bool hpet_start(u64 address) {
    constexpr u32 PERIOD_MAX_FS = 100000000, ENABLE = 1;
    if (address == 0) {
        return false;
    }
    paging_map_registers(REGISTERS_HPET, address);
    u32 period = REGISTER(REGISTERS_HPET, HPET_PERIOD);
    if (period == 0 || period > PERIOD_MAX_FS) {
        return false;
    }
    u32 configuration = REGISTER(REGISTERS_HPET, HPET_CONFIGURATION);
    REGISTER(REGISTERS_HPET, HPET_CONFIGURATION) = configuration | ENABLE;
    reference = {0, 0xffffffff, period};
    return true;
}

Reading read_clocks() {
    u32 count =
        reference.port != 0 ? port_in(reference.port, 4) : REGISTER(REGISTERS_HPET, HPET_COUNTER);
    return {tsc_read(), count, LOCAL_APIC(LOCAL_APIC_LEFT)};
}

u64 nanoseconds(const Reading &from, const Reading &to) {
    return ((to.reference - from.reference) & reference.mask) * reference.period_fs / 1000000;
}

// CPUID leaf 15H: TSC frequency from the crystal's; 0 if the processor does not tell.
u64 tsc_hz_told() {
    Cpuid id = cpuid(0x15);
    return id.eax != 0 ? static_cast<u64>(id.ecx) * id.ebx / id.eax : 0;
}

} // namespace

void clock_begin(const Acpi &acpi) {
    constexpr u64 ACPI_TIMER_PERIOD_FS = 279365115; // 3.579545 MHz
    if (!hpet_start(acpi.hpet)) {
        if (acpi.timer_port == 0) {
            boot_stop("no HPET and no ACPI timer to measure the clock with");
        }
        reference = {acpi.timer_port, 0xffffff, ACPI_TIMER_PERIOD_FS};
    }
    if (!machine.deadline) {
        LOCAL_APIC(LOCAL_APIC_COUNT) = TIMER_START;
    }
    first = read_clocks();
}

void clock_end() {
    Reading last = read_clocks();
    for (u32 i = 0; nanoseconds(first, last) < SPAN_MIN_NS; i++) {
        last = read_clocks();
        if (i == 10000000) {
            boot_stop("the reference clock stands still");
        }
    }
    u64 ns = nanoseconds(first, last), tsc = last.tsc - first.tsc;
    machine.tsc_hz = tsc_hz_told();
    if (machine.tsc_hz == 0) {
        u64 scale = tsc / (~0ull / NS) + 1; // Keeps the product within 64 bits.
        machine.tsc_hz = tsc / scale * NS / (ns / scale);
    }
    u64 counts = first.timer - last.timer;
    machine.timer_scale = (counts << TIMER_SCALE_SHIFT) / tsc;
    if (!machine.deadline) {
        if (machine.timer_scale == 0) {
            boot_stop("the timer of the local APIC stands still");
        }
        machine.timer_limit =
            (static_cast<u64>(TIMER_START - 1) << TIMER_SCALE_SHIFT) / machine.timer_scale;
    }
    timer_arm(machine.alarm);
}

} // namespace arch
