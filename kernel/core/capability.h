// Capabilities in slots: what one allows, and how one is made, derived, moved and taken away.
// SPDX-License-Identifier: BSD-2-Clause
//
// A slot is in the derivation tree exactly while its type is not CAP_NULL; an empty slot has all
// fields 0. Only these functions and those of vspace.h write the fields of a slot.
// Capabilities to one object are contiguous in the tree (spec/adr/0021), so whether one is the last
// shows in its neighbours. Keeps INV-5 .. INV-10 (kernel/spec/README.md).
#ifndef CORE_CAPABILITY_H
#define CORE_CAPABILITY_H

#include "abi/error.h"
#include "core/cdt.h"
#include "core/mapping.h"
#include "spec/capability.h"

// The parts of wf_slots and wf_caps, one a goal. In contracts.
#define ENSURES_SLOTS                                                                              \
    ensures seq : wf_seq;                                                                          \
    ensures room : wf_room;                                                                        \
    ensures next : wf_next;                                                                        \
    ensures prev : wf_prev;                                                                        \
    ensures brackets : wf_brackets;                                                                \
    ensures tree : cap_tree;                                                                       \
    ensures null : cap_null;                                                                       \
    ensures one : cap_one;                                                                         \
    ensures contiguous : contig;                                                                   \
    ensures authority : authority;                                                                 \
    ensures may_all : cap_may;
#define ENSURES_CAPS ENSURES_SLOTS ensures scratch : po(SCRATCH_SLOT) == -1;
#define ENSURES_MAP                                                                                \
    ensures map_owner : map_owner;                                                                 \
    ensures map_slot : map_slot;                                                                   \
    ensures map_present : map_present;                                                             \
    ensures map_fits : map_fits;                                                                   \
    ensures map_left : map_left;                                                                   \
    ensures map_one : map_one;                                                                     \
    ensures map_free : map_free;

// The MAY_* bits of a capability.
/*@ terminates \true; exits \false; assigns \nothing;
    ensures may: \result == may_of(type, rights, data);
*/
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
/*@ terminates \true; exits \false; assigns \nothing;
    ensures is: \result != 0 <==> copyable(type);
*/
static inline u32 capability_copyable(u32 type) {
    return type != CAP_NULL && type != CAP_UNTYPED && type != CAP_PAGE_TABLE &&
           type != CAP_SCHED_CONTROL && type != CAP_IRQ_CONTROL;
}

// `data` of a copy of the capability in `s`: a copied Frame is not mapped.
/*@ terminates \true; exits \false; assigns \nothing;
    ensures le: data_le(ty(s), \result, dt(s));
    ensures free: ty(s) == CAP_FRAME ==> map_table(\result) == 0;
    ensures same: ty(s) != CAP_FRAME ==> \result == dt(s);
*/
static inline u64 capability_copy_data(u32 s) {
    return SLOT(s).type == CAP_FRAME ? mapping_none(SLOT(s).data) : SLOT(s).data;
}

// May the capability in `s` be minted with this `data`? Endpoint, Notification: a badge, once.
// IoPort: a range of ports within its own.
/*@ terminates \true; exits \false; assigns \nothing;
    ensures error: \result == mint_error(s, data);
    ensures le: \result == OK ==> data_le(ty(s), data, dt(s)) && ty(s) != CAP_FRAME && copyable(ty(s));
    ensures badge: \result == OK && (ty(s) == CAP_ENDPOINT || ty(s) == CAP_NOTIFICATION) ==> dt(s) == 0;
    ensures range: \result == OK && ty(s) == CAP_IO_PORT ==> data % 0x10000 <= data / 0x10000;
    ensures types: \result == OK ==> ty(s) == CAP_ENDPOINT || ty(s) == CAP_NOTIFICATION || ty(s) == CAP_IO_PORT;
    ensures errors: \result == OK || \result == ERR_BADGE || \result == ERR_ARG || \result == ERR_TYPE;
*/
error_t capability_check_mint(u32 s, u64 data);

