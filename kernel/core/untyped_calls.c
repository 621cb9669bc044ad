// Retype and reset: objects out of untyped memory, and the memory back.
// SPDX-License-Identifier: BSD-2-Clause
//
// A retype checks everything (of many objects: in a step of its own), then works in steps: it zeroes
// at most ZERO_STEP bytes or makes at most RETYPE_STEP objects, moves its arguments on (first slot,
// count) and is restarted.
// All slots are checked before the first object is made; a slot that somebody else fills between two
// steps ends the call with ERR_OCCUPIED and leaves the objects made so far.
#include "core/call.h"
#include "core/cspace.h"
#include "core/inline.h"
#include "core/object.h"
#include "core/thread.h"
#include "core/untyped.h"
#include "spec/memory.h"

enum { RETYPE_STEP = 32 };
enum { MAKING = 384 }; // Making an object counts as zeroing so many bytes.

// What a retype was asked for.
typedef struct {
    u32 parent; // Slot of the Untyped.
    u32 dst;    // First destination slot.
    u32 type, count;
    u32 now; // How many of them this step makes.
    u64 size;
    shape_t shape;
} retype_t;

#define HALF 0x100000000

// The next address of a run of slots.
/*@ terminates \true; exits \false; assigns \nothing;
    ensures step: \result == (cptr < HALF ? 1 : HALF);
*/
static inline u64 cptr_step(u64 cptr) {
    return cptr < HALF ? 1 : HALF;
}

// How many of `count` objects one step makes, of which each has so many bytes to be zeroed.
/*@ requires some: 0 < count;
    terminates \true; exits \false; assigns \nothing;
    ensures most: 0 < \result <= count && \result <= RETYPE_STEP;
    ensures zeroed: \result == 1 || \result * bytes <= ZERO_STEP;
*/
static inline u32 step_count(u64 bytes, u32 count) {
    u64 most = bytes > ZERO_STEP / 2 ? 1 : (ZERO_STEP + 3 * MAKING) / (bytes + MAKING);
    most = most > RETYPE_STEP ? RETYPE_STEP : most;
    return count < most ? count : (u32)most;
}

// Do `count` slots from `cptr` on exist, and are the first `check` of them empty?
static error_t check_slots(u64 cptr, u32 count, u32 check) {
    u32 cur = K.run.tcb, first = cspace_destination(cur, cptr);
    if (first == 0 || cspace_lookup(cur, cptr + (count - 1) * cptr_step(cptr)) == 0) {
        return ERR_CAP;
    }
    for (u32 i = 0; i < check; i++) {
        if (SLOT(first + 4 * i).type != CAP_NULL) {
            return ERR_OCCUPIED;
        }
    }
    return OK;
}

// `made` objects are done: move the arguments on.
static u64 retype_next(u64 cptr, u32 made, u64 used) {
    ARG2 += made * cptr_step(ARG2);
    ARG3 -= used;
    if (ARG3 % 0x10000 == 0) {
        return call_done();
    }
    thread_park();
    return call_continue(CALL_UNTYPED_RETYPE, cptr, 0);
}

