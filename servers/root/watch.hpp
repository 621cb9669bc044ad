// Watch: does a server that has used up its processor time still answer anybody?
// SPDX-License-Identifier: BSD-2-Clause
//
//   answers   budget of every period        it has answered since it was last out of time
//   reduced   share of every period         it has not; until it answers
//   loops                                   it has not for kPatience of its budgets in a row
// The kernel tells root each time the context of a server is used up (TCB_SLOT_TIMEOUT); serve() counts
// what it has answered (sel/ledger.hpp). Who lies in that count is bounded by crowd.hpp.
#pragma once

#include "abi/types.h"

namespace root {

class Watch {
  public:
    static constexpr u32 kPatience = 4; // Budgets.

    enum class Verdict : u8 { ANSWERS, REDUCED, LOOPS };

    // Its time is used up; `answers`: its count.
    Verdict out_of_time(u64 answers) {
        if (has_answered(answers)) {
            answers_ = answers;
            silent_ = 0;
            return Verdict::ANSWERS;
        }
        silent_ = silent_ < kPatience ? silent_ + 1 : kPatience;
        return silent_ == kPatience ? Verdict::LOOPS : Verdict::REDUCED;
    }

    bool reduced() const { return silent_ != 0; }
    bool has_answered(u64 answers) const { return answers != answers_; }

  private:
    u64 answers_ = 0;
    u32 silent_ = 0; // How often its time was used up without an answer.
};

} // namespace root
