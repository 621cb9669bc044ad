// Commands that read lines or bytes: count grep head hexdump sort tail wc.
// SPDX-License-Identifier: BSD-2-Clause
#include <algorithm>

#include "interpreter.hpp"
#include "source.hpp"

namespace shell {
namespace {

// Letters of ASCII only.
char lower(char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

bool contains(std::string_view line, std::string_view text, bool any_case) {
    auto same = [&](char a, char b) { return any_case ? lower(a) == lower(b) : a == b; };
    return std::search(line.begin(), line.end(), text.begin(), text.end(), same) != line.end() ||
           text.empty();
}

void print_line(Context &c, std::string_view line) {
    c.out.write(line);
    c.out.write("\n");
}

// The only operand: what to read; empty: what is piped in.
std::string_view file_of(const Context &c) {
    return c.args.empty() ? std::string_view{} : c.args[0];
}

// -n N, for head and tail. False: the error has been told.
bool parse_limit(Context &c, u64 most, u64 &limit) {
    limit = 10;
    if (!c.has("n") || parse_number(c.options.value("n"), most, limit)) {
        return true;
    }
    sel::Text<48> expected;
    sel::format(expected, "a number from 0 to {} after -n", most);
    c.usage(expected);
    return false;
}

// A sheet with all that there is to read, for as long as a command runs.
class OwnSheet {
  public:
    // False: the error has been told.
    bool read(Context &c, Source &source) {
        if (!take(c)) {
            return false;
        }
        Lines lines{source};
        std::string_view line;
        while (lines.next(line)) {
            if (!sheet_->add(line)) {
                c.fail("the input has more than {} lines or {} bytes", Sheet::kLines,
                       Sheet::kBytes);
                return false;
            }
        }
        return !source.failed();
    }

    OwnSheet() = default;
    ~OwnSheet() {
        if (sheet_ != nullptr) {
            sheet_->taken = false;
        }
    }
    OwnSheet(const OwnSheet &) = delete;
    OwnSheet &operator=(const OwnSheet &) = delete;

    std::span<Sheet::Place> lines() { return {sheet_->line, sheet_->lines}; }
    std::string_view text(Sheet::Place line) const { return sheet_->text(line); }

  private:
    bool take(Context &c) {
        Workspace *workspace = c.interpreter.workspace(c);
        if (workspace == nullptr) {
            return false;
        }
        for (Sheet &sheet : workspace->sheet) {
            sheet_ = sheet.taken ? sheet_ : &sheet;
        }
        if (sheet_ == nullptr) {
            c.fail("at most {} commands at a time keep lines: sort and tail", Workspace::kSheets);
            return false;
        }
        sheet_->taken = true;
        sheet_->lines = sheet_->used = 0;
        return true;
    }

    Sheet *sheet_ = nullptr;
};

u64 leading_number(std::string_view line) {
    u64 number = 0;
    for (char c : line.substr(std::min(line.find_first_not_of(' '), line.size()))) {
        if (c < '0' || c > '9' || number > (~u64{0} - 9) / 10) {
            break;
        }
        number = number * 10 + static_cast<u64>(c - '0');
    }
    return number;
}

void print_hex_row(Context &c, u64 offset, std::string_view bytes) {
    sel::Text<96> row;
    sel::format(row, "{:08x} ", offset);
    for (std::size_t i = 0; i < 16; i++) {
        row.append(i == 8 ? "  " : " ");
        if (i < bytes.size()) {
            sel::format(row, "{:02x}", static_cast<u8>(bytes[i]));
        } else {
            row.append("  ");
        }
    }
    row.append("  |");
    for (char byte : bytes) {
        row.append(byte >= ' ' && byte < 0x7f ? byte : '.');
    }
    row.append("|\n");
    c.out.write(row);
}

} // namespace

int command_grep(Context &c) {
    Source source{c, c.args.size() == 2 ? c.args[1] : std::string_view{}};
    if (!source.open()) {
        return kUsage;
    }
    Lines lines{source};
    std::string_view line;
    bool found = false;
    for (u64 number = 1; lines.next(line); number++) {
        if (contains(line, c.args[0], c.has("i")) == c.has("v")) {
            continue;
        }
        found = true;
        if (c.has("n")) {
            c.out.print("{}:", number);
        }
        print_line(c, line);
    }
    return found && !source.failed() ? 0 : kFailed;
}

int command_head(Context &c) {
    u64 limit = 0;
    if (!parse_limit(c, ~u64{0}, limit)) {
        return kUsage;
    }
    Source source{c, file_of(c)};
    if (!source.open()) {
        return kFailed;
    }
    Lines lines{source};
    std::string_view line;
    for (; limit > 0 && lines.next(line); limit--) {
        print_line(c, line);
    }
    return source.failed() ? kFailed : 0;
}

int command_tail(Context &c) {
    u64 limit = 0;
    if (!parse_limit(c, Sheet::kLines, limit)) {
        return kUsage;
    }
    Source source{c, file_of(c)};
    if (!source.open()) {
        return kFailed;
    }
    OwnSheet sheet;
    if (!sheet.read(c, source)) {
        return kFailed;
    }
    std::span<Sheet::Place> lines = sheet.lines();
    for (Sheet::Place line : lines.last(std::min<u64>(limit, lines.size()))) {
        print_line(c, sheet.text(line));
    }
    return 0;
}

// Lines, words and bytes, each if it is asked for.
static int count(Context &c, bool of_lines, bool of_words, bool of_bytes) {
    Source source{c, file_of(c)};
    if (!source.open()) {
        return kFailed;
    }
    u64 lines = 0, words = 0, bytes = 0;
    char last = '\n';
    for (std::string_view piece = source.next(); !piece.empty(); piece = source.next()) {
        bytes += piece.size();
        for (char now : piece) {
            bool blank = now == ' ' || now == '\t' || now == '\n';
            bool was_blank = last == ' ' || last == '\t' || last == '\n';
            words += was_blank && !blank ? 1 : 0;
            lines += now == '\n' ? 1 : 0;
            last = now;
        }
    }
    lines += last != '\n' ? 1 : 0; // A last line without an end.
    std::string_view between;
    struct {
        bool wanted;
        u64 count;
    } const counts[] = {{of_lines, lines}, {of_words, words}, {of_bytes, bytes}};
    for (const auto &one : counts) {
        if (one.wanted) {
            c.out.print("{}{}", between, one.count);
            between = " ";
        }
    }
    c.out.write("\n");
    return source.failed() ? kFailed : 0;
}

int command_count(Context &c) {
    return count(c, c.has("l") || (!c.has("w") && !c.has("c")), c.has("w"), c.has("c"));
}

int command_wc(Context &c) {
    bool all = c.options.all().empty();
    return count(c, all || c.has("l"), all || c.has("w"), all || c.has("c"));
}

int command_sort(Context &c) {
    bool down = c.has("r"), by_number = c.has("n");
    Source source{c, file_of(c)};
    if (!source.open()) {
        return kFailed;
    }
    OwnSheet sheet;
    if (!sheet.read(c, source)) {
        return kFailed;
    }
    auto before = [&](Sheet::Place one, Sheet::Place other) {
        std::string_view a = sheet.text(one), b = sheet.text(other);
        u64 x = by_number ? leading_number(a) : 0;
        u64 y = by_number ? leading_number(b) : 0;
        return x != y ? (down ? x > y : x < y) : (down ? a > b : a < b);
    };
    std::sort(sheet.lines().begin(), sheet.lines().end(), before);
    for (Sheet::Place line : sheet.lines()) {
        print_line(c, sheet.text(line));
    }
    return 0;
}

int command_hexdump(Context &c) {
    Source source{c, file_of(c)};
    if (!source.open()) {
        return kFailed;
    }
    char row[16];
    std::size_t size = 0;
    u64 offset = 0;
    for (std::string_view piece = source.next(); !piece.empty(); piece = source.next()) {
        for (char byte : piece) {
            row[size++] = byte;
            if (size == sizeof row) {
                print_hex_row(c, offset, {row, size});
                offset += size;
                size = 0;
            }
        }
    }
    if (size > 0) {
        print_hex_row(c, offset, {row, size});
    }
    return source.failed() ? kFailed : 0;
}

} // namespace shell
