// FatRecord: an entry of a FAT directory with a long name of ASCII, read from the records where it stands.
// SPDX-License-Identifier: BSD-2-Clause
//
// The library assembles each long name in UTF-16, and translates it, a character at a time. Most are plain: some
// records with 13 characters each, last ones first, and the short name with a sum of which they say the same. What is
// anything else, or damaged, or goes on in another sector, is left to the library. Source: Microsoft, "FAT: General
// Overview of On-Disk Format" 1.03, "FAT Long Directory Entries"; as f_readdir() of oofatfs does it.
#pragma once

#include <array>
#include <bit>
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
        time = load<u16>(record + kTime);
        date = load<u16>(record + kDate);
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
    static constexpr u64 kOnes = 0x0001000100010001, kBlanks = ' ' * kOnes, kTops = 0x8000 * kOnes;
    enum Place : u32 {
        kAttributes = 11,
        kSum = 13,
        kTime = 22,
        kDate = 24,
        kLongCluster = 26, // 0 in the record of a long name.
        kSize = 28
    };

    template <typename T>
    static T load(const u8 *at) {
        T value;
        __builtin_memcpy(&value, at, sizeof value);
        return value;
    }
    // Four characters of 16 bits each: all are of 0x20 to 0x7e.
    static bool is_plain(u64 four) {
        return ((four | (four - kBlanks) | (four + kOnes)) & 0xff80ff80ff80ff80) == 0;
    }
    static u32 narrow(u64 four) {
        four = (four | four >> 8) & 0x0000ffff0000ffff;
        return static_cast<u32>(four | four >> 16);
    }
    // Characters 4 * `part` on of a record of a long name. They stand in three pieces: 5 from byte 1 on, 6 from 14, 2 from 28.
    static u64 four(const u8 *record, u32 part) {
        switch (part) {
        case 0:
            return load<u64>(record + 1);
        case 1:
            return load<u16>(record + 9) | load<u64>(record + 14) << 16;
        default:
            return (load<u64>(record + 18) >> 16) | u64{load<u16>(record + 28)} << 48;
        }
    }
    static u16 last(const u8 *record) { return load<u16>(record + 30); }
    static bool is_long(const u8 *record) {
        return (record[kAttributes] & kAttributeMask) == kLong &&
               load<u16>(record + kLongCluster) == 0;
    }
    static bool is_short(const u8 *record) {
        u32 attributes = record[kAttributes] & kAttributeMask;
        return record[0] != 0 && record[0] != kDeleted && record[0] != '.' && attributes != kLong &&
               (attributes & ~u32{kArchive}) != kVolume;
    }
    static u8 sum_of(const u8 *record) {
        u8 sum = 0;
#pragma GCC unroll 11
        for (u32 i = 0; i < 11; i++) {
            sum = static_cast<u8>(std::rotr(sum, 1) + record[i]);
        }
        return sum;
    }

    void put(u32 place, u32 characters) {
        __builtin_memcpy(&name_[place], &characters, sizeof characters);
    }

    // Record `part`, from 1 on, of which all characters are of the name.
    bool take_full(const u8 *record, u32 part) {
        u32 at = (part - 1) * kCharacters;
        bool good = is_long(record);
#pragma GCC unroll 3
        for (u32 i = 0; i < 3; i++) {
            u64 c = four(record, i);
            good = good && is_plain(c);
            put(at + 4 * i, narrow(c));
        }
        u16 c = last(record);
        name_[at + 12] = static_cast<char>(c);
        return good && is_plain(kBlanks - ' ' + c);
    }
    // The last one: the name may end in it, with a 0 and ones behind that.
    bool take_last(const u8 *record, u32 part) {
        u32 at = (part - 1) * kCharacters, i = 0;
        u64 c = 0;
        for (; i < 3 && is_plain(c = four(record, i)); i++, at += 4) {
            put(at, narrow(c));
        }
        u16 end = last(record);
        if (i == 3) {
            bool plain = is_plain(kBlanks - ' ' + end);
            name_[at] = static_cast<char>(end);
            size_ = at + (plain ? 1 : 0);
            return is_long(record) && (plain || end == 0);
        }
        u64 zero = (c - kOnes) & ~c & kTops; // The lowest bit is that of the first.
        if (zero == 0) {
            return false;
        }
        u32 before = static_cast<u32>(std::countr_zero(zero)) / 16;
        u64 name = (u64{1} << 16 * before) - 1;
        put(at, narrow(c & name));
        size_ = at + before;
        bool good = is_plain((c & name) | (kBlanks & ~name)) &&
                    (c | name | u64{0xffff} << 16 * before) == ~u64{0};
        while (++i < 3) {
            good = good && four(record, i) == ~u64{0};
        }
        return good && end == 0xffff && is_long(record) && size_ != 0;
    }

    u32 size_ = 0;
    std::array<char, kParts * kCharacters> name_;
};

} // namespace volume
