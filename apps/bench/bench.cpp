// The rows of the benchmark, in their order.
// SPDX-License-Identifier: BSD-2-Clause
#include "apps/bench/bench.hpp"

#include "apps/bench/device.hpp"
#include "apps/bench/rows.hpp"

namespace bench {

u32 run(const Means &means) {
    if (means.machine != nullptr) {
        row("boot_to_first_user", means.machine->boot);
    }
    Fixture f{means};
    check(means.self.priority(f.own(), f.top()), "own priority");
    sel::VSpace other = f.make_space();
    rows_of_messages(f, other);
    rows_of_notifications(f, other);
    rows_of_faults(f, other);
    rows_of_capabilities(f);
    rows_of_memory(f);
    rows_of_creation(f);
    if (means.machine != nullptr) {
        DeviceInterrupt device{f, other};
        rows_of_interrupts(f, device);
    }
    return rows_printed();
}

} // namespace bench
