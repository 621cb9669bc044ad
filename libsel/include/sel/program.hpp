// A running program: its way out, and the block of each of its threads.
// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include "sel/environment.hpp"
#include "sel/kernel.hpp"

namespace sel {

// A program ends by a kernel call that does not exist: the kernel turns it into a fault message
// FAULT_CALL with w1 = kExitCall and w2 = exit code, which needs no capability. Whoever handles its
// faults (the supervisor) then ends it.
inline constexpr u64 kExitCall = 0x74697865; // "exit"

// The same, made up by root for a server that keeps its clients waiting; w2 is a root::Silence
// (servers/root/silence.hpp).
inline constexpr u64 kSilentCall = 0x746e656c6973; // "silent"

// Ends the program; main() returning does the same.
[[noreturn]] void exit(int code);

} // namespace sel
