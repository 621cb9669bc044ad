// Tests of RamFs: names, handles, content, limits.
// SPDX-License-Identifier: BSD-2-Clause
#include "server.hpp"

#include "servers/file/fake_room.hpp"

#include <catch2/catch.hpp>

#include "libsel/test/fuzz.hpp"
#include <memory>
#include <random>
#include <string>
#include <vector>

using namespace ramfs;

namespace {

sel::Log<logging::Writer> no_log() {
    return sel::Log<logging::Writer>{sel::Client<logging::Writer>{0}};
}

constexpr u64 kMe = 7;
constexpr u64 kOther = 8;

struct Fixture {
    std::vector<u8> memory = std::vector<u8>(16 * RamFs::kBlockBytes);
    std::unique_ptr<RamFs> fs = std::make_unique<RamFs>(memory);

    u32 create(const char *path) {
        sel::Result<u32> handle = fs->open(kMe, path, RamFs::kWrite | RamFs::kCreate);
        REQUIRE(handle.error() == OK);
        return handle.value();
    }
    error_t put(u32 handle, u64 offset, std::string_view text) {
        return fs
            ->write(kMe, handle, offset, {reinterpret_cast<const u8 *>(text.data()), text.size()})
            .error();
    }
    std::string get(u32 handle, u64 offset = 0, std::size_t count = 100000) {
        std::string out(count, '?');
        sel::Result<u32> got =
            fs->read(kMe, handle, offset, {reinterpret_cast<u8 *>(out.data()), count});
        REQUIRE(got.error() == OK);
        out.resize(got.value());
        return out;
    }
};

} // namespace

TEST_CASE_METHOD(Fixture, "paths that are none are refused", "[ramfs]") {
    CHECK(fs->stat("").error() == ERR_SYNTAX);
    CHECK(fs->stat("etc").error() == ERR_SYNTAX);
    CHECK(fs->stat("/..").error() == ERR_SYNTAX);
    CHECK(fs->stat("/" + std::string(255, 'x')).error() == ERR_SYNTAX);
    CHECK(fs->make_directory("/" + std::string(64, 'x')) == ERR_SYNTAX);
    CHECK(fs->make_directory("/" + std::string(63, 'x')) == OK);
    CHECK(fs->stat("/none").error() == ERR_NAME);
    CHECK(fs->stat("/none/deeper").error() == ERR_NAME);
    CHECK(fs->stat("/").value().kind == Kind::Directory);
    CHECK(fs->stat("///").value().kind == Kind::Directory);
}

TEST_CASE_METHOD(Fixture, "files and directories do not mix", "[ramfs]") {
    create("/f");
    CHECK(fs->stat("/f/x").error() == ERR_DIRECTORY);
    CHECK(fs->make_directory("/f") == ERR_EXISTS);
    CHECK(fs->list("/f", 0).error() == ERR_DIRECTORY);
    CHECK(fs->make_directory("/d") == OK);
    CHECK(fs->open(kMe, "/d", 0).error() == ERR_DIRECTORY);
    CHECK(fs->open(kMe, "/d/none", 0).error() == ERR_NAME);
    CHECK(fs->open(kMe, "/none/x", RamFs::kWrite | RamFs::kCreate).error() == ERR_NAME);
}

TEST_CASE_METHOD(Fixture, "content comes back", "[ramfs]") {
    u32 handle = create("/f");
    CHECK(get(handle).empty());
    CHECK(put(handle, 0, "hello") == OK);
    CHECK(put(handle, 3, "p me") == OK);
    CHECK(get(handle) == "help me");
    CHECK(get(handle, 5, 2) == "me");
    CHECK(get(handle, 7).empty());
    CHECK(put(handle, 9000, "far") == OK);
    CHECK(fs->stat("/f").value().bytes == 9003);
    CHECK(get(handle, 7, 8993) == std::string(8993, '\0'));
    CHECK(fs->truncate(kMe, handle, 4) == OK);
    CHECK(fs->truncate(kMe, handle, 6) == OK);
    CHECK(get(handle) == std::string("help\0\0", 6));
    u8 tail[] = {'!'};
    CHECK(fs->append(kMe, handle, tail).value() == 1);
    CHECK(get(handle) == std::string("help\0\0!", 7));
}

