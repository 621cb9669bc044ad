// FullPath: what is a path, and what may be done to one.
// SPDX-License-Identifier: BSD-2-Clause
#include <catch2/catch.hpp>

#include <string>

#include "servers/file/path.hpp"

using file::FullPath;

namespace {

std::string text(const FullPath &path) {
    CHECK(path.c_str() == path.view());
    return std::string{path.view()};
}

FullPath parsed(std::string_view from) {
    sel::Result<FullPath> path = FullPath::parse(from);
    REQUIRE(path.ok());
    return *path;
}

const std::string kLongest = "/" + std::string(63, 'a') + "/" + std::string(63, 'b') + "/" +
                             std::string(63, 'c') + "/" + std::string(62, 'd');

} // namespace

TEST_CASE("one path, whatever the slashes", "[file]") {
    CHECK(text(parsed("/")) == "/");
    CHECK(text(parsed("///")) == "/");
    CHECK(text(parsed("//a///b//")) == "/a/b");
    CHECK(text(parsed(kLongest)) == kLongest);
}

TEST_CASE("what is no path", "[file]") {
    for (std::string_view wrong :
         {"", "a", "/.", "/..", "/a/../b", "/a/.", "/a\\b", "/a\x7f", "/\n"}) {
        CHECK(FullPath::parse(wrong).error() == ERR_SYNTAX);
    }
    CHECK(FullPath::parse(std::string{"/a\0b", 4}).error() == ERR_SYNTAX);
    CHECK(FullPath::parse("/" + std::string(64, 'a')).error() == ERR_SYNTAX);
    CHECK(FullPath::parse(kLongest + "dd").error() == ERR_SYNTAX);
    CHECK_FALSE(FullPath::is_name(""));
    CHECK_FALSE(FullPath::is_name("a/b"));
}

TEST_CASE("going in and out", "[file]") {
    FullPath path = parsed("/");
    CHECK((path.enter("a") && path.enter("b")));
    CHECK(text(path) == "/a/b");
    CHECK(path.parent() == "/a");
    path.leave();
    CHECK(text(path) == "/a");
    path.leave();
    path.leave();
    CHECK(text(path) == "/");

    path = parsed(kLongest);
    CHECK_FALSE(path.enter("e"));
    CHECK_FALSE(path.join("/e"));
    CHECK(text(path) == kLongest);
    CHECK((path.join("/") && path.join("")));
    CHECK(text(path) == kLongest);
}

TEST_CASE("within is by names, not by letters", "[file]") {
    CHECK(parsed("/ab").is_within("/"));
    CHECK(parsed("/a").is_within("/a"));
    CHECK(parsed("/a/b").is_within("/a"));
    CHECK_FALSE(parsed("/ab").is_within("/a"));
    CHECK_FALSE(parsed("/a").is_within("/a/b"));
    CHECK(text(parsed("/a/b").below("/")) == "/a/b");
    CHECK(text(parsed("/a/b").below("/a")) == "/b");
    CHECK(text(parsed("/a").below("/a")) == "/");
}

TEST_CASE("moving a part of it", "[file]") {
    FullPath path = parsed("/a/b/c");
    CHECK((path.move("/a/b", "/x") && text(path) == "/x/c"));
    CHECK((path.move("/x", "/long/er") && text(path) == "/long/er/c"));
    CHECK((path.move("/long/er/c", "/d") && text(path) == "/d"));
    CHECK_FALSE((parsed("/a/b/c").move("/a", kLongest)));
    path = parsed("/a/b");
    CHECK_FALSE(path.move("/a", kLongest));
    CHECK(text(path) == "/a/b");
}
