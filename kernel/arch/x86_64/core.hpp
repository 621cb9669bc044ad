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
}

#endif
