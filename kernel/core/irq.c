// Interrupts: getting one, binding it to a notification, acknowledging it.
// SPDX-License-Identifier: BSD-2-Clause
#include "core/irq.h"

#include "core/call.h"
#include "core/cspace.h"
#include "core/leaf.h"
#include "core/notification.h"
#include "core/object.h"
#include "core/thread.h"

/*@ predicate is_irq(integer o) = \exists integer i; 0 <= i < IRQ_COUNT && o == IRQ_BASE + 8 * i;
    predicate uses_line{L}(integer o, integer line) = irq_view[o].state != IRQ_FREE &&
        irq_view[o].line != IRQ_MSI && irq_view[o].line % 256 == line % 256;
*/

void irq_signal(u32 irq) {
    u32 o = IRQ_OBJECT(irq), s = IRQ_SLOT(o);
    irq_mask(irq, IRQ(o).line);
    if (IRQ(o).state == IRQ_FREE) {
        return;
    }
    IRQ(o).state = IRQ_PENDING;
    if ((SLOT(s).may & MAY_SIGNAL) != 0) {
        notification_signal(SLOT(s).object, SLOT(s).data);
    }
}

// The interrupt may come again.
/*@ requires o: is_irq(o);
    terminates \true; exits \false;
    assigns irq_view[o].state;
    ensures idle: irq_view[o].state == IRQ_IDLE;
*/
static void irq_arm(u32 o) {
    IRQ(o).state = IRQ_IDLE;
    irq_unmask(IRQ_NUMBER(o), IRQ(o).line);
}

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
static irq_choice_t irq_choose(u64 line) {
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

/*@ terminates \true; exits \false; assigns \nothing;
    ensures valid: \result != 0 <==> line == IRQ_MSI || line <= 0x3ff;
*/
static u32 line_is_valid(u64 line) {
    return line == IRQ_MSI || line <= (IRQ_LINE + IRQ_LEVEL + IRQ_LOW);
}

u64 call_irq_get(u64 cptr, u64 info) {
    (void)info;
    u32 cur = K.run.tcb, s = cspace_lookup(cur, cptr), dst = cspace_destination(cur, ARG0);
    u64 line = ARG1;
    if (SLOT(s).type != CAP_IRQ_CONTROL) {
        return call_refuse(CALL_IRQ_GET, ERR_TYPE, cptr, NEED(CAP_IRQ_CONTROL, 0));
    }
    if (dst == 0) {
        return call_refuse_argument(CALL_IRQ_GET, ERR_CAP, ARG0);
    }
    if (SLOT(dst).type != CAP_NULL) {
        return call_refuse_argument(CALL_IRQ_GET, ERR_OCCUPIED, ARG0);
    }
    if (!line_is_valid(line)) {
        return call_refuse_argument(CALL_IRQ_GET, ERR_ARG, line);
    }
    irq_choice_t choice = irq_choose(line);
    if (choice.error != OK) {
        return call_refuse_argument(CALL_IRQ_GET, choice.error, line);
    }
    u32 o = choice.object;
    IRQ(o).line = (u32)line;
    IRQ(o).state = IRQ_PENDING;
    HEADER(o).kind = CAP_IRQ_HANDLER;
    capability_new(s, dst, CAP_IRQ_HANDLER, RIGHT_ALL, o, 0);
    u64 message = line == IRQ_MSI ? irq_message(IRQ_NUMBER(o)) : 0;
    ARG0 = message % 0x100000000;
    ARG1 = message / 0x100000000;
    return call_done();
}

u64 call_irq_bind(u64 cptr, u64 info) {
    (void)info;
    u32 cur = K.run.tcb, h = cspace_lookup(cur, cptr), n = cspace_lookup(cur, ARG0);
    if (SLOT(h).type != CAP_IRQ_HANDLER) {
        return call_refuse(CALL_IRQ_BIND, ERR_TYPE, cptr, NEED(CAP_IRQ_HANDLER, 0));
    }
    if ((SLOT(n).may & MAY_SIGNAL) == 0) {
        return call_refuse(CALL_IRQ_BIND, SLOT(n).data == 0 ? ERR_BADGE : ERR_RIGHT, ARG0,
                           NEED(CAP_NOTIFICATION, RIGHT_WRITE));
    }
    u32 o = SLOT(h).object, s = IRQ_SLOT(o);
    thread_park();
    if (SLOT(s).type != CAP_NULL) {
        object_release(s);
    }
    capability_bind(n, s);
    irq_arm(o);
    return call_finish();
}

u64 call_irq_ack(u64 cptr, u64 info) {
    (void)info;
    u32 h = cspace_lookup(K.run.tcb, cptr);
    if (SLOT(h).type != CAP_IRQ_HANDLER) {
        return call_refuse(CALL_IRQ_ACK, ERR_TYPE, cptr, NEED(CAP_IRQ_HANDLER, 0));
    }
    irq_arm(SLOT(h).object);
    return call_done();
}