// A new object at `address`, in unused memory of the Untyped in `parent`, and its first capability in `dst`.
/*@ requires wf: wf_caps && wf_memory && memory_some;
    requires parent: slot(parent) && ty(parent) == CAP_UNTYPED && untyped_ok(ob(parent));
    requires dst: slot(dst) && ty(dst) == CAP_NULL && dst != CDT_HEAD && dst != SCRATCH_SLOT;
    requires type: has_memory(type) && type != CAP_UNTYPED && 32 <= shape_bytes(type, size);
    requires size: type == CAP_CNODE ==> 2 <= size <= CNODE_SLOTS_MAX;
    requires data: shape_bytes(type, type == CAP_FRAME ? map_size(data) : data) == shape_bytes(type, size);
    requires align: address % shape_align(type, shape_bytes(type, size)) == 0;
    requires place: type == CAP_FRAME ? address < 0x100000000000 : address + shape_bytes(type, size) <= OBJECT_LIMIT;
    requires inside: memory_base(parent) <= address && address + shape_bytes(type, size) <= memory_used(parent);
    requires free: memory_free(parent, address, address + shape_bytes(type, size));
    terminates \true; exits \false;
    assigns item_view[..], g_n, CDT_GHOST, slot_view[dst], header_view[..], g_slots[..], tcb_view[..], timer_view[..],
        table_view[..], word_view[..];
    ENSURES_CAPS
    ensures apart: memory_apart;
    ensures inside: memory_inside;
    ensures records: memory_records;
    ensures some: memory_some;
    ensures made: names(dst, type, created(type, address)) && rt(dst) == RIGHT_ALL && dt(dst) == data && desc(parent,dst);
    ensures same: \forall integer t; slot(t) && t != dst ==> ty(t) == \old(ty(t)) && memory_base(t) == \old(memory_base(t)) &&
        memory_end(t) == \old(memory_end(t));
    ensures memory: memory_base(dst) == address && memory_end(dst) == address + shape_bytes(type, size);
    ensures up: \forall integer a; \old(in_tree(a)) ==> (desc(a,dst) <==> (a == parent || \old(desc(a,parent))));
    ensures leaf: \forall integer b; \old(in_tree(b)) ==> !desc(dst,b);
    ensures keep: \forall integer a, b; a != dst && b != dst && \old(in_tree(a)) && \old(in_tree(b)) ==>
       (desc(a,b) <==> \old(desc(a,b)));
*/
static inline void make_object(u32 parent, u32 dst, u32 type, u64 size, u64 address, u64 data) {
    //@ assert page: type == CAP_FRAME ==> address % 0x1000 == 0 || address % 0x200000 == 0 || address % 0x40000000 == 0;
    //@ assert part: type != CAP_FRAME ==> address % 32 == 0 || address % 2048 == 0 || address % 8192 == 0;
    //@ assert aligned: type == CAP_FRAME ? address % 4096 == 0 : address % 8 == 0;
    u32 o = object_create(type, size, address);
    //@ assert base: type == CAP_FRAME ? o * 4096 == address : address == address(type == CAP_VSPACE || type == CAP_PAGE_TABLE ? o - 512 : o);
    //@ assert bases: \forall integer s; names(s, type, o) ==> memory_base(s) == address;
    //@ assert parents: \forall integer s; names(s, type, o) ==> s != parent;
    //@ assert fresh: \forall integer s; !names(s, type, o);
    capability_new(parent, dst, type, RIGHT_ALL, o, data);
    //@ assert size: memory_base(dst) == address && memory_end(dst) == address + shape_bytes(type, size);
    //@ assert same: \forall integer t; slot(t) && t != dst ==> ty(t) == \at(ty(t),Pre) && ob(t) == \at(ob(t),Pre) && memory_base(t) == memory_base{Pre}(t) && memory_end(t) == memory_end{Pre}(t) && memory_used(t) == memory_used{Pre}(t);
    //@ assert was: \forall integer t; slot(t) && t != dst && ty(t) != CAP_NULL ==> \at(in_tree(t),Pre);
    //@ assert desc: \forall integer a, b; slot(a) && slot(b) && a != dst && b != dst && ty(a) != CAP_NULL && ty(b) != CAP_NULL ==> (desc(a,b) <==> \at(desc(a,b),Pre));
    //@ assert untyped: \forall integer a; slot(a) && ty(a) == CAP_UNTYPED ==> a != dst && \at(ty(a),Pre) == CAP_UNTYPED;
    //@ assert parent: memory_used(parent) <= memory_end(parent);
    //@ assert above: \forall integer a; slot(a) && ty(a) == CAP_UNTYPED && desc(a,dst) ==> memory_base(a) <= memory_base(dst) && memory_end(dst) <= memory_used(a);
}

