// Builds the kernel's page tables (Intel SDM volume 3, section 4.5).
// SPDX-License-Identifier: BSD-2-Clause
#include "arch/x86_64/boot/paging.hpp"

#include "arch/x86_64/machine.h"
#include "arch/x86_64/serial.hpp"
#include "core/view.h"

namespace arch {

extern "C" {
extern u8 image_start[], statics_start[], text_start[], rodata_start[], data_start[];
extern u8 guard_page[], null_page[];
extern u8 boot_part_start[], boot_rodata_start[], boot_bss_start[], image_end[];
alignas(PAGE_BYTES) u64 image_table[TABLE_ENTRIES]; // In the image: the pool is not mapped later.
}

namespace {

enum : u64 { PRESENT = 1, WRITE = 2, UNCACHED = 0x18, LARGE = 0x80, GLOBAL = 0x100 };
constexpr u64 NO_EXECUTE = 1ull << 63;
constexpr u64 ADDRESS = 0x000ffffffffff000;
constexpr u64 READ_ONLY = PRESENT | GLOBAL | NO_EXECUTE;
constexpr u64 DATA = READ_ONLY | WRITE;
constexpr u64 TEXT = PRESENT | GLOBAL;
constexpr u64 PAGE = 1ull << 12, LARGE_PAGE = 1ull << 21, HUGE_PAGE = 1ull << 30;
constexpr u32 TOP_WINDOW = 256, TOP_KERNEL = 511; // Entries of the top table.
// Directories of window and kernel; a table each above those of registers and image; three because
// the pool itself may split a range.
constexpr u32 FIXED_TABLES = 7;
constexpr u64 OBJECT_GIB = OBJECT_LIMIT / HUGE_PAGE;

u64 pool_next, pool_end;
u64 screen_memory; // Where it is mapped; 0: nowhere.
bool huge_pages_;
alignas(PAGE) u64 register_table[TABLE_ENTRIES];

u64 physical(const void *in_image) {
    return reinterpret_cast<u64>(in_image) - KERNEL_BASE;
}

// The boot tables show the first 4 GiB in the physical window; so do the new ones later.
u64 *window(u64 address) {
    return reinterpret_cast<u64 *>(PHYSICAL_WINDOW + address);
}

u64 new_table() {
    u64 address = pool_next;
    if (address == pool_end) {
        boot_stop("too little memory for the page tables");
    }
    pool_next += PAGE;
    __builtin_memset(window(address), 0, PAGE);
    return address;
}

// The table below entry `e`, made if there is none.
u64 *below(u64 *table, u64 e) {
    if (table[e] == 0) {
        table[e] = new_table() | PRESENT | WRITE;
    }
    return window(table[e] & ADDRESS);
}

// Maps [at, end) of RAM in the physical window with the largest page that fits; returns its end.
u64 map_ram_page(u64 *directory, u64 at, u64 end) {
    u64 size = end - at;
    if (huge_pages_ && at % HUGE_PAGE == 0 && size >= HUGE_PAGE) {
        directory[at / HUGE_PAGE] = at | DATA | LARGE;
        return at + HUGE_PAGE;
    }
    u64 *middle = below(directory, at / HUGE_PAGE);
    u64 e = at / LARGE_PAGE % TABLE_ENTRIES;
    if (at % LARGE_PAGE == 0 && size >= LARGE_PAGE) {
        middle[e] = at | DATA | LARGE;
        return at + LARGE_PAGE;
    }
    below(middle, e)[at / PAGE % TABLE_ENTRIES] = at | DATA;
    return at + PAGE;
}

u64 rights_in_image(const u8 *page) {
    if (page < statics_start || page == guard_page || page == null_page) {
        return 0;
    }
    if (page < text_start || (page >= data_start && page < boot_part_start) ||
        page >= boot_bss_start) {
        return DATA;
    }
    bool text = page < data_start ? page < rodata_start : page < boot_rodata_start;
    return text ? TEXT : READ_ONLY;
}

void map_image() {
    image_table[0] = physical(null_page) | READ_ONLY;
    for (const u8 *page = image_start; page < image_end; page += PAGE) {
        u64 rights = rights_in_image(page);
        image_table[physical(page) / PAGE] = rights == 0 ? 0 : physical(page) | rights;
    }
}

// Of a small screen (VGA text) the pages alone: RAM may be near it. `kernel`: the directory of the last 512 GiB.
void map_screen(u64 *kernel, const Range &screen) {
    u64 first = screen.base / PAGE, pages = (screen.end + PAGE - 1) / PAGE - first;
    if (pages <= SCREEN_PAGES) {
        for (u64 i = 0; i < pages; i++) {
            register_table[REGISTERS_SCREEN + i] = (first + i) * PAGE | DATA | UNCACHED;
        }
        screen_memory = REGISTER_WINDOW + REGISTERS_SCREEN * PAGE + screen.base % PAGE;
        return;
    }
    u64 *middle = below(kernel, SCREEN_WINDOW / HUGE_PAGE % TABLE_ENTRIES);
    u64 entry = SCREEN_WINDOW / LARGE_PAGE % TABLE_ENTRIES;
    for (u64 at = screen.base & ~(LARGE_PAGE - 1); at < screen.end; at += LARGE_PAGE) {
        if (entry == TABLE_ENTRIES) {
            return; // It is too large.
        }
        middle[entry++] = at | DATA | UNCACHED | LARGE;
    }
    screen_memory = SCREEN_WINDOW + screen.base % LARGE_PAGE;
}

} // namespace

Range paging_image() {
    return {physical(image_start), physical(image_end)};
}

Range paging_boot_part() {
    return {physical(boot_part_start), physical(image_end)};
}

u64 paging_bytes(const Ranges &ram) {
    u64 tables = FIXED_TABLES;
    for (const Range &r : ram) {
        tables += 2 + (r.end - 1) / HUGE_PAGE - r.base / HUGE_PAGE + 1;
    }
    return tables * PAGE;
}

void paging_init(const Ranges &ram, Range pool, bool huge_pages, const Range &screen) {
    pool_next = pool.base;
    pool_end = pool.end;
    huge_pages_ = huge_pages;
    u64 *directory = below(kernel_top, TOP_WINDOW);
    for (const Range &r : ram) {
        for (u64 at = r.base; at < r.end;) {
            at = map_ram_page(directory, at, r.end);
        }
    }
    u64 *kernel = below(kernel_top, TOP_KERNEL);
    u64 base = KERNEL_BASE / HUGE_PAGE % TABLE_ENTRIES;
    for (u64 i = 0; i < OBJECT_GIB; i++) {
        kernel[base - OBJECT_GIB + i] = directory[i];
    }
    below(kernel, base)[0] = physical(image_table) | PRESENT | WRITE;
    map_image();
    below(kernel, REGISTER_WINDOW / HUGE_PAGE % TABLE_ENTRIES)[0] =
        physical(register_table) | PRESENT | WRITE;
    if (screen.bytes() != 0) {
        map_screen(kernel, screen);
    }
    cpu_space = physical(kernel_top);
    __asm__ volatile("mov %0, %%cr3" ::"r"(cpu_space) : "memory");
}

u8 *paging_screen() {
    return reinterpret_cast<u8 *>(screen_memory);
}

void paging_map_registers(u32 page, u64 address) {
    register_table[page] = (address & ADDRESS) | DATA | UNCACHED;
    __asm__ volatile("invlpg (%0)" ::"r"(REGISTER_WINDOW + page * PAGE) : "memory");
}

} // namespace arch
