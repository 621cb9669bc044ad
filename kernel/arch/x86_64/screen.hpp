// Text on the boot loader's frame buffer: boot messages, and the last words of the kernel.
// SPDX-License-Identifier: BSD-2-Clause
//
// Once there are programs, the frame buffer is that of whom root gives it to; the kernel writes there no more but when
// it stops for good. Without a frame buffer, or without the boot module `font`, nothing is shown. What does not
// fit below is not shown either: the beginning of a message says more than its end.
#ifndef ARCH_SCREEN_HPP
#define ARCH_SCREEN_HPP

#include "abi/types.h"

namespace arch {

struct Screen {
    u8 *memory;        // As the kernel sees it.
    const u8 *glyphs;  // From U+0020 on.
    u32 pitch, height; // Bytes a line; lines in all.
    u32 columns, rows; // Of text; no rows: there is no screen.
    u32 line_height; // Of a row: pixels. 0: the screen has cells of a character and its attribute (VGA).
    u32 column, row; // Where the next character goes.
    u64 ink, paper;  // Two pixels each; two attributes.
    u64 alarm;       // Paper of a panic.
};
extern Screen screen;

// Empties it: what follows is on top.
void screen_begin(u64 paper);
void screen_put(char c);

} // namespace arch

#endif
