// Model-specific registers (Intel SDM volume 4, chapter 2).
// SPDX-License-Identifier: BSD-2-Clause
#ifndef ARCH_MSR_HPP
#define ARCH_MSR_HPP

#include "abi/types.h"

namespace arch {

enum Msr : u32 {
    MSR_APIC_BASE = 0x1b,
    MSR_TSC_DEADLINE = 0x6e0,
    MSR_STAR = 0xc0000081,
    MSR_LSTAR = 0xc0000082,
    MSR_SFMASK = 0xc0000084
};

inline u64 read_msr(u32 msr) {
    u32 low, high;
    __asm__ volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(msr));
    return static_cast<u64>(high) << 32 | low;
}

inline void write_msr(u32 msr, u64 value) {
    __asm__ volatile("wrmsr" ::"c"(msr), "a"(static_cast<u32>(value)),
                     "d"(static_cast<u32>(value >> 32))
                     : "memory");
}

} // namespace arch

#endif
