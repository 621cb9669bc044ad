// The attacks. Each returns true if everything was denied, false if something worked that must not;
// those that must end in a fault return false if they get that far.
// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include "abi/types.h"

namespace attack {

// --- memory.cpp
bool read_kernel();
bool write_kernel();
bool jump_to_kernel();
bool read_foreign();
bool follow_null();
bool write_code();
bool execute_stack();
bool use_up_stack();
bool smash_stack();

// --- capabilities.cpp
bool unknown_call();
bool random_calls();
bool forge_badge();
bool widen_rights();
bool retype_foreign();
bool map_foreign();
bool make_code();
bool raise_priority();
bool use_up_memory();
bool flood_server();

// --- exceptions.cpp
bool divide_by_zero();
bool single_step();
bool breakpoint();
bool invalid_opcode();
bool use_vectors();
bool load_segment();
bool non_canonical();
bool privileged();
bool use_ports();
bool raise_interrupt();

// --- files.cpp
bool leave_directory();
bool leave_disk();

// --- sessions.cpp
bool leave_sleeps();
bool leave_reads();
bool leave_watches();
bool leave_handles();
bool sleep_for_ever();

// --- regions.cpp
bool abuse_token();
bool read_released();

// --- starts.cpp
bool forge_starts();

// --- terminal.cpp
bool imitate_terminal();
bool listen_to_others();

// --- network.cpp
bool leave_network();

// --- self.cpp
bool run_for_ever();
bool delete_slots();
bool drop_cspace();
bool drop_vspace();
bool drop_context();
bool suspend_self();

} // namespace attack
