// Sizes of kernel objects, and long retypes in runs that one call can make.
// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include "sel/capability.hpp"

namespace root {

constexpr u64 object_bytes(cap_type_t type, u64 size) {
    switch (type) {
    case CAP_CNODE:
        return size * SLOT_BYTES;
    case CAP_TCB:
        return TCB_BYTES;
    case CAP_ENDPOINT:
        return ENDPOINT_BYTES;
    case CAP_NOTIFICATION:
        return NOTIFICATION_BYTES;
    case CAP_REPLY:
        return REPLY_BYTES;
    case CAP_SCHED_CONTEXT:
        return SCHED_CONTEXT_BYTES;
    case CAP_VSPACE:
    case CAP_PAGE_TABLE:
        return TABLE_BYTES;
    case CAP_FRAME:
        return PAGE_BYTES;
    case CAP_UNTYPED:
        return size + UNTYPED_BYTES;
    default:
        return 0;
    }
}

// From one slot to the next: of root's CSpace, or of a CNode in it.
constexpr u64 slot_step(cptr_t slot) {
    return slot >> 32 != 0 ? u64{1} << 32 : 1;
}

// Calls make(slot, done, n) until `count` objects are made, n <= RETYPE_MAX at a time, in the
// consecutive slots from `to` on: of root's CSpace, or of a CNode in it.
template <typename Make>
sel::Result<> retype_runs(cptr_t to, u64 count, Make make) {
    for (u64 done = 0; done < count;) {
        u64 n = count - done < RETYPE_MAX ? count - done : u64{RETYPE_MAX};
        if (sel::Result<> made = make(to + done * slot_step(to), done, n); !made) {
            return made;
        }
        done += n;
    }
    return {};
}

} // namespace root
