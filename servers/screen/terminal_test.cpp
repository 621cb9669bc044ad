// Tests of the terminal: grids of text that are known, and bytes that nobody would send.
// SPDX-License-Identifier: BSD-2-Clause
#include "terminal.hpp"

#include <catch2/catch.hpp>

#include <cstdlib>
#include <memory>
#include <random>
#include <string>
#include <vector>

namespace {

using screen::Cell;
using Grid = std::vector<std::string>;

void append_utf8(std::string &to, u32 code) {
    if (code < 0x80) {
        to += static_cast<char>(code);
    } else if (code < 0x800) {
        to += static_cast<char>(0xc0 | code >> 6);
        to += static_cast<char>(0x80 | (code & 0x3f));
    } else if (code < 0x10000) {
        to += static_cast<char>(0xe0 | code >> 12);
        to += static_cast<char>(0x80 | (code >> 6 & 0x3f));
        to += static_cast<char>(0x80 | (code & 0x3f));
    } else {
        to += static_cast<char>(0xf0 | code >> 18);
        to += static_cast<char>(0x80 | (code >> 12 & 0x3f));
        to += static_cast<char>(0x80 | (code >> 6 & 0x3f));
        to += static_cast<char>(0x80 | (code & 0x3f));
    }
}

struct Fixture {
    std::unique_ptr<screen::Cells> cells = std::make_unique<screen::Cells>();
    screen::Terminal terminal{*cells};

    Fixture() { terminal.resize(10, 4); }
    void write(std::string_view text) { terminal.write(text); }
    // Rows without the spaces at their ends, and without empty rows at the end.
    Grid grid() const {
        Grid rows;
        for (u32 row = 0; row < terminal.rows(); row++) {
            std::string text;
            for (u32 column = 0; column < terminal.columns(); column++) {
                append_utf8(text, terminal.cell(column, row).code);
            }
            text.erase(text.find_last_not_of(' ') + 1);
            rows.push_back(text);
        }
        while (!rows.empty() && rows.back().empty()) {
            rows.pop_back();
        }
        return rows;
    }
    void cursor(u32 column, u32 row) const {
        CHECK(terminal.column() == column);
        CHECK(terminal.row() == row);
    }
    u32 ink(u32 column, u32 row = 0) const { return terminal.cell(column, row).ink; }
    u32 paper(u32 column, u32 row = 0) const { return terminal.cell(column, row).paper; }
};

} // namespace

TEST_CASE_METHOD(Fixture, "text goes on behind the last column and the last row", "[terminal]") {
    write("one\ntwo\n");
    CHECK(grid() == Grid{"one", "two"});
    cursor(0, 2);
    write("0123456789");
    cursor(9, 2); // Not on the next row before it is needed.
    write("ab");
    CHECK(grid() == Grid{"one", "two", "0123456789", "ab"});
    write("\nlast");
    CHECK(grid() == Grid{"two", "0123456789", "ab", "last"});
    write("\n\n\n\n\n");
    CHECK(grid().empty());
    cursor(0, 3);
}

TEST_CASE_METHOD(Fixture, "a full row and a line end are one row", "[terminal]") {
    write("0123456789\nnext");
    CHECK(grid() == Grid{"0123456789", "next"});
}

TEST_CASE_METHOD(Fixture, "single control characters", "[terminal]") {
    write("abc\b\bX\rY");
    CHECK(grid() == Grid{"YXc"});
    write("\r\b\b");
    cursor(0, 0);
    write("\tT\t\t");
    CHECK(grid() == Grid{"YXc     T"});
    cursor(9, 0);
    write("\a\v\f\x7f\x01");
    cursor(9, 0);
    CHECK(grid() == Grid{"YXc     T"});
}

TEST_CASE_METHOD(Fixture, "UTF-8 is one cell, and what is none is shown as that", "[terminal]") {
    write("\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80|");
    CHECK(grid() == Grid{"\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80|"});
    cursor(4, 0);
    const char *const kBroken[] = {
        "\xff|",         "\xc3|",     "\xe2\x82|",     "\xc0\x80|",
        "\xed\xa0\x80|", "\x80|",     "\xe0\x80\x80|", "\xf4\x90\x80\x80|",
        "\xe2\x82\n|",   "\xf5\x80|", "\xe2\x1b[m|"};
    for (const char *broken : kBroken) {
        terminal.resize(10, 4);
        write(broken);
        INFO(broken);
        CHECK(terminal.cell(0, 0).code == 0xfffd);
        CHECK(terminal.cell(terminal.column() - 1, terminal.row()).code == '|');
    }
    terminal.resize(10, 4);
    write("a\xc2\x9b"
          "b");
    CHECK(grid() == Grid{"ab"}); // No control character of eight bits.
}

TEST_CASE_METHOD(Fixture, "the cursor moves, and stays on the screen", "[terminal]") {
    write("\x1b[2;3Hx\x1b[Ay\x1b[3Dz\x1b[2Bw");
    CHECK(grid() == Grid{" z y", "  x", "  w"});
    write("\x1b[99;99H");
    cursor(9, 3);
    write("\x1b[99A\x1b[99D");
    cursor(0, 0);
    write("\x1b[99B\x1b[99C");
    cursor(9, 3);
    write("\x1b[H\x1b[4G");
    cursor(3, 0);
    write("\x1b[;5f");
    cursor(4, 0);
    write("\x1b[0;0H");
    cursor(0, 0);
    write("\x1b[99999999999999999999C");
    cursor(9, 0);
}

