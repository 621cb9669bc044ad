// RegionTable: no region is EMPTY while somebody uses it, against a model that counts.
// SPDX-License-Identifier: BSD-2-Clause
#include "regions.hpp"

#include <catch2/catch.hpp>

#include <map>
#include <random>
#include <set>

using namespace root;

namespace {

constexpr u32 kOwner = 5, kServer = 9, kPlaces = 3;

struct Fixture {
    RegionTable table;
    Fixture() {
        for (u32 i = 0; i < 6; i++) {
            table.add(i, kOwner, {});
        }
    }
    RegionState state(u32 number) const { return table.region(number).state; }
};

} // namespace

TEST_CASE_METHOD(Fixture, "a region that nobody uses is empty at once", "[regions]") {
    CHECK(table.is_owner(0, kOwner));
    CHECK(!table.is_owner(0, kServer));
    CHECK(!table.is_owner(6, kOwner));
    CHECK(!table.is_owner(6, 0));
    CHECK(!table.is_owner(REGION_MAX, kOwner));
    table.make(0, 4096);
    CHECK(state(0) == RegionState::MADE);
    CHECK(table.region(0).bytes == 4096);
    CHECK(table.release(0));
    CHECK(state(0) == RegionState::EMPTY);
}

TEST_CASE_METHOD(Fixture, "a region closes until its servers have let go", "[regions]") {
    table.make(0, 4096);
    REQUIRE(table.borrow(0, kServer, kPlaces).ok());
    REQUIRE(table.borrow(0, kServer + 1, kPlaces).ok());
    CHECK(!table.release(0));
    CHECK(state(0) == RegionState::CLOSING);
    CHECK(!table.give_back(0, kServer));
    CHECK(!table.give_back(0, kServer)); // Once is enough, twice no more.
    CHECK(table.give_back(0, kServer + 1));
    CHECK(state(0) == RegionState::EMPTY);
}

TEST_CASE_METHOD(Fixture, "the same region has the same place, others have others", "[regions]") {
    for (u32 i = 0; i < kPlaces + 1; i++) {
        table.make(i, 4096);
    }
    CHECK(table.borrow(0, kServer, kPlaces)->number == 0);
    CHECK(table.borrow(0, kServer, kPlaces)->anew == false);
    CHECK(table.borrow(1, kServer, kPlaces)->number == 1);
    CHECK(table.borrow(2, kServer, kPlaces)->anew);
    CHECK(table.borrow(3, kServer, kPlaces).error() == ERR_FULL);
    CHECK(table.borrow(3, kServer + 1, kPlaces)->number == 0); // Another server's.
    CHECK(*table.at(kServer, 1) == 1);
    CHECK(table.at(kServer, 3).error() == ERR_EMPTY);
    CHECK(table.at(0, 0).error() == ERR_EMPTY);
    table.give_back(1, kServer);
    CHECK(table.at(kServer, 1).error() == ERR_EMPTY);
    CHECK(table.borrow(3, kServer, kPlaces)->number == 1);
}

TEST_CASE_METHOD(Fixture, "a region has so many users", "[regions]") {
    table.make(0, 4096);
    for (u32 i = 0; i < RegionRecord::kUses; i++) {
        REQUIRE(table.borrow(0, kServer + i, kPlaces).ok());
    }
    CHECK(table.borrow(0, kServer + RegionRecord::kUses, kPlaces).error() == ERR_FULL);
}

TEST_CASE_METHOD(Fixture, "devices of a server that has ended keep a region until they are quiet",
                 "[regions]") {
    std::set<u32> emptied;
    auto note = [&](u32 number) { emptied.insert(number); };
    table.make(0, 4096);
    REQUIRE(table.borrow(0, kServer, kPlaces).ok());
    table.end_server(kServer, true, note);
    CHECK(table.at(kServer, 0).error() == ERR_EMPTY);
    for (u32 lives = 0; lives < 3 * RegionRecord::kUses; lives++) { // They take one use together.
        CHECK(table.borrow(0, kServer, kPlaces)->number == 0);
        table.end_server(kServer, true, note);
    }
    CHECK(!table.release(0));
    table.quieted(kServer + 1, note);
    CHECK(emptied.empty());
    SECTION("it is told") {
        table.quieted(kServer, note);
    }
    SECTION("all are") {
        table.quieted(0, note);
    }
    CHECK(emptied == std::set<u32>{0});
    CHECK(state(0) == RegionState::EMPTY);
}

