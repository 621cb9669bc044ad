// The file protocol on a Volume, and content in shared memory.
// SPDX-License-Identifier: BSD-2-Clause
#include "servers/file/fake_room.hpp"
#include "servers/volume/api.hpp"
#include "servers/volume/fixture.hpp"
#include "servers/volume/server.hpp"

#include <catch2/catch.hpp>

#include "libsel/test/fuzz.hpp"
#include "sel/host.hpp"

using namespace volume;

using TestServer = file::Server<Store, file::FakeRoom>;

// ReadInto and WriteFrom: only in the memory that this caller shares, and nowhere else in it.
TEST_CASE("content in shared memory", "[volume]") {
    Fixture<LittleFs> t;
    Store store{*t.fs};
    file::FakeRoom room;
    std::vector<u8> &mine = room.region[1], &theirs = room.region[2];
    mine.assign(8192, 0x11);
    theirs.assign(4096, 0x22);
    TestServer server{store, sel::Clock{0}, 0, 1, room};
    sel::Caller me{kMe, false, 1}, other{kMe, false, 2}, stranger{kMe, false, 0};
    for (u8 part : {u8{1}, u8{2}}) {
        room.arrived = part;
        CHECK(server.on(file::Lend{.window = 0}, {kMe, true, part}).ok());
    }
    u32 handle = server.on(file::Open{.flags = kNew, .data = "/f"}, me).value();
    std::fill_n(mine.begin() + 100, 5000, 0x5a);
    CHECK(server.on(file::WriteFrom{.handle = handle, .count = 5000, .offset = 3, .place = 100}, me)
              .ok());
    std::fill(mine.begin(), mine.end(), 0x11);
    auto read = [&](u32 count, u64 offset, u32 place, sel::Caller caller) {
        file::ReadInto m{.handle = handle, .count = count, .offset = offset, .place = place};
        return server.on(m, caller);
    };
    CHECK(read(8000, 0, 1, me).value() == 5003);
    CHECK(std::count(mine.begin(), mine.end(), 0x5a) == 5000);
    CHECK((mine[0] == 0x11 && mine[1] == 0 && mine[4] == 0x5a && mine[5004] == 0x11));
    CHECK(std::count(theirs.begin(), theirs.end(), 0x22) == 4096);
    CHECK(read(4096, 3, 0, other).value() == 4096);
    CHECK(std::count(theirs.begin(), theirs.end(), 0x5a) == 4096);
    CHECK(read(10, 5003, 0, me).value() == 0);
    CHECK(read(1, 0, 0, stranger).error() == ERR_RIGHT);
    CHECK(server.on(file::WriteFrom{.handle = handle, .count = 1}, stranger).error() == ERR_RIGHT);
    for (auto [count, place] : {std::pair{8192u, 1u},
                                {1u, 8192u},
                                {~0u, 1u},
                                {1u, ~0u},
                                {~0u, ~0u},
                                {file::kBulk + 1, 0u}}) {
        CHECK(read(count, 0, place, me).error() == ERR_ARG);
        file::WriteFrom write{.handle = handle, .count = count, .offset = 0, .place = place};
        CHECK(server.on(write, me).error() == ERR_ARG);
    }
    CHECK(server.on(file::Stat{.data = "/f"}).value().bytes == 5003);
    handle ^= 0x10000;
    CHECK(read(1, 0, 0, me).error() == ERR_RESTARTED);
    handle ^= 0x10000;
    file::Fetch fetch{.offset = 3, .count = 4096, .place = 0, .window = 0, .data = "/f"};
    std::fill(theirs.begin(), theirs.end(), 0x22);
    CHECK(server.on(fetch, other).value() == 4096);
    CHECK(std::count(theirs.begin(), theirs.end(), 0x5a) == 4096);
    CHECK(server.on(fetch, stranger).error() == ERR_RIGHT);
    fetch.count++;
    CHECK(server.on(fetch, other).error() == ERR_ARG);
    fetch = {.offset = 0, .count = 1, .place = 0, .window = 0, .data = "/none"};
    CHECK(server.on(fetch, other).error() == ERR_NAME);
    CHECK(server.on(file::CloseAll{}, other).ok());
    CHECK(read(1, 0, 0, other).error() == ERR_RIGHT);
    CHECK(read(1, 0, 0, me).ok());
    server.on_ended(kMe);
    CHECK((read(1, 0, 0, me).error() == ERR_RIGHT && room.place.empty()));
}

