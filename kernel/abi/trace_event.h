// An event of the trace ring, taken apart for those who read it.
// SPDX-License-Identifier: BSD-2-Clause
#ifndef ABI_TRACE_EVENT_H
#define ABI_TRACE_EVENT_H

#include "abi/trace.h"

typedef struct {
    u64 tsc;
    u64 argument;
    u32 thread;
    u32 next;
    u8 kind;      // trace_kind_t
    u8 call;      // CALL: call_t. FAULT: fault_t.
    u16 error;    // CALL: error_t.
    u32 sequence; // Low 27 bits of k + 1.
} trace_event_t;

static inline trace_event_t trace_decode(trace_record_t record) {
    u32 what = record.who % 256u, code = (u32)(record.result >> 32);
    u32 kind = what < TRACE_NO_CALL ? (u32)TRACE_CALL : what - TRACE_NO_CALL;
    trace_event_t event = {record.tsc,
                           record.argument,
                           record.who - what,
                           (u32)record.result,
                           (u8)kind,
                           (u8)(kind == TRACE_CALL ? what : code),
                           (u16)(kind == TRACE_CALL ? code : 0),
                           record.end / TRACE_EVENT_BYTES};
    return event;
}

#endif
