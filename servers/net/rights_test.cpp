// Rights: what texts say, and which are none.
// SPDX-License-Identifier: BSD-2-Clause
#include "rights.hpp"

#include <catch2/catch.hpp>
#include <random>
#include <string>

using namespace net;

namespace {

constexpr Address kHost = v4(10, 0, 2, 2), kOther = v4(10, 0, 2, 3);

Rights rights_of(std::string_view text) {
    Rights rights;
    REQUIRE(rights.read(text));
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
          "connect=host:80",
          "connect=",
          "send=7",
          "listen=99999999999",
          "connect=10.0.2.4294967298:80",
          "listen=1,listen=2,listen=3,listen=4,listen=5,listen=6,listen=7,listen=8,listen=9"}) {
        Rights r = rights_of("anything");
        CAPTURE(text);
        CHECK_FALSE(r.read(text));
        CHECK_FALSE(r.any_at_all());
    }
}

TEST_CASE("random texts", "[net]") {
    constexpr std::string_view kPieces[] = {
        "listen=", "connect=", "10.0.2.2", ":", "*", ",", "80", "-", "/", "8", "anything", "."};
    std::mt19937 random{5};
    u32 good = 0;
    for (u32 i = 0; i < 100'000; i++) {
        std::string text;
        for (u32 n = random() % 8; n != 0; n--) {
            text += kPieces[random() % std::size(kPieces)];
        }
        Rights r;
        bool read = r.read(text);
        good += read ? 1 : 0;
        REQUIRE((read || !r.any_at_all()));
        REQUIRE((text.find("anything") == text.npos || !r.may_listen(7) || text == "anything" ||
                 text.find("listen") != text.npos));
    }
    CHECK(good > 1000);
}
