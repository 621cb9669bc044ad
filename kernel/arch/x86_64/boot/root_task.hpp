// The root task: made at boot, given everything.
// SPDX-License-Identifier: BSD-2-Clause
#ifndef ARCH_ROOT_TASK_HPP
#define ARCH_ROOT_TASK_HPP

#include "arch/x86_64/boot/boot_data.hpp"

namespace arch {

// The memory that the root task is given.
struct RootMemory {
    const Ranges &ram;
    Range boot_part; // RAM that is in use until switch_first (entry.S).
    const Ranges &device;
};

// Makes the root task of module 0 and switches to it.
[[noreturn]] void root_task_start(const BootData &boot, const RootMemory &given);

} // namespace arch

#endif
