// What all drivers say of hardware: pieces of memory, and a Bus.
// SPDX-License-Identifier: BSD-2-Clause
//
// A device reaches its registers and its time through a Bus (pci_bus.hpp; tests: a model), with
//   u32 config(u32 offset)                    configuration space
//   u32 bytes(u32 bar)                        of a block of registers, 0: it is not there
//   T read<T>(u32 bar, u32 offset)    void write<T>(u32 bar, u32 offset, T value)
//   pci::Signal signal()                      how it interrupts
//   u64 now_ms()    void pause()              a millisecond, or less if it interrupts
#pragma once

#include "abi/types.h"

namespace driver {

// Memory without a gap in it, as the device sees it.
struct Piece {
    u64 physical;
    u32 bytes;
};

// Waits until done(), `ms` milliseconds at most; false: it never was.
template <typename Bus, typename Done>
bool await(Bus &bus, u32 ms, Done done) {
    for (u64 end = bus.now_ms() + ms; !done(); bus.pause()) {
        if (bus.now_ms() >= end) {
            return false;
        }
    }
    return true;
}

} // namespace driver
