// The core and the reference model in lock step, over generated calls.
// SPDX-License-Identifier: BSD-2-Clause
//
// MODEL_SEED=n runs the one episode with that seed, comparing everything after every entry.
// MODEL_ENTRIES=n MODEL_FIRST=s runs n entries in episodes with the seeds s, s + 1, ...
#include <catch2/catch.hpp>

#include <cstdlib>
#include <iostream>

#include "test/core/lockstep.hpp"

namespace {

constexpr u64 EPISODE = 4000; // Steps.

#ifndef __has_feature
#define __has_feature(x) 0
#endif
#if defined(__SANITIZE_ADDRESS__) || __has_feature(address_sanitizer)
constexpr u64 ENTRIES = 100000;
#else
constexpr u64 ENTRIES = 200000;
#endif

struct Episode {
    std::string error;
    u64 entries = 0;
    host::Coverage coverage;
};

Episode run(u64 seed, u64 stride) {
    std::unique_ptr<host::Lockstep> l;
    try {
        l = std::make_unique<host::Lockstep>(seed, stride);
        l->run(EPISODE);
    } catch (const std::exception &e) {
        return {std::string(e.what()) + "\n" + (l ? l->trace() : "(in the set-up)\n"), 0, {}};
    }
    return {"", l->entries(), l->coverage()};
}

// The same episode again with a comparison after every entry shows where it went wrong first.
std::string explain(u64 seed, const std::string &first) {
    Episode again = run(seed, 1);
    return "MODEL_SEED=" + std::to_string(seed) + "\n" +
           (again.error.empty() ? first : again.error);
}

// A line for each way in which a call can end, and for each situation: how often.
void print(const host::Coverage &coverage) {
    for (u32 c = 0; c < CALL_COUNT; c++)
        for (u32 e = 0; e <= ERR_GONE; e++)
            if ((model::CALLS[c].ends >> e & 1) != 0)
                std::cout << "end\t" << model::CALLS[c].name << " " << model::ERRORS[e] << "\t"
                          << coverage.ends[c][e] << "\n";
    for (auto &[what, count] : coverage.situations)
        std::cout << "situation\t" << what << "\t" << count << "\n";
}

u64 number(const char *variable, u64 otherwise) {
    const char *value = std::getenv(variable);
    return value == nullptr ? otherwise : std::strtoull(value, nullptr, 0);
}

} // namespace

TEST_CASE("core and model agree in lock step over generated calls", "[model]") {
    if (u64 seed = number("MODEL_SEED", 0); seed != 0) {
        Episode e = run(seed, 1);
        INFO(e.error);
        REQUIRE(e.error.empty());
        return;
    }
    host::Coverage coverage;
    u64 entries = 0, goal = number("MODEL_ENTRIES", ENTRIES);
    for (u64 seed = number("MODEL_FIRST", 1); entries < goal; seed++) {
        Episode e = run(seed, 16);
        if (!e.error.empty())
            FAIL(explain(seed, e.error));
        REQUIRE(e.entries > 0);
        entries += e.entries;
        coverage.add(e.coverage);
    }
    std::cout << entries << " entries\n";
    if (std::getenv("MODEL_STATISTICS") != nullptr)
        print(coverage);
    for (u32 c = 0; c < CALL_COUNT; c++) { // All else is for scripts/lib/coverage.py to count.
        INFO(model::CALLS[c].name);
        CHECK(coverage.ends[c][OK] > 0);
    }
}
