// Terminal: what a stream of bytes looks like on a screen of cells. Holds no capability, touches no hardware.
// SPDX-License-Identifier: BSD-2-Clause
//
// A subset of ECMA-48 (5th edition) with UTF-8:
//   BS HT LF CR       left; to the next stop of eight; down a row and to its begin; to the begin of the row
//   CSI n A B C D     up, down, right, left by n; CSI n G: to column n; CSI r;c H or f: to row and column
//   CSI n J, CSI n K  erase the screen, the row: 0 from the cursor on, 1 up to it, 2 all
//   CSI n;… m         0 plain, 1 bold, 7 reverse, 22, 27, 30-37 39 40-47 49 90-97 100-107 colours
// What else begins with ESC is swallowed up to its end; what is no UTF-8 is shown as U+FFFD. Behind the last column the
// cursor waits for the next character before it goes to the next row; behind the last row all rows move up.
#pragma once

#include <string_view>

#include "abi/types.h"

namespace screen {

struct Cell {
    u32 code : 21;          // Unicode.
    u32 ink : 4, paper : 4; // Colours of sel::Painter.
    u32 unused : 3;

    friend bool operator==(const Cell &, const Cell &) = default;
};

constexpr Cell make_cell(char32_t code, u8 ink, u8 paper) {
    Cell cell{};
    cell.code = code & 0x1fffff;
    cell.ink = ink & 15;
    cell.paper = paper & 15;
    return cell;
}

inline constexpr u32 kColumnsMax = 256, kRowsMax = 96;

// Apart from who uses it, so that a static one is all zeroes, and takes no room in the program's file.
struct Cells {
    Cell at[kRowsMax][kColumnsMax];
};

class Terminal {
  public:
    static constexpr u8 kInk = 7, kPaper = 0; // Plain.

    explicit Terminal(Cells &cells) : cells_{cells} {}

    // An empty screen of so many cells, at most as many as there can be, at least one.
    void resize(u32 columns, u32 rows) {
        columns_ = within(columns, kColumnsMax);
        rows_ = within(rows, kRowsMax);
        restart();
        erase({0, 0}, {columns_ - 1, rows_ - 1});
        cursor_ = {};
    }

    u32 columns() const { return columns_; }
    u32 rows() const { return rows_; }
    const Cell &cell(u32 column, u32 row) const { return cells_.at[(top_ + row) % rows_][column]; }
    u32 column() const { return cursor_.column < columns_ ? cursor_.column : columns_ - 1; }
    u32 row() const { return cursor_.row; }

    // Something is missing before what comes: no sequence goes on, and no colour.
    void restart() {
        state_ = State::Text;
        left_ = 0;
        ink_ = kInk;
        paper_ = kPaper;
        bold_ = reverse_ = false;
    }

    void write(std::string_view bytes) {
        for (char c : bytes) {
            take(static_cast<u8>(c));
        }
    }

  private:
    static constexpr u8 kBright = 8;
    static constexpr u32 kParameters = 8, kParameterMax = 9999, kTab = 8;
    static constexpr u8 kEscape = 0x1b;
    static constexpr char32_t kReplacement = 0xfffd;

    enum class State : u8 { Text, Escape, Sequence, String };
    struct Place {
        u32 column, row;
    };

    static u32 within(u32 value, u32 most) { return value == 0 ? 1 : value < most ? value : most; }

    // --- Bytes to characters and commands.

    void take(u8 byte) {
        if (byte == kEscape) {
            broken();
            state_ = State::Escape;
        } else if (state_ == State::Text) {
            take_text(byte);
        } else if (byte < ' ' && state_ != State::String) {
            control(byte); // In the middle of a sequence, too.
        } else if (state_ == State::Escape) {
            begin(byte);
        } else if (state_ == State::Sequence) {
            take_sequence(byte);
        } else if (byte == '\a') {
            state_ = State::Text;
        }
    }

    void begin(u8 byte) {
        constexpr std::string_view kStrings = "]PX^_"; // OSC, DCS, SOS, PM, APC: up to ST or BEL.
        if (byte == '[') {
            state_ = State::Sequence;
            parameter_[0] = 0;
            parameters_ = 1;
            private_ = false;
        } else {
            state_ = kStrings.find(static_cast<char>(byte)) != kStrings.npos ? State::String
                                                                             : State::Text;
        }
    }

    void take_text(u8 byte) {
        if (left_ != 0 && byte >= low_ && byte <= high_) {
            code_ = code_ << 6 | (byte & 0x3f);
            low_ = 0x80;
            high_ = 0xbf;
            if (--left_ == 0) {
                show(code_);
            }
            return;
        }
        broken();
        if (byte < ' ' || byte == 0x7f) {
            control(byte);
        } else if (byte < 0x80) {
            show(byte);
        } else if (byte >= 0xc2 && byte <= 0xf4) { // Unicode 15, table 3-7.
            left_ = byte < 0xe0 ? 1 : byte < 0xf0 ? 2 : 3;
            code_ = byte & (0x3f >> left_);
            low_ = byte == 0xe0 ? 0xa0 : byte == 0xf0 ? 0x90 : 0x80;
            high_ = byte == 0xed ? 0x9f : byte == 0xf4 ? 0x8f : 0xbf;
        } else {
            show(kReplacement);
        }
    }

    // What was held is no character.
    void broken() {
        if (left_ != 0) {
            left_ = 0;
            show(kReplacement);
        }
    }

