// What is of FAT alone: places in long files, the spelling of names, what others and commands make.
// SPDX-License-Identifier: BSD-2-Clause
#include "servers/volume/fixture.hpp"

#include <catch2/catch.hpp>

using namespace volume;

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

TEST_CASE("clusters that follow each other are read at once", "[volume]") {
    TestDisk<Fat> t{fat_image(8 << 20, "-s 1 -F 16")};
    REQUIRE(t.start().ok());
    std::string text(200 * 512, 'a');
    for (std::size_t i = 0; i < text.size(); i++) {
        text[i] = static_cast<char>(i % 251);
    }
    REQUIRE(put_file(*t.files, "/long", text).ok());
    REQUIRE(t.start().ok());
    u32 handle = t.files->open(kMe, "/long", 0).value();
    std::string out(8 * 512, '?');
    auto read_at = [&](u64 offset) {
        return t.files->read(kMe, handle, offset, {reinterpret_cast<u8 *>(out.data()), out.size()});
    };
    REQUIRE(read_at(20 * 512).ok()); // Finds where they are.
    u64 before = t.disk.requests;
    CHECK(read_at(100 * 512).value() == out.size());
    CHECK(out == text.substr(100 * 512, out.size()));
    CHECK(t.disk.requests == before + 1);
    CHECK(read_at(199 * 512).value() == 512);
    CHECK(out.substr(0, 512) == text.substr(199 * 512));
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
    CHECK(list_some(t.v(), "/").entries.at(0).name == "OTHER name.text");
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
    CHECK(list_all(v, "/").entries.size() == 1);
    CHECK(list_some(v, "/").entries.at(0).name == "Photos");
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
