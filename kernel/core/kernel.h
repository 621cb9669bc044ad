// The ways into the core: a call, an interrupt, the timer, a fault, and the start. There are no others.
// SPDX-License-Identifier: BSD-2-Clause
#ifndef CORE_KERNEL_H
#define CORE_KERNEL_H

#include "core/view.h"

// Each returns the thread to run next, 0: none.

// The running thread has called: number, capability address and info as abi/call.h says; arguments are in
// its registers. The high half of the result is its rax. A number that is none is a fault.
u64 core_call(u64 number, u64 cptr, u64 info);

// Interrupt `irq` (0..IRQ_COUNT-1) has arrived; it is masked until its handler acknowledges it.
u32 core_interrupt(u32 irq);

// The time given to clock_alarm() has come.
u32 core_timer(void);

// The running thread cannot go on: message words w1, w2 as fault_t says (w0 and w3 are its rip, rsp).
u32 core_fault(u32 fault, u64 w1, u64 w2);

// Once, before anything else: empty derivation tree, queues, wheel. All statics are zero.
void core_init(void);

#endif
