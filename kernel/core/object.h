// Objects: how much memory each takes, what is in it at first, and how it comes to its end.
// SPDX-License-Identifier: BSD-2-Clause
//
//   LIVE ---------------> DYING --------------> memory of its Untyped
//        last capability        reaper_step()...
//        (object_release)
//
// object_release() is the only function that takes a capability away. An object that loses its last
// one goes on the list K.reaper, linked through its own header; bounded steps empty what it holds.
// A step may release further capabilities and so put further objects on the list: it still ends,
// because every step takes a capability, a waiter or a slot away and none puts one back.
// Keeps INV-32 (the list holds exactly the dying objects), INV-33 (a slot names no dying object).
#ifndef CORE_OBJECT_H
#define CORE_OBJECT_H

#include "core/capability.h"
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

// Makes an object in zeroed memory at `address`, of a shape that exists (not Untyped, whose record
// is untyped_create). Returns its index (Frame: its page number).
u32 object_create(u32 type, u64 size, u64 address);

// `data` of the first capability to an object.
u64 object_data(u32 type, u64 size, u32 device);

// Empties slot `s`, which holds a capability: undoes what it is mapped or bound to, and if no other
// names the object, that begins to die. The running thread has been parked (thread.h).
void object_release(u32 s);

// One bounded step of what is left to do for dying objects. 0: nothing is left.
u32 reaper_step(void);

#endif
