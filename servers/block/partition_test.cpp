// Partition tables: good ones, damaged ones, and such as nobody would make in good faith.
// SPDX-License-Identifier: BSD-2-Clause
#include "servers/block/partition.hpp"

#include <catch2/catch.hpp>
#include <cstring>
#include <map>
#include <random>

using namespace block;

namespace {

struct Image {
    u64 sectors = 100'000;
    std::map<u64, Sector> written;
    std::map<u64, bool> broken;
    u32 reads = 0;
    bool strayed = false;

    Sector &at(u64 sector) { return written[sector]; }
    template <typename T>
    void put(u64 sector, u32 offset, T value) {
        std::memcpy(at(sector).data() + offset, &value, sizeof value);
    }
    u32 sector_bytes = kSectorBytes;

    Table table() {
        return read_table(sectors, sector_bytes, [&](u64 sector, Sector &to) {
            reads++;
            strayed = strayed || sector >= sectors;
            auto found = written.find(sector);
            to = found == written.end() ? Sector{} : found->second;
            return !broken.contains(sector);
        });
    }

    void sign(u64 sector) { put<u16>(sector, 510, 0xaa55); }
    void mbr(u64 sector, u32 i, u8 type, u32 first, u32 count) {
        sign(sector);
        put<u8>(sector, 446 + i * 16 + 4, type);
        put<u32>(sector, 446 + i * 16 + 8, first);
        put<u32>(sector, 446 + i * 16 + 12, count);
    }

