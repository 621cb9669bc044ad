// Tests of what may be shown on a terminal.
// SPDX-License-Identifier: BSD-2-Clause
#include "sel/printable.hpp"

#include <catch2/catch.hpp>
#include <string>

namespace {

std::string shown(std::string_view text) {
    std::string out;
    auto put = [&](char c) { out += c; };
    sel::Printable printable{"\n\t", '?'};
    for (char c : text) {
        printable.put(c, put);
    }
    printable.end(put);
    return out;
}

} // namespace

TEST_CASE("text passes, in every length of UTF-8") {
    for (const char *text : {"plain\ttext\n", "\xc3\xa9", "\xc2\xa0", "\xe2\x82\xac",
                             "\xed\x9f\xbf", "\xf0\x9f\x98\x80", "\xf4\x8f\xbf\xbf"}) {
        CHECK(shown(text) == text);
    }
}

TEST_CASE("controls do not pass, in one byte or two") {
    CHECK(shown(std::string_view{"a\0b", 3}) == "a?b");
    CHECK(shown("\x1b[2J\x7f\r\b\a") == "?[2J????");
    CHECK(shown("\xc2\x9b"
                "2J\xc2\x80\xc2\x9f") == "?2J??");
    CHECK(shown("\x9b"
                "2J\x80") == "?2J?");
}

TEST_CASE("what is no UTF-8 does not pass, and what follows it does") {
    CHECK(shown("\xc3") == "?");
    CHECK(shown("\xc3x") == "?x");
    CHECK(shown("\xe2\x82x") == "??x");
    CHECK(shown("\xe2\x82\xc3\xa9") == "??\xc3\xa9");
    CHECK(shown("\xc0\xaf\xed\xa0\x80\xf5\xff") == "???????");
    CHECK(shown("\xf0\x80\x80\x80\xe0\x80\x80") == "???????");
}

TEST_CASE("no sequence of two bytes brings a control through") {
    for (u32 a = 0; a < 256; a++) {
        for (u32 b = 0; b < 256; b++) {
            char pair[] = {static_cast<char>(a), static_cast<char>(b)};
            std::string out = shown({pair, 2});
            for (std::size_t i = 0; i < out.size(); i++) {
                u8 c = static_cast<u8>(out[i]);
                REQUIRE((c >= ' ' || c == '\n' || c == '\t'));
                REQUIRE(c != 0x7f);
                REQUIRE((c < 0x80 || c >= 0xa0 || (i > 0 && static_cast<u8>(out[i - 1]) > 0xc2)));
            }
        }
    }
}
