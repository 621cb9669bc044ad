// Capability types, rights, and the slots of a thread.
// SPDX-License-Identifier: BSD-2-Clause
#ifndef ABI_CAPABILITY_H
#define ABI_CAPABILITY_H

#include "abi/types.h"

// A capability address (cptr) is two 32-bit halves: the low half is an index into the CNode that
// is the thread's CSpace; the high half, if not 0, is an index into the CNode found there. Slot 0
// of every CNode is its header, so no address has a half that names it, and cptr 0 names nothing.
typedef u64 cptr_t;

typedef enum {
    CAP_NULL,
    CAP_UNTYPED,
    CAP_CNODE,
    CAP_TCB,
    CAP_ENDPOINT,
    CAP_NOTIFICATION,
    CAP_REPLY,
    CAP_SCHED_CONTEXT,
    CAP_VSPACE,
    CAP_PAGE_TABLE,
    CAP_FRAME,
    CAP_SCHED_CONTROL,
    CAP_IRQ_CONTROL,
    CAP_IRQ_HANDLER,
    CAP_IO_PORT,
    CAP_TRACE_CONTROL,
    CAP_TYPE_COUNT
} cap_type_t;

// What a right allows, by type. A derived capability never has more than its parent.
//   Endpoint       READ receive          WRITE send, call     GRANT pass a capability along, in a
//                                                             message and in the answer to one
//   Notification   READ wait, poll       WRITE signal (needs a badge)
//   Frame          READ map readable     WRITE map writable   GRANT map executable
// The other types ignore rights: holding the capability is the authority.
enum { RIGHT_READ = 1, RIGHT_WRITE = 2, RIGHT_GRANT = 4, RIGHT_ALL = 7 };

// The slots of a TCB: what a thread refers to, as capabilities like any other. Slot 0 is a header.
enum {
    TCB_SLOT_CSPACE = 1,  // CNode: the root of its capability addresses.
    TCB_SLOT_VSPACE = 2,  // VSpace: its address space.
    TCB_SLOT_REPLY = 3,   // Reply: where a call that it receives is remembered.
    TCB_SLOT_BUFFER = 4,  // Frame: its IPC buffer, readable and writable.
    TCB_SLOT_FAULT = 5,   // Endpoint (WRITE): who is told of its faults.
    TCB_SLOT_TIMEOUT = 6, // Endpoint (WRITE): who is told when its budget is gone.
    TCB_SLOTS = 7
};

// Sizes in bytes, and the alignment of each within its untyped memory.
enum {
    SLOT_BYTES = 32,
    ENDPOINT_BYTES = 32,
    NOTIFICATION_BYTES = 32,
    REPLY_BYTES = 32,
    SCHED_CONTEXT_BYTES = 160,
    TCB_BYTES = 2048,
    TABLE_BYTES = 8192, // VSpace and PageTable: the entries, then who put them there.
    UNTYPED_BYTES = 32, // The record of a child, kept in its parent's memory.
    OBJECT_ALIGN = 32,  // Endpoint, Notification, Reply, SchedContext, CNode.
    PAGE_BYTES = 4096,  // Untyped and Frame: sizes and addresses are multiples of it.
    CNODE_SLOTS_MAX = 65536,
    RETYPE_MAX = 256 // Objects made by one call.
};

// Frame sizes, as `size` of a retype: 4 KiB, 2 MiB, 1 GiB.
enum { FRAME_4K = 0, FRAME_2M = 1, FRAME_1G = 2 };

#endif
