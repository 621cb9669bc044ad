// Checks, and repairs of FAT: what is found, in steps, and what host tools say of it.
// SPDX-License-Identifier: BSD-2-Clause
#include "servers/volume/fixture.hpp"

#include <catch2/catch.hpp>
#include <random>

using namespace volume;

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
