// The timing wheel against a sorted list, over all distances in time.
// SPDX-License-Identifier: BSD-2-Clause
#include <catch2/catch.hpp>

#include <map>
#include <random>

#include "test/core/world.hpp"

TEST_CASE("timers expire in order, none early, none late, none lost") {
    host::Core core;
    constexpr u32 COUNT = 40;
    u32 timer[COUNT];
    for (u32 &n : timer)
        n = core.place(CAP_TCB) + TCB_TIMER;
    std::map<u32, u64> due; // The ones that are on.
    std::mt19937_64 random(3);
    u64 now = 0;
    for (int step = 0; step < 30000; step++) {
        u32 n = timer[random() % COUNT];
        if (wheel_has(n) && random() % 3 == 0) {
            wheel_cancel(n);
            due.erase(n);
        } else if (!wheel_has(n)) {
            u64 at = now + 1 + random() % (u64{1} << (random() % 40));
            wheel_insert(n, at);
            due[n] = at;
        }
        u64 first = WHEEL_NEVER;
        for (auto [t, at] : due)
            first = std::min(first, at);
        REQUIRE(wheel_next() <= first);
        if (random() % 4 != 0)
            continue;
        now = std::min<u64>(now + random() % (u64{1} << (random() % 36)), u64{1} << 46);
        u64 before = 0;
        for (u32 t = WHEEL_MORE; t != WHEEL_DONE;) {
            t = wheel_step(now);
            if (t == WHEEL_MORE || t == WHEEL_DONE)
                continue;
            REQUIRE(due.at(t) <= now);
            REQUIRE(due.at(t) >= before);
            before = due.at(t);
            due.erase(t);
        }
        for (auto [t, at] : due)
            REQUIRE(at > now);
    }
}
