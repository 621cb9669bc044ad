// Decoder: from the bytes of a keyboard, in scan code set 1, to what a terminal has typed. Holds no capability.
// SPDX-License-Identifier: BSD-2-Clause
//
//   a code              a key goes down; with bit 7 it goes up
//   e0, a code          a key that older keyboards had not; also "shifts" around it that nobody pressed
//   e1 1d 45 e1 9d c5   Pause
//   00, ff              the keyboard has lost some: nobody knows which keys are down
// Keys that are no characters are what ECMA-48 and xterm make of them (CSI A for the cursor up). Ctrl makes control
// characters, Alt puts ESC before what the key is.
#pragma once

#include <span>
#include <string_view>

#include "keymap.hpp"

#include "sel/bytes.hpp"

namespace ps2 {

using Typed = sel::Text<8>; // What one key gives.

enum Light : u8 { LIGHT_SCROLL = 1, LIGHT_NUMBERS = 2, LIGHT_CAPITALS = 4 };

class Decoder {
  public:
    explicit constexpr Decoder(std::span<const KeyText> keymap) : keymap_{keymap} {}

    // What has been typed with this byte; mostly nothing or one character.
    Typed take(u8 byte) {
        Typed text;
        if (byte == 0x00 || byte == 0xff) {
            forget();
        } else if (skip_ != 0) {
            skip_--;
        } else if (byte == kPause) {
            skip_ = 2;
            extended_ = false;
        } else if (byte == kExtended) {
            extended_ = true;
        } else {
            u8 key = byte & 0x7f;
            key_moved(extended_ ? static_cast<u8>(key | kMore) : key, (byte & 0x80) == 0, text);
            extended_ = false;
        }
        return text;
    }

    u8 lights() const {
        return static_cast<u8>((numbers_ ? LIGHT_NUMBERS : 0) | (capitals_ ? LIGHT_CAPITALS : 0));
    }

  private:
    static constexpr u8 kExtended = 0xe0, kPause = 0xe1;
    static constexpr u8 kMore = 0x80; // Of the number of a key that came behind e0.

    enum Key : u8 {
        KEY_ESCAPE = 0x01,
        KEY_BACKSPACE = 0x0e,
        KEY_TAB = 0x0f,
        KEY_ENTER = 0x1c,
        KEY_CONTROL = 0x1d,
        KEY_SHIFT = 0x2a,
        KEY_RIGHT_SHIFT = 0x36,
        KEY_ALT = 0x38,
        KEY_CAPITALS = 0x3a,
        KEY_NUMBERS = 0x45,
        KEY_PAD_7 = 0x47,
        KEY_PAD_POINT = 0x53
    };
    enum : u8 { SHIFT_LEFT = 1, SHIFT_RIGHT = 2 };

    struct Named {
        u8 key;
        std::string_view text;
    };
    static constexpr Named kNamed[] = {
        {KEY_ESCAPE, "\x1b"},
        {KEY_BACKSPACE, "\x7f"},
        {KEY_TAB, "\t"},
        {KEY_ENTER, "\r"},
        {0x1c | kMore, "\r"},
        {0x35 | kMore, "/"},
        {0x37, "*"},
        {0x4a, "-"},
        {0x4e, "+"},
        {0x47 | kMore, "\x1b[H"},
        {0x48 | kMore, "\x1b[A"},
        {0x49 | kMore, "\x1b[5~"},
        {0x4b | kMore, "\x1b[D"},
        {0x4d | kMore, "\x1b[C"},
        {0x4f | kMore, "\x1b[F"},
        {0x50 | kMore, "\x1b[B"},
        {0x51 | kMore, "\x1b[6~"},
        {0x52 | kMore, "\x1b[2~"},
        {0x53 | kMore, "\x1b[3~"},
        {0x3b, "\x1bOP"},
        {0x3c, "\x1bOQ"},
        {0x3d, "\x1bOR"},
        {0x3e, "\x1bOS"},
        {0x3f, "\x1b[15~"},
        {0x40, "\x1b[17~"},
        {0x41, "\x1b[18~"},
        {0x42, "\x1b[19~"},
        {0x43, "\x1b[20~"},
        {0x44, "\x1b[21~"},
        {0x57, "\x1b[23~"},
        {0x58, "\x1b[24~"},
    };
    static constexpr std::string_view kPad = "789-456+1230."; // From KEY_PAD_7 on.

