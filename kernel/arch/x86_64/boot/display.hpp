// Finds the screen before anything is refused, and keeps it in reach of the kernel.
// SPDX-License-Identifier: BSD-2-Clause
#ifndef ARCH_DISPLAY_HPP
#define ARCH_DISPLAY_HPP

#include "arch/x86_64/boot/boot_data.hpp"

namespace arch {

// While the boot tables show the first 4 GiB, which is `memory`. `boot`: as far as it could be read; a frame buffer
// that lies in RAM is none.
void display_begin(const Memory &memory, BootData &boot);

// The bytes of the frame buffer; none: there is none.
Range display_range(const BootData &boot);

// The same place with the kernel's own tables; or only now, if it lies higher.
void display_map(const BootData &boot);

} // namespace arch

#endif
