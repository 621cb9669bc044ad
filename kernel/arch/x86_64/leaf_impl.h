// The leaves of core/leaf.h on x86_64.
// SPDX-License-Identifier: BSD-2-Clause
#ifndef ARCH_LEAF_IMPL_H
#define ARCH_LEAF_IMPL_H

#include "arch/x86_64/machine.h"

// A few instructions each: inlined even where the compiler saves space.
#define LEAF static inline __attribute__((always_inline))

LEAF u32 bit_top(u64 w) {
    return w == 0 ? 64 : 63u - (u32)__builtin_clzll(w);
}

LEAF u32 bit_low(u64 w) {
    return w == 0 ? 64 : (u32)__builtin_ctzll(w);
}

LEAF u64 tsc_read(void) {
    u32 low, high;
    __asm__ volatile("rdtsc" : "=a"(low), "=d"(high));
    return (u64)high << 32 | low;
}

LEAF u64 clock_now(void) {
    return tsc_read() >> CLOCK_SHIFT;
}

// A timer that is armed for an earlier time stays: it then comes early, and timer_entry arms it anew.
// Most switches between contexts end here.
LEAF void clock_alarm(u64 due) {
    machine.alarm = due;
    if (due < machine.armed) {
        timer_arm(due);
    }
}

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

// Writes the redirection entry of a line (82093AA data sheet, section 3.2.4). Lines 0..15 mean the
// ISA interrupts: the MADT says where they are wired to, and how.
static inline void irq_route(u32 irq, u32 line, u32 masked) {
    enum {
        SELECT = 0,
        WINDOW = 0x10,
        ENTRY = 0x10,
        LEVEL = 1 << 15,
        LOW = 1 << 13,
        MASKED = 1 << 16
    };
    u32 gsi = line & IRQ_LINE;
    u32 flags = line;
    if (gsi < 16) {
        flags |= machine.isa[gsi].flags;
        gsi = machine.isa[gsi].line;
    }
    for (u32 i = 0; i < machine.io_apic_count && (line & IRQ_MSI) == 0; i++) {
        u32 pin = gsi - machine.io_apic[i].first_line;
        if (pin < machine.io_apic[i].lines) {
            REGISTER(REGISTERS_IO_APIC + i, SELECT) = ENTRY + 2 * pin + 1;
            REGISTER(REGISTERS_IO_APIC + i, WINDOW) = machine.local_apic_id << 24;
            REGISTER(REGISTERS_IO_APIC + i, SELECT) = ENTRY + 2 * pin;
            REGISTER(REGISTERS_IO_APIC + i, WINDOW) =
                (VECTOR_IRQ + irq) | (u32)LEVEL * ((flags & IRQ_LEVEL) != 0) |
                (u32)LOW * ((flags & IRQ_LOW) != 0) | (u32)MASKED * masked;
        }
    }
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

static inline u32 port_in(u32 port, u32 bytes) {
    u32 value = 0;
    if (bytes == 1) {
        __asm__ volatile("inb %w1, %b0" : "+a"(value) : "d"(port));
    } else if (bytes == 2) {
        __asm__ volatile("inw %w1, %w0" : "+a"(value) : "d"(port));
    } else {
        __asm__ volatile("inl %w1, %0" : "+a"(value) : "d"(port));
    }
    return value;
}

static inline void port_out(u32 port, u32 bytes, u32 value) {
    if (bytes == 1) {
        __asm__ volatile("outb %b0, %w1" ::"a"(value), "d"(port));
    } else if (bytes == 2) {
        __asm__ volatile("outw %w0, %w1" ::"a"(value), "d"(port));
    } else {
        __asm__ volatile("outl %0, %w1" ::"a"(value), "d"(port));
    }
}

#endif
