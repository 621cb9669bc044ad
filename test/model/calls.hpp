// Every kernel call: its name, and all the ways in which it can end.
// SPDX-License-Identifier: BSD-2-Clause
//
// abi/call.h says what a call does, abi/error.h what an error means; this table puts them together.
// The lock step refuses every other end, and counts how often it saw each of these.
#ifndef TEST_MODEL_CALLS_HPP
#define TEST_MODEL_CALLS_HPP

#include <initializer_list>

#include "abi/call.h"
#include "abi/error.h"

namespace model {

struct CallEnds {
    const char *name;
    u32 ends; // Bit e: it can end with error e.
};

constexpr u32 ends(std::initializer_list<error_t> errors) {
    u32 all = 1u << OK;
    for (error_t e : errors)
        all |= 1u << e;
    return all;
}

// A call that names a capability of a certain type, and a call that may wait.
constexpr u32 TYPED = ends({ERR_CAP, ERR_TYPE}), WAITS = ends({ERR_TIMEOUT, ERR_GONE});
constexpr u32 RIGHTS = TYPED | ends({ERR_RIGHT});

// In the order of their numbers.
constexpr CallEnds CALLS[CALL_COUNT] = {
    {"call", RIGHTS | WAITS | ends({ERR_ARG})},
    {"reply_recv", RIGHTS | WAITS | ends({ERR_ARG, ERR_BUSY})},
    {"send", RIGHTS | WAITS | ends({ERR_ARG, ERR_BUSY})},
    {"nb_send", RIGHTS | ends({ERR_ARG, ERR_EMPTY})},
    {"recv", RIGHTS | WAITS | ends({ERR_ARG, ERR_BUSY})},
    {"nb_recv", RIGHTS | ends({ERR_ARG, ERR_BUSY, ERR_EMPTY})},
    {"reply", TYPED | ends({ERR_ARG, ERR_EMPTY})},
    {"signal", RIGHTS},
    {"wait", RIGHTS | WAITS | ends({ERR_ARG})},
    {"poll", RIGHTS | ends({ERR_EMPTY})},
    {"yield", ends({})},
    {"cap_copy", TYPED | ends({ERR_ARG, ERR_OCCUPIED})},
    {"cap_mint", TYPED | ends({ERR_ARG, ERR_OCCUPIED, ERR_BADGE})},
    {"cap_move", ends({ERR_CAP, ERR_OCCUPIED})},
    {"cap_swap", ends({ERR_CAP})},
    {"cap_delete", ends({ERR_CAP})},
    {"cap_revoke", ends({ERR_CAP})},
    {"cap_info", ends({ERR_CAP})},
    {"untyped_retype", TYPED | ends({ERR_ARG, ERR_OCCUPIED, ERR_MEMORY})},
    {"untyped_reset", TYPED | ends({ERR_CHILDREN})},
    {"tcb_bind", RIGHTS | ends({ERR_ARG})},
    {"tcb_priority", TYPED | ends({ERR_PRIORITY})},
    {"tcb_resume", TYPED},
    {"tcb_suspend", TYPED},
    {"tcb_write", TYPED | ends({ERR_ARG, ERR_BUSY})},
    {"tcb_read", TYPED | ends({ERR_ARG, ERR_BUSY})},
    {"tcb_info", TYPED},
    {"tcb_notification", RIGHTS | ends({ERR_OCCUPIED, ERR_BUSY})},
    {"tcb_context", TYPED | ends({ERR_OCCUPIED})},
    {"tcb_vector", TYPED | ends({ERR_ARG})},
    {"tcb_denial", TYPED},
    {"sc_configure", TYPED | ends({ERR_ARG})},
    {"frame_map", RIGHTS | ends({ERR_ARG, ERR_OCCUPIED, ERR_BUSY, ERR_TABLE})},
    {"frame_unmap", TYPED},
    {"frame_info", TYPED},
    {"table_map", TYPED | ends({ERR_ARG, ERR_OCCUPIED, ERR_BUSY})},
    {"table_unmap", TYPED},
    {"irq_get", TYPED | ends({ERR_ARG, ERR_OCCUPIED, ERR_MEMORY})},
    {"irq_bind", RIGHTS | ends({ERR_BADGE})},
    {"irq_ack", TYPED},
    {"port_in", TYPED | ends({ERR_ARG})},
    {"port_out", TYPED | ends({ERR_ARG})},
    {"trace", TYPED | ends({ERR_ARG})},
};

// Up to the ends of a wait: the kernel gives no other errors.
constexpr const char *ERRORS[] = {"OK",       "CAP",      "TYPE",  "RIGHT",   "ARG",
                                  "OCCUPIED", "MEMORY",   "BUSY",  "BADGE",   "CHILDREN",
                                  "TABLE",    "PRIORITY", "EMPTY", "TIMEOUT", "GONE"};
static_assert(sizeof ERRORS / sizeof *ERRORS == ERR_GONE + 1);

} // namespace model

#endif
