// ElfFile: apart from what only those need who start programs (elf.cpp).
// SPDX-License-Identifier: BSD-2-Clause
#include "sel/elf.hpp"

namespace sel {

Result<ElfFile> ElfFile::open(std::span<const u8> file) {
    constexpr u8 kIdent[] = {0x7f, 'E', 'L', 'F', 2, 1, 1};
    ElfFile elf;
    elf.file_ = file;
    if (!elf.read(0, elf.header_) || std::memcmp(elf.header_.ident, kIdent, sizeof kIdent) != 0) {
        return ERR_SYNTAX;
    }
    return elf;
}

} // namespace sel
