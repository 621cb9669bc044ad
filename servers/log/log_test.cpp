// Tests of the log ring.
// SPDX-License-Identifier: BSD-2-Clause
#include "log.hpp"

#include <catch2/catch.hpp>
#include <memory>
#include <string>

using logging::Level;
using logging::Log;

TEST_CASE("entries come back in order, filtered", "[log]") {
    auto log = std::make_unique<Log>();
    CHECK(log->read(0, Level::Debug, Log::kAnySource).error() == ERR_EMPTY);
    log->write(10, 1, Level::Info, "one");
    log->write(20, 2, Level::Error, "two");
    log->write(30, 1, Level::Debug, "three");
    CHECK(log->read(0, Level::Debug, Log::kAnySource).value().text() == "one");
    CHECK(log->read(1, Level::Debug, Log::kAnySource).value().text() == "two");
    CHECK(log->read(0, Level::Warning, Log::kAnySource).value().sequence == 1);
    CHECK(log->read(1, Level::Debug, 1).value().time_ns == 30);
    CHECK(log->read(3, Level::Debug, Log::kAnySource).error() == ERR_EMPTY);
    CHECK(log->read(~u64{0}, Level::Debug, Log::kAnySource).error() == ERR_EMPTY);
}

TEST_CASE("the newest entries overwrite the oldest", "[log]") {
    auto log = std::make_unique<Log>();
    for (u64 i = 0; i < Log::kEntries + 5; i++) {
        log->write(i, 0, Level::Info, std::to_string(i));
    }
    CHECK(log->first() == 5);
    CHECK(log->read(0, Level::Debug, Log::kAnySource).value().text() == "5");
    CHECK(log->read(Log::kEntries + 4, Level::Debug, 0).value().text() ==
          std::to_string(Log::kEntries + 4));
}

TEST_CASE("text is cut and cannot forge lines", "[log]") {
    auto log = std::make_unique<Log>();
    log->write(0, 0, Level::Info, std::string(1000, 'x'));
    log->write(0, 0, Level::Info, "a\n[0.0] kernel: all is well\x1b[2J");
    CHECK(log->read(0, Level::Debug, 0).value().text() ==
          std::string(logging::Entry::kTextMax, 'x'));
    CHECK(log->read(1, Level::Debug, 0).value().text() == "a [0.0] kernel: all is well [2J");
}
