// Partition tables: GPT, its backup, and MBR with logical partitions. A table may say anything.
// SPDX-License-Identifier: BSD-2-Clause
//
//   Table table = read_table(sectors, read);         read(sector, bytes): true if it could be read
//   if (const Partition *p = table.find(2)) ...
//
// A table is believed as a whole or not at all: if one entry lies outside the disk, overlaps another
// one or covers the table itself, `refused` says so and there are no partitions. Every loop is
// bounded. Sources: UEFI 2.9, chapter 5; for MBR what all systems have done since DOS 3.3.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <span>

#include "servers/block/api.hpp"

namespace block {

using Sector = std::array<u8, kSectorBytes>;

struct Partition {
    u64 first, sectors; // sectors 0: there is none.
};

class Table {
  public:
    static constexpr u32 kPartitions =
        64; // Numbers from 1; GPT entries behind them must be unused.

    std::array<Partition, kPartitions> partition{};
    std::string_view kind = "none";
    std::string_view refused; // Why there are no partitions.

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

// Areas that must not overlap.
class Areas {
  public:
    // The reason why it cannot be had; empty: it can.
    std::string_view claim(Partition area, Partition inside) {
        if (area.sectors == 0 || area.first < inside.first || area.sectors > inside.sectors ||
            area.first - inside.first > inside.sectors - area.sectors) {
            return "a partition lies outside the disk";
        }
        for (u32 i = 0; i < count_; i++) {
            const Partition &other = area_[i];
            if (area.first < other.first + other.sectors &&
                other.first < area.first + area.sectors) {
                return "partitions overlap";
            }
        }
        if (count_ == kAreas) {
            return "there are too many partitions";
        }
        area_[count_++] = area;
        return {};
    }

  private:
    static constexpr u32 kAreas = 2 * Table::kPartitions;
    u32 count_ = 0;
    std::array<Partition, kAreas> area_{};
};

template <typename Read>
class Reader {
  public:
    Reader(u64 sectors, Read &read) : sectors_{sectors}, read_{read} {}

    Table table() {
        Table table;
        std::string_view refused = any(table);
        if (!refused.empty()) {
            table.partition = {};
            table.refused = refused;
        }
        return table;
    }

  private:
    static constexpr u64 kEfiPart = 0x5452415020494645; // "EFI PART"
    static constexpr u32 kEntries = 446, kEntryBytes = 16, kPrimary = 4;
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

    std::string_view any(Table &table) {
        Sector s;
        if (sectors_ == 0 || !read_(0, s)) {
            return "sector 0 cannot be read";
        }
        if (!is_mbr(s)) {
            return {};
        }
        for (u32 i = 0; i < kPrimary; i++) {
            if (mbr_entry(s, i).type == kProtective) {
                return gpt(table);
            }
        }
        for (u32 i = 0; i < kPrimary; i++) {
            if ((mbr_entry(s, i).status & 0x7f) != 0) {
                return {}; // The boot sector of a file system on the whole disk.
            }
        }
        table.kind = "MBR";
        return mbr(table, s);
    }

    // --- MBR.

    std::string_view mbr(Table &table, const Sector &s) {
        Areas areas;
        for (u32 i = 0; i < kPrimary; i++) {
            MbrEntry e = mbr_entry(s, i);
            if (!e.used()) {
                continue;
            }
            Partition p{e.first, e.sectors};
            std::string_view wrong = areas.claim(p, {1, sectors_ - 1});
            if (wrong.empty() && e.extended()) {
                wrong = logical(table, p);
            } else if (wrong.empty()) {
                table.partition[i] = p;
            }
            if (!wrong.empty()) {
                return wrong;
            }
        }
        return {};
    }

