// The capability derivation tree, as one circular list of brackets.
// SPDX-License-Identifier: BSD-2-Clause
//
// A slot in the tree owns two items of the list, OPEN and CLOSE; what lies between them are its
// descendants. So a leaf is OPEN directly followed by CLOSE, the first child is the slot whose OPEN
// follows, and whoever leaves the list leaves its children to its parent. Every operation is O(1).
// CDT_HEAD is always in the tree and the ancestor of all; its slot holds no capability.
// These functions know the links of a slot, not the capability in it: see capability.h.
// Keeps INV-1 .. INV-4 (kernel/spec/README.md).
#ifndef CORE_CDT_H
#define CORE_CDT_H

#include "core/view.h"
#include "spec/cdt.h"

#define OPEN(s) (s)
#define CLOSE(s) ((s) + 2u)
#define CDT_GHOST g_seq[..], g_pos[..], g_free[..], g_rank[..] // In contracts.

// Once, at boot: the tree of CDT_HEAD alone.
/*@ terminates \true; exits \false;
    assigns item_view[..], g_n, CDT_GHOST;
    ensures seq: wf_seq;
    ensures room: wf_room;
    ensures next: wf_next;
    ensures prev: wf_prev;
    ensures items: br_item;
    ensures pair: br_pair;
    ensures order: br_ord;
    ensures nested: br_lam;
    ensures top: br_top;
    ensures alone: \forall integer s; in_tree(s) <==> s == CDT_HEAD;
*/
void cdt_init(void);

// `child`, not in the tree, becomes the first child of `parent`.
/*@ requires wf: wf_tree;
    requires p: in_tree(parent);
    requires c: slot(child) && !in_tree(child);
    terminates \true; exits \false;
    assigns item_view[..], g_n, CDT_GHOST;
    ensures seq: wf_seq;
    ensures room: wf_room;
    ensures next: wf_next;
    ensures prev: wf_prev;
    ensures items: br_item;
    ensures pair: br_pair;
    ensures order: br_ord;
    ensures nested: br_lam;
    ensures top: pc(CDT_HEAD) == g_n - 1;
    ensures rel: ins_rel{Pre,Post}(parent, child);
    ensures in: \forall integer s; in_tree(s) <==> (s == child || \old(in_tree(s)));
    ensures keep: \forall integer a, b; a != child && b != child && \old(in_tree(a)) && \old(in_tree(b)) ==>
       (desc(a,b) <==> \old(desc(a,b)));
    ensures up: \forall integer a; \old(in_tree(a)) ==> (desc(a,child) <==> (a == parent || \old(desc(a,parent))));
    ensures leaf: \forall integer b; \old(in_tree(b)) ==> !desc(child,b);
    ensures n: g_n == \old(g_n) + 2;
*/
static inline void cdt_insert_child(u32 parent, u32 child) {
    u32 next = ITEM(OPEN(parent)).link.next;
    //@ assert next: g_pos[next] == g_pos[parent] + 1;
    //@ assert fresh: po(child) == -1 && pc(child) == -1;
    //@ assert apart: next != parent && next != child && next != child + 2;
    ITEM(OPEN(child)).link.prev = OPEN(parent);
    ITEM(OPEN(child)).link.next = CLOSE(child);
    ITEM(CLOSE(child)).link.prev = OPEN(child);
    ITEM(CLOSE(child)).link.next = next;
    ITEM(next).link.prev = CLOSE(child);
    ITEM(OPEN(parent)).link.next = OPEN(child);
    //@ assert link: link_ins{Pre,Here}(parent, child, child + 2);
    //@ ghost gs_insert(g_pos[parent], child);
    //@ ghost gs_insert(g_pos[child], child + 2u);
    //@ assert pos: pos_ins{Pre,Here}(parent, child, child + 2);
    //@ assert all: link_ins{Pre,Here}(parent, child, child + 2);
    //@ assert rel: ins_rel{Pre,Here}(parent, child);
}