TEST_CASE_METHOD(Fixture, "memory is bounded and comes back", "[ramfs]") {
    u32 handle = create("/f");
    CHECK(put(handle, 0, std::string(16 * RamFs::kBlockBytes, 'x')) == OK);
    CHECK(fs->usage().bytes == fs->usage().bytes_max);
    CHECK(put(handle, 16 * RamFs::kBlockBytes, "x") == ERR_FULL);
    CHECK(put(handle, ~u64{0}, "x") == ERR_FULL);
    CHECK(fs->stat("/f").value().bytes == 16 * RamFs::kBlockBytes);
    CHECK(fs->remove("/f") == OK);
    CHECK(fs->usage().bytes == 0);
    CHECK(fs->read(kMe, handle, 0, {}).error() == ERR_GONE);
}

TEST_CASE_METHOD(Fixture, "handles belong to their client and are bounded", "[ramfs]") {
    u32 handle = create("/f");
    CHECK(fs->read(kOther, handle, 0, {}).error() == ERR_ARG);
    CHECK(fs->close(kOther, handle) == ERR_ARG);
    CHECK(fs->close(kMe, ~u32{0}) == ERR_ARG);
    u32 reader = fs->open(kMe, "/f", 0).value();
    CHECK(put(reader, 0, "x") == ERR_RIGHT);
    for (u32 i = 2; i < RamFs::kHandlesPerClient; i++) {
        CHECK(fs->open(kMe, "/f", 0).error() == OK);
    }
    CHECK(fs->open(kMe, "/f", 0).error() == ERR_FULL);
    CHECK(fs->open(kMe, "/new", RamFs::kWrite | RamFs::kCreate).error() == ERR_FULL);
    CHECK(fs->stat("/new").error() == ERR_NAME);
    CHECK(fs->open(kOther, "/f", 0).error() == OK);
    fs->close_all(kMe);
    CHECK(fs->open(kMe, "/f", 0).error() == OK);
}

TEST_CASE_METHOD(Fixture, "nodes are bounded", "[ramfs]") {
    u32 made = 0;
    while (made < 2 * RamFs::kNodes && fs->make_directory("/d" + std::to_string(made)) == OK) {
        made++;
    }
    CHECK(made == RamFs::kNodes - 1);
    CHECK(fs->make_directory("/more") == ERR_FULL);
    CHECK(fs->remove("/d5") == OK);
    CHECK(fs->make_directory("/more") == OK);
}

TEST_CASE_METHOD(Fixture, "archive files are read-only", "[ramfs]") {
    const u8 hi[] = {'h', 'i'};
    const sel::ArchiveFile motd{"etc/motd", hi, sel::archive_sum(hi)};
    CHECK(fs->add_archive_file("/etc/motd", motd) == OK);
    CHECK(fs->add_archive_file("/etc/motd", motd) == ERR_EXISTS);
    CHECK(fs->open(kMe, "/etc/motd", RamFs::kWrite).error() == ERR_RIGHT);
    CHECK(fs->remove("/etc/motd") == ERR_RIGHT);
    CHECK(fs->rename("/etc/motd", "/m") == ERR_RIGHT);
    create("/f");
    CHECK(fs->rename("/f", "/etc/motd") == ERR_RIGHT);
    CHECK(get(fs->open(kMe, "/etc/motd", 0).value()) == "hi");
    CHECK(fs->list("/", 0).value().name == "etc");
}

