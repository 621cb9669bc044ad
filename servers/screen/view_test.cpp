// Tests of what is painted, on a frame buffer in memory.
// SPDX-License-Identifier: BSD-2-Clause
#include "view.hpp"

#include "sel/display.hpp"

#include <catch2/catch.hpp>

#include <memory>
#include <string>
#include <vector>

namespace {

// A font of two rows: each glyph says which it is.
std::vector<u8> font(u32 more = 0) {
    boot_font_t head{BOOT_FONT_MAGIC, 2, BOOT_FONT_ASCII + more, 0};
    std::vector<u8> bytes(sizeof head);
    std::memcpy(bytes.data(), &head, sizeof head);
    auto code = [&](u32 value) {
        const u8 *from = reinterpret_cast<const u8 *>(&value);
        bytes.insert(bytes.end(), from, from + sizeof value);
    };
    for (u32 i = 0; i < BOOT_FONT_ASCII; i++) {
        code(' ' + i);
    }
    for (u32 i = 0; i < more; i++) {
        code(i == 0 ? 0xe4 : 0xfffd);
    }
    for (u32 i = 0; i < head.count; i++) {
        bytes.push_back(static_cast<u8>(i == 0 ? 0 : 0x80 | i));
        bytes.push_back(static_cast<u8>(i));
    }
    return bytes;
}

constexpr u32 kInk = 0xc8ccd0; // Colour 7.

struct Fixture {
    std::vector<u8> font_bytes = font(2);
    std::vector<u8> memory;
    sel::DisplayView display;

    void pixels(u32 width, u32 height, u32 pitch) {
        memory.assign(u64{pitch} * height, 0xee);
        display.framebuffer = {
            .address = 0xfd000000, .pitch = pitch, .width = width, .height = height, .bits = 32};
        display.framebuffer.red_shift = 16;
        display.framebuffer.green_shift = 8;
        display.font = font_bytes;
        display.memory = memory.data();
    }
    u32 pixel(u32 x, u32 y) const {
        u32 value;
        std::memcpy(&value, &memory[y * display.framebuffer.pitch + x * 4], sizeof value);
        return value;
    }
    // The bits of a row of the glyph in this cell.
    u32 row_of(u32 column, u32 row, u32 y) const {
        u32 bits = 0;
        for (u32 x = 0; x < 8; x++) {
            u32 value = pixel(column * 8 + x, row * 2 + y);
            CHECK((value == kInk || value == 0));
            bits = bits << 1 | (value == kInk ? 1 : 0);
        }
        return bits;
    }
};

// Counts what is painted.
struct Counter {
    u32 width = 10, height = 4;
    mutable u32 cells = 0, cleared = 0;
    mutable std::vector<std::u32string> text{4, std::u32string(10, ' ')};

    u32 columns() const { return width; }
    u32 rows() const { return height; }
    void clear() const { cleared++; }
    void put(sel::Painter::Place at, char32_t code, sel::Painter::Colours) const {
        REQUIRE(at.row < 4);
        REQUIRE(at.column < 10);
        text[at.row][at.column] = code;
        cells++;
    }
};

} // namespace

TEST_CASE_METHOD(Fixture, "glyphs of a font become pixels", "[painter]") {
    pixels(8 * 3 + 4, 2 * 2 + 1, 128);
    sel::Painter painter;
    REQUIRE(painter.begin(display));
    CHECK(painter.columns() == 3);
    CHECK(painter.rows() == 2);
    painter.clear();
    for (u32 y = 0; y < 5; y++) {
        for (u32 x = 0; x < 28; x++) {
            REQUIRE(pixel(x, y) == 0);
        }
        REQUIRE(pixel(28, y) == 0xeeeeeeee); // What is no pixel stays.
    }
    painter.put({1, 1}, 'A', {7, 0});
    CHECK(row_of(1, 1, 0) == (0x80 | ('A' - ' ')));
    CHECK(row_of(1, 1, 1) == 'A' - ' ');
    CHECK(row_of(0, 1, 0) == 0);
    CHECK(row_of(2, 1, 0) == 0);
    painter.put({0, 0}, 0xe4, {7, 0});
    CHECK(row_of(0, 0, 1) == BOOT_FONT_ASCII);
    painter.put({0, 0}, 0x1f600, {7, 0}); // It has no such glyph.
    CHECK(row_of(0, 0, 1) == BOOT_FONT_ASCII + 1);
    std::vector<u8> before = memory;
    painter.put({3, 0}, 'A', {7, 0});
    painter.put({0, 2}, 'A', {7, 0});
    CHECK(memory == before);
}

