// Delete and revoke: bounded steps that are restarted until nothing is left to do.
// SPDX-License-Identifier: BSD-2-Clause
//
// Both end by emptying the list of dying objects down to what the caller made dying, and what a thread
// had made dying that it ended; not further: that is for others. If the caller itself dies on the way, the
// rest is done by the next reset of anybody (adr/0033).
#include "core/call.h"
#include "core/cspace.h"
#include "core/object.h"
#include "core/thread.h"

enum { REVOKE_STEPS = 8 }; // Capabilities released in one kernel entry.

// What a step of either has left to do.
typedef enum { LEFT_NONE, LEFT_DYING, LEFT_CHILDREN } left_t;

// clang-format off
#define ENSURES_LEFT                                                                               \
    ensures wf: wf_life;                                                                           \
    ensures taken: taken{Pre,Post};                                                                \
    ensures less: \result != LEFT_NONE ==> less{Pre,Post};                                         \
    ensures done: \result == LEFT_NONE ==> tcb_view[K.run.tcb].first_dying == 0;
// clang-format on

// The running thread has nothing to finish any more.
/*@ requires wf: wf_life;
    terminates \true; exits \false;
    assigns tcb_view[K.run.tcb].first_dying;
    ENSURES_LIFE
    ensures none: tcb_view[K.run.tcb].first_dying == 0; */
static inline void owe_nothing(void) {
    TCB(K.run.tcb).first_dying = 0;
    //@ assert states: \forall integer t; 0 <= t < 0x100000000 ==> TCB(t).state == \at(TCB(t).state,Pre);
    //@ assert w1: wait_endpoint;
    //@ assert w2: wait_signal;
    //@ assert w3: wait_queued;
    //@ assert w4: wait_kind;
    //@ assert w5: wait_special;
    //@ assert w6: wait_tcb;
    //@ assert timers: wait_timers;
}

// Some steps of the reaper, if the running thread has something to finish.
/*@ requires wf: wf_life;
    requires room: queue_margin(REAPER_STEPS);
    terminates \true; exits \false;
    assigns LIFE, irq_view[..].state;
    ENSURES_LEFT
    ensures used: queue_used{Pre,Post}(REAPER_STEPS);
    ensures state: \result != LEFT_CHILDREN;
*/
static inline left_t drain(void) {
    u32 cur = K.run.tcb;
    if (TCB(cur).first_dying != 0) {
        reaper_steps(TCB(cur).first_dying);
    }
    if (TCB(cur).first_dying != 0 && TCB(cur).first_dying <= DYING) {
        return LEFT_DYING;
    }
    owe_nothing();
    //@ assert caps: wf_caps;
    //@ assert map: wf_map;
    //@ assert end: wf_end;
    //@ assert activity: wf_activity;
    return LEFT_NONE;
}

// Releases the capability in `s`, 0: it is gone already; then some steps of the reaper.
/*@ requires wf: wf_life;
    requires s: s == 0 || (slot(s) && ty(s) != CAP_NULL);
    requires room: queue_margin(1 + REAPER_STEPS);
    terminates \true; exits \false;
    assigns LIFE, irq_view[..].state;
    ENSURES_LEFT
    ensures used: queue_used{Pre,Post}(1 + REAPER_STEPS);
    ensures gone: null_slot(s);
*/
static left_t delete_step(u32 s) {
    if (s != 0) {
        object_release(s);
        //@ assert out: !in_tree(s);
        //@ assert less: less{Pre,Here};
        //@ assert caps: wf_caps;
        //@ assert map: wf_map;
        //@ assert end: wf_end;
        //@ assert activity: wf_activity;
    }
    return drain();
}

// How the call goes on: with its next step, or as one that is done.
static u64 continue_call(u32 call, u64 cptr, left_t left) {
    switch (left) {
    case LEFT_NONE:
        return call_finish();
    case LEFT_DYING:
        return call_continue(call, cptr, 0);
    default:
        return call_restart(call, cptr, 0);
    }
}

u64 call_cap_delete(u64 cptr, u64 info) {
    (void)info;
    u32 s = cspace_lookup(K.run.tcb, cptr), begun = call_goes_on(CALL_CAP_DELETE);
    if (!begun && SLOT(s).type == CAP_NULL) {
        return call_refuse(CALL_CAP_DELETE, ERR_CAP, cptr, 0);
    }
    thread_park();
    return continue_call(CALL_CAP_DELETE, cptr, delete_step(begun ? 0 : s));
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
    ensures calm: \result == 0 ==> as_much{Pre,Post};
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
    ensures calm: g_n < \old(g_n) || as_much{Pre,Post};
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
        loop invariant calm: g_n < \at(g_n,Pre) || as_much{Pre,Here};
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

// Releases some descendants of `s`, 0: they are gone already; without any left, some steps of the reaper.
/*@ requires wf: wf_life;
    requires s: s == 0 || (slot(s) && ty(s) != CAP_NULL);
    requires room: queue_margin(REVOKE_STEPS + REAPER_STEPS);
    terminates \true; exits \false;
    assigns LIFE, irq_view[..].state;
    ENSURES_LEFT
    ensures used: queue_used{Pre,Post}(REVOKE_STEPS + REAPER_STEPS);
    ensures all: \result != LEFT_CHILDREN && s != 0 ==> \forall integer b; in_tree(b) ==> !desc(s,b);
    ensures only: \result == LEFT_CHILDREN ==> \forall integer t; slot(t) && \old(in_tree(t)) && !\old(desc(s,t)) ==>
        in_tree(t) && slot_view[t] == \old(slot_view[t]);
*/
static left_t revoke_step(u32 s) {
    if (s != 0 && revoke_some(s) != 0) {
        //@ assert taken: taken{Pre,Here};
        return LEFT_CHILDREN;
    }
    //@ assert taken: taken{Pre,Here};
    return drain();
}

u64 call_cap_revoke(u64 cptr, u64 info) {
    (void)info;
    u32 s = cspace_lookup(K.run.tcb, cptr), begun = call_goes_on(CALL_CAP_REVOKE);
    if (!begun && SLOT(s).type == CAP_NULL) {
        return call_refuse(CALL_CAP_REVOKE, ERR_CAP, cptr, 0);
    }
    thread_park();
    return continue_call(CALL_CAP_REVOKE, cptr, revoke_step(begun ? 0 : s));
}
