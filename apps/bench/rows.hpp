// The groups of rows, in the order in which bench.cpp runs them.
// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include "apps/bench/device.hpp"

namespace bench {

// `other`: an address space with peers.S in it.
void rows_of_messages(Fixture &f, sel::VSpace other);      // messages.cpp
void rows_of_notifications(Fixture &f, sel::VSpace other); // messages.cpp
void rows_of_faults(Fixture &f, sel::VSpace other);        // messages.cpp
void rows_of_capabilities(Fixture &f);                     // objects.cpp
void rows_of_memory(Fixture &f);                           // objects.cpp
void rows_of_creation(Fixture &f);                         // objects.cpp

// This needs Means::machine.
void rows_of_interrupts(Fixture &f, DeviceInterrupt &device); // interrupts.cpp

} // namespace bench