// `s` leaves the tree; its children become children of its parent, in its place.
/*@ requires wf: wf_tree;
    requires s: in_tree(s) && s != CDT_HEAD;
    terminates \true; exits \false;
    assigns item_view[..], g_n, CDT_GHOST;
    ensures seq: wf_seq;
    ensures room: wf_room;
    ensures next: wf_next;
    ensures prev: wf_prev;
    ensures items: br_item;
    ensures pair: br_pair;
    ensures order: br_ord;
    ensures nested: br_lam;
    ensures top: pc(CDT_HEAD) == g_n - 1;
    ensures rel: rem_rel{Pre,Post}(s);
    ensures in: \forall integer t; in_tree(t) <==> (t != s && \old(in_tree(t)));
    ensures keep: \forall integer a, b; a != s && b != s && \old(in_tree(a)) && \old(in_tree(b)) ==>
       (desc(a,b) <==> \old(desc(a,b)));
    ensures n: g_n == \old(g_n) - 2;
*/
void cdt_remove(u32 s);

// The newest child of `s`, 0: none.
/*@ requires wf: wf_tree;
    requires s: in_tree(s);
    terminates \true; exits \false;
    assigns \nothing;
    ensures none: \result == 0 <==> (\forall integer b; in_tree(b) ==> !desc(s,b));
    ensures some: \result != 0 ==> in_tree(\result) && desc(s,\result);
    ensures first: \result != 0 ==> \forall integer b; in_tree(b) && desc(s,b) && b != \result ==> po(\result) < po(b);
    ensures child: \result != 0 ==> \forall integer b; in_tree(b) && desc(b,\result) ==> b == s || desc(b,s);
*/
static inline u32 cdt_first_child(u32 s) {
    u32 next = ITEM(OPEN(s)).link.next;
    //@ assert place: g_pos[next] == po(s) + 1;
    //@ assert pair: !slot(next) ==> in_tree(next - 2) && pc(next - 2) == po(s) + 1;
    //@ assert lam: next != s + 2 && !slot(next) ==> po(next - 2) < po(s);
    //@ assert open: next != s + 2 ==> slot(next);
    return next == CLOSE(s) ? 0 : next;
}

// `to`, not in the tree, takes the place of `from`.
/*@ requires wf: wf_tree;
    requires s: in_tree(from) && from != CDT_HEAD;
    requires d: slot(to) && !in_tree(to);
    terminates \true; exits \false;
    assigns item_view[..], CDT_GHOST;
    ensures seq: wf_seq;
    ensures room: wf_room;
    ensures next: wf_next;
    ensures prev: wf_prev;
    ensures items: br_item;
    ensures pair: br_pair;
    ensures order: br_ord;
    ensures nested: br_lam;
    ensures top: pc(CDT_HEAD) == g_n - 1;
    ensures rel: mov_rel{Pre,Post}(from, to);
    ensures in: \forall integer t; in_tree(t) <==> (t == to || (t != from && \old(in_tree(t))));
    ensures keep: \forall integer a, b; a != to && b != to && in_tree(a) && in_tree(b) ==> (desc(a,b) <==> \old(desc(a,b)));
    ensures up: \forall integer a; a != to && in_tree(a) ==> (desc(a,to) <==> \old(desc(a,from)));
    ensures down: \forall integer b; b != to && in_tree(b) ==> (desc(to,b) <==> \old(desc(from,b)));
*/
void cdt_move(u32 from, u32 to);

// `a` and `b`, two slots in the tree, change places.
/*@ requires wf: wf_cdt;
    requires a: in_tree(a) && in_tree(b) && a != b && a != CDT_HEAD && b != CDT_HEAD;
    terminates \true; exits \false;
    assigns item_view[..], CDT_GHOST;
    ensures wf: wf_cdt;
    ensures in: \forall integer t; slot(t) ==> (in_tree(t) <==> \old(in_tree(t)));
    ensures keep: \forall integer t, u; t != a && t != b && u != a && u != b && in_tree(t) && in_tree(u) ==>
       (desc(t,u) <==> \old(desc(t,u)));
    ensures swapped: po(a) == \old(po(b)) && po(b) == \old(po(a)) && pc(a) == \old(pc(b)) && pc(b) == \old(pc(a));
*/
void cdt_swap(u32 a, u32 b);

#endif
