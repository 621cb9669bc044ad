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
           entry.name.data() + entry.name.size() <=
               begin + std::min(entries.data.size, Entries::kBytes);
}

} // namespace

TEST_CASE("entries come out as they were put in") {
    Entries entries;
    CHECK(!entries.sound());
    u32 count = 0;
    auto name_of = [](u32 i) {
        return std::string(1 + i % kNameMax, static_cast<char>('a' + i % 26));
    };
    auto info_of = [](u32 i) {
        u64 changed = Entries::kChangedMax - i, bytes = Entries::kContentMax - i;
        return Info{i % 2 == 0 ? Kind::File : Kind::Directory, i % 3 == 0, bytes, changed};
    };
    for (; entries.add(10 + count, info_of(count), name_of(count)); count++) {
    }
    CHECK(!entries.has_room());
    CHECK(entries.data.size <= Entries::kBytes);
    CHECK(count >= Entries::kBytes / 80);
    CHECK(entries.sound());
    CHECK(List{.position = 9, .data = {}}.accepts(entries));
    CHECK(!List{.position = 10, .data = {}}.accepts(entries));
    Entry entry;
    u32 at = 0, i = 0;
    for (; entries.take(at, entry); i++) {
        CHECK(entry.next == 10 + i);
        CHECK(entry.name == name_of(i));
        Info said = info_of(i);
        CHECK((entry.info.kind == said.kind && entry.info.read_only == said.read_only));
        CHECK((entry.info.bytes == said.bytes && entry.info.changed == said.changed));
    }
    CHECK(i == count);
}

TEST_CASE("an entry is put in whole or not at all") {
    Entries entries;
    u32 bytes = 0;
    for (std::string name(kNameMax - 6, 'n'); entries.has_room();) {
        REQUIRE(entries.add(++bytes, {}, name));
    }
    u32 left = Entries::kBytes - entries.data.size, before = entries.data.size;
    REQUIRE(left < 16 + kNameMax);
    CHECK(!entries.add(1000, {}, std::string(left - 16 + 1, 'm')));
    CHECK(entries.data.size == before);
    CHECK(entries.add(1000, {}, std::string(left - 16, 'm')));
    CHECK(entries.data.size == Entries::kBytes);
    CHECK(entries.sound());
}

TEST_CASE("what is longer than its place is cut off") {
    Entries entries;
    REQUIRE(entries.add(7, {Kind::File, 0, ~u64{0}, ~u64{0}}, std::string(200, 'x')));
    u32 at = 0;
    Entry entry;
    REQUIRE(entries.take(at, entry));
    CHECK(entry.name == std::string(kNameMax, 'x'));
    CHECK((entry.info.kind == Kind::File && entry.info.read_only == 0 && entry.next == 7));
    CHECK((entry.info.bytes == Entries::kContentMax && entry.info.changed == Entries::kChangedMax));
}

TEST_CASE("what is no entries is not sound, and taking it ends") {
    Entries good;
    good.add(1, {Kind::File, 0, 5, 6}, "one");
    good.add(2, {Kind::Directory, 1, 7, 8}, "two");
    REQUIRE(good.sound());
    for (u32 size = 0; size < good.data.size; size++) { // Cut anywhere but behind the first.
        Entries cut = good;
        cut.data.size = size;
        CHECK(cut.sound() == (size == 19));
    }
    auto with = [&](u32 at, u8 byte) {
        Entries spoilt = good;
        spoilt.data.byte[at] = byte;
        return spoilt;
    };
    CHECK(!with(15, 0).sound());        // No name,
    CHECK(!with(15, kNameMax).sound()); // or one that ends behind the answer;
    CHECK(!with(8, 2).sound());         // positions that do not grow.
    CHECK(!with(19 + 8, 1).sound());
    CHECK(with(19 + 8, 3).sound());
    sel::fuzz::Source source{3};
    for (u32 round = 0; round < 20000; round++) {
        Entries random;
        for (u8 &byte : random.data.byte) {
            byte = static_cast<u8>(source.below(4) == 0 ? source.below(256) : source.below(3));
        }
        random.data.size = static_cast<u32>(
            source.below(8) == 0 ? source.word() : source.below(Entries::kBytes + 1));
        bool sound = random.data.size <= Entries::kBytes && random.sound();
        u32 taken = 0;
        Entry entry;
        for (u32 at = 0; random.take(at, entry); taken++) {
            REQUIRE(at <= Entries::kBytes);
            REQUIRE(is_inside(random, entry));
        }
        CHECK((!sound || taken != 0));
        u32 wild = source.below(2) == 0 ? static_cast<u32>(source.below(Entries::kBytes + 1))
                                        : static_cast<u32>(source.word()); // Any place to begin at.
        bool found = random.take(wild, entry);
        REQUIRE((!found || is_inside(random, entry)));
    }
}
