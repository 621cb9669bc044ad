// Writes the trace ring.
// SPDX-License-Identifier: BSD-2-Clause
#include "arch/x86_64/trace.hpp"

#include "abi/trace_event.h"
#include "arch/x86_64/instructions.h"
#include "arch/x86_64/msr.hpp"
#include "arch/x86_64/serial.hpp"

namespace arch {

extern "C" {
extern trace_record_t trace_ring[TRACE_EVENTS]; // Placed by kernel.ld.
extern u64 trace_end; // TRACE_EVENT_BYTES for each event; entry.S writes those of calls.
extern const u8 syscall_entry[], syscall_entry_traced[];
}

namespace {

static_assert(sizeof(trace_record_t) == TRACE_EVENT_BYTES);
static_assert(CALL_COUNT <= TRACE_NO_CALL && TCB_BYTES / 8 % 256 == 0, "both go into one word");

bool running;

u64 written() {
    return trace_end / TRACE_EVENT_BYTES;
}

} // namespace

u64 trace_address() {
    return reinterpret_cast<u64>(trace_ring) - KERNEL_BASE;
}

void trace_event(trace_kind_t kind, u8 what, u64 argument, u32 next) {
    if (!running) {
        return;
    }
    trace_record_t &record = trace_ring[written() % TRACE_EVENTS];
    trace_end += TRACE_EVENT_BYTES;
    record.tsc = tsc_read();
    record.argument = argument;
    record.result = u64{what} << 32 | next;
    record.who = K.run.tcb + TRACE_NO_CALL + kind;
    __asm__ volatile("" ::: "memory"); // A reader trusts what `end` announces.
    record.end = static_cast<u32>(trace_end);
}

void trace_print(u32 count) {
    static const char *const kinds[] = {"none", "call", "irq", "fault", "timer", "boot"};
    u64 end = written(), first = end > count ? end - count : 0;
    print("trace: ", end, " events, the last ", end - first, ":\n");
    for (u64 k = first; k < end; k++) {
        trace_event_t e = trace_decode(trace_ring[k % TRACE_EVENTS]);
        print(e.tsc, " ", kinds[e.kind % (TRACE_BOOT + 1)], " ", u64{e.call}, " argument ",
              Hex{e.argument}, " error ", u64{e.error}, " thread ", Hex{e.thread}, " -> ",
              Hex{e.next}, "\n");
    }
}

} // namespace arch

u64 trace_switch(u32 on) {
    arch::running = on != 0;
    arch::write_msr(arch::MSR_LSTAR, reinterpret_cast<u64>(on != 0 ? arch::syscall_entry_traced
                                                                   : arch::syscall_entry));
    return arch::written();
}
