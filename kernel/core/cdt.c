// The capability derivation tree: removal, move and exchange of slots.
// SPDX-License-Identifier: BSD-2-Clause
#include "core/cdt.h"
#include "spec/cdt_lemmas.h"

/*@ requires wf: wf_list;
    requires x: in_list(item) && item != CDT_HEAD;
    terminates \true; exits \false;
    assigns item_view[..], g_n, CDT_GHOST;
    ensures seq: wf_seq;
    ensures room: wf_room;
    ensures next: wf_next;
    ensures prev: wf_prev;
    ensures n: g_n == \old(g_n) - 1;
    ensures px: g_pos[item] == -1;
    ensures po: \forall integer i; is_item(i) && i != item ==>
       g_pos[i] == (\old(g_pos[i]) == -1 || \old(g_pos[i]) < \old(g_pos[item]) ? \old(g_pos[i]) : \old(g_pos[i]) - 1);
*/
static inline void item_remove(u32 item) {
    u32 next = ITEM(item).link.next, prev = ITEM(item).link.prev;
    ITEM(prev).link.next = next;
    ITEM(next).link.prev = prev;
    //@ ghost gs_remove(g_pos[item]);
}

/*@ requires wf: wf_list;
    requires x: in_list(from) && from != CDT_HEAD;
    requires fresh: is_item(to) && !in_list(to);
    terminates \true; exits \false;
    assigns item_view[..], CDT_GHOST;
    ensures seq: wf_seq;
    ensures room: wf_room;
    ensures next: wf_next;
    ensures prev: wf_prev;
    ensures py: g_pos[to] == \old(g_pos[from]) && g_pos[from] == -1;
    ensures po: \forall integer i; is_item(i) && i != from && i != to ==> g_pos[i] == \old(g_pos[i]);
*/
static inline void item_replace(u32 from, u32 to) {
    u32 next = ITEM(from).link.next, prev = ITEM(from).link.prev;
    ITEM(to).link.next = next;
    ITEM(to).link.prev = prev;
    ITEM(prev).link.next = to;
    ITEM(next).link.prev = to;
    //@ ghost gs_replace(from, to);
}

void cdt_init(void) {
    ITEM(OPEN(CDT_HEAD)).link.next = CLOSE(CDT_HEAD);
    ITEM(OPEN(CDT_HEAD)).link.prev = CLOSE(CDT_HEAD);
    ITEM(CLOSE(CDT_HEAD)).link.next = OPEN(CDT_HEAD);
    ITEM(CLOSE(CDT_HEAD)).link.prev = OPEN(CDT_HEAD);
    /*@ ghost
        s64 i = 0;
        /@ loop invariant i: 0 <= i <= 0x100000000;
           loop invariant out: \forall integer j; 0 <= j < i ==> g_pos[j] == -1 && g_free[j] == j && g_rank[j] == j;
           loop assigns i, g_pos[..], g_free[..], g_rank[..];
           loop variant 0x100000000 - i;
        @/
        while (i < 0x100000000) {
          g_pos[i] = -1;
          g_free[i] = (u32)i;
          g_rank[i] = i;
          i++;
        }
        g_seq[0] = CDT_HEAD; g_pos[CDT_HEAD] = 0;
        g_seq[1] = CDT_HEAD + 2u; g_pos[CDT_HEAD + 2u] = 1;
        g_n = 2;
        g_free[CDT_HEAD] = 0; g_rank[0] = CDT_HEAD;
        g_free[CDT_HEAD + 2u] = 1; g_rank[1] = CDT_HEAD + 2u;
    */
}

void cdt_remove(u32 s) {
    item_remove(OPEN(s));
    item_remove(CLOSE(s));
    //@ assert inj: inj{Pre};
    //@ assert apart: \forall integer t; slot(t) ==> t != s + 2 && t + 2 != s;
    /*@ assert open: \forall integer t; slot(t) && t != s ==> po(t) ==
           (\at(po(t),Pre) <= \at(po(s),Pre) ? \at(po(t),Pre) : \at(po(t),Pre) <= \at(pc(s),Pre) ? \at(po(t),Pre) - 1 : \at(po(t),Pre) - 2); */
    /*@ assert close: \forall integer t; slot(t) && t != s ==> pc(t) ==
           (\at(pc(t),Pre) <= \at(po(s),Pre) ? \at(pc(t),Pre) : \at(pc(t),Pre) <= \at(pc(s),Pre) ? \at(pc(t),Pre) - 1 : \at(pc(t),Pre) - 2); */
    //@ assert rel: rem_rel{Pre,Here}(s);
}

void cdt_move(u32 from, u32 to) {
    item_replace(OPEN(from), OPEN(to));
    item_replace(CLOSE(from), CLOSE(to));
    //@ assert apart: \forall integer t; slot(t) ==> t != from + 2 && t + 2 != from && t != to + 2 && t + 2 != to;
    //@ assert open: \forall integer t; slot(t) && t != from && t != to ==> po(t) == \at(po(t),Pre);
    //@ assert close: \forall integer t; slot(t) && t != from && t != to ==> pc(t) == \at(pc(t),Pre);
    //@ assert rel: mov_rel{Pre,Here}(from, to);
}

void cdt_swap(u32 a, u32 b) {
    cdt_move(a, SCRATCH_SLOT);
    cdt_move(b, a);
    cdt_move(SCRATCH_SLOT, b);
}