/*@ // An object of this type and size may begin there.
    predicate made_at(integer type, integer size, integer address) =
        type == CAP_FRAME ? address % (size == 0 ? 0x1000 : size == 1 ? 0x200000 : 0x40000000) == 0 :
        type == CAP_TCB ? address % 2048 == 0 :
        type == CAP_VSPACE || type == CAP_PAGE_TABLE ? address % 8192 == 0 : address % 32 == 0;
    // s is one of the slots for the objects number `first` to `last` - 1.
    predicate made_in(retype_t r, integer s, integer first, integer last) = slot(s) && r.dst + 4 * first <= s < r.dst + 4 * last;
    logic integer made_end(retype_t r, integer address) = address + r.count * r.shape.bytes; */

/*@ ghost
  /@ requires less: 0 <= i < n;
     terminates \true; exits \false; assigns \nothing;
     ensures fits: i * bytes + bytes <= n * bytes; @/
  void one_more(u32 i, u32 n, u64 bytes) {
    /@ assert rest: 0 <= (n - i - 1) * bytes; @/
  }
  /@ requires at: made_at(type, size, address) && bytes == shape_bytes(type, size);
     requires type: has_memory(type) && type != CAP_UNTYPED && (type == CAP_FRAME ==> size < 3);
     requires room: address + bytes < 0x10000000000000000;
     terminates \true; exits \false; assigns \nothing;
     ensures next: made_at(type, size, address + bytes); @/
  void one_behind(u32 type, u64 size, u64 address, u64 bytes) {
    /@ assert frame: type == CAP_FRAME ==> (size == 0 ? (address + bytes) % 0x1000 == 0 :
         size == 1 ? (address + bytes) % 0x200000 == 0 : (address + bytes) % 0x40000000 == 0); @/
    /@ assert thread: type == CAP_TCB ==> (address + bytes) % 2048 == 0; @/
    /@ assert table: has_entries(type) ==> (address + bytes) % 8192 == 0; @/
    /@ assert cnode: type == CAP_CNODE ==> (address + bytes) % 32 == 0; @/
    /@ assert other: type != CAP_FRAME && type != CAP_TCB && !has_entries(type) ==> (address + bytes) % 32 == 0; @/
  }
*/

// clang-format off
#define MAKES_OF                                                                                                                    \
    requires wf: wf_caps && wf_memory && memory_some;                                                                               \
    requires parent: slot(r.parent) && ty(r.parent) == CAP_UNTYPED && untyped_ok(ob(r.parent));                                     \
    requires dst: slot(r.dst) && r.count <= RETYPE_STEP && r.dst + 4 * r.count <= 0x100000000;                                      \
    requires empty: \forall integer s; made_in(r, s, 0, r.count) ==> ty(s) == CAP_NULL && s != CDT_HEAD && s != SCRATCH_SLOT;       \
    requires type: has_memory(r.type) && r.type != CAP_UNTYPED && 32 <= r.shape.bytes == shape_bytes(r.type, r.size);               \
    requires size: (r.type == CAP_CNODE ==> 2 <= r.size <= CNODE_SLOTS_MAX) && (r.type == CAP_FRAME ==> r.size < 3 && device < 2);  \
    requires align: made_at(r.type, r.size, address);                                                                               \
    requires place: made_end(r, address) <= (r.type == CAP_FRAME ? 0x100000000000 : OBJECT_LIMIT);                                  \
    requires inside: memory_base(r.parent) <= address && made_end(r, address) <= memory_used(r.parent);                             \
    requires free: memory_free(r.parent, address, made_end(r, address));

#define MAKES_OBJECTS                                                                                               \
    ensures wf: wf_caps;                                                                                            \
    ensures apart: memory_apart;                                                                                    \
    ensures inside: memory_inside;                                                                                  \
    ensures records: memory_records;                                                                                \
    ensures some: memory_some;                                                                                      \
    ensures made: \forall integer s; made_in(r, s, 0, r.count) ==> ty(s) == r.type && desc(r.parent, s);            \
    ensures others: \forall integer t; \old(in_tree(t)) ==> in_tree(t) && slot_view[t] == \old(slot_view[t]);       \
    ensures keep: \forall integer a, b; \old(in_tree(a)) && \old(in_tree(b)) ==> (desc(a,b) <==> \old(desc(a,b)));
