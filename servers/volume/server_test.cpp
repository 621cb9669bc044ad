// The file protocol on a Volume, and content in shared memory.
// SPDX-License-Identifier: BSD-2-Clause
#include "servers/file/fake_room.hpp"
#include "servers/volume/api.hpp"
#include "servers/volume/fixture.hpp"
#include "servers/volume/mounted_server.hpp"

#include <catch2/catch.hpp>

#include "libsel/test/fuzz.hpp"
#include "sel/host.hpp"

using namespace volume;

namespace {

// A file system that is not ready with a check when it could be.
template <typename Fs>
struct SlowFs {
    sel::Result<> format(bool force) { return fs.format(force); }
    std::string_view note() const { return fs.note(); }
    sel::Result<> sync() { return fs.sync(); }
    sel::Result<> begin_check(bool repair) { return fs.begin_check(repair); }
    sel::Result<bool> check(Structures &found) {
        sel::Result<bool> done = fs.check(found);
        return done.ok() && source.below(4) != 0 ? sel::Result{false} : done;
    }

    Fs &fs;
    sel::fuzz::Source &source;
};

// A disk that is there or not, that others write to, whose driver is restarted, and whose file system may be full of
// nonsense: whatever Mounted may say.
template <typename Fs>
class WildDisk {
  public:
    WildDisk(TestDisk<Fs> &disk, sel::fuzz::Source &source) : disk_{disk}, source_{source} {}

    bool found() const { return !one_of(16); }
    bool missing() const { return one_of(64); }
    bool found_again() { return one_of(2); }
    void let_go() {}
    sel::Result<> take() { return one_of(8) ? ERR_BUSY : one_of(8) ? ERR_IO : OK; }
    u32 writer() { return static_cast<u32>(source_.word()); }
    block::DiskName disk_name() const { return "virtio-blk:8"; }
    SlowFs<Fs> fs() { return {*disk_.fs, source_}; }
    sel::Result<Found> find_disk(u32 place) const {
        return place < 8 ? sel::Result{Found{source_.word(), {}, disk_name()}} : ERR_NAME;
    }

  private:
    bool one_of(u64 n) const { return source_.below(n) == 0; }

    TestDisk<Fs> &disk_;
    sel::fuzz::Source &source_;
};

// Lives of a file server, each on what the one before has left on the disk: some bytes of it are others.
template <typename Fs>
void fuzz_control(u32 lives) {
    TestDisk<Fs> t{blank_image(static_cast<Fs *>(nullptr), 4 << 20)};
    const std::vector<u8> sound = t.disk.image;
    sel::fuzz::Source source{5};
    u32 ended = 0, served = 0;
    for (u32 life = 0; life < lives; life++) {
        if (life % 4 == 0) {
            t.disk.image = sound;
        }
        for (u64 i = source.below(8); i-- != 0;) {
            t.disk.image[source.below(source.below(2) == 0 ? 65536 : t.disk.image.size())] =
                static_cast<u8>(source.word());
        }
        if (!t.start() && t.fs == nullptr) {
            continue;
        }
        NoFileSystem none{ERR_NAME};
        FileSystem *fs = t.files != nullptr ? static_cast<FileSystem *>(t.fs.get()) : &none;
        Store store{*fs};
        WildDisk<Fs> disk{t, source};
        file::FakeRoom room;
        MountedServer<WildDisk<Fs>, file::FakeRoom> server{
            disk,   sel::Log<logging::Writer>{sel::Client<logging::Writer>{0}},
            store,  sel::Clock{0},
            u64{0}, u32{1},
            room};
        try {
            for (u32 i = 0; i < 10; i++, served++) {
                sel::fuzz::server<Control>(server, 4, 1, 30, 100 * life + i);
                sel::fuzz::server<file::Api>(server, 4, 1, 30, 100 * life + i);
                [[maybe_unused]] u64 due = server.deadline();
            }
        } catch (const sel::host::Ended &) {
            ended++;
        }
    }
    CHECK(ended > lives / 20);
    CHECK(served > lives);
}

} // namespace

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
    // The handle was the client's, of whatever part; what another part has lent stays.
    fetch = {.offset = 0, .count = 1, .place = 0, .window = 0, .data = "/f"};
    CHECK(server.on(fetch, me).value() == 1);
    server.on_ended(kMe);
    CHECK((server.on(fetch, me).error() == ERR_RIGHT && room.place.empty()));
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

TEST_CASE("random messages to who makes and mends file systems, on disks that are damaged",
          "[volume]") {
    sel::host::kernel = [](sel::Regs &r) { r.number = OK; };
    fuzz_control<LittleFs>(200);
    fuzz_control<Fat>(200);
    sel::host::kernel = nullptr;
}
