// Volume on littlefs and on FAT: names, content, handles, limits, faults.
// SPDX-License-Identifier: BSD-2-Clause
#include "servers/volume/server.hpp"
#include "servers/volume/signature.hpp"
#include "servers/volume/store.hpp"
#include "servers/volume/test_disk.hpp"

#include <catch2/catch.hpp>
#include <map>
#include <random>

#include "sel/host.hpp"

using namespace volume;

namespace {

constexpr u64 kMe = 1, kOther = 2;
constexpr u32 kNew = file::kWrite | file::kCreate;

template <typename Fs>
struct Fixture : TestDisk<Fs> {
    Fixture() : TestDisk<Fs>{blank_image(static_cast<Fs *>(nullptr), 4 << 20)} {
        REQUIRE(this->start().ok());
    }
    Volume &v() { return *this->files; }
    u32 create(const std::string &path) { return v().open(kMe, path, kNew).value(); }
    error_t put(u32 handle, u64 offset, std::string_view text) {
        return v().write(kMe, handle, offset, bytes_of(text)).error();
    }
    std::string get(u32 handle, std::size_t count = 9000, u64 offset = 0) {
        std::string text(count, '?');
        auto out = reinterpret_cast<u8 *>(text.data());
        text.resize(v().read(kMe, handle, offset, {out, count}).value());
        return text;
    }
};

} // namespace