TEST_CASE_METHOD(Fixture, "colours go where the frame buffer has them", "[painter]") {
    pixels(8, 2, 32);
    display.framebuffer.red_shift = 0;
    display.framebuffer.blue_shift = 16;
    sel::Painter painter;
    REQUIRE(painter.begin(display));
    painter.put({0, 0}, '~', {1, 4});
    CHECK(pixel(0, 0) == 0x5f5fd7); // Red d7, green 5f, blue 5f.
    CHECK(pixel(2, 0) == 0xd7875f);
}

TEST_CASE_METHOD(Fixture, "a text mode gets characters and attributes", "[painter]") {
    memory.assign(2 * 10 * 3, 0xee);
    display.framebuffer = {.address = 0xb8000, .pitch = 20, .width = 10, .height = 3, .bits = 16};
    display.framebuffer.text = 1;
    display.memory = memory.data();
    sel::Painter painter;
    REQUIRE(painter.begin(display)); // Without a font.
    painter.clear();
    CHECK(memory[0] == ' ');
    CHECK(memory[59] == 0x07);
    painter.put({1, 2}, 'x', {9, 4});
    CHECK(memory[42] == 'x');
    CHECK(memory[43] == 0x1c); // Bright red on blue.
    painter.put({2, 2}, 0xe4, {7, 0});
    CHECK(memory[44] == '?');
}

TEST_CASE_METHOD(Fixture, "no screen, no font, or one that is damaged: nothing is painted",
                 "[painter]") {
    sel::Painter painter;
    CHECK_FALSE(painter.begin(display));
    pixels(80, 20, 320);
    for (std::size_t cut = 0; cut < font_bytes.size(); cut++) {
        std::vector<u8> less(font_bytes.begin(), font_bytes.begin() + static_cast<long>(cut));
        display.font = less;
        REQUIRE_FALSE(painter.begin(display));
    }
    for (std::size_t at = 0; at < sizeof(boot_font_t); at++) {
        for (u32 value = 0; value < 256; value += 5) {
            std::vector<u8> other = font_bytes;
            other[at] = static_cast<u8>(value);
            display.font = other;
            if (painter.begin(display)) {
                for (char32_t code : {U'A', U'~', U' ', U'\xe4', U'\x1f600'}) {
                    painter.put({0, 0}, code, {7, 0});
                }
            }
        }
    }
    pixels(7, 1, 28); // Smaller than a cell.
    CHECK_FALSE(painter.begin(display));
}

TEST_CASE("only what differs is painted", "[view]") {
    auto cells = std::make_unique<screen::Cells>(), painted = std::make_unique<screen::Cells>();
    screen::Terminal terminal{*cells};
    Counter counter;
    screen::View view{counter, terminal, *painted};
    auto count = [&](std::string_view text) {
        counter.cells = 0;
        terminal.write(text);
        view.paint();
        return counter.cells;
    };
    CHECK(counter.cleared == 1);
    CHECK(count("") == 1); // The cursor.
    CHECK(count("") == 0);
    CHECK(count("abc") == 4);
    CHECK(counter.text[0] == U"abc       ");
    CHECK(count("\x1b[H") == 2);
    CHECK(count("\x1b[4;1H\n") ==
          4); // abc is gone; the cursor was on one of them, and is elsewhere.
    CHECK(counter.text[0] == U"          ");
    count("0123456789abcdefghij\n");
    CHECK(counter.text[2] == U"abcdefghij");
}
