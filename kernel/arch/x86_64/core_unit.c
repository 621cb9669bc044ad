// The core, as the one C translation unit that the kernel contains.
// SPDX-License-Identifier: BSD-2-Clause
#include "arch/x86_64/leaf_impl.h"

#include "core/call.c"
#include "core/cap_calls.c"
#include "core/capability.c"
#include "core/cdt.c"
#include "core/delete_calls.c"
#include "core/endpoint.c"
#include "core/irq.c"
#include "core/irq_calls.c"
#include "core/kernel.c"
#include "core/message.c"
#include "core/notification.c"
#include "core/object.c"
#include "core/port.c"
#include "core/ready.c"
#include "core/reply.c"
#include "core/sched_context.c"
#include "core/sched_context_calls.c"
#include "core/shape.c"
#include "core/tcb_calls.c"
#include "core/thread.c"
#include "core/time.c"
#include "core/trace.c"
#include "core/untyped.c"
#include "core/untyped_calls.c"
#include "core/vspace.c"
#include "core/vspace_calls.c"
#include "core/wheel.c"

// Every call of abi/call.h and the function that does it.
#define CALLS(X)                                                                                   \
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

typedef u64 (*call_function_t)(u64 cptr, u64 info);
#define ENTRY(number, function) [number] = (function),
const call_function_t call_table[CALL_COUNT] = {CALLS(ENTRY)};
#define ONE(number, function) +1 // NOLINT(bugprone-macro-parentheses): a term of the sum below.
static_assert(0 CALLS(ONE) == CALL_COUNT, "a call without a function");

// Where kernel.ld puts it is where the indices of objects.h point.
__attribute__((section(".statics"))) statics_t statics;
