// Vocabulary of the derivation tree: the list behind the links, positions, descent.
// SPDX-License-Identifier: BSD-2-Clause
//
// Ghost state: g_seq[k] is the item at place k of the list, g_pos[i] the place of item i or -1, g_n
// the length. The items outside the list are numbered g_n .. in g_free (g_rank is the inverse), so
// that "there is room for another" is a fact and not an assumption.
#ifndef SPEC_CDT_H
#define SPEC_CDT_H

#include "core/view.h"

/*@ ghost u32 g_seq[INDEX_COUNT]; s64 g_pos[INDEX_COUNT]; s64 g_n; u32 g_free[INDEX_COUNT]; s64 g_rank[INDEX_COUNT]; */

/*@ predicate is_item(integer i) = 0 <= i < 0x100000000;
    predicate slot(integer s) = 0 < s < 0x100000000 && s % 4 == 0;
    predicate in_list{L}(integer i) = is_item(i) && \at(g_pos[i],L) != -1;

    // --- INV-1: the ghost list is a list, and the links agree with it.
    predicate wf_seq{L} = 1 <= g_n <= 0x100000000 && g_seq[0] == CDT_HEAD &&
       (\forall integer k; 0 <= k < g_n ==> 0 <= g_seq[k] < 0x100000000 && g_pos[g_seq[k]] == k) &&
       (\forall integer i; is_item(i) && g_pos[i] != -1 ==> 0 <= g_pos[i] < g_n && g_seq[g_pos[i]] == i);
    predicate wf_room{L} =
       (\forall integer k; g_n <= k < 0x100000000 ==> 0 <= g_free[k] < 0x100000000 && g_pos[g_free[k]] == -1 && g_rank[g_free[k]] == k) &&
       (\forall integer i; is_item(i) && g_pos[i] == -1 ==> g_n <= g_rank[i] < 0x100000000 && g_free[g_rank[i]] == i);
    logic integer nx{L}(integer i) = \at(item_view[i].link.next,L);
    logic integer pv{L}(integer i) = \at(item_view[i].link.prev,L);
    predicate wf_next{L} = \forall integer i; is_item(i) && g_pos[i] != -1 ==>
       is_item(nx(i)) && g_pos[nx(i)] == (g_pos[i] + 1 < g_n ? g_pos[i] + 1 : 0);
    predicate wf_prev{L} = \forall integer i; is_item(i) && g_pos[i] != -1 ==>
       is_item(pv(i)) && g_pos[pv(i)] == (g_pos[i] == 0 ? g_n - 1 : g_pos[i] - 1);
    predicate wf_list{L} = wf_seq{L} && wf_room{L} && wf_next{L} && wf_prev{L};

    // --- Places of a slot's brackets; descent.
    logic integer po{L}(integer s) = \at(g_pos[s],L);
    logic integer pc{L}(integer s) = \at(g_pos[s + 2],L);
    predicate in_tree{L}(integer s) = slot(s) && po{L}(s) != -1;
    predicate desc{L}(integer a, integer b) = po{L}(a) < po{L}(b) && pc{L}(b) < pc{L}(a);

    // --- INV-2: only brackets are in the list, in pairs, each pair in order.
    predicate br_item{L} = \forall integer i; is_item(i) && g_pos[i] != -1 ==> slot(i) || slot(i - 2);
    predicate br_pair{L} = \forall integer s; slot(s) ==> (po(s) == -1 <==> pc(s) == -1);
    predicate br_ord{L} = \forall integer s; slot(s) && po(s) != -1 ==> 0 <= po(s) < pc(s);
    // --- INV-3: pairs are nested or disjoint.
    predicate br_lam{L} = \forall integer a, b; slot(a) && slot(b) && po(a) != -1 && po(b) != -1 &&
       po(a) < po(b) < pc(a) ==> pc(b) < pc(a);
    // --- INV-4: CDT_HEAD is around all others; the scratch slot and the null slot are outside.
    predicate br_top{L} = pc(CDT_HEAD) == g_n - 1 && po(SCRATCH_SLOT) == -1;
    predicate wf_brackets{L} = br_item{L} && br_pair{L} && br_ord{L} && br_lam{L} && pc(CDT_HEAD) == g_n - 1;
    predicate wf_tree{L} = wf_list{L} && wf_brackets{L};
    predicate wf_cdt{L} = wf_tree{L} && po(SCRATCH_SLOT) == -1;

    // --- How one operation moves the brackets.
    predicate ins_rel{L1,L2}(integer p, integer c) =
       po{L2}(c) == po{L1}(p) + 1 && pc{L2}(c) == po{L1}(p) + 2 &&
       (\forall integer s; slot(s) && s != c ==>
          po{L2}(s) == (po{L1}(s) <= po{L1}(p) ? po{L1}(s) : po{L1}(s) + 2) &&
          pc{L2}(s) == (pc{L1}(s) <= po{L1}(p) ? pc{L1}(s) : pc{L1}(s) + 2));
    predicate rem_rel{L1,L2}(integer s) =
       po{L2}(s) == -1 && pc{L2}(s) == -1 &&
       (\forall integer t; slot(t) && t != s ==>
          po{L2}(t) == (po{L1}(t) <= po{L1}(s) ? po{L1}(t) : po{L1}(t) <= pc{L1}(s) ? po{L1}(t) - 1 : po{L1}(t) - 2) &&
          pc{L2}(t) == (pc{L1}(t) <= po{L1}(s) ? pc{L1}(t) : pc{L1}(t) <= pc{L1}(s) ? pc{L1}(t) - 1 : pc{L1}(t) - 2));
    predicate mov_rel{L1,L2}(integer s, integer d) =
       po{L2}(s) == -1 && pc{L2}(s) == -1 && po{L2}(d) == po{L1}(s) && pc{L2}(d) == pc{L1}(s) &&
       (\forall integer t; slot(t) && t != s && t != d ==> po{L2}(t) == po{L1}(t) && pc{L2}(t) == pc{L1}(t));
    // --- Items a, b come between p and its successor.
    predicate pos_ins{L1,L2}(integer p, integer a, integer b) =
       \at(g_n,L2) == \at(g_n,L1) + 2 && \at(g_pos[a],L2) == \at(g_pos[p],L1) + 1 && \at(g_pos[b],L2) == \at(g_pos[p],L1) + 2 &&
       (\forall integer i; is_item(i) && i != a && i != b ==>
          \at(g_pos[i],L2) == (\at(g_pos[i],L1) <= \at(g_pos[p],L1) ? \at(g_pos[i],L1) : \at(g_pos[i],L1) + 2));
    predicate link_ins{L1,L2}(integer p, integer a, integer b) =
       (\forall integer i; is_item(i) ==> nx{L2}(i) == (i == p ? a : i == a ? b : i == b ? nx{L1}(p) : nx{L1}(i))) &&
       (\forall integer i; is_item(i) ==> pv{L2}(i) == (i == a ? p : i == b ? a : i == nx{L1}(p) ? b : pv{L1}(i)));
    predicate inj{L} = (\forall integer a, b; slot(a) && slot(b) && po(a) != -1 && po(a) == po(b) ==> a == b) &&
       (\forall integer a, b; slot(a) && slot(b) && pc(a) != -1 && pc(a) == pc(b) ==> a == b) &&
       (\forall integer a, b; slot(a) && slot(b) && pc(a) != -1 ==> pc(a) != po(b));

    lemma inj_wf{L}: wf_seq{L} ==> inj{L};
*/

