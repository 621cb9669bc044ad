// Signature: the places, and the bytes that are there.
// SPDX-License-Identifier: BSD-2-Clause
#include "servers/volume/signature.hpp"

#include <array>

#include "sel/format.hpp"

namespace volume {
namespace {

using namespace std::string_view_literals;

// From where `offset` counts.
enum class From : u8 {
    Start,
    End,
    LastBlocks, // 8 KiB before the end, at a multiple of 4 KiB: md 1.0.
    LastChunk   // 64 KiB before the end, at a multiple of 64 KiB: md 0.9.
};

struct Signature {
    std::string_view name, bytes;
    u32 offset;
    From from = From::Start;
};

constexpr u32 kKiB = 1024, kLongest = 16;
constexpr std::string_view kMd = "a member of a RAID (md)", kSwap = "swap",
                           kExt = "ext2, ext3 or ext4";
constexpr std::string_view kMdMagic = "\xfc\x4e\x2b\xa9"sv, kLvm = "a physical volume of LVM";
constexpr std::string_view kReiser = "ReiserFS", kGpt = "a GPT partition table";

// The most telling first: what is at the start of a disk may be left from before.
constexpr Signature kSignatures[] = {
    {"LUKS", "LUKS\xba\xbe"sv, 0},
    {kMd, kMdMagic, 0},
    {kMd, kMdMagic, 4 * kKiB},
    {kMd, kMdMagic, 0, From::LastBlocks},
    {kMd, kMdMagic, 0, From::LastChunk},
    {kMd, "\xa9\x2b\x4e\xfc"sv, 0, From::LastChunk},
    {kLvm, "LABELONE", 0},
    {kLvm, "LABELONE", 512},
    {kLvm, "LABELONE", 1024},
    {kLvm, "LABELONE", 1536},
    {"bcache", "\xc6\x85\x73\xf6\x4e\x1a\x45\xca\x82\x65\xf5\x7f\x48\xba\x6d\x81"sv, 4 * kKiB + 24},
    {"BitLocker", "-FVE-FS-", 3},
    {"NTFS", "NTFS    ", 3},
    {"exFAT", "EXFAT   ", 3},
    {"ReFS", "ReFS\0\0\0\0"sv, 3},
    {"btrfs", "_BHRfS_M", 64 * kKiB + 64},
    {kExt, "\x53\xef"sv, kKiB + 56},
    {"XFS", "XFSB", 0},
    {kReiser, "ReIsEr", 64 * kKiB + 52},
    {kReiser, "ReIsErFs", 8 * kKiB + 52},
    {kReiser, "ReIsErFs", 8 * kKiB + 20},
    {"Reiser4", "ReIsEr4", 64 * kKiB},
    {"GFS2", "\x01\x16\x19\x70"sv, 64 * kKiB},
    {"JFS", "JFS1", 32 * kKiB},
    {"F2FS", "\x10\x20\xf5\xf2"sv, kKiB},
    {"NILFS2", "\x34\x34"sv, kKiB + 6},
    {"HFS+", "H+\0\4"sv, kKiB},
    {"HFS+", "HX\0\5"sv, kKiB},
    {"HFS", "BD", kKiB},
    {"APFS", "NXSB", 32},
    {"ISO 9660", "CD001", 32 * kKiB + 1},
    {"UDF", "BEA01", 32 * kKiB + 1},
    {"SquashFS", "hsqs", 0},
    {"VMFS", "\x0d\xd0\x01\xc0"sv, 1024 * kKiB},
    {kSwap, "SWAPSPACE2", 4 * kKiB - 10},
    {kSwap, "SWAP-SPACE", 4 * kKiB - 10},
    {kSwap, "S1SUSPEND", 4 * kKiB - 10},
    {kSwap, "SWAPSPACE2", 8 * kKiB - 10},
    {kSwap, "SWAPSPACE2", 16 * kKiB - 10},
    {kSwap, "SWAPSPACE2", 64 * kKiB - 10},
    {kGpt, "EFI PART", 512},
    {kGpt, "EFI PART", 4 * kKiB},
    {kGpt, "EFI PART", 512, From::End},
    {kGpt, "EFI PART", 4 * kKiB, From::End},
    {"FAT", "FAT12   ", 54},
    {"FAT", "FAT16   ", 54},
    {"FAT", "FAT32   ", 82},
    {"a boot sector or an MBR partition table", "\x55\xaa"sv, 510},
    {kLittleFsSignature, "littlefs", 8},
    {kLittleFsSignature, "littlefs", 4 * kKiB + 8},
};

// Uberblocks of the first two labels of ZFS, in either order of bytes.
constexpr u32 kZfsFirst = 128 * kKiB, kZfsSlots = 128, kZfsLabel = 256 * kKiB, kZfsLabels = 2;
constexpr std::string_view kZfsLittle = "\x0c\xb1\xba\x00\x00\x00\x00\x00"sv;
constexpr std::string_view kZfsBig = "\x00\x00\x00\x00\x00\xba\xb1\x0c"sv;

class Finder {
  public:
    explicit Finder(Cache &disk) : disk_{disk} {}

