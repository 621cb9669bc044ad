// How calls end: the next thread, a refusal with its reason, a restart.
// SPDX-License-Identifier: BSD-2-Clause
#include "core/call.h"

#include "core/cspace.h"
#include "core/ready.h"
#include "core/thread.h"
#include "core/time.h"

u64 call_finish(void) {
    u32 cur = K.run.tcb;
    if (TCB(cur).state == STATE_RUNNING) {
        u32 sc = TCB(cur).sc;
        if (sc == K.run.sc && sc != 0 && TCB(cur).priority + 1u >= K.top) {
            return cur;
        }
        if (time_has_budget(sc)) {
            ready_push(cur);
        } else {
            TCB(cur).state = STATE_NO_TIME;
        }
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

u64 call_refuse(u32 call, error_t error, u64 cptr, u32 need) {
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

u64 call_refuse_argument(u32 call, error_t error, u64 argument) {
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