// Item x comes right after place k.
/*@ ghost
  /@ requires wf: wf_seq;
     requires room: wf_room;
     requires k: 0 <= k < g_n;
     requires fresh: is_item(x) && !in_list(x);
     terminates \true; exits \false;
     assigns g_seq[..], g_pos[..], g_n, g_free[..], g_rank[..];
     ensures wf: wf_seq;
     ensures room: wf_room;
     ensures n: g_n == \old(g_n) + 1;
     ensures px: g_pos[x] == k + 1;
     ensures po: \forall integer i; is_item(i) && i != x ==>
        g_pos[i] == (\old(g_pos[i]) == -1 || \old(g_pos[i]) <= k ? \old(g_pos[i]) : \old(g_pos[i]) + 1);
  @/
  void gs_insert(s64 k, u32 x) {
    s64 j = g_n;
    u32 y = g_free[g_n];
    g_free[g_rank[x]] = y;
    g_rank[y] = g_rank[x];
    /@ loop invariant jr: k + 1 <= j <= g_n;
       loop invariant lo: \forall integer m; 0 <= m < j ==> g_seq[m] == \at(g_seq[m],Pre);
       loop invariant hi: \forall integer m; j < m <= g_n ==> g_seq[m] == \at(g_seq[m - 1],Pre);
       loop invariant pp: \forall integer i; is_item(i) ==>
          g_pos[i] == (\at(g_pos[i],Pre) == -1 || \at(g_pos[i],Pre) < j ? \at(g_pos[i],Pre) : \at(g_pos[i],Pre) + 1);
       loop assigns j, g_seq[..], g_pos[..];
       loop variant j;
    @/
    while (j > k + 1) {
      g_seq[j] = g_seq[j - 1];
      /@ assert at: g_seq[j] == \at(g_seq[\at(j,Here) - 1],Pre); @/
      g_pos[g_seq[j]] = j;
      j--;
    }
    g_seq[k + 1] = x;
    g_pos[x] = k + 1;
    g_n++;
    /@ assert sq: \forall integer m; 0 <= m < g_n ==>
       g_seq[m] == (m <= k ? \at(g_seq[m],Pre) : m == k + 1 ? x : \at(g_seq[m - 1],Pre)); @/
    /@ assert po: \forall integer i; is_item(i) && i != x ==>
       g_pos[i] == (\at(g_pos[i],Pre) == -1 || \at(g_pos[i],Pre) <= k ? \at(g_pos[i],Pre) : \at(g_pos[i],Pre) + 1); @/
    /@ assert back: \forall integer m; 0 <= m < g_n ==> 0 <= g_seq[m] < 0x100000000 && g_pos[g_seq[m]] == m; @/
    /@ assert low: \forall integer i; is_item(i) && 0 <= \at(g_pos[i],Pre) <= k ==> g_seq[\at(g_pos[i],Pre)] == i; @/
    /@ assert high: \forall integer i; is_item(i) && k < \at(g_pos[i],Pre) ==> g_seq[\at(g_pos[i],Pre) + 1] == i; @/
    /@ assert forth: \forall integer i; is_item(i) && g_pos[i] != -1 ==> 0 <= g_pos[i] < g_n && g_seq[g_pos[i]] == i; @/
  }
*/

