// The core and the reference model in lock step, over generated calls.
// SPDX-License-Identifier: BSD-2-Clause
//
// MODEL_SEED=n runs the one episode with that seed, comparing everything after every entry.
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
constexpr u64 ENTRIES = 1000000;
#endif

struct Episode {
    std::string error;
    u64 entries = 0;
};

Episode run(u64 seed, u64 stride, decltype(host::Lockstep::outcomes) *sum = nullptr) {
    std::unique_ptr<host::Lockstep> l;
    try {
        l = std::make_unique<host::Lockstep>(seed, stride);
        l->run(EPISODE);
    } catch (const std::exception &e) {
        return {std::string(e.what()) + "\n" + (l ? l->trace() : "(in the set-up)\n"), 0};
    }
    if (sum != nullptr)
        for (size_t c = 0; c < sum->size(); c++)
            for (size_t e = 0; e < (*sum)[c].size(); e++)
                (*sum)[c][e] += l->outcomes[c][e];
    return {"", l->entries()};
}

// The same episode again with a comparison after every entry shows where it went wrong first.
std::string explain(u64 seed, const std::string &first) {
    Episode again = run(seed, 1);
    return "MODEL_SEED=" + std::to_string(seed) + "\n" +
           (again.error.empty() ? first : again.error);
}

// One line a call: how often it ended with each error.
void print(const decltype(host::Lockstep::outcomes) &outcomes) {
    for (u32 c = 0; c < CALL_COUNT; c++) {
        std::cout << "call " << c << ":";
        for (u32 e = 0; e < ERR_COUNT; e++)
            if (outcomes[c][e] != 0)
                std::cout << " " << e << ":" << outcomes[c][e];
        std::cout << "\n";
    }
}

} // namespace

TEST_CASE("core and model agree in lock step over generated calls", "[model]") {
    if (const char *one = std::getenv("MODEL_SEED")) {
        Episode e = run(std::strtoull(one, nullptr, 0), 1);
        INFO(e.error);
        REQUIRE(e.error.empty());
        return;
    }
    decltype(host::Lockstep::outcomes) outcomes{};
    u64 entries = 0;
    for (u64 seed = 1; entries < ENTRIES; seed++) {
        Episode e = run(seed, 16, &outcomes);
        if (!e.error.empty())
            FAIL(explain(seed, e.error));
        REQUIRE(e.entries > 0);
        entries += e.entries;
    }
    std::cout << entries << " entries\n";
    if (std::getenv("MODEL_STATISTICS") != nullptr)
        print(outcomes);
    // The generator reaches every call, and of every call but one a refusal.
    for (u32 c = 0; c < CALL_COUNT; c++) {
        INFO("call " << c);
        CHECK(outcomes[c][OK] > 0);
        u64 refused = 0;
        for (u32 e = 1; e < ERR_COUNT; e++)
            refused += outcomes[c][e];
        CHECK((refused > 0 || c == CALL_YIELD));
    }
}
