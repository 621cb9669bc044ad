// Tests of the log ring.
// SPDX-License-Identifier: BSD-2-Clause
#include "log.hpp"

#include <catch2/catch.hpp>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "libsel/test/fuzz.hpp"
#include "server.hpp"

using logging::Entry;
using logging::Log;
using sel::Level;

TEST_CASE("entries come back in order, filtered", "[log]") {
    auto log = std::make_unique<Log>();
    CHECK(log->read(0, Level::DEBUG, Log::kAnySource).error() == ERR_EMPTY);
    log->write(10, 1, Level::INFO, "one");
    log->write(20, 2, Level::ERROR, "two");
    log->write(30, 1, Level::DEBUG, "three");
    CHECK(log->read(0, Level::DEBUG, Log::kAnySource).value().text() == "one");
    CHECK(log->read(1, Level::DEBUG, Log::kAnySource).value().text() == "two");
    CHECK(log->read(0, Level::WARNING, Log::kAnySource).value().sequence == 1);
    CHECK(log->read(1, Level::DEBUG, 1).value().time_ns == 30);
    CHECK(log->read(3, Level::DEBUG, Log::kAnySource).error() == ERR_EMPTY);
    CHECK(log->read(~u64{0}, Level::DEBUG, Log::kAnySource).error() == ERR_EMPTY);
}

TEST_CASE("the newest entries overwrite the oldest", "[log]") {
    auto log = std::make_unique<Log>();
    for (u64 i = 0; i < Log::kEntries + 5; i++) {
        log->write(i, 0, Level::INFO, std::to_string(i));
    }
    CHECK(log->first() == 5);
    CHECK(log->read(0, Level::DEBUG, Log::kAnySource).value().text() == "5");
    CHECK(log->read(Log::kEntries + 4, Level::DEBUG, 0).value().text() ==
          std::to_string(Log::kEntries + 4));
}

TEST_CASE("text is cut and cannot forge lines", "[log]") {
    auto log = std::make_unique<Log>();
    log->write(0, 0, Level::INFO, std::string(1000, 'x'));
    log->write(0, 0, Level::INFO, "a\n[0.0] kernel: all is well\x1b[2J");
    CHECK(log->read(0, Level::DEBUG, 0).value().text() ==
          std::string(logging::Entry::kTextMax, 'x'));
    CHECK(log->read(1, Level::DEBUG, 0).value().text() == "a [0.0] kernel: all is well [2J");
}

TEST_CASE("text of other languages stays, and no byte of it is taken for a control", "[log]") {
    auto log = std::make_unique<Log>();
    log->write(0, 0, Level::INFO, "caf\xc3\xa9 \xc2\x9b 2J \x9b");
    CHECK(log->read(0, Level::DEBUG, 0).value().text() == "caf\xc3\xa9   2J  ");
    log->write(0, 0, Level::INFO, std::string(logging::Entry::kTextMax - 1, 'x') + "\xc3\xa9");
    CHECK(log->read(1, Level::DEBUG, 0).value().text().back() == ' ');
}

TEST_CASE("whoever floods the log pushes out its own lines", "[log]") {
    auto log = std::make_unique<Log>();
    for (u32 i = 0; i < 300; i++) {
        log->write(i, 1 + i % 3, Level::INFO, "quiet " + std::to_string(i));
    }
    for (u64 i = 0; i < 10 * Log::kEntries; i++) {
        log->write(i, 9, Level::INFO, "flood " + std::to_string(i));
    }
    u64 since = 0, quiet = 0, flood = 0;
    for (auto line = log->read(0, Level::DEBUG, Log::kAnySource); line;
         line = log->read(since, Level::DEBUG, Log::kAnySource)) {
        REQUIRE(line->sequence >= since);
        since = line->sequence + 1;
        quiet += line->source != 9 ? 1 : 0;
        flood += line->source == 9 ? 1 : 0;
    }
    CHECK(quiet == 300);
    CHECK(flood == Log::kEntries - 300);
    CHECK(since == log->next());
}

TEST_CASE("text of any length comes back as it was, and long lines push out more", "[log]") {
    auto log = std::make_unique<Log>();
    std::mt19937 random{11};
    std::vector<std::string> written;
    auto check = [&] {
        u64 since = log->first(), lines = 0;
        for (auto line = log->read(since, Level::DEBUG, Log::kAnySource); line;
             line = log->read(since, Level::DEBUG, Log::kAnySource), lines++) {
            REQUIRE(line->text() == written[line->sequence]);
            since = line->sequence + 1;
        }
        return lines;
    };
    for (u32 i = 0; i < 20000; i++) {
        written.emplace_back(random() % (Entry::kTextMax + 1),
                             static_cast<char>('a' + random() % 26));
        log->write(i, random() % 5, Level::INFO, written.back());
        if (i % 1000 == 999) {
            CHECK(check() > Log::kBlocks / 7);
        }
    }
    for (u32 i = 0; i < 2 * Log::kBlocks; i++) {
        written.emplace_back(Entry::kTextMax, 'x');
        log->write(i, 1, Level::INFO, written.back());
    }
    CHECK(check() >= Log::kBlocks / 7);
    for (u32 i = 0; i < 2 * Log::kEntries; i++) {
        written.emplace_back();
        log->write(i, 1, Level::INFO, {});
    }
    CHECK(log->next() - log->first() >= Log::kEntries);
    CHECK(check() > Log::kEntries / 2);
}

TEST_CASE("random messages, random answers", "[log]") {
    auto server = std::make_unique<logging::LogServer>(sel::Clock{1u << 30});
    sel::fuzz::server<logging::Writer>(*server, 80);
    sel::fuzz::server<logging::Reader>(*server);
    sel::fuzz::clients<logging::Writer>();
    sel::fuzz::clients<logging::Reader>();
}
