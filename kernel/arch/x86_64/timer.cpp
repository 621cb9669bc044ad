// Arms the local APIC's timer (Intel SDM volume 3, section 11.5.4).
// SPDX-License-Identifier: BSD-2-Clause
#include "arch/x86_64/instructions.h"
#include "arch/x86_64/msr.hpp"

extern "C" void timer_arm(u64 due) {
    if (due < machine.rest) {
        due = machine.rest;
    }
    machine.armed = due;
    if (machine.deadline) {
        arch::write_msr(arch::MSR_TSC_DEADLINE, due == CLOCK_NEVER ? 0 : due); // 0: off.
        return;
    }
    u64 now = clock_now();
    u64 cycles = due > now ? due - now : 0;
    if (cycles > machine.timer_limit) {
        cycles = machine.timer_limit;
    }
    u64 count = (cycles * machine.timer_scale >> TIMER_SCALE_SHIFT) + 1;
    LOCAL_APIC(LOCAL_APIC_COUNT) = due == CLOCK_NEVER ? 0 : static_cast<u32>(count);
}
