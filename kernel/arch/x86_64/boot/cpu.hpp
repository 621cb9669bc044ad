// The processor: features, descriptor tables, control registers.
// SPDX-License-Identifier: BSD-2-Clause
#ifndef ARCH_CPU_HPP
#define ARCH_CPU_HPP

#include "abi/types.h"

namespace arch {

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
