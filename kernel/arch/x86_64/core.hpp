// The core's headers, as C++ sees them.
// SPDX-License-Identifier: BSD-2-Clause
#ifndef ARCH_CORE_HPP
#define ARCH_CORE_HPP

extern "C" {
#include "core/call.h"
#include "core/capability.h"
#include "core/kernel.h"
#include "core/sched_context.h"
#include "core/thread.h"
#include "core/untyped.h"

// Call number n of abi/call.h is call_table[n] (core_unit.c).
using call_function_t = u64 (*)(u64 cptr, u64 info);
extern const call_function_t call_table[CALL_COUNT];
}

#endif
