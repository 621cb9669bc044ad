// Bits, clock and ports: the leaves of core/leaf.h that the arch layer itself uses, too.
// SPDX-License-Identifier: BSD-2-Clause
#ifndef ARCH_INSTRUCTIONS_H
#define ARCH_INSTRUCTIONS_H

#include "arch/x86_64/machine.h"

// A few instructions each: inlined even where the compiler saves space.
#define LEAF static inline __attribute__((always_inline))

LEAF u32 bit_top(u64 w) {
    return w == 0 ? 64 : 63u - (u32)__builtin_clzll(w);
}

LEAF u32 bit_low(u64 w) {
    return w == 0 ? 64 : (u32)__builtin_ctzll(w);
}

LEAF u32 digit_top(u64 w, u64 v) {
    return (63u - (u32)__builtin_clzll(w ^ v)) / 6u;
}

LEAF u32 digit_at(u64 w, u32 v) {
    return (u32)(w >> 6u * v) % 64u;
}

LEAF u64 digits_above(u64 w, u32 v) {
    return w >> 6u * v << 6u * v;
}

LEAF u64 tsc_read(void) {
    u64 low, high; // The processor sets the upper halves to 0.
    __asm__ volatile("rdtsc" : "=a"(low), "=d"(high));
    return high << 32 | low;
}

LEAF u64 clock_now(void) {
    return tsc_read();
}

// A timer that is armed for an earlier time stays: it then comes early, and timer_entry arms it anew.
// Most switches between contexts end here.
LEAF void clock_alarm(u64 due) {
    machine.alarm = due;
    if (due < machine.armed) {
        __asm__ volatile("call timer_arm_kept"
                         :
                         : "a"(due)
                         : "memory", "cc"); // Nothing to save for who calls.
    }
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
