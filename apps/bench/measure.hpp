// How a row is measured and printed.
// SPDX-License-Identifier: BSD-2-Clause
//
// A sample of a call counts its four instructions in the program (number, cptr, info, `syscall`) and
// everything until the next one: kernel, peer, kernel. Reading the counter and keeping the results is
// counted once, without a call, and subtracted. A row is the median of its samples.
#pragma once

#include <string_view>

#include "abi/call.h"
#include "abi/error.h"

namespace bench {

inline u64 counter() {
    u32 low, high;
    asm volatile("rdtsc" : "=a"(low), "=d"(high) : : "memory");
    return static_cast<u64>(high) << 32 | low;
}

// A kernel call: registers before, and after it.
struct Call {
    u64 number; // After: error_t.
    u64 cptr;   // After: badge.
    u64 info = 0;
    u64 word[4] = {};

    error_t error() const { return static_cast<error_t>(number); }
};

// Instructions of the call, with what reading the counter costs.
u64 timed_raw(Call &call);

// Instructions of the call.
u64 timed(Call &call);

// The same of a call that must succeed.
u64 timed_ok(call_t number, u64 cptr, const char *what);

// Instructions between two readings by counter() with nothing in between.
u64 overhead();

class Samples {
  public:
    static constexpr u32 kCount = 33;

    void add(u64 value) { sample_[count_++] = value; }
    bool full() const { return count_ == kCount; }
    u64 median();

  private:
    u64 sample_[kCount] = {};
    u32 count_ = 0;
};

// Median of what body() returns, after some rounds that are not counted.
template <typename Body>
u64 median_of(Body body) {
    constexpr u32 kWarmUps = 4;
    for (u32 i = 0; i < kWarmUps; i++) {
        (void)body();
    }
    Samples samples;
    while (!samples.full()) {
        samples.add(body());
    }
    return samples.median();
}

// Where rows go, and which: those whose name contains `only`.
void rows_to(void (*print)(const char *text, u64 length), std::string_view only);
u32 rows_printed();
void print_line(std::string_view line);
void row(std::string_view name, u64 value, std::string_view comment = {});

// Says what failed and stops: the rows are worth nothing then.
[[noreturn]] void fail(const char *what, error_t error);

inline void ensure(bool right, const char *what) {
    if (!right) {
        fail(what, OK);
    }
}

} // namespace bench
