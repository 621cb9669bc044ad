// The benchmark: counted instructions of every path that peers.md names.
// SPDX-License-Identifier: BSD-2-Clause
//
// Run under `-icount shift=0`: the time-stamp counter advances by one an instruction, so a row is
// exact and repeatable. Each row is the median of its samples less the cost of reading the counter.
// Rows are printed as `row<TAB>instructions`; a wrong message or a refused call ends the program.
#pragma once

#include "apps/bench/ground.hpp"

namespace bench {

// Returns the number of rows printed.
u32 run(const Means &means);

} // namespace bench
