// The processor: features, descriptor tables, control registers, model-specific registers.
// SPDX-License-Identifier: BSD-2-Clause
#ifndef ARCH_CPU_HPP
#define ARCH_CPU_HPP

#include "abi/types.h"

namespace arch {

// Intel SDM volume 4, chapter 2.
enum Msr : u32 {
    MSR_APIC_BASE = 0x1b,
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

struct Cpuid {
    u32 eax, ebx, ecx, edx;
};
// All zero for a leaf that the processor does not have.
Cpuid cpuid(u32 leaf, u32 subleaf = 0);

// Stops with a message that names every missing feature.
void cpu_check();

// GDT, TSS, IDT: from now on an exception is a panic, not a reset.
void cpu_load_tables();

// Control registers, syscall registers, vector unit. After the final page tables are in use.
void cpu_enable();

// 1 GiB pages, TSC-deadline timer.
bool cpu_has_huge_pages();
bool cpu_has_deadline();

} // namespace arch

#endif
