// The list of dying objects, linked through their headers: the newest first.
// SPDX-License-Identifier: BSD-2-Clause
//
// Only object.c uses it. Keeps INV-32.
#ifndef CORE_REAPER_H
#define CORE_REAPER_H

#include "core/view.h"
#include "spec/object.h"

// Object o, not on the list, begins to die.
/*@ requires wf: wf_reaper;
    requires o: is_object(o) && !dying(o);
    terminates \true; exits \false;
    assigns header_view[o].dying, REAPER, g_rs[..], g_rp[..], DYING;
    ensures perm: reaper_perm;
    ensures link: reaper_link;
    ensures in: \forall integer x; is_object(x) ==> (dying(x) <==> x == o || \old(dying(x)));
    ensures head: REAPER == o;
    ensures n: DYING == \old(DYING) + 1;
*/
static inline void reaper_push(u32 o) {
    HEADER(o).dying = REAPER;
    REAPER = o;
    DYING++;
    /*@ ghost
        u32 p = g_rp[o];
        u32 q = (u32)(DYING - 1);
        u32 x = g_rs[q];
        g_rs[p] = x;
        g_rp[x] = p;
        g_rs[q] = o;
        g_rp[o] = q;
    */
}

// The newest dying object is done: nothing refers to it, its memory is its Untyped's.
/*@ requires wf: wf_reaper;
    requires some: REAPER != 0;
    terminates \true; exits \false;
    assigns REAPER, DYING;
    ensures perm: reaper_perm;
    ensures link: reaper_link;
    ensures out: \forall integer x; is_object(x) ==>
        (dying(x) <==> x != \old(REAPER) && \old(dying(x)));
    ensures n: DYING == \old(DYING) - 1;
*/
static inline void reaper_pop(void) {
    REAPER = HEADER(REAPER).dying;
    DYING--;
}

#endif
