// The trace ring: fixed-size events, newest overwrites oldest.
// SPDX-License-Identifier: BSD-2-Clause
#ifndef ABI_TRACE_H
#define ABI_TRACE_H

#include "abi/types.h"

typedef enum {
    TRACE_NONE,
    TRACE_CALL,
    TRACE_IRQ,
    TRACE_FAULT,
    TRACE_TIMER,
    TRACE_BOOT
} trace_kind_t;

// Event k of all time stands in entry k % TRACE_EVENTS. `sequence` is k + 1 and is written last.
typedef struct {
    u64 tsc;
    u64 argument; // CALL: cptr. IRQ: line. FAULT: address or vector. TIMER: 0.
    u32 thread;   // Who ran when it happened (object), 0: nobody.
    u32 next;     // Who runs after it.
    u8 kind;      // trace_kind_t
    u8 call;      // CALL: call_t. FAULT: fault_t.
    u16 error;    // CALL: error_t.
    u32 sequence; // Low 32 bits of k + 1.
} trace_event_t;

enum {
    TRACE_EVENT_BYTES = 32,
    TRACE_FRAMES = 4,
    TRACE_EVENTS = TRACE_FRAMES * 4096 / TRACE_EVENT_BYTES
};

#endif
