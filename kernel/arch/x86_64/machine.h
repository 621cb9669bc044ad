// What the arch layer knows of the machine, for its C, C++ and assembly parts alike.
// SPDX-License-Identifier: BSD-2-Clause
#ifndef ARCH_MACHINE_H
#define ARCH_MACHINE_H

#define KERNEL_BASE 0xffffffff80000000
#define USER_CODE 0x23 // Selectors, see cpu.cpp.
#define USER_DATA 0x1b
// The local APIC delivers the highest vector first: a device's before the timer's, so that a storm of
// time-outs does not hold up devices longer than one entry. The old controller, which is masked, can
// raise no more than its spurious 39 and 47.
#define VECTOR_TIMER 32
#define VECTOR_IRQ 48 // Vector of interrupt 0; IRQ_COUNT follow.
#define VECTOR_SPURIOUS 0xff

#ifndef __ASSEMBLER__

#include "core/objects.h"

// Registers that the kernel keeps mapped, one page each.
#define REGISTER_WINDOW 0xffffffffc0000000
enum {
    REGISTERS_LOCAL_APIC,
    REGISTERS_HPET,
    REGISTERS_IO_APIC,
    IO_APIC_COUNT = 8,
    REGISTERS_SCREEN = REGISTERS_IO_APIC + IO_APIC_COUNT, // Of a small one (VGA text).
    SCREEN_PAGES = 32
};
// Behind them, in the same GiB: the boot loader's frame buffer, in pages of 2 MiB.
#define SCREEN_WINDOW 0xffffffffe0000000
#define REGISTER(page, offset)                                                                     \
    (*(volatile u32 *)(REGISTER_WINDOW + (u64)(page)*PAGE_BYTES + (offset)))
#define LOCAL_APIC(offset) REGISTER(REGISTERS_LOCAL_APIC, offset)

enum {
    LOCAL_APIC_ID = 0x20,
    LOCAL_APIC_EOI = 0xb0,
    LOCAL_APIC_SPURIOUS = 0xf0,
    LOCAL_APIC_TIMER = 0x320,
    LOCAL_APIC_LINT0 = 0x350,
    LOCAL_APIC_LINT1 = 0x360,
    LOCAL_APIC_ERROR = 0x370,
    LOCAL_APIC_COUNT = 0x380, // Initial count: writing starts the timer, 0 stops it.
    LOCAL_APIC_LEFT = 0x390,
    LOCAL_APIC_DIVIDE = 0x3e0
};

typedef struct {
    u32 first_line, lines; // GSIs of its pins.
} io_apic_t;

typedef struct {
    u32 line, flags;
} isa_line_t;

typedef struct {
    u64 alarm; // When the core wants to be called: cycles; CLOCK_NEVER.
    u64 armed; // When the timer will interrupt, not after alarm nor rest: cycles; CLOCK_NEVER.
    u64 rest;  // The timer does not interrupt before: cycles.
    u64 timer_scale; // Timer counts a cycle, times 2^TIMER_SCALE_SHIFT.
    u64 timer_limit; // Cycles that the timer can count in one go.
    u32 deadline;    // Not 0: the timer compares with the time-stamp counter instead.
    u32 local_apic_id;
    u32 io_apic_count;
    u32 vector_owner; // TCB whose vector state is in the registers, 0: nobody's.
    io_apic_t io_apic[IO_APIC_COUNT];
    isa_line_t isa[16]; // Where the ISA interrupts are wired to.
    u64 tsc_hz;
} machine_t;

enum { TIMER_SCALE_SHIFT = 26 };

#ifdef __cplusplus
extern "C" {
#endif

extern machine_t machine;
extern u32 cpu_mode;        // What the processor is set up for, in terms of tcb_t.mode.
extern u64 cpu_space;       // CR3
extern u64 kernel_top[512]; // The kernel's own top page table; its upper half is kernel_table.
extern u64 entry_tsc;       // Time-stamp counter at the boot loader's jump.

u64 trace_switch(u32 on);
void timer_arm(u64 due); // The timer interrupts at `due`, or before it if it cannot count so far.

#ifdef __cplusplus
}
#endif

#endif
#endif
