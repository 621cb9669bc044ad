// The calls on threads: what they refer to, their priority, registers and state.
// SPDX-License-Identifier: BSD-2-Clause
#include "core/call.h"
#include "core/capability.h"
#include "core/cspace.h"
#include "core/leaf.h"
#include "core/message.h"
#include "core/notification.h"
#include "core/object.h"
#include "core/ready.h"
#include "core/thread.h"
#include "core/time.h"
#include "core/vspace.h"

// The TCB that cptr names, 0: none.
static inline u32 tcb_at(u64 cptr) {
    u32 s = cspace_lookup(K.run.tcb, cptr);
    return SLOT(s).type == CAP_TCB ? SLOT(s).object : 0;
}

static u64 refuse_tcb(u32 call, u64 cptr) {
    return call_refuse(call, ERR_TYPE, cptr, NEED(CAP_TCB, 0));
}

// What slot k of a TCB may hold, as NEED(type, rights).
static u32 slot_needs(u64 k) {
    switch (k) {
    case TCB_SLOT_CSPACE:
        return NEED(CAP_CNODE, 0);
    case TCB_SLOT_VSPACE:
        return NEED(CAP_VSPACE, 0);
    case TCB_SLOT_REPLY:
        return NEED(CAP_REPLY, 0);
    case TCB_SLOT_BUFFER:
        return NEED(CAP_FRAME, RIGHT_READ | RIGHT_WRITE);
    case TCB_SLOT_FAULT:
    case TCB_SLOT_TIMEOUT:
        return NEED(CAP_ENDPOINT, RIGHT_WRITE);
    default:
        return 0;
    }
}

static inline u32 satisfies(u32 s, u32 need) {
    u32 rights = need >> 8;
    return SLOT(s).type == (need & 0xff) && (SLOT(s).rights & rights) == rights;
}

u64 call_tcb_bind(u64 cptr, u64 info) {
    u32 t = tcb_at(cptr), s = cspace_lookup(K.run.tcb, ARG1);
    u64 k = ARG0;
    u32 need = slot_needs(k);
    if (t == 0) {
        return refuse_tcb(CALL_TCB_BIND, cptr);
    }
    if (need == 0 || (k == TCB_SLOT_VSPACE && t == K.run.tcb)) {
        return call_refuse_argument(CALL_TCB_BIND, ERR_ARG, k);
    }
    if (ARG1 != 0 && !satisfies(s, need)) {
        return call_refuse(CALL_TCB_BIND, ERR_RIGHT, ARG1, need);
    }
    if (k == TCB_SLOT_BUFFER && ARG1 != 0 &&
        (mapping_size(SLOT(s).data) != FRAME_4K || mapping_device(SLOT(s).data))) {
        return call_refuse_argument(CALL_TCB_BIND, ERR_ARG, ARG1);
    }
    u32 d = TCB_SLOT_INDEX(t, (u32)k);
    if (SLOT(d).type != CAP_NULL) {
        thread_park();
        object_release(d);
        return TCB(K.run.tcb).state == STATE_RUNNING && ARG1 != 0
                   ? call_restart(CALL_TCB_BIND, cptr, info)
                   : call_finish();
    }
    if (ARG1 != 0) {
        capability_bind(s, d);
        if (k == TCB_SLOT_VSPACE) {
            TCB(t).cr3 = table_address(SLOT(s).object);
        }
    }
    return call_done();
}

u64 call_tcb_priority(u64 cptr, u64 info) {
    (void)info;
    u32 t = tcb_at(cptr);
    u64 priority = ARG0, max = ARG1;
    if (t == 0) {
        return refuse_tcb(CALL_TCB_PRIORITY, cptr);
    }
    if (priority > TCB(K.run.tcb).priority_max || max > TCB(K.run.tcb).priority_max) {
        return call_refuse_argument(CALL_TCB_PRIORITY, ERR_PRIORITY,
                                    priority > max ? priority : max);
    }
    thread_park();
    u32 was_ready = TCB(t).state == STATE_READY;
    if (was_ready) {
        ready_remove(t);
    }
    TCB(t).priority = (u8)priority;
    TCB(t).priority_max = (u8)max;
    if (was_ready) {
        thread_ready(t);
    }
    return call_finish();
}

