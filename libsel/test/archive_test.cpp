// Archive: what scripts/pack_archive.py makes opens; every damage is found.
// SPDX-License-Identifier: BSD-2-Clause
#include <catch2/catch.hpp>

#include "make_archive.hpp"

using sel::test::seal;

namespace {

using Bytes = std::vector<u8>;

u8 *at(Bytes &b, std::size_t offset) {
    return b.data() + offset;
}

Bytes make() {
    auto bytes = [](std::string_view text) { return Bytes{text.begin(), text.end()}; };
    return sel::test::make_archive(
        {{"etc/motd", bytes("hello")}, {"bin/x", bytes("a longer file, of 33 bytes in all")}});
}

} // namespace

TEST_CASE("an archive opens and its files are found") {
    Bytes b = make();
    b.resize(b.size() + 4096); // Modules are rounded up to pages.
    auto archive = sel::Archive::open(b);
    REQUIRE(archive.ok());
    CHECK(archive->count() == 2);
    auto motd = archive->find("etc/motd");
    REQUIRE(motd.ok());
    CHECK(std::string(motd->content.begin(), motd->content.end()) == "hello");
    CHECK(archive->find("etc").error() == ERR_NAME);
    CHECK(archive->file(1).intact());
}

TEST_CASE("no archive, a cut one, an empty one") {
    Bytes b = make();
    CHECK(sel::Archive::open({}).error() == ERR_EMPTY);
    CHECK(sel::Archive::open(Bytes(100, 0)).error() == ERR_EMPTY);
    for (std::size_t n = 0; n < b.size(); n++) {
        error_t wanted = n < sizeof(sel::ArchiveHeader) ? ERR_EMPTY : ERR_MEMORY;
        REQUIRE(sel::Archive::open(std::span(b).first(n)).error() == wanted);
    }
}

TEST_CASE("any changed byte is found, in the table or in a file") {
    Bytes good = make();
    std::size_t table = sizeof(sel::ArchiveHeader) + 2 * sizeof(sel::ArchiveEntry);
    for (std::size_t i = 0; i < good.size(); i++) {
        Bytes b = good;
        b[i] ^= 0x10;
        auto archive = sel::Archive::open(b);
        bool filling = i >= table + 5 && i < table + 16;
        filling = filling || i >= table + 16 + 33;
        bool found = !archive.ok() || !archive->file(0).intact() || !archive->file(1).intact();
        REQUIRE(found != filling);
        REQUIRE(archive.ok() ==
                (i >= table)); // Files are looked at when they are found, not when it is opened.
    }
}

TEST_CASE("a table that lies with the right sum is refused") {
    auto with = [](auto change) {
        Bytes b = make();
        sel::ArchiveEntry e;
        std::memcpy(&e, at(b, sizeof(sel::ArchiveHeader)), sizeof e);
        change(e);
        std::memcpy(at(b, sizeof(sel::ArchiveHeader)), &e, sizeof e);
        seal(b);
        return sel::Archive::open(b).error();
    };
    CHECK(with([](auto &) {}) == OK);
    CHECK(with([](auto &e) { e.offset = ~0ull; }) == ERR_IO);
    CHECK(with([](auto &e) { e.bytes = ~0ull; }) == ERR_IO);
    CHECK(with([](auto &e) {
              e.offset = 300;
              e.bytes = 300;
          }) == ERR_IO);
    CHECK(with([](auto &e) { e.name[0] = 0; }) == ERR_IO);
    CHECK(with([](auto &e) { e.name[0] = '/'; }) == ERR_IO);
    CHECK(with([](auto &e) { e.name[0] = '\n'; }) == ERR_IO);
    CHECK(with([](auto &e) { std::memset(e.name, 'x', sizeof e.name); }) == ERR_IO);
}
