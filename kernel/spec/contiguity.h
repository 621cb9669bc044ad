// Lemmas: each step on capabilities keeps those of one object contiguous (INV-8); authority is transitive.
// SPDX-License-Identifier: BSD-2-Clause
#ifndef SPEC_CONTIGUITY_H
#define SPEC_CONTIGUITY_H

#include "spec/capability.h"

/*@
    predicate same_but{L1,L2}(integer c) = \forall integer s; 0 <= s < 0x100000000 && s != c ==>
       ty{L2}(s) == ty{L1}(s) && ob{L2}(s) == ob{L1}(s);
    lemma con_rem{L1,L2}: \forall integer s; slot(s) && ty{L1}(s) != CAP_NULL && s != CDT_HEAD && ty{L2}(s) == CAP_NULL &&
       inj{L1} && br_ord{L1} && cap_tree{L1} && contig{L1} && rem_rel{L1,L2}(s) && same_but{L1,L2}(s) ==> contig{L2};
    lemma con_copy{L1,L2}: \forall integer p, c; slot(p) && slot(c) && p != c && copyable(ty{L1}(p)) && ty{L1}(c) == CAP_NULL &&
       ty{L2}(c) == ty{L1}(p) && ob{L2}(c) == ob{L1}(p) && c != CDT_HEAD && p != CDT_HEAD && inj{L1} && br_ord{L1} && cap_tree{L1} &&
       contig{L1} && ins_rel{L1,L2}(p,c) && same_but{L1,L2}(c) ==> contig{L2};
    predicate contig_at{L}(integer a, integer b, integer c) = shared(ty{L}(a)) && ty{L}(b) != CAP_NULL && same{L}(a, c) &&
       (po{L}(a) < po{L}(b) < pc{L}(c) || po{L}(a) < pc{L}(b) < pc{L}(c)) ==> same{L}(b, a);
    // No capabilities to one copyable object lie on both sides of the place behind OPEN of a p that is none.
    predicate new_parent{L}(integer p) = in_tree{L}(p) && !copyable(ty{L}(p)) && (p == CDT_HEAD ==> po{L}(p) == 0);
    lemma con_gap{L}: \forall integer p, a, b; new_parent(p) && slot(a) && slot(b) && shared(ty(a)) && same(a, b) &&
       inj && br_ord && cap_tree && contig ==> !(po(a) <= po(p) < pc(b));
    predicate fresh{L1,L2}(integer c) = ty{L2}(c) == CAP_FRAME || \forall integer s; slot(s) ==> !names{L1}(s, ty{L2}(c), ob{L2}(c));
    lemma con_new_at{L1,L2}: \forall integer p, c, x, y, z; new_parent{L1}(p) && slot(c) && p != c && ty{L1}(c) == CAP_NULL &&
       ty{L2}(c) != CAP_NULL && c != CDT_HEAD && fresh{L1,L2}(c) && inj{L1} && br_ord{L1} && cap_tree{L1} && contig{L1} &&
       ins_rel{L1,L2}(p,c) && same_but{L1,L2}(c) && slot(x) && slot(y) && slot(z) ==> contig_at{L2}(x, y, z);
    lemma con_new{L1,L2}: \forall integer p, c; new_parent{L1}(p) && slot(c) && p != c && ty{L1}(c) == CAP_NULL &&
       ty{L2}(c) != CAP_NULL && c != CDT_HEAD && fresh{L1,L2}(c) && inj{L1} && br_ord{L1} && cap_tree{L1} && contig{L1} &&
       ins_rel{L1,L2}(p,c) && same_but{L1,L2}(c) ==> contig{L2};
    // Who is next to s in the list stands between s and any other capability to its object.
    predicate twin{L}(integer t, integer s) = slot(s) && slot(t) && shared(ty(s)) && same(t, s) && 0 <= po(s) < pc(s) && 0 <= po(t) < pc(t);
    lemma con_left{L}: \forall integer s, t, b; twin(t, s) && slot(b) && ty(b) != CAP_NULL && (po(b) == po(s) - 1 || pc(b) == po(s) - 1) &&
       po(t) < po(s) && inj && contig ==> same(b, s);
    lemma con_right{L}: \forall integer s, t, b; twin(t, s) && slot(b) && ty(b) != CAP_NULL && (po(b) == pc(s) + 1 || pc(b) == pc(s) + 1) &&
       po(t) > pc(s) && inj && contig ==> same(b, s);
    // What is at t after the move of s to d was at moved_from(t, s, d).
    logic integer moved_from(integer t, integer s, integer d) = t == d ? s : t;
    predicate was{L1,L2}(integer x, integer t) = slot(x) && ty{L1}(x) == ty{L2}(t) && ob{L1}(x) == ob{L2}(t) &&
       po{L2}(t) == po{L1}(x) && pc{L2}(t) == pc{L1}(x);
    predicate renamed{L1,L2}(integer s, integer d) = ty{L2}(s) == CAP_NULL &&
       (\forall integer t; slot(t) && t != s ==> was{L1,L2}(moved_from(t, s, d), t));
    lemma con_was{L1,L2}: \forall integer a, b, c, x, y, z; was{L1,L2}(x, a) && was{L1,L2}(y, b) && was{L1,L2}(z, c) &&
       contig{L1} ==> contig_at{L2}(a, b, c);
    lemma con_mov_at{L1,L2}: \forall integer s, d, a, b, c; slot(a) && slot(b) && slot(c) && a != s && b != s && c != s &&
       renamed{L1,L2}(s, d) && contig{L1} ==> contig_at{L2}(a, b, c);
    lemma con_mov{L1,L2}: \forall integer s, d; slot(s) && slot(d) && renamed{L1,L2}(s, d) && contig{L1} ==> contig{L2};
    lemma data_trans: \forall integer t, a, b, c; data_le(t, a, b) && data_le(t, b, c) ==> data_le(t, a, c);
    lemma one_mov{L1,L2}: \forall integer s, d; slot(s) && slot(d) && renamed{L1,L2}(s, d) && cap_one{L1} ==> cap_one{L2};
*/

#endif
