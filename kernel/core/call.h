// What all kernel calls share: arguments, results, and the ways a call can end.
// SPDX-License-Identifier: BSD-2-Clause
//
// A call is one function `u64 call_NAME(u64 cptr, u64 info)` for CALL_NAME. It checks everything,
// then commits; it returns the thread to run next and, in the high half, the caller's rax:
//   return call_done();                  done, the caller goes on
//   return call_finish();                done; somebody may have been woken, or the caller ended
//   return call_refuse(...);             refused, nothing has changed
//   return call_restart(...);            one bounded step is done: the instruction runs again
#ifndef CORE_CALL_H
#define CORE_CALL_H

#include "abi/error.h"
#include "core/inline.h"
#include "core/view.h"
#include "spec/cspace.h"
#include "spec/wait.h"

#define ARG0 TCB(K.run.tcb).r[R_RDX]
#define ARG1 TCB(K.run.tcb).r[R_R10]
#define ARG2 TCB(K.run.tcb).r[R_R8]
#define ARG3 TCB(K.run.tcb).r[R_R9]

#define NEED(type, rights) ((u32)(type) + 0x100u * (u32)(rights))

// What a call returns: the thread to run next, and the caller's rax.
/*@ requires rax: rax < 0x100000000;
    terminates \true; exits \false; assigns \nothing;
    ensures next: \result % 0x100000000 == next;
    ensures rax: \result / 0x100000000 == rax; */
static inline u64 call_result(u32 next, u64 rax) {
    return next + rax * 0x100000000;
}

/*@ terminates \true; exits \false; assigns \nothing;
    ensures same: \result == K.run.tcb; */
static inline u64 call_done(void) {
    return K.run.tcb;
}

// Ends without a result, though nothing was refused (ERR_EMPTY).
/*@ requires error: 0 <= error < ERR_COUNT;
    terminates \true; exits \false; assigns \nothing;
    ensures same: \result % 0x100000000 == K.run.tcb;
    ensures rax: \result / 0x100000000 == error; */
static inline u64 call_error(error_t error) {
    return call_result(K.run.tcb, error);
}

// The caller, unless a thread of higher priority is ready or the caller can no longer run.
/*@ requires wf: kept && time_running;
    requires room: queue_room && wheel_room;
    requires one: \forall integer t; index(t) && t != K.run.tcb ==> TCB(t).state != STATE_RUNNING;
    requires null: SC(0).left == 0;
    terminates \true; exits \false;
    assigns SCHEDULE_ASSIGNS, g_place[..], g_front;
    ENSURES_KEPT
    ensures next: \result < 0x100000000 && (\result != 0 ==> tcb(\result) && TCB(\result).state == STATE_RUNNING);
    ensures one: \forall integer t; index(t) && t != \result ==> TCB(t).state != STATE_RUNNING;
    ensures context: K.run.sc == TCB(\result).sc && time_running;
    ensures best: \forall integer t; is_ready(t) ==> \result != 0 && TCB(t).priority <= TCB(\result).priority;
    ensures stays: \old(TCB(K.run.tcb).state) == STATE_RUNNING && \old(TCB(K.run.tcb).sc) == \old(K.run.sc) && \old(K.run.sc) != 0 &&
        (\forall integer t; \old(is_ready(t)) ==> TCB(t).priority <= TCB(K.run.tcb).priority) ==> \result == K.run.tcb; */
u64 call_finish(void);

// The capability at cptr was refused: `need` is what it should have been (type CAP_NULL: any type, and
// `error` says what was wrong). Writes the denial record.
/*@ requires call: call < CALL_COUNT;
    requires error: 0 < error < ERR_COUNT;
    requires need: need < 0x10000;
    requires space: wf_cspace(K.run.tcb) && ty(0) == CAP_NULL;
    terminates \true; exits \false;
    assigns tcb_view[K.run.tcb].denial;
    ensures same: \result % 0x100000000 == K.run.tcb;
    ensures rax: \result / 0x100000000 == (ty(named(K.run.tcb, cptr)) == CAP_NULL ? ERR_CAP :
        need % 0x100 != CAP_NULL && ty(named(K.run.tcb, cptr)) != need % 0x100 ? ERR_TYPE : error);
    ensures record: tcb_view[K.run.tcb].denial.cptr == cptr && tcb_view[K.run.tcb].denial.argument == 0; */