u64 call_tcb_resume(u64 cptr, u64 info) {
    (void)info;
    u32 t = tcb_at(cptr);
    if (t == 0) {
        return refuse_tcb(CALL_TCB_RESUME, cptr);
    }
    thread_park();
    if (TCB(t).state == STATE_INACTIVE) {
        TCB(t).fault = FAULT_NONE;
        thread_ready(t);
    }
    return call_finish();
}

u64 call_tcb_suspend(u64 cptr, u64 info) {
    (void)info;
    u32 t = tcb_at(cptr);
    if (t == 0) {
        return refuse_tcb(CALL_TCB_SUSPEND, cptr);
    }
    thread_park();
    thread_stop(t);
    return call_finish();
}

// regs_t word i is r[REGISTER[i]].
static const u8 REGISTER[REGS_WORDS] = {R_RIP, R_RSP, R_RFLAGS, R_RAX, R_RBX, R_RCX, R_RDX,
                                        R_RSI, R_RDI, R_RBP,    R_R8,  R_R9,  R_R10, R_R11,
                                        R_R12, R_R13, R_R14,    R_R15, R_FS,  R_GS};

// Loading one of these registers faults in the kernel if it is no canonical address.
static inline u32 is_user_address(u32 r) {
    return r == R_RIP || r == R_FS || r == R_GS;
}

#define USER_END 0x800000000000

u64 call_tcb_write(u64 cptr, u64 info) {
    (void)info;
    u32 cur = K.run.tcb, t = tcb_at(cptr), page = message_buffer(cur);
    if (t == 0) {
        return refuse_tcb(CALL_TCB_WRITE, cptr);
    }
    if (page == 0) {
        return call_refuse_argument(CALL_TCB_WRITE, ERR_ARG, TCB_SLOT_BUFFER);
    }
    if (t == cur || (TCB(t).state != STATE_INACTIVE && TCB(t).fault == FAULT_NONE)) {
        return call_refuse_argument(CALL_TCB_WRITE, ERR_BUSY, thread_state(t));
    }
    u64 word[REGS_WORDS]; // What is checked is what is used: others may write the buffer.
    for (u32 i = 0; i < REGS_WORDS; i++) {
        word[i] = BUFFER(page).word[i];
        if (is_user_address(REGISTER[i]) && word[i] >= USER_END) {
            return call_refuse_argument(CALL_TCB_WRITE, ERR_ARG, word[i]);
        }
    }
    for (u32 i = 0; i < REGS_WORDS; i++) {
        TCB(t).r[REGISTER[i]] = word[i];
    }
    TCB(t).mode |= MODE_IRET;
    return call_done();
}

u64 call_tcb_read(u64 cptr, u64 info) {
    (void)info;
    u32 cur = K.run.tcb, t = tcb_at(cptr), page = message_buffer(cur);
    if (t == 0) {
        return refuse_tcb(CALL_TCB_READ, cptr);
    }
    if (page == 0) {
        return call_refuse_argument(CALL_TCB_READ, ERR_ARG, TCB_SLOT_BUFFER);
    }
    for (u32 i = 0; i < REGS_WORDS; i++) {
        BUFFER(page).word[i] = TCB(t).r[REGISTER[i]];
    }
    return call_done();
}

u64 call_tcb_info(u64 cptr, u64 info) {
    (void)info;
    u32 t = tcb_at(cptr);
    if (t == 0) {
        return refuse_tcb(CALL_TCB_INFO, cptr);
    }
    u32 sc = t == K.run.tcb ? K.run.sc : TCB(t).sc;
    ARG0 = thread_state(t) | (u64)TCB(t).priority << 8 | (u64)TCB(t).priority_max << 16 |
           (u64)(TCB(t).vector != 0) << 24 | (u64)TCB(t).fault << 32;
    ARG1 = SC(sc).used;
    ARG2 = t;
    ARG3 = 0;
    return call_done();
}

