// Gpt: what it writes is what the drivers read, and both copies are whole.
// SPDX-License-Identifier: BSD-2-Clause
#include "gpt.hpp"

#include <catch2/catch.hpp>
#include <cstring>
#include <vector>

using namespace part;

namespace {

// As much of a volume::Cache as is needed.
struct FakeDisk {
    std::vector<u8> image;
    block::Disk shape{};
    u32 writes_left = ~0u;

    explicit FakeDisk(u64 megabytes, u32 sector_bytes = 512) : image(megabytes << 20) {
        shape.sector_bytes = sector_bytes;
    }
    u64 bytes() const { return image.size(); }
    const block::Disk &disk() const { return shape; }
    sel::Result<> read(u64 offset, std::span<u8> out) {
        if (offset > bytes() || out.size() > bytes() - offset) {
            return ERR_ARG;
        }
        std::memcpy(out.data(), &image[offset], out.size());
        return {};
    }
    sel::Result<> write(u64 offset, std::span<const u8> data) {
        REQUIRE(offset + data.size() <= bytes());
        REQUIRE((offset | data.size()) % 512 == 0);
        if (writes_left == 0) {
            return ERR_IO;
        }
        writes_left--;
        std::memcpy(&image[offset], data.data(), data.size());
        return {};
    }
    sel::Result<> flush() { return {}; }
    block::Table table() {
        return block::read_table(bytes() / 512, shape.sector_bytes, [&](u64 at, block::Sector &to) {
            return read(at * 512, to).ok();
        });
    }
};

constexpr block::Guid kId{0x1111, 0x2222};

} // namespace

TEST_CASE("what is written is what drivers read", "[part]") {
    u32 sector = GENERATE(512u, 4096u);
    FakeDisk disk{64, sector};
    Gpt gpt{disk};
    CHECK(gpt.load().error() == ERR_NAME);
    REQUIRE(gpt.clear(kId).ok());
    CHECK(gpt.add(10 << 20, kBasicType, kId, "exchange").value() == 1);
    CHECK(gpt.add(20 << 20, block::kLinuxType, kId, "linux").value() == 2);
    CHECK(gpt.add(0, block::kSystemType, kId, "system").value() == 3);
    CHECK(gpt.add(0, block::kSystemType, kId, "more").error() == ERR_FULL);
    REQUIRE(gpt.store().ok());
    for (bool backup : {false, true}) {
        block::Table table = disk.table();
        CHECK(table.kind == (backup ? "backup GPT" : "GPT"));
        CHECK(table.count() == 3);
        CHECK(table.partition[0].first == 2048);
        CHECK(table.partition[0].sectors == 20480);
        CHECK(table.partition[1].first == 22528);
        CHECK(table.partition[2].type == block::kSystemType);
        CHECK(table.partition[2].sectors == (63 - 31) * 2048);
        for (const block::Partition &p : table.partition) {
            CHECK(p.doubt.empty());
        }
        disk.image[sector + 20] ^= 1; // In the primary header.
    }
    Gpt again{disk};
    REQUIRE(again.load().ok()); // From the backup.
    CHECK(again.remove(2).ok());
    CHECK(again.remove(2).error() == ERR_NAME);
    CHECK(again.remove(0).error() == ERR_NAME);
    CHECK(again.remove(129).error() == ERR_NAME);
    CHECK(again.add(20 << 20, kBasicType, kId, "x").value() == 2);
    CHECK(again.add(21 << 20, kBasicType, kId, "x").error() == ERR_FULL);
    REQUIRE(again.store().ok());
    CHECK(disk.table().kind == "GPT");
    CHECK(disk.table().partition[1].first == 22528);
}

TEST_CASE("wherever writing ends, one of the tables is whole", "[part]") {
    FakeDisk before{16};
    Gpt gpt{before};
    REQUIRE(gpt.clear(kId).ok());
    REQUIRE(gpt.add(2 << 20, kBasicType, kId, "one").ok());
    REQUIRE(gpt.store().ok());
    REQUIRE(gpt.add(3 << 20, kBasicType, kId, "two").ok());
    for (u32 writes = 0; writes < 6; writes++) {
        FakeDisk disk = before;
        disk.writes_left = writes;
        Gpt changed{disk};
        REQUIRE(changed.load().ok());
        REQUIRE(changed.add(3 << 20, kBasicType, kId, "two").ok());
        CHECK(changed.store().ok() == (writes == 5));
        block::Table table = disk.table();
        CHECK(table.refused.empty());
        CHECK((table.count() == 1 || table.count() == 2));
        Gpt after{disk};
        CHECK(after.load().ok());
    }
}

TEST_CASE("tables of other forms, and small disks, are refused", "[part]") {
    FakeDisk tiny{1};
    Gpt none{tiny};
    CHECK(none.clear(kId).error() == ERR_FULL);
    CHECK(none.load().error() == ERR_NAME);

    FakeDisk disk{16};
    Gpt gpt{disk};
    REQUIRE(gpt.clear(kId).ok());
    REQUIRE(gpt.add(0, kBasicType, kId, "all").ok());
    REQUIRE(gpt.store().ok());
    disk.image.resize(12 << 20); // Cut: a new backup would hit the partition.
    Gpt cut{disk};
    CHECK(cut.load().error() == ERR_TYPE);
}
