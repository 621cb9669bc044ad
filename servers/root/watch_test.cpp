// Watch: who answers is left alone, who does not is reduced, and loops in the end.
// SPDX-License-Identifier: BSD-2-Clause
#include <catch2/catch.hpp>

#include "watch.hpp"

using root::Watch;
using Verdict = root::Watch::Verdict;

TEST_CASE("a server that answers may use its budget again and again", "[root]") {
    Watch watch;
    for (u64 answers = 1; answers < 100; answers++) {
        CHECK(watch.out_of_time(answers) == Verdict::ANSWERS);
        CHECK(!watch.reduced());
    }
}

TEST_CASE("a server that never answers is reduced at once, and loops in the end", "[root]") {
    Watch watch;
    for (u32 i = 1; i < Watch::kPatience; i++) {
        CHECK(watch.out_of_time(0) == Verdict::REDUCED);
        CHECK(watch.reduced());
    }
    for (u32 i = 0; i < 3; i++) {
        CHECK(watch.out_of_time(0) == Verdict::LOOPS);
    }
}

TEST_CASE("one answer begins the count anew", "[root]") {
    Watch watch;
    for (u32 i = 1; i < Watch::kPatience; i++) {
        CHECK(watch.out_of_time(0) == Verdict::REDUCED);
    }
    CHECK(!watch.has_answered(0));
    CHECK(watch.has_answered(1));
    CHECK(watch.out_of_time(1) == Verdict::ANSWERS);
    CHECK(!watch.reduced());
    CHECK(watch.out_of_time(1) == Verdict::REDUCED);
    CHECK(watch.out_of_time(0) == Verdict::ANSWERS); // Its count is its own: any change counts.
}
