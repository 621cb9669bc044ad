// Which memory a request means: only what its caller lends, for as long as it does.
// SPDX-License-Identifier: BSD-2-Clause
#include "fake_room.hpp"
#include "windows.hpp"

#include <catch2/catch.hpp>
#include <random>

using file::FakeRoom;
using file::kWindows;

namespace {

constexpr u32 kProgram = 7;

struct Fixture {
    FakeRoom room;
    file::Windows<FakeRoom> windows{room};

    Fixture() {
        for (u32 i = 1; i <= 40; i++) {
            room.region[i] = std::vector<u8>(4096, static_cast<u8>(i));
        }
    }

    // `region` 0: no token comes along.
    error_t lend(u32 number, u32 region, u8 part = 0, u32 client = kProgram) {
        room.arrived = region;
        return windows.lend(number, {client, region != 0, part}).error();
    }
    // Which region it is; 0: none.
    u32 seen(u32 number, u8 part = 0, u32 client = kProgram) const {
        auto found = windows.find({client, false, part}, number, 0, 1);
        return found.ok() ? found->front() : 0;
    }
    u32 borrowed() const { return static_cast<u32>(room.place.size()); }
};

} // namespace

TEST_CASE_METHOD(Fixture, "a window is the one of who lends it", "[file]") {
    CHECK(lend(0, 1) == OK);
    CHECK(lend(3, 2) == OK);
    CHECK(lend(0, 3, 1) == OK);
    CHECK(lend(0, 4, 0, kProgram + 1) == OK);
    CHECK((seen(0) == 1 && seen(3) == 2 && seen(0, 1) == 3 && seen(0, 0, kProgram + 1) == 4));
    CHECK((seen(1) == 0 && seen(3, 1) == 0 && seen(0, 2) == 0 && seen(0, 0, kProgram + 2) == 0));
    sel::Caller me{kProgram, false};
    CHECK(windows.find(me, 0, 4000, 96).ok());
    for (auto [place, count] :
         {std::pair{4000u, 97u}, {4097u, 0u}, {~0u, 1u}, {1u, ~0u}, {0u, file::kBulk + 1}}) {
        CHECK(windows.find(me, 0, place, count).error() == ERR_ARG);
    }
}

TEST_CASE_METHOD(Fixture,
                 "a window ends with its client, with its session, or when it is lent no more",
                 "[file]") {
    CHECK((lend(0, 1) == OK && lend(1, 2) == OK && lend(0, 3, 1) == OK));
    CHECK((lend(1, 0) == OK && seen(1) == 0 && borrowed() == 2));
    CHECK((lend(9, 0) == OK && borrowed() == 2)); // There was none.
    windows.forget(sel::Caller{kProgram, false, 1});
    CHECK((seen(0, 1) == 0 && seen(0) == 1 && borrowed() == 1));
    CHECK(lend(0, 3, 1) == OK);
    windows.forget(kProgram + 1);
    CHECK(borrowed() == 2);
    windows.forget(kProgram);
    CHECK((borrowed() == 0 && seen(0) == 0 && seen(0, 1) == 0 && room.mistakes == 0));
}

TEST_CASE_METHOD(Fixture, "another region comes into the place of the one before", "[file]") {
    CHECK((lend(0, 1) == OK && lend(0, 2) == OK));
    CHECK((seen(0) == 2 && borrowed() == 1));
    CHECK(lend(0, 99) == ERR_ARG); // No region: what was lent stays.
    CHECK((seen(0) == 2 && borrowed() == 1));
    CHECK((lend(0, 2) == OK && seen(0) == 2 && borrowed() == 1));
}

// As when vfs is lent one region by two clients.
TEST_CASE_METHOD(Fixture, "a region that is lent twice stays until both let go", "[file]") {
    CHECK((lend(0, 1) == OK && lend(1, 1) == OK && borrowed() == 1));
    CHECK((lend(0, 0) == OK && borrowed() == 1 && seen(1) == 1));
    CHECK((lend(1, 2) == OK && borrowed() == 1 && seen(1) == 2 && room.mistakes == 0));
}

TEST_CASE_METHOD(Fixture, "as many as there are places, and numbers", "[file]") {
    CHECK((lend(kWindows, 1) == ERR_ARG && lend(~0u, 1) == ERR_ARG && borrowed() == 0));
    for (u32 i = 0; i < kWindows; i++) {
        CHECK(lend(i, i + 1) == OK);
    }
    CHECK(lend(0, 30, 1) == ERR_FULL);
    CHECK(lend(0, 1, 1) == ERR_FULL); // The region has a place; the caller gets none.
    CHECK((borrowed() == kWindows && seen(0) == 1 && seen(0, 1) == 0));
    CHECK(lend(5, 30) == ERR_FULL); // The room has no place for both.
    CHECK(seen(5) == 6);
}

TEST_CASE_METHOD(Fixture, "random lending, against a model", "[file]") {
    std::mt19937 random{12};
    std::map<std::tuple<u32, u8, u32>, u32> model; // Client, part, number: region.
    for (u32 i = 0; i < 20'000; i++) {
        u32 client = kProgram + random() % 2, number = random() % 4;
        u8 part = random() % 2;
        u32 region = random() % 8;
        if (random() % 16 == 0) {
            windows.forget(client);
            std::erase_if(model, [&](auto &pair) { return std::get<0>(pair.first) == client; });
        } else if (lend(number, region, part, client) == OK) {
            model.erase({client, part, number});
            if (region != 0) {
                model[{client, part, number}] = region;
            }
        }
        std::set<u32> lent;
        for (auto &[key, held] : model) {
            lent.insert(held);
            REQUIRE(seen(std::get<2>(key), std::get<1>(key), std::get<0>(key)) == held);
        }
        REQUIRE((borrowed() == lent.size() && room.mistakes == 0));
    }
}
