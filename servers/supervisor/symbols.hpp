// Symbols: which function an address of a program lies in, by the symbol table of its ELF file.
// SPDX-License-Identifier: BSD-2-Clause
//
// The file comes from the boot archive, but a damaged one must not harm (sel/elf.hpp).
// Names by the Itanium C++ ABI, section 5.1.
#pragma once

#include <span>
#include <string_view>

#include "sel/bytes.hpp"
#include "sel/elf.hpp"
#include "sel/result.hpp"

namespace supervisor {

using FunctionName = sel::Text<96>;

struct Symbol {
    std::string_view name; // As in the file.
    u64 offset;            // Of the address from the start of the function.
};

class Symbols {
  public:
    // `file`: the whole ELF file. Without a usable table nothing is ever found.
    explicit Symbols(std::span<const u8> file);

    sel::Result<Symbol> find(u64 address) const;

    // Is `address` behind a call instruction, as return addresses are?
    bool follows_call(u64 address) const;

  private:
    std::string_view name_at(u64 offset) const;
    sel::Result<std::span<const u8>> code_before(u64 address) const;

    sel::ElfFile file_;
    u64 symbols_ = 0, symbols_end_ = 0; // Offsets in the file.
    std::span<const u8> names_;
};

// "sel::serve" of "_ZN3sel5serveI...": the name without parameters. What is not of C++ stays as it is.
FunctionName readable(std::string_view mangled);

} // namespace supervisor
