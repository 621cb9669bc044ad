// What is of littlefs alone: its check sum, long directories.
// SPDX-License-Identifier: BSD-2-Clause
#include "servers/volume/fixture.hpp"

#include <catch2/catch.hpp>
#include <map>
#include <random>

using namespace volume;

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
