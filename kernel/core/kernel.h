// The ways into the core besides calls (call.h). Each returns the thread to run next, 0: none.
// SPDX-License-Identifier: BSD-2-Clause
#ifndef CORE_KERNEL_H
#define CORE_KERNEL_H

#include "core/view.h"

// Interrupt `irq` (0..IRQ_COUNT-1) has arrived; it is masked until its handler acknowledges it.
u32 kernel_interrupt(u32 irq);

// The time given to clock_alarm() has come.
u32 kernel_timer(void);

// The running thread cannot go on: message words w1, w2 as fault_t says (w0 and w3 are its rip, rsp).
u32 kernel_fault(u32 fault, u64 w1, u64 w2);

// Once, before anything else: empty derivation tree, queues, wheel. All statics are zero.
void kernel_init(void);

#endif
