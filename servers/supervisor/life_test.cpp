// Tests of what the supervisor does on faults and kills, in a world of a few lines.
// SPDX-License-Identifier: BSD-2-Clause
#include "supervisor.hpp"

#include <catch2/catch.hpp>
#include <string>
#include <vector>

#include "libsel/test/fuzz.hpp"

using namespace supervisor;

namespace {

struct World {
    std::vector<std::string> done;
    root::Program one{};
    u64 now = 1000;
    bool starts = true;

    World() {
        one.number = 1;
        one.state = root::State::RUNNING;
        one.restart = root::Restart::ALWAYS;
        one.tries = 2;
        one.boot = 1;
        one.data.append("one");
    }
    sel::Result<root::Program> program(u32 number) {
        if (number != 1) {
            return ERR_NAME;
        }
        return one;
    }
    u32 own = 2;
    u32 self() { return own; }
    u64 now_ns() { return now; }
    u64 ticks(u64 ns) { return ns; }
    void stop(u32, s32 code, bool keep) {
        done.push_back("stop " + std::to_string(code) + (keep ? " keep" : ""));
    }
    sel::Result<> start_again(u32) {
        done.push_back("start");
        return starts ? OK : ERR_MEMORY;
    }
    void describe(const sel::Fault &, const root::Program &) { done.push_back("describe"); }
    void publish(bool all) { done.push_back(all ? "publish" : "publish in short"); }
    std::string_view report() { return "the report"; }
    template <typename... Ts>
    void note(sel::Level, std::string_view, const Ts &...) {
        done.push_back("note");
    }
};

using Strings = std::vector<std::string>;

struct Fixture {
    World world;
    Supervisor<World> server{world};

    Strings fault(u32 program = 1) {
        world.done.clear();
        CHECK(!server.on_fault({program, FAULT_PAGE, {}}));
        return world.done;
    }
};

} // namespace

TEST_CASE_METHOD(Fixture, "a fault is described, ended, restarted, then told", "[supervisor]") {
    CHECK(fault() == Strings{"describe", "stop 129 keep", "start", "publish"});
    CHECK(fault() == Strings{"describe", "stop 129 keep", "start", "publish"});
    CHECK(fault() == Strings{"describe", "stop 129", "note", "publish"});
    CHECK(fault(7).empty());
}

TEST_CASE_METHOD(Fixture, "what was started by hand stays ended, told in short", "[supervisor]") {
    world.one.restart = root::Restart::NEVER;
    world.one.boot = 0;
    CHECK(fault() == Strings{"describe", "stop 129", "publish in short"});
    CHECK(!server.on_fault({1, FAULT_CALL, {0, sel::kExitCall, 7, 0}}));
    CHECK(world.done.back() == "note");
    CHECK(world.done[world.done.size() - 2] == "stop 7");
}

TEST_CASE_METHOD(Fixture, "back-off waits for its time", "[supervisor]") {
    world.one.restart = root::Restart::BACKOFF;
    CHECK(fault() == Strings{"describe", "stop 129 keep", "note", "publish"});
    CHECK(server.deadline() == 1000 + Policy::kFirstDelay);
    world.done.clear();
    server.on_timeout();
    CHECK(world.done.empty());
    world.now += Policy::kFirstDelay;
    server.on_timeout();
    CHECK(world.done == Strings{"start"});
    CHECK(server.deadline() == sel::kForever);
}

TEST_CASE_METHOD(Fixture, "kill and restart by hand", "[supervisor]") {
    for (int i = 0; i < 5; i++) {
        world.done.clear();
        CHECK(server.on(Kill{.number = 1}).ok());
        CHECK(world.done == Strings{"note", "stop 137 keep", "start"});
    }
    CHECK(server.on(Kill{.number = 3}).error() == ERR_NAME);
    world.starts = false;
    CHECK(server.on(Restart{.number = 1}).error() == ERR_MEMORY);
    world.one.state = root::State::STOPPED;
    CHECK(server.on(Kill{.number = 1}).error() == ERR_EMPTY);
    CHECK(server.on(GetReport{.offset = 4})->data == "report");
    CHECK(server.on(GetReport{.offset = 400})->data.size == 0);
}

TEST_CASE_METHOD(Fixture, "its own end is left to root, which starts it again", "[supervisor]") {
    world.own = 1;
    CHECK(server.on(Kill{.number = 1}).ok());
    CHECK(server.on(Restart{.number = 1}).ok());
    CHECK(world.done == Strings{"note", "start", "note", "start"});
}

TEST_CASE_METHOD(Fixture, "what an earlier life had begun is finished", "[supervisor]") {
    SECTION("between stop and start") {
        world.one.state = root::State::AWAITED;
        server.start();
        CHECK(world.done == Strings{"start"});
    }
    SECTION("while it was to come back later") {
        world.one.state = root::State::AWAITED;
        world.one.restart = root::Restart::BACKOFF;
        server.start();
        CHECK(world.done == Strings{"note"});
        CHECK(server.deadline() == 1000 + Policy::kFirstDelay);
        world.now += Policy::kFirstDelay;
        server.on_timeout();
        CHECK(world.done.back() == "start");
    }
    SECTION("a restart by hand of what never comes back by itself") {
        world.one.state = root::State::AWAITED;
        world.one.restart = root::Restart::NEVER;
        server.start();
        CHECK(world.done == Strings{"start"});
    }
    SECTION("what runs, or has ended for good, is left alone") {
        server.start();
        world.one.state = root::State::STOPPED;
        server.start();
        CHECK(world.done.empty());
    }
}

TEST_CASE_METHOD(Fixture, "random messages, random answers", "[supervisor]") {
    sel::fuzz::server<Control>(server);
    sel::fuzz::server<Reports>(server);
    sel::fuzz::clients<Control>();
    sel::fuzz::clients<Reports>();
}
