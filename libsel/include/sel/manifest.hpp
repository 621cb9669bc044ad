// Manifest: what a program asks for, in a note of its ELF file.
// SPDX-License-Identifier: BSD-2-Clause
//
// scripts/manifest.py makes it from the program's manifest.toml, in the section .note.trustos (ELF notes:
// System V ABI, chapter 5): name "TRustOs", type kManifestNote, then a ManifestHead and its needs. Here and there
// the layout is read from these structs. What a need may be says servers/README.md.
#pragma once

#include <span>
#include <string_view>

#include "sel/elf.hpp"

namespace sel {

inline constexpr u32 kManifestNote = 1;
inline constexpr u32 kManifestVersion = 1;
inline constexpr u32 kManifestNeedsMax = 128;
inline constexpr u32 kManifestMemoryMax = 1u << 30;

enum ManifestFlag : u8 {
    MANIFEST_VECTOR = 1, // It may use vector registers,
    MANIFEST_CODE = 2,   // have memory of its own,
    MANIFEST_SERVES = 4  // and receives messages.
};

// --- As in the file: little-endian, without padding. Texts end with 0.

struct ManifestHead {
    u32 version;
    u32 stack; // Bytes.
    char name[16];
    u64 memory; // Bytes of its untyped.
    u32 budget_us, period_us;
    u16 slots, replies; // As ProcessShape.
    u16 needs;
    u8 priority;
    u8 flags;       // ManifestFlag
    char about[96]; // One sentence.
};

struct ManifestNeed {
    char name[16]; // Of its variable.
    char word[24]; // A protocol, as "stream.In", or another word.
    u64 value[3];  // Of what is the program's own: the struct of its kind (servers/root/grant.hpp).
    u16 slot, slots;
    u8 own;  // 1: it comes from the program itself.
    u8 give; // 1: capabilities may be sent along.
    u8 reserved[2];

    std::string_view title() const { return name; }
    std::string_view kind() const { return word; }
};

static_assert(sizeof(ManifestHead) == 144 && sizeof(ManifestNeed) == 72);

class Manifest {
  public:
    const ManifestHead &head() const { return head_; }
    std::string_view name() const { return head_.name; }
    std::string_view about() const { return head_.about; }
    bool has(ManifestFlag flag) const { return (head_.flags & flag) != 0; }

    u32 count() const { return head_.needs; }
    // `i` < count().
    ManifestNeed need(u32 i) const;

  private:
    friend Result<Manifest> read_manifest(std::span<const u8> file, const char *&why);

    const char *check_head() const;
    const char *check_needs() const;
    const char *read(std::span<const u8> content);

    ManifestHead head_{};
    std::span<const u8> needs_;
};

// The manifest of a program file, which must outlive it: numbers in their ranges, texts that can be shown, needs
// in ascending slots. ERR_SYNTAX: `why` says what is wrong, in words that follow the file's name.
Result<Manifest> read_manifest(std::span<const u8> file, const char *&why);

} // namespace sel