    void forget() {
        shift_ = 0;
        control_ = alt_ = extended_ = false;
        down_ = 0;
        skip_ = 0;
    }

    static void set(u8 &where, u8 bit, bool on) {
        where = static_cast<u8>(on ? where | bit : where & ~bit);
    }

    void key_moved(u8 key, bool down, Typed &text) {
        switch (key) {
        case KEY_SHIFT:
            set(shift_, SHIFT_LEFT, down);
            return;
        case KEY_RIGHT_SHIFT:
            set(shift_, SHIFT_RIGHT, down);
            return;
        case KEY_SHIFT | kMore: // Nobody pressed these.
        case KEY_RIGHT_SHIFT | kMore:
            return;
        case KEY_CONTROL:
        case KEY_CONTROL | kMore:
            control_ = down;
            return;
        case KEY_ALT:
        case KEY_ALT | kMore:
            alt_ = down;
            return;
        case KEY_CAPITALS:
        case KEY_NUMBERS:
            lock(key, down);
            return;
        default:
            if (down) {
                typed(key, text);
            }
        }
    }

    // A key that is held repeats, but locks once.
    void lock(u8 key, bool down) {
        if (down && down_ != key) {
            bool &locked = key == KEY_CAPITALS ? capitals_ : numbers_;
            locked = !locked;
        }
        down_ = down ? key : 0;
    }

    void typed(u8 key, Typed &text) {
        for (const KeyText &entry : keymap_) {
            if (entry.key == key) {
                bool upper = (shift_ != 0) != (entry.letter && capitals_);
                character(upper ? entry.shift : entry.plain, text);
                return;
            }
        }
        if (key >= KEY_PAD_7 && key <= KEY_PAD_POINT) {
            key = pad(key, text);
        }
        for (const Named &named : kNamed) {
            if (named.key == key) {
                named_key(named.text, text);
                return;
            }
        }
    }

    // Digits with Num Lock, and with shift the other one; else the key that is written below. That, or 0: it is done.
    u8 pad(u8 key, Typed &text) const {
        char digit = kPad[key - KEY_PAD_7];
        bool digits = numbers_ != (shift_ != 0);
        if (digit == '-' || digit == '+') {
            return key;
        }
        if (!digits) {
            return key | kMore;
        }
        append_alt(text);
        text.append(digit);
        return 0;
    }

    void named_key(std::string_view name, Typed &text) const {
        append_alt(text);
        text.append(name);
    }

    void append_alt(Typed &text) const {
        if (alt_) {
            text.append('\x1b');
        }
    }

    void character(char16_t c, Typed &text) const {
        append_alt(text);
        if (control_ && c < 0x80) {
            control_character(static_cast<char>(c), text);
        } else {
            append_utf8(c, text);
        }
    }

    // ECMA-48 5.2: those of 4/0 to 5/15; of the rest what terminals are used to.
    static void control_character(char c, Typed &text) {
        if (c >= 'a' && c <= 'z') {
            text.append(static_cast<char>(c - 'a' + 1));
        } else if (c >= '@' && c <= '_') {
            text.append(static_cast<char>(c - '@'));
        } else if (c == ' ') {
            text.append('\0');
        } else if (c == '/') {
            text.append('\x1f');
        } else {
            text.append(c);
        }
    }

    static void append_utf8(char16_t c, Typed &text) {
        auto put = [&](u32 byte) { text.append(static_cast<char>(byte)); };
        if (c < 0x80) {
            put(c);
        } else if (c < 0x800) {
            put(0xc0 | c >> 6);
            put(0x80 | (c & 0x3f));
        } else {
            put(0xe0 | c >> 12);
            put(0x80 | (c >> 6 & 0x3f));
            put(0x80 | (c & 0x3f));
        }
    }

    std::span<const KeyText> keymap_;
    u8 shift_ = 0, down_ = 0, skip_ = 0;
    bool control_ = false, alt_ = false, extended_ = false;
    bool capitals_ = false, numbers_ = false;
};

} // namespace ps2
