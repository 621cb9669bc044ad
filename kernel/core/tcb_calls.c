// The calls on threads: what they refer to, their priority, registers and state.
// SPDX-License-Identifier: BSD-2-Clause
#include "core/call.h"
#include "core/capability.h"
#include "core/cspace.h"
#include "core/inline.h"
#include "core/leaf.h"
#include "core/message.h"
#include "core/notification.h"
#include "core/object.h"
#include "core/queue.h"
#include "core/ready.h"
#include "core/thread.h"
#include "core/time.h"
#include "core/vspace.h"

#define USER_END 0x800000000000

// clang-format off
// Every call on a TCB, or on the thread that calls.
#define REQUIRES_TCB_CALL                                                                          \
    requires space: thread(K.run.tcb) && wf_cspace(K.run.tcb) && ty(0) == CAP_NULL;

#define ENSURES_TCB_CALL                                                                           \
    ensures next: \result % 0x100000000 == K.run.tcb;                                              \
    ensures type: \result / 0x100000000 == OK ==> ty(named(K.run.tcb, cptr)) == CAP_TCB && ob(named(K.run.tcb, cptr)) != 0;
// clang-format on

/*@ logic integer target{L}(integer cptr) = ob{L}(named{L}(K.run.tcb, cptr));
    predicate user_address(integer a) = 0 <= a < USER_END;
*/

// The TCB that cptr names, 0: none.
/*@ REQUIRES_TCB_CALL
    terminates \true; exits \false; assigns \nothing;
    ensures is: \result == (ty(named(K.run.tcb, cptr)) == CAP_TCB ? target(cptr) : 0); */
static inline u32 tcb_at(u64 cptr) {
    u32 s = cspace_lookup(K.run.tcb, cptr);
    return SLOT(s).type == CAP_TCB ? SLOT(s).object : 0;
}

/*@ requires call: call < CALL_COUNT;
    REQUIRES_TCB_CALL
    terminates \true; exits \false;
    assigns tcb_view[K.run.tcb].denial;
    ensures same: \result % 0x100000000 == K.run.tcb;
    ensures refused: \result / 0x100000000 != OK; */
static u64 refuse_tcb(u32 call, u64 cptr) {
    return call_refuse(call, ERR_TYPE, cptr, NEED(CAP_TCB, 0));
}

// What slot k of a TCB may hold, as NEED(type, rights); 0: there is no slot k to bind.
/*@ terminates \true; exits \false; assigns \nothing;
    ensures range: \result < 0x10000;
    ensures none: \result == 0 <==> !(k == TCB_SLOT_CSPACE || k == TCB_SLOT_VSPACE || k == TCB_SLOT_REPLY || k == TCB_SLOT_BUFFER ||
        k == TCB_SLOT_FAULT || k == TCB_SLOT_TIMEOUT);
    ensures cspace: k == TCB_SLOT_CSPACE ==> \result == CAP_CNODE;
    ensures vspace: k == TCB_SLOT_VSPACE ==> \result == CAP_VSPACE;
    ensures reply: k == TCB_SLOT_REPLY ==> \result == CAP_REPLY;
    ensures buffer: k == TCB_SLOT_BUFFER ==> \result == CAP_FRAME + 0x100 * (RIGHT_READ + RIGHT_WRITE);
    ensures fault: k == TCB_SLOT_FAULT || k == TCB_SLOT_TIMEOUT ==> \result == CAP_ENDPOINT + 0x100 * RIGHT_WRITE; */
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

// The capability in s is of the type, and has at least the rights, that NEED(type, rights) says.
/*@ terminates \true; exits \false; assigns \nothing;
    ensures is: \result != 0 <==> ty(s) == need % 0x100 && (slot_view[s].rights & need / 0x100) == need / 0x100; */
static inline u32 satisfies(u32 s, u32 need) {
    u32 rights = need / 0x100;
    return SLOT(s).type == need % 0x100 && (SLOT(s).rights & rights) == rights;
}

