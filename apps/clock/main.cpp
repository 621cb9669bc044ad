// Clock: says how long the machine has been running.
// SPDX-License-Identifier: BSD-2-Clause
#include "clock.caps.hpp"

#include "sel/format.hpp"

int main() {
    constexpr u64 kMillisecond = 1'000'000;
    sel::Result<u64> ns = caps::timer.call(timer::Uptime{});
    sel::Text<40> line;
    sel::format(line, "up {} ms\n", ns.value_or(0) / kMillisecond);
    return ns.ok() && stream::put_all(caps::out, line) ? 0 : 1;
}
