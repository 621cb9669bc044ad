// From what the boot loader says of frame buffer and font to a screen of text.
// SPDX-License-Identifier: BSD-2-Clause
#include "arch/x86_64/boot/display.hpp"

#include "arch/x86_64/boot/paging.hpp"
#include "arch/x86_64/machine.h"
#include "arch/x86_64/screen.hpp"
#include "core/view.h"

namespace arch {
namespace {

constexpr u64 twice(u32 pixel) {
    return u64{pixel} << 32 | pixel;
}
constexpr u64 attributes(u8 colours) {
    return colours * 0x0100010001000100u;
}

u64 bytes_of(const boot_framebuffer_t &f) {
    return u64{f.pitch} * f.height;
}

// The screen that `f` is, seen at `memory`. Without a font a text mode alone is one.
void set(const boot_framebuffer_t &f, u8 *memory, const Font &font) {
    constexpr u32 GREY = 0xc0c0c0c0; // Whatever the order of the colours.
    if (f.text == 0 && font.height == 0) {
        return;
    }
    screen.memory = memory;
    screen.glyphs = font.glyphs;
    screen.pitch = f.pitch;
    screen.height = f.height;
    screen.line_height = f.text != 0 ? 0 : font.height;
    screen.columns = f.text != 0 ? f.width : f.width / BOOT_FONT_WIDTH;
    screen.rows = f.text != 0 ? f.height : f.height / font.height;
    screen.ink = twice(GREY);
    screen.alarm = f.text != 0 ? attributes(0x4f) : twice(u32{0x80} << f.red_shift);
    screen_begin(f.text != 0 ? attributes(0x07) : 0);
}

// The boot module of this name; the windows of boot and kernel show RAM at the same place.
Font find_font(const BootData &boot) {
    for (u32 i = 0; i < boot.module_count; i++) {
        const boot_module_t &module = boot.module[i];
        if (is_font(module) &&
            boot.ram.contains(module.base, page_up(module.base + module.bytes))) {
            return read_font(
                {reinterpret_cast<const u8 *>(PHYSICAL_WINDOW + module.base), module.bytes});
        }
    }
    return {};
}

} // namespace

void display_begin(const Memory &memory, BootData &boot) {
    boot_framebuffer_t &f = boot.framebuffer;
    u64 end = f.address + bytes_of(f);
    if (boot.ram.count() == 0 || end < f.address || boot.ram.meets(f.address, end)) {
        f = {};
    }
    if (f.address != 0 && memory.at(f.address, bytes_of(f)).size() != 0) {
        set(f, reinterpret_cast<u8 *>(PHYSICAL_WINDOW + f.address), find_font(boot));
    }
}

Range display_range(const BootData &boot) {
    const boot_framebuffer_t &f = boot.framebuffer;
    return {f.address, f.address + bytes_of(f)};
}

void display_map(const BootData &boot) {
    const boot_framebuffer_t &f = boot.framebuffer;
    u8 *memory = paging_screen();
    if (memory == nullptr) {
        screen.rows = screen.height = 0;
    } else if (screen.rows != 0) {
        screen.memory = memory;
    } else {
        set(f, memory, find_font(boot));
    }
}

} // namespace arch
