// Experiments on processor time: threads that would run for ever, and how long they did.
// SPDX-License-Identifier: BSD-2-Clause
#include "probe.hpp"

namespace probe {
namespace {

constexpr u64 kMilliseconds = 200; // Of each experiment.
constexpr u8 kHigh = kPriority - 1, kLow = kPriority - 2, kLeast = 1;

void run_for_ever(void *) {
    for (volatile u64 i = 0;;) {
        i = i + 1;
    }
}

// Two threads for kMilliseconds. What each used, and the time that went by, in microseconds.
bool measure_two(Line &line, sel::SchedContext first, u8 first_priority, sel::SchedContext second,
                 u8 second_priority) {
    sel::Thread a{memory}, b{memory};
    u64 before = sel::now();
    if (!start(a, 0, first, first_priority, run_for_ever, nullptr) ||
        !start(b, 1, second, second_priority, run_for_ever, nullptr)) {
        return false;
    }
    sleep(kMilliseconds);
    u64 time_us = sel::clock().nanoseconds(sel::now() - before) / 1000;
    sel::format(line, " {} {} {}", used_us(a), used_us(b), time_us);
    return a.end().ok() && b.end().ok();
}

} // namespace

// 5 ms of every 20 ms at the higher priority; the lower one has no limit.
bool measure_budget(Line &line) {
    return measure_two(line, caps::quarter, kHigh, caps::slice, kLow);
}

// No limit at the higher priority.
bool measure_priority(Line &line) {
    return measure_two(line, caps::slice, kHigh, caps::other, kLow);
}

// The same priority.
bool measure_turns(Line &line) {
    return measure_two(line, caps::slice, kHigh, caps::other, kHigh);
}

// Whatever time nobody else wants, until somebody ends the program.
bool fill_time(Line &) {
    sel::Thread filler{memory};
    if (!start(filler, 0, caps::slice, kLeast, run_for_ever, nullptr)) {
        return false;
    }
    for (;;) {
        sleep(kMilliseconds);
    }
}

} // namespace probe
