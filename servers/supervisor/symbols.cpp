// Symbols: the symbol table of an ELF file, and C++ names without their parameters.
// SPDX-License-Identifier: BSD-2-Clause
#include "symbols.hpp"

#include <algorithm>
#include <cstring>

namespace supervisor {
namespace {

struct ElfHeader {
    u8 ident[16];
    u16 type, machine;
    u32 version;
    u64 entry, segments, sections;
    u32 flags;
    u16 header_bytes, segment_bytes, segment_count, section_bytes, section_count, names;
};
struct ElfSection {
    u32 name, type;
    u64 flags, address, offset, bytes;
    u32 link, info;
    u64 align, entry_bytes;
};
struct ElfSegment {
    u32 type, flags;
    u64 offset, address, physical, file_bytes, memory_bytes, align;
};
struct ElfSymbol {
    u32 name;
    u8 info, other;
    u16 section;
    u64 value, bytes;
};
enum { SECTION_SYMBOLS = 2, SYMBOL_FUNCTION = 2, SYMBOL_TYPE = 15, SEGMENT_LOAD = 1 };
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

template <typename T>
bool Symbols::read(u64 offset, T &out) const {
    if (offset > file_.size() || sizeof out > file_.size() - offset) {
        return false;
    }
    std::memcpy(&out, file_.data() + offset, sizeof out);
    return true;
}

Symbols::Symbols(std::span<const u8> file) : file_{file} {
    ElfHeader header;
    if (!read(0, header) || std::memcmp(header.ident,
                                        "\x7f"
                                        "ELF\x02\x01",
                                        6) != 0) {
        return;
    }
    segments_ = header.segments;
    segment_count_ = std::min<u32>(header.segment_count, SEGMENTS_MOST);
    u32 sections = std::min<u32>(header.section_count, SECTIONS_MOST);
    for (u32 i = 0; i < sections; i++) {
        ElfSection section, names;
        if (!read(header.sections + i * sizeof section, section) ||
            section.type != SECTION_SYMBOLS || section.link >= sections ||
            !read(header.sections + section.link * sizeof names, names) ||
            section.offset > file_.size() || section.bytes > file_.size() - section.offset ||
            names.offset > file_.size() || names.bytes > file_.size() - names.offset) {
            continue;
        }
        symbols_ = section.offset;
        symbols_end_ =
            section.offset + std::min<u64>(section.bytes, u64{SYMBOLS_MOST} * sizeof(ElfSymbol));
        names_ = names.offset;
        names_end_ = names.offset + names.bytes;
    }
}

std::string_view Symbols::name_at(u64 offset) const {
    if (offset >= names_end_ - names_) {
        return {};
    }
    const char *start = reinterpret_cast<const char *>(file_.data() + names_ + offset);
    std::string_view rest{start, static_cast<std::size_t>(names_end_ - names_ - offset)};
    return rest.substr(0, rest.find('\0'));
}

sel::Result<Symbol> Symbols::find(u64 address) const {
    ElfSymbol symbol;
    for (u64 at = symbols_; at + sizeof symbol <= symbols_end_; at += sizeof symbol) {
        if (read(at, symbol) && (symbol.info & SYMBOL_TYPE) == SYMBOL_FUNCTION &&
            address >= symbol.value && address - symbol.value < symbol.bytes) {
            return Symbol{name_at(symbol.name), address - symbol.value};
        }
    }
    return ERR_NAME;
}

// The bytes of the segment that holds `address`, up to it.
sel::Result<std::span<const u8>> Symbols::code_before(u64 address) const {
    ElfSegment segment;
    for (u32 i = 0; i < segment_count_; i++) {
        if (read(segments_ + i * sizeof segment, segment) && segment.type == SEGMENT_LOAD &&
            address >= segment.address && address - segment.address <= segment.file_bytes &&
            segment.offset <= file_.size() && segment.file_bytes <= file_.size() - segment.offset) {
            return file_.subspan(segment.offset, address - segment.address);
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
