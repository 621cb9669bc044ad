// Symbols: the symbol table of an ELF file, and C++ names without their parameters.
// SPDX-License-Identifier: BSD-2-Clause
#include "symbols.hpp"

#include <algorithm>

namespace supervisor {
namespace {

enum { SEGMENTS_MOST = 16, SECTIONS_MOST = 64, SYMBOLS_MOST = 20000 };

bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

// Reads an Itanium C++ name from the front; steps over what stands in template arguments.
class NameReader {
  public:
    explicit NameReader(std::string_view text) : text_{text} {}

    FunctionName read() {
        bool nested = take('N');
        while (nested && (take('K') || take('V'))) {
        }
        while (!text_.empty() && take_part() && (nested || last_ == "std")) {
        }
        return name_;
    }

  private:
    bool take(char c) {
        bool found = text_.starts_with(c);
        text_.remove_prefix(found ? 1 : 0);
        return found;
    }

    std::string_view take_identifier() {
        constexpr std::size_t kLongest = 1000;
        std::size_t length = 0;
        while (!text_.empty() && is_digit(text_.front()) && length < kLongest) {
            length = length * 10 + static_cast<std::size_t>(text_.front() - '0');
            text_.remove_prefix(1);
        }
        std::string_view identifier = text_.substr(0, length);
        text_.remove_prefix(identifier.size());
        return identifier;
    }

    void add(std::string_view part) {
        name_.append(name_.size == 0 ? "" : "::");
        name_.append(part == "_GLOBAL__N_1" ? "(anonymous)" : part);
        last_ = part;
    }

    // One component; false at the end of the name.
    bool take_part() {
        char c = text_.front();
        if (is_digit(c)) {
            add(take_identifier());
        } else if (text_.starts_with("St")) {
            text_.remove_prefix(2);
            add("std");
        } else if (c == 'I') {
            skip_arguments();
        } else if (c == 'L') {
            text_.remove_prefix(1);
        } else if ((c == 'C' || c == 'D') && text_.size() > 1 && is_digit(text_[1])) {
            std::string_view type = last_;
            text_.remove_prefix(2);
            name_.append(c == 'D' ? "::~" : "::");
            name_.append(type);
        } else {
            return false;
        }
        return !text_.empty();
    }

    void skip_arguments() {
        u32 depth = 0;
        do {
            char c = text_.front();
            if (is_digit(c)) {
                take_identifier();
                continue;
            }
            text_.remove_prefix(1);
            if (c == 'S') { // A substitution: St, S_, S0_.
                while (
                    !text_.empty() && text_.front() != '_' &&
                    (is_digit(text_.front()) || (text_.front() >= 'A' && text_.front() <= 'Z'))) {
                    text_.remove_prefix(1);
                }
                text_.remove_prefix(text_.empty() ? 0 : 1);
            } else if (c == 'L') { // A literal up to its E.
                text_.remove_prefix(std::min(text_.find('E'), text_.size()));
                take('E');
            } else if (c == 'I' || c == 'N' || c == 'J' || c == 'X' || c == 'F') {
                depth++;
            } else if (c == 'E') {
                depth--;
            }
        } while (depth > 0 && !text_.empty());
    }

    std::string_view text_;
    std::string_view last_;
    FunctionName name_;
};

} // namespace

Symbols::Symbols(std::span<const u8> bytes) {
    sel::Result<sel::ElfFile> opened = sel::ElfFile::open(bytes);
    if (!opened) {
        return;
    }
    file_ = *opened;
    sel::ElfSectionHeader section, names;
    for (u32 i = 0; i < SECTIONS_MOST && file_.section(i, section); i++) {
        if (section.type != sel::ELF_SYMBOLS || !file_.section(section.link, names) ||
            !file_.holds(section.offset, section.bytes) ||
            !file_.holds(names.offset, names.bytes)) {
            continue;
        }
        symbols_ = section.offset;
        symbols_end_ = section.offset +
                       std::min<u64>(section.bytes, u64{SYMBOLS_MOST} * sizeof(sel::ElfSymbol));
        names_ = file_.bytes(names.offset, names.bytes);
    }
}

std::string_view Symbols::name_at(u64 offset) const {
    if (offset >= names_.size()) {
        return {};
    }
    std::string_view rest{reinterpret_cast<const char *>(names_.data()), names_.size()};
    rest.remove_prefix(offset);
    return rest.substr(0, rest.find('\0'));
}

sel::Result<Symbol> Symbols::find(u64 address) const {
    sel::ElfSymbol symbol;
    for (u64 at = symbols_; at + sizeof symbol <= symbols_end_; at += sizeof symbol) {
        if (file_.read(at, symbol) && (symbol.info & sel::kElfSymbolType) == sel::ELF_FUNCTION &&
            address >= symbol.value && address - symbol.value < symbol.bytes) {
            return Symbol{name_at(symbol.name), address - symbol.value};
        }
    }
    return ERR_NAME;
}

// The bytes of the segment that holds `address`, up to it.
sel::Result<std::span<const u8>> Symbols::code_before(u64 address) const {
    sel::ElfProgramHeader segment;
    for (u32 i = 0; i < SEGMENTS_MOST && file_.program(i, segment); i++) {
        if (segment.type == sel::ELF_LOAD && address >= segment.address &&
            address - segment.address <= segment.file_bytes &&
            file_.holds(segment.offset, segment.file_bytes)) {
            return file_.bytes(segment.offset, address - segment.address);
        }
    }
    return ERR_NAME;
}

// Intel SDM volume 2, CALL: E8 and four bytes; or FF with 2 in bits 3..5 of the next byte, and up to
// five more bytes.
bool Symbols::follows_call(u64 address) const {
    sel::Result<std::span<const u8>> code = code_before(address);
    if (!code) {
        return false;
    }
    auto back = [&](std::size_t n) {
        return n <= code->size() ? (*code)[code->size() - n] : u8{0};
    };
    if (back(5) == 0xe8) {
        return true;
    }
    for (std::size_t n = 2; n <= 7; n++) {
        if (back(n) == 0xff && (back(n - 1) >> 3 & 7) == 2) {
            return true;
        }
    }
    return false;
}

FunctionName readable(std::string_view mangled) {
    if (!mangled.starts_with("_Z")) {
        return FunctionName{mangled};
    }
    FunctionName name = NameReader{mangled.substr(2)}.read();
    return name.size == 0 ? FunctionName{mangled} : name;
}

} // namespace supervisor
