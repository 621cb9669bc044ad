// format(): numbers, padding, cuts, and patterns that do not fit their arguments.
// SPDX-License-Identifier: BSD-2-Clause
#include <catch2/catch.hpp>

#include "sel/format.hpp"
#include "sel/words.hpp"

namespace {

template <typename... Ts>
std::string text(std::string_view pattern, const Ts &...values) {
    sel::Text<40> t;
    sel::format(t, pattern, values...);
    return std::string(t.view());
}

} // namespace

TEST_CASE("numbers") {
    CHECK(text("{}", 0) == "0");
    CHECK(text("{}", ~0ull) == "18446744073709551615");
    CHECK(text("{}", INT64_MIN) == "-9223372036854775808");
    CHECK(text("{:x}", 0xdeadbeefull) == "deadbeef");
    CHECK(text("{:x}", u8{255}) == "ff");
    CHECK(text("{} {}", true, 'c') == "true c");
}

TEST_CASE("padding") {
    CHECK(text("[{:5}]", 42) == "[   42]");
    CHECK(text("[{:<5}]", 42) == "[42   ]");
    CHECK(text("[{:05}]", -42) == "[-0042]");
    CHECK(text("[{:08x}]", 0xabcu) == "[00000abc]");
    CHECK(text("[{:5}]", "ab") == "[ab   ]");
    CHECK(text("[{:1}]", "ab") == "[ab]");
}

TEST_CASE("patterns") {
    CHECK(text("{{}}") == "{}");
    CHECK(text("{") == "{");
    CHECK(text("}") == "}");
    CHECK(text("a {} b {}", 1) == "a 1 b {?}");
    CHECK(text("none", 1) == "none");
}

TEST_CASE("what does not fit is cut") {
    sel::Text<4> t;
    sel::format(t, "{}", 123456);
    CHECK(t == "1234");
    sel::format(t, "{}", 7);
    CHECK(t == "1234");
    sel::Text<8> u{"ab"};
    sel::format(u, "{:99}|", 1);
    CHECK(u == "ab      ");
}

TEST_CASE("a line is parted into words") {
    sel::Words words{"  one two  three "};
    CHECK(words.next() == "one");
    CHECK(words.next() == "two");
    CHECK(words.next() == "three");
    CHECK(words.next().empty());
    CHECK(words.next().empty());
    CHECK(sel::Words{""}.next().empty());
    CHECK(sel::Words{"alone"}.next() == "alone");
}
