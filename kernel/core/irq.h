// Interrupts: each line or message vector in use signals one notification.
// SPDX-License-Identifier: BSD-2-Clause
//
//   FREE -- call_irq_get --> PENDING -- call_irq_bind, call_irq_ack --> IDLE
//     ^                        ^                                          |
//     |  last capability       +---------- irq_signal (it arrived) -------+
// PENDING: a line is masked. Message interrupts cannot be masked here: they signal whenever they come.
// IRQ_SLOT holds the capability to the notification; revoked, the interrupt stays masked.
// Keeps INV-39 (an interrupt that is FREE has no handler capability and an empty slot).
#ifndef CORE_IRQ_H
#define CORE_IRQ_H

#include "abi/error.h"
#include "core/notification.h"
#include "core/view.h"

enum { IRQ_UNITS = 8, IRQ_SLOT_OFFSET = 4 }; // In units of 8 bytes.
#define IRQ_OBJECT(irq) (IRQ_BASE + IRQ_UNITS * (u32)(irq))
#define IRQ_NUMBER(o) (((o)-IRQ_BASE) / IRQ_UNITS)
#define IRQ_SLOT(o) ((o) + IRQ_SLOT_OFFSET)

/*@ predicate is_irq(integer o) = \exists integer i; 0 <= i < IRQ_COUNT && o == IRQ_BASE + 8 * i;
    predicate uses_line{L}(integer o, integer line) = irq_view[o].state != IRQ_FREE &&
        irq_view[o].line != IRQ_MSI && irq_view[o].line % 256 == line % 256;
*/

// The interrupt may come again.
/*@ requires o: is_irq(o);
    terminates \true; exits \false;
    assigns irq_view[o].state;
    ensures idle: irq_view[o].state == IRQ_IDLE;
*/
void irq_arm(u32 o);

// Whether a handler for a line can be given out, and the interrupt for it.
typedef struct {
    error_t error;
    u32 object;
} irq_choice_t;

/*@ terminates \true; exits \false; assigns \nothing;
    ensures free: \result.error == OK ==>
        is_irq(\result.object) && irq_view[\result.object].state == IRQ_FREE;
    ensures once: \result.error == OK && line != IRQ_MSI ==>
        \forall integer i; 0 <= i < IRQ_COUNT ==> !uses_line(IRQ_BASE + 8 * i, line);
    ensures full: \result.error == ERR_MEMORY ==>
        \forall integer i; 0 <= i < IRQ_COUNT ==> irq_view[IRQ_BASE + 8 * i].state != IRQ_FREE;
*/
irq_choice_t irq_choose(u64 line);

/*@ terminates \true; exits \false; assigns \nothing;
    ensures message: line == IRQ_MSI ==> \result != 0;
    ensures valid: \result != 0 ==> line == IRQ_MSI || line <= 0x3ff;
*/
u32 irq_line_is_valid(u64 line);

// Interrupt `irq` has arrived: masks it and signals its notification. The running thread has been
// parked.
#define IRQ_WAKES(irq)                                                                             \
    notification_view[slot_view[IRQ_BASE + 8 * irq + 4].object].word,                              \
        SIGNAL_ASSIGNS(slot_view[IRQ_BASE + 8 * irq + 4].object,                                   \
                       queue_view[slot_view[IRQ_BASE + 8 * irq + 4].object].head),                 \
        SIGNAL_ASSIGNS(slot_view[IRQ_BASE + 8 * irq + 4].object,                                   \
                       notification_view[slot_view[IRQ_BASE + 8 * irq + 4].object].bound),         \
        g_deferred[notification_view[slot_view[IRQ_BASE + 8 * irq + 4].object].bound]
/*@ requires wf: kept && signals;
    requires irq: irq < IRQ_COUNT;
    requires slot: \let s = IRQ_BASE + 8 * irq + 4; (slot_view[s].may & MAY_SIGNAL) != 0 ==> notification(slot_view[s].object) && slot_view[s].data != 0;
    requires room: queue_room;
    terminates \true; exits \false;
    assigns irq_view[IRQ_BASE + 8 * irq].state, IRQ_WAKES(irq);
    ENSURES_KEPT
    ENSURES_SIGNALS
    ensures free: \old(irq_view[IRQ_BASE + 8 * irq].state) == IRQ_FREE ==> irq_view[IRQ_BASE + 8 * irq].state == IRQ_FREE;
    ensures arrived: \old(irq_view[IRQ_BASE + 8 * irq].state) != IRQ_FREE ==> irq_view[IRQ_BASE + 8 * irq].state == IRQ_PENDING;
    ensures room: \old(g_back) <= g_back <= \old(g_back) + 1; */
void irq_signal(u32 irq);

// The same, straight to the thread that is woken if it runs next: that thread; else 0, and nothing is done.
u64 irq_hand_over(u32 irq);

#endif
