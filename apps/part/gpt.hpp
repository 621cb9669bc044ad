// Gpt: a partition table in memory, read, changed and written back in both its copies.
// SPDX-License-Identifier: BSD-2-Clause
//
//   Gpt gpt{disk};                        a volume::Cache, or what a test has
//   gpt.load() or gpt.clear(id);          what is on the disk, or an empty one
//   gpt.add(bytes, type, id, name), gpt.remove(number)
//   gpt.store();                          backup, flush, primary, flush: one of them is always whole
//
// Only tables of 128 entries of 128 bytes are changed, which is what all tools make. Partitions begin
// at multiples of 1 MiB. Source: UEFI 2.9, section 5.3.
#pragma once

#include "servers/block/partition.hpp"

namespace part {

inline constexpr block::Guid kBasicType{0x4433b9e5ebd0a0a2, 0xc79926b7b668c087}; // FAT, NTFS.

struct Entry {
    block::Guid type, id;
    u64 first, last; // Both are its own.
    u64 attributes;
    char16_t name[36];
};
static_assert(sizeof(Entry) == 128);

template <typename Disk>
class Gpt {
  public:
    static constexpr u32 kEntries = 128;
    static constexpr u64 kAlign = 1 << 20;

    explicit Gpt(Disk &disk) : disk_{disk} {}

    u64 sector_bytes() const { return disk_.disk().sector_bytes; }
    const Entry &entry(u32 number) const { return entry_[number - 1]; }
    bool used(u32 number) const { return !(entry_[number - 1].type == block::Guid{}); }

    // ERR_NAME: there is none. ERR_TYPE: one of another form, or partitions where there may be none.
    sel::Result<> load() {
        for (u64 at : {u64{1}, sectors() - 1}) {
            sel::Result<> loaded = sectors() > kLeast ? load_at(at) : ERR_NAME;
            if (loaded.error() != ERR_NAME) {
                return loaded;
            }
        }
        return ERR_NAME;
    }

    // ERR_FULL: the disk is too small.
    sel::Result<> clear(block::Guid id) {
        id_ = id;
        entry_ = {};
        return first_free() < last_usable() ? sel::Result<>{} : ERR_FULL;
    }

    // Number of a new partition of `bytes`, or of all of the largest gap (0), in the first gap where it
    // fits. ERR_FULL: there is no such gap, or no number left.
    sel::Result<u32> add(u64 bytes, block::Guid type, block::Guid id, std::string_view name) {
        u32 number = 1;
        while (number <= block::Table::kPartitions && used(number)) {
            number++;
        }
        u64 wanted = (bytes + sector_bytes() - 1) / sector_bytes();
        Gap gap = find_gap(wanted);
        if (number > block::Table::kPartitions || gap.sectors == 0) {
            return ERR_FULL;
        }
        u64 count = wanted != 0 ? wanted : gap.sectors;
        Entry &e = entry_[number - 1];
        e = {type, id, gap.first, gap.first + count - 1, 0, {}};
        std::copy_n(name.begin(), std::min(name.size(), std::size(e.name) - 1), e.name);
        return number;
    }

    // ERR_NAME: there is no such partition.
    sel::Result<> remove(u32 number) {
        if (number == 0 || number > kEntries || !used(number)) {
            return ERR_NAME;
        }
        entry_[number - 1] = {};
        return {};
    }

    sel::Result<> store() {
        u64 end = sectors() - 1;
        sel::Result<> written = put(end - table_sectors(), end, 1);
        if (written.ok()) {
            written = put_protective();
        }
        return written.ok() ? put(2, 1, end) : written;
    }

  private:
    static constexpr u64 kSignature = 0x5452415020494645; // "EFI PART"
    static constexpr u32 kHeaderBytes = 92, kLeast = 80;

    struct Header {
        u64 signature;
        u32 revision, bytes, crc, reserved;
        u64 here, other, first, last;
        block::Guid id;
        u64 table;
        u32 count, entry_bytes, table_crc;
    };
    struct Gap {
        u64 first, sectors;
    };

    u64 sectors() const { return disk_.bytes() / sector_bytes(); }
    u64 table_sectors() const { return sizeof entry_ / sector_bytes(); }
    u64 first_usable() const { return 2 + table_sectors(); }
    u64 last_usable() const { return sectors() - 2 - table_sectors(); }
    u64 align() const { return kAlign / sector_bytes(); }
    u64 aligned(u64 sector) const { return (sector + align() - 1) / align() * align(); }
    u64 first_free() const { return aligned(first_usable()); }

