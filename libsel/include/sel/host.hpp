// What a host test supplies in place of the kernel (SEL_HOST).
// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <functional>

#include "sel/environment.hpp"
#include "sel/kernel.hpp"

namespace sel::host {

// Answers every kernel call of the calling thread; without one, they are refused with ERR_CAP.
extern thread_local std::function<void(Regs &)> kernel;

// What sel::now() says.
extern u64 time;

// What sel::environment() says.
extern Environment environment;

} // namespace sel::host
