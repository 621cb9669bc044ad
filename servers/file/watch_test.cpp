// Watchers: who is told of which change, and the bounds.
// SPDX-License-Identifier: BSD-2-Clause
#include "servers/file/watch.hpp"

#include <catch2/catch.hpp>
#include <string>
#include <utility>

using namespace file;

namespace {

// A wait; `answer` is where its outcome goes.
struct Pending {
    u64 *outcome = nullptr;

    Pending() = default;
    explicit Pending(u64 &place) : outcome{&place} {}
    Pending(Pending &&other) noexcept : outcome{std::exchange(other.outcome, nullptr)} {}
    Pending &operator=(Pending &&other) noexcept {
        std::swap(outcome, other.outcome);
        return *this;
    }
    explicit operator bool() const { return outcome != nullptr; }
    bool waits() const { return outcome != nullptr; }
    void answer(const sel::Result<u64> &result) {
        *std::exchange(outcome, nullptr) = result.ok() ? *result : 1000u + result.error();
    }
};

struct Fixture {
    Watchers<Pending> watchers;
    u64 outcome[64] = {};

    // Starts to wait for a change of `path` from now on.
    void wait(u32 place, const std::string &path, u32 client = 1) {
        u64 seen = now(path);
        Watch m{.seen = seen, .data = {}};
        m.data.append(path);
        outcome[place] = 0;
        watchers.watch(m, client, Pending{outcome[place]});
    }
    u64 now(const std::string &path) {
        u64 count = 0;
        Watch m{.seen = 0, .data = {}};
        m.data.append(path);
        watchers.watch(m, 99, Pending{count});
        return count;
    }
};

} // namespace

TEST_CASE_METHOD(Fixture, "a change is told to who watches the path or its directory", "[file]") {
    wait(0, "/a/b/c");
    wait(1, "/a/b");
    wait(2, "/a", 2);
    CHECK(outcome[0] == 0);
    watchers.changed("/a/b/c");
    CHECK(outcome[0] > 1);
    CHECK(outcome[1] > 1);
    CHECK(outcome[2] == 0);
    CHECK(now("/a/b/c") == outcome[0]);
    watchers.changed("/a/b/c"); // Nobody waits any more.
    CHECK(now("/a/b/c") == outcome[0] + 1);
}

TEST_CASE_METHOD(Fixture, "a change that was missed is told at once", "[file]") {
    u64 seen = now("/f");
    watchers.changed("/f");
    u64 count = 0;
    watchers.watch({.seen = seen, .data = "/f"}, 1, Pending{count});
    CHECK(count == seen + 1);
}

TEST_CASE_METHOD(Fixture, "ways to write a path are one path", "[file]") {
    wait(0, "//Dir///File/");
    watchers.changed("/dir/file");
    CHECK(outcome[0] != 0);
    wait(0, "/");
    watchers.changed("/new");
    CHECK(outcome[0] != 0);
    u64 count = 0;
    watchers.watch({.seen = 0, .data = "no path"}, 1, Pending{count});
    CHECK(count == 1000u + ERR_SYNTAX);
}

TEST_CASE_METHOD(Fixture, "most other paths do not seem to change", "[file]") {
    u64 before[100];
    for (u32 i = 0; i < 100; i++) {
        before[i] = now("/d/file" + std::to_string(i));
    }
    watchers.changed("/d/file0");
    int seemed = 0;
    for (u32 i = 0; i < 100; i++) {
        seemed += now("/d/file" + std::to_string(i)) != before[i] ? 1 : 0;
    }
    CHECK(seemed >= 1);
    CHECK(seemed < 10);
}

TEST_CASE_METHOD(Fixture, "waiting is bounded: the longest one ends", "[file]") {
    for (u32 i = 0; i < 4; i++) {
        wait(i, "/f" + std::to_string(i));
    }
    wait(4, "/g");
    CHECK(outcome[0] != 0);
    CHECK(outcome[1] == 0);
    for (u32 i = 5; i < 17; i++) {
        wait(i, "/h", i);
    }
    CHECK(outcome[1] == 0);
    wait(20, "/i", 50);
    CHECK(outcome[1] != 0);
    CHECK(outcome[20] == 0);
}

TEST_CASE_METHOD(Fixture, "who has gone does not wait", "[file]") {
    wait(0, "/f", 1);
    wait(1, "/f", 2);
    watchers.forget(1);
    CHECK(outcome[0] != 0);
    CHECK(outcome[1] == 0);
    watchers.all_changed();
    CHECK(outcome[1] != 0);
}
