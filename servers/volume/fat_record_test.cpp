// FatRecord: it reads what the specification says, or nothing.
// SPDX-License-Identifier: BSD-2-Clause
#include "fat_record.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <random>
#include <string>
#include <vector>

using volume::FatRecord;

namespace {

constexpr u32 kBytes = FatRecord::kBytes;
constexpr u8 kAt[] = {1, 3, 5, 7, 9, 14, 16, 18, 20, 22, 24, 28, 30};

u8 sum_of(const u8 *name) {
    u8 sum = 0;
    for (u32 i = 0; i < 11; i++) {
        sum = static_cast<u8>(((sum & 1) << 7) + (sum >> 1) + name[i]);
    }
    return sum;
}

// The records of a file with this name.
std::vector<u8> records(const std::u16string &name, u32 bytes = 1234, u8 attributes = 0x20) {
    u32 parts = static_cast<u32>((name.size() + 12) / 13);
    std::vector<u8> out((parts + 1) * kBytes);
    u8 *last = &out[parts * kBytes];
    std::copy_n("SHORT~1 TXT", 11, last);
    last[11] = attributes;
    last[22] = 0x34;
    last[23] = 0x12;
    last[24] = 0x78;
    last[25] = 0x56;
    std::memcpy(last + 28, &bytes, sizeof bytes);
    for (u32 i = 0; i < parts; i++) {
        u32 part = parts - i;
        u8 *record = &out[i * kBytes];
        record[0] = static_cast<u8>(part | (i == 0 ? 0x40 : 0));
        record[11] = 0x0f;
        record[13] = sum_of(last);
        for (u32 k = 0; k < 13; k++) {
            u32 at = (part - 1) * 13 + k;
            char16_t c = at < name.size() ? name[at] : at == name.size() ? u'\0' : u'\xffff';
            std::memcpy(record + kAt[k], &c, sizeof c);
        }
    }
    return out;
}

} // namespace

TEST_CASE("an entry with a plain name", "[fat]") {
    for (u32 size = 1; size <= 65; size++) {
        std::u16string name;
        for (u32 i = 0; i < size; i++) {
            name.push_back(static_cast<char16_t>(' ' + 1 + (i * 7 + size) % 93));
        }
        std::vector<u8> bytes = records(name);
        std::vector<u8> more = bytes;
        more.resize(512, 0xff);
        for (auto &where : {bytes, more}) {
            FatRecord r;
            REQUIRE(r.read(where));
            CHECK(r.name() == std::string(name.begin(), name.end()));
            CHECK((r.bytes == 1234 && r.time == 0x1234 && r.date == 0x5678 && !r.directory));
            CHECK(r.used == bytes.size());
        }
        bytes.pop_back();
        CHECK(!FatRecord{}.read(bytes)); // It goes on in another sector.
    }
    FatRecord r;
    CHECK((r.read(records(u"folder", 0, 0x10)) && r.directory));
}

TEST_CASE("each character at each place is one of a plain name or not", "[fat]") {
    for (u32 size : {5u, 12u, 13u, 25u, 26u}) {
        std::u16string name(size, u'n');
        for (u32 at = 0; at < size; at++) {
            for (u32 c = 0; c < 0x10000; c += c < 0x200 || c % 0x1000 > 0xf80 ? 1 : 61) {
                name[at] = static_cast<char16_t>(c);
                FatRecord r;
                bool ends = c == 0 && at + 1 == size && size % 13 == 0; // The name is one shorter.
                bool plain = (c >= ' ' && c < 0x7f) || ends;
                REQUIRE(r.read(records(name)) == plain);
                std::size_t length = size - (ends ? 1 : 0);
                REQUIRE((!plain || r.name() == std::string(name.begin(), name.begin() + length)));
            }
            name[at] = u'n';
        }
    }
    std::vector<u8> bytes = records(u"shorter");
    bytes[kAt[7]] = 1; // No 0 behind it,
    CHECK(!FatRecord{}.read(bytes));
    bytes = records(u"shorter");
    for (u32 k = 8; k < 13; k++) { // and no ones behind that.
        std::vector<u8> odd = bytes;
        odd[kAt[k]] = 0x41;
        CHECK(!FatRecord{}.read(odd));
    }
}

TEST_CASE("what is left to the library", "[fat]") {
    for (const char16_t *name : {u"", u"\x00fc", u"abcdefghijklm\x20ac", u"a\x7f", u"tab\there"}) {
        CHECK(!FatRecord{}.read(records(name)));
    }
    CHECK(!FatRecord{}.read(records(std::u16string(66, u'x'))));
    CHECK(!FatRecord{}.read(records(u"volume", 0, 0x08)));
    CHECK(!FatRecord{}.read(records(u"volume", 0, 0x28)));
    CHECK(!FatRecord{}.read({}));
    CHECK(!FatRecord{}.read(std::vector<u8>(512)));
    CHECK(!FatRecord{}.read(std::vector<u8>(512, 0xff)));
    for (u32 first : {0u, 0xe5u, u32{'.'}}) {
        std::vector<u8> bytes = records(u"name");
        bytes[kBytes] = static_cast<u8>(first);
        bytes[13] = sum_of(&bytes[kBytes]);
        CHECK(!FatRecord{}.read(bytes));
    }
}

// Of a set in which one byte is another one, it reads nothing, or what does not depend on that byte.
TEST_CASE("one damaged byte is seen, where it matters", "[fat]") {
    const std::string name = "a name of more than one record";
    std::vector<u8> good = records({name.begin(), name.end()});
    u32 size = static_cast<u32>(good.size()), last = size - kBytes;
    std::mt19937 random{3};
    for (u32 i = 0; i < 20'000; i++) {
        std::vector<u8> bytes = good;
        u32 at = random() % size;
        u8 by = static_cast<u8>(1 + random() % 255);
        bytes[at] ^= by;
        FatRecord r;
        if (!r.read(bytes)) {
            continue;
        }
        u32 in = at % kBytes;
        bool character =
            at < last && std::find(std::begin(kAt), std::end(kAt), in) != std::end(kAt);
        bool unused = at < last ? in == 12 || (in == 11 && (by & 0x3f) == 0) : in >= 11;
        REQUIRE((character || unused));
        // Nothing sums the characters of a long name: another plain one is another name.
        u32 others = 0;
        for (u32 k = 0; k < name.size() && k < r.name().size(); k++) {
            others += r.name()[k] != name[k] ? 1 : 0;
        }
        REQUIRE((others == (character ? 1 : 0) || (character && r.name().size() != name.size())));
    }
}

TEST_CASE("random records harm nobody", "[fat]") {
    std::mt19937 random{4};
    for (u32 i = 0; i < 100'000; i++) {
        std::vector<u8> bytes((random() % 16) * kBytes + random() % 2);
        for (u8 &byte : bytes) {
            byte = static_cast<u8>(random() % 4 == 0 ? random() : 'a');
        }
        if (!bytes.empty()) {
            bytes[0] = static_cast<u8>(0x40 | random() % 8);
        }
        FatRecord r;
        if (r.read(bytes)) {
            REQUIRE((r.used <= bytes.size() && r.name().size() <= 65 && !r.name().empty()));
        }
    }
}
