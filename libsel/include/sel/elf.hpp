// Elf: the one reader of program files: what goes where, with which rights.
// SPDX-License-Identifier: BSD-2-Clause
//
// ElfFile reads the tables of any ELF-64 file and believes no offset (symbols; notes: manifest.hpp). read_elf() says
// whether a file is a program that can be started here, and what to load.
// Source: System V ABI, chapters 4 and 5 (ELF-64, static executable for x86_64).
#pragma once

#include <cstring>
#include <span>

#include "abi/capability.h"
#include "sel/environment.hpp"
#include "sel/result.hpp"

namespace sel {

// --- As in the file: little-endian, without padding.

struct ElfHeader {
    u8 ident[16];
    u16 type, machine;
    u32 version;
    u64 entry, program_offset, section_offset;
    u32 flags;
    u16 header_bytes, program_bytes, program_count;
    u16 section_bytes, section_count, section_names;
};

struct ElfProgramHeader {
    u32 type, flags;
    u64 offset, address, physical, file_bytes, memory_bytes, align;
};

struct ElfSectionHeader {
    u32 name, type;
    u64 flags, address, offset, bytes;
    u32 link, info;
    u64 align, entry_bytes;
};

struct ElfSymbol {
    u32 name;
    u8 info, other;
    u16 section;
    u64 value, bytes;
};

enum { ELF_LOAD = 1, ELF_INTERPRETER = 3, ELF_NOTE = 4 }; // ElfProgramHeader::type
enum { ELF_EXECUTE = 1, ELF_WRITE = 2 };                  // ElfProgramHeader::flags
enum { ELF_SYMBOLS = 2, ELF_FUNCTION = 2 }; // ElfSectionHeader::type; ElfSymbol::info,
inline constexpr u8 kElfSymbolType = 15;    // these bits of it.
inline constexpr u16 kElfExecutable = 2, kElfX86_64 = 62; // ElfHeader::type, machine

class ElfFile {
  public:
    // Without a file: nothing is found in it.
    ElfFile() = default;

    // `file` must outlive what comes of it. ERR_SYNTAX: it is no ELF-64 file of little-endian numbers.
    static Result<ElfFile> open(std::span<const u8> file);

    const ElfHeader &header() const { return header_; }

    // Entry `i` of the program headers, or of the section headers. False: there is none in the file.
    bool program(u32 i, ElfProgramHeader &out) const {
        return i < header_.program_count && read(header_.program_offset + i * sizeof out, out);
    }
    bool section(u32 i, ElfSectionHeader &out) const {
        return i < header_.section_count && read(header_.section_offset + i * sizeof out, out);
    }

    // False: it does not lie in the file.
    template <typename T>
    bool read(u64 offset, T &out) const {
        if (!holds(offset, sizeof out)) {
            return false;
        }
        std::memcpy(&out, file_.data() + offset, sizeof out);
        return true;
    }

    // holds(): all these bytes lie in the file. bytes(): these bytes, which it holds.
    bool holds(u64 offset, u64 size) const {
        return offset <= file_.size() && size <= file_.size() - offset;
    }
    std::span<const u8> bytes(u64 offset, u64 size) const { return file_.subspan(offset, size); }

  private:
    ElfHeader header_{};
    std::span<const u8> file_;
};

// Where images may lie; they are linked at the first of these addresses.
inline constexpr u64 kImageLow = kImageBase, kImageEnd = kWindowBase;

struct Segment {
    u64 address; // First page.
    u64 pages;
    u64 skip;                 // Bytes of the first page before the content.
    std::span<const u8> file; // The rest of the pages is zero.
    u64 rights;               // RIGHT_*; never both WRITE and GRANT (execute).
};

struct Elf {
    static constexpr u32 kSegments = 8;

    Segment segment[kSegments];
    u32 count = 0;
    u64 entry = 0;

    u64 pages() const;
};

// Segments come in ascending order, share no page and lie between kImageLow and kImageEnd.
// ERR_SYNTAX: `why` says what is wrong, in words that follow the file's name.
Result<Elf> read_elf(std::span<const u8> file, const char *&why);

} // namespace sel
