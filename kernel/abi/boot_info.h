// What the kernel tells the root task: one read-only page at BOOT_INFO_ADDRESS.
// SPDX-License-Identifier: BSD-2-Clause
#ifndef ABI_BOOT_INFO_H
#define ABI_BOOT_INFO_H

#include "abi/types.h"

#define BOOT_INFO_ADDRESS 0x7fff00000000ull
#define BOOT_IPC_BUFFER 0x7fff00001000ull
#define BOOT_STACK_TOP 0x7ffeffff0000ull // Grows down; BOOT_STACK_PAGES are mapped below it.
#define BOOT_THREAD_BLOCK 64 // Bytes at the top of the first stack, where the base of fs points.

enum {
    BOOT_INFO_VERSION = 1,
    BOOT_STACK_PAGES = 16,
    BOOT_CNODE_SLOTS = 4096,
    BOOT_UNTYPED_MAX = 64,
    BOOT_MODULE_MAX = 8,
    BOOT_COMMAND_LINE = 256
};

enum {
    BOOT_FONT_MAGIC = 0x31464254, // "TBF1"
    BOOT_FONT_WIDTH = 8,          // Pixels.
    BOOT_FONT_HEIGHT_MAX = 32,
    BOOT_FONT_ASCII = 95,
    BOOT_FONT_BYTES_MAX = 1 << 18
};

// The first capabilities in the root task's CNode.
enum {
    BOOT_CAP_CNODE = 1,
    BOOT_CAP_TCB,
    BOOT_CAP_VSPACE,
    BOOT_CAP_BUFFER,
    BOOT_CAP_CONTEXT,
    BOOT_CAP_REPLY,
    BOOT_CAP_SCHED_CONTROL,
    BOOT_CAP_IRQ_CONTROL,
    BOOT_CAP_IO_PORT, // All 65,536 ports.
    BOOT_CAP_TRACE_CONTROL,
    BOOT_CAP_TRACE,        // TRACE_FRAMES Frames (4 KiB, read only): the trace ring.
    BOOT_CAP_UNTYPED = 32, // Then untyped_count of them, as in untyped[].
    BOOT_CAP_FREE = 128    // From here on the slots are empty.
};

typedef enum { UNTYPED_RAM, UNTYPED_DEVICE } untyped_kind_t;

typedef struct {
    u64 base, bytes; // Physical; multiples of PAGE_BYTES.
    u32 kind;        // UNTYPED_RAM or UNTYPED_DEVICE (registers, ROM, modules, ACPI tables).
    u32 reserved;
} boot_untyped_t;

typedef struct {
    u64 base, bytes; // Physical; base is a multiple of PAGE_BYTES and lies in a device untyped.
    char name[16];   // Command line of the module in grub.cfg, cut to fit.
} boot_module_t;

typedef struct {
    u64 address;       // Physical, 0: none.
    u32 pitch;         // Bytes a line.
    u32 width, height; // Pixels or cells.
    u32 bits; // A pixel: 32. A cell: 16, a character of code page 437 and its attribute (VGA).
    u8 red_shift, green_shift, blue_shift; // Of the eight bits of each in a pixel.
    u8 text;                               // 1: it has cells.
    u8 row;                                // Of text, below which the kernel has written nothing.
    u8 reserved[3];
} boot_framebuffer_t;

// The boot module `font`: this; then `count` code points (u32, rising), of which the first BOOT_FONT_ASCII are those
// from U+0020 on; then their glyphs. A glyph is `height` bytes, a row each from the top, the leftmost pixel in bit 7.
typedef struct {
    u32 magic, height, count, reserved;
} boot_font_t;

typedef struct {
    u32 version; // BOOT_INFO_VERSION
    u32 untyped_count, module_count;
    u32 free_slot;   // First empty slot of the root CNode.
    u32 cnode_slots; // BOOT_CNODE_SLOTS
    u32 reserved;
    u64 tsc_hz;       // Ticks a second = tsc_hz >> CLOCK_SHIFT.
    u64 entry_tsc;    // Time-stamp counter when the boot loader entered the kernel.
    u64 acpi_rsdp;    // Physical address of the ACPI RSDP copy found by the boot loader, 0: none.
    u64 ram_bytes;    // Usable RAM that the memory map lists.
    u64 kernel_bytes; // Size of the kernel's .text + .rodata.
    boot_framebuffer_t framebuffer;
    boot_module_t module[BOOT_MODULE_MAX];
    boot_untyped_t untyped[BOOT_UNTYPED_MAX];
    char command_line[BOOT_COMMAND_LINE];
} boot_info_t;

#endif
