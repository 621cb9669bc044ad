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
        arch::write_msr(arch::MSR_TSC_DEADLINE,
                        due > ~0ull >> CLOCK_SHIFT ? 0 : due << CLOCK_SHIFT); // 0: off.
        return;
    }
    u64 now = clock_now();
    u64 ticks = due > now ? due - now : 0;
    if (ticks > machine.timer_limit) {
        ticks = machine.timer_limit;
    }
    u64 count = (ticks * machine.timer_scale >> TIMER_SCALE_SHIFT) + 1;
    LOCAL_APIC(LOCAL_APIC_COUNT) = due == ~0ull ? 0 : static_cast<u32>(count);
}