u64 call_tcb_notification(u64 cptr, u64 info) {
    (void)info;
    u32 t = tcb_at(cptr), s = cspace_lookup(K.run.tcb, ARG0);
    if (t == 0) {
        return refuse_tcb(CALL_TCB_NOTIFICATION, cptr);
    }
    if (ARG0 == 0) {
        notification_unbind(TCB(t).bound);
        return call_done();
    }
    if (!satisfies(s, NEED(CAP_NOTIFICATION, RIGHT_READ))) {
        return call_refuse(CALL_TCB_NOTIFICATION, ERR_RIGHT, ARG0,
                           NEED(CAP_NOTIFICATION, RIGHT_READ));
    }
    if (TCB(t).bound != 0 || NOTIFICATION(SLOT(s).object).bound != 0) {
        return call_refuse_argument(CALL_TCB_NOTIFICATION, ERR_OCCUPIED, ARG0);
    }
    if (thread_state(t) == STATE_RECV && NOTIFICATION(SLOT(s).object).word != 0) {
        return call_refuse_argument(CALL_TCB_NOTIFICATION, ERR_BUSY, ARG0);
    }
    notification_bind(SLOT(s).object, t);
    return call_done();
}

// t waits for an answer, and the context that it lent with its call may come back to it.
static inline u32 has_lent(u32 t) {
    return thread_state(t) == STATE_REPLY && REPLY(TCB(t).reply).caller.sc != 0;
}

u64 call_tcb_context(u64 cptr, u64 info) {
    (void)info;
    u32 t = tcb_at(cptr), s = cspace_lookup(K.run.tcb, ARG0);
    if (t == 0) {
        return refuse_tcb(CALL_TCB_CONTEXT, cptr);
    }
    if (ARG0 != 0 && SLOT(s).type != CAP_SCHED_CONTEXT) {
        return call_refuse(CALL_TCB_CONTEXT, ERR_TYPE, ARG0, NEED(CAP_SCHED_CONTEXT, 0));
    }
    thread_park();
    if (ARG0 == 0) {
        thread_take_context(t);
        return call_finish();
    }
    u32 sc = SLOT(s).object;
    if (TCB(t).sc != 0 || has_lent(t) || SC(sc).tcb != 0 || SC(sc).top != 0) {
        return call_refuse_argument(CALL_TCB_CONTEXT, ERR_OCCUPIED, ARG0);
    }
    thread_give_context(t, sc);
    if (TCB(t).state == STATE_NO_TIME) {
        thread_ready(t);
    }
    return call_finish();
}

u64 call_tcb_vector(u64 cptr, u64 info) {
    (void)info;
    u32 t = tcb_at(cptr);
    if (t == 0) {
        return refuse_tcb(CALL_TCB_VECTOR, cptr);
    }
    if (ARG0 > 1) {
        return call_refuse_argument(CALL_TCB_VECTOR, ERR_ARG, ARG0);
    }
    TCB(t).vector = (u32)ARG0;
    if (ARG0 == 0) {
        vector_drop(t);
        TCB(t).mode &= MODE_IRET;
    }
    return call_done();
}

u64 call_tcb_denial(u64 cptr, u64 info) {
    (void)info;
    u32 t = cptr == 0 ? K.run.tcb : tcb_at(cptr);
    if (t == 0) {
        return refuse_tcb(CALL_TCB_DENIAL, cptr);
    }
    denial_t denial = TCB(t).denial;
    ARG0 = denial.cptr;
    ARG1 = denial.what;
    ARG2 = denial.argument;
    ARG3 = denial.count;
    return call_done();
}

u64 call_yield(u64 cptr, u64 info) {
    (void)cptr;
    (void)info;
    u32 cur = K.run.tcb;
    thread_park();
    ready_append(cur);
    return thread_schedule();
}
