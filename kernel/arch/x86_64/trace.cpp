// Writes the trace ring.
// SPDX-License-Identifier: BSD-2-Clause
#include "arch/x86_64/trace.hpp"

#include "arch/x86_64/instructions.h"
#include "arch/x86_64/msr.hpp"
#include "arch/x86_64/serial.hpp"

namespace arch {

extern "C" {
extern trace_event_t trace_ring[TRACE_EVENTS]; // Placed by kernel.ld.
extern u64 trace_number, trace_cptr;           // The call under way, see entry.S.
extern const u8 syscall_entry[], syscall_entry_traced[];
}

namespace {

bool running;
u64 written;

void write(trace_kind_t kind, u8 what, u16 error, u64 argument, u32 next) {
    trace_event_t &event = trace_ring[written++ % TRACE_EVENTS];
    event.tsc = tsc_read();
    event.argument = argument;
    event.thread = K.run.tcb;
    event.next = next;
    event.kind = static_cast<u8>(kind);
    event.call = what;
    event.error = error;
    __asm__ volatile("" ::: "memory"); // A reader trusts what `sequence` announces.
    event.sequence = static_cast<u32>(written);
}

} // namespace

u64 trace_address() {
    return reinterpret_cast<u64>(trace_ring) - KERNEL_BASE;
}

void trace_event(trace_kind_t kind, u8 what, u64 argument, u32 next) {
    if (running) {
        write(kind, what, 0, argument, next);
    }
}

void trace_print(u32 count) {
    static const char *const kinds[] = {"none", "call", "irq", "fault", "timer", "boot"};
    u64 first = written > count ? written - count : 0;
    print("trace: ", written, " events, the last ", written - first, ":\n");
    for (u64 k = first; k < written; k++) {
        const trace_event_t &e = trace_ring[k % TRACE_EVENTS];
        print(e.tsc, " ", kinds[e.kind % (TRACE_BOOT + 1)], " ", u64{e.call}, " argument ",
              Hex{e.argument}, " error ", u64{e.error}, " thread ", Hex{e.thread}, " -> ",
              Hex{e.next}, "\n");
    }
}

// From entry.S: the call has returned `result`.
extern "C" void trace_call(u64 result) {
    write(TRACE_CALL, static_cast<u8>(trace_number), static_cast<u16>(result >> 32), trace_cptr,
          static_cast<u32>(result));
}

} // namespace arch

u64 trace_switch(u32 on) {
    arch::running = on != 0;
    arch::write_msr(arch::MSR_LSTAR, reinterpret_cast<u64>(on != 0 ? arch::syscall_entry_traced
                                                                   : arch::syscall_entry));
    return arch::written;
}