// The first capability to a new object, into the empty slot `dst`, as a child of `parent`:
// an Untyped, IrqControl or CDT_HEAD.
/*@ requires wf: wf_caps;
    requires parent: in_tree(parent) && (parent == CDT_HEAD || ty(parent) == CAP_UNTYPED || ty(parent) == CAP_IRQ_CONTROL);
    requires dst: slot(dst) && ty(dst) == CAP_NULL && dst != CDT_HEAD && dst != SCRATCH_SLOT;
    requires type: 0 < type < CAP_TYPE_COUNT && rights <= RIGHT_ALL;
    requires fresh: type == CAP_FRAME || \forall integer s; !names(s, type, object);
    terminates \true; exits \false;
    assigns item_view[..], g_n, CDT_GHOST, slot_view[dst];
    ENSURES_CAPS
    ensures cap: ty(dst) == type && ob(dst) == object && rt(dst) == rights && dt(dst) == data;
    ensures may: slot_view[dst].may == may_of(type, rights, data);
    ensures up: \forall integer a; \old(in_tree(a)) ==> (desc(a,dst) <==> (a == parent || \old(desc(a,parent))));
    ensures leaf: \forall integer b; \old(in_tree(b)) ==> !desc(dst,b);
    ensures keep: \forall integer a, b; a != dst && b != dst && \old(in_tree(a)) && \old(in_tree(b)) ==>
       (desc(a,b) <==> \old(desc(a,b)));
    ensures n: g_n == \old(g_n) + 2;
*/
void capability_new(u32 parent, u32 dst, u32 type, u32 rights, u32 object, u64 data);

// A capability to the same object into the empty slot `dst`, as a child of `src`, which must be
// copyable. `rights` is a mask; `data` is capability_copy_data(src) or a checked minted one.
/*@ requires wf: wf_caps;
    requires src: slot(src) && copyable(ty(src));
    requires dst: slot(dst) && ty(dst) == CAP_NULL && dst != CDT_HEAD && dst != SCRATCH_SLOT;
    requires data: data_le(ty(src), data, dt(src));
    terminates \true; exits \false;
    assigns item_view[..], g_n, CDT_GHOST, slot_view[dst];
    ENSURES_CAPS
    ensures cap: ty(dst) == ty(src) && ob(dst) == ob(src) && dt(dst) == data;
    ensures rights: rights_and(rt(dst), rt(src), rights) && rt(dst) <= RIGHT_ALL;
    ensures le: cap_le(dst, src);
    ensures may: slot_view[dst].may == may_of(ty(dst), rt(dst), dt(dst));
    ensures up: \forall integer a; \old(in_tree(a)) ==> (desc(a,dst) <==> (a == src || \old(desc(a,src))));
    ensures leaf: \forall integer b; \old(in_tree(b)) ==> !desc(dst,b);
    ensures keep: \forall integer a, b; a != dst && b != dst && \old(in_tree(a)) && \old(in_tree(b)) ==>
       (desc(a,b) <==> \old(desc(a,b)));
    ensures n: g_n == \old(g_n) + 2;
*/
void capability_copy(u32 src, u32 dst, u32 rights, u64 data);

// The same for a slot of a TCB or of an interrupt, with all rights; marked with RIGHT_BOUND.
/*@ requires wf: wf_caps;
    requires src: slot(src) && copyable(ty(src)) && rt(src) < RIGHT_BOUND;
    requires dst: slot(dst) && ty(dst) == CAP_NULL && dst != CDT_HEAD && dst != SCRATCH_SLOT;
    terminates \true; exits \false;
    assigns item_view[..], g_n, CDT_GHOST, slot_view[dst];
    ENSURES_CAPS
    ensures cap: ty(dst) == ty(src) && ob(dst) == ob(src) && (rt(dst) & RIGHT_BOUND) != 0;
    ensures data: data_le(ty(src), dt(dst), dt(src)) && (ty(dst) == CAP_FRAME ==> map_table(dt(dst)) == 0);
    ensures up: \forall integer a; \old(in_tree(a)) ==> (desc(a,dst) <==> (a == src || \old(desc(a,src))));
    ensures leaf: \forall integer b; \old(in_tree(b)) ==> !desc(dst,b);
    ensures keep: \forall integer a, b; a != dst && b != dst && \old(in_tree(a)) && \old(in_tree(b)) ==>
       (desc(a,b) <==> \old(desc(a,b)));
    ensures n: g_n == \old(g_n) + 2;
*/
void capability_bind(u32 src, u32 dst);

