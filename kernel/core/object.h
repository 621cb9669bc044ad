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
#include "core/shape.h"
#include "core/view.h"

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