TEST_CASE_METHOD(Fixture, "the screen is erased as it is said", "[terminal]") {
    auto fill = [&] {
        write("\x1b[H\x1b[2J0123456789abcdefghijABCDEFGHIJ\x1b[2;4H");
        CHECK(grid() == Grid{"0123456789", "abcdefghij", "ABCDEFGHIJ"});
    };
    fill();
    write("\x1b[K");
    CHECK(grid() == Grid{"0123456789", "abc", "ABCDEFGHIJ"});
    fill();
    write("\x1b[1K");
    CHECK(grid() == Grid{"0123456789", "    efghij", "ABCDEFGHIJ"});
    fill();
    write("\x1b[2K");
    CHECK(grid() == Grid{"0123456789", "", "ABCDEFGHIJ"});
    fill();
    write("\x1b[J");
    CHECK(grid() == Grid{"0123456789", "abc"});
    fill();
    write("\x1b[1J");
    CHECK(grid() == Grid{"", "    efghij", "ABCDEFGHIJ"});
    fill();
    write("\x1b[3J\x1b[9K");
    CHECK(grid() == Grid{"0123456789", "abcdefghij", "ABCDEFGHIJ"});
    write("\x1b[2J");
    CHECK(grid().empty());
    cursor(3, 1);
}

TEST_CASE_METHOD(Fixture, "colours", "[terminal]") {
    write("\x1b[31ma\x1b[1mb\x1b[22;42mc\x1b[7md\x1b[27;95me\x1b[103mf\x1b[39;49mg\x1b[1;34mh\x1b["
          "mi");
    CHECK(grid() == Grid{"abcdefghi"});
    const u32 inks[] = {1, 9, 1, 2, 13, 13, 7, 12, 7}, papers[] = {0, 0, 2, 1, 2, 11, 0, 0, 0};
    for (u32 i = 0; i < 9; i++) {
        INFO(i);
        CHECK(ink(i) == inks[i]);
        CHECK(paper(i) == papers[i]);
    }
}

TEST_CASE_METHOD(Fixture, "what it does not know is swallowed whole", "[terminal]") {
    write("a\x1b[?25lb\x1b]0;title\x07"
          "c\x1b]8;;x\x1b\\d\x1b(Be");
    CHECK(grid() == Grid{"abcdBe"}); // ESC ( is of two bytes here.
    terminal.resize(10, 4);
    write("a\x1b[12\nb\x1b[>1;2cc");
    CHECK(grid() ==
          Grid{"a", "c"}); // CSI 12 … b: no command of ours, which a line end does not interrupt.
    cursor(1, 1);
}

TEST_CASE_METHOD(Fixture, "a sequence and a colour end where something is missing", "[terminal]") {
    write("\x1b[31mred\x1b[4");
    terminal.restart();
    write("mb");
    CHECK(grid() == Grid{"redmb"});
    CHECK(ink(0) == 1);
    CHECK(ink(3) == 7);
}

TEST_CASE_METHOD(Fixture, "sizes are bounded", "[terminal]") {
    terminal.resize(0, 0);
    CHECK(terminal.columns() == 1);
    CHECK(terminal.rows() == 1);
    write("abc\n\x1b[9;9Hx");
    CHECK(grid() == Grid{"x"});
    terminal.resize(100000, 100000);
    CHECK(terminal.columns() == screen::kColumnsMax);
    CHECK(terminal.rows() == screen::kRowsMax);
    write(std::string(screen::kColumnsMax * screen::kRowsMax + 1, 'x'));
    cursor(1, screen::kRowsMax - 1);
}

// Whatever comes, and however it is cut: the cursor is on the screen, each cell is a character, and the same bytes in
// other pieces are the same screen.
TEST_CASE("bytes of no meaning do no harm", "[terminal]") {
    const char *const kPieces[] = {"\x1b[",
                                   "\x1b",
                                   ";",
                                   "9999",
                                   "1",
                                   "H",
                                   "J",
                                   "K",
                                   "m",
                                   "A",
                                   "B",
                                   "C",
                                   "D",
                                   "\n",
                                   "\r",
                                   "\b",
                                   "\t",
                                   "x",
                                   "\xe2\x82\xac",
                                   "\xf0",
                                   "\x1b]",
                                   "\x07",
                                   "38",
                                   "?",
                                   "G",
                                   "\xc2",
                                   "\x9b"};
    std::mt19937 random{7};
    Fixture whole, cut;
    for (u32 round = 0; round < 3000; round++) {
        if (round % 100 == 0) {
            u32 columns = random() % 30, rows = random() % 10;
            whole.terminal.resize(columns, rows);
            cut.terminal.resize(columns, rows);
        }
        std::string text;
        for (u32 i = random() % 40; i != 0; i--) {
            if (random() % 3 == 0) {
                text += static_cast<char>(random());
            } else {
                text += kPieces[random() % std::size(kPieces)];
            }
        }
        whole.write(text);
        for (char c : text) {
            cut.write({&c, 1});
        }
        REQUIRE(whole.grid() == cut.grid());
        REQUIRE(whole.terminal.column() < whole.terminal.columns());
        REQUIRE(whole.terminal.row() < whole.terminal.rows());
        for (u32 row = 0; row < whole.terminal.rows(); row++) {
            for (u32 column = 0; column < whole.terminal.columns(); column++) {
                Cell cell = whole.terminal.cell(column, row);
                REQUIRE((cell.code >= ' ' && cell.code < 0x110000));
                REQUIRE((cell.code < 0x7f || cell.code >= 0xa0));
            }
        }
    }
}