// clang-format on

// The objects, one behind the other from `address` on.
/*@ requires same: type == r.type;
    MAKES_OF
    terminates \true; exits \false;
    assigns item_view[..], g_n, CDT_GHOST, slot_view[..], header_view[..], g_slots[..], tcb_view[..], timer_view[..],
        table_view[..], word_view[..];
    MAKES_OBJECTS
*/
INLINE void make_run(retype_t r, u32 type, u64 address, u32 device) {
    u64 data = object_data(type, r.size, device);
    /*@ loop invariant range: 0 <= i <= r.count;
        loop invariant address: address == \at(address,Pre) + i * r.shape.bytes;
        loop invariant align: made_at(r.type, r.size, address);
        loop invariant wf: wf_caps;
        loop invariant apart: memory_apart;
        loop invariant inside: memory_inside;
        loop invariant records: memory_records;
        loop invariant some: memory_some;
        loop invariant empty: \forall integer s; made_in(r, s, i, r.count) ==> ty(s) == CAP_NULL;
        loop invariant made: \forall integer s; made_in(r, s, 0, i) ==> ty(s) == r.type && desc(r.parent, s);
        loop invariant parent: slot_view[r.parent] == \at(slot_view[r.parent],Pre);
        loop invariant free: memory_free(r.parent, address, made_end(r, \at(address,Pre)));
        loop invariant others: \forall integer t; \at(in_tree(t),Pre) ==> in_tree(t) && slot_view[t] == \at(slot_view[t],Pre);
        loop invariant keep: \forall integer a, b; \at(in_tree(a),Pre) && \at(in_tree(b),Pre) ==> (desc(a,b) <==> \at(desc(a,b),Pre));
        loop assigns i, address, item_view[..], g_n, CDT_GHOST, slot_view[..], header_view[..], g_slots[..], tcb_view[..],
            timer_view[..], table_view[..], word_view[..];
        loop variant r.count - i;
    */
    for (u32 i = 0; i < r.count; i++) {
        //@ ghost one_more(i, r.count, r.shape.bytes);
        //@ assert rest: address + r.shape.bytes <= made_end(r, \at(address,Pre));
        //@ assert slot: made_in(r, r.dst + 4 * i, i, r.count) && made_in(r, r.dst + 4 * i, 0, r.count);
        //@ assert out: !in_tree(r.dst + 4 * i) && r.dst + 4 * i != r.parent;
        make_object(r.parent, r.dst + 4 * i, type, r.size, address, data);
        //@ assert new: ty(r.dst + 4 * i) == r.type && desc(r.parent, r.dst + 4 * i);
        //@ assert head: in_tree(CDT_HEAD);
        //@ assert same: \forall integer t; \at(in_tree(t),LoopCurrent) ==> t != r.dst + 4 * i && slot_view[t] == \at(slot_view[t],LoopCurrent);
        //@ assert full: \forall integer t; \at(in_tree(t),LoopCurrent) && t != CDT_HEAD ==> slot(t) && ty(t) != CAP_NULL;
        //@ assert stay: \forall integer t; \at(in_tree(t),LoopCurrent) ==> in_tree(t);
        //@ assert parent: \at(in_tree(r.parent),LoopCurrent);
        //@ assert before: \forall integer s; made_in(r, s, 0, i) ==> \at(in_tree(s),LoopCurrent);
        //@ assert old: \forall integer s; made_in(r, s, 0, i) ==> ty(s) == r.type && desc(r.parent, s);
        //@ assert was: \forall integer t; slot(t) && t != r.dst + 4 * i && ty(t) != CAP_NULL ==> \at(in_tree(t),LoopCurrent);
        //@ assert one: \forall integer s; made_in(r, s, 0, i + 1) ==> made_in(r, s, 0, i) || s == r.dst + 4 * i;
        //@ ghost one_behind(r.type, r.size, address, r.shape.bytes);
        address += r.shape.bytes;
    }
}

