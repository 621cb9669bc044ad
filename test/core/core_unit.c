// The core for host tests: the files that boot, in one unit as in the kernel, with the host's leaves.
// SPDX-License-Identifier: BSD-2-Clause
#include "test/core/leaf_impl.h"

#include "core/call.c"
#include "core/cap_calls.c"
#include "core/capability.c"
#include "core/cdt.c"
#include "core/delete_calls.c"
#include "core/endpoint.c"
#include "core/irq.c"
#include "core/kernel.c"
#include "core/message.c"
#include "core/notification.c"
#include "core/object.c"
#include "core/port.c"
#include "core/ready.c"
#include "core/reply.c"
#include "core/sched_calls.c"
#include "core/sched_context.c"
#include "core/tcb_calls.c"
#include "core/thread.c"
#include "core/time.c"
#include "core/trace.c"
#include "core/untyped.c"
#include "core/untyped_calls.c"
#include "core/vspace.c"
#include "core/wheel.c"

host_t g_host;
u64 kernel_table[256];