TEST_CASE_METHOD(Fixture, "a damaged archive file is not opened, and is found by a check",
                 "[ramfs]") {
    u8 hi[] = {'h', 'i'};
    const sel::ArchiveFile motd{"etc/motd", hi, sel::archive_sum(hi)};
    REQUIRE(fs->add_archive_file("/etc/motd", motd) == OK);
    hi[1] = 'o';
    CHECK(fs->open(kMe, "/etc/motd", 0).error() == ERR_IO);
    CHECK(fs->open(kMe, "/etc/motd", 0).error() == ERR_IO);
    CHECK(fs->take_damaged() == "/etc/motd");
    CHECK(fs->check().damaged == 1);
    CHECK(fs->take_damaged().size == 0); // Once.
    CHECK(fs->stat("/etc/motd").value().bytes == 2);
    hi[1] = 'i';
    CHECK(fs->open(kMe, "/etc/motd", 0).ok());
    CHECK(fs->check().damaged == 0);
}

TEST_CASE_METHOD(Fixture, "listing visits each entry once", "[ramfs]") {
    create("/a");
    fs->make_directory("/d");
    create("/d/inner");
    create("/b");
    std::string names;
    u32 position = 0;
    for (auto entry = fs->list("/", 0); entry.ok(); entry = fs->list("/", position)) {
        names += entry.value().name;
        position = entry.value().next;
    }
    CHECK(names == "adb");
    CHECK(fs->list("/", ~u32{0}).error() == ERR_EMPTY);
}

TEST_CASE_METHOD(Fixture, "rename moves, replaces files, makes no loops", "[ramfs]") {
    put(create("/a"), 0, "A");
    put(create("/b"), 0, "B");
    fs->make_directory("/d");
    fs->make_directory("/d/e");
    CHECK(fs->rename("/a", "/b") == OK);
    CHECK(get(fs->open(kMe, "/b", 0).value()) == "A");
    CHECK(fs->stat("/a").error() == ERR_NAME);
    CHECK(fs->rename("/d", "/d/e/f") == ERR_ARG);
    CHECK(fs->rename("/d", "/d") == OK);
    CHECK(fs->rename("/", "/x") == ERR_ARG);
    CHECK(fs->rename("/b", "/d") == ERR_EXISTS);
    CHECK(fs->rename("/b", "/d/e/b") == OK);
    CHECK(fs->remove("/d") == ERR_CHILDREN);
    CHECK(fs->remove("/") == ERR_ARG);
    CHECK(fs->usage().bytes == RamFs::kBlockBytes);
}

// Ten thousand random operations on three files against plain strings.
TEST_CASE_METHOD(Fixture, "random operations agree with a model", "[ramfs]") {
    std::mt19937 random{42};
    constexpr std::size_t kMax = 5 * RamFs::kBlockBytes;
    std::string model[3];
    u32 handle[3] = {create("/0"), create("/1"), create("/2")};
    for (int step = 0; step < 10000; step++) {
        unsigned f = random() % 3;
        std::size_t offset = random() % kMax;
        std::string data(random() % (kMax - offset) % 5000, static_cast<char>(random()));
        switch (random() % 3) {
        case 0:
            REQUIRE(put(handle[f], offset, data) == OK);
            if (offset + data.size() > model[f].size()) {
                model[f].resize(offset + data.size(), '\0');
            }
            model[f].replace(offset, data.size(), data);
            break;
        case 1:
            REQUIRE(fs->truncate(kMe, handle[f], offset) == OK);
            model[f].resize(offset, '\0');
            break;
        default:
            REQUIRE(get(handle[f], offset, data.size()) ==
                    (offset < model[f].size() ? model[f].substr(offset, data.size()) : ""));
            break;
        }
    }
    for (unsigned f = 0; f < 3; f++) {
        CHECK(get(handle[f]) == model[f]);
    }
}

TEST_CASE_METHOD(Fixture, "a check counts what there is", "[ramfs]") {
    u32 handle = create("/f");
    REQUIRE(put(handle, 5000, "x") == OK);
    REQUIRE(fs->make_directory("/d") == OK);
    Check found = fs->check();
    CHECK(found.files == 1);
    CHECK(found.directories == 2);
    CHECK(found.damaged == 0);
    CHECK(found.bytes == 5001);
    CHECK(fs->is_open(kMe, handle) == OK);
    CHECK(fs->is_open(kOther, handle) == ERR_ARG);
}