// The same, with a loop for each of the types that are made by the hundred, and one for all others.
/*@ MAKES_OF
    terminates \true; exits \false;
    assigns item_view[..], g_n, CDT_GHOST, slot_view[..], header_view[..], g_slots[..], tcb_view[..], timer_view[..],
        table_view[..], word_view[..];
    MAKES_OBJECTS
*/
FLATTEN static void make_objects(retype_t r, u64 address, u32 device) {
    switch (r.type) {
    case CAP_ENDPOINT:
        make_run(r, CAP_ENDPOINT, address, device);
        break;
    case CAP_NOTIFICATION:
        make_run(r, CAP_NOTIFICATION, address, device);
        break;
    case CAP_REPLY:
        make_run(r, CAP_REPLY, address, device);
        break;
    case CAP_FRAME:
        make_run(r, CAP_FRAME, address, device);
        break;
    default:
        make_run(r, r.type, address, device);
        break;
    }
}

/*@ ghost
  /@ requires whole: bytes % 32 == 0 && address % 32 == 0;
     terminates \true; exits \false; assigns \nothing;
     ensures whole: (address + n * bytes) % 32 == 0; @/
  void whole_end(u64 address, u32 n, u64 bytes) {
    /@ assert parts: address == 32 * (address / 32) && bytes == 32 * (bytes / 32); @/
    /@ assert end: address + n * bytes == 32 * (address / 32 + n * (bytes / 32)); @/
  }
*/

// The objects, at `address` in the unused memory of the Untyped, which is used from now on.
/*@ requires wf: wf_caps && wf_memory && memory_some;
    requires parent: slot(r.parent) && ty(r.parent) == CAP_UNTYPED && untyped_ram(ob(r.parent)) && untyped_zero(ob(r.parent));
    requires dst: slot(r.dst) && r.count <= RETYPE_STEP && r.dst + 4 * r.count <= 0x100000000;
    requires empty: \forall integer s; made_in(r, s, 0, r.count) ==> ty(s) == CAP_NULL && s != CDT_HEAD && s != SCRATCH_SLOT;
    requires type: has_memory(r.type) && r.type != CAP_UNTYPED && 32 <= r.shape.bytes == shape_bytes(r.type, r.size);
    requires size: (r.type == CAP_CNODE ==> 2 <= r.size <= CNODE_SLOTS_MAX) && (r.type == CAP_FRAME ==> r.size < 3);
    requires align: made_at(r.type, r.size, address) && address % 32 == 0 && r.shape.bytes % 32 == 0;
    requires place: UNTYPED(ob(r.parent)).next <= address && made_end(r, address) <= UNTYPED(ob(r.parent)).end;
    requires limit: r.type == CAP_FRAME || made_end(r, address) <= OBJECT_LIMIT;
    terminates \true; exits \false;
    assigns untyped_view[slot_view[r.parent].object].next, untyped_view[slot_view[r.parent].object].zeroed, item_view[..], g_n,
        CDT_GHOST, slot_view[..], header_view[..], g_slots[..], tcb_view[..], timer_view[..], table_view[..], word_view[..];
    ensures wf: wf_caps;
    ensures apart: memory_apart;
    ensures inside: memory_inside;
    ensures records: memory_records;
    ensures some: memory_some;
    ensures used: UNTYPED(ob(r.parent)).next == made_end(r, address);
    ensures made: \forall integer s; made_in(r, s, 0, r.count) ==> ty(s) == r.type && desc(r.parent, s);
    ensures others: \forall integer t; \old(in_tree(t)) ==> in_tree(t) && slot_view[t] == \old(slot_view[t]);
    ensures keep: \forall integer a, b; \old(in_tree(a)) && \old(in_tree(b)) ==> (desc(a,b) <==> \old(desc(a,b)));
*/
static inline void use_memory(retype_t r, u64 address) {
    //@ assert free: memory_free(r.parent, address, made_end(r, address));
    //@ ghost whole_end(address, r.count, r.shape.bytes);
    untyped_take(SLOT(r.parent).object, address + r.count * r.shape.bytes);
    //@ assert one: \forall integer t; slot(t) && ty(t) == CAP_UNTYPED && ob(t) == ob(r.parent) ==> t == r.parent;
    //@ assert places: \forall integer t; slot(t) ==> memory_base(t) == memory_base{Pre}(t) && memory_end(t) == memory_end{Pre}(t);
    //@ assert used: \forall integer t; slot(t) && ty(t) == CAP_UNTYPED ==> memory_used{Pre}(t) <= memory_used(t);
    //@ assert ok: wf_caps && memory_some;
    //@ assert apart: memory_apart;
    //@ assert inside: memory_inside;
    //@ assert records: memory_records;
    //@ assert still: memory_free(r.parent, address, made_end(r, address));
    //@ assert parent: \at(in_tree(r.parent),Pre);
    make_objects(r, address, 0);
}

