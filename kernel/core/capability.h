// Capabilities in slots: what one allows, and how one is made, derived, moved and taken away.
// SPDX-License-Identifier: BSD-2-Clause
//
// A slot is in the derivation tree exactly while its type is not CAP_NULL; an empty slot has all
// fields 0. Only these functions and those of vspace.h write the fields of a slot.
// Capabilities to one object are contiguous in the tree (spec/adr/0021), so whether one is the last
// shows in its neighbours. Keeps INV-5 .. INV-11 (kernel/spec/README.md).
#ifndef CORE_CAPABILITY_H
#define CORE_CAPABILITY_H

#include "abi/error.h"
#include "core/cdt.h"
#include "core/mapping.h"

// The MAY_* bits of a capability.
static inline u16 capability_may(u32 type, u32 rights, u64 data) {
    u32 read = rights & RIGHT_READ, write = rights & RIGHT_WRITE, grant = rights & RIGHT_GRANT;
    switch (type) {
    case CAP_ENDPOINT:
        return (u16)((read ? MAY_RECV : 0) + (write ? MAY_SEND : 0) + (grant ? MAY_GRANT : 0));
    case CAP_NOTIFICATION:
        return (u16)((read ? MAY_WAIT : 0) + (write && data != 0 ? MAY_SIGNAL : 0));
    case CAP_REPLY:
        return MAY_REPLY;
    case CAP_CNODE:
        return MAY_LOOKUP;
    default:
        return 0;
    }
}

// May there be several capabilities to one object of this type? The others are only moved.
static inline u32 capability_copyable(u32 type) {
    return type != CAP_NULL && type != CAP_UNTYPED && type != CAP_PAGE_TABLE &&
           type != CAP_SCHED_CONTROL && type != CAP_IRQ_CONTROL;
}

// `data` of a copy of the capability in `s`: a copied Frame is not mapped.
static inline u64 capability_copy_data(u32 s) {
    return SLOT(s).type == CAP_FRAME ? mapping_none(SLOT(s).data) : SLOT(s).data;
}

// May the capability in `s` be minted with this `data`? Endpoint, Notification: a badge, once.
// IoPort: a range of ports within its own.
error_t capability_check_mint(u32 s, u64 data);

// The first capability to a new object, into the empty slot `dst`, as a child of `parent`:
// an Untyped, IrqControl or CDT_HEAD.
void capability_new(u32 parent, u32 dst, u32 type, u32 rights, u32 object, u64 data);

// A capability to the same object into the empty slot `dst`, as a child of `src`, which must be
// copyable. `rights` is a mask; `data` is capability_copy_data(src) or a checked minted one.
void capability_copy(u32 src, u32 dst, u32 rights, u64 data);

// The same for a slot of a TCB or of an interrupt, with all rights; marked with RIGHT_BOUND.
void capability_bind(u32 src, u32 dst);

// The capability, with its place in the tree and where it is mapped, moves to the empty slot `dst`.
void capability_move(u32 src, u32 dst);

// Two capabilities change slots.
void capability_swap(u32 a, u32 b);

// Empties the slot. What the capability is mapped at has been unmapped before.
void capability_remove(u32 s);

// Another slot that holds a capability to the same object, 0: this is the last one.
u32 capability_other(u32 s);

#endif