    static u32 crc(const void *data, std::size_t bytes) {
        return ~block::detail::crc32(~0u, {static_cast<const u8 *>(data), bytes});
    }

    // --- Reading.

    sel::Result<> load_at(u64 at) {
        Header h;
        u8 raw[kHeaderBytes];
        if (sel::Result<> read = disk_.read(at * sector_bytes(), raw); !read) {
            return read;
        }
        __builtin_memcpy(static_cast<void *>(&h), raw, kHeaderBytes);
        __builtin_memset(raw + offsetof(Header, crc), 0, sizeof h.crc);
        if (h.signature != kSignature || h.here != at || h.crc != crc(raw, sizeof raw)) {
            return ERR_NAME;
        }
        if (h.bytes != kHeaderBytes || h.count != kEntries || h.entry_bytes != sizeof(Entry) ||
            h.table >= sectors() - table_sectors()) {
            return ERR_TYPE;
        }
        std::span<u8> out{reinterpret_cast<u8 *>(entry_.data()), sizeof entry_};
        sel::Result<> read = disk_.read(h.table * sector_bytes(), out);
        if (!read) {
            return read;
        }
        id_ = h.id;
        return crc(entry_.data(), sizeof entry_) != h.table_crc ? ERR_NAME
               : all_inside()                                   ? sel::Result<>{}
                                                                : ERR_TYPE;
    }

    // The tables are written anew for the disk as it is now, and must not hit a partition.
    bool all_inside() const {
        return std::all_of(entry_.begin(), entry_.end(), [&](const Entry &e) {
            return e.type == block::Guid{} ||
                   (e.first >= first_usable() && e.first <= e.last && e.last <= last_usable());
        });
    }

    // --- Changing.

    // The first gap of `wanted` sectors, or the largest one (0); sectors 0: there is none.
    Gap find_gap(u64 wanted) const {
        Gap best{0, 0};
        for (u64 at = first_free(); at <= last_usable();) {
            u64 end = last_usable() / align() * align(), next = ~u64{0};
            for (const Entry &e : entry_) {
                if (e.type == block::Guid{} || e.last < at) {
                    continue;
                }
                if (e.first < end) {
                    end = e.first;
                    next = e.last + 1;
                }
            }
            u64 room = end > at ? end - at : 0;
            if (wanted != 0 && room >= wanted) {
                return {at, room};
            }
            best = room > best.sectors ? Gap{at, room} : best;
            if (next == ~u64{0}) {
                break;
            }
            at = aligned(next);
        }
        return wanted == 0 ? best : Gap{0, 0};
    }

    // --- Writing.

    sel::Result<> put(u64 table, u64 here, u64 other) {
        Header h{kSignature,     0x10000,       kHeaderBytes, 0,     0,        here,          other,
                 first_usable(), last_usable(), id_,          table, kEntries, sizeof(Entry), 0};
        h.table_crc = crc(entry_.data(), sizeof entry_);
        h.crc = crc(&h, kHeaderBytes);
        static std::array<u8, block::kPageBytes> sector; // One thread, and no room on the stack.
        sector = {};
        __builtin_memcpy(sector.data(), &h, kHeaderBytes);
        std::span<const u8> entries{reinterpret_cast<const u8 *>(entry_.data()), sizeof entry_};
        sel::Result<> written = disk_.write(table * sector_bytes(), entries);
        if (written.ok()) {
            written = disk_.write(here * sector_bytes(), {sector.data(), sector_bytes()});
        }
        return written.ok() ? disk_.flush() : written;
    }

    // One entry that covers all, so that old tools see that the disk is not empty; code that is there
    // stays.
    sel::Result<> put_protective() {
        constexpr u32 kEntry = 446, kBytes = 512;
        std::array<u8, kBytes> mbr;
        sel::Result<> read = disk_.read(0, mbr);
        if (!read) {
            return read;
        }
        const u8 head[] = {0, 0, 2, 0, 0xee, 0xff, 0xff, 0xff, 1, 0, 0, 0};
        std::fill(mbr.begin() + kEntry, mbr.end(), u8{0});
        std::copy(std::begin(head), std::end(head), mbr.begin() + kEntry);
        u32 count = static_cast<u32>(std::min<u64>(sectors() - 1, ~u32{0}));
        __builtin_memcpy(&mbr[kEntry + sizeof head], &count, sizeof count);
        mbr[kBytes - 2] = 0x55;
        mbr[kBytes - 1] = 0xaa;
        return disk_.write(0, mbr);
    }

    Disk &disk_;
    block::Guid id_{};
    std::array<Entry, kEntries> entry_{};
};

} // namespace part