// The item at place k leaves.
/*@ ghost
  /@ requires wf: wf_seq;
     requires room: wf_room;
     requires k: 0 < k < g_n;
     terminates \true; exits \false;
     assigns g_seq[..], g_pos[..], g_n, g_free[..], g_rank[..];
     ensures wf: wf_seq;
     ensures room: wf_room;
     ensures n: g_n == \old(g_n) - 1;
     ensures px: g_pos[\old(g_seq[k])] == -1;
     ensures po: \forall integer i; is_item(i) && i != \old(g_seq[k]) ==>
        g_pos[i] == (\old(g_pos[i]) == -1 || \old(g_pos[i]) < k ? \old(g_pos[i]) : \old(g_pos[i]) - 1);
  @/
  void gs_remove(s64 k) {
    s64 j = k;
    u32 x = g_seq[k];
    g_pos[x] = -1;
    /@ loop invariant jr: k <= j < g_n;
       loop invariant lo: \forall integer m; 0 <= m < k ==> g_seq[m] == \at(g_seq[m],Pre);
       loop invariant mi: \forall integer m; k <= m < j ==> g_seq[m] == \at(g_seq[m + 1],Pre);
       loop invariant hi: \forall integer m; j < m < g_n ==> g_seq[m] == \at(g_seq[m],Pre);
       loop invariant px: g_pos[x] == -1;
       loop invariant pp: \forall integer i; is_item(i) && i != x ==>
          g_pos[i] == (\at(g_pos[i],Pre) == -1 || \at(g_pos[i],Pre) < k || \at(g_pos[i],Pre) > j ? \at(g_pos[i],Pre) : \at(g_pos[i],Pre) - 1);
       loop assigns j, g_seq[..], g_pos[..];
       loop variant g_n - j;
    @/
    while (j + 1 < g_n) {
      g_seq[j] = g_seq[j + 1];
      g_pos[g_seq[j]] = j;
      j++;
    }
    g_n--;
    g_free[g_n] = x;
    g_rank[x] = g_n;
  }
*/

// Item y takes the place of x.
/*@ ghost
  /@ requires wf: wf_seq;
     requires room: wf_room;
     requires x: in_list(x) && x != CDT_HEAD;
     requires fresh: is_item(y) && !in_list(y);
     terminates \true; exits \false;
     assigns g_seq[..], g_pos[..], g_free[..], g_rank[..];
     ensures wf: wf_seq;
     ensures room: wf_room;
     ensures py: g_pos[y] == \old(g_pos[x]) && g_pos[x] == -1;
     ensures po: \forall integer i; is_item(i) && i != x && i != y ==> g_pos[i] == \old(g_pos[i]);
  @/
  void gs_replace(u32 x, u32 y) {
    g_seq[g_pos[x]] = y;
    g_pos[y] = g_pos[x];
    g_pos[x] = -1;
    g_free[g_rank[y]] = x;
    g_rank[x] = g_rank[y];
  }
*/

#endif