    // The chain of tables inside an extended partition: each has one partition and the next table.
    std::string_view logical(Table &table, Partition inside) {
        if (logical_) {
            return "there are two extended partitions";
        }
        logical_ = true;
        Areas areas;
        u64 at = inside.first;
        for (u32 i = 0; i < kLogical; i++) {
            Sector s;
            std::string_view wrong = areas.claim({at, 1}, inside);
            if (!wrong.empty()) {
                return wrong; // A loop ends here, too.
            }
            if (!read_(at, s) || !is_mbr(s)) {
                return "a table of logical partitions cannot be read";
            }
            MbrEntry e = mbr_entry(s, 0), next = mbr_entry(s, 1);
            if (e.used()) {
                Partition p{at + e.first, e.sectors};
                if (wrong = areas.claim(p, inside); !wrong.empty()) {
                    return wrong;
                }
                table.partition[kPrimary + i] = p;
            }
            if (!next.used()) {
                return {};
            }
            at = inside.first + next.first;
        }
        return "there are too many logical partitions";
    }

    // --- GPT: the primary table, or the backup in the last sector.

    std::string_view gpt(Table &table) {
        table.kind = "GPT";
        std::string_view wrong = gpt_at(table, 1);
        if (!wrong.empty() && sectors_ > 2) {
            table.partition = {};
            table.kind = "backup GPT";
            wrong = gpt_at(table, sectors_ - 1).empty() ? std::string_view{} : wrong;
        }
        return wrong;
    }

    struct Header {
        u64 first, last; // Usable.
        u64 entries;     // First sector.
        u32 count, bytes, crc;
        u64 sectors() const { return (u64{count} * bytes + kSectorBytes - 1) / kSectorBytes; }
    };

    std::string_view gpt_at(Table &table, u64 at) {
        Sector s;
        if (at >= sectors_ || !read_(at, s)) {
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
        return wrong.empty() ? read_entries(table, h) : wrong;
    }

    // Header and entries must lie outside the part that partitions may use.
    std::string_view check(const Header &h, u64 at) {
        constexpr u32 kBytesMost = 64 << 10, kEntryLeast = 128;
        if (h.bytes < kEntryLeast || h.bytes > kSectorBytes || !std::has_single_bit(h.bytes) ||
            h.count == 0 || h.count > kBytesMost / h.bytes) {
            return "the GPT has entries of a strange size or number";
        }
        auto usable = [&](u64 sector) { return sector >= h.first && sector <= h.last; };
        if (h.first > h.last || h.last >= sectors_ || h.first <= 1 || usable(at) ||
            h.entries <= 1 || h.entries >= sectors_ || sectors_ - h.entries < h.sectors() ||
            (h.entries <= h.last && h.entries + h.sectors() > h.first)) {
            return "the GPT lies outside the disk or in its own partitions";
        }
        return {};
    }

    std::string_view read_entries(Table &table, const Header &h) {
        Areas areas;
        u32 crc = ~0u, number = 0;
        u64 left = u64{h.count} * h.bytes;
        for (u64 i = 0; i < h.sectors(); i++) {
            Sector s;
            if (!read_(h.entries + i, s)) {
                return "the GPT cannot be read";
            }
            u32 bytes = static_cast<u32>(left < kSectorBytes ? left : kSectorBytes);
            left -= bytes;
            crc = crc32(crc, {s.data(), bytes});
            for (u32 at = 0; at < bytes; at += h.bytes) {
                std::string_view wrong = entry(table, areas, h, &s[at], number++);
                if (!wrong.empty()) {
                    return wrong;
                }
            }
        }
        return ~crc == h.crc ? std::string_view{} : "the GPT is damaged";
    }

    static std::string_view entry(Table &table, Areas &areas, const Header &h, const u8 *e,
                                  u32 number) {
        if (load<u64>(e) == 0 && load<u64>(e + 8) == 0) {
            return {};
        }
        u64 first = load<u64>(e + 32), last = load<u64>(e + 40);
        if (number >= Table::kPartitions) {
            return "there are too many partitions";
        }
        if (last < first || last - first == ~u64{0}) {
            return "a partition ends before it begins";
        }
        Partition p{first, last - first + 1};
        table.partition[number] = p;
        return areas.claim(p, {h.first, h.last - h.first + 1});
    }

    u64 sectors_;
    Read &read_;
    bool logical_ = false;
};

} // namespace detail

// `read`: bool(u64 sector, Sector &to), for sectors of a disk of that many.
template <typename Read>
Table read_table(u64 sectors, Read &&read) {
    return detail::Reader<std::remove_reference_t<Read>>{sectors, read}.table();
}

} // namespace block
