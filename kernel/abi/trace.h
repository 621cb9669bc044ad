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

// An event as the kernel writes it: few instructions a call, so what fits into one word is in one.
// Event k of all time is record k % TRACE_EVENTS. `end` is written last.
typedef struct {
    u64 tsc;
    u64 argument; // CALL: cptr. IRQ: line. FAULT: address or vector. TIMER: 0.
    u64 result;   // Who runs after it (object; 0: nobody) + (CALL: error_t, FAULT: fault_t) << 32.
    u32 who;      // Who ran when it happened (a multiple of 256, as TCBs lie) + CALL: call_t,
                  // others: TRACE_NO_CALL + kind.
    u32 end;      // TRACE_EVENT_BYTES * (k + 1), low 32 bits.
} trace_record_t;

#define TRACE_NO_CALL 0xf0u

enum {
    TRACE_EVENT_BYTES = 32,
    TRACE_FRAMES = 4,
    TRACE_EVENTS = TRACE_FRAMES * 4096 / TRACE_EVENT_BYTES
};

#endif
