// Tests of Entries: what was put in comes out, and nothing else is taken for some.
// SPDX-License-Identifier: BSD-2-Clause
#include "libsel/test/fuzz.hpp"
#include "servers/file/api.hpp"

#include <algorithm>
#include <string>

using namespace file;

namespace {

// What was taken is a name of the answer's own bytes.
bool is_inside(const Entries &entries, const Entry &entry) {
    auto begin = reinterpret_cast<const char *>(entries.data.byte);
    return !entry.name.empty() && entry.name.size() <= kNameMax && entry.name.data() >= begin &&
           entry.name.data() + entry.name.size() <= begin + std::min(entries.data.size, kChunk);
}

} // namespace

TEST_CASE("entries come out as they were put in") {
    Entries entries;
    CHECK(!entries.sound());
    u32 count = 0;
    for (; entries.has_room(); count++) {
        std::string name(1 + count % kNameMax, static_cast<char>('a' + count % 26));
        entries.add(
            10 + count,
            {count % 2 == 0 ? Kind::File : Kind::Directory, count % 3 == 0, count, ~u64{count}},
            name);
    }
    CHECK(entries.data.size <= kChunk);
    CHECK(count >= kChunk / 88);
    CHECK(entries.sound());
    CHECK(List{.position = 9, .data = {}}.accepts(entries));
    CHECK(!List{.position = 10, .data = {}}.accepts(entries));
    Entry entry;
    u32 at = 0, i = 0;
    for (; entries.take(at, entry); i++) {
        CHECK(entry.next == 10 + i);
        CHECK(entry.name == std::string(1 + i % kNameMax, static_cast<char>('a' + i % 26)));
        CHECK(entry.info.kind == (i % 2 == 0 ? Kind::File : Kind::Directory));
        CHECK((entry.info.read_only == (i % 3 == 0) && entry.info.bytes == i &&
               entry.info.changed == ~u64{i}));
    }
    CHECK(i == count);
}

TEST_CASE("what is no entries is not sound, and taking it ends") {
    Entries good;
    good.add(1, {Kind::File, 0, 5, 6}, "one");
    good.add(2, {Kind::Directory, 1, 7, 8}, "two");
    REQUIRE(good.sound());
    for (u32 size = 0; size < good.data.size; size++) { // Cut anywhere but behind the first.
        Entries cut = good;
        cut.data.size = size;
        CHECK(cut.sound() == (size == 27));
    }
    auto with = [&](u32 at, u8 byte) {
        Entries spoilt = good;
        spoilt.data.byte[at] = byte;
        return spoilt;
    };
    CHECK(!with(20, 2).sound());            // No kind,
    CHECK(!with(21, 2).sound());            // neither read-only nor not,
    CHECK(!with(22, 0).sound());            // no name,
    CHECK(!with(22, kNameMax + 1).sound()); // one that is too long,
    CHECK(!with(22, 200).sound());          // or ends behind the answer;
    CHECK(!with(16, 2).sound());            // positions that do not grow.
    CHECK(!with(27 + 16, 1).sound());
    sel::fuzz::Source source{3};
    for (u32 round = 0; round < 20000; round++) {
        Entries random;
        for (u8 &byte : random.data.byte) {
            byte = static_cast<u8>(source.below(4) == 0 ? source.below(256) : source.below(3));
        }
        random.data.size =
            static_cast<u32>(source.below(8) == 0 ? source.word() : source.below(kChunk + 1));
        bool sound = random.data.size <= kChunk && random.sound();
        u32 taken = 0;
        Entry entry;
        for (u32 at = 0; random.take(at, entry); taken++) {
            REQUIRE(at <= kChunk);
            REQUIRE(is_inside(random, entry));
        }
        CHECK((!sound || taken != 0));
        u32 wild = source.below(2) == 0 ? static_cast<u32>(source.below(kChunk + 1))
                                        : static_cast<u32>(source.word()); // Any place to begin at.
        bool found = random.take(wild, entry);
        REQUIRE((!found || is_inside(random, entry)));
    }
}