TEST_CASE_METHOD(Fixture, "a server without devices has let go with its end", "[regions]") {
    std::set<u32> emptied;
    table.make(0, 4096);
    table.make(1, 4096);
    REQUIRE(table.borrow(0, kServer, kPlaces).ok());
    REQUIRE(table.borrow(1, kServer, kPlaces).ok());
    CHECK(!table.release(0));
    table.end_server(kServer, false, [&](u32 number) { emptied.insert(number); });
    CHECK(emptied == std::set<u32>{0});
    CHECK(state(1) == RegionState::MADE);
}

TEST_CASE_METHOD(Fixture, "whatever happens, who uses a region keeps it", "[regions]") {
    struct Model {
        RegionState state = RegionState::EMPTY;
        std::map<u32, u32> place; // By server.
        std::set<u32> devices;
    };
    std::mt19937 random{1};
    std::map<u32, Model> model;
    u32 full = 0, closed = 0;
    auto settle = [&] {
        for (auto &[number, m] : model) {
            bool over = m.state == RegionState::CLOSING && m.place.empty() && m.devices.empty();
            closed += over ? 1 : 0;
            m.state = over ? RegionState::EMPTY : m.state;
        }
    };
    for (u32 step = 0; step < 200'000; step++) {
        u32 number = random() % 6, server = kServer + random() % 3;
        Model &m = model[number];
        std::set<u32> emptied, expected;
        auto note = [&](u32 i) { emptied.insert(i); };
        auto before = model;
        switch (random() % 6) {
        case 0:
            if (m.state == RegionState::EMPTY) {
                table.make(number, 4096);
                m.state = RegionState::MADE;
            }
            break;
        case 1:
            if (m.state == RegionState::MADE) {
                m.state = RegionState::CLOSING;
                if (table.release(number)) {
                    note(number);
                }
            }
            break;
        case 2:
            if (m.state == RegionState::MADE) {
                auto place = table.borrow(number, server, kPlaces);
                full += place.error() == ERR_FULL ? 1 : 0;
                if (place.ok()) {
                    REQUIRE(place->number < kPlaces);
                    REQUIRE(place->anew == !m.place.contains(server));
                    for (auto &[other, o] : model) {
                        REQUIRE((other == number || !o.place.contains(server) ||
                                 o.place[server] != place->number));
                    }
                    m.place[server] = place->number;
                }
            }
            break;
        case 3:
            m.place.erase(server);
            if (table.give_back(number, server)) {
                note(number);
            }
            break;
        case 4: {
            bool devices = server != kServer;
            for (auto &[other, o] : model) {
                if (o.place.erase(server) != 0 && devices) {
                    o.devices.insert(server);
                }
            }
            table.end_server(server, devices, note);
            break;
        }
        default:
            for (auto &[other, o] : model) {
                o.devices.erase(server);
            }
            table.quieted(server, note);
        }
        settle();
        for (auto &[other, o] : model) {
            if (o.state == RegionState::EMPTY && before[other].state != RegionState::EMPTY) {
                expected.insert(other);
            }
            REQUIRE(state(other) == o.state);
            REQUIRE(table.region(other).used() == !(o.place.empty() && o.devices.empty()));
        }
        REQUIRE(emptied == expected);
    }
    CHECK(full > 30);
    CHECK(closed > 1000);
}

TEST_CASE("regions for the programs that one program starts", "[regions]") {
    constexpr u32 kStarter = 3, kChild = 65;
    RegionTable table;
    table.keep(0, kStarter, 8192);
    table.keep(1, kStarter, 8192);
    table.keep(2, kStarter + 1, 65536);
    auto take = [&](u32 owner, u64 bytes = 4096) {
        return table.take(kStarter, owner, {7, bytes, 0});
    };
    CHECK(take(kChild, 16384).error() == ERR_ARG);
    CHECK(table.take(kStarter + 2, kChild, {7, 4096, 0}).error() == ERR_ARG);
    CHECK(table.take(0, kChild, {7, 4096, 0}).error() == ERR_ARG);
    CHECK(take(kChild).value() == 0);
    CHECK(
        (table.is_owner(0, kChild) && !table.is_owner(0, kStarter) && !table.is_owner(1, kChild)));
    CHECK((table.region(0).place.slot == 7 && table.region(0).place.bytes == 4096));
    // It ends, and somebody still has it mapped: the next one gets another, the one behind that waits.
    table.make(0, 4096);
    REQUIRE(table.borrow(0, kServer, kPlaces).ok());
    CHECK(!table.release(0));
    table.leave(0);
    CHECK(!table.is_owner(0, kChild));
    CHECK((take(kChild + 1).value() == 1 && take(kChild + 2).value() == 0));
    CHECK(take(kChild + 3).error() == ERR_FULL);
    CHECK(table.region(0).state == RegionState::CLOSING);
    CHECK((table.give_back(0, kServer) && table.region(0).state == RegionState::EMPTY));
    CHECK(table.is_owner(0, kChild + 2));
}
