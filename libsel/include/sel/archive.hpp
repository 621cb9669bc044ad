// Archive: the files that came with the boot image (made by scripts/pack_archive.py).
// SPDX-License-Identifier: BSD-2-Clause
//
// Little-endian. A header, `count` entries, then the files, each at a multiple of 16 bytes. The
// header's sum covers header and entries, an entry's sum covers its file, so that damage is found
// before anything is used, and has a name.
#pragma once

#include <span>
#include <string_view>

#include "sel/result.hpp"

namespace sel {

struct ArchiveHeader {
    static constexpr u64 kMagic = 0x45564948'43524154; // "TARCHIVE"
    static constexpr u32 kVersion = 1;
    static constexpr u32 kCountMax = 4096;

    u64 magic;
    u32 version, count;
    u64 bytes; // Of the whole archive.
    u64 sum;   // Of the header with sum = 0, and the entries.
};

struct ArchiveEntry {
    static constexpr u32 kNameBytes = 40;

    char name[kNameBytes]; // "etc/motd"; ends with 0.
    u64 offset, bytes;
    u64 sum;
};

struct ArchiveFile {
    std::string_view name;
    std::span<const u8> content;
    u64 sum; // That the content must have.

    bool intact() const; // It has.
};

// FNV-1a over 64-bit words, the last one filled with zeroes. Each step is a bijection of the state,
// so a single changed word is always found.
// Source: draft-eastlake-fnv, with words for bytes.
u64 archive_sum(std::span<const u8> bytes, u64 state = 0xcbf29ce484222325);

class Archive {
  public:
    constexpr Archive() = default;

    // `memory` starts with an archive and may be longer. Checks header, entries and that each file
    // lies inside and its name is fit to print. Errors: ERR_EMPTY no archive here; ERR_MEMORY it
    // is cut off; ERR_IO its table is damaged.
    static Result<Archive> open(std::span<const u8> memory);

    // The archive that root has checked and mapped at `address`: as long as its header says.
    static Result<Archive> open_mapped(u64 address);

    u32 count() const { return count_; }
    u64 bytes() const { return memory_.size(); }
    ArchiveFile file(u32 i) const; // i < count(). Whether it is intact was not looked at.

    // ERR_NAME: no such file. ERR_IO: its content is damaged.
    Result<ArchiveFile> find(std::string_view name) const;

  private:
    ArchiveEntry entry(u32 i) const;
    const char *name_of(u32 i) const;

    std::span<const u8> memory_;
    u32 count_ = 0;
};

} // namespace sel
