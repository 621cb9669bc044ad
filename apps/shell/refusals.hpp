// Refusals: which of the kernel's refusals have been seen: those at the start, and those that `why` has shown.
// SPDX-License-Identifier: BSD-2-Clause
//
// The kernel keeps the last refusal of each program, however old. What belongs to what a person has just done is what
// has come since they looked last.
#pragma once

#include <array>

#include "command.hpp"

#include "sel/environment.hpp"

namespace shell {

class Refusals {
  public:
    // All that there are now are seen. What cannot be asked for is not.
    void see_all(System &system) {
        sel::Result<ProgramRow> row = next_program(system, 1);
        for (; row; row = next_program(system, row->number + 1)) {
            sel::Result<denial_t> denial = system.denial(row->number);
            if (denial) {
                see(*row, *denial);
            }
        }
    }

    bool is_new(const ProgramRow &row, const denial_t &denial) const {
        const Seen &seen = seen_[row.number % seen_.size()];
        return denial.count != 0 && (seen.starts != row.starts || seen.count != denial.count);
    }

    void see(const ProgramRow &row, const denial_t &denial) {
        seen_[row.number % seen_.size()] = {row.starts, denial.count};
    }

  private:
    struct Seen {
        u32 starts; // The life of the program.
        u64 count;
    };
    std::array<Seen, sel::Environment::kPrograms + 1> seen_{};
};

} // namespace shell
