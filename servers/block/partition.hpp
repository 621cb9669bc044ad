// Partition tables: GPT, its backup, and MBR with logical partitions. A table may say anything.
// SPDX-License-Identifier: BSD-2-Clause
//
//   Table table = read_table(sectors, sector_bytes, read);   read(sector, bytes): could it be read?
//   if (const Partition *p = table.find(2)) ...
//
// Each entry is judged alone. What lies outside the disk or over the table is left out; what ends
// behind the disk or overlaps another one may be read, up to the end of the disk, and not written:
// `doubt` says why. Only if the table as a whole cannot be believed (`refused`) there are none. A
// disk without a table is one partition, number 1. All numbers are of 512 bytes, whatever the sectors
// of the disk are; every loop is bounded. Sources: UEFI 2.9, chapter 5; for MBR what all systems have
// done since DOS 3.3.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <span>

#include "servers/block/api.hpp"

namespace block {

using Sector = std::array<u8, kSectorBytes>;

struct Partition {
    u64 first, sectors;       // sectors 0: there is none.
    Guid type{};              // As GPT has it; else zero.
    std::string_view doubt{}; // Why it is read-only or, without sectors, left out.
    Guid id{};                // Of this one alone. With an MBR, of its disk.
    Label label{};
};

class Table {
  public:
    static constexpr u32 kPartitions = 64; // Numbers from 1; GPT entries behind them are left out.

    std::array<Partition, kPartitions> partition{};
    std::string_view kind = "none";
    std::string_view refused; // Why there are no partitions.
    std::string_view remark;  // What else is wrong with the table.

    const Partition *find(u32 number) const {
        bool there = number != 0 && number <= kPartitions && partition[number - 1].sectors != 0;
        return there ? &partition[number - 1] : nullptr;
    }
    u32 count() const {
        return static_cast<u32>(std::count_if(partition.begin(), partition.end(),
                                              [](const Partition &p) { return p.sectors != 0; }));
    }
};

namespace detail {

template <typename T>
T load(const u8 *from) {
    T value;
    __builtin_memcpy(&value, from, sizeof value);
    return value;
}

// CRC-32 of IEEE 802.3, as UEFI has it; begin with ~0, invert the result.
inline u32 crc32(u32 crc, std::span<const u8> data) {
    for (u8 byte : data) {
        crc ^= byte;
        for (u32 bit = 0; bit < 8; bit++) {
            crc = crc >> 1 ^ (0xedb88320 & (0 - (crc & 1)));
        }
    }
    return crc;
}

template <typename Read>
class Reader {
  public:
    Reader(u64 sectors, u32 sector_bytes, Read &read)
        : unit_{sector_bytes / kSectorBytes}, sectors_{sectors / unit_}, read_{read} {}

    Table table() {
        std::string_view refused = any();
        if (!refused.empty()) {
            table_.partition = {};
            table_.remark = {};
            table_.refused = refused;
        } else if (table_.kind == "none") {
            table_.partition[0] = {0, sectors_};
        }
        find_overlaps();
        for (Partition &p : table_.partition) {
            p.first *= unit_;
            p.sectors *= unit_;
        }
        return table_;
    }

  private:
    static constexpr u64 kEfiPart = 0x5452415020494645; // "EFI PART"
    static constexpr u32 kSignature = 440, kEntries = 446, kEntryBytes = 16, kPrimary = 4;
    static constexpr u32 kLogical = Table::kPartitions - kPrimary;
    static constexpr u8 kProtective = 0xee;

    struct MbrEntry {
        u8 status, type;
        u32 first, sectors;
        bool used() const { return type != 0 && sectors != 0; }
        bool extended() const { return type == 0x05 || type == 0x0f || type == 0x85; }
    };

    static MbrEntry mbr_entry(const Sector &s, u32 i) {
        const u8 *e = s.data() + kEntries + i * kEntryBytes;
        return {e[0], e[4], load<u32>(e + 8), load<u32>(e + 12)};
    }
    static bool is_mbr(const Sector &s) { return s[510] == 0x55 && s[511] == 0xaa; }

    // The first 512 bytes of sector `at` of the disk.
    bool read(u64 at, Sector &to) { return at < sectors_ && read_(at * unit_, to); }

    std::string_view any() {
        Sector s;
        if (!read(0, s)) {
            return sectors_ == 0 ? "the disk has no sectors" : "sector 0 cannot be read";
        }
        if (!is_mbr(s)) {
            return {};
        }
        for (u32 i = 0; i < kPrimary; i++) {
            if (mbr_entry(s, i).type == kProtective) {
                return gpt();
            }
        }
        if (!is_boot_sector(s)) {
            table_.kind = "MBR";
            mbr(s);
        }
        return {};
    }