static u64 retype_objects(u64 cptr, retype_t r) {
    u32 u = SLOT(r.parent).object;
    u64 bytes = r.shape.bytes, start = untyped_plan(u, bytes, r.shape.align, r.count);
    if (start == 0 || (r.type != CAP_FRAME && start + r.count * bytes > OBJECT_LIMIT)) {
        return call_refuse_argument(CALL_UNTYPED_RETYPE, ERR_MEMORY, r.count);
    }
    r.count = r.now;
    if (untyped_zero(u, start, start + r.count * bytes) == 0) {
        thread_park();
        return call_continue(CALL_UNTYPED_RETYPE, cptr, 0);
    }
    use_memory(r, start);
    return retype_next(cptr, r.count, r.count);
}

// Children: their records first, then their memory.
static u64 retype_untyped(u64 cptr, retype_t r) {
    u32 u = SLOT(r.parent).object;
    u64 records = untyped_plan_children(u, r.size, r.count);
    if (records == 0 || records + r.count * UNTYPED_BYTES > OBJECT_LIMIT) {
        return call_refuse_argument(CALL_UNTYPED_RETYPE, ERR_MEMORY, r.count);
    }
    u64 base = untyped_children(records, r.count);
    untyped_take(u, base + r.count * r.size);
    for (u32 i = 0; i < r.count; i++) {
        u32 o = INDEX_OF(records + i * UNTYPED_BYTES);
        u64 start = base + i * r.size;
        untyped_create(o, start, start + r.size, start);
        capability_new(r.parent, r.dst + 4 * i, CAP_UNTYPED, RIGHT_ALL, o, r.size);
    }
    return retype_next(cptr, r.count, r.count);
}

// Device memory: Frames at a given page, nothing is zeroed or used up.
static u64 retype_device(u64 cptr, retype_t r) {
    u32 u = SLOT(r.parent).object;
    u64 page = ARG3 / 0x10000, bytes = r.shape.bytes;
    u64 base = UNTYPED(u).base, end = UNTYPED(u).end;
    if (r.type != CAP_FRAME || page >= ADDRESS_LIMIT / PAGE_BYTES ||
        (base + page * PAGE_BYTES) % bytes != 0) {
        return call_refuse_argument(CALL_UNTYPED_RETYPE, ERR_ARG, ARG3);
    }
    u64 start = base + page * PAGE_BYTES;
    if (start > end || end - start < r.count * bytes) {
        return call_refuse_argument(CALL_UNTYPED_RETYPE, ERR_MEMORY, ARG3);
    }
    r.count = r.now;
    make_objects(r, start, 1);
    // The rest begins behind these: fewer objects, more pages.
    ARG3 += r.count * (bytes / PAGE_BYTES) * 0x10000;
    return retype_next(cptr, r.count, r.count);
}

