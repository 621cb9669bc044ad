// The leaves of core/leaf.h on x86_64.
// SPDX-License-Identifier: BSD-2-Clause
#ifndef ARCH_LEAF_IMPL_H
#define ARCH_LEAF_IMPL_H

#include "arch/x86_64/instructions.h"
#include "arch/x86_64/machine.h"

static inline void tlb_drop(u64 address) {
    __asm__ volatile("invlpg (%0)" ::"r"(address) : "memory");
}

static inline void tlb_flush(void) {
    __asm__ volatile("mov %0, %%cr3" ::"r"(cpu_space) : "memory");
}

static inline u64 space_kernel(void) {
    return (u64)kernel_top - KERNEL_BASE;
}

static inline void space_leave(void) {
    cpu_space = space_kernel();
    tlb_flush();
}

// The vector state of a thread that dies or may no longer use it is worth nothing.
static inline void vector_drop(u32 tcb) {
    if (machine.vector_owner == tcb) {
        machine.vector_owner = 0;
        cpu_mode = 0;
        u64 cr0;
        __asm__ volatile("mov %%cr0, %0" : "=r"(cr0));
        __asm__ volatile("mov %0, %%cr0" ::"r"(cr0 | 8)); // TS
    }
}

// The pin of a line: which I/O APIC, IO_APIC_COUNT: there is none, and which of its pins. Lines 0..15 mean
// the ISA interrupts: the MADT says where they are wired to, and how.
typedef struct {
    u32 apic, pin;
} irq_pin_t;

static inline irq_pin_t irq_pin(u32 line) {
    u32 gsi = line & IRQ_LINE;
    if (gsi < 16) {
        gsi = machine.isa[gsi].line;
    }
    for (u32 i = 0; i < machine.io_apic_count && (line & IRQ_MSI) == 0; i++) {
        u32 pin = gsi - machine.io_apic[i].first_line;
        if (pin < machine.io_apic[i].lines) {
            return (irq_pin_t){i, pin};
        }
    }
    return (irq_pin_t){IO_APIC_COUNT, 0};
}

static inline u32 irq_line_exists(u32 line) {
    return irq_pin(line).apic != IO_APIC_COUNT;
}

// Writes the redirection entry of a line (82093AA data sheet, section 3.2.4).
static inline void irq_route(u32 irq, u32 line, u32 masked) {
    enum {
        SELECT = 0,
        WINDOW = 0x10,
        ENTRY = 0x10,
        LEVEL = 1 << 15,
        LOW = 1 << 13,
        MASKED = 1 << 16
    };
    irq_pin_t at = irq_pin(line);
    if (at.apic == IO_APIC_COUNT) {
        return;
    }
    u32 gsi = line & IRQ_LINE, flags = line | (gsi < 16 ? machine.isa[gsi].flags : 0);
    if (!masked) { // Its destination stands in the upper half, before it may come.
        REGISTER(REGISTERS_IO_APIC + at.apic, SELECT) = ENTRY + 2 * at.pin + 1;
        REGISTER(REGISTERS_IO_APIC + at.apic, WINDOW) = machine.local_apic_id << 24;
    }
    REGISTER(REGISTERS_IO_APIC + at.apic, SELECT) = ENTRY + 2 * at.pin;
    REGISTER(REGISTERS_IO_APIC + at.apic, WINDOW) =
        (VECTOR_IRQ + irq) | (u32)LEVEL * ((flags & IRQ_LEVEL) != 0) |
        (u32)LOW * ((flags & IRQ_LOW) != 0) | (u32)MASKED * masked;
}

static inline void irq_mask(u32 irq, u32 line) {
    irq_route(irq, line, 1);
}

static inline void irq_unmask(u32 irq, u32 line) {
    irq_route(irq, line, 0);
}

// Intel SDM volume 3, section 11.11 (message signalled interrupts): fixed, edge, this processor.
static inline u64 irq_message(u32 irq) {
    return (0xfee00000u | machine.local_apic_id << 12) | (u64)(VECTOR_IRQ + irq) << 32;
}

static inline u64 trace_set(u32 on) {
    return trace_switch(on);
}

#endif
