// Display: the boot loader's frame buffer as a program sees it, and a painter of text on it.
// SPDX-License-Identifier: BSD-2-Clause
//
//   constexpr sel::Display caps::display{...};       need "display"
//   sel::Painter painter;
//   if (painter.begin(caps::display.view())) {       false: there is no screen
//       painter.put({column, row}, 'A', colours);
//   }
// Root maps three things, one behind the other: what it knows of the display (a page, read-only), the boot module
// `font` (read-only), the frame buffer (uncached: it is written only).
#pragma once

#include <cstring>
#include <span>

#include "abi/boot_info.h"
#include "abi/capability.h"

namespace sel {

// The page at the begin.
struct DisplayInfo {
    boot_framebuffer_t framebuffer; // address 0: there is none, and nothing else is mapped.
    u64 font_bytes;                 // 0: no font.
};

struct DisplayView {
    boot_framebuffer_t framebuffer{};
    std::span<const u8> font;
    u8 *memory = nullptr; // The first byte of the frame buffer.
};

inline constexpr u64 kDisplayMemoryMax = 64 << 20; // Bytes of a frame buffer, at most.
inline constexpr u64 kDisplayBytes = kDisplayMemoryMax + (4 << 20); // Of the window.

// Where the parts are.
struct Display {
    static constexpr u64 kFont = PAGE_BYTES;
    static constexpr u64 kLarge = 2 << 20;
    static constexpr u64 kMemory = kLarge;
    static_assert(kFont + BOOT_FONT_BYTES_MAX <= kMemory);
    static_assert(kMemory + kLarge + kDisplayMemoryMax <= kDisplayBytes);

    u64 address; // A multiple of kLarge.

    // Frame buffer and its place agree in their offset from 2 MiB, so that large pages fit.
    static constexpr u64 offset(u64 physical) { return kMemory + physical % kLarge; }

    DisplayView view() const {
        auto &info = *reinterpret_cast<const DisplayInfo *>(address);
        if (info.framebuffer.address == 0) {
            return {};
        }
        return {info.framebuffer,
                {reinterpret_cast<const u8 *>(address + kFont), info.font_bytes},
                reinterpret_cast<u8 *>(address + offset(info.framebuffer.address))};
    }
};

// The glyphs of the boot module `font` (boot_font_t).
class Glyphs {
  public:
    Glyphs() = default;
    // Empty if it is no such module.
    explicit Glyphs(std::span<const u8> module) {
        boot_font_t head;
        if (module.size() < sizeof head || module.size() > BOOT_FONT_BYTES_MAX) {
            return;
        }
        std::memcpy(&head, module.data(), sizeof head);
        u64 codes = u64{head.count} * sizeof(u32), rows = u64{head.count} * head.height;
        if (head.magic == BOOT_FONT_MAGIC && head.count >= BOOT_FONT_ASCII && head.height != 0 &&
            head.height <= BOOT_FONT_HEIGHT_MAX && module.size() >= sizeof head + codes + rows) {
            codes_ = module.data() + sizeof head;
            rows_ = codes_ + codes;
            count_ = head.count;
            height_ = head.height;
        }
    }

    u32 height() const { return height_; }

    // The rows of this character; of U+FFFD or `?`, if it has none. Not of an empty font.
    const u8 *find(char32_t code) const {
        constexpr char32_t kReplacement = 0xfffd;
        u32 place = index(code);
        place = place != count_ ? place : index(kReplacement);
        place = place != count_ ? place : u32{'?' - ' '};
        return rows_ + place * u64{height_};
    }

  private:
    char32_t code(u32 place) const {
        u32 value;
        std::memcpy(&value, codes_ + place * sizeof value, sizeof value);
        return value;
    }

    // By halves; a font whose codes do not rise finds less. count_: it is not there.
    u32 index(char32_t wanted) const {
        u32 low = 0, high = count_;
        while (low < high) {
            u32 middle = (low + high) / 2;
            if (code(middle) < wanted) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        return low < count_ && code(low) == wanted ? low : count_;
    }

    const u8 *codes_ = nullptr, *rows_ = nullptr;
    u32 count_ = 0, height_ = 0;
};

// Paints cells, each a character in two of sixteen colours (those of ECMA-48, then the bright ones).
class Painter {
  public:
    struct Place {
        u32 column, row;
    };
    struct Colours {
        u8 ink, paper; // Below 16.
    };

