// The order of booting.
// SPDX-License-Identifier: BSD-2-Clause
#include "arch/x86_64/boot/acpi.hpp"
#include "arch/x86_64/boot/apic.hpp"
#include "arch/x86_64/boot/boot_data.hpp"
#include "arch/x86_64/boot/clock.hpp"
#include "arch/x86_64/boot/cpu.hpp"
#include "arch/x86_64/boot/display.hpp"
#include "arch/x86_64/boot/paging.hpp"
#include "arch/x86_64/boot/root_task.hpp"
#include "arch/x86_64/machine.h"
#include "arch/x86_64/serial.hpp"
#include "core/untyped.h"

machine_t machine;

namespace arch {
namespace {

constexpr u64 EARLY_MEMORY = 1ull << 32; // What the boot tables map.
constexpr u64 RAM_MIN = 4 << 20;

// Off the stack: they are large.
#define BOOT_ONLY [[gnu::section(".bss.boot")]]
BOOT_ONLY BootData boot_data;
BOOT_ONLY Acpi acpi;
BOOT_ONLY Ranges free_ram, shown_ram, device;

void need(bool fits) {
    if (!fits) {
        boot_stop("the memory map is too fragmented: more than 128 areas");
    }
}

// What the processor lacks is refused on the screen, too.
void read_boot_data(u32 magic, u64 address) {
    Memory memory{{reinterpret_cast<const u8 *>(PHYSICAL_WINDOW), EARLY_MEMORY}, 0};
    Refusal wrong = magic == MULTIBOOT2_MAGIC ? read_multiboot(memory, address, boot_data)
                                              : read_pvh(memory, address, boot_data);
    display_begin(memory, boot_data);
    print("\nTRustOs\n");
    cpu_check();
    wrong = wrong != nullptr ? wrong : read_acpi(memory, boot_data.rsdp, acpi);
    if (wrong != nullptr) {
        boot_stop(wrong);
    }
}

// The highest place below 4 GiB for the page tables.
Range choose_pool(u64 bytes) {
    for (u32 i = free_ram.count(); i-- > 0;) {
        u64 end = free_ram[i].end < EARLY_MEMORY ? free_ram[i].end : EARLY_MEMORY;
        if (free_ram[i].base < end && end - free_ram[i].base >= bytes) {
            return {end - bytes, end};
        }
    }
    boot_stop("too little memory for the page tables");
}

// Splits RAM into the kernel's, what the boot loader left in it, and the root task's.
void divide_memory() {
    Range image = paging_image(), boot_part = paging_boot_part();
    shown_ram = boot_data.ram;
    if (!shown_ram.contains(image.base, image.end)) {
        boot_stop("the boot loader put the kernel outside usable memory");
    }
    need(shown_ram.remove(image.base, boot_part.base));
    free_ram = shown_ram;
    need(free_ram.remove(boot_part.base, boot_part.end));
    for (const Range &r : boot_data.reserved) {
        if (r.base < image.end && image.base < r.end) {
            boot_stop("the boot loader put a module or its data over the kernel");
        }
        need(free_ram.remove(r.base, r.end));
    }
    if (free_ram.bytes() < RAM_MIN) {
        boot_stop("too little memory: ", free_ram.bytes() >> 10, " KiB free, at least ",
                  RAM_MIN >> 10, " KiB needed");
    }
    Range pool = choose_pool(paging_bytes(shown_ram));
    need(free_ram.remove(pool.base, pool.end) && shown_ram.remove(pool.base, pool.end));
    paging_init(shown_ram, pool, cpu_has_huge_pages(), display_range(boot_data));
    display_map(boot_data);
}

// Everything that is not RAM, and what the boot loader left in RAM; not the interrupt controllers.
void list_devices() {
    constexpr u64 LOCAL_APIC_BASE = 0xfee00000, LOCAL_APIC_END = 0xfef00000;
    constexpr u32 DEVICES_MAX = 24;
    u32 bits = cpuid(0x80000008).eax & 0xff;
    u64 limit = bits >= 32 && bits < 44 ? 1ull << bits : ADDRESS_LIMIT;
    need(device.add(PAGE_BYTES, limit));
    for (const Range &r : boot_data.ram) {
        need(device.remove(r.base, r.end));
    }
    for (const Range &r : boot_data.reserved) {
        need(device.add(r.base, r.end));
    }
    need(device.remove(LOCAL_APIC_BASE, LOCAL_APIC_END));
    for (u32 i = 0; i < acpi.io_apic_count; i++) {
        u64 page = page_down(acpi.io_apic[i].address);
        need(device.remove(page, page + PAGE_BYTES));
    }
    device.keep_largest(DEVICES_MAX);
    free_ram.keep_largest(BOOT_UNTYPED_MAX - DEVICES_MAX - 1);
}

} // namespace

extern "C" [[noreturn]] void kernel_main(u32 magic, u32 address) {
    serial_init();
    cpu_load_tables();
    read_boot_data(magic, address);
    divide_memory();
    cpu_enable();
    machine.alarm = CLOCK_NEVER;
    apic_init(acpi);
    clock_begin(acpi);
    list_devices();
    print("memory: ", boot_data.ram.bytes() >> 10, " KiB; modules: ", u64{boot_data.module_count},
          "\n");
    root_task_start(boot_data, {free_ram, paging_boot_part(), device});
}

} // namespace arch
