// The root task: made at boot, given everything.
// SPDX-License-Identifier: BSD-2-Clause
#ifndef ARCH_ROOT_TASK_HPP
#define ARCH_ROOT_TASK_HPP

#include "arch/x86_64/boot_data.hpp"

namespace arch {

// Makes the root task of module 0 and switches to it. `ram`, `device`: the memory it is given.
[[noreturn]] void root_task_start(const BootData &boot, const Ranges &ram, const Ranges &device);

} // namespace arch

#endif
