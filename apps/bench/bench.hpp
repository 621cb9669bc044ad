// The benchmark: counted instructions of the kernel's paths.
// SPDX-License-Identifier: BSD-2-Clause
//
// Run under `-icount shift=0`: the time-stamp counter advances by one an instruction, so a row is
// exact and repeatable. Rows are printed as `row<TAB>instructions`; a wrong message or a refused call
// ends the program.
#pragma once

#include "apps/bench/fixture.hpp"

namespace bench {

// Rows go where rows_to() said. Returns the number of rows printed.
u32 run(const Means &means);

} // namespace bench