u64 call_untyped_retype(u64 cptr, u64 info) {
    (void)info;
    u32 begun = call_goes_on(CALL_UNTYPED_RETYPE);
    retype_t r;
    r.parent = cspace_lookup(K.run.tcb, cptr);
    if (SLOT(r.parent).type != CAP_UNTYPED) {
        return call_refuse(CALL_UNTYPED_RETYPE, ERR_TYPE, cptr, NEED(CAP_UNTYPED, 0));
    }
    u32 device = UNTYPED(SLOT(r.parent).object).zeroed == UNTYPED_IS_DEVICE;
    u64 count = device ? ARG3 % 0x10000 : ARG3;
    u64 most = ARG0 == CAP_UNTYPED ? RETYPE_STEP : RETYPE_MAX;
    if (count == 0 || count > most) {
        return call_refuse_argument(CALL_UNTYPED_RETYPE, ERR_ARG, ARG3);
    }
    if (ARG0 >= CAP_TYPE_COUNT) {
        return call_refuse_argument(CALL_UNTYPED_RETYPE, ERR_ARG, ARG0);
    }
    r.type = (u32)ARG0;
    r.size = ARG1;
    r.shape = object_shape(r.type, r.size);
    if (r.shape.bytes == 0) {
        return call_refuse_argument(CALL_UNTYPED_RETYPE, ERR_ARG, ARG1);
    }
    r.count = (u32)count;
    r.dst = cspace_destination(K.run.tcb, ARG2);
    r.now = step_count(device || r.type == CAP_UNTYPED ? 0 : r.shape.bytes, r.count);
    error_t error = check_slots(ARG2, r.count, begun ? r.now : r.count);
    if (error != OK) {
        return call_refuse_argument(CALL_UNTYPED_RETYPE, error, ARG2);
    }
    if (r.count > RETYPE_STEP && !begun) {
        thread_park();
        return call_continue(CALL_UNTYPED_RETYPE, cptr, 0);
    }
    if (device) {
        return retype_device(cptr, r);
    }
    return r.type == CAP_UNTYPED ? retype_untyped(cptr, r) : retype_objects(cptr, r);
}

// Nothing in the memory is alive when the Untyped has no children, and nothing is dying when the
// list is empty: the only call that finishes what others left there (adr/0033).
typedef enum { RESET_CHILDREN, RESET_DYING, RESET_DONE } reset_t;

// Some steps of the reaper.
/*@ requires wf: wf_life && wf_memory;
    requires room: queue_margin(REAPER_STEPS);
    terminates \true; exits \false;
    assigns LIFE, irq_view[..].state;
    ensures wf: wf_life;
    ensures memory: wf_memory;
    ensures used: queue_used{Pre,Post}(REAPER_STEPS);
    ensures less: \old(REAPER) != 0 ==> less{Pre,Post};
*/
static void help_dying(void) {
    reaper_steps(1);
    //@ assert same: same_untypeds{Pre,Here};
    //@ assert taken: taken{Pre,Here};
    //@ assert caps: wf_caps;
}

// The memory of the Untyped in `s`, which has no children, is unused again.
/*@ requires wf: wf_caps && wf_memory;
    requires s: slot(s) && ty(s) == CAP_UNTYPED;
    requires ok: untyped_ok(ob(s)) && (UNTYPED(ob(s)).zeroed != UNTYPED_IS_DEVICE ==> untyped_ram(ob(s)));
    requires none: \forall integer b; in_tree(b) ==> !desc(s,b);
    terminates \true; exits \false;
    assigns untyped_view[slot_view[s].object].next, untyped_view[slot_view[s].object].zeroed;
    ensures apart: memory_apart;
    ensures inside: memory_inside;
    ensures records: memory_records;
    ensures none_alive: \forall integer b; slot(b) && b != s && has_memory(ty(b)) ==>
        (ty(b) == CAP_UNTYPED && desc(b,s)) || memory_end(b) <= memory_base(s) || memory_end(s) <= memory_base(b);
    ensures unused: UNTYPED(ob(s)).next == UNTYPED(ob(s)).base;
    ensures ok: untyped_ok(ob(s)) && (UNTYPED(ob(s)).zeroed != UNTYPED_IS_DEVICE ==>
        untyped_ram(ob(s)) && untyped_zero(ob(s)));
*/
static void reset_memory(u32 s) {
    untyped_reset(SLOT(s).object);
    //@ assert others: \forall integer u; 0 <= u < 0x100000000 && u != ob(s) ==> untyped_view[u] == \at(untyped_view[u],Pre);
    //@ assert range: UNTYPED(ob(s)).base == \at(UNTYPED(ob(s)).base,Pre) && UNTYPED(ob(s)).end == \at(UNTYPED(ob(s)).end,Pre);
    //@ assert leaf: \forall integer b; slot(b) && ty(b) != CAP_NULL ==> !desc(s,b);
    //@ assert one: \forall integer b; slot(b) && ty(b) == CAP_UNTYPED && ob(b) == ob(s) ==> b == s;
    //@ assert places: \forall integer b; slot(b) ==> memory_base(b) == memory_base{Pre}(b) && memory_end(b) == memory_end{Pre}(b);
}