    void take_sequence(u8 byte) {
        u32 &last = parameter_[parameters_ - 1];
        if (byte >= '0' && byte <= '9') {
            last = last * 10 + (byte - '0');
            last = last < kParameterMax ? last : kParameterMax;
        } else if (byte == ';') {
            parameters_ += parameters_ < kParameters ? 1 : 0;
            parameter_[parameters_ - 1] = 0;
        } else if (byte < 0x40) {
            private_ = true; // Also intermediate bytes: a command that is none of ours.
        } else {
            state_ = State::Text;
            if (!private_) {
                command(byte);
            }
        }
    }

    // --- What they do.

    void control(u8 byte) {
        switch (byte) {
        case '\b':
            cursor_.column = column() - (column() != 0 ? 1 : 0);
            break;
        case '\t':
            cursor_.column = (column() / kTab + 1) * kTab;
            cursor_.column = cursor_.column < columns_ ? cursor_.column : columns_ - 1;
            break;
        case '\n':
            cursor_.column = 0;
            down();
            break;
        case '\r':
            cursor_.column = 0;
            break;
        default:
            break;
        }
    }

    void show(char32_t code) {
        if (code >= 0x80 && code < 0xa0) {
            return; // C1 controls.
        }
        if (cursor_.column == columns_) {
            cursor_.column = 0;
            down();
        }
        u8 ink = static_cast<u8>(bold_ && ink_ < kBright ? ink_ + kBright : ink_);
        at(cursor_) = reverse_ ? make_cell(code, paper_, ink) : make_cell(code, ink, paper_);
        cursor_.column++;
    }

    void down() {
        if (cursor_.row + 1 < rows_) {
            cursor_.row++;
            return;
        }
        top_ = (top_ + 1) % rows_;
        erase({0, rows_ - 1}, {columns_ - 1, rows_ - 1});
    }

    // Parameter `i`, or what it is when it is not there or 0.
    u32 parameter(u32 i, u32 otherwise) const {
        return i < parameters_ && parameter_[i] != 0 ? parameter_[i] : otherwise;
    }

    void command(u8 byte) {
        u32 n = parameter(0, 1);
        Place to{column(), cursor_.row};
        switch (byte) {
        case 'A':
            to.row -= n < to.row ? n : to.row;
            break;
        case 'B':
            to.row += n;
            break;
        case 'C':
            to.column += n;
            break;
        case 'D':
            to.column -= n < to.column ? n : to.column;
            break;
        case 'G':
            to.column = n - 1;
            break;
        case 'H':
        case 'f':
            to = {parameter(1, 1) - 1, n - 1};
            break;
        case 'J':
        case 'K':
            erase_part(byte == 'J', parameter(0, 0));
            return;
        case 'm':
            colours();
            return;
        default:
            return;
        }
        cursor_ = {to.column < columns_ ? to.column : columns_ - 1,
                   to.row < rows_ ? to.row : rows_ - 1};
    }

    void erase_part(bool screen, u32 which) {
        constexpr u32 kToEnd = 0, kFromBegin = 1, kAll = 2;
        Place here{column(), cursor_.row};
        Place first{0, screen ? 0 : here.row}, last{columns_ - 1, screen ? rows_ - 1 : here.row};
        if (which <= kAll) {
            erase(which == kToEnd ? here : first, which == kFromBegin ? here : last);
        }
    }

    // From the first cell to the last, in reading order.
    void erase(Place first, Place last) {
        for (u32 row = first.row; row <= last.row; row++) {
            u32 end = row == last.row ? last.column + 1 : columns_;
            for (u32 column = row == first.row ? first.column : 0; column < end; column++) {
                at({column, row}) = make_cell(' ', kInk, paper_);
            }
        }
    }

    void colours() {
        for (u32 i = 0; i < parameters_; i++) {
            set_colour(parameter_[i]);
        }
    }

    void set_colour(u32 n) {
        auto in = [&](u32 first) { return n >= first && n < first + kBright; };
        u8 colour = static_cast<u8>(n % 10);
        if (n == 0) {
            restart();
        } else if (n == 1 || n == 22) {
            bold_ = n == 1;
        } else if (n == 7 || n == 27) {
            reverse_ = n == 7;
        } else if (in(30) || in(90)) {
            ink_ = n < 90 ? colour : static_cast<u8>(colour + kBright);
        } else if (in(40) || in(100)) {
            paper_ = n < 100 ? colour : static_cast<u8>(colour + kBright);
        } else if (n == 39) {
            ink_ = kInk;
        } else if (n == 49) {
            paper_ = kPaper;
        }
    }

    Cell &at(Place place) { return cells_.at[(top_ + place.row) % rows_][place.column]; }

    Cells &cells_;
    u32 columns_ = 1, rows_ = 1;
    u32 top_ = 0;    // Where the first row is in cells_.
    Place cursor_{}; // column == columns_: behind the last one.
    State state_ = State::Text;
    bool bold_ = false, reverse_ = false, private_ = false;
    u8 ink_ = kInk, paper_ = kPaper;
    u8 low_ = 0x80, high_ = 0xbf; // The next byte of a character.
    u32 left_ = 0;                // Of its bytes.
    char32_t code_ = 0;
    u32 parameter_[kParameters] = {};
    u32 parameters_ = 1;
};

} // namespace screen
