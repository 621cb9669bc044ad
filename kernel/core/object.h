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
#include "spec/life.h"

// Makes an object in zeroed memory at `address`, of a shape that exists (not Untyped, whose record
// is untyped_create). Returns its index (Frame: its page number).
u32 object_create(u32 type, u64 size, u64 address);

// `data` of the first capability to an object.
u64 object_data(u32 type, u64 size, u32 device);

// Empties slot `s`, which holds a capability: undoes what it is mapped or bound to, and if no other
// names the object, that begins to die. The running thread has been parked (thread.h).
/*@ requires wf: wf_life;
    requires s: slot(s) && ty(s) != CAP_NULL;
    requires room: queue_margin(1);
    terminates \true; exits \false;
    assigns item_view[..], g_n, CDT_GHOST, slot_view[s], word_view[..], table_view[..], ACTIVITY,
        header_view[slot_view[s].object].head, header_view[slot_view[s].object].dying, REAPER,
        g_rs[..], g_rp[..], g_rn;
    ENSURES_LIFE
    ensures empty: null_slot(s);
    ensures keep: \forall integer a, b; a != s && b != s && \old(in_tree(a)) && \old(in_tree(b)) ==>
        (desc(a,b) <==> \old(desc(a,b)));
    ensures n: g_n == \old(g_n) - 2;
    ensures used: queue_used{Pre,Post}(1);
    ensures last: \old(mortal(ty(s))) && (\forall integer t; t != s ==> !\old(names(t, ty(s), ob(s)))) ==>
        dying(\old(ob(s))) && REAPER == \old(ob(s));
    ensures alive: (\exists integer t; t != s && \old(names(t, ty(s), ob(s)))) ==>
        REAPER == \old(REAPER) && g_rn == \old(g_rn);
    ensures more: \forall integer x; \old(dying(x)) ==> dying(x) && header_view[x] == \old(header_view[x]);
    ensures taken: taken{Pre,Post};
    ensures only: \forall integer x; dying(x) && !\old(dying(x)) ==> x == \old(ob(s)) && \old(mortal(ty(s)));
*/
void object_release(u32 s);

// One bounded step of what is left to do for dying objects. 0: nothing is left.
/*@ requires wf: wf_life;
    requires room: queue_margin(1);
    terminates \true; exits \false;
    assigns LIFE, irq_view[..].state;
    ENSURES_LIFE
    ensures used: queue_used{Pre,Post}(1);
    ensures none: \result == 0 <==> \old(REAPER) == 0;
    ensures empty: \result == 0 ==> \forall integer x; !dying(x);
    ensures less: \result != 0 ==> less{Pre,Post};
    ensures freed: \forall integer x; \old(dying(x)) && !dying(x) ==> emptied(x);
    ensures taken: taken{Pre,Post};
    ensures kinds: \forall integer x; \old(dying(x)) ==> kind(x) == \old(kind(x));
*/
u32 reaper_step(void);

enum { REAPER_STEPS = 8 };

// At most REAPER_STEPS such steps. 0: nothing is left.
/*@ requires wf: wf_life;
    requires room: queue_margin(REAPER_STEPS);
    terminates \true; exits \false;
    assigns LIFE, irq_view[..].state;
    ensures wf: wf_life;
    ensures used: queue_used{Pre,Post}(REAPER_STEPS);
    ensures taken: taken{Pre,Post};
    ensures done: \result == 0 ==> REAPER == 0 && \forall integer o; !dying(o);
    ensures less: \result != 0 ==> less{Pre,Post};
*/
u32 reaper_steps(void);

// The measure of what the reaper has to do is a natural number: so its steps come to an end.
/*@ ghost
  /@ requires wf: wf_life;
     terminates \true; exits \false; assigns \nothing;
     ensures bounded: bounded; @/
  void measure_now(void) {
    /@ assert head: REAPER != 0 ==> dying(REAPER) && g_rn > 0; @/
    /@ assert shape: REAPER != 0 ==> shaped(REAPER); @/
    /@ assert wait: REAPER != 0 && has_queue(kind(REAPER)) ==> 0 <= waiters(REAPER) < 0x40000000000000000; @/
    /@ assert lent: REAPER != 0 && kind(REAPER) == CAP_SCHED_CONTEXT ==> 0 <= debts(REAPER) < 0x40000000000000000; @/
  }
*/

#endif
