// Delete and revoke: bounded steps that are restarted until nothing is left to do.
// SPDX-License-Identifier: BSD-2-Clause
//
// Both end by emptying the list of dying objects, also of those that others left there. If the caller
// itself dies on the way, the rest is done by the next delete, revoke or reset of anybody.
#include "core/call.h"
#include "core/cspace.h"
#include "core/object.h"
#include "core/thread.h"

enum { REVOKE_STEPS = 8 }; // Capabilities released in one kernel entry.

static u64 drain(u32 call, u64 cptr) {
    return reaper_steps() == 0 ? call_finish() : call_restart(call, cptr, CALL_CONTINUED);
}

u64 call_cap_delete(u64 cptr, u64 info) {
    u32 s = cspace_lookup(K.run.tcb, cptr);
    if (info != CALL_CONTINUED && SLOT(s).type == CAP_NULL) {
        return call_refuse(CALL_CAP_DELETE, ERR_CAP, cptr, 0);
    }
    thread_park();
    if (info != CALL_CONTINUED) {
        object_release(s);
    }
    return drain(CALL_CAP_DELETE, cptr);
}

// Releases one descendant of `s` and returns its slot. 0: there is none.
/*@ requires wf: wf_life;
    requires s: slot(s) && ty(s) != CAP_NULL;
    requires room: queue_margin(1);
    terminates \true; exits \false;
    assigns LIFE;
    ENSURES_LIFE
    ensures used: queue_used{Pre,Post}(1);
    ensures all: \result == 0 ==> \forall integer b; in_tree(b) ==> !desc(s,b);
    ensures one: \result != 0 ==> \old(in_tree(\result)) && \old(desc(s,\result)) && null_slot(\result) &&
        g_n == \old(g_n) - 2;
    ensures only: \forall integer t; is_index(t) && t != \result ==> slot_view[t] == \old(slot_view[t]);
    ensures in: \forall integer t; in_tree(t) <==> t != \result && \old(in_tree(t));
    ensures keep: \forall integer a, b; in_tree(a) && in_tree(b) ==> (desc(a,b) <==> \old(desc(a,b)));
*/
static inline u32 revoke_one(u32 s) {
    u32 child = cdt_first_child(s);
    if (child != 0) {
        object_release(child);
    }
    //@ assert head: in_tree(CDT_HEAD);
    //@ assert stay: \forall integer t; t != child && \at(in_tree(t),Pre) ==> in_tree(t);
    //@ assert from: \forall integer t; in_tree(t) ==> \at(in_tree(t),Pre);
    //@ assert gone: !in_tree(child);
    return child;
}

// Releases some descendants of `s`. 0: none is left.
/*@ requires wf: wf_life;
    requires s: slot(s) && ty(s) != CAP_NULL;
    requires room: queue_margin(REVOKE_STEPS);
    terminates \true; exits \false;
    assigns LIFE;
    ensures wf: wf_life;
    ensures used: queue_used{Pre,Post}(REVOKE_STEPS);
    ensures all: \result == 0 ==> \forall integer b; in_tree(b) ==> !desc(s,b);
    ensures some: \result != 0 ==> g_n < \old(g_n);
    ensures only: \forall integer t; slot(t) && \old(in_tree(t)) && !\old(desc(s,t)) ==>
        in_tree(t) && slot_view[t] == \old(slot_view[t]);
    ensures none: \forall integer t; in_tree(t) ==> \old(in_tree(t)) && slot_view[t] == \old(slot_view[t]);
    ensures keep: \forall integer a, b; in_tree(a) && in_tree(b) ==> (desc(a,b) <==> \old(desc(a,b)));
*/
static u32 revoke_some(u32 s) {
    u32 more = 1;
    /*@ loop invariant range: 0 <= i <= REVOKE_STEPS;
        loop invariant wf: wf_life;
        loop invariant used: queue_used{Pre,Here}(i);
        loop invariant fewer: more != 0 ==> g_n == \at(g_n,Pre) - 2 * i;
        loop invariant done: more == 0 ==> \forall integer b; in_tree(b) ==> !desc(s,b);
        loop invariant s: slot_view[s] == \at(slot_view[s],Pre);
        loop invariant only: \forall integer t; slot(t) && \at(in_tree(t),Pre) && !\at(desc(s,t),Pre) ==>
            in_tree(t) && slot_view[t] == \at(slot_view[t],Pre);
        loop invariant none: \forall integer t; in_tree(t) ==>
            \at(in_tree(t),Pre) && slot_view[t] == \at(slot_view[t],Pre);
        loop invariant keep: \forall integer a, b; in_tree(a) && in_tree(b) ==> (desc(a,b) <==> \at(desc(a,b),Pre));
        loop assigns i, more, LIFE;
        loop variant REVOKE_STEPS - i;
    */
    for (u32 i = 0; i < REVOKE_STEPS && more != 0; i++) {
        more = revoke_one(s);
        //@ assert caps: wf_caps;
        //@ assert map: wf_map;
        //@ assert end: wf_end;
        //@ assert activity: wf_activity;
    }
    return more == 0 ? 0 : cdt_first_child(s);
}

u64 call_cap_revoke(u64 cptr, u64 info) {
    u32 s = cspace_lookup(K.run.tcb, cptr);
    if (info != CALL_CONTINUED && SLOT(s).type == CAP_NULL) {
        return call_refuse(CALL_CAP_REVOKE, ERR_CAP, cptr, 0);
    }
    thread_park();
    if (info != CALL_CONTINUED && revoke_some(s) != 0) {
        return call_restart(CALL_CAP_REVOKE, cptr, info);
    }
    return drain(CALL_CAP_REVOKE, cptr);
}
