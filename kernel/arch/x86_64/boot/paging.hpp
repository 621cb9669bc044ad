// The kernel's own address space.
// SPDX-License-Identifier: BSD-2-Clause
//
//   PHYSICAL_WINDOW          all RAM below 512 GiB          read, write
//   KERNEL_BASE - 16 GiB     RAM below OBJECT_LIMIT         read, write (the same tables)
//   KERNEL_BASE              the null page                  read
//   KERNEL_BASE + 1 MiB      the image, 4 KiB pages         text execute, rodata read, data write
//   REGISTER_WINDOW          registers, uncached            read, write
//   SCREEN_WINDOW            the boot loader's frame buffer, uncached           read, write
// Nothing is both writable and executable; only RAM is mapped cached; the image's own pages are
// reachable in the image alone, but for the part that only booting needs: that is RAM like any other,
// and switch_first (entry.S) takes it out of the image. Nothing else in the upper half changes after
// boot: every VSpace copies it.
#ifndef ARCH_PAGING_HPP
#define ARCH_PAGING_HPP

#include "arch/x86_64/boot/bytes.hpp"
#include "arch/x86_64/boot/ranges.hpp"

namespace arch {

// The pages that the kernel image occupies, and those at its end that only booting needs.
Range paging_image();
Range paging_boot_part();

// Bytes that the tables for `ram` take at most.
u64 paging_bytes(const Ranges &ram);

// Builds the tables in `pool` (below 4 GiB, at least paging_bytes(ram)) and loads them. `ram` is
// what the windows are to show; `screen`: the frame buffer, if it has any bytes.
void paging_init(const Ranges &ram, Range pool, bool huge_pages, const Range &screen);

// Where the frame buffer is then. nullptr: there is none, or it is larger than 510 MiB.
u8 *paging_screen();

// Maps a page of registers at page `page` of REGISTER_WINDOW.
void paging_map_registers(u32 page, u64 address);

} // namespace arch

#endif
