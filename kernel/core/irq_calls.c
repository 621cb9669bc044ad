// Interrupts: getting one, binding it to a notification, acknowledging it.
// SPDX-License-Identifier: BSD-2-Clause
#include "core/call.h"
#include "core/cspace.h"
#include "core/inline.h"
#include "core/irq.h"
#include "core/leaf.h"
#include "core/notification.h"
#include "core/object.h"
#include "core/thread.h"

RARE u64 call_irq_get(u64 cptr, u64 info) {
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
    if (!irq_line_is_valid(line)) {
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

RARE u64 call_irq_bind(u64 cptr, u64 info) {
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

/*@ requires space: wf_cspace(K.run.tcb) && ty(0) == CAP_NULL;
    requires handlers: \forall integer s; slot(s) && ty(s) == CAP_IRQ_HANDLER ==> is_irq(ob(s));
    terminates \true; exits \false;
    assigns tcb_view[K.run.tcb].denial, irq_view[ob(named(K.run.tcb, cptr))].state;
    ensures next: \result % 0x100000000 == K.run.tcb;
    ensures type: \result / 0x100000000 == OK ==> ty(named(K.run.tcb, cptr)) == CAP_IRQ_HANDLER;
    ensures idle: \result / 0x100000000 == OK ==> irq_view[ob(named(K.run.tcb, cptr))].state == IRQ_IDLE;
    ensures refused: \result / 0x100000000 != OK ==> \forall integer o; irq_view[o].state == \old(irq_view[o].state); */
RARE u64 call_irq_ack(u64 cptr, u64 info) {
    (void)info;
    u32 h = cspace_lookup(K.run.tcb, cptr);
    if (SLOT(h).type != CAP_IRQ_HANDLER) {
        return call_refuse(CALL_IRQ_ACK, ERR_TYPE, cptr, NEED(CAP_IRQ_HANDLER, 0));
    }
    irq_arm(SLOT(h).object);
    return call_done();
}
