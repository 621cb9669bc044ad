// Crowd: whatever servers try to use, what is left to the others is found again within some seconds.
// SPDX-License-Identifier: BSD-2-Clause
#include <catch2/catch.hpp>

#include <algorithm>
#include <random>
#include <vector>

#include "crowd.hpp"

using root::Crowd;

namespace {

constexpr u32 kBudget = 850, kLook = 250;

// Servers in the order of their priorities: each takes what it wants, as far as its budget and those above
// it leave that.
struct Machine {
    Crowd crowd;
    std::vector<u32> wanted;

    u32 look() {
        u32 left = Crowd::kAll;
        std::vector<u32> used;
        for (u32 want : wanted) {
            used.push_back(std::min({want, kBudget, crowd.bound(), left}));
            left -= used.back();
        }
        crowd.look(used, kLook);
        return left;
    }
    u32 after(u32 looks) {
        u32 left = 0;
        for (u32 i = 0; i < looks; i++) {
            left = look();
        }
        return left;
    }
};

} // namespace

TEST_CASE("servers that use little have all that they want", "[root]") {
    Machine m{{}, {100, 0, 400, 200}};
    CHECK(m.after(100) == 300);
    CHECK(m.crowd.bound() == Crowd::kAll);
}

TEST_CASE("a short burst is not bounded", "[root]") {
    Machine m{{}, {1000}};
    CHECK(m.after(3) == 150);
    m.wanted = {0};
    m.after(1);
    m.wanted = {1000};
    CHECK(m.after(3) == 150);
    CHECK(m.crowd.bound() == Crowd::kAll);
}

TEST_CASE("one, two or all that loop leave their part to others", "[root]") {
    for (u32 count = 1; count <= 20; count++) {
        Machine m{{}, std::vector<u32>(count, 1000)};
        CHECK(m.after(4 * 4 * count) >= 1000 - Crowd::kMost);
        CHECK(m.crowd.bound() >= Crowd::kBound / count / 2);
        m.wanted.assign(count, 10);
        m.after(1);
        CHECK(m.crowd.bound() == Crowd::kAll);
    }
}

TEST_CASE("who uses little is not bounded by the loops of others", "[root]") {
    Machine m{{}, {50, 1000, 30, 1000}};
    m.after(40);
    CHECK(m.crowd.bound() > 50);
    CHECK(m.crowd.bound() < 400);
}

TEST_CASE("whoever joins later, something is left", "[root]") {
    std::mt19937 random{1};
    Machine m{{}, std::vector<u32>(13, 0)};
    for (u32 i = 0; i < 13; i++) {
        m.wanted[random() % 13] = 200 + static_cast<u32>(random() % 800);
        CHECK(m.after(4 * 13) >= 1000 - Crowd::kMost);
    }
}

TEST_CASE("a machine that stood still bounds nobody", "[root]") {
    Crowd crowd;
    const u32 used[] = {1000};
    crowd.look(used, 3'000'000'000);
    CHECK(crowd.bound() == Crowd::kAll);
}