    // Of a file system on the whole disk, which ends in the same two bytes as a table.
    static bool is_boot_sector(const Sector &s) {
        bool entries = false, sound = true;
        for (u32 i = 0; i < kPrimary; i++) {
            entries = entries || mbr_entry(s, i).used();
            sound = sound && (mbr_entry(s, i).status & 0x7f) == 0;
        }
        auto says = [&](u32 at, std::string_view name) {
            return std::equal(name.begin(), name.end(), &s[at]);
        };
        return !entries || !sound || says(54, "FAT1") || says(82, "FAT32") || says(3, "NTFS ") ||
               says(3, "EXFAT ");
    }

    // --- One entry.

    // `at` or, if it is none that can be used, why.
    Partition judge(Partition p) const {
        if (p.first == 0) {
            return {0, 0, p.type, "it covers the partition table"};
        }
        if (p.first >= sectors_) {
            return {0, 0, p.type, "it lies outside the disk"};
        }
        if (p.sectors > sectors_ - p.first) {
            p.sectors = sectors_ - p.first;
            p.doubt = "it ends behind the disk";
        }
        return p;
    }

    static bool overlap(const Partition &a, const Partition &b) {
        return a.sectors != 0 && b.sectors != 0 && a.first < b.first + b.sectors &&
               b.first < a.first + a.sectors;
    }
    static void doubt(Partition &p, std::string_view why) {
        p.doubt = p.doubt.empty() ? why : p.doubt;
    }

    void find_overlaps() {
        auto &all = table_.partition;
        for (u32 i = 0; i < all.size(); i++) {
            for (u32 k = 0; k < i; k++) {
                if (overlap(all[i], all[k])) {
                    doubt(all[i], "it overlaps another one");
                    doubt(all[k], "it overlaps another one");
                }
            }
        }
    }

    // --- MBR.

    void mbr(const Sector &s) {
        Partition extended{};
        Guid id{load<u32>(&s[kSignature]), 0};
        for (u32 i = 0; i < kPrimary; i++) {
            MbrEntry e = mbr_entry(s, i);
            Partition p = e.used() ? judge({e.first, e.sectors, {}, {}, id}) : Partition{};
            if (!e.used() || !e.extended()) {
                table_.partition[i] = p;
            } else if (extended.sectors != 0 || p.sectors == 0) {
                table_.remark = "an extended partition is left out";
            } else {
                extended = p;
            }
        }
        for (u32 i = 0; i < kPrimary; i++) {
            if (overlap(table_.partition[i], extended)) {
                doubt(table_.partition[i], "it overlaps the extended one");
            }
        }
        std::string_view wrong = extended.sectors != 0 ? logical(extended) : std::string_view{};
        if (!wrong.empty()) {
            table_.remark = wrong;
            for (u32 i = kPrimary; i < Table::kPartitions; i++) {
                if (table_.partition[i].sectors != 0) {
                    doubt(table_.partition[i], wrong);
                }
            }
        }
    }

    // The chain of tables inside an extended partition: each has one partition and the next table.
    // Where each of them was is kept: a loop ends, and no partition covers one.
    std::string_view logical(Partition inside) {
        std::array<u64, kLogical> seen{};
        u32 count = 0;
        std::string_view wrong = "there are too many logical partitions";
        for (u64 at = inside.first; count < kLogical;) {
            Sector s;
            if (at < inside.first || at - inside.first >= inside.sectors) {
                wrong = "the chain of logical partitions leaves its partition";
                break;
            }
            if (std::find(seen.begin(), seen.begin() + count, at) != seen.begin() + count) {
                wrong = "the chain of logical partitions is a loop";
                break;
            }
            if (!read(at, s) || !is_mbr(s)) {
                wrong = "a table of logical partitions cannot be read";
                break;
            }
            MbrEntry e = mbr_entry(s, 0), next = mbr_entry(s, 1);
            if (e.used()) {
                table_.partition[kPrimary + count] =
                    judge_logical({at + e.first, e.sectors, {}, {}, inside.id}, inside);
            }
            seen[count++] = at;
            if (!next.used()) {
                wrong = {};
                break;
            }
            at = inside.first + next.first;
        }
        for (u32 i = kPrimary; i < Table::kPartitions; i++) {
            for (u32 k = 0; k < count; k++) {
                if (overlap(table_.partition[i], {seen[k], 1})) {
                    doubt(table_.partition[i], "it covers a partition table");
                }
            }
        }
        return wrong;
    }

    Partition judge_logical(Partition p, const Partition &inside) const {
        u64 end = p.first + p.sectors;
        Partition judged = judge(p);
        if (judged.sectors != 0 &&
            (p.first < inside.first || end > inside.first + inside.sectors)) {
            doubt(judged, "it lies outside its extended one");
        }
        return judged;
    }

    // --- GPT: the primary table, or the backup in the last sector.

    std::string_view gpt() {
        table_.kind = "GPT";
        std::string_view wrong = gpt_at(1);
        if (!wrong.empty() && sectors_ > 2) {
            table_.partition = {};
            table_.remark = {};
            if (gpt_at(sectors_ - 1).empty()) {
                table_.kind = "backup GPT";
                return {};
            }
        }
        return wrong;
    }

