// Children: numbers and quotas come back, and a number is used again as late as can be.
// SPDX-License-Identifier: BSD-2-Clause
#include <catch2/catch.hpp>

#include <random>
#include <set>

#include "children.hpp"

using namespace root;

namespace {

constexpr grant::Starter kQuota{
    .programs = CHILD_MAX, .permille = 1000, .priority = 90, .protocol = 3};

Admit program(const char *name = "hello", u32 budget = 100, u32 period = 100'000) {
    return {.slots = 6,
            .budget_us = budget,
            .period_us = period,
            .priority = 50,
            .memory = 4096,
            .count = 0,
            .data = name};
}

} // namespace

TEST_CASE("a program at run time has a number of its own") {
    Children children;
    CHECK(!Children::is_number(sel::Environment::kSystemPrograms));
    CHECK(!Children::is_number(sel::Environment::kPrograms + 1));
    CHECK(!children.has(Children::kFirst));
    u32 number = children.take(3, kQuota, program()).value();
    CHECK(number == Children::kFirst);
    CHECK(children.has(number));
    CHECK(children.runs(number));
    CHECK(children.child(number).starter == 3);
    CHECK(children.child(number).incarnation == 1);
    CHECK(children.find("hello") == number);
    CHECK(children.find("other") == 0);
    children.end(number, 7);
    CHECK(children.has(number)); // Until its starter drops it.
    CHECK(!children.runs(number));
    CHECK(children.find("hello") == 0);
    CHECK(children.child(number).exit_code == 7);
    CHECK(children.child(number).ends == 1);
    children.drop(number);
    CHECK(!children.has(number));
    CHECK(children.child(number).exit_code == 7);
}

TEST_CASE("a program is started for one of the same starter that runs, or for none") {
    Children children;
    Admit m = program();
    for (u32 above : {1u, 3u, Children::kFirst, Children::kFirst + 1, ~0u}) {
        m.above = above;
        CHECK(children.take(3, kQuota, m).error() == ERR_ARG);
    }
    u32 first = children.take(3, kQuota, program()).value();
    m.above = first;
    CHECK(children.take(4, kQuota, m).error() == ERR_ARG); // Another starter's.
    u32 second = children.take(3, kQuota, m).value();
    CHECK(children.child(second).above == first);
    CHECK(children.child(second).starter == 3);
    CHECK(children.child(first).above == 0);
    children.end(first, 0);
    CHECK(children.take(3, kQuota, m).error() == ERR_ARG);
    children.drop(first);
    CHECK(children.take(3, kQuota, m).error() == ERR_ARG);
}

TEST_CASE("a number is taken anew when all others have been") {
    Children children;
    std::set<u32> seen;
    for (u32 i = 0; i < CHILD_MAX; i++) {
        u32 number = children.take(1, kQuota, program()).value();
        CHECK(seen.insert(number).second);
        children.end(number, 0);
        children.drop(number);
    }
    CHECK(children.take(1, kQuota, program()).value() == Children::kFirst);
    CHECK(children.child(Children::kFirst).incarnation == 2);
    CHECK(children.child(Children::kFirst).ends == 1);
}

TEST_CASE("nobody starts more than its quota") {
    Children children;
    grant::Starter two = kQuota;
    two.programs = 2;
    SECTION("of programs, until one is dropped") {
        u32 first = children.take(1, two, program()).value();
        CHECK(children.take(1, two, program()).ok());
        CHECK(children.take(1, two, program()).error() == ERR_FULL);
        CHECK(children.take(2, two, program()).ok()); // Another starter.
        children.end(first, 0);
        CHECK(children.take(1, two, program()).error() == ERR_FULL);
        children.drop(first);
        CHECK(children.take(1, two, program()).ok());
    }
    SECTION("of processor time, each rounded up") {
        u32 first = children.take(1, kQuota, program("a", 60'000)).value();
        CHECK(children.take(1, kQuota, program("b", 40'001)).error() == ERR_FULL);
        CHECK(children.take(1, kQuota, program("b", 40'000)).ok());
        CHECK(children.take(1, kQuota, program("c", 1, 10'000'000)).error() == ERR_FULL);
        children.end(first, 0);
        children.drop(first);
        CHECK(children.take(1, kQuota, program("c", 60'000)).ok());
    }
    SECTION("of priority") {
        Admit m = program();
        m.priority = 91;
        CHECK(children.take(1, kQuota, m).error() == ERR_PRIORITY);
        m.priority = 0;
        CHECK(children.take(1, kQuota, m).error() == ERR_ARG);
        m.priority = 0x100 + 90;
        CHECK(children.take(1, kQuota, m).error() == ERR_PRIORITY);
    }
    SECTION("of numbers, which all share") {
        for (u32 i = 0; i < CHILD_MAX; i++) {
            CHECK(children.take(1 + i % 4, kQuota, program()).ok());
        }
        CHECK(children.take(5, kQuota, program()).error() == ERR_FULL);
    }
    SECTION("impossible times") {
        CHECK(children.take(1, kQuota, program("a", 0)).error() == ERR_ARG);
        CHECK(children.take(1, kQuota, program("a", 2, 1)).error() == ERR_ARG);
        CHECK(children.take(1, kQuota, program("a", ~0u, ~0u)).error() == ERR_ARG);
    }
}

TEST_CASE("starts and ends in any order: no number twice, all come back") {
    Children children;
    std::mt19937 random{3};
    std::vector<u32> live;
    for (u32 i = 0; i < 20'000; i++) {
        if (live.empty() || random() % 2 == 0) {
            sel::Result<u32> number = children.take(1 + random() % 3, kQuota, program());
            REQUIRE(number.ok() == (live.size() < CHILD_MAX));
            if (number) {
                REQUIRE(std::find(live.begin(), live.end(), *number) == live.end());
                live.push_back(*number);
            }
        } else {
            std::size_t at = random() % live.size();
            children.end(live[at], 0);
            children.drop(live[at]);
            live.erase(live.begin() + static_cast<std::ptrdiff_t>(at));
        }
    }
    for (u32 number : live) {
        children.drop(number);
    }
    grant::Starter all = kQuota;
    for (u32 i = 0; i < CHILD_MAX; i++) {
        REQUIRE(children.take(1, all, program()).ok());
    }
}