// The file protocol on a disk: what is written is on it two seconds later at the latest.
TEST_CASE("a file server on a volume", "[volume]") {
    Fixture<LittleFs> t;
    Store store{*t.fs};
    file::FakeRoom room;
    TestServer server{store, sel::Clock{0}, 1'700'000'000, 7, room};
    sel::Caller me{kMe, false};
    sel::host::time = 0;
    CHECK(server.deadline() == sel::kForever);
    u32 handle = server.on(file::Open{.flags = kNew, .data = "/f"}, me).value();
    CHECK(server.on(file::Write{.handle = handle, .offset = 0, .data = bytes_of("text")}, me).ok());
    CHECK(server.on(file::Stat{.data = "/f"}).value().bytes == 4);
    CHECK(server.on(file::Stat{.data = "/f"}).value().changed == 1'700'000'000);
    u64 due = server.deadline();
    CHECK(due == sel::Clock{0}.ticks(2 * sel::Clock::kSecond));
    sel::host::time = due;
    server.on_timeout();
    CHECK(server.deadline() == sel::kForever);
    TestDisk<LittleFs> later{t.disk.image};
    REQUIRE(later.start().ok());
    CHECK(content_of(*later.files, "/f") == "text");
    CHECK(server.on(file::SyncAll{}).value() == 7);
    CHECK(server.on(file::Sync{.handle = handle}, me).ok());
    CHECK(server.on(file::Sync{.handle = handle ^ 0x10000}, me).error() == ERR_RESTARTED);
    file::Entries entries = server.on(file::List{.position = 0, .data = "/"}).value();
    file::Entry entry;
    u32 at = 0;
    CHECK((entries.take(at, entry) && entry.name == "f" && !entries.take(at, entry)));
    CHECK(server.on(file::Rename{.from = "/f", .data = "/g"}).ok());
    CHECK(server.on(file::Remove{.data = "/g"}).ok());
    CHECK(server.on(file::Read{.handle = handle, .count = 9, .offset = 0}, me).error() == ERR_GONE);
    CHECK(server.on(file::Check{.data = "/"}).value().files == 0);
    NoFileSystem none{ERR_NAME};
    Store empty{none};
    CHECK(empty.stat("/").error() == ERR_NAME);
    CHECK(empty.open(kMe, "/f", kNew).error() == ERR_NAME);
    CHECK(check_all(empty, "/").error() == ERR_NAME);
}

TEST_CASE("random messages to a file server on a volume, random answers to who asks for its disk",
          "[volume]") {
    Fixture<LittleFs> t;
    Store store{*t.fs};
    file::FakeRoom room;
    room.region[0].resize(8192);
    TestServer server{store, sel::Clock{0}, 0, 1, room};
    sel::host::kernel = [](sel::Regs &r) { r.number = OK; };
    sel::fuzz::server<file::Api>(server, 4, 2);
    sel::host::kernel = nullptr;
    CHECK(server.on(file::Check{.data = "/"}).ok());
    sel::fuzz::clients<Control>();
    auto repair = [](Repaired answer) {
        sel::host::kernel = [=](sel::Regs &r) {
            r.number = OK;
            sel::store(r, OK, answer);
        };
        return sel::Client<Control>{1}.call(Repair{.step = 3}).ok();
    };
    CHECK((repair({4, 2, 2, 5, 9}) && repair({0, 2, 1, 9, 9})));
    CHECK((!repair({3, 2, 2, 5, 9}) && !repair({~0u, 2, 2, 5, 9}) && !repair({4, 1, 2, 5, 9})));
    sel::host::kernel = nullptr;
}