    // found(name, place) for each one, until it says false.
    template <typename Found>
    sel::Result<> look(Found found) {
        for (const Signature &s : kSignatures) {
            u64 at = place(s);
            if (at != kNowhere && says(at, s.bytes) && !found(s.name, at)) {
                return error_;
            }
        }
        for (u32 label = 0; label < kZfsLabels; label++) {
            for (u32 slot = 0; slot < kZfsSlots; slot++) {
                u64 at = u64{label} * kZfsLabel + kZfsFirst + u64{slot} * kKiB;
                if ((says(at, kZfsLittle) || says(at, kZfsBig)) && !found("ZFS", at)) {
                    return error_;
                }
            }
        }
        return error_;
    }

  private:
    static constexpr u64 kNowhere = ~u64{0};

    u64 place(const Signature &s) const {
        u64 end = disk_.bytes(), chunk = 64 * kKiB;
        switch (s.from) {
        case From::Start:
            return s.offset;
        case From::End:
            return end >= s.offset ? end - s.offset : kNowhere;
        case From::LastBlocks:
            return end >= 12 * kKiB ? end / (4 * kKiB) * (4 * kKiB) - 8 * kKiB : kNowhere;
        case From::LastChunk:
            return end >= 2 * chunk ? (end / chunk - 1) * chunk : kNowhere;
        }
        return kNowhere;
    }

    bool says(u64 at, std::string_view bytes) {
        std::array<u8, kLongest> read;
        if (at > disk_.bytes() || bytes.size() > disk_.bytes() - at) {
            return false;
        }
        sel::Result<> done = disk_.read(at, {read.data(), bytes.size()});
        error_ = error_ == OK ? done.error() : error_;
        return done.ok() && __builtin_memcmp(read.data(), bytes.data(), bytes.size()) == 0;
    }

    Cache &disk_;
    error_t error_ = OK;
};

} // namespace

sel::Result<std::string_view> find_signature(Cache &disk) {
    std::string_view name;
    sel::Result<> looked = Finder{disk}.look([&](std::string_view found, u64) {
        name = found;
        return false;
    });
    return looked.ok() || !name.empty() ? sel::Result<std::string_view>{name} : looked.error();
}

sel::Result<> clear_for_format(Cache &disk, bool force, sel::Text<120> &note) {
    note = {};
    if (disk.read_only()) {
        note = "is read-only";
        return ERR_RIGHT;
    }
    sel::Result<std::string_view> first = find_signature(disk);
    if (!first) {
        return first.error();
    }
    if (first->empty()) {
        return {};
    }
    sel::format(note, "holds {}", *first);
    if (!force) {
        return ERR_EXISTS;
    }
    sel::Result<> cleared;
    sel::Result<> looked = Finder{disk}.look([&](std::string_view, u64 at) {
        static constexpr std::array<u8, Cache::kSectorBytes> zeroes{};
        cleared = disk.write(at / Cache::kSectorBytes * Cache::kSectorBytes, zeroes);
        return cleared.ok();
    });
    if (cleared.ok() && looked.ok()) {
        cleared = disk.flush();
    }
    return cleared.ok() ? looked : cleared;
}

} // namespace volume
