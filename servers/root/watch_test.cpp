// Watch: who answers is left alone, who does not is reduced, and loops in the end.
// SPDX-License-Identifier: BSD-2-Clause
#include <catch2/catch.hpp>

#include "watch.hpp"

namespace {

constexpr u64 kBudget = 100;

using Verdict = root::Watch::Verdict;

// Uses a budget, or a part of it, at a time.
struct Used {
    root::Watch watch;
    u64 ticks = 0;

    Verdict out_of_time(u64 answers, u64 part = kBudget) {
        ticks += part;
        return watch.out_of_time(answers, ticks, kBudget);
    }
};

} // namespace

TEST_CASE("a server that answers may use its budget again and again", "[root]") {
    Used server;
    for (u64 answers = 1; answers < 100; answers++) {
        CHECK(server.out_of_time(answers) == Verdict::ANSWERS);
        CHECK(!server.watch.reduced());
    }
}

TEST_CASE("a server that never answers is reduced at once, and loops in the end", "[root]") {
    Used server;
    for (u32 i = 1; i < root::Watch::kPatience; i++) {
        CHECK(server.out_of_time(0) == Verdict::REDUCED);
        CHECK(server.watch.reduced());
    }
    for (u32 i = 0; i < 3; i++) {
        CHECK(server.out_of_time(0) == Verdict::LOOPS);
    }
}

TEST_CASE("one answer begins the count anew", "[root]") {
    Used server;
    for (u32 i = 1; i < root::Watch::kPatience; i++) {
        CHECK(server.out_of_time(0) == Verdict::REDUCED);
    }
    CHECK(!server.watch.has_answered(0));
    CHECK(server.watch.has_answered(1));
    CHECK(server.out_of_time(1) == Verdict::ANSWERS);
    CHECK(!server.watch.reduced());
    CHECK(server.out_of_time(1) == Verdict::REDUCED);
    CHECK(server.out_of_time(0) == Verdict::ANSWERS); // Its count is its own: any change counts.
}

TEST_CASE("small parts of a budget that come back are no budgets", "[root]") {
    Used server;
    CHECK(server.out_of_time(1) == Verdict::ANSWERS);
    for (u32 i = 0; i < 2 * root::Watch::kPatience; i++) {
        CHECK(server.out_of_time(1, 1) == Verdict::ANSWERS);
    }
    CHECK(!server.watch.reduced());
    CHECK(server.out_of_time(1) == Verdict::REDUCED);
    CHECK(server.out_of_time(1, 1) == Verdict::REDUCED);
    for (u32 i = 2; i < root::Watch::kPatience; i++) { // Many parts make a budget all the same.
        CHECK(server.out_of_time(1, kBudget / 4) == Verdict::REDUCED);
        CHECK(server.out_of_time(1, kBudget / 4) == Verdict::REDUCED);
    }
    CHECK(server.out_of_time(1, kBudget / 2) == Verdict::LOOPS);
}
