// What a boot loader told us, checked: memory, modules, screen, ACPI, command line.
// SPDX-License-Identifier: BSD-2-Clause
//
// The readers are pure functions of the bytes (test/boot_data_test.cpp feeds them damaged input);
// they bound every count and look at nothing outside `memory`.
#ifndef ARCH_BOOT_DATA_HPP
#define ARCH_BOOT_DATA_HPP

#include "abi/boot_info.h"
#include "abi/capability.h"
#include "arch/x86_64/boot/bytes.hpp"
#include "arch/x86_64/boot/ranges.hpp"

namespace arch {

struct BootData {
    Ranges ram;      // Whole pages that the memory map calls usable.
    Ranges reserved; // Whole pages of the modules and of the boot data itself.
    boot_module_t module[BOOT_MODULE_MAX] = {};
    u32 module_count = 0;
    boot_framebuffer_t framebuffer = {};
    u64 rsdp = 0; // Physical address, 0: none.
    char command_line[BOOT_COMMAND_LINE] = {};
};

// Of the screen: `height` bytes a glyph, from U+0020 on. No height: none.
struct Font {
    const u8 *glyphs = nullptr;
    u32 height = 0;
};

constexpr u32 MULTIBOOT2_MAGIC = 0x36d76289;

// Multiboot2 Specification 2.0, section 3.6. What is refused ends nothing: all tags that can be read are in `out`, for
// the screen on which the refusal is shown.
Refusal read_multiboot(const Memory &memory, u64 address, BootData &out);

// Xen x86/HVM direct boot ABI (PVH), hvm_start_info version 1. Its one module holds the root task's
// ELF file and, on the next page boundary, the boot archive.
Refusal read_pvh(const Memory &memory, u64 address, BootData &out);

// The boot module `font` (boot_font_t), and what is in it.
bool is_font(const boot_module_t &module);
Font read_font(Bytes module);

constexpr u64 page_down(u64 address) {
    return address & ~static_cast<u64>(PAGE_BYTES - 1);
}
constexpr u64 page_up(u64 address) {
    return page_down(address + PAGE_BYTES - 1);
}

} // namespace arch

#endif
