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
#include "core/object.h"
#include "core/thread.h"
#include "core/untyped.h"
#include "spec/memory.h"

enum { RETYPE_STEP = 32 };

// What a retype was asked for.
typedef struct {
    u32 parent; // Slot of the Untyped.
    u32 dst;    // First destination slot.
    u32 type, count;
    u64 size;
    shape_t shape;
} retype_t;

#define HALF 0x100000000

// The next address of a run of slots.
static inline u64 cptr_step(u64 cptr) {
    return cptr < HALF ? 1 : HALF;
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
    return call_restart(CALL_UNTYPED_RETYPE, cptr, CALL_CONTINUED);
}

// `flatten`: the kernel is compiled for size, this loop is not.
__attribute__((flatten)) static void make_objects(retype_t r, u64 address, u32 device) {
    u64 data = object_data(r.type, r.size, device);
    for (u32 i = 0; i < r.count; i++) {
        u32 o = object_create(r.type, r.size, address + i * r.shape.bytes);
        capability_new(r.parent, r.dst + 4 * i, r.type, RIGHT_ALL, o, data);
    }
}

// How many objects of this size one step makes.
static inline u32 step_count(u64 bytes, u32 count) {
    u64 most = bytes >= ZERO_STEP ? 1 : ZERO_STEP / bytes;
    most = most > RETYPE_STEP ? RETYPE_STEP : most;
    return count < most ? count : (u32)most;
}

static u64 retype_objects(u64 cptr, retype_t r) {
    u32 u = SLOT(r.parent).object;
    u64 bytes = r.shape.bytes, start = untyped_plan(u, bytes, r.shape.align, r.count);
    if (start == 0 || (r.type != CAP_FRAME && start + r.count * bytes > OBJECT_LIMIT)) {
        return call_refuse_argument(CALL_UNTYPED_RETYPE, ERR_MEMORY, r.count);
    }
    r.count = step_count(bytes, r.count);
    if (untyped_zero(u, start, start + r.count * bytes) == 0) {
        thread_park();
        return call_restart(CALL_UNTYPED_RETYPE, cptr, CALL_CONTINUED);
    }
    untyped_take(u, start + r.count * bytes);
    make_objects(r, start, 0);
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
    r.count = r.count < RETYPE_STEP ? r.count : RETYPE_STEP;
    make_objects(r, start, 1);
    // The rest begins behind these: fewer objects, more pages.
    ARG3 += r.count * (bytes / PAGE_BYTES) * 0x10000;
    return retype_next(cptr, r.count, r.count);
}

u64 call_untyped_retype(u64 cptr, u64 info) {
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
    u32 several = r.count > RETYPE_STEP, begun = info == CALL_CONTINUED;
    error_t error = check_slots(ARG2, r.count, begun && several ? RETYPE_STEP : r.count);
    if (error != OK) {
        return call_refuse_argument(CALL_UNTYPED_RETYPE, error, ARG2);
    }
    if (several && !begun) {
        thread_park();
        return call_restart(CALL_UNTYPED_RETYPE, cptr, CALL_CONTINUED);
    }
    if (device) {
        return retype_device(cptr, r);
    }
    return r.type == CAP_UNTYPED ? retype_untyped(cptr, r) : retype_objects(cptr, r);
}

// Nothing in the memory is alive when the Untyped has no children, and nothing is dying when the
// list is empty; what others left on it is helped to its end.
typedef enum { RESET_CHILDREN, RESET_DYING, RESET_DONE } reset_t;

// Some steps of the reaper.
/*@ requires wf: wf_life && wf_memory;
    requires room: queue_margin(REAPER_STEPS);
    terminates \true; exits \false;
    assigns LIFE, irq_view[..].state;
    ensures wf: wf_life;
    ensures memory: wf_memory;
    ensures used: queue_used{Pre,Post}(REAPER_STEPS);
    ensures less: REAPER == 0 || less{Pre,Post};
*/
static void help_dying(void) {
    reaper_steps();
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
