// Operations of the kernel, each set up to be as long as its user can make it.
// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <span>

#include "apps/bench/fixture.hpp"

namespace bench {

// What is to be done: a call, or, if `time` is not 0, waiting for what happens at that time.
struct Prepared {
    Call call{};
    u64 time = 0; // Time-stamp counter.
};

struct WorstCase {
    const char *name;
    // `spare` is an empty slot of the own CNode.
    Prepared (*prepare)(Fixture &f, const WorstCase &worst, cptr_t spare);
    u64 number = 0, size = 0, count = 0; // For `prepare`.
};

std::span<const WorstCase> worst_cases();

} // namespace bench
