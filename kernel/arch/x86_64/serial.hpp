// Text on COM1 and on the screen, for boot messages and panics only: everything else is the console server's.
// SPDX-License-Identifier: BSD-2-Clause
#ifndef ARCH_SERIAL_HPP
#define ARCH_SERIAL_HPP

#include "abi/types.h"

namespace arch {

struct Hex {
    u64 value;
};

void serial_init();
void print_one(const char *text);
void print_one(u64 number);
void print_one(Hex number);

template <typename... T>
void print(T... items) {
    (print_one(items), ...);
}

// Ends the machine: the debug-exit device if there is one, then cli; hlt.
[[noreturn]] void stop();

// "TRustOs: cannot boot: WHAT", then stop().
template <typename... T>
[[noreturn]] void boot_stop(T... what) {
    print("\nTRustOs: cannot boot: ", what..., "\n");
    stop();
}

} // namespace arch

#endif