    // A GPT header in `header` whose entries are in `entries`.
    void seal(u64 header, u64 entries, u32 count = 128, u32 bytes = 128) {
        u32 crc = ~0u;
        for (u64 i = 0; i < u64{count} * bytes / kSectorBytes; i++) {
            crc = detail::crc32(crc, at(entries + i));
        }
        put(header, 0, u64{0x5452415020494645});
        put<u32>(header, 8, 0x10000);
        put<u32>(header, 12, 92);
        put<u64>(header, 24, header);
        put<u64>(header, 40, first);
        put<u64>(header, 48, last);
        put<u64>(header, 72, entries);
        put<u32>(header, 80, count);
        put<u32>(header, 84, bytes);
        put<u32>(header, 88, ~crc);
        check_sum(header);
    }
    void check_sum(u64 header) {
        put<u32>(header, 16, 0);
        put<u32>(header, 16, ~detail::crc32(~0u, {at(header).data(), 92}));
    }
    void entry(u64 entries, u32 i, u64 from, u64 to, u32 bytes = 128) {
        u64 sector = entries + u64{i} * bytes / kSectorBytes;
        u32 offset = i * bytes % kSectorBytes;
        put<u64>(sector, offset, 0x1234);
        put<u64>(sector, offset + 16, from); // Its own number.
        put<u64>(sector, offset + 32, from);
        put<u64>(sector, offset + 40, to);
    }
    u64 first = 34, last = sectors - 34;
};

struct Gpt : Image {
    Gpt() {
        mbr(0, 0, 0xee, 1, 99'999);
        for (u64 entries : {u64{2}, sectors - 33}) {
            entry(entries, 0, 2048, 4095);
            entry(entries, 1, 4096, 50'000);
            entry(entries, 5, 60'000, last);
        }
        seal_both();
    }
    void seal_both() {
        seal(1, 2);
        seal(sectors - 1, sectors - 33);
    }
    void spoil_backup() { at(sectors - 1)[3] ^= 1; }
};

bool is(const Partition *p, u64 first, u64 sectors) {
    return p != nullptr && p->first == first && p->sectors == sectors;
}

} // namespace

TEST_CASE("a disk without a table is one partition", "[partition]") {
    Image disk;
    Table table = disk.table();
    CHECK(table.kind == "none");
    CHECK(table.count() == 1);
    CHECK(table.refused.empty());
    CHECK(table.find(0) == nullptr);
    CHECK(is(table.find(1), 0, disk.sectors));
    CHECK(table.find(2) == nullptr);
    CHECK(table.find(255) == nullptr);
    disk.sign(0); // An MBR without entries, or the boot sector of a FAT.
    CHECK(is(disk.table().find(1), 0, disk.sectors));
    disk.sectors = 0;
    CHECK_FALSE(disk.table().refused.empty());
    disk.sectors = 1;
    CHECK(disk.table().refused.empty());
}

TEST_CASE("the CRC is that of IEEE 802.3", "[partition]") {
    const u8 digits[] = {'1', '2', '3', '4', '5', '6', '7', '8', '9'};
    CHECK(~detail::crc32(~0u, digits) == 0xcbf43926);
}

TEST_CASE_METHOD(Gpt, "GPT entries keep their numbers", "[partition]") {
    Table t = table();
    CHECK(t.refused.empty());
    CHECK(t.kind == "GPT");
    CHECK(t.count() == 3);
    CHECK(is(t.find(1), 2048, 2048));
    CHECK(is(t.find(2), 4096, 45'905));
    CHECK(is(t.find(6), 60'000, last - 60'000 + 1));
    CHECK(t.find(3) == nullptr);
    CHECK(t.find(1)->id == Guid{2048, 0});
    CHECK(t.find(2)->id == Guid{4096, 0});
}

TEST_CASE_METHOD(Gpt, "GPT partitions have labels that a terminal may be shown", "[partition]") {
    const char16_t name[] = u"a\x1b\x00e4z";
    std::memcpy(at(2).data() + 56, name, sizeof name - 2); // Without an end: zeroes follow.
    std::fill_n(reinterpret_cast<char16_t *>(at(2).data() + 128 + 56), 36, u'x');
    seal(1, 2);
    Table t = table();
    CHECK(t.find(1)->label == "a??z");
    CHECK(t.find(2)->label == std::string(36, 'x'));
    CHECK(t.find(6)->label == "");
}

TEST_CASE_METHOD(Image, "partitions of an MBR are known by its signature", "[partition]") {
    mbr(0, 0, 0x83, 2048, 2048);
    put<u32>(0, 440, 0x12345678);
    CHECK(table().find(1)->id == Guid{0x12345678, 0});
}

TEST_CASE_METHOD(Gpt, "the backup is used when the primary GPT is damaged", "[partition]") {
    SECTION("header") {
        at(1)[50] ^= 1;
    }
    SECTION("entries") {
        at(2)[40] ^= 1;
    }
    SECTION("cannot be read") {
        broken[1] = true;
    }
    SECTION("an entry cannot be read") {
        broken[9] = true;
    }
    SECTION("moved") {
        put<u64>(1, 24, 2);
        check_sum(1);
    }
    Table t = table();
    CHECK(t.refused.empty());
    CHECK(t.kind == "backup GPT");
    CHECK(t.count() == 3);
    spoil_backup();
    t = table();
    CHECK_FALSE(t.refused.empty());
    CHECK(t.count() == 0);
}

TEST_CASE_METHOD(Gpt, "what a bad GPT entry says spoils no other one", "[partition]") {
    spoil_backup();
    u32 number = 4;
    u64 first = 0, left = 0; // Of what may be read of it.
    std::string_view reason;
    SECTION("outside the disk") {
        entry(2, 3, 100'000, 200'000);
        reason = "it lies outside the disk";
    }
    SECTION("over the table") {
        entry(2, 3, 1, 30);
        reason = "it covers the partition table";
    }
    SECTION("backwards") {
        entry(2, 3, 55'000, 54'000);
        reason = "it ends before it begins";
    }
    SECTION("everything") {
        entry(2, 3, 0, ~u64{0});
        reason = "it ends before it begins";
    }
    SECTION("far away") {
        entry(2, 3, ~u64{0} - 1, ~u64{0});
        reason = "it lies outside the disk";
    }
    SECTION("number 65") {
        entry(2, 64, 55'000, 55'001);
    }
    SECTION("over the end of the disk") {
        entry(2, 5, 60'000, 200'000);
        reason = "it ends behind the disk";
        number = 6;
        first = 60'000;
        left = 40'000;
    }
    SECTION("over the backup") {
        entry(2, 5, 60'000, last + 1);
        reason = "it covers the backup of the partition table";
        number = 6;
        first = 60'000;
        left = last + 2 - 60'000;
    }
    seal(1, 2);
    Table t = table();
    CHECK(t.refused.empty());
    CHECK(t.remark.empty() != reason.empty());
    CHECK(t.partition[number - 1].doubt == reason);
    CHECK(is(&t.partition[number - 1], first, left));
    for (u32 sound : {1u, 2u}) {
        REQUIRE(t.find(sound) != nullptr);
        CHECK(t.find(sound)->doubt.empty());
    }
    CHECK_FALSE(strayed);
}

TEST_CASE_METHOD(Gpt, "GPT partitions that overlap are not written", "[partition]") {
    spoil_backup();
    entry(2, 3, 50'000, 50'001);
    seal(1, 2);
    Table t = table();
    CHECK(t.count() == 4);
    CHECK(t.find(1)->doubt.empty());
    CHECK(t.find(2)->doubt == "it overlaps another one");
    CHECK(t.find(4)->doubt == "it overlaps another one");
    CHECK(t.find(6)->doubt.empty());
}

TEST_CASE_METHOD(Gpt, "of a disk that was cut the partitions that are there are used",
                 "[partition]") {
    sectors = 55'000;
    Table t = table();
    CHECK(t.kind == "GPT");
    CHECK(is(t.find(2), 4096, 45'905));
    CHECK(t.find(2)->doubt.empty());
    CHECK(t.partition[5].doubt == "it lies outside the disk");
    sectors = 70'000;
    t = table();
    CHECK(is(t.find(6), 60'000, 10'000));
    CHECK(t.find(6)->doubt == "it ends behind the disk");
    CHECK_FALSE(strayed);
}

TEST_CASE_METHOD(Gpt, "partitions keep their types", "[partition]") {
    CHECK(table().find(1)->type == Guid{0x1234, 0});
    put<u64>(2, 0, kSystemType.low);
    put<u64>(2, 8, kSystemType.high);
    seal(1, 2);
    CHECK(table().find(1)->type == kSystemType);
}

TEST_CASE_METHOD(Image, "tables of disks with sectors of 4 KiB count in these", "[partition]") {
    sector_bytes = kPageBytes;
    SECTION("GPT") {
        // Header in sector 1 and entries from sector 2 on, of 4 KiB each.
        mbr(0, 0, 0xee, 1, 12'499);
        entry(16, 0, 256, 511);
        entry(16, 5, 6000, 6099); // In the second 512 bytes of the entries' sector.
        first = 6;
        last = 12'000;
        seal(8, 16);
        put<u64>(8, 24, 1);
        put<u64>(8, 72, 2);
        check_sum(8);
        Table t = table();
        CHECK(t.kind == "GPT");
        CHECK(is(t.find(1), 2048, 2048));
        CHECK(is(t.find(6), 48'000, 800));
    }
    SECTION("MBR") {
        mbr(0, 0, 0x83, 256, 100);
        mbr(0, 1, 0x05, 1000, 500);
        mbr(8000, 0, 0x83, 10, 20);
        Table t = table();
        CHECK(t.kind == "MBR");
        CHECK(is(t.find(1), 2048, 800));
        CHECK(is(t.find(5), 8080, 160));
    }
    SECTION("a GPT that counts in 512 bytes is none") {
        mbr(0, 0, 0xee, 1, 99'999);
        seal(1, 2);
        CHECK(table().refused == "there is no GPT header");
    }
    CHECK_FALSE(strayed);
}

TEST_CASE_METHOD(Gpt, "hostile GPT headers are refused", "[partition]") {
    spoil_backup();
    SECTION("entries of no size") {
        put<u32>(1, 84, 0);
    }
    SECTION("entries of an odd size") {
        put<u32>(1, 84, 200);
    }
    SECTION("entries larger than a sector") {
        put<u32>(1, 84, 1024);
    }
    SECTION("no entries") {
        put<u32>(1, 80, 0);
    }
    SECTION("too many entries") {
        put<u32>(1, 80, ~0u);
    }
    SECTION("entries in a partition") {
        put<u64>(1, 72, 5000);
    }
    SECTION("entries that reach into a partition") {
        put<u64>(1, 72, 30);
    }
    SECTION("entries over the header") {
        put<u64>(1, 72, 1);
    }
    SECTION("entries outside the disk") {
        put<u64>(1, 72, ~u64{0} - 2);
    }
    SECTION("usable part outside the disk") {
        put<u64>(1, 40, 100'000);
        put<u64>(1, 48, 200'000);
    }
    SECTION("usable part over the header") {
        put<u64>(1, 40, 1);
    }
    SECTION("no usable part") {
        put<u64>(1, 40, 99'990);
    }
    check_sum(1);
    SECTION("a short header") {
        put<u32>(1, 12, 20);
        put<u32>(1, 16, ~detail::crc32(~0u, {at(1).data(), 20}));
    }
    SECTION("a long header") {
        put<u32>(1, 12, 5000);
    }
    Table t = table();
    CHECK_FALSE(t.refused.empty());
    CHECK(t.count() == 0);
    CHECK(reads < 300);
    CHECK_FALSE(strayed);
}

TEST_CASE_METHOD(Image, "GPT with entries of 256 bytes", "[partition]") {
    mbr(0, 2, 0xee, 1, 99'999);
    entry(2, 3, 2048, 4095, 256);
    seal(1, 2, 64, 256);
    CHECK(is(table().find(4), 2048, 2048));
}

TEST_CASE_METHOD(Image, "MBR with primary and logical partitions", "[partition]") {
    mbr(0, 0, 0x83, 2048, 1000);
    mbr(0, 2, 0x0f, 10'000, 50'000);
    mbr(10'000, 0, 0x83, 63, 500);
    mbr(10'000, 1, 0x05, 20'000, 1000);
    mbr(30'000, 0, 0x83, 63, 100);
    Table t = table();
    CHECK(t.refused.empty());
    CHECK(t.kind == "MBR");
    CHECK(t.count() == 3);
    CHECK(is(t.find(1), 2048, 1000));
    CHECK(is(t.find(5), 10'063, 500));
    CHECK(is(t.find(6), 30'063, 100));
    CHECK(t.find(3) == nullptr);
}

TEST_CASE_METHOD(Image, "what a bad MBR entry says spoils no other one", "[partition]") {
    mbr(0, 0, 0x83, 2048, 1000);
    mbr(0, 2, 0x0f, 10'000, 50'000);
    mbr(10'000, 0, 0x83, 63, 500);
    mbr(10'000, 1, 0x05, 20'000, 1000);
    mbr(30'000, 0, 0x83, 63, 100);
    std::string_view doubts[Table::kPartitions] = {}; // By number - 1.
    std::string_view remark;
    u32 count = 3;
    SECTION("overlap") {
        mbr(0, 1, 0x83, 3000, 100);
        doubts[0] = doubts[1] = "it overlaps another one";
        count = 4;
    }
    SECTION("overlap with the extended partition") {
        mbr(0, 1, 0x83, 9000, 1500);
        doubts[1] = "it overlaps the extended one";
        doubts[4] = "it overlaps another one";
        count = 4;
    }
    SECTION("over the end of the disk") {
        mbr(0, 1, 0x83, 99'000, 1001);
        doubts[1] = "it ends behind the disk";
        count = 4;
    }
    SECTION("over the table") {
        mbr(0, 1, 0x83, 0, 10);
        doubts[1] = "it covers the partition table";
    }
    SECTION("far outside") {
        mbr(0, 1, 0x83, ~0u, ~0u);
        doubts[1] = "it lies outside the disk";
    }
    SECTION("a loop of one") {
        mbr(10'000, 1, 0x05, 0, 1000);
        doubts[4] = remark = "the chain of logical partitions is a loop";
        count = 2;
    }
    SECTION("a loop of two") {
        mbr(30'000, 1, 0x05, 20'000, 1000);
        doubts[4] = doubts[5] = remark = "the chain of logical partitions is a loop";
    }
    SECTION("a logical partition outside") {
        mbr(30'000, 0, 0x83, 63, 40'000);
        doubts[5] = "it lies outside its extended one";
    }
    SECTION("logical partitions overlap") {
        mbr(10'000, 0, 0x83, 63, 25'000);
        doubts[4] = "it covers a partition table";
        doubts[5] = "it overlaps another one";
    }
    SECTION("a logical partition over a table") {
        mbr(30'000, 0, 0x83, 0, 10);
        doubts[5] = "it covers a partition table";
    }
    SECTION("the chain leaves the partition") {
        mbr(10'000, 1, 0x05, 60'000, 1000);
        doubts[4] = remark = "the chain of logical partitions leaves its partition";
        count = 2;
    }
    SECTION("the chain ends in nothing") {
        mbr(10'000, 1, 0x05, 21'000, 1000);
        doubts[4] = remark = "a table of logical partitions cannot be read";
        count = 2;
    }
    SECTION("two extended partitions") {
        mbr(0, 3, 0x05, 70'000, 1000);
        sign(70'000);
        remark = "an extended partition is left out";
    }
    SECTION("a chain without end") {
        for (u32 i = 0; i < 200; i++) {
            mbr(10'000 + i, 0, 0, 0, 0);
            mbr(10'000 + i, 1, 0x05, i + 1, 1);
        }
        remark = "there are too many logical partitions";
        count = 1;
    }
    Table t = table();
    CHECK(t.refused.empty());
    CHECK(t.count() == count);
    CHECK(t.remark == remark);
    CHECK(is(t.find(1), 2048, 1000));
    for (u32 i = 0; i < Table::kPartitions; i++) {
        CAPTURE(i);
        CHECK(t.partition[i].doubt == doubts[i]);
    }
    CHECK(reads < 200);
    CHECK_FALSE(strayed);
}

TEST_CASE_METHOD(Image, "the boot sector of a file system is no table", "[partition]") {
    mbr(0, 0, 0x20, 0x6e6f6e20, 0x73797374);
    put<u8>(0, 446, 0x6d);
    Table t = table();
    CHECK(t.kind == "none");
    CHECK(is(t.find(1), 0, sectors));
    // Such as Windows makes: text where a table would be.
    mbr(0, 0, 0x83, 2048, 1000);
    put<u8>(0, 446, 0);
    CHECK(table().kind == "MBR");
    put<u64>(0, 3, 0x202020205346544e); // "NTFS    "
    CHECK(table().kind == "none");
}

TEST_CASE("noise does no harm", "[partition]") {
    std::mt19937 random{1};
    for (u32 round = 0; round < 2000; round++) {
        Gpt disk;
        if (round % 2 != 0) {
            disk.written.clear();
            disk.mbr(0, 0, 0x0f, 5000, 50'000);
            disk.mbr(5000, 0, 0x83, 10, 100);
            disk.mbr(5000, 1, 0x05, 1000, 100);
            disk.sign(6000);
        }
        for (u32 i = 0; i < 4; i++) {
            auto chosen = disk.written.begin();
            std::advance(chosen, random() % disk.written.size());
            chosen->second[random() % kSectorBytes] = static_cast<u8>(random());
        }
        if (random() % 2 != 0) {
            disk.check_sum(1);
        }
        Table t = disk.table();
        CHECK_FALSE(disk.strayed);
        for (const Partition &p : t.partition) {
            bool placed = p.first != 0 || t.kind == "none";
            CHECK((p.sectors == 0 || (placed && p.first + p.sectors <= disk.sectors)));
        }
    }
}