// The capability, with its place in the tree and where it is mapped, moves to the empty slot `dst`.
/*@ requires wf: wf_slots;
    requires map: wf_map;
    requires src: slot(src) && ty(src) != CAP_NULL;
    requires dst: slot(dst) && ty(dst) == CAP_NULL && dst != CDT_HEAD;
    terminates \true; exits \false;
    assigns item_view[..], CDT_GHOST, slot_view[src], slot_view[dst], table_view[map_table(slot_view[src].data)].owner[map_entry(slot_view[src].data)];
    ENSURES_SLOTS
    ENSURES_MAP
    ensures cap: ob(dst) == \old(ob(src)) && ty(dst) == \old(ty(src)) && rt(dst) == \old(rt(src)) &&
       dt(dst) == \old(dt(src)) && slot_view[dst].may == \old(slot_view[src].may);
    ensures empty: null_slot(src);
    ensures rel: mov_rel{Pre,Post}(src, dst);
    ensures in: \forall integer t; in_tree(t) <==> (t == dst || (t != src && \old(in_tree(t))));
    ensures owner: \forall integer t, e; is_table(t) && is_entry(e) ==>
       owner(t, e) == (\old(owner(t, e)) == src ? dst : \old(owner(t, e)));
*/
void capability_move(u32 src, u32 dst);

// Two capabilities change slots.
/*@ requires wf: wf_caps;
    requires map: wf_map;
    requires a: slot(a) && ty(a) != CAP_NULL;
    requires b: slot(b) && ty(b) != CAP_NULL && a != b;
    terminates \true; exits \false;
    assigns item_view[..], CDT_GHOST, slot_view[a], slot_view[b], slot_view[SCRATCH_SLOT],
       table_view[..];
    ENSURES_CAPS
    ENSURES_MAP
    ensures to_a: ob(a) == \old(ob(b)) && ty(a) == \old(ty(b)) && rt(a) == \old(rt(b)) && dt(a) == \old(dt(b));
    ensures to_b: ob(b) == \old(ob(a)) && ty(b) == \old(ty(a)) && rt(b) == \old(rt(a)) && dt(b) == \old(dt(a));
    ensures places: po(a) == \old(po(b)) && po(b) == \old(po(a)) && pc(a) == \old(pc(b)) && pc(b) == \old(pc(a));
    ensures others: \forall integer t; slot(t) && t != a && t != b && t != SCRATCH_SLOT ==>
       slot_view[t] == \old(slot_view[t]) && po(t) == \old(po(t)) && pc(t) == \old(pc(t));
    ensures owner: \forall integer t, e; is_table(t) && is_entry(e) ==>
       owner(t, e) == (\old(owner(t, e)) == a ? b : \old(owner(t, e)) == b ? a : \old(owner(t, e)));
*/
void capability_swap(u32 a, u32 b);

// Empties the slot. What the capability is mapped at has been unmapped before.
/*@ requires wf: wf_caps;
    requires s: slot(s) && ty(s) != CAP_NULL;
    terminates \true; exits \false;
    assigns item_view[..], g_n, CDT_GHOST, slot_view[s];
    ENSURES_CAPS
    ensures empty: null_slot(s);
    ensures keep: \forall integer a, b; a != s && b != s && \old(in_tree(a)) && \old(in_tree(b)) ==>
       (desc(a,b) <==> \old(desc(a,b)));
    ensures n: g_n == \old(g_n) - 2;
*/
void capability_remove(u32 s);

// Another slot that holds a capability to the same object, 0: this is the last one. Of a Frame, nothing ends
// with the last one: 0 says nothing.
/*@ requires wf: wf_caps;
    requires s: slot(s) && ty(s) != CAP_NULL;
    terminates \true; exits \false; assigns \nothing;
    ensures some: \result != 0 ==> \result != s && names(\result, ty(s), ob(s));
    ensures none: \result == 0 && ty(s) != CAP_FRAME ==> \forall integer t; t != s ==> !names(t, ty(s), ob(s));
*/
u32 capability_other(u32 s);

#endif