TEST_CASE("handles of an earlier life are told apart") {
    std::vector<u8> memory(16 * RamFs::kBlockBytes);
    Store stores[] = {Store{memory}, Store{memory}};
    file::FakeRoom room;
    auto life = [&](u32 incarnation) {
        return std::make_unique<FileServer<file::FakeRoom>>(
            no_log(), stores[incarnation - 1], sel::Clock{0}, u64{0}, incarnation, room);
    };
    sel::Caller me{kMe, false};
    file::Open open{.flags = file::kWrite | file::kCreate, .data = "/f"};
    auto first = life(1), second = life(2);
    u32 old = first->on(open, me).value(), now = second->on(open, me).value();
    CHECK(first->on(file::CloseAll{}, me).value() != second->on(file::SyncAll{}).value());
    file::Write write{.handle = old, .offset = 0, .data = {}};
    CHECK(second->on(write, me).error() == ERR_RESTARTED);
    CHECK(second->on(file::Read{.handle = old, .count = 1, .offset = 0}, me).error() ==
          ERR_RESTARTED);
    CHECK(second->on(file::Sync{.handle = old}, me).error() == ERR_RESTARTED);
    CHECK(second->on(file::Close{.handle = old}, me).error() == ERR_RESTARTED);
    CHECK(second->on(file::Sync{.handle = now}, me).ok());
    CHECK(second->on(file::Sync{.handle = now + 1}, me).error() == ERR_ARG);
}

// One that a check finds before anybody opens it, too.
TEST_CASE("the log is told which files of the archive are damaged, once", "[ramfs]") {
    std::vector<u8> memory(16 * RamFs::kBlockBytes);
    Store store{memory};
    const u8 hi[] = {'h', 'i'};
    const u64 wrong = sel::archive_sum(hi) + 1;
    REQUIRE(store.files().add_archive_file("/etc/a", {"etc/a", hi, wrong}) == OK);
    REQUIRE(store.files().add_archive_file("/etc/b", {"etc/b", hi, wrong}) == OK);
    std::vector<std::string> lines;
    sel::host::kernel = [&](sel::Regs &r) {
        sel::LogLine line;
        if (r.number == CALL_CALL && sel::load(r, line)) {
            lines.emplace_back(line.data.view());
        }
        r.number = OK;
        r.info = 0;
    };
    file::FakeRoom room;
    FileServer<file::FakeRoom> server{no_log(), store, sel::Clock{0}, u64{0}, u32{1}, room};
    auto after = [&](const auto &m) {
        sel::Regs r{};
        sel::store(r, file::Api::label<std::remove_cvref_t<decltype(m)>>(), m);
        r.cptr = kMe;
        file::Api::dispatch(server, r, sel::fuzz::replies());
        [[maybe_unused]] u64 due = server.deadline();
        return lines.size();
    };
    CHECK(after(file::Stat{.data = "/etc/a"}) == 0);
    CHECK(after(file::Open{.flags = 0, .data = "/etc/a"}) == 1);
    CHECK(after(file::Open{.flags = 0, .data = "/etc/a"}) == 1);
    CHECK(after(file::Check{.data = "/"}) == 2);
    CHECK(after(file::Check{.data = "/"}) == 2);
    CHECK(lines == std::vector<std::string>{"/etc/a: damaged in the boot archive (wrong sum)",
                                            "/etc/b: damaged in the boot archive (wrong sum)"});
    sel::host::kernel = nullptr;
}

TEST_CASE("random messages, random answers") {
    std::vector<u8> memory(16 * RamFs::kBlockBytes);
    Store store{memory};
    file::FakeRoom room;
    FileServer<file::FakeRoom> server{no_log(), store, sel::Clock{0}, u64{0}, u32{1}, room};
    sel::host::kernel = [](sel::Regs &r) { r.number = OK; };
    sel::fuzz::server<file::Api>(server);
    sel::host::kernel = nullptr;
}
