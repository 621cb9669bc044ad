// Prints the offsets that the assembly needs, from the C headers.
// SPDX-License-Identifier: BSD-2-Clause
#include "abi/trace.h"
#include "core/call.h"

#include <stddef.h>
#include <stdio.h>

int main(void) {
    static const char *const names[R_COUNT] = {"RSP", "RIP", "RDI", "RSI",    "RDX", "R10",  "R8",
                                               "R9",  "RAX", "RBX", "RBP",    "R12", "R13",  "R14",
                                               "R15", "RCX", "R11", "RFLAGS", "FS",  "SPARE"};
    for (size_t i = 0; i < R_COUNT; i++) {
        printf("#define TCB_%s %zu\n", names[i], offsetof(tcb_t, r) + 8 * i);
    }
    printf("#define TCB_CR3 %zu\n", offsetof(tcb_t, cr3));
    printf("#define TCB_MODE %zu\n", offsetof(tcb_t, mode));
    printf("#define MODE_IRET %d\n", MODE_IRET);
    printf("#define CALL_COUNT %d\n", CALL_COUNT);
    printf("#define FAULT_CALL %d\n", FAULT_CALL);
    printf("#define TRACE_EVENT_BYTES %d\n", TRACE_EVENT_BYTES);
    printf("#define TRACE_RING_BYTES %d\n", TRACE_EVENTS * TRACE_EVENT_BYTES);
    printf("#define TRACE_TSC %zu\n", offsetof(trace_record_t, tsc));
    printf("#define TRACE_ARGUMENT %zu\n", offsetof(trace_record_t, argument));
    printf("#define TRACE_RESULT %zu\n", offsetof(trace_record_t, result));
    printf("#define TRACE_WHO %zu\n", offsetof(trace_record_t, who));
    printf("#define TRACE_END %zu\n", offsetof(trace_record_t, end));
    return 0;
}
