// Vocabulary of object lifetime: the list of dying objects.
// SPDX-License-Identifier: BSD-2-Clause
//
// Ghost state: g_rs is a permutation of all indices and g_rp its inverse; the first DYING of them are on
// the list, the newest last. So that there is always room for another is a fact.
#ifndef SPEC_OBJECT_H
#define SPEC_OBJECT_H

#include "core/view.h"

/*@ ghost u32 g_rs[INDEX_COUNT]; u32 g_rp[INDEX_COUNT]; */

/*@ predicate is_object(integer o) = 0 < o < 0x100000000;

    // INV-32: REAPER lists exactly the dying objects, each once.
    predicate dying{L}(integer o) = is_object(o) && \at(g_rp[o], L) < \at(DYING, L);
    predicate reaper_perm{L} = 0 <= DYING <= 0x100000000 &&
        (\forall integer k; 0 <= k < 0x100000000 ==>
            0 <= g_rs[k] < 0x100000000 && g_rp[g_rs[k]] == k) &&
        (\forall integer o; 0 <= o < 0x100000000 ==>
            0 <= g_rp[o] < 0x100000000 && g_rs[g_rp[o]] == o);
    predicate reaper_link{L} = REAPER == (DYING == 0 ? 0 : g_rs[DYING - 1]) &&
        (\forall integer o; 0 <= o < 0x100000000 && g_rp[o] < DYING ==>
            o != 0 && header_view[o].dying == (g_rp[o] == 0 ? 0 : g_rs[g_rp[o] - 1]));
    predicate wf_reaper{L} = reaper_perm{L} && reaper_link{L};
*/

#endif
