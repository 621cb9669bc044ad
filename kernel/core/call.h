// What all kernel calls share: arguments, results, and the ways a call can end.
// SPDX-License-Identifier: BSD-2-Clause
//
// A call is one function `u64 call_NAME(u64 cptr, u64 info)` for CALL_NAME. It checks everything,
// then commits; it returns the thread to run next and, in the high half, the caller's rax:
//   return call_done();                  done, the caller goes on
//   return call_finish();                done; somebody may have been woken, or the caller ended
//   return call_refuse(...);             refused, nothing has changed
//   return call_restart(...);            one bounded step is done: the instruction runs again
//   return call_continue(...);           the same, and call_goes_on() tells the next part that it is one
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

// The same; the next part is told what this one has checked and done. No register of the caller says it:
// those are the caller's to set.
u64 call_continue(u32 call, u64 cptr, u64 info);

// Is this the next part of a call that ended with call_continue()?
/*@ terminates \true; exits \false; assigns TCB(K.run.tcb).begun;
    ensures begun: \result != 0 <==> \old(TCB(K.run.tcb).begun) == call;
    ensures once: TCB(K.run.tcb).begun == 0; */
static inline u32 call_goes_on(u32 call) {
    u64 begun = TCB(K.run.tcb).begun;
    TCB(K.run.tcb).begun = 0;
    return begun == call;
}

// Every call of abi/call.h and the function that does it: from this list come the declarations below, the
// switch of core_call (kernel.c), and the table by which the entry code does the same.
#define CALL_LIST(X)                                                                               \
    X(CALL_CALL, call_call)                                                                        \
    X(CALL_REPLY_RECV, call_reply_recv)                                                            \
    X(CALL_SEND, call_send)                                                                        \
    X(CALL_NB_SEND, call_nb_send)                                                                  \
    X(CALL_RECV, call_recv)                                                                        \
    X(CALL_NB_RECV, call_nb_recv)                                                                  \
    X(CALL_REPLY, call_reply)                                                                      \
    X(CALL_SIGNAL, call_signal)                                                                    \
    X(CALL_WAIT, call_wait)                                                                        \
    X(CALL_POLL, call_poll)                                                                        \
    X(CALL_YIELD, call_yield)                                                                      \
    X(CALL_CAP_COPY, call_cap_copy)                                                                \
    X(CALL_CAP_MINT, call_cap_mint)                                                                \
    X(CALL_CAP_MOVE, call_cap_move)                                                                \
    X(CALL_CAP_SWAP, call_cap_swap)                                                                \
    X(CALL_CAP_DELETE, call_cap_delete)                                                            \
    X(CALL_CAP_REVOKE, call_cap_revoke)                                                            \
    X(CALL_CAP_INFO, call_cap_info)                                                                \
    X(CALL_UNTYPED_RETYPE, call_untyped_retype)                                                    \
    X(CALL_UNTYPED_RESET, call_untyped_reset)                                                      \
    X(CALL_TCB_BIND, call_tcb_bind)                                                                \
    X(CALL_TCB_PRIORITY, call_tcb_priority)                                                        \
    X(CALL_TCB_RESUME, call_tcb_resume)                                                            \
    X(CALL_TCB_SUSPEND, call_tcb_suspend)                                                          \
    X(CALL_TCB_WRITE, call_tcb_write)                                                              \
    X(CALL_TCB_READ, call_tcb_read)                                                                \
    X(CALL_TCB_INFO, call_tcb_info)                                                                \
    X(CALL_TCB_NOTIFICATION, call_tcb_notification)                                                \
    X(CALL_TCB_CONTEXT, call_tcb_context)                                                          \
    X(CALL_TCB_VECTOR, call_tcb_vector)                                                            \
    X(CALL_TCB_DENIAL, call_tcb_denial)                                                            \
    X(CALL_SC_CONFIGURE, call_sc_configure)                                                        \
    X(CALL_FRAME_MAP, call_frame_map)                                                              \
    X(CALL_FRAME_UNMAP, call_frame_unmap)                                                          \
    X(CALL_FRAME_INFO, call_frame_info)                                                            \
    X(CALL_TABLE_MAP, call_table_map)                                                              \
    X(CALL_TABLE_UNMAP, call_table_unmap)                                                          \
    X(CALL_IRQ_GET, call_irq_get)                                                                  \
    X(CALL_IRQ_BIND, call_irq_bind)                                                                \
    X(CALL_IRQ_ACK, call_irq_ack)                                                                  \
    X(CALL_PORT_IN, call_port_in)                                                                  \
    X(CALL_PORT_OUT, call_port_out)                                                                \
    X(CALL_TRACE, call_trace)

#define CALL_DECLARATION(number, function) u64 function(u64 cptr, u64 info);
CALL_LIST(CALL_DECLARATION)

#define CALL_ONE(number, function) +1 // NOLINT(bugprone-macro-parentheses): a term of a sum.
static_assert(0 CALL_LIST(CALL_ONE) == CALL_COUNT, "a call without a function");

#endif
