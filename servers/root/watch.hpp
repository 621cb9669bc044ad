// Watch: does a server that has used up its processor time still answer anybody?
// SPDX-License-Identifier: BSD-2-Clause
//
//   answers   budget of every period        it has answered since it was last out of time
//   reduced   share of every period         it has not; until it answers
//   loops                                   it has not for kPatience of its budgets in a row
// The kernel tells root each time the context of a server is used up (TCB_SLOT_TIMEOUT). What a context gets back
// comes in parts, each a period after it was used (adr/0041), the first ones small: a budget is one only if as much
// as half of it was used. serve() counts what it has answered (sel/ledger.hpp). Who lies in that count is bounded by
// crowd.hpp.
#pragma once

#include "abi/types.h"

namespace root {

class Watch {
  public:
    static constexpr u32 kPatience = 4; // Budgets.

    enum class Verdict : u8 { ANSWERS, REDUCED, LOOPS };

    // Its time is used up; `answers`: its count; `used`: ticks in this life; `budget`: that it has now, in ticks.
    Verdict out_of_time(u64 answers, u64 used, u64 budget) {
        if (has_answered(answers)) {
            answers_ = answers;
            used_ = used;
            silent_ = 0;
            return Verdict::ANSWERS;
        }
        if (used - used_ < budget / 2) {
            return reduced() ? Verdict::REDUCED : Verdict::ANSWERS;
        }
        used_ = used;
        silent_ = silent_ < kPatience ? silent_ + 1 : kPatience;
        return silent_ == kPatience ? Verdict::LOOPS : Verdict::REDUCED;
    }

    bool reduced() const { return silent_ != 0; }
    bool has_answered(u64 answers) const { return answers != answers_; }

  private:
    u64 answers_ = 0;
    u64 used_ = 0;   // When a budget was used up last.
    u32 silent_ = 0; // How many budgets were used up without an answer.
};

} // namespace root
