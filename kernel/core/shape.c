// Shapes: sizes and alignments of all objects.
// SPDX-License-Identifier: BSD-2-Clause
#include "core/shape.h"

#include "core/vspace.h"
#include "spec/untyped.h"

/*@ terminates \true; exits \false; assigns \nothing;
    ensures bytes: \result != 0 ==> \result == shape_bytes(type, size);
    ensures whole: \result % 32 == 0 && \result < ADDRESS_LIMIT;
*/
static u64 sized_bytes(u32 type, u64 size) {
    switch (type) {
    case CAP_UNTYPED:
        return size % PAGE_BYTES == 0 && size < ADDRESS_LIMIT ? size : 0;
    case CAP_CNODE:
        return size >= 2 && size <= CNODE_SLOTS_MAX ? size * SLOT_BYTES : 0;
    case CAP_FRAME:
        return size <= FRAME_1G ? frame_bytes((u32)size) : 0;
    default:
        return 0;
    }
}

/*@ terminates \true; exits \false; assigns \nothing;
    ensures bytes: \result != 0 ==> \result == shape_bytes(type, size);
    ensures whole: \result % 32 == 0 && \result < ADDRESS_LIMIT;
*/
static u64 object_bytes(u32 type, u64 size) {
    if (size != 0 || type == CAP_FRAME) {
        return sized_bytes(type, size);
    }
    switch (type) {
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
    default:
        return 0;
    }
}

/*@ terminates \true; exits \false; assigns \nothing;
    ensures align: \result == shape_align(type, bytes);
*/
static u64 object_align(u32 type, u64 bytes) {
    switch (type) {
    case CAP_FRAME:
    case CAP_TCB:
    case CAP_VSPACE:
    case CAP_PAGE_TABLE:
        return bytes;
    case CAP_UNTYPED:
        return PAGE_BYTES;
    default:
        return OBJECT_ALIGN;
    }
}

shape_t object_shape(u32 type, u64 size) {
    shape_t shape;
    shape.bytes = object_bytes(type, size);
    shape.align = object_align(type, shape.bytes);
    return shape;
}
