// The trace ring (abi/trace.h).
// SPDX-License-Identifier: BSD-2-Clause
//
// Calls cost nothing while it is off: LSTAR then points past it. Interrupts and faults test a flag.
#ifndef ARCH_TRACE_HPP
#define ARCH_TRACE_HPP

#include "abi/trace.h"
#include "abi/types.h"

namespace arch {

// Physical address of the ring's TRACE_FRAMES pages.
u64 trace_address();

// If the trace is on: an event that is no call happened to the running thread, `what` is the fault_t of a fault,
// and `next` runs after it.
void trace_event(trace_kind_t kind, u8 what, u64 argument, u32 next);

// Prints the newest `count` events.
void trace_print(u32 count);

} // namespace arch

#endif
