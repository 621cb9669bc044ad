// Lemmas: each step on capabilities keeps those of one object contiguous (INV-8).
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
    lemma con_new{L1,L2}: \forall integer p, c; slot(p) && slot(c) && p != c && !copyable(ty{L1}(p)) && in_tree{L1}(p) && ty{L1}(c) == CAP_NULL &&
       ty{L2}(c) != CAP_NULL && c != CDT_HEAD && (p == CDT_HEAD ==> po{L1}(p) == 0) && (\forall integer s; slot(s) ==> !names{L1}(s, ty{L2}(c), ob{L2}(c))) &&
       inj{L1} && br_ord{L1} && cap_tree{L1} && cap_one{L1} &&
       contig{L1} && ins_rel{L1,L2}(p,c) && same_but{L1,L2}(c) ==> contig{L2};
    // What is at t after the move of s to d was at moved_from(t, s, d).
    logic integer moved_from(integer t, integer s, integer d) = t == d ? s : t;
    predicate same2{L1,L2}(integer a, integer b) = ty{L1}(a) == ty{L2}(b) && ob{L1}(a) == ob{L2}(b);
    predicate renamed{L1,L2}(integer s, integer d) = ty{L2}(s) == CAP_NULL && (\forall integer t; slot(t) && t != s ==>
       slot(moved_from(t, s, d)) && same2{L1,L2}(moved_from(t, s, d), t) &&
       po{L2}(t) == po{L1}(moved_from(t, s, d)) && pc{L2}(t) == pc{L1}(moved_from(t, s, d)));
    lemma con_mov{L1,L2}: \forall integer s, d; slot(s) && slot(d) && renamed{L1,L2}(s, d) && contig{L1} ==> contig{L2};
*/

#endif
