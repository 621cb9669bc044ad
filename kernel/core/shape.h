// Shapes: how much memory an object takes.
// SPDX-License-Identifier: BSD-2-Clause
#ifndef CORE_SHAPE_H
#define CORE_SHAPE_H

#include "core/view.h"

// Memory of one object. bytes 0: no object has this type and size.
typedef struct {
    u64 bytes, align;
} shape_t;

/*@ logic integer shape_bytes(integer type, integer size) =
        type == CAP_UNTYPED ? size : type == CAP_CNODE ? size * 32 : type == CAP_TCB ? 2048 :
        type == CAP_SCHED_CONTEXT ? 160 : type == CAP_VSPACE || type == CAP_PAGE_TABLE ? 8192 :
        type != CAP_FRAME ? 32 : size == 0 ? 0x1000 : size == 1 ? 0x200000 : 0x40000000;
    logic integer shape_align(integer type, integer bytes) =
        type == CAP_FRAME || type == CAP_TCB || type == CAP_VSPACE || type == CAP_PAGE_TABLE ? bytes :
        type == CAP_UNTYPED ? 4096 : 32;
*/

/*@ terminates \true; exits \false; assigns \nothing;
    ensures bytes: \result.bytes != 0 ==> \result.bytes == shape_bytes(type, size);
    ensures whole: \result.bytes % 32 == 0 && \result.bytes < 0x100000000000;
    ensures align: \result.align == shape_align(type, \result.bytes);
*/
shape_t object_shape(u32 type, u64 size);

#endif
