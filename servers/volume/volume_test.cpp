// Volume on littlefs and on FAT: names, content, handles, limits, against a map.
// SPDX-License-Identifier: BSD-2-Clause
#include "servers/volume/fixture.hpp"

#include <catch2/catch.hpp>
#include <map>
#include <random>

using namespace volume;

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
    CHECK(list_some(v, "/f").error == ERR_DIRECTORY);
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
    u32 other = t.create("/g");
    CHECK(t.put(other, 0, "later") == OK);
    CHECK(t.v().dirty());
    CHECK(t.v().sync(kMe, handle).ok());
    CHECK(t.v().dirty());
    CHECK(t.v().sync(kMe, other).ok());
    CHECK_FALSE(t.v().dirty());
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
    Listing some = list_some(t.v(), "/");
    for (u32 answers = 0; some.error == OK; answers++, some = list_some(t.v(), "/", position)) {
        // Only the first ones of each answer are used, and somebody else lists too.
        for (u32 i = 0; i < some.entries.size() && i <= answers; i++) {
            CHECK(some.entries[i].next > position);
            position = some.entries[i].next;
            CHECK(some.entries[i].info.kind == file::Kind::Directory);
            seen[some.entries[i].name]++;
        }
        if (answers % 3 == 0) {
            list_some(t.v(), "/");
        }
    }
    CHECK(some.error == ERR_EMPTY);
    CHECK(seen.size() == 100);
    CHECK(std::all_of(seen.begin(), seen.end(), [](auto &entry) { return entry.second == 1; }));
    CHECK(list_some(t.v(), "/", ~u32{0} - 1).error == ERR_EMPTY);
    CHECK(list_some(t.v(), "/none").error == ERR_NAME);
}

// Entries come and go in the middle of it, and the names are not made in their order.
TEMPLATE_TEST_CASE("a listing is what is there, however it came about", "[volume]", LittleFs, Fat) {
    Fixture<TestType> t;
    std::map<std::string, std::string> model;
    std::mt19937 random{7};
    REQUIRE(t.v().make_directory("/d").ok());
    for (int step = 0; step < 600; step++) {
        std::string name = "entry " + std::to_string(random() % 200), path = "/d/" + name;
        if (random() % 3 != 0) {
            model[name] = std::string(random() % 2 == 0 ? random() % 20 : random() % 30000, 'x');
            REQUIRE(put_file(t.v(), path, model[name]).ok());
        } else if (model.erase(name) != 0) {
            REQUIRE(t.v().remove(path).ok());
        }
        if (step % 50 != 0) {
            continue;
        }
        Listing all = list_all(t.v(), "/d");
        CHECK(all.error == ERR_EMPTY);
        std::map<std::string, std::size_t> sizes;
        for (const Seen &seen : all.entries) {
            sizes[seen.name] = seen.info.bytes;
            CHECK(seen.info.changed == 1'700'000'000);
        }
        REQUIRE(all.entries.size() == model.size());
        for (auto &[kept, content] : model) {
            INFO(kept);
            REQUIRE(sizes.contains(kept));
            CHECK(sizes[kept] == content.size());
        }
    }
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