    // False: there is no screen, or no font for its pixels.
    bool begin(const DisplayView &display) {
        display_ = display;
        const boot_framebuffer_t &f = display.framebuffer;
        glyphs_ = Glyphs{display.font};
        bool cells = f.text != 0;
        if (f.address == 0 || (!cells && glyphs_.height() == 0)) {
            return false;
        }
        columns_ = cells ? f.width : f.width / BOOT_FONT_WIDTH;
        rows_ = cells ? f.height : f.height / glyphs_.height();
        return columns_ != 0 && rows_ != 0;
    }

    u32 columns() const { return columns_; }
    u32 rows() const { return rows_; }

    // In the colour 0, also what belongs to no cell.
    void clear() const {
        const boot_framebuffer_t &f = display_.framebuffer;
        if (f.text != 0) {
            for (u32 row = 0; row < rows_; row++) {
                for (u32 column = 0; column < columns_; column++) {
                    put({column, row}, ' ', {7, 0});
                }
            }
            return;
        }
        for (u32 y = 0; y < f.height; y++) {
            store_black(line(y), f.width);
        }
    }

    // Where there is no such cell nothing is painted.
    void put(Place at, char32_t code, Colours colours) const {
        if (at.column >= columns_ || at.row >= rows_) {
            return;
        }
        if (display_.framebuffer.text != 0) {
            put_cell(at, code, colours);
        } else {
            put_pixels(at, glyphs_.find(code), pixel(colours.ink), pixel(colours.paper));
        }
    }

  private:
    u8 *line(u32 number) const {
        return display_.memory + u64{number} * display_.framebuffer.pitch;
    }

    // What a pixel of this colour is.
    u32 pixel(u8 colour) const {
        static constexpr u32 kColours[16] = {
            0x000000, 0xd75f5f, 0x5faf5f, 0xc9a84f, 0x5f87d7, 0xaf75c7, 0x4fafb5, 0xc8ccd0,
            0x687078, 0xff8080, 0x87d787, 0xffd75f, 0x87afff, 0xd7a0f0, 0x7fdfe5, 0xffffff,
        };
        const boot_framebuffer_t &f = display_.framebuffer;
        u32 c = kColours[colour % 16];
        return (c >> 16 & 0xff) << f.red_shift | (c >> 8 & 0xff) << f.green_shift |
               (c & 0xff) << f.blue_shift;
    }

    void put_pixels(Place at, const u8 *glyph, u32 ink, u32 paper) const {
        const u64 pair[4] = {paper | u64{paper} << 32, paper | u64{ink} << 32,
                             ink | u64{paper} << 32, ink | u64{ink} << 32};
        u32 height = glyphs_.height();
        for (u32 y = 0; y < height; y++) {
            u8 bits = glyph[y];
            u8 *to = line(at.row * height + y) + u64{at.column} * BOOT_FONT_WIDTH * sizeof ink;
            for (u32 x = 0; x < BOOT_FONT_WIDTH; x += 2) {
                std::memcpy(to + x * sizeof ink, &pair[bits >> (6 - x) & 3], sizeof pair[0]);
            }
        }
    }

    static void store_black(u8 *to, u32 pixels) {
        constexpr u64 kPair = 0;
        for (u32 i = 0; i < pixels / 2; i++) {
            std::memcpy(to + i * sizeof kPair, &kPair, sizeof kPair);
        }
        std::memset(to + pixels / 2 * sizeof kPair, 0, pixels % 2 * sizeof(u32));
    }

    // Code page 437 has ASCII where ASCII has it; what else a text mode could show is `?`.
    void put_cell(Place at, char32_t code, Colours colours) const {
        constexpr u8 kBlueFirst[8] = {0, 4, 2, 6, 1, 5, 3, 7}; // VGA counts the other way.
        auto vga = [&](u8 colour) {
            return static_cast<u8>(kBlueFirst[colour % 8] | (colour & 8));
        };
        u8 cell[2] = {static_cast<u8>(code >= ' ' && code < 0x7f ? code : '?'),
                      static_cast<u8>(vga(colours.ink) | (vga(colours.paper) & 7) << 4)};
        std::memcpy(line(at.row) + at.column * sizeof cell, cell, sizeof cell);
    }

    DisplayView display_;
    Glyphs glyphs_;
    u32 columns_ = 0, rows_ = 0;
};

} // namespace sel
