// Sets the interrupt controllers up (Intel SDM volume 3, chapter 11; 82093AA data sheet).
// SPDX-License-Identifier: BSD-2-Clause
#include "arch/x86_64/boot/apic.hpp"

#include "arch/x86_64/boot/cpu.hpp"
#include "arch/x86_64/boot/paging.hpp"
#include "arch/x86_64/instructions.h"
#include "arch/x86_64/msr.hpp"

namespace arch {
namespace {

enum : u32 { MASKED = 1 << 16, DELIVER_NMI = 0x400, ONE_SHOT = 0, TSC_DEADLINE = 2 << 17 };

// Vectors 32..47, in case of a spurious interrupt; then everything masked.
void pic_disable() {
    enum { MASTER = 0x20, SLAVE = 0xa0, DATA = 1, START = 0x11, MODE_8086 = 1, ALL = 0xff };
    port_out(MASTER, 1, START);
    port_out(SLAVE, 1, START);
    port_out(MASTER + DATA, 1, 0x20);
    port_out(SLAVE + DATA, 1, 0x28);
    port_out(MASTER + DATA, 1, 4);
    port_out(SLAVE + DATA, 1, 2);
    port_out(MASTER + DATA, 1, MODE_8086);
    port_out(SLAVE + DATA, 1, MODE_8086);
    port_out(MASTER + DATA, 1, ALL);
    port_out(SLAVE + DATA, 1, ALL);
}

// Enabled at its address, not in x2APIC mode (which can be left only through "disabled").
void local_apic_init() {
    enum : u64 { ENABLED = 1 << 11, X2APIC = 1 << 10 };
    constexpr u32 SOFTWARE_ENABLED = 0x100, DIVIDE_BY_1 = 0xb;
    u64 base = read_msr(MSR_APIC_BASE);
    if ((base & X2APIC) != 0) {
        write_msr(MSR_APIC_BASE, base & ~(ENABLED | X2APIC));
    }
    base = (base & ~static_cast<u64>(X2APIC)) | ENABLED;
    write_msr(MSR_APIC_BASE, base);
    paging_map_registers(REGISTERS_LOCAL_APIC, base);

    machine.local_apic_id = LOCAL_APIC(LOCAL_APIC_ID) >> 24;
    machine.deadline = cpu_has_deadline();
    LOCAL_APIC(LOCAL_APIC_SPURIOUS) = SOFTWARE_ENABLED | VECTOR_SPURIOUS;
    LOCAL_APIC(LOCAL_APIC_LINT0) = MASKED;
    LOCAL_APIC(LOCAL_APIC_LINT1) = DELIVER_NMI;
    LOCAL_APIC(LOCAL_APIC_ERROR) = MASKED;
    LOCAL_APIC(LOCAL_APIC_DIVIDE) = DIVIDE_BY_1;
    LOCAL_APIC(LOCAL_APIC_TIMER) = VECTOR_TIMER | (machine.deadline ? TSC_DEADLINE : ONE_SHOT);
}

void io_apic_init(u32 i, const Acpi::IoApic &found) {
    enum { SELECT = 0, WINDOW = 0x10, VERSION = 1, ENTRY = 0x10 };
    u32 page = REGISTERS_IO_APIC + i;
    paging_map_registers(page, found.address);
    REGISTER(page, SELECT) = VERSION;
    u32 lines = (REGISTER(page, WINDOW) >> 16 & 0xff) + 1;
    for (u32 pin = 0; pin < lines; pin++) {
        REGISTER(page, SELECT) = ENTRY + 2 * pin;
        REGISTER(page, WINDOW) = MASKED;
    }
    machine.io_apic[i] = {found.first_line, lines};
}

} // namespace

void apic_init(const Acpi &acpi) {
    pic_disable();
    local_apic_init();
    for (u32 i = 0; i < acpi.io_apic_count; i++) {
        io_apic_init(i, acpi.io_apic[i]);
    }
    machine.io_apic_count = acpi.io_apic_count;
    for (u32 i = 0; i < Acpi::ISA_LINES; i++) {
        machine.isa[i] = {acpi.isa[i].line, acpi.isa[i].flags};
    }
}

} // namespace arch