u64 call_tcb_bind(u64 cptr, u64 info) {
    (void)info;
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
    thread_park();
    if (SLOT(d).type != CAP_NULL) {
        object_release(d); // What dies with it is emptied later, so that s is still there.
    }
    if (ARG1 != 0) {
        capability_bind(s, d);
        if (k == TCB_SLOT_VSPACE) {
            TCB(t).cr3 = table_address(SLOT(s).object);
        }
    }
    return call_finish();
}

RARE u64 call_tcb_priority(u64 cptr, u64 info) {
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

RARE u64 call_tcb_resume(u64 cptr, u64 info) {
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

RARE u64 call_tcb_suspend(u64 cptr, u64 info) {
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
                                        R_R12, R_R13, R_R14,    R_R15, R_FS};

// The thread is one that does not run; it will not make the kernel load an address that is none.
/*@ REQUIRES_TCB_CALL
    terminates \true; exits \false;
    assigns tcb_view[K.run.tcb].denial,
        tcb_view[target(cptr)].r[0 .. R_COUNT - 1], tcb_view[target(cptr)].mode, TCB(target(cptr)).begun;
    ENSURES_TCB_CALL
    ensures whole: \result / 0x100000000 == OK ==> TCB(target(cptr)).begun == 0;
    ensures stopped: \result / 0x100000000 == OK ==> \let t = target(cptr);
        t != K.run.tcb && (tcb_view[t].state == STATE_INACTIVE || tcb_view[t].fault != FAULT_NONE);
    ensures safe: \result / 0x100000000 == OK ==> \let t = target(cptr);
        user_address(TCB(t).r[R_RIP]) && user_address(TCB(t).r[R_FS]);
    ensures written: \result / 0x100000000 == OK ==> \forall integer i; 0 <= i < REGS_WORDS ==>
        TCB(target(cptr)).r[REGISTER[i]] == buffer_view[ob(K.run.tcb + 4 * TCB_SLOT_BUFFER)].word[i];
    ensures refused: \result / 0x100000000 != OK ==>
        \forall integer t, i; 0 <= t < 0x100000000 && 0 <= i < R_COUNT ==> tcb_view[t].r[i] == \old(tcb_view[t].r[i]); */
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
    // Read once, because others may write the buffer. The kernel would fault if it loaded no canonical address.
    u64 rip = BUFFER(page).word[0], fs = BUFFER(page).word[REGS_WORDS - 1];
    if (rip >= USER_END || fs >= USER_END) {
        return call_refuse_argument(CALL_TCB_WRITE, ERR_ARG, rip >= USER_END ? rip : fs);
    }
    /*@ loop invariant range: 1 <= i < REGS_WORDS;
        loop invariant copied: \forall integer j; 1 <= j < i ==> TCB(t).r[REGISTER[j]] == BUFFER(page).word[j];
        loop assigns i, tcb_view[t].r[0 .. R_COUNT - 1];
        loop variant REGS_WORDS - i;
    */
    for (u32 i = 1; i < REGS_WORDS - 1; i++) {
        TCB(t).r[REGISTER[i]] = BUFFER(page).word[i];
    }
    TCB(t).r[R_RIP] = rip;
    TCB(t).r[R_FS] = fs;
    TCB(t).mode |= MODE_IRET;
    TCB(t).begun = 0;
    return call_done();
}

// t runs or waits: not all of its registers are where they could be read.
/*@ terminates \true; exits \false; assigns \nothing;
    ensures in: \result != 0 <==> t == K.run.tcb || (state_of(t) >= STATE_RECV && tcb_view[t].fault == FAULT_NONE); */
static inline u32 is_in_call(u32 t) {
    return t == K.run.tcb || (thread_state(t) >= STATE_RECV && TCB(t).fault == FAULT_NONE);
}

// The registers of t, which is not in a call, become what it will find in them, also those that a call loses.
/*@ terminates \true; exits \false;
    assigns tcb_view[t].r[R_RAX], tcb_view[t].r[R_RCX], tcb_view[t].r[R_R11], tcb_view[t].mode; */
static inline void settle(u32 t) {
    if (TCB(t).mode % 2u == 0) {
        TCB(t).r[R_RAX] = OK;
        TCB(t).r[R_RCX] = TCB(t).r[R_RIP];
        TCB(t).r[R_R11] = TCB(t).r[R_RFLAGS];
        TCB(t).mode |= MODE_IRET;
    }
}

/*@ REQUIRES_TCB_CALL
    terminates \true; exits \false;
    assigns tcb_view[K.run.tcb].denial, buffer_view[..],
        tcb_view[target(cptr)].r[0 .. R_COUNT - 1], tcb_view[target(cptr)].mode;
    ENSURES_TCB_CALL
    ensures rests: \result / 0x100000000 == OK ==> \let t = target(cptr);
        t != K.run.tcb && (state_of(t) < STATE_RECV || tcb_view[t].fault != FAULT_NONE);
    ensures refused: \result / 0x100000000 != OK ==>
        \forall integer t, i; 0 <= t < 0x100000000 && 0 <= i < R_COUNT ==> tcb_view[t].r[i] == \old(tcb_view[t].r[i]);
    ensures told: \result / 0x100000000 == OK ==> \forall integer i; 0 <= i < REGS_WORDS ==>
        buffer_view[ob(K.run.tcb + 4 * TCB_SLOT_BUFFER)].word[i] == tcb_view[target(cptr)].r[REGISTER[i]]; */
RARE u64 call_tcb_read(u64 cptr, u64 info) {
    (void)info;
    u32 cur = K.run.tcb, t = tcb_at(cptr), page = message_buffer(cur);
    if (t == 0) {
        return refuse_tcb(CALL_TCB_READ, cptr);
    }
    if (page == 0) {
        return call_refuse_argument(CALL_TCB_READ, ERR_ARG, TCB_SLOT_BUFFER);
    }
    if (is_in_call(t)) {
        return call_refuse_argument(CALL_TCB_READ, ERR_BUSY, thread_state(t));
    }
    settle(t);
    /*@ loop invariant range: 0 <= i <= REGS_WORDS;
        loop invariant copied: \forall integer j; 0 <= j < i ==> buffer_view[page].word[j] == TCB(t).r[REGISTER[j]];
        loop assigns i, buffer_view[page].word[0 .. REGS_WORDS - 1];
        loop variant REGS_WORDS - i;
    */
    for (u32 i = 0; i < REGS_WORDS; i++) {
        BUFFER(page).word[i] = TCB(t).r[REGISTER[i]];
    }
    return call_done();
}

/*@ REQUIRES_TCB_CALL
    terminates \true; exits \false;
    assigns tcb_view[K.run.tcb].denial, tcb_view[K.run.tcb].r[R_RDX], tcb_view[K.run.tcb].r[R_R10],
        tcb_view[K.run.tcb].r[R_R8], tcb_view[K.run.tcb].r[R_R9];
    ENSURES_TCB_CALL
    ensures told: \result / 0x100000000 == OK ==> tcb_view[K.run.tcb].r[R_R8] == target(cptr) && tcb_view[K.run.tcb].r[R_R10] ==
        SC(target(cptr) == K.run.tcb ? K.run.sc : tcb_view[target(cptr)].sc).used / 1024; */
RARE u64 call_tcb_info(u64 cptr, u64 info) {
    (void)info;
    u32 t = tcb_at(cptr);
    if (t == 0) {
        return refuse_tcb(CALL_TCB_INFO, cptr);
    }
    u32 sc = t == K.run.tcb ? K.run.sc : TCB(t).sc;
    ARG0 = thread_state(t) + 0x100 * (u64)TCB(t).priority + 0x10000 * (u64)TCB(t).priority_max +
           0x1000000 * (u64)(TCB(t).vector != 0) + 0x100000000 * (u64)TCB(t).fault;
    ARG1 = SC(sc).used / TICK;
    ARG2 = t;
    ARG3 = 0;
    return call_done();
}

/*@ REQUIRES_TCB_CALL
    requires wf: signals;
    requires names: \forall integer s; slot(s) && ty(s) == CAP_NOTIFICATION ==> ob(s) != 0;
    terminates \true; exits \false;
    assigns tcb_view[K.run.tcb].denial, notification_view[..].bound, tcb_view[..].bound, tcb_view[..].attention;
    ENSURES_TCB_CALL
    ENSURES_SIGNALS
    ensures unbound: \result / 0x100000000 == OK && tcb_view[K.run.tcb].r[R_RDX] == 0 ==> tcb_view[target(cptr)].bound == 0;
    ensures bound: \result / 0x100000000 == OK && tcb_view[K.run.tcb].r[R_RDX] != 0 ==>
        \let s = named(K.run.tcb, tcb_view[K.run.tcb].r[R_RDX]); ty(s) == CAP_NOTIFICATION && (rt(s) & RIGHT_READ) != 0 &&
        tcb_view[target(cptr)].bound == ob(s) && notification_view[ob(s)].bound == target(cptr); */
RARE u64 call_tcb_notification(u64 cptr, u64 info) {
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
/*@ terminates \true; exits \false; assigns \nothing;
    ensures is: \result != 0 <==> state_of(t) == STATE_REPLY && reply_view[tcb_view[t].reply].caller.sc != 0; */
static inline u32 has_lent(u32 t) {
    return thread_state(t) == STATE_REPLY && REPLY(TCB(t).reply).caller.sc != 0;
}

RARE u64 call_tcb_context(u64 cptr, u64 info) {
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
    } else if (thread_state(t) == STATE_RECV && TCB(t).attention != 0) {
        notification_wake_bound(TCB(t).bound, t);
    }
    return call_finish();
}

/*@ REQUIRES_TCB_CALL
    terminates \true; exits \false;
    assigns tcb_view[K.run.tcb].denial, tcb_view[target(cptr)].vector, tcb_view[target(cptr)].mode;
    ENSURES_TCB_CALL
    ensures set: \result / 0x100000000 == OK ==> tcb_view[target(cptr)].vector == tcb_view[K.run.tcb].r[R_RDX] <= 1; */
RARE u64 call_tcb_vector(u64 cptr, u64 info) {
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

/*@ REQUIRES_TCB_CALL
    terminates \true; exits \false;
    assigns tcb_view[K.run.tcb].denial, tcb_view[K.run.tcb].r[R_RDX], tcb_view[K.run.tcb].r[R_R10], tcb_view[K.run.tcb].r[R_R8],
        tcb_view[K.run.tcb].r[R_R9];
    ensures next: \result % 0x100000000 == K.run.tcb;
    ensures told: \result / 0x100000000 == OK ==> \let t = cptr == 0 ? K.run.tcb : target(cptr);
        tcb_view[K.run.tcb].r[R_RDX] == tcb_view[t].denial.cptr && tcb_view[K.run.tcb].r[R_R10] == tcb_view[t].denial.what &&
        tcb_view[K.run.tcb].r[R_R8] == tcb_view[t].denial.argument && tcb_view[K.run.tcb].r[R_R9] == tcb_view[t].denial.count;
    ensures type: \result / 0x100000000 == OK ==> cptr == 0 || ty(named(K.run.tcb, cptr)) == CAP_TCB; */
RARE u64 call_tcb_denial(u64 cptr, u64 info) {
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

static NOINLINE u64 yield_slow(u32 cur) {
    ready_append(cur);
    return thread_schedule();
}

FLATTEN u64 call_yield(u64 cptr, u64 info) {
    (void)cptr;
    (void)info;
    u32 cur = K.run.tcb, q = READY_BASE + TCB(cur).priority;
    thread_park();
    if (TCB(cur).priority + 1u != K.top || K.run.sc == 0) {
        return yield_slow(cur);
    }
    // The queue of this priority has others: it rotates, and which queues are empty stays.
    u32 next = QUEUE(q).head;
    queue_append(q, cur);
    TCB(cur).state = STATE_READY;
    queue_take(q, next);
    return thread_run_instead(next);
}
