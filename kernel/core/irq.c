// Interrupts: which are free, arming one, and its arrival.
// SPDX-License-Identifier: BSD-2-Clause
#include "core/irq.h"

#include "core/inline.h"
#include "core/leaf.h"
#include "core/notification.h"

void irq_arm(u32 o) {
    IRQ(o).state = IRQ_IDLE;
    irq_unmask(IRQ_NUMBER(o), IRQ(o).line);
}

irq_choice_t irq_choose(u64 line) {
    irq_choice_t choice = {ERR_MEMORY, 0};
    /*@ loop invariant range: 0 <= i <= IRQ_COUNT;
        loop invariant choice: choice.error == OK || choice.error == ERR_MEMORY;
        loop invariant free: choice.error == OK ==>
            is_irq(choice.object) && irq_view[choice.object].state == IRQ_FREE;
        loop invariant once: line != IRQ_MSI ==>
            \forall integer j; 0 <= j < i ==> !uses_line(IRQ_BASE + 8 * j, line);
        loop invariant full: choice.error == ERR_MEMORY ==>
            \forall integer j; 0 <= j < i ==> irq_view[IRQ_BASE + 8 * j].state != IRQ_FREE;
        loop assigns i, choice;
        loop variant IRQ_COUNT - i;
    */
    for (u32 i = 0; i < IRQ_COUNT; i++) {
        u32 o = IRQ_OBJECT(i);
        if (IRQ(o).state == IRQ_FREE) {
            choice.error = OK;
            choice.object = o;
        } else if (line != IRQ_MSI && IRQ(o).line % (IRQ_LINE + 1) == line % (IRQ_LINE + 1) &&
                   IRQ(o).line != IRQ_MSI) {
            choice.error = ERR_OCCUPIED;
            return choice;
        }
    }
    return choice;
}

u32 irq_line_is_valid(u64 line) {
    return line == IRQ_MSI ||
           (line <= (IRQ_LINE + IRQ_LEVEL + IRQ_LOW) && irq_line_exists((u32)line) != 0);
}

void irq_signal(u32 irq) {
    u32 o = IRQ_OBJECT(irq), s = IRQ_SLOT(o);
    if (IRQ(o).state == IRQ_FREE) {
        return;
    }
    irq_mask(irq, IRQ(o).line);
    IRQ(o).state = IRQ_PENDING;
    if ((SLOT(s).may & MAY_SIGNAL) != 0) {
        notification_signal(SLOT(s).object, SLOT(s).data);
    }
}

FLATTEN u64 irq_hand_over(u32 irq) {
    u32 o = IRQ_OBJECT(irq), s = IRQ_SLOT(o);
    if ((SLOT(s).may & MAY_SIGNAL) == 0 || IRQ(o).state == IRQ_FREE) {
        return 0;
    }
    u32 n = SLOT(s).object, t = notification_preempts(n);
    if (t == 0) {
        return 0;
    }
    irq_mask(irq, IRQ(o).line);
    IRQ(o).state = IRQ_PENDING;
    return notification_hand_over(n, t, SLOT(s).data);
}
