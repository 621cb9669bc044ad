// The core, as the one C translation unit that the kernel contains.
// SPDX-License-Identifier: BSD-2-Clause
#include "arch/x86_64/leaf_impl.h"

#include "core/bond.c"
#include "core/call.c"
#include "core/cap_calls.c"
#include "core/capability.c"
#include "core/cdt.c"
#include "core/delete_calls.c"
#include "core/endpoint.c"
#include "core/endpoint_calls.c"
#include "core/ends.c"
#include "core/irq.c"
#include "core/irq_calls.c"
#include "core/kernel.c"
#include "core/message.c"
#include "core/notification.c"
#include "core/notification_calls.c"
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

// What core_call does by its switch, for the entry code.
typedef u64 (*call_function_t)(u64 cptr, u64 info);
#define ENTRY(number, function) [number] = (function),
const call_function_t calls[CALL_COUNT] = {CALL_LIST(ENTRY)};

static_assert(__builtin_offsetof(tcb_t, timer) == 8 * TCB_TIMER, "view.h: TCB_TIMER");
static_assert(__builtin_offsetof(sched_context_t, timer) == 8 * SC_TIMER, "view.h: SC_TIMER");

// Where kernel.ld puts it is where the indices of objects.h point.
__attribute__((section(".statics"))) statics_t statics;
