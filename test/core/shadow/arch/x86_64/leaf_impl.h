// The core's leaves on the host: a clock that tests set, and a record of everything else.
// SPDX-License-Identifier: BSD-2-Clause
//
// Found before the kernel's file of the same name, so that kernel/arch/x86_64/core_unit.c, the unit
// that boots, is compiled for the host as it is.
#ifndef TEST_CORE_LEAF_IMPL_H
#define TEST_CORE_LEAF_IMPL_H

#include "test/core/host.h"

static inline u32 bit_top(u64 w) {
    return w == 0 ? 64 : 63u - (u32)__builtin_clzll(w);
}

static inline u32 bit_low(u64 w) {
    return w == 0 ? 64 : (u32)__builtin_ctzll(w);
}

static inline u32 digit_top(u64 w, u64 v) {
    return (63u - (u32)__builtin_clzll(w ^ v)) / 6u;
}

static inline u32 digit_at(u64 w, u32 v) {
    return (u32)(w >> 6u * v) % 64u;
}

static inline u64 digits_above(u64 w, u32 v) {
    return w >> 6u * v << 6u * v;
}

static inline u64 clock_now(void) {
    return g_host.clock;
}

static inline void clock_alarm(u64 due) {
    g_host.alarm = due;
}

static inline void tlb_drop(u64 address) {
    g_host.dropped[g_host.drops % HOST_DROPS] = address;
    g_host.drops++;
}

static inline void tlb_flush(void) {
    g_host.flushes++;
}

static inline u64 space_kernel(void) {
    return HOST_KERNEL_SPACE;
}

static inline void space_leave(void) {
    g_host.leaves++;
}

static inline void vector_drop(u32 t) {
    (void)t;
}

static inline u32 irq_line_exists(u32 line) {
    return line % 256 < HOST_LINES;
}

static inline void irq_mask(u32 irq, u32 line) {
    (void)line;
    g_host.unmasked[irq] = 0;
}

static inline void irq_unmask(u32 irq, u32 line) {
    (void)line;
    g_host.unmasked[irq] = 1;
}

static inline u64 irq_message(u32 irq) {
    return 0xfee00000u | (u64)(0x30u + irq) << 32;
}

static inline u64 trace_set(u32 on) {
    g_host.trace_on = on;
    return g_host.trace_events;
}

static inline u32 port_in(u32 port, u32 bytes) {
    g_host.port = port;
    g_host.port_bytes = bytes;
    return g_host.port_value;
}

static inline void port_out(u32 port, u32 bytes, u32 value) {
    g_host.port = port;
    g_host.port_bytes = bytes;
    g_host.port_value = value;
}

#endif
