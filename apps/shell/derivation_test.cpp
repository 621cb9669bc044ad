// Derivation: depths of what a program holds, in any order, with gaps and circles.
// SPDX-License-Identifier: BSD-2-Clause
#include "derivation.hpp"

#include <catch2/catch.hpp>

using shell::Derivation;

TEST_CASE("a capability stands as deep as its elder sibling, and below its parent") {
    static Derivation d;
    d.clear();
    d.add(30, 20, false); // The first child of 20,
    d.add(9, 30, true);   // its brother,
    d.add(20, 4, false);  // their parent, a child of what others hold,
    d.add(5, 20, true);   // and that one's brother, with a child.
    d.add(7, 5, false);
    d.add(8, 1000, true); // Its elder sibling is not held.
    CHECK(d.depth(20) == 0);
    CHECK((d.depth(30) == 1 && d.depth(9) == 1));
    CHECK((d.depth(5) == 0 && d.depth(7) == 1));
    CHECK((d.depth(8) == 0 && d.depth(1234) == 0));
    d.add(1, 7, false);
    CHECK(d.depth(1) == 2);
    d.clear();
    CHECK(d.depth(30) == 0);
}

TEST_CASE("as many as there is room for, and a list that contradicts itself") {
    static Derivation d;
    d.clear();
    for (u32 i = 0; i < Derivation::kMost + 10; i++) {
        d.add(Derivation::kMost + 10 - i, Derivation::kMost + 9 - i, false);
    }
    CHECK(d.depth(Derivation::kMost + 10) == Derivation::kMost - 1);
    d.clear();
    d.add(1, 2, true);
    d.add(2, 1, false);
    d.add(3, 3, true);
    CHECK((d.depth(1) <= 2 && d.depth(2) <= 2 && d.depth(3) == 0));
}
