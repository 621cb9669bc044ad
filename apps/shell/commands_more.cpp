// more: the pager.
// SPDX-License-Identifier: BSD-2-Clause
#include "interpreter.hpp"
#include "source.hpp"

namespace shell {
namespace {

constexpr u32 kRowsUnknown = 24, kColumnsUnknown = 80; // Of a terminal that does not say.

// How many rows a line takes, tabs as the terminal shows them.
u32 rows_of(std::string_view line, u32 columns) {
    constexpr u32 kTab = 8;
    u32 at = 0;
    for (char c : line) {
        bool continues = (static_cast<u8>(c) & 0xc0) == 0x80;
        at += continues ? 0 : c == '\t' ? kTab - at % kTab : 1;
    }
    return at <= columns ? 1 : (at + columns - 1) / columns;
}

// What to do behind a page: how many rows to go on for; 0: enough.
u32 ask(Context &c, u32 page) {
    constexpr std::string_view kQuestion = "-- more: space, enter, q --";
    c.out.prompt(kQuestion);
    c.out.flush();
    u32 rows = 0;
    for (bool known = false; !known;) {
        sel::Result<char> key = c.system.read_key();
        known = !key || c.system.interrupted() || *key == 'q' || *key == ' ' || *key == '\r' ||
                *key == '\n';
        rows = !key || *key == 'q' || c.system.interrupted() ? 0 : *key == ' ' ? page : 1;
    }
    c.out.write("\r");
    for (std::size_t i = 0; i < kQuestion.size(); i++) {
        c.out.write(" ");
    }
    c.out.write("\r");
    return rows;
}

} // namespace

int command_more(Context &c) {
    Source source{c, c.args.empty() ? std::string_view{} : c.args[0]};
    if (!source.open()) {
        return kFailed;
    }
    Lines lines{source};
    std::string_view line;
    stream::Size size = c.system.terminal_size();
    u32 columns = size.columns != 0 ? size.columns : kColumnsUnknown;
    u32 page = (size.rows > 1 ? size.rows : kRowsUnknown) - 1;
    u32 left = page;
    while (lines.next(line)) {
        u32 rows = rows_of(line, columns);
        if (c.out.is_terminal() && left < rows && left != page) {
            left = ask(c, page);
            if (left == 0) {
                break;
            }
        }
        left -= left < rows ? left : rows;
        c.out.write(line);
        c.out.write("\n");
    }
    return c.system.interrupted() ? kInterrupted : source.failed() ? kFailed : 0;
}

} // namespace shell
