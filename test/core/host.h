// What the core's leaves do on the host; shared by the C unit of the core and the C++ tests.
// SPDX-License-Identifier: BSD-2-Clause
#ifndef TEST_CORE_HOST_H
#define TEST_CORE_HOST_H

#include "abi/types.h"

enum { HOST_DROPS = 64, HOST_IRQS = 128, HOST_LINES = 240, HOST_KERNEL_SPACE = 0x3000 };

typedef struct {
    u64 clock, alarm;           // Cycles.
    u32 drops, flushes, leaves; // TLB work so far.
    u64 dropped[HOST_DROPS];    // The addresses of the last drops.
    u8 unmasked[HOST_IRQS];     // Interrupts that the controller lets through.
    u32 trace_on;
    u64 trace_events;
    u32 port, port_bytes, port_value; // Last access.
} host_t;

extern host_t g_host;

#endif
