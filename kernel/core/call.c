// How calls end: the next thread, a refusal with its reason, a restart.
// SPDX-License-Identifier: BSD-2-Clause
#include "core/call.h"
#include "core/inline.h"

#include "core/cspace.h"
#include "core/ready.h"
#include "core/thread.h"
#include "core/time.h"

// The running thread competes for the processor again, before the others of its priority.
/*@ requires wf: kept;
    requires room: queue_room;
    requires t: tcb(t) && TCB(t).state == STATE_RUNNING;
    terminates \true; exits \false;
    assigns link_view[..], tcb_view[..].state, queue_view[READY_BASE .. READY_BASE + 255], K.ready_bitmap[0 .. 3],
        K.ready_summary, K.top, g_queue[..], g_place[..], g_front;
    ENSURES_KEPT
    ensures others: \forall integer u; 0 <= u < 0x100000000 && u != t ==> TCB(u).state == \old(TCB(u).state);
    ensures runs: TCB(t).state != STATE_RUNNING; */
static inline void preempt(u32 t) {
    if (time_has_budget(TCB(t).sc)) {
        ready_push(t);
    } else {
        TCB(t).state = STATE_NO_TIME;
    }
    //@ assert w1: wait_endpoint;
    //@ assert w2: wait_signal;
    //@ assert w3: wait_queued;
    //@ assert w4: wait_kind;
    //@ assert w5: wait_special;
    //@ assert w6: wait_tcb;
    //@ assert c6: context_ready;
    //@ assert r1: reply_thread;
    //@ assert r2: reply_caller;
    //@ assert r3: reply_null;
    //@ assert r4: reply_loan;
    //@ assert timers: wait_timers;
}

u64 call_finish(void) {
    u32 cur = K.run.tcb;
    if (TCB(cur).state == STATE_RUNNING) {
        //@ assert queue: \forall integer t; is_ready(t) ==> QUEUE(READY_BASE + TCB(t).priority).head != 0;
        //@ assert marked: \forall integer t; is_ready(t) ==> marked(TCB(t).priority);
        //@ assert below: \forall integer t; is_ready(t) ==> TCB(t).priority < K.top;
        //@ assert marks: K.top != 0 ==> QUEUE(READY_BASE + K.top - 1).head != 0 && g_queue[QUEUE(READY_BASE + K.top - 1).head] == READY_BASE + K.top - 1;
        //@ assert top: K.top != 0 ==> \let t = QUEUE(READY_BASE + K.top - 1).head; is_ready(t) && TCB(t).priority == K.top - 1;
        u32 sc = TCB(cur).sc;
        if (sc == K.run.sc && sc != 0 && TCB(cur).priority + 1u >= K.top) {
            return cur;
        }
        preempt(cur);
    }
    return thread_schedule();
}

// Levels of the CSpace that lead to a capability: 0, 1 or 2.
/*@ requires space: wf_cspace(t) && ty(0) == CAP_NULL;
    terminates \true; exits \false; assigns \nothing;
    ensures levels: \result <= 2; */
static u32 levels_resolved(u32 t, u64 cptr) {
    if ((cptr >> 32) == 0) {
        return cspace_destination(t, cptr) != 0;
    }
    return cspace_destination(t, (u32)cptr) == 0 ? 0 : 1u + (cspace_destination(t, cptr) != 0);
}

/*@ terminates \true; exits \false;
    assigns tcb_view[t].denial.count; */
static void count_denial(u32 t) {
    if (TCB(t).denial.count != ~0ull) {
        TCB(t).denial.count++;
    }
}

RARE u64 call_refuse(u32 call, error_t error, u64 cptr, u32 need) {
    u32 cur = K.run.tcb, s = cspace_lookup(cur, cptr);
    u32 type = SLOT(s).type;
    if (type == CAP_NULL) {
        error = ERR_CAP;
    } else if (need % 0x100 != CAP_NULL && type != need % 0x100) {
        error = ERR_TYPE;
    }
    TCB(cur).denial.cptr = cptr;
    TCB(cur).denial.what = call + 0x100 * (u64)error + 0x10000 * (u64)levels_resolved(cur, cptr) +
                           0x1000000 * (u64)type +
                           0x100000000 * (u64)(SLOT(s).rights % RIGHT_BOUND) +
                           0x10000000000 * (u64)need;
    TCB(cur).denial.argument = 0;
    count_denial(cur);
    return call_error(error);
}

RARE u64 call_refuse_argument(u32 call, error_t error, u64 argument) {
    u32 cur = K.run.tcb;
    TCB(cur).denial.cptr = 0;
    TCB(cur).denial.what = call + 0x100u * (u64)error;
    TCB(cur).denial.argument = argument;
    count_denial(cur);
    return call_error(error);
}

enum { SYSCALL_BYTES = 2 };

u64 call_restart(u32 call, u64 cptr, u64 info) {
    u32 cur = K.run.tcb;
    if (TCB(cur).state != STATE_RUNNING) {
        return call_finish();
    }
    TCB(cur).r[R_RIP] -= SYSCALL_BYTES;
    TCB(cur).r[R_RDI] = cptr;
    TCB(cur).r[R_RSI] = info;
    u64 next = call_finish();
    if (next != cur) {
        TCB(cur).r[R_RAX] = call;
        TCB(cur).mode |= MODE_IRET;
        return next;
    }
    return call_result(cur, call);
}

u64 call_continue(u32 call, u64 cptr, u64 info) {
    TCB(K.run.tcb).begun = call;
    return call_restart(call, cptr, info);
}
