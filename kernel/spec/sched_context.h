// Vocabulary of the proofs: budgets of scheduling contexts (core/sched_context.h).
// SPDX-License-Identifier: BSD-2-Clause
//
// Ghost state: g_T1 is an arbitrary time that nothing writes; g_spent[s] is what was charged to s for
// the time in [T1, T1 + period), g_before[s] how much of the stretch that straddles T1 lies before it.
#ifndef SPEC_SCHED_CONTEXT_H
#define SPEC_SCHED_CONTEXT_H

#include "core/view.h"

//@ ghost u64 g_T1; u64 g_spent[0x100000000]; u64 g_before[0x100000000];

/*@ predicate context(integer s) = 1 <= s < 0xfffffff0;
    predicate full{L}(integer s) = SC(s).budget == SC(s).period;

    predicate sc_limits{L}(integer s) = 16384 <= SC(s).budget <= SC(s).period < 0x100000000000000 &&
        SC(s).last < 0x200000000000000 && SC(s).used <= SC(s).last && SC(s).left <= SC(s).budget;
    predicate sc_sum{L}(integer s) = full(s) ? SC(s).amount[0] == 0 :
        SC(s).left + SC(s).amount[0] + SC(s).amount[1] + SC(s).amount[2] + SC(s).amount[3] == SC(s).budget;
    predicate sc_list{L}(integer s) = (SC(s).amount[0] == 0 ==> SC(s).amount[1] == 0) &&
        (SC(s).amount[1] == 0 ==> SC(s).amount[2] == 0) && (SC(s).amount[2] == 0 ==> SC(s).amount[3] == 0);
    predicate sc_order{L}(integer s) = (SC(s).amount[1] != 0 ==> SC(s).due[0] <= SC(s).due[1]) &&
        (SC(s).amount[2] != 0 ==> SC(s).due[1] <= SC(s).due[2]) &&
        (SC(s).amount[3] != 0 ==> SC(s).due[2] <= SC(s).due[3]);
    predicate sc_soon{L}(integer s) = \let end = SC(s).last + SC(s).period;
        (SC(s).amount[0] != 0 ==> SC(s).due[0] <= end) && (SC(s).amount[1] != 0 ==> SC(s).due[1] <= end) &&
        (SC(s).amount[2] != 0 ==> SC(s).due[2] <= end) && (SC(s).amount[3] != 0 ==> SC(s).due[3] <= end);
    predicate budget{L}(integer s) = sc_limits{L}(s) && sc_sum{L}(s) && sc_list{L}(s) && sc_order{L}(s) &&
        sc_soon{L}(s);

    // The window argument. back(s): when the stretch that straddles T1 comes back (T1 + period: none).
    logic integer back{L}(integer s) = g_T1 + SC(s).period - g_before[s];
    // What comes back at x or later.
    logic integer late{L}(integer s, integer x) =
        (SC(s).due[0] >= x ? SC(s).amount[0] : 0) + (SC(s).due[1] >= x ? SC(s).amount[1] : 0) +
        (SC(s).due[2] >= x ? SC(s).amount[2] : 0) + (SC(s).due[3] >= x ? SC(s).amount[3] : 0);
    predicate win_start{L}(integer s) = SC(s).last <= g_T1 ==> g_spent[s] == 0 && g_before[s] == 0;
    predicate win_before{L}(integer s) = g_before[s] <= SC(s).period && g_before[s] <= g_T1 < 0x200000000000000;
    predicate win_debt{L}(integer s) = full(s) ?
        (g_T1 <= SC(s).last ==> g_spent[s] <= SC(s).last - g_T1) :
        (g_spent[s] + g_before[s] <= late(s, back(s)) ||
            (back(s) <= SC(s).last && g_spent[s] + g_before[s] <= SC(s).budget + SC(s).last - back(s)));
    predicate win_theorem{L}(integer s) = g_spent[s] <= SC(s).budget;
    predicate window{L}(integer s) = win_start{L}(s) && win_before{L}(s) && win_debt{L}(s) &&
        win_theorem{L}(s); */

// s is charged for [from, to).
/*@ ghost
  /@ requires s: context(s) && from <= to < 0x200000000000000 && g_T1 < 0x200000000000000;
     requires p: 0 < SC(s).period < 0x100000000000000 && g_spent[s] < 0x200000000000000;
     terminates \true; exits \false;
     assigns g_spent[s], g_before[s];
     ensures none: to <= g_T1 || from >= g_T1 + SC(s).period ==> g_spent[s] == \old(g_spent[s]);
     ensures some: to > g_T1 && from < g_T1 + SC(s).period ==> g_spent[s] ==
         \old(g_spent[s]) + \min(to, g_T1 + SC(s).period) - \max(from, g_T1);
     ensures before: g_before[s] == ((from < g_T1 && g_T1 < to) ? g_T1 - from : \old(g_before[s])); @/
  void ghost_charged(u32 s, u64 from, u64 to) {
      u64 w = g_T1 + SC(s).period;
      if (to > g_T1 && from < w)
          g_spent[s] = g_spent[s] + ((to < w ? to : w) - (from > g_T1 ? from : g_T1));
      if (from < g_T1 && g_T1 < to)
          g_before[s] = g_T1 - from;
  } */

#endif
