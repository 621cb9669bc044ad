// Lemmas that the proofs of cdt.h and cdt.c need, and nobody else.
// SPDX-License-Identifier: BSD-2-Clause
#ifndef SPEC_CDT_LEMMAS_H
#define SPEC_CDT_LEMMAS_H

#include "spec/cdt.h"

/*@
    lemma next_ins{L1,L2}: \forall integer p, a, b; in_list{L1}(p) && is_item(a) && !in_list{L1}(a) && is_item(b) && !in_list{L1}(b) && a != b &&
       wf_seq{L1} && wf_next{L1} && wf_prev{L1} && pos_ins{L1,L2}(p, a, b) && link_ins{L1,L2}(p, a, b) ==> wf_next{L2};
    lemma prev_ins{L1,L2}: \forall integer p, a, b; in_list{L1}(p) && is_item(a) && !in_list{L1}(a) && is_item(b) && !in_list{L1}(b) && a != b &&
       wf_seq{L1} && wf_next{L1} && wf_prev{L1} && pos_ins{L1,L2}(p, a, b) && link_ins{L1,L2}(p, a, b) ==> wf_prev{L2};
    lemma lam_ins{L1,L2}: \forall integer p, c; slot(p) && slot(c) && po{L1}(p) >= 0 && po{L1}(c) == -1 && pc{L1}(c) == -1 &&
       br_ord{L1} && br_pair{L1} && br_lam{L1} && ins_rel{L1,L2}(p,c) ==> br_lam{L2};
    lemma lam_rem{L1,L2}: \forall integer s; slot(s) && po{L1}(s) > 0 &&
       inj{L1} && br_ord{L1} && br_pair{L1} && br_lam{L1} && rem_rel{L1,L2}(s) ==> br_lam{L2};
    lemma lam_mov{L1,L2}: \forall integer s, d; slot(s) && slot(d) && s != d && po{L1}(s) >= 0 && po{L1}(d) == -1 &&
       br_ord{L1} && br_pair{L1} && br_lam{L1} && mov_rel{L1,L2}(s,d) ==> br_lam{L2};
*/

#endif
