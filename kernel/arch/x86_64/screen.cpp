// Draws glyphs of eight pixels in a row, or writes cells of a text mode.
// SPDX-License-Identifier: BSD-2-Clause
#include "arch/x86_64/screen.hpp"

#include "abi/boot_info.h"

namespace arch {

Screen screen;

namespace {

u8 *line(u32 number) {
    return screen.memory + u64{number} * screen.pitch;
}

void draw(const u8 *glyph) {
    for (u32 y = 0; y < screen.line_height; y++) {
        auto *pixel = reinterpret_cast<volatile u32 *>(line(screen.row * screen.line_height + y)) +
                      u64{screen.column} * BOOT_FONT_WIDTH;
        for (u32 x = 0; x < BOOT_FONT_WIDTH; x++) {
            bool on = (glyph[y] >> (BOOT_FONT_WIDTH - 1 - x) & 1) != 0;
            pixel[x] = static_cast<u32>(on ? screen.ink : screen.paper);
        }
    }
}

} // namespace

void screen_begin(u64 paper) {
    constexpr u64 SPACES = 0x0020002000200020;
    screen.paper = paper;
    screen.column = screen.row = 0;
    u64 fill = screen.line_height != 0 ? paper : paper | SPACES;
    for (u64 at = 0; at + sizeof fill <= u64{screen.height} * screen.pitch; at += sizeof fill) {
        *reinterpret_cast<volatile u64 *>(screen.memory + at) = fill;
    }
}

void screen_put(char c) {
    if (c == '\n' || screen.column == screen.columns) {
        screen.column = 0;
        screen.row++;
    }
    if (c == '\n' || screen.row >= screen.rows) {
        return;
    }
    u32 number = static_cast<u8>(c - ' ');
    number = number < BOOT_FONT_ASCII ? number : '?' - ' ';
    if (screen.line_height != 0) {
        draw(screen.glyphs + u64{number} * screen.line_height);
    } else {
        reinterpret_cast<volatile u16 *>(line(screen.row))[screen.column] =
            static_cast<u16>(screen.paper | (number + ' '));
    }
    screen.column++;
}

} // namespace arch
