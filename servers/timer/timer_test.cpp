// Tests of the alarms and of the CMOS clock.
// SPDX-License-Identifier: BSD-2-Clause
#include "rtc.hpp"
#include "timer.hpp"

#include <catch2/catch.hpp>
#include <map>
#include <vector>

using namespace timer;

TEST_CASE("alarms come in the order of their times", "[timer]") {
    Alarms alarms;
    CHECK(alarms.next_due() == Alarms::kNever);
    CHECK(alarms.set(1, 30, 300, 0) == OK);
    CHECK(alarms.set(1, 10, 100, 0) == OK);
    CHECK(alarms.set(2, 11, 100, 0) == OK);
    CHECK(alarms.next_due() == 100);
    CHECK(alarms.take_due(99).error() == ERR_EMPTY);
    CHECK(alarms.take_due(1000).value().token == 10);
    CHECK(alarms.take_due(1000).value().token == 11);
    CHECK(alarms.take_due(1000).value().token == 30);
    CHECK(alarms.take_due(1000).error() == ERR_EMPTY);
}

TEST_CASE("periodic alarms keep their phase and skip what is missed", "[timer]") {
    Alarms alarms;
    CHECK(alarms.set(1, 5, 100, 10) == OK);
    CHECK(alarms.take_due(100).value().due_ns == 100);
    CHECK(alarms.next_due() == 110);
    CHECK(alarms.take_due(137).value().due_ns == 110);
    CHECK(alarms.next_due() == 140);
    CHECK(alarms.cancel(2, [](const Alarm &) { return true; }) == 0);
    CHECK(alarms.cancel(1, [](const Alarm &a) { return a.token == 5; }) == 1);
    CHECK(alarms.next_due() == Alarms::kNever);
}

TEST_CASE("alarms are bounded, in all and for each client", "[timer]") {
    Alarms alarms;
    for (std::size_t i = 0; i < Alarms::kPerClient; i++) {
        CHECK(alarms.set(1, i, i, 0) == OK);
    }
    CHECK(alarms.set(1, 9, 9, 0) == ERR_FULL);
    for (std::size_t i = Alarms::kPerClient; i < Alarms::kAlarms; i++) {
        CHECK(alarms.set(100 + i, i, i, 0) == OK);
    }
    CHECK(alarms.set(2, 9, 9, 0) == ERR_FULL);
    CHECK(alarms.set(2, 9, ~u64{0}, 0) == ERR_ARG);
}

namespace {

struct Cmos {
    std::map<u8, u8> *registers;
    int *reads;
    u8 read(u8 reg) {
        (*reads)++;
        return (*registers)[reg];
    }
};

std::optional<u64> clock_of(std::map<u8, u8> registers) {
    int reads = 0;
    return Rtc<Cmos>{Cmos{&registers, &reads}}.seconds();
}

} // namespace

TEST_CASE("dates become seconds", "[timer]") {
    CHECK(seconds_since_1970({0, 0, 0, 1, 1, 1970}) == 0);
    CHECK(seconds_since_1970({40, 46, 1, 9, 9, 2001}) == 1'000'000'000);
    CHECK(seconds_since_1970({7, 28, 6, 7, 2, 2106}) == 0xffffffff - 8);
    CHECK(days_since_1970(2000, 3, 1) - days_since_1970(2000, 2, 28) == 2);
    CHECK(days_since_1970(2100, 3, 1) - days_since_1970(2100, 2, 28) == 1);
}

TEST_CASE("the clock is read in each of its formats", "[timer]") {
    std::map<u8, u8> bcd{{0, 0x40}, {2, 0x46}, {4, 0x01}, {7, 0x09},
                         {8, 0x09}, {9, 0x01}, {0x0b, 2}, {0x32, 0x20}};
    CHECK(clock_of(bcd) == 1'000'000'000);
    std::map<u8, u8> binary{{0, 40}, {2, 46}, {4, 1}, {7, 9}, {8, 9}, {9, 1}, {0x0b, 6}};
    CHECK(clock_of(binary) == 1'000'000'000);
    std::map<u8, u8> afternoon = bcd;
    afternoon[0x0b] = 0;
    afternoon[4] = 0x81;
    CHECK(clock_of(afternoon) == 1'000'000'000 + 12 * 3600);
    afternoon[4] = 0x12;
    CHECK(clock_of(afternoon) == 1'000'000'000 - 3600);
}

TEST_CASE("a clock that is missing or stuck gives no time", "[timer]") {
    CHECK(!clock_of({{0x0a, 0x80}}));
    CHECK(!clock_of({}));
    std::map<u8, u8> absent;
    for (unsigned i = 0; i < 0x40; i++) {
        absent[static_cast<u8>(i)] = i == 0x0a ? 0x7f : 0xff;
    }
    CHECK(!clock_of(absent));
}