NOINLINE u64 call_refuse(u32 call, error_t error, u64 cptr, u32 need);

// An argument was refused. Nothing but the denial record changes.
/*@ requires call: call < CALL_COUNT;
    requires error: 0 < error < ERR_COUNT;
    terminates \true; exits \false;
    assigns tcb_view[K.run.tcb].denial;
    ensures same: \result % 0x100000000 == K.run.tcb;
    ensures rax: \result / 0x100000000 == error;
    ensures record: tcb_view[K.run.tcb].denial.argument == argument && tcb_view[K.run.tcb].denial.cptr == 0 &&
        tcb_view[K.run.tcb].denial.what == call + 0x100 * error; */
u64 call_refuse_argument(u32 call, error_t error, u64 argument);

// Run the same call again, after pending interrupts and threads of higher priority; its progress is
// in the objects (or in ARGn). A caller that can no longer run does not come back. It was parked
// (thread.h).
u64 call_restart(u32 call, u64 cptr, u64 info);

// `info` of a call that has none and goes on after call_restart: its first part is done.
enum { CALL_CONTINUED = 1 };

// Every call of abi/call.h.
u64 call_call(u64 cptr, u64 info);
u64 call_reply_recv(u64 cptr, u64 info);
u64 call_send(u64 cptr, u64 info);
u64 call_nb_send(u64 cptr, u64 info);
u64 call_recv(u64 cptr, u64 info);
u64 call_nb_recv(u64 cptr, u64 info);
u64 call_reply(u64 cptr, u64 info);
u64 call_signal(u64 cptr, u64 info);
u64 call_wait(u64 cptr, u64 info);
u64 call_poll(u64 cptr, u64 info);
u64 call_yield(u64 cptr, u64 info);
u64 call_cap_copy(u64 cptr, u64 info);
u64 call_cap_mint(u64 cptr, u64 info);
u64 call_cap_move(u64 cptr, u64 info);
u64 call_cap_swap(u64 cptr, u64 info);
u64 call_cap_delete(u64 cptr, u64 info);
u64 call_cap_revoke(u64 cptr, u64 info);
u64 call_cap_info(u64 cptr, u64 info);
u64 call_untyped_retype(u64 cptr, u64 info);
u64 call_untyped_reset(u64 cptr, u64 info);
u64 call_tcb_bind(u64 cptr, u64 info);
u64 call_tcb_priority(u64 cptr, u64 info);
u64 call_tcb_resume(u64 cptr, u64 info);
u64 call_tcb_suspend(u64 cptr, u64 info);
u64 call_tcb_write(u64 cptr, u64 info);
u64 call_tcb_read(u64 cptr, u64 info);
u64 call_tcb_info(u64 cptr, u64 info);
u64 call_tcb_notification(u64 cptr, u64 info);
u64 call_tcb_context(u64 cptr, u64 info);
u64 call_tcb_vector(u64 cptr, u64 info);
u64 call_tcb_denial(u64 cptr, u64 info);
u64 call_sc_configure(u64 cptr, u64 info);
u64 call_frame_map(u64 cptr, u64 info);
u64 call_frame_unmap(u64 cptr, u64 info);
u64 call_frame_info(u64 cptr, u64 info);
u64 call_table_map(u64 cptr, u64 info);
u64 call_table_unmap(u64 cptr, u64 info);
u64 call_irq_get(u64 cptr, u64 info);
u64 call_irq_bind(u64 cptr, u64 info);
u64 call_irq_ack(u64 cptr, u64 info);
u64 call_port_in(u64 cptr, u64 info);
u64 call_port_out(u64 cptr, u64 info);
u64 call_trace(u64 cptr, u64 info);

#endif
