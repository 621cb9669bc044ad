// Rights: what texts say, and which are none.
// SPDX-License-Identifier: BSD-2-Clause
#include "rights.hpp"

#include <catch2/catch.hpp>
#include <random>
#include <string>
#include <vector>

using namespace net;

namespace {

constexpr Address kHost = v4(10, 0, 2, 2), kOther = v4(10, 0, 2, 3);

Names names;

Rights rights_of(std::string_view text) {
    Rights rights;
    REQUIRE(rights.read(text, names));
    return rights;
}

} // namespace

TEST_CASE("nothing, and anything", "[net]") {
    Rights none;
    CHECK_FALSE(none.any_at_all());
    CHECK_FALSE(rights_of("").any_at_all());
    for (u16 port : {0, 1, 7, 65535}) {
        CHECK_FALSE(none.may_listen(port));
        CHECK_FALSE(none.may_reach({kHost, port}));
    }
    Rights all = rights_of("anything");
    CHECK(all.any_at_all());
    CHECK(all.may_listen(1));
    CHECK(all.may_reach({kOther, 65535}));
    CHECK(all.may_reach(kOther));
}

TEST_CASE("ports and hosts", "[net]") {
    Rights r =
        rights_of("listen=7,connect=10.0.2.2:80-81,connect=192.168.0.0/16:*,listen=8000-8080");
    CHECK(r.may_listen(7));
    CHECK_FALSE(r.may_listen(8));
    CHECK_FALSE(r.may_listen(0));
    CHECK(r.may_listen(8080));
    CHECK_FALSE(r.may_listen(8081));
    CHECK_FALSE(r.may_listen(80));
    CHECK(r.may_reach({kHost, 80}));
    CHECK(r.may_reach({kHost, 81}));
    CHECK_FALSE(r.may_reach({kHost, 82}));
    CHECK_FALSE(r.may_reach({kHost, 7}));
    CHECK_FALSE(r.may_reach({kOther, 80}));
    CHECK(r.may_reach(kHost));
    CHECK_FALSE(r.may_reach(kOther));
    CHECK(r.may_reach({v4(192, 168, 255, 1), 1}));
    CHECK_FALSE(r.may_reach({v4(192, 168, 255, 1), 0}));
    CHECK_FALSE(r.may_reach({v4(192, 169, 0, 1), 1}));
    CHECK_FALSE(r.may_reach({Address{{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 192, 168, 0, 1}}, 1}));
    CHECK(rights_of("connect=*:53").may_reach({kOther, 53}));
    CHECK(rights_of("connect=0.0.0.0/0:53").may_reach({kOther, 53}));
    CHECK_FALSE(rights_of("connect=*:53").may_listen(53));
}

TEST_CASE("texts that are none give nothing", "[net]") {
    for (std::string_view text :
         {"listen",
          "listen=",
          "listen=0",
          "listen=65536",
          "listen=7-",
          "listen=-7",
          "listen=8-7",
          "listen=7,",
          ",listen=7",
          "listen=7,,listen=8",
          "listen=7 ",
          "anything,listen=7",
          "connect=10.0.2.2",
          "connect=:80",
          "connect=10.0.2:80",
          "connect=10.0.2.256:80",
          "connect=10.0.2.2.2:80",
          "connect=10.0.2.2:",
          "connect=10.0.2.2/33:80",
          "connect=10.0.2.2/:80",
          "connect=-host:80",
          "connect=host-:80",
          "connect=ho_st:80",
          "connect=host/8:80",
          "connect=.host:80",
          "connect=host.:80",
          "connect=host..name:80",
          "connect=host.7:80",
          "connect=host",
          "connect=",
          "send=7",
          "listen=99999999999",
          "connect=10.0.2.4294967298:80",
          "listen=1,listen=2,listen=3,listen=4,listen=5,listen=6,listen=7,listen=8,listen=9"}) {
        Rights r = rights_of("anything");
        CAPTURE(text);
        CHECK_FALSE(r.read(text, names));
        CHECK_FALSE(r.any_at_all());
    }
}

TEST_CASE("names mean what was found first, and nothing before", "[net]") {
    Names found;
    Rights r, other;
    REQUIRE(r.read("connect=Example.org:443,connect=10.0.2.3:9,listen=7", found));
    REQUIRE(other.read("connect=else.example:443", found));
    CHECK_FALSE(r.may_reach({kHost, 443}));
    CHECK_FALSE(r.may_reach({Address{}, 443}));
    CHECK_FALSE(r.may_reach(kHost));
    found.learn("eXample.org", kHost);
    found.learn("example.org", kOther);
    found.learn("nobody.example", kOther);
    CHECK(found.address_of("EXAMPLE.ORG") == kHost);
    CHECK_FALSE(found.address_of("nobody.example"));
    CHECK(r.may_reach({kHost, 443}));
    CHECK(r.may_reach(kHost));
    CHECK_FALSE(r.may_reach({kHost, 80}));
    CHECK_FALSE(r.may_reach({kOther, 443}));
    CHECK(r.may_reach({kOther, 9}));
    CHECK_FALSE(other.may_reach({kHost, 443}));
    CHECK(r.may_look_up("example.ORG"));
    CHECK_FALSE(r.may_look_up("example.org.evil.example"));
    CHECK_FALSE(r.may_look_up("else.example"));
    CHECK_FALSE(rights_of("listen=7,connect=10.0.2.2:*").may_look_up("example.org"));
    CHECK_FALSE(rights_of("listen=7,connect=10.0.2.2:*").may_look_up(""));
    CHECK(rights_of("connect=*:80").may_look_up("example.org"));
    CHECK(rights_of("anything").may_look_up("example.org"));
    CHECK_FALSE(Rights{}.may_look_up("example.org"));
}

TEST_CASE("there are only so many names", "[net]") {
    Names few;
    std::vector<std::string> texts;
    for (u32 i = 0; i <= Names::kNames; i++) {
        texts.push_back("connect=host" + std::to_string(i) + ":80");
    }
    for (u32 i = 0; i <= Names::kNames; i++) {
        Rights r;
        CHECK(r.read(texts[i], few) == (i < Names::kNames));
        CHECK(r.any_at_all() == (i < Names::kNames));
    }
    Rights again;
    CHECK(again.read(texts[0], few));
}

TEST_CASE("random texts", "[net]") {
    constexpr std::string_view kPieces[] = {"listen=",  "connect=", "10.0.2.2", ":", "*",
                                            ",",        "80",       "-",        "/", "8",
                                            "anything", ".",        "org"};
    std::mt19937 random{5};
    u32 good = 0;
    for (u32 i = 0; i < 100'000; i++) {
        std::string text;
        for (u32 n = random() % 8; n != 0; n--) {
            text += kPieces[random() % std::size(kPieces)];
        }
        Names few;
        Rights r;
        bool read = r.read(text, few);
        good += read ? 1 : 0;
        REQUIRE((read || !r.any_at_all()));
        REQUIRE((text.find("anything") == text.npos || !r.may_listen(7) || text == "anything" ||
                 text.find("listen") != text.npos));
    }
    CHECK(good > 1000);
}
