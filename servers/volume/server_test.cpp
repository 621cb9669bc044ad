// The file protocol on a Volume, and content in shared memory.
// SPDX-License-Identifier: BSD-2-Clause
#include "servers/volume/fixture.hpp"
#include "servers/volume/server.hpp"

#include <catch2/catch.hpp>

#include "sel/host.hpp"

using namespace volume;

// ReadInto and WriteFrom: only in the memory that this caller shares, and nowhere else in it.
TEST_CASE("content in shared memory", "[volume]") {
    Fixture<LittleFs> t;
    Store store{*t.fs};
    std::vector<u8> mine(8192, 0x11), theirs(4096, 0x22);
    auto window = [](std::vector<u8> &bytes) {
        return sel::Window{reinterpret_cast<u64>(bytes.data()), bytes.size(), {0, 0}};
    };
    const sel::ClientPool windows[] = {{kMe, 1, window(mine)}, {kMe, 2, window(theirs)}};
    file::Server<Store> server{store, sel::Clock{0}, 0, 1, windows};
    sel::Caller me{kMe, false, 1}, other{kMe, false, 2}, stranger{kMe, false, 0};
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
}

// The server keeps no copy of the list: it would be gone before the first request.
TEST_CASE("what is shared is what the program has", "[volume]") {
    Fixture<LittleFs> t;
    Store store{*t.fs};
    std::array<sel::ClientPool, 1> windows{};
    Server server{sel::Log<logging::Writer>{sel::Client<logging::Writer>{0}},
                  store,
                  sel::Clock{0},
                  u64{0},
                  u32{1},
                  windows};
    std::vector<u8> mine(100, 0x11);
    sel::Caller me{kMe, false, 1};
    u32 handle = server.on(file::Open{.flags = kNew, .data = "/f"}, me).value();
    file::WriteFrom write{.handle = handle, .count = 100};
    CHECK(server.on(write, me).error() == ERR_RIGHT);
    windows[0] = {kMe, 1, {reinterpret_cast<u64>(mine.data()), mine.size(), {0, 0}}};
    CHECK(server.on(write, me).ok());
    CHECK(content_of(store, "/f") == std::string(100, '\x11'));
}

// The file protocol on a disk: what is written is on it two seconds later at the latest.
TEST_CASE("a file server on a volume", "[volume]") {
    Fixture<LittleFs> t;
    Store store{*t.fs};
    file::Server<Store> server{store, sel::Clock{0}, 1'700'000'000, 7};
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
