// FatRecord: an entry of a FAT directory with a long name of ASCII, read from the records where it stands.
// SPDX-License-Identifier: BSD-2-Clause
//
// The library assembles each long name in UTF-16, and translates it, a character at a time. Most are plain: some
// records with 13 characters each, last ones first, and the short name with a sum of which they say the same. What is
// anything else, or damaged, or goes on in another sector, is left to the library. Source: Microsoft, "FAT: General
// Overview of On-Disk Format" 1.03, "FAT Long Directory Entries"; as f_readdir() of oofatfs does it.
#pragma once

#include <array>
#include <cstring>
#include <span>
#include <string_view>

#include "abi/types.h"

namespace volume {

class FatRecord {
  public:
    static constexpr u32 kBytes = 32;

    // The entry that begins here. False: it is none of these.
    bool read(std::span<const u8> records) {
        if (records.size() < 2 * kBytes || (records[0] & kLast) == 0) {
            return false;
        }
        u32 parts = records[0] & ~kLast;
        if (parts == 0 || parts > kParts || (parts + 1) * kBytes > records.size()) {
            return false;
        }
        const u8 *record = records.data();
        u8 sum = record[kSum];
        bool good = take_last(record, parts);
        for (u32 part = parts; good && part-- > 1;) {
            record += kBytes;
            good = record[0] == part && record[kSum] == sum && take_full(record, part);
        }
        record += kBytes;
        if (!good || !is_short(record) || sum_of(record) != sum) {
            return false;
        }
        directory = (record[kAttributes] & kDirectory) != 0;
        time = word(record + kTime);
        date = word(record + kDate);
        __builtin_memcpy(&bytes, record + kSize, sizeof bytes);
        used = (parts + 1) * kBytes;
        return true;
    }

    std::string_view name() const { return {name_.data(), size_}; }

    bool directory;
    u16 time, date;
    u32 bytes; // Of its content.
    u32 used;  // Bytes of its records.

  private:
    static constexpr u32 kCharacters = 13; // Of a record.
    static constexpr u32 kParts = 5;       // More than 64 characters are no name here.
    static constexpr u8 kLast = 0x40, kDeleted = 0xe5;
    static constexpr u8 kLong = 0x0f, kVolume = 0x08, kDirectory = 0x10, kArchive = 0x20;
    static constexpr u8 kAttributeMask = 0x3f;
    enum Place : u32 {
        kAttributes = 11,
        kSum = 13,
        kTime = 22,
        kDate = 24,
        kLongCluster = 26, // 0 in the record of a long name.
        kSize = 28
    };
    static constexpr u8 kAt[kCharacters] = {1, 3, 5, 7, 9, 14, 16, 18, 20, 22, 24, 28, 30};

    static u16 word(const u8 *at) {
        u16 value;
        __builtin_memcpy(&value, at, sizeof value);
        return value;
    }
    static bool is_plain(u32 c) { return c - 0x20u < 0x7fu - 0x20u; }
    static bool is_long(const u8 *record) {
        return (record[kAttributes] & kAttributeMask) == kLong && word(record + kLongCluster) == 0;
    }
    static bool is_short(const u8 *record) {
        u32 attributes = record[kAttributes] & kAttributeMask;
        return record[0] != 0 && record[0] != kDeleted && record[0] != '.' && attributes != kLong &&
               (attributes & ~u32{kArchive}) != kVolume;
    }
    static u8 sum_of(const u8 *record) {
        u32 sum = 0;
        for (u32 i = 0; i < 11; i++) {
            sum = ((sum >> 1 | sum << 7) + record[i]) & 0xff;
        }
        return static_cast<u8>(sum);
    }

    // Record `part`, from 1 on, of which all characters are of the name.
    bool take_full(const u8 *record, u32 part) {
        char *to = &name_[(part - 1) * kCharacters];
        u32 odd = is_long(record) ? 0 : 1;
        for (u32 i = 0; i < kCharacters; i++) {
            u32 c = word(record + kAt[i]);
            odd |= is_plain(c) ? 0 : 1;
            to[i] = static_cast<char>(c);
        }
        return odd == 0;
    }
    // The last one: the name may end in it.
    bool take_last(const u8 *record, u32 part) {
        char *to = &name_[(part - 1) * kCharacters];
        u32 i = 0, c = 0;
        for (; i < kCharacters && is_plain(c = word(record + kAt[i])); i++) {
            to[i] = static_cast<char>(c);
        }
        size_ = (part - 1) * kCharacters + i;
        bool good = is_long(record) && (i == kCharacters || c == 0) && size_ != 0;
        for (i++; i < kCharacters; i++) {
            good = good && word(record + kAt[i]) == 0xffff;
        }
        return good;
    }

    u32 size_ = 0;
    std::array<char, kParts * kCharacters> name_;
};

} // namespace volume