TEMPLATE_TEST_CASE("names and kinds", "[volume]", LittleFs, Fat) {
    Fixture<TestType> t;
    Volume &v = t.v();
    CHECK(v.stat("").error() == ERR_SYNTAX);
    CHECK(v.stat("etc").error() == ERR_SYNTAX);
    CHECK(v.stat("/..").error() == ERR_SYNTAX);
    CHECK(v.stat("/" + std::string(255, 'x')).error() == ERR_SYNTAX);
    CHECK(v.make_directory("/" + std::string(64, 'x')).error() == ERR_SYNTAX);
    CHECK(v.make_directory("/" + std::string(63, 'x')).ok());
    CHECK(v.make_directory("/a\\b").error() == ERR_SYNTAX);
    CHECK(v.make_directory("/a\nb").error() == ERR_SYNTAX);
    CHECK(v.stat("/none").error() == ERR_NAME);
    CHECK(v.stat("/none/deeper").error() == ERR_NAME);
    CHECK(v.stat("///").value().directory);
    t.create("/f");
    CHECK(v.stat("/f/x").error() == ERR_DIRECTORY);
    CHECK(v.make_directory("/f").error() == ERR_EXISTS);
    CHECK(v.make_directory("/").error() == ERR_EXISTS);
    CHECK(v.list("/f", 0).error() == ERR_DIRECTORY);
    CHECK(v.make_directory("/d").ok());
    CHECK(v.make_directory("/d").error() == ERR_EXISTS);
    CHECK(v.open(kMe, "/d", 0).error() == ERR_DIRECTORY);
    CHECK(v.open(kMe, "/d", kNew).error() == ERR_DIRECTORY);
    CHECK(v.open(kMe, "/d/none", 0).error() == ERR_NAME);
    CHECK(v.open(kMe, "/none/x", kNew).error() == ERR_NAME);
    CHECK(v.stat("/f").value().changed == 1'700'000'000);
}

TEMPLATE_TEST_CASE("content comes back, also after a new start", "[volume]", LittleFs, Fat) {
    Fixture<TestType> t;
    u32 handle = t.create("/f");
    CHECK(t.get(handle).empty());
    CHECK(t.put(handle, 0, "hello") == OK);
    CHECK(t.put(handle, 3, "p me") == OK);
    CHECK(t.get(handle) == "help me");
    CHECK(t.get(handle, 2, 5) == "me");
    CHECK(t.get(handle, 5, 7).empty());
    CHECK(t.put(handle, 9000, "far") == OK);
    CHECK(t.v().stat("/f").value().bytes == 9003);
    CHECK(t.get(handle, 8993, 7) == std::string(8993, '\0'));
    CHECK(t.v().truncate(kMe, handle, 4).ok());
    CHECK(t.v().truncate(kMe, handle, 6).ok());
    CHECK(t.get(handle) == std::string("help\0\0", 6));
    CHECK(t.v().append(kMe, handle, bytes_of("!")).ok());
    CHECK(t.v().dirty());
    CHECK(t.v().sync(kMe, handle).ok());
    REQUIRE(t.start().ok());
    CHECK(content_of(t.v(), "/f") == std::string("help\0\0!", 7));
}

TEMPLATE_TEST_CASE("all see the same content", "[volume]", LittleFs, Fat) {
    Fixture<TestType> t;
    u32 mine = t.create("/f");
    u32 other = t.v().open(kOther, "/f", 0).value();
    CHECK(t.put(mine, 0, "new") == OK);
    u8 out[3];
    CHECK(t.v().read(kOther, other, 0, out).value() == 3);
    CHECK(t.v().read(kOther, mine, 0, out).error() == ERR_ARG);
    CHECK(t.v().close(kOther, mine).error() == ERR_ARG);
    CHECK(t.v().write(kOther, other, 0, {}).error() == ERR_RIGHT);
    CHECK(t.v().close(kMe, ~u32{0}).error() == ERR_ARG);
    CHECK(t.v().path_of(kMe, mine) == "/f");
    CHECK(t.v().path_of(kOther, mine).empty());
}

TEMPLATE_TEST_CASE("more files are open than there are objects", "[volume]", LittleFs, Fat) {
    Fixture<TestType> t;
    u32 handle[24];
    for (u32 i = 0; i < 24; i++) {
        handle[i] = t.create("/f" + std::to_string(i));
    }
    for (u32 round = 0; round < 3; round++) {
        for (u32 i = 0; i < 24; i++) {
            REQUIRE(t.v().append(kMe, handle[i], bytes_of(std::to_string(i))).ok());
        }
    }
    for (u32 i = 0; i < 24; i++) {
        std::string part = std::to_string(i);
        CHECK(t.get(handle[i]) == part + part + part);
    }
}

TEMPLATE_TEST_CASE("handles are bounded", "[volume]", LittleFs, Fat) {
    Fixture<TestType> t;
    t.create("/f");
    for (u32 i = 1; i < Volume::kHandlesPerClient; i++) {
        REQUIRE(t.v().open(kMe, "/f", 0).ok());
    }
    CHECK(t.v().open(kMe, "/f", 0).error() == ERR_FULL);
    CHECK(t.v().open(kMe, "/new", kNew).error() == ERR_FULL);
    CHECK(t.v().stat("/new").error() == ERR_NAME);
    CHECK(t.v().open(kOther, "/f", 0).ok());
    t.v().close_all(kMe);
    CHECK(t.v().open(kMe, "/f", 0).ok());
}

TEMPLATE_TEST_CASE("removed files are gone", "[volume]", LittleFs, Fat) {
    Fixture<TestType> t;
    u32 handle = t.create("/f");
    CHECK(t.put(handle, 0, "x") == OK);
    CHECK(t.v().remove("/f").ok());
    u8 out[1];
    CHECK(t.v().read(kMe, handle, 0, out).error() == ERR_GONE);
    CHECK(t.v().sync(kMe, handle).error() == ERR_GONE);
    CHECK(t.v().stat("/f").error() == ERR_NAME);
    u32 again = t.create("/f");
    CHECK(t.get(again).empty());
    CHECK(t.v().read(kMe, handle, 0, out).error() == ERR_GONE);
    CHECK(t.v().close(kMe, handle).ok());
    CHECK(t.v().remove("/none").error() == ERR_NAME);
    CHECK(t.v().remove("/").error() == ERR_ARG);
    CHECK(t.v().make_directory("/d").ok());
    t.create("/d/x");
    CHECK(t.v().remove("/d").error() == ERR_CHILDREN);
    CHECK(t.v().remove("/d/x").ok());
    CHECK(t.v().remove("/d").ok());
}

TEMPLATE_TEST_CASE("rename moves, replaces files, makes no loops", "[volume]", LittleFs, Fat) {
    Fixture<TestType> t;
    Volume &v = t.v();
    u32 a = t.create("/a"), b = t.create("/b");
    t.put(a, 0, "A");
    t.put(b, 0, "B");
    CHECK(v.make_directory("/d").ok());
    CHECK(v.make_directory("/d/e").ok());
    CHECK(v.rename("/a", "/b").ok());
    CHECK(t.get(a) == "A");
    u8 out[1];
    CHECK(v.read(kMe, b, 0, out).error() == ERR_GONE);
    CHECK(content_of(v, "/b") == "A");
    CHECK(v.stat("/a").error() == ERR_NAME);
    CHECK(v.rename("/d", "/d/e/f").error() == ERR_ARG);
    CHECK(v.rename("/d", "/d").ok());
    CHECK(v.rename("/", "/x").error() == ERR_ARG);
    CHECK(v.rename("/b", "/d").error() == ERR_EXISTS);
    CHECK(v.rename("/d", "/b").error() == ERR_EXISTS);
    CHECK(v.rename("/none", "/x").error() == ERR_NAME);
    CHECK(v.rename("/b", "/d/e/b").ok());
    CHECK(v.rename("/d", "/D2").ok());
    CHECK(v.append(kMe, a, bytes_of("2")).ok());
    CHECK(content_of(v, "/D2/e/b") == "A2");
    CHECK(v.path_of(kMe, a) == "/D2/e/b");
}

TEMPLATE_TEST_CASE("listing visits each entry once", "[volume]", LittleFs, Fat) {
    Fixture<TestType> t;
    std::map<std::string, int> seen;
    for (int i = 0; i < 100; i++) {
        t.v().make_directory("/directory number " + std::to_string(i)).error();
        seen["directory number " + std::to_string(i)] = 0;
    }
    u32 position = 0;
    for (auto e = t.v().list("/", 0); e.ok(); e = t.v().list("/", position)) {
        seen[std::string{e->name.view()}]++;
        position = e->next;
        CHECK(e->info.directory);
        if (position % 7 == 0) {
            t.v().list("/", 0).error(); // Somebody else lists too.
        }
    }
    CHECK(seen.size() == 100);
    CHECK(std::all_of(seen.begin(), seen.end(), [](auto &entry) { return entry.second == 1; }));
    CHECK(t.v().list("/", ~u32{0} - 1).error() == ERR_EMPTY);
    CHECK(t.v().list("/none", 0).error() == ERR_NAME);
}

// Names that begin others, which littlefs has in an order of its own; what is known of them is used.
TEST_CASE("names in a long directory are found without reading all of it", "[volume]") {
    Fixture<LittleFs> t;
    std::mt19937 random{21};
    std::map<std::string, bool> model; // Is it a directory?
    auto some_name = [&] {
        std::string name(1 + random() % 3, 'a');
        for (char &c : name) {
            c = static_cast<char>('a' + random() % 12);
        }
        return name + (random() % 4 == 0 ? std::string(random() % 62, 'x') : "");
    };
    for (int step = 0; step < 4000; step++) {
        std::string name = some_name().substr(0, 63), path = "/" + name;
        REQUIRE(t.v().stat(path).ok() == (model.count(name) != 0));
        u32 what = random() % 4;
        if (model.count(name) == 0) {
            bool made =
                what == 0 ? t.v().make_directory(path).ok() : t.v().open(kMe, path, kNew).ok();
            t.v().close_all(kMe);
            REQUIRE(made);
            model[name] = what == 0;
        } else if (what == 1) {
            REQUIRE(t.v().remove(path).ok());
            model.erase(name);
        } else if (std::string to = some_name().substr(0, 63); what == 2 && model.count(to) == 0) {
            REQUIRE(t.v().rename(path, "/" + to).ok());
            model[to] = model[name];
            model.erase(name);
        }
        if (step % 500 == 0) {
            REQUIRE(t.start().ok());
        }
    }
    for (const auto &[name, directory] : model) {
        REQUIRE(t.v().stat("/" + name).value().directory == directory);
    }
    REQUIRE(model.size() > 700);
    u64 before = t.cache->counts().hits + t.cache->counts().misses;
    for (const auto &[name, directory] : model) {
        REQUIRE(t.v().stat("/" + name).ok());
    }
    u64 looks = t.cache->counts().hits + t.cache->counts().misses - before;
    CHECK(looks < 100 * model.size()); // More than 200 without the index.
}

TEMPLATE_TEST_CASE("a full disk refuses, and loses nothing", "[volume]", LittleFs, Fat) {
    Fixture<TestType> t;
    u32 handle = t.create("/big");
    CHECK(t.put(handle, 0, "begin") == OK);
    std::string part(file::kChunk, 'x');
    error_t error = OK;
    u64 size = 5;
    while (error == OK && size < (8 << 20)) {
        error = t.v().append(kMe, handle, bytes_of(part)).error();
        size += error == OK ? part.size() : 0;
    }
    CHECK(error == ERR_FULL);
    CHECK(t.v().stat("/big").value().bytes == size);
    CHECK(t.v().sync(kMe, handle).ok());
    CHECK(t.put(handle, ~u64{0} - 10, "x") == ERR_FULL);
    CHECK(t.v().truncate(kMe, handle, ~u64{0}).error() == ERR_FULL);
    u64 used = t.v().usage().value().bytes;
    CHECK(used <= t.v().usage().value().bytes_max);
    REQUIRE(t.start().ok());
    CHECK(t.v().stat("/big").value().bytes == size);
    CHECK(content_of(t.v(), "/big").substr(0, 5) == "begin");
    CHECK(t.v().remove("/big").ok());
    CHECK(t.v().usage().value().bytes < used / 4);
    CHECK(put_file(t.v(), "/small", "room again").ok());
}

TEMPLATE_TEST_CASE("a check reads all", "[volume]", LittleFs, Fat) {
    Fixture<TestType> t;
    REQUIRE(t.v().make_directory("/d").ok());
    REQUIRE(t.v().make_directory("/d/e").ok());
    REQUIRE(put_file(t.v(), "/d/f", std::string(70'000, 'f')).ok());
    REQUIRE(put_file(t.v(), "/g", "g").ok());
    u32 open = t.v().open(kMe, "/g", file::kWrite).value();
    REQUIRE(t.put(open, 1, "more") == OK);
    REQUIRE(t.v().sync_all().ok());
    file::Checked found = check_all(t.v(), "/").value();
    CHECK(found.files == 2);
    CHECK(found.directories == 3);
    CHECK(found.damaged == 0);
    CHECK(found.bytes == 70'005);
    CHECK(check_all(t.v(), "/none").error() == ERR_NAME);
    CHECK(t.get(open) == "gmore");
    // The sectors of the long file cannot be read.
    REQUIRE(t.start().ok());
    t.disk.fault = [&](const block::Request &r) {
        auto from = t.disk.image.begin() + static_cast<std::ptrdiff_t>(r.sector * 512);
        auto to = from + r.sectors * 512;
        return std::search_n(from, to, 512, u8{'f'}) != to ? ERR_IO : OK;
    };
    found = check_all(t.v(), "/").value();
    CHECK(found.files == 2);
    CHECK(found.damaged >= 1);
    CHECK(found.bytes == 5);
}

TEMPLATE_TEST_CASE("a check goes in steps, and begins anew when something changes", "[volume]",
                   LittleFs, Fat) {
    Fixture<TestType> t;
    REQUIRE(put_file(t.v(), "/f", std::string(700'000, 'f')).ok());
    u32 step = t.v().check("/", 0)->next;
    REQUIRE(step != 0);
    CHECK(t.v().check("/", step + 1).error() == ERR_GONE);
    step = t.v().check("/", step)->next;
    REQUIRE(step != 0);
    REQUIRE(put_file(t.v(), "/g", "g").ok());
    CHECK(t.v().check("/", step).error() == ERR_BUSY);
    CHECK(t.v().check("/", step).error() == ERR_GONE);
    u32 steps = 1;
    sel::Result<file::Checked> found = t.v().check("/", 0);
    for (; found.ok() && found->next != 0; steps++) {
        found = t.v().check("/", found->next);
    }
    CHECK(found->damaged == 0);
    CHECK(found->files == 2);
    CHECK(steps > 3);
}

// All steps of a repair, and the end of the program behind it.
sel::Result<Structures> repair(TestDisk<Fat> &t) {
    t.files.reset();
    Structures found{};
    sel::Result<> begun = t.fs->begin_check(true);
    sel::Result<bool> done = begun.ok() ? sel::Result{false} : begun.error();
    while (done.ok() && !*done) {
        done = t.fs->check(found);
    }
    sel::Result<> synced = done.ok() ? t.fs->sync() : done.error();
    return synced.ok() ? sel::Result{found} : synced.error();
}

// What fsck.vfat calls damaged, one thing at a time, on each kind of FAT; and what it says behind a
// repair.
TEST_CASE("a check of FAT finds chains that are wrong, and mends them", "[volume]") {
    struct Kind {
        u32 bits, bytes, sector; // Bits of an entry.
    };
    const auto kind = GENERATE(Kind{12, 1 << 20, 512}, Kind{16, 20 << 20, 512},
                               Kind{32, 40 << 20, 512}, Kind{16, 24 << 20, 2048});
    const u32 bits = kind.bits;
    const std::string options =
        "-s 1 -F " + std::to_string(bits) + " -S " + std::to_string(kind.sector);
    TestDisk<Fat> t{fat_image(kind.bytes, options)};
    REQUIRE(t.start().ok());
    REQUIRE(put_file(*t.files, "/a", std::string(10 * kind.sector - 100, 'a')).ok());
    REQUIRE(put_file(*t.files, "/b", std::string(10 * kind.sector - 100, 'b')).ok());
    REQUIRE(t.files->make_directory("/d").ok());
    REQUIRE(t.files->sync_all().ok());
    const std::vector<u8> sound = t.disk.image;
    auto word = [&](std::size_t at, u32 bytes) {
        u32 value = 0;
        for (u32 i = bytes; i-- > 0;) {
            value = value << 8 | sound[at + i];
        }
        return value;
    };
    const u32 reserved = word(14, 2), fats = sound[16];
    const u32 table = word(22, 2) != 0 ? word(22, 2) : word(36, 4);
    const std::size_t root =
        (reserved + fats * table) * kind.sector; // FAT32: cluster 2 is its first.
    auto name_at = [&](char name) {
        std::size_t at = root;
        while (sound[at] != static_cast<u8>(name) || sound[at + 1] != ' ') {
            at += 32;
        }
        return at;
    };
    auto first = [&](char name) { return word(name_at(name) + 26, 2); };
    auto link = [&](u32 cluster, u32 value) { // In all copies.
        for (u32 copy = 0; copy < fats; copy++) {
            u8 *at =
                t.disk.image.data() + (reserved + copy * table) * kind.sector + cluster * bits / 8;
            if (bits == 12) {
                u32 both = at[0] | at[1] << 8;
                both = cluster % 2 != 0 ? (both & 0xf) | (value & 0xfff) << 4
                                        : (both & 0xf000) | (value & 0xfff);
                at[0] = static_cast<u8>(both), at[1] = static_cast<u8>(both >> 8);
            } else {
                std::memcpy(at, &value, bits / 8);
            }
        }
    };
    auto damaged = [&](const char *what) {
        INFO(options << ": " << what);
        HostFile image;
        image.write(t.disk.image);
        CHECK(host("fsck.vfat -n " + image.path()) != 0);
        REQUIRE(t.start().ok());
        CHECK(check_all(*t.files, "/")->damaged != 0);
        sel::Result<Structures> mended = repair(t);
        REQUIRE(mended.ok());
        CHECK(mended->damaged != 0);
        CHECK(mended->repaired == mended->damaged);
        image.write(t.disk.image);
        CHECK(host("fsck.vfat -n " + image.path()) == 0);
        REQUIRE(t.start().ok());
        CHECK(check_all(*t.files, "/")->damaged == 0);
        t.disk.image = sound;
    };
    CHECK(check_all(*t.files, "/")->damaged == 0);
    t.disk.image[name_at('B') + 26] = static_cast<u8>(first('A'));
    t.disk.image[name_at('B') + 27] = static_cast<u8>(first('A') >> 8);
    damaged("two files share clusters");
    link(first('B') + 1, first('A') + 3);
    damaged("a chain goes over to another one");
    link(first('A') + 4, first('A'));
    damaged("a chain goes round");
    t.disk.image[name_at('A') + 28] = 1;
    t.disk.image[name_at('A') + 29] = 0;
    damaged("a chain is longer than the size");
    t.disk.image[name_at('A') + 30] = 1;
    damaged("a chain is shorter than the size");
    link(first('A') + 2, 0);
    damaged("a chain goes to what is free");
    link(first('D') + 2, 0xfffffff);
    damaged("a cluster has no owner");
    t.disk.image[name_at('D') + 26] = static_cast<u8>(first('A'));
    t.disk.image[name_at('D') + 27] = static_cast<u8>(first('A') >> 8);
    damaged("a directory where a file is");
    t.disk.image[name_at('A') + 26] = 0;
    t.disk.image[name_at('A') + 27] = 0;
    damaged("a size without a chain");
    std::fill_n(t.disk.image.begin() + static_cast<std::ptrdiff_t>(name_at('A')) + 28, 4, u8{0});
    damaged("a chain without a size");
    t.disk.image[(reserved + table) * kind.sector + 9] ^= 1;
    damaged("copies of the table are not the same");
    std::mt19937 random{bits};
    for (int i = 0; i < 40; i++) {
        for (u32 n = 1 + random() % 5; n > 0; n--) {
            link(first('A') + random() % 25, random() % 3 == 0 ? random() : random() % 40);
        }
        damaged("some links are others");
    }
    REQUIRE(t.start().ok());
    CHECK(check_all(*t.files, "/")->damaged == 0);
    CHECK(repair(t)->damaged == 0);
    CHECK(t.disk.image == sound);
}

TEST_CASE("a repair that stops half way has done no harm", "[volume]") {
    TestDisk<Fat> t{fat_image(1 << 20, "-s 1 -F 12")};
    REQUIRE(t.start().ok());
    for (int i = 0; i < 40; i++) {
        REQUIRE(put_file(*t.files, "/f" + std::to_string(i), std::string(3000, 'f')).ok());
    }
    REQUIRE(t.files->sync_all().ok());
    std::vector<u8> wrong = t.disk.image;
    std::mt19937 random{4};
    for (int i = 0; i < 60; i++) {
        wrong[515 + random() % 380] ^= static_cast<u8>(1u << random() % 8);
    }
    for (u32 most = 0; most < 400; most += 7) {
        t.disk.image = wrong;
        REQUIRE(t.start().ok());
        t.files.reset();
        Structures found{};
        REQUIRE(t.fs->begin_check(true).ok());
        t.cache->allow(20 + most * 10); // And then the power goes.
        while (!t.fs->check(found).value_or(true)) {
        }
        t.cache->allow(Cache::kUnlimited);
        REQUIRE(t.fs->sync().ok());
        REQUIRE(t.start().ok());
        REQUIRE(repair(t).ok());
        HostFile image;
        image.write(t.disk.image);
        CAPTURE(most);
        CHECK(host("fsck.vfat -n " + image.path()) == 0);
    }
    t.disk.image = wrong;
    t.disk.read_only = true;
    REQUIRE(t.start().ok());
    CHECK(repair(t).error() == ERR_RIGHT);
    TestDisk<LittleFs> needs_none{std::vector<u8>(1 << 20)};
    REQUIRE(needs_none.start().ok());
    CHECK(needs_none.fs->begin_check(true).error() == ERR_TYPE);
}

// A chain that goes round is no trap for who looks for a place in it.
TEST_CASE("places in a FAT file are found without following its chain", "[volume]") {
    TestDisk<Fat> t{fat_image(8 << 20, "-s 1 -F 16")};
    REQUIRE(t.start().ok());
    std::string model[2];
    u32 handle[2];
    for (u32 i = 0; i < 2; i++) {
        handle[i] = t.files->open(kMe, "/" + std::to_string(i), kNew).value();
    }
    // The second file has more runs than there is room for.
    const u32 parts[] = {200, 2};
    for (u32 part = 0; part < 200; part++) {
        for (u32 i = 0; i < 2; i++) {
            if (part % (200 / parts[i]) == 0) {
                std::string text(200 / parts[i] * 1024, static_cast<char>(part * 2 + i));
                REQUIRE(t.files->append(kMe, handle[i], bytes_of(text)).ok());
                model[i] += text;
            }
        }
    }
    std::mt19937 random{9};
    for (u32 step = 0; step < 4000; step++) {
        u32 i = random() % 2;
        std::size_t at = random() % model[i].size(), count = random() % 3000;
        if (step % 100 == 0) {
            REQUIRE(t.files->truncate(kMe, handle[i], at).ok());
            model[i].resize(at);
        }
        if (step % 3 == 0) {
            std::string text(count, static_cast<char>(step));
            at = std::min(at, model[i].size());
            REQUIRE(t.files->write(kMe, handle[i], at, bytes_of(text)).ok());
            model[i].resize(std::max(model[i].size(), at + count));
            model[i].replace(at, count, text);
        } else {
            std::string text(count, '?');
            auto out = reinterpret_cast<u8 *>(text.data());
            text.resize(t.files->read(kMe, handle[i], at, {out, count}).value());
            REQUIRE((text == (at < model[i].size() ? model[i].substr(at, count) : "")));
        }
    }
    REQUIRE(t.files->sync_all().ok());
    CHECK(check_all(*t.files, "/")->damaged == 0);
    u8 *table = t.disk.image.data() + t.disk.image[14] * 512;
    for (u32 cluster = 2; cluster < 500; cluster++) { // Each one leads to itself.
        table[2 * cluster] = static_cast<u8>(cluster);
        table[2 * cluster + 1] = static_cast<u8>(cluster >> 8);
    }
    REQUIRE(t.start().ok());
    u8 one[1];
    u32 round = t.files->open(kMe, "/0", 0).value();
    t.files->read(kMe, round, 50'000, one).error(); // It ends.
    CHECK(t.files->read(kMe, round, 3'000, one).error() == ERR_IO);
}

TEMPLATE_TEST_CASE("a read-only disk", "[volume]", LittleFs, Fat) {
    Fixture<TestType> t;
    REQUIRE(put_file(t.v(), "/f", "text").ok());
    REQUIRE(t.v().sync_all().ok());
    t.disk.read_only = true;
    REQUIRE(t.start().ok());
    CHECK(content_of(t.v(), "/f") == "text");
    CHECK(t.v().open(kMe, "/f", file::kWrite).error() == ERR_RIGHT);
    CHECK(t.v().make_directory("/d").error() == ERR_RIGHT);
    CHECK(t.v().remove("/f").error() == ERR_RIGHT);
    CHECK(t.v().rename("/f", "/g").error() == ERR_RIGHT);
}

TEMPLATE_TEST_CASE("a disk that fails gives errors, then works again", "[volume]", LittleFs, Fat) {
    Fixture<TestType> t;
    u32 handle = t.create("/f");
    REQUIRE(t.put(handle, 0, "old") == OK);
    REQUIRE(t.v().sync(kMe, handle).ok());
    REQUIRE(t.put(handle, 0, "new") == OK);
    t.disk.fault = [](const block::Request &r) { return r.op == block::Op::Read ? OK : ERR_IO; };
    CHECK(t.v().sync(kMe, handle).error() == ERR_IO);
    t.disk.fault = nullptr;
    std::string content = content_of(t.v(), "/f");
    CHECK((content == "old" || content == "new"));
    CHECK(put_file(t.v(), "/g", "fine").ok());
    CHECK(t.v().sync_all().ok());
    REQUIRE(t.start().ok());
    CHECK(content_of(t.v(), "/g") == "fine");
}

// Random operations on a few names against a map; a new start now and then.
TEMPLATE_TEST_CASE("random operations agree with a map", "[volume]", LittleFs, Fat) {
    Fixture<TestType> t;
    t.disk.sector_bytes = GENERATE(512u, 4096u);
    REQUIRE(t.start().ok());
    std::mt19937 random{11};
    std::map<std::string, std::string> model;
    auto name = [&] { return "/name " + std::to_string(random() % 12); };
    for (int step = 0; step < 3000; step++) {
        std::string path = name(), to = name();
        std::string text(random() % (step % 50 == 0 ? 30000 : 1500),
                         static_cast<char>('a' + step % 26));
        switch (random() % 6) {
        case 0:
            REQUIRE(put_file(t.v(), path, text).ok());
            model[path] = text;
            break;
        case 1:
            CHECK(t.v().remove(path).ok() == (model.erase(path) == 1));
            break;
        case 2:
            if (model.count(path) != 0 && path != to) {
                REQUIRE(t.v().rename(path, to).ok());
                model[to] = model[path];
                model.erase(path);
            }
            break;
        case 3: {
            u32 handle = t.create(path);
            std::string &content = model[path];
            std::size_t at = random() % (content.size() + 100);
            text.resize(text.size() % file::kChunk);
            REQUIRE(t.put(handle, at, text) == OK);
            content.resize(std::max(content.size(), text.empty() ? 0 : at + text.size()), '\0');
            content.replace(at < content.size() ? at : 0, text.empty() ? 0 : text.size(), text);
            if (random() % 2 == 0) {
                std::size_t cut = random() % 3000;
                REQUIRE(t.v().truncate(kMe, handle, cut).ok());
                content.resize(cut, '\0');
            }
            t.v().close_all(kMe);
            break;
        }
        case 4:
            if (step % 20 == 0) {
                REQUIRE(t.v().sync_all().ok());
                REQUIRE(t.start().ok());
            }
            break;
        default:
            if (model.count(path) != 0) {
                REQUIRE(content_of(t.v(), path) == model[path]);
            }
            break;
        }
    }
    for (auto &[path, content] : model) {
        CHECK(content_of(t.v(), path) == content);
    }
    CHECK_FALSE(t.disk.strayed);
}

TEST_CASE("the check sum of littlefs is CRC-32", "[volume]") {
    const char text[] = "123456789"; // The usual test vector, in any two parts.
    for (std::size_t first = 0; first <= 9; first++) {
        CHECK(~lfs2_crc(lfs2_crc(~0u, text, first), text + first, 9 - first) == 0xcbf43926);
    }
    std::string longer;
    for (int i = 0; i < 5; i++) {
        longer += text;
    }
    u32 whole = lfs2_crc(~0u, longer.data(), longer.size()), single = ~0u;
    for (char c : longer) {
        single = lfs2_crc(single, &c, 1);
    }
    CHECK(whole == single);
}

namespace {

constexpr char kMark[] = "TRustOs is formatting this disk with littlefs";
constexpr block::Guid kOtherType{1, 2};

// A disk that starts with the content of the file system `mkfs` makes.
std::vector<u8> made_by(const std::string &mkfs, std::size_t bytes) {
    HostFile file;
    file.write(std::vector<u8>(bytes));
    REQUIRE(host(mkfs + " " + file.path()) == 0);
    return file.read();
}

void poke(std::vector<u8> &image, std::size_t at, std::string_view bytes) {
    std::copy(bytes.begin(), bytes.end(), image.begin() + static_cast<std::ptrdiff_t>(at));
}

// It is left alone, and `note` says why.
void check_left_alone(const std::vector<u8> &image, block::Guid type, const std::string &note) {
    CAPTURE(note);
    TestDisk<LittleFs> t{image};
    t.disk.type = type;
    CHECK(t.start().error() == ERR_NAME);
    CHECK(t.disk.image == image);
    CHECK(t.fs->note() == note);
}

} // namespace

TEST_CASE("an empty partition of our type is formatted, once", "[volume]") {
    TestDisk<LittleFs> t{std::vector<u8>(1 << 20)};
    REQUIRE(t.start().ok());
    CHECK(t.fs->formatted());
    REQUIRE(put_file(*t.files, "/f", "x").ok());
    REQUIRE(t.start().ok());
    CHECK_FALSE(t.fs->formatted());
    CHECK(content_of(*t.files, "/f") == "x");
    CHECK(t.fs->note().empty());

    TestDisk<LittleFs> locked{std::vector<u8>(1 << 20)};
    locked.disk.read_only = true;
    CHECK(locked.start().error() == ERR_NAME);
    check_left_alone(std::vector<u8>(8192), block::kSystemType,
                     "8 KiB are too little for littlefs");
}

TEST_CASE("zeroes are no sign that a disk may be formatted", "[volume]") {
    std::vector<u8> empty(1 << 20);
    std::string unknown = "holds nothing known, and is not of the type TRustOs";
    for (block::Guid type : {block::Guid{}, block::kLinuxType, kOtherType}) {
        check_left_alone(empty, type, unknown);
        check_left_alone(fat_image(1 << 20), type, "holds FAT");
    }
    std::vector<u8> late = empty;
    late[(64 << 10) - 1] = 1;
    check_left_alone(late, block::kSystemType, "holds something unknown");
}

TEST_CASE("what others have made is named and left alone", "[volume]") {
    struct Other {
        std::size_t at;
        std::string bytes, name;
    };
    using namespace std::string_literals;
    constexpr std::size_t kBytes = 1 << 20;
    const Other others[] = {
        {65536 + 64, "_BHRfS_M", "btrfs"},
        {1080, "\x53\xef", "ext2, ext3 or ext4"},
        {0, "XFSB", "XFS"},
        {65536 + 52, "ReIsEr2Fs", "ReiserFS"},
        {8192 + 52, "ReIsErFs", "ReiserFS"},
        {65536, "\x01\x16\x19\x70", "GFS2"},
        {3, "NTFS    ", "NTFS"},
        {3, "EXFAT   ", "exFAT"},
        {82, "FAT32   ", "FAT"},
        {0, "\xfc\x4e\x2b\xa9", "a member of a RAID (md)"},
        {4096, "\xfc\x4e\x2b\xa9", "a member of a RAID (md)"},
        {kBytes - 8192, "\xfc\x4e\x2b\xa9", "a member of a RAID (md)"},
        {kBytes - 65536, "\xfc\x4e\x2b\xa9", "a member of a RAID (md)"},
        {kBytes - 65536, "\xa9\x2b\x4e\xfc", "a member of a RAID (md)"},
        {512, "LABELONE", "a physical volume of LVM"},
        {0, "LUKS\xba\xbe", "LUKS"},
        {4086, "SWAPSPACE2", "swap"},
        {131072 + 5 * 1024, "\x0c\xb1\xba\x00\x00\x00\x00\x00"s, "ZFS"},
        {512, "EFI PART", "a GPT partition table"},
        {kBytes - 512, "EFI PART", "a GPT partition table"},
        {510, "\x55\xaa", "a boot sector or an MBR partition table"},
        {8, "littlefs", "damaged littlefs"},
    };
    for (const Other &other : others) {
        std::vector<u8> image(kBytes);
        poke(image, other.at, other.bytes);
        check_left_alone(image, block::kSystemType, "holds " + other.name);
        // mkfs, too, until it is told to; then nobody finds it any more.
        TestDisk<LittleFs> t{image};
        CHECK_FALSE(t.start().ok());
        CHECK(t.fs->format(false).error() == ERR_EXISTS);
        CHECK(t.disk.image == image);
        REQUIRE(t.fs->format(true).ok());
        REQUIRE(t.start().ok());
        CHECK_FALSE(t.fs->formatted());
        CHECK(find_signature(*t.cache).value() == kLittleFsSignature);
    }
}

TEST_CASE("the mark of an interrupted format is not enough", "[volume]") {
    std::vector<u8> ext4 = made_by("mkfs.ext4 -q", 4 << 20), unknown(4 << 20);
    poke(unknown, 40'000, "data");
    for (std::vector<u8> *image : {&ext4, &unknown}) {
        poke(*image, image->size() - 4096, {kMark, sizeof kMark});
    }
    for (block::Guid type : {block::kSystemType, block::kLinuxType, kOtherType}) {
        check_left_alone(ext4, type, "holds ext2, ext3 or ext4");
    }
    check_left_alone(unknown, block::kSystemType, "holds something unknown");
}

TEST_CASE("littlefs in a partition of another size", "[volume]") {
    TestDisk<LittleFs> made{std::vector<u8>(1 << 20)};
    REQUIRE(made.start().ok());
    REQUIRE(put_file(*made.files, "/f", std::string(20'000, 'x')).ok());
    made.files->close_all(99);
    REQUIRE(made.files->sync_all().ok());

    std::vector<u8> image = made.disk.image;
    image.resize(2 << 20);
    image.back() = 0x77;
    TestDisk<LittleFs> grown{image};
    grown.disk.type = kOtherType;
    REQUIRE(grown.start().ok());
    CHECK(grown.fs->note() == "its littlefs has 1020 KiB, the partition 2048");
    CHECK(content_of(*grown.files, "/f") == std::string(20'000, 'x'));
    REQUIRE(put_file(*grown.files, "/g", "y").ok());
    REQUIRE(grown.files->sync_all().ok());
    CHECK(grown.disk.image.back() == 0x77);

    image.resize(512 << 10);
    TestDisk<LittleFs> cut{image};
    REQUIRE(cut.start().ok());
    CHECK(cut.fs->note() == "its littlefs has 1020 KiB, the partition 512: read-only");
    CHECK(content_of(*cut.files, "/f").size() > 0);
    CHECK(cut.files->make_directory("/d").error() == ERR_RIGHT);
    CHECK(cut.disk.image == image);
    CHECK_FALSE(cut.disk.strayed);
}

TEST_CASE("a FAT that says it is larger than its partition is refused", "[volume]") {
    std::vector<u8> image = fat_image(4 << 20);
    image.resize(3 << 20);
    TestDisk<Fat> t{image};
    CHECK(t.start().error() == ERR_NAME);
    CHECK(t.fs->note() == "its FAT has 4096 KiB, the partition 3072");
    CHECK(t.disk.image == image);
    image.resize(5 << 20);
    TestDisk<Fat> larger{image};
    CHECK(larger.start().ok());
    TestDisk<Fat> blank{std::vector<u8>(1 << 20)};
    CHECK(blank.start().error() == ERR_NAME);
    CHECK(blank.fs->note() == "holds nothing known, expected FAT");
}

TEST_CASE("FAT is made by command, and what host tools make with longer sectors is read",
          "[volume]") {
    u32 sector = GENERATE(512u, 4096u);
    TestDisk<Fat> t{std::vector<u8>(8 << 20)};
    t.disk.sector_bytes = sector;
    CHECK(t.start().error() == ERR_NAME);
    REQUIRE(t.fs->format(false).ok());
    REQUIRE(t.start().ok());
    REQUIRE(put_file(*t.files, "/A file.text", std::string(10'000, 'x')).ok());
    REQUIRE(t.files->sync_all().ok());
    CHECK(t.fs->format(false).error() == ERR_EXISTS);
    HostFile file;
    file.write(t.disk.image);
    CHECK(host("fsck.vfat -n " + file.path()) == 0);
    REQUIRE(t.start().ok());
    CHECK(content_of(*t.files, "/A file.text") == std::string(10'000, 'x'));
    TestDisk<Fat> theirs{fat_image(64 << 20, "-S 4096")};
    theirs.disk.sector_bytes = sector;
    REQUIRE(theirs.start().ok());
    REQUIRE(put_file(*theirs.files, "/f", "x").ok());
    CHECK_FALSE(t.disk.strayed);
    CHECK_FALSE(theirs.disk.strayed);
}

TEST_CASE("a FAT file under two names", "[volume]") {
    Fixture<Fat> t;
    u32 a = t.create("/Some long name.text");
    REQUIRE(t.put(a, 0, "one") == OK);
    u32 b = t.v().open(kMe, "/SOME LONG NAME.TEXT", file::kWrite).value();
    REQUIRE(t.put(b, 3, " two") == OK);
    CHECK(t.get(a) == "one two");
    CHECK(t.v().remove("/SOMELO~1.TEX").ok());
    u8 out[1];
    CHECK(t.v().read(kMe, b, 0, out).error() == ERR_GONE);
    REQUIRE(put_file(t.v(), "/Other name.text", "text").ok());
    CHECK(t.v().rename("/Other name.text", "/OTHER name.text").ok());
    CHECK(t.v().list("/", 0)->name == "OTHER name.text");
    CHECK(content_of(t.v(), "/other name.text") == "text");
}

// Letter case, accents, short names, dots and blanks at the end: the file system knows.
TEST_CASE("a FAT name has one spelling, however it is said", "[volume]") {
    Fixture<Fat> t;
    Volume &v = t.v();
    auto spelled = [&](const std::string &path) {
        sel::Result<file::Path> found = v.resolve(path);
        return found.ok() ? std::string{found->view()} : std::string{"?"};
    };
    REQUIRE(v.make_directory("/Some Photos").ok());
    REQUIRE(put_file(v, "/Some Photos/\u00dcber.txt", "precious").ok());
    for (const std::string directory :
         {"Some Photos", "some photos", "SOMEPH~1", "Some Photos. ."}) {
        for (const std::string name :
             {"\u00dcber.txt", "\u00fcBER.TXT", "\u00dcber.txt.", "\u00dcber.txt "}) {
            CHECK(spelled("/" + directory + "/" + name) == "/Some Photos/\u00dcber.txt");
        }
        for (const std::string other : {"some photos", "SOMEPH~1", "Some Photos."}) {
            std::string below = "/" + directory + "/x", deeper = "/" + directory + "/" + other;
            CHECK(v.rename("/" + other, below).error() == ERR_ARG); // Into itself.
            CHECK(v.rename("/" + other, deeper).error() == ERR_ARG);
        }
    }
    CHECK(v.rename("/some photos", "/\u00e4ltere").ok());
    CHECK(v.rename("/\u00c4LTERE", "/\u00c4ltere").ok());
    CHECK(spelled("/\u00e4LTERE") == "/\u00c4ltere");
    CHECK(content_of(v, "/\u00e4ltere/\u00fcber.txt") == "precious");
    CHECK(v.rename("/\u00e4ltere", "/\u00c4ltere.").ok()); // The same name.
    CHECK(v.rename("/\u00e4ltere", "/photos").ok());
    CHECK(v.rename("/photos", "/Photos").ok());
    CHECK(spelled("/PHOTOS/\u00fcber.TXT") == "/Photos/\u00dcber.txt");
    CHECK(v.list("/", 0)->name == "Photos");
    CHECK(v.list("/", v.list("/", 0)->next).error() == ERR_EMPTY);
    u32 made = t.create("/photos/New.txt . "), same = t.create("/PHOTOS/NEW.TXT");
    CHECK(t.put(made, 0, "one file") == OK);
    CHECK(t.get(same) == "one file");
    CHECK(v.path_of(kMe, same) == "/Photos/New.txt");
    CHECK(v.rename("/photos/new.txt", "/PHOTOS/\u00dcBER.txt").ok()); // Replaces it.
    CHECK(content_of(v, "/Photos/\u00fcber.txt") == "one file");
    CHECK(v.sync_all().ok());
    HostFile image;
    image.write(t.disk.image);
    CHECK(host("fsck.vfat -n " + image.path()) == 0);
}

TEST_CASE("a FAT root directory that is full takes no names, and is not read-only", "[volume]") {
    Fixture<Fat> t;
    REQUIRE(t.v().make_directory("/d").ok());
    REQUIRE(put_file(t.v(), "/d/x", "text").ok());
    u32 files = 0;
    while (put_file(t.v(), "/f" + std::to_string(files), "").ok()) {
        REQUIRE(++files < 2000);
    }
    CHECK(t.v().open(kMe, "/more", kNew).error() == ERR_FULL);
    CHECK(t.v().make_directory("/more").error() == ERR_FULL);
    CHECK(t.v().rename("/d/x", "/more").error() == ERR_FULL);
    CHECK(content_of(t.v(), "/d/x") == "text");
    CHECK(t.v().rename("/d/x", "/F0").ok());
}

TEMPLATE_TEST_CASE("a rename makes no path too long", "[volume]", LittleFs, Fat) {
    Fixture<TestType> t;
    std::string deep = "/a";
    REQUIRE(t.v().make_directory(deep).ok());
    while (deep.size() < 200) {
        deep += "/" + std::string(20, 'd');
        REQUIRE(t.v().make_directory(deep).ok());
    }
    CHECK(t.v().rename("/a", "/b").ok());
    CHECK(t.v().rename("/b", "/" + std::string(40, 'b')).error() == ERR_FULL);
    REQUIRE(t.v().make_directory("/c").ok());
    CHECK(t.v().rename("/b", "/c/b").ok());
    CHECK(t.v().rename("/c", "/" + std::string(20, 'c')).error() == ERR_FULL);
    CHECK(t.v().stat("/c/b" + deep.substr(2)).ok());
}

// What was not written is said: by the close or sync of the file, by sync_all() while it is lost, and to
// the log. littlefs goes back to what is on the disk; FAT has it in memory, and tries again.
TEMPLATE_TEST_CASE("what could not be written is told", "[volume]", LittleFs, Fat) {
    constexpr bool kReverts = std::is_same_v<TestType, LittleFs>;
    Fixture<TestType> t;
    Volume &v = t.v();
    REQUIRE(put_file(v, "/f", "old").ok());
    REQUIRE(put_file(v, "/g", "old").ok());
    REQUIRE(v.sync_all().ok());
    u32 other = v.open(kOther, "/g", file::kWrite).value();
    REQUIRE(v.write(kOther, other, 0, bytes_of("new")).ok());
    u32 told = v.failure().times;
    t.disk.fault = [](const block::Request &r) { return r.op == block::Op::Write ? ERR_IO : OK; };
    CHECK(put_file(v, "/f", "fresh").error() == ERR_IO);
    CHECK(v.failure().times != told);
    CHECK(v.failure().error == ERR_IO);
    if (kReverts) {
        CHECK(content_of(v, "/f") == "old");
        CHECK(content_of(v, "/g") == "old");
    }
    CHECK(v.sync_all().error() == ERR_IO);
    CHECK(v.write_back().ok() == kReverts);
    CHECK(v.sync_all().error() == ERR_IO);
    CHECK(v.close(kOther, other).error() == ERR_IO);
    CHECK(v.sync_all().ok() == kReverts);
    t.disk.fault = nullptr;
    CHECK(v.sync_all().ok());
    CHECK(put_file(v, "/f", "fine").ok());
    CHECK(v.rename("/f", "/h").ok());
    CHECK(v.sync_all().ok());
    REQUIRE(t.start().ok());
    CHECK(content_of(t.v(), "/h") == "fine");
}

// A client that is gone cannot be told: sync_all() says it, once.
TEST_CASE("what nobody has open any more is not lost in silence", "[volume]") {
    Fixture<LittleFs> t;
    u32 handle = t.create("/f");
    REQUIRE(t.put(handle, 0, "text") == OK);
    t.disk.fault = [](const block::Request &r) { return r.op == block::Op::Write ? ERR_IO : OK; };
    t.v().close_all(kMe);
    CHECK(t.v().write_back().ok());
    CHECK(t.v().sync_all().error() == ERR_IO);
    CHECK(t.v().sync_all().ok());
}

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
    CHECK(server.on(file::List{.position = 0, .data = "/"}).value().data == "f");
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
