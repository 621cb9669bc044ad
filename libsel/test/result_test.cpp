// Result: a value, an error, and never neither.
// SPDX-License-Identifier: BSD-2-Clause
#include "sel/result.hpp"

#include <catch2/catch.hpp>
#include <csignal>
#include <sys/wait.h>
#include <unistd.h>

namespace {

// How a process ends that does this alone: the signal.
template <typename Does>
int signal_of(Does does) {
    pid_t child = fork();
    if (child == 0) {
        std::signal(SIGILL, SIG_DFL); // Of Catch2.
        does();
        _exit(0);
    }
    int status = 0;
    REQUIRE(waitpid(child, &status, 0) == child);
    return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

} // namespace

TEST_CASE("a result has a value or an error") {
    sel::Result<u32> good = 5u, bad = ERR_IO;
    CHECK((good.ok() && *good == 5 && good.error() == OK && good.value_or(7) == 5));
    CHECK((!bad.ok() && bad.error() == ERR_IO && bad.value_or(7) == 7));
    CHECK((sel::Result<>{}.ok() && !sel::Result<>{ERR_IO}.ok()));
}

TEST_CASE("OK without a value, and the value of an error, end the program") {
    volatile error_t ok = OK, wrong = ERR_IO;
    auto make = [](error_t error) {
        sel::Result<u32> result = error;
        return result.value_or(0);
    };
    CHECK(signal_of([&]() { static_cast<void>(make(wrong)); }) == 0);
    CHECK(signal_of([&]() { static_cast<void>(make(ok)); }) == SIGILL);
    CHECK(signal_of([&]() { static_cast<void>(sel::Result<u32>{error_t{wrong}}.value()); }) ==
          SIGILL);
}
