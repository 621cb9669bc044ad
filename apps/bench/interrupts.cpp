// Rows of interrupts: from when it is due, in another program's computation, to its handler.
// SPDX-License-Identifier: BSD-2-Clause
#include "apps/bench/rows.hpp"

namespace bench {
namespace {

u64 interrupt(DeviceInterrupt &device) {
    constexpr u64 kSoon = 2000;
    return median_of([&] { return device.delay(device.arm(counter() + kSoon)); });
}

} // namespace

void rows_of_interrupts(Fixture &, DeviceInterrupt &device) {
    device.handle_in_receive();
    row("irq_to_recv", interrupt(device));
    device.handle_in_wait();
    row("irq_to_handler", interrupt(device));
}

} // namespace bench
