// Kernel objects: what they take of an Untyped; making many of them, and mapping a Frame.
// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include "sel/capability.hpp"
#include "sel/try.hpp"

namespace sel {

// Bytes of an object; `size` as for CALL_UNTYPED_RETYPE (abi/call.h), Frames of 4 KiB.
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

// From one slot to the next: of the own CSpace, or of a CNode in it.
constexpr u64 slot_step(cptr_t slot) {
    return slot >> 32 != 0 ? u64{1} << 32 : 1;
}

// Calls make(slot, done, n) until `count` objects are made, n <= RETYPE_MAX at a time, in the
// consecutive slots from `to` on: of the own CSpace, or of a CNode in it.
template <typename Make>
Result<> retype_runs(cptr_t to, u64 count, Make make) {
    for (u64 done = 0; done < count;) {
        u64 n = count - done < RETYPE_MAX ? count - done : u64{RETYPE_MAX};
        SEL_TRY(make(to + done * slot_step(to), done, n));
        done += n;
    }
    return {};
}

inline constexpr u32 kTableLevels = 3; // Of page tables below a VSpace, at most.

// Maps `frame`. put_table() makes and maps a PageTable for this address, once for each level that is
// missing.
template <typename PutTable>
Result<> map_with_tables(Frame frame, VSpace space, u64 address, u64 rights, PutTable put_table) {
    Result<> mapped = frame.map(space, address, rights);
    for (u32 level = 0; level < kTableLevels && mapped.error() == ERR_TABLE; level++) {
        SEL_TRY(put_table());
        mapped = frame.map(space, address, rights);
    }
    return mapped;
}

} // namespace sel
