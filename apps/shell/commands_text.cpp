// Commands that read lines or bytes: count echo grep head hexdump sort tail.
// SPDX-License-Identifier: BSD-2-Clause
#include <algorithm>

#include "shell.hpp"
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

bool is_option(std::string_view word) {
    return word.size() > 1 && word.front() == '-';
}

// [-n N] [FILE], for head and tail. False: the error has been told.
bool parse_limit(Context &c, u64 most, u64 &limit, std::string_view &name) {
    std::span<const std::string_view> args = c.args;
    limit = 10;
    if (!args.empty() && args[0] == "-n") {
        if (args.size() < 2 || !parse_number(args[1], most, limit)) {
            sel::Text<48> expected;
            sel::format(expected, "a number from 0 to {} after -n", most);
            c.usage(expected);
            return false;
        }
        args = args.subspan(2);
    }
    if (args.size() > 1 || (!args.empty() && is_option(args[0]))) {
        c.usage("-n N and one file at most");
        return false;
    }
    name = args.empty() ? std::string_view{} : args[0];
    return true;
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
        Workspace *workspace = c.shell.workspace(c);
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

int command_echo(Context &c) {
    for (std::size_t i = 0; i < c.args.size(); i++) {
        c.out.write(i == 0 ? "" : " ");
        c.out.write(c.args[i]);
    }
    c.out.write("\n");
    return 0;
}

int command_grep(Context &c) {
    bool invert = false, any_case = false, numbers = false;
    std::size_t i = 0;
    for (; i < c.args.size() && is_option(c.args[i]); i++) {
        std::string_view option = c.args[i];
        if (option != "-v" && option != "-i" && option != "-n") {
            return c.usage("-v, -i or -n");
        }
        invert = invert || option == "-v";
        any_case = any_case || option == "-i";
        numbers = numbers || option == "-n";
    }
    if (i == c.args.size() || c.args.size() - i > 2) {
        return c.usage("a text, and one file at most");
    }
    Source source{c, c.args.size() - i == 2 ? c.args[i + 1] : std::string_view{}};
    if (!source.open()) {
        return kUsage;
    }
    Lines lines{source};
    std::string_view line;
    bool found = false;
    for (u64 number = 1; lines.next(line); number++) {
        if (contains(line, c.args[i], any_case) != invert) {
            found = true;
            if (numbers) {
                c.out.print("{}:", number);
            }
            print_line(c, line);
        }
    }
    return found && !source.failed() ? 0 : kFailed;
}

int command_head(Context &c) {
    u64 limit = 0;
    std::string_view name;
    if (!parse_limit(c, ~u64{0}, limit, name)) {
        return kUsage;
    }
    Source source{c, name};
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
    std::string_view name;
    if (!parse_limit(c, Sheet::kLines, limit, name)) {
        return kUsage;
    }
    Source source{c, name};
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

int command_count(Context &c) {
    bool words = !c.args.empty() && c.args[0] == "-w";
    bool bytes = !c.args.empty() && c.args[0] == "-c";
    bool option = words || bytes || (!c.args.empty() && c.args[0] == "-l");
    std::size_t first = option ? 1 : 0;
    if (c.args.size() > first + 1 || (c.args.size() > first && is_option(c.args[first]))) {
        return c.usage("-l, -w or -c, and one file at most");
    }
    Source source{c, c.args.size() > first ? c.args[first] : std::string_view{}};
    if (!source.open()) {
        return kFailed;
    }
    u64 count = 0;
    char last = '\n';
    for (std::string_view piece = source.next(); !piece.empty(); piece = source.next()) {
        for (char now : piece) {
            bool blank = now == ' ' || now == '\t' || now == '\n';
            bool was_blank = last == ' ' || last == '\t' || last == '\n';
            count += bytes ? 1 : words ? (was_blank && !blank) : now == '\n';
            last = now;
        }
    }
    count += !words && !bytes && last != '\n' ? 1 : 0; // A last line without an end.
    c.out.print("{}\n", count);
    return source.failed() ? kFailed : 0;
}

int command_sort(Context &c) {
    bool down = false, by_number = false;
    std::size_t i = 0;
    for (; i < c.args.size() && is_option(c.args[i]); i++) {
        down = down || c.args[i] == "-r";
        by_number = by_number || c.args[i] == "-n";
        if (c.args[i] != "-r" && c.args[i] != "-n") {
            return c.usage("-r or -n");
        }
    }
    if (c.args.size() - i > 1) {
        return c.usage("one file at most");
    }
    Source source{c, i < c.args.size() ? c.args[i] : std::string_view{}};
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
    Source source{c, c.args.empty() ? std::string_view{} : c.args[0]};
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
