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
#include "core/leaf.h"
#include "core/shape.h"
#include "core/view.h"
#include "spec/life.h"

// Makes an object in zeroed memory at `address`, of a shape that exists (not Untyped, whose record
// is untyped_create). Returns its index (Frame: its page number).
/*@ logic integer created(integer type, integer address) = type == CAP_FRAME ? address / 4096 :
        0x80000000 + address / 8 + (type == CAP_VSPACE || type == CAP_PAGE_TABLE ? 512 : 0); */
/*@ requires shape: type != CAP_UNTYPED && 32 <= shape_bytes(type, size);
    requires size: type == CAP_CNODE ==> 2 <= size <= CNODE_SLOTS_MAX;
    requires align: address % shape_align(type, shape_bytes(type, size)) == 0;
    requires place: type == CAP_FRAME ? address < 0x100000000000 : address + shape_bytes(type, size) <= OBJECT_LIMIT;
    terminates \true; exits \false;
    assigns header_view[created(type, address)].kind, header_view[created(type, address)].head, g_slots[..],
        tcb_view[created(type, address)].r[R_RFLAGS], tcb_view[created(type, address)].cr3,
        timer_view[created(type, address) + SC_TIMER].kind, table_view[created(type, address)].level, word_view[..];
    ensures index: \result == created(type, address);
    ensures kind: type != CAP_FRAME ==> kind(\result) == type;
    ensures frame: type == CAP_FRAME ==> header_view[\result] == \old(header_view[created(type, address)]) &&
        \forall integer w; 0 <= w < 0x100000000 ==> word_view[w] == \old(word_view[w]);
    ensures slots: type == CAP_CNODE ==> unread(\result) == size && g_slots[\result] == size;
    ensures thread: type == CAP_TCB ==> g_slots[\result] == TCB_SLOTS;
    ensures others: \forall integer o; is_index(o) && o != \result ==> g_slots[o] == \old(g_slots[o]);
    ensures context: type == CAP_SCHED_CONTEXT ==> TIMER(\result + SC_TIMER).kind == 1;
    ensures table: has_entries(type) ==> is_table(\result);
    ensures top: type == CAP_VSPACE ==> level(\result) == 4 &&
        \forall integer e; 256 <= e < 512 ==> entry_word(\result, e) == kernel_table[e - 256];
    ensures words: \forall integer w; is_index(w) && (type != CAP_VSPACE || w < \result - 256 || \result <= w) ==>
        word_view[w] == \old(word_view[w]);
    ensures whole: mortal(type) && type != CAP_TCB ==> slot(\result);
*/
u32 object_create(u32 type, u64 size, u64 address);

// `data` of the first capability to an object.
/*@ requires frame: type == CAP_FRAME ==> size < 4 && device < 2;
    terminates \true; exits \false; assigns \nothing;
    ensures size: type == CAP_UNTYPED || type == CAP_CNODE ==> \result == size;
    ensures frame: type == CAP_FRAME ==> map_table(\result) == 0 && map_size(\result) == size && map_device(\result) == device;
    ensures none: type != CAP_UNTYPED && type != CAP_CNODE && type != CAP_FRAME ==> \result == 0;
*/
u64 object_data(u32 type, u64 size, u32 device);

// Empties slot `s`, which holds a capability: undoes what it is mapped or bound to, and if no other
// names the object, that begins to die. The running thread has been parked (thread.h).
/*@ requires wf: wf_life;
    requires s: slot(s) && ty(s) != CAP_NULL;
    requires room: queue_margin(1);
    terminates \true; exits \false;
    assigns item_view[..], g_n, CDT_GHOST, slot_view[s], word_view[..], table_view[..], ACTIVITY,
        header_view[slot_view[s].object].head, header_view[slot_view[s].object].dying, REAPER,
        g_rs[..], g_rp[..], DYING;
    ENSURES_LIFE
    ensures empty: null_slot(s);
    ensures keep: \forall integer a, b; a != s && b != s && \old(in_tree(a)) && \old(in_tree(b)) ==>
        (desc(a,b) <==> \old(desc(a,b)));
    ensures n: g_n == \old(g_n) - 2;
    ensures used: queue_used{Pre,Post}(1);
    ensures last: \old(mortal(ty(s))) && (\forall integer t; t != s ==> !\old(names(t, ty(s), ob(s)))) ==>
        dying(\old(ob(s))) && REAPER == \old(ob(s));
    ensures alive: (\exists integer t; t != s && \old(names(t, ty(s), ob(s)))) ==>
        REAPER == \old(REAPER) && DYING == \old(DYING);
    ensures more: \forall integer x; \old(dying(x)) ==> dying(x) && header_view[x] == \old(header_view[x]);
    ensures taken: taken{Pre,Post};
    ensures only: \forall integer x; dying(x) && !\old(dying(x)) ==> x == \old(ob(s)) && \old(mortal(ty(s)));
*/
void object_release(u32 s);

// One bounded step of what is left to do for dying objects.
/*@ requires wf: wf_life;
    requires some: REAPER != 0;
    requires room: queue_margin(1);
    terminates \true; exits \false;
    assigns LIFE, irq_view[..].state;
    ensures wf: wf_life;
    ensures used: queue_used{Pre,Post}(1);
    ensures less: less{Pre,Post};
    ensures freed: \forall integer x; \old(dying(x)) && !dying(x) ==> emptied(x);
    ensures taken: taken{Pre,Post};
    ensures kinds: \forall integer x; \old(dying(x)) ==> kind(x) == \old(kind(x));
*/
void reaper_step(void);

enum { REAPER_STEPS = 4 };

// At most REAPER_STEPS such steps, while there is an object at place `first` of the list, from 1.
/*@ requires wf: wf_life;
    requires first: first != 0;
    requires room: queue_margin(REAPER_STEPS);
    terminates \true; exits \false;
    assigns LIFE, irq_view[..].state;
    ensures wf: wf_life;
    ensures used: queue_used{Pre,Post}(REAPER_STEPS);
    ensures taken: taken{Pre,Post};
    ensures less: first <= \old(DYING) ==> less{Pre,Post};
    ensures none: \old(DYING) < first ==> DYING == \old(DYING) && tcb_view[K.run.tcb] == \old(tcb_view[K.run.tcb]);
*/
void reaper_steps(u64 first);

// The measure of what the reaper has to do is a natural number: so its steps come to an end.
/*@ ghost
  /@ requires wf: wf_life;
     terminates \true; exits \false; assigns \nothing;
     ensures bounded: bounded; @/
  void measure_now(void) {
    /@ assert head: REAPER != 0 ==> dying(REAPER) && DYING > 0; @/
    /@ assert shape: REAPER != 0 ==> shaped(REAPER); @/
    /@ assert wait: REAPER != 0 && has_queue(kind(REAPER)) ==> 0 <= waiters(REAPER) < 0x40000000000000000; @/
    /@ assert lent: REAPER != 0 && kind(REAPER) == CAP_SCHED_CONTEXT ==> 0 <= debts(REAPER) < 0x40000000000000000; @/
  }
*/

#endif
