// Interrupts: each line or message vector in use signals one notification.
// SPDX-License-Identifier: BSD-2-Clause
//
//   FREE -- call_irq_get --> PENDING -- call_irq_bind, call_irq_ack --> IDLE
//     ^                        ^                                          |
//     |  last capability       +---------- irq_signal (it arrived) -------+
// PENDING: a line is masked. Message interrupts cannot be masked here: they signal whenever they come.
// IRQ_SLOT holds the capability to the notification; revoked, the interrupt stays masked.
// Keeps INV-36 (an interrupt that is FREE has no handler capability and an empty slot).
#ifndef CORE_IRQ_H
#define CORE_IRQ_H

#include "core/view.h"

enum { IRQ_UNITS = 8, IRQ_SLOT_OFFSET = 4 }; // In units of 8 bytes.
#define IRQ_OBJECT(irq) (IRQ_BASE + IRQ_UNITS * (u32)(irq))
#define IRQ_NUMBER(o) (((o)-IRQ_BASE) / IRQ_UNITS)
#define IRQ_SLOT(o) ((o) + IRQ_SLOT_OFFSET)

// Interrupt `irq` has arrived: masks it and signals its notification. The running thread has been
// parked.
void irq_signal(u32 irq);

#endif
