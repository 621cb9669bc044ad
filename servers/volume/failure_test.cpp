// Disks that fail: what could not be written is told.
// SPDX-License-Identifier: BSD-2-Clause
#include "servers/volume/fixture.hpp"

#include <catch2/catch.hpp>

using namespace volume;

TEMPLATE_TEST_CASE("a disk that fails gives errors, then works again", "[volume]", LittleFs, Fat) {
    Fixture<TestType> t;
    u32 handle = t.create("/f");
    REQUIRE(t.put(handle, 0, "old") == OK);
    REQUIRE(t.v().sync(kMe, handle).ok());
    REQUIRE(t.put(handle, 0, "new") == OK);
    t.disk.fault = [](const block::Request &r) { return r.op == block::Op::Read ? OK : ERR_IO; };
    CHECK(t.v().sync(kMe, handle).error() == ERR_IO);
    t.disk.fault = nullptr;
    std::string content = content_of(t.v(), "/f");
    CHECK((content == "old" || content == "new"));
    CHECK(put_file(t.v(), "/g", "fine").ok());
    CHECK(t.v().sync_all().ok());
    REQUIRE(t.start().ok());
    CHECK(content_of(t.v(), "/g") == "fine");
}

// What was not written is said: by the close or sync of the file, by sync_all() while it is lost, and to
// the log. littlefs goes back to what is on the disk; FAT has it in memory, and tries again.
TEMPLATE_TEST_CASE("what could not be written is told", "[volume]", LittleFs, Fat) {
    constexpr bool kReverts = std::is_same_v<TestType, LittleFs>;
    Fixture<TestType> t;
    Volume &v = t.v();
    REQUIRE(put_file(v, "/f", "old").ok());
    REQUIRE(put_file(v, "/g", "old").ok());
    REQUIRE(v.sync_all().ok());
    u32 other = v.open(kOther, "/g", file::kWrite).value();
    REQUIRE(v.write(kOther, other, 0, bytes_of("new")).ok());
    u32 told = v.failure().times;
    t.disk.fault = [](const block::Request &r) { return r.op == block::Op::Write ? ERR_IO : OK; };
    CHECK(put_file(v, "/f", "fresh").error() == ERR_IO);
    CHECK(v.failure().times != told);
    CHECK(v.failure().error == ERR_IO);
    if (kReverts) {
        CHECK(content_of(v, "/f") == "old");
        CHECK(content_of(v, "/g") == "old");
    }
    CHECK(v.sync_all().error() == ERR_IO);
    CHECK(v.write_back().ok() == kReverts);
    CHECK(v.sync_all().error() == ERR_IO);
    CHECK(v.close(kOther, other).error() == ERR_IO);
    CHECK(v.sync_all().ok() == kReverts);
    t.disk.fault = nullptr;
    CHECK(v.sync_all().ok());
    CHECK(put_file(v, "/f", "fine").ok());
    CHECK(v.rename("/f", "/h").ok());
    CHECK(v.sync_all().ok());
    REQUIRE(t.start().ok());
    CHECK(content_of(t.v(), "/h") == "fine");
}

// A client that is gone cannot be told: sync_all() says it, once.
TEST_CASE("what nobody has open any more is not lost in silence", "[volume]") {
    Fixture<LittleFs> t;
    u32 handle = t.create("/f");
    REQUIRE(t.put(handle, 0, "text") == OK);
    t.disk.fault = [](const block::Request &r) { return r.op == block::Op::Write ? ERR_IO : OK; };
    t.v().close_all(kMe);
    CHECK(t.v().write_back().ok());
    CHECK(t.v().sync_all().error() == ERR_IO);
    CHECK(t.v().sync_all().ok());
}