// The memory of the Untyped in `s` is unused again, if nothing alive or dying is inside.
/*@ requires wf: wf_life && wf_memory;
    requires s: slot(s) && ty(s) == CAP_UNTYPED;
    requires ok: untyped_ok(ob(s)) && (UNTYPED(ob(s)).zeroed != UNTYPED_IS_DEVICE ==> untyped_ram(ob(s)));
    requires room: queue_margin(REAPER_STEPS);
    terminates \true; exits \false;
    assigns LIFE, irq_view[..].state, untyped_view[slot_view[s].object].next, untyped_view[slot_view[s].object].zeroed;
    ensures wf: wf_life;
    ensures apart: memory_apart;
    ensures records: memory_records;
    ensures inside: memory_inside;
    ensures used: queue_used{Pre,Post}(REAPER_STEPS);
    ensures children: \result == RESET_CHILDREN <==> \exists integer b; \old(in_tree(b) && desc(s,b));
    ensures dying: \result == RESET_DYING ==> REAPER == 0 || less{Pre,Post};
    ensures kept: \result != RESET_DONE ==> untyped_view[\old(ob(s))] == \old(untyped_view[ob(s)]);
    ensures none_dying: \result == RESET_DONE ==> \forall integer o; !dying(o);
    ensures none_alive: \result == RESET_DONE ==> \forall integer b; slot(b) && b != s && has_memory(ty(b)) ==>
        (ty(b) == CAP_UNTYPED && desc(b,s)) || memory_end(b) <= memory_base(s) || memory_end(s) <= memory_base(b);
    ensures unused: \result == RESET_DONE ==> UNTYPED(ob(s)).next == UNTYPED(ob(s)).base;
    ensures ok: \result == RESET_DONE ==> untyped_ok(ob(s)) && (UNTYPED(ob(s)).zeroed != UNTYPED_IS_DEVICE ==>
        untyped_ram(ob(s)) && untyped_zero(ob(s)));
*/
static reset_t reset_step(u32 s) {
    if (cdt_first_child(s) != 0) {
        return RESET_CHILDREN;
    }
    if (REAPER != 0) {
        help_dying();
        return RESET_DYING;
    }
    reset_memory(s);
    return RESET_DONE;
}

u64 call_untyped_reset(u64 cptr, u64 info) {
    u32 s = cspace_lookup(K.run.tcb, cptr);
    if (SLOT(s).type != CAP_UNTYPED) {
        return call_refuse(CALL_UNTYPED_RESET, ERR_TYPE, cptr, NEED(CAP_UNTYPED, 0));
    }
    thread_park();
    switch (reset_step(s)) {
    case RESET_CHILDREN:
        return call_refuse(CALL_UNTYPED_RESET, ERR_CHILDREN, cptr, NEED(CAP_UNTYPED, 0));
    case RESET_DYING:
        return call_restart(CALL_UNTYPED_RESET, cptr, info);
    default:
        return call_done();
    }
}
