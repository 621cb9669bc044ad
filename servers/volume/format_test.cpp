// What is formatted unasked, and what is named and left alone.
// SPDX-License-Identifier: BSD-2-Clause
#include "servers/volume/signature.hpp"
#include "servers/volume/test_disk.hpp"

#include <catch2/catch.hpp>

using namespace volume;

namespace {

constexpr char kMark[] = "TRustOs is formatting this disk with littlefs";
constexpr block::Guid kOtherType{1, 2};

// A disk that starts with the content of the file system `mkfs` makes.
std::vector<u8> made_by(const std::string &mkfs, std::size_t bytes) {
    HostFile file;
    file.write(std::vector<u8>(bytes));
    REQUIRE(host(mkfs + " " + file.path()) == 0);
    return file.read();
}

void poke(std::vector<u8> &image, std::size_t at, std::string_view bytes) {
    std::copy(bytes.begin(), bytes.end(), image.begin() + static_cast<std::ptrdiff_t>(at));
}

// It is left alone, and `note` says why.
void check_left_alone(const std::vector<u8> &image, block::Guid type, const std::string &note) {
    CAPTURE(note);
    TestDisk<LittleFs> t{image};
    t.disk.type = type;
    CHECK(t.start().error() == ERR_NAME);
    CHECK(t.disk.image == image);
    CHECK(t.fs->note() == note);
}

} // namespace

TEST_CASE("an empty partition of our type is formatted, once", "[volume]") {
    TestDisk<LittleFs> t{std::vector<u8>(1 << 20)};
    REQUIRE(t.start().ok());
    CHECK(t.fs->formatted());
    REQUIRE(put_file(*t.files, "/f", "x").ok());
    REQUIRE(t.start().ok());
    CHECK_FALSE(t.fs->formatted());
    CHECK(content_of(*t.files, "/f") == "x");
    CHECK(t.fs->note().empty());

    TestDisk<LittleFs> locked{std::vector<u8>(1 << 20)};
    locked.disk.read_only = true;
    CHECK(locked.start().error() == ERR_NAME);
    check_left_alone(std::vector<u8>(8192), block::kSystemType,
                     "8 KiB are too little for littlefs");
}

TEST_CASE("zeroes are no sign that a disk may be formatted", "[volume]") {
    std::vector<u8> empty(1 << 20);
    std::string unknown = "holds nothing known, and is not of the type TRustOs";
    for (block::Guid type : {block::Guid{}, block::kLinuxType, kOtherType}) {
        check_left_alone(empty, type, unknown);
        check_left_alone(fat_image(1 << 20), type, "holds FAT");
    }
    std::vector<u8> late = empty;
    late[(64 << 10) - 1] = 1;
    check_left_alone(late, block::kSystemType, "holds something unknown");
}

TEST_CASE("what others have made is named and left alone", "[volume]") {
    struct Other {
        std::size_t at;
        std::string bytes, name;
    };
    using namespace std::string_literals;
    constexpr std::size_t kBytes = 1 << 20;
    const Other others[] = {
        {65536 + 64, "_BHRfS_M", "btrfs"},
        {1080, "\x53\xef", "ext2, ext3 or ext4"},
        {0, "XFSB", "XFS"},
        {65536 + 52, "ReIsEr2Fs", "ReiserFS"},
        {8192 + 52, "ReIsErFs", "ReiserFS"},
        {65536, "\x01\x16\x19\x70", "GFS2"},
        {3, "NTFS    ", "NTFS"},
        {3, "EXFAT   ", "exFAT"},
        {82, "FAT32   ", "FAT"},
        {0, "\xfc\x4e\x2b\xa9", "a member of a RAID (md)"},
        {4096, "\xfc\x4e\x2b\xa9", "a member of a RAID (md)"},
        {kBytes - 8192, "\xfc\x4e\x2b\xa9", "a member of a RAID (md)"},
        {kBytes - 65536, "\xfc\x4e\x2b\xa9", "a member of a RAID (md)"},
        {kBytes - 65536, "\xa9\x2b\x4e\xfc", "a member of a RAID (md)"},
        {512, "LABELONE", "a physical volume of LVM"},
        {0, "LUKS\xba\xbe", "LUKS"},
        {4086, "SWAPSPACE2", "swap"},
        {131072 + 5 * 1024, "\x0c\xb1\xba\x00\x00\x00\x00\x00"s, "ZFS"},
        {512, "EFI PART", "a GPT partition table"},
        {kBytes - 512, "EFI PART", "a GPT partition table"},
        {510, "\x55\xaa", "a boot sector or an MBR partition table"},
        {8, "littlefs", "damaged littlefs"},
    };
    for (const Other &other : others) {
        std::vector<u8> image(kBytes);
        poke(image, other.at, other.bytes);
        check_left_alone(image, block::kSystemType, "holds " + other.name);
        // mkfs, too, until it is told to; then nobody finds it any more.
        TestDisk<LittleFs> t{image};
        CHECK_FALSE(t.start().ok());
        CHECK(t.fs->format(false).error() == ERR_EXISTS);
        CHECK(t.disk.image == image);
        REQUIRE(t.fs->format(true).ok());
        REQUIRE(t.start().ok());
        CHECK_FALSE(t.fs->formatted());
        CHECK(find_signature(*t.cache).value() == kLittleFsSignature);
    }
}

TEST_CASE("the mark of an interrupted format is not enough", "[volume]") {
    std::vector<u8> ext4 = made_by("mkfs.ext4 -q", 4 << 20), unknown(4 << 20);
    poke(unknown, 40'000, "data");
    for (std::vector<u8> *image : {&ext4, &unknown}) {
        poke(*image, image->size() - 4096, {kMark, sizeof kMark});
    }
    for (block::Guid type : {block::kSystemType, block::kLinuxType, kOtherType}) {
        check_left_alone(ext4, type, "holds ext2, ext3 or ext4");
    }
    check_left_alone(unknown, block::kSystemType, "holds something unknown");
}

TEST_CASE("littlefs in a partition of another size", "[volume]") {
    TestDisk<LittleFs> made{std::vector<u8>(1 << 20)};
    REQUIRE(made.start().ok());
    REQUIRE(put_file(*made.files, "/f", std::string(20'000, 'x')).ok());
    made.files->close_all(99);
    REQUIRE(made.files->sync_all().ok());

    std::vector<u8> image = made.disk.image;
    image.resize(2 << 20);
    image.back() = 0x77;
    TestDisk<LittleFs> grown{image};
    grown.disk.type = kOtherType;
    REQUIRE(grown.start().ok());
    CHECK(grown.fs->note() == "its littlefs has 1020 KiB, the partition 2048");
    CHECK(content_of(*grown.files, "/f") == std::string(20'000, 'x'));
    REQUIRE(put_file(*grown.files, "/g", "y").ok());
    REQUIRE(grown.files->sync_all().ok());
    CHECK(grown.disk.image.back() == 0x77);

    image.resize(512 << 10);
    TestDisk<LittleFs> cut{image};
    REQUIRE(cut.start().ok());
    CHECK(cut.fs->note() == "its littlefs has 1020 KiB, the partition 512: read-only");
    CHECK(content_of(*cut.files, "/f").size() > 0);
    CHECK(cut.files->make_directory("/d").error() == ERR_RIGHT);
    CHECK(cut.disk.image == image);
    CHECK_FALSE(cut.disk.strayed);
}