    struct Header {
        u64 first, last; // Usable.
        u64 entries;     // First sector.
        u32 count, bytes, crc;
    };

    // In sectors of the disk.
    u64 sectors_of(const Header &h) const {
        u64 sector_bytes = u64{unit_} * kSectorBytes;
        return (u64{h.count} * h.bytes + sector_bytes - 1) / sector_bytes;
    }

    std::string_view gpt_at(u64 at) {
        Sector s;
        if (!read(at, s)) {
            return "the GPT header cannot be read";
        }
        u32 size = load<u32>(&s[12]);
        if (load<u64>(&s[0]) != kEfiPart || size < 92 || size > kSectorBytes) {
            return "there is no GPT header";
        }
        u32 crc = load<u32>(&s[16]);
        std::fill_n(&s[16], 4, u8{0});
        if (crc != ~crc32(~0u, {s.data(), size}) || load<u64>(&s[24]) != at) {
            return "the GPT header is damaged";
        }
        Header h{load<u64>(&s[40]), load<u64>(&s[48]), load<u64>(&s[72]),
                 load<u32>(&s[80]), load<u32>(&s[84]), load<u32>(&s[88])};
        std::string_view wrong = check(h, at);
        return wrong.empty() ? read_entries(h) : wrong;
    }

    // Header and entries must lie outside the part that partitions may use. That may reach behind
    // the end of a disk which was cut.
    std::string_view check(const Header &h, u64 at) const {
        constexpr u32 kBytesMost = 64 << 10, kEntryLeast = 128;
        if (h.bytes < kEntryLeast || h.bytes > kSectorBytes || !std::has_single_bit(h.bytes) ||
            h.count == 0 || h.count > kBytesMost / h.bytes) {
            return "the GPT has entries of a strange size or number";
        }
        auto usable = [&](u64 sector) { return sector >= h.first && sector <= h.last; };
        if (h.first > h.last || h.first >= sectors_ || h.first <= 1 || usable(at) ||
            h.entries <= 1 || h.entries >= sectors_ || sectors_ - h.entries < sectors_of(h) ||
            (h.entries <= h.last && h.entries + sectors_of(h) > h.first)) {
            return "the GPT lies outside the disk or in its own partitions";
        }
        return {};
    }

    std::string_view read_entries(const Header &h) {
        u32 crc = ~0u, number = 0;
        u64 left = u64{h.count} * h.bytes;
        for (u64 i = 0; left != 0; i++) {
            Sector s;
            if (!read_(h.entries * unit_ + i, s)) {
                return "the GPT cannot be read";
            }
            u32 bytes = static_cast<u32>(left < kSectorBytes ? left : kSectorBytes);
            left -= bytes;
            crc = crc32(crc, {s.data(), bytes});
            for (u32 at = 0; at < bytes; at += h.bytes) {
                entry(h, &s[at], number++);
            }
        }
        return ~crc == h.crc ? std::string_view{} : "the GPT is damaged";
    }

    void entry(const Header &h, const u8 *e, u32 number) {
        Guid type{load<u64>(e), load<u64>(e + 8)};
        if (type == Guid{}) {
            return;
        }
        if (number >= Table::kPartitions) {
            table_.remark = "partitions behind number 64 are left out";
            return;
        }
        Partition p{load<u64>(e + 32), 0, type, {}, {load<u64>(e + 16), load<u64>(e + 24)}};
        for (u32 i = 0; i < Label::kCapacity; i++) {
            u16 c = load<u16>(e + 56 + 2 * i);
            if (c == 0) {
                break;
            }
            p.label.append(c > ' ' && c < 0x7f ? static_cast<char>(c) : '?');
        }
        table_.partition[number] = judge_entry(h, p, load<u64>(e + 40));
    }

    Partition judge_entry(const Header &h, Partition p, u64 last) const {
        if (last < p.first || last - p.first == ~u64{0}) {
            return {0, 0, p.type, "it ends before it begins"};
        }
        if (p.first < h.first) {
            return {0, 0, p.type, "it covers the partition table"};
        }
        p.sectors = last - p.first + 1;
        Partition judged = judge(p);
        if (judged.sectors != 0 && last > h.last) {
            doubt(judged, "it covers the backup of the partition table");
        }
        return judged;
    }

    u32 unit_; // Of 512 bytes, in a sector of the disk.
    u64 sectors_;
    Read &read_;
    Table table_{};
};

} // namespace detail

// `read`: bool(u64 sector, Sector &to), for sectors of 512 bytes of a disk that has `sectors` of them.
// `sector_bytes`: of the disk's own, in which tables count.
template <typename Read>
Table read_table(u64 sectors, u32 sector_bytes, Read &&read) {
    return detail::Reader<std::remove_reference_t<Read>>{sectors, sector_bytes, read}.table();
}

} // namespace block
