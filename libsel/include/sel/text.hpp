// Text: strings of bounded length, built piece by piece, and read back as numbers and words.
// SPDX-License-Identifier: BSD-2-Clause
//
//   Text<80> line;
//   line.add("at ", hex(address), ", ", count, " times");
// What does not fit is left out, and cut() says so. No allocation, no exceptions.
#pragma once

#include <concepts>
#include <cstddef>
#include <optional>
#include <string_view>

#include "abi/types.h"

namespace sel {

struct Hex {
    u64 value;
    unsigned digits; // At least so many; 0: as few as possible.
};

// Text that takes at least `width` columns, filled up with spaces.
template <typename T>
struct Column {
    T value;
    unsigned width;
    bool right;
};

constexpr Hex hex(u64 value, unsigned digits = 0) {
    return {value, digits};
}
template <typename T>
constexpr Column<T> left(T value, unsigned width) {
    return {value, width, false};
}
template <typename T>
constexpr Column<T> right(T value, unsigned width) {
    return {value, width, true};
}

// The part of `text` from `from`, at most `count` bytes; empty where there is none.
constexpr std::string_view slice(std::string_view text, std::size_t from,
                                 std::size_t count = std::string_view::npos) {
    from = from < text.size() ? from : text.size();
    count = count < text.size() - from ? count : text.size() - from;
    return {text.data() + from, count};
}

class TextWriter {
  public:
    constexpr TextWriter(char *data, std::size_t capacity) : data_{data}, capacity_{capacity} {}

    constexpr std::string_view view() const { return {data_, size_}; }
    constexpr std::size_t size() const { return size_; }
    constexpr std::size_t room() const { return capacity_ - size_; }
    constexpr bool empty() const { return size_ == 0; }
    constexpr bool cut() const { return cut_; }
    constexpr void clear() {
        size_ = 0;
        cut_ = false;
    }

    template <typename... Parts>
    constexpr TextWriter &add(const Parts &...parts) {
        (put(parts), ...);
        return *this;
    }

    constexpr void put(char c) {
        if (size_ < capacity_) {
            data_[size_++] = c;
        } else {
            cut_ = true;
        }
    }
    constexpr void put(std::string_view text) {
        for (char c : text) {
            put(c);
        }
    }
    constexpr void put(const char *text) { put(std::string_view{text}); }
    constexpr void put(std::integral auto number) {
        if constexpr (std::signed_integral<decltype(number)>) {
            if (number < 0) {
                put('-');
                put_digits(-static_cast<u64>(number), kDecimal, 1);
                return;
            }
        }
        put_digits(static_cast<u64>(number), kDecimal, 1);
    }
    constexpr void put(Hex number) {
        put("0x");
        put_digits(number.value, kHexadecimal, number.digits);
    }
    template <typename T>
    constexpr void put(Column<T> column) {
        std::size_t start = size_;
        put(column.value);
        std::size_t used = size_ - start;
        std::size_t end = size_;
        for (; used < column.width; used++) {
            put(' ');
        }
        if (column.right) {
            rotate_right(start, end);
        }
    }
    // `number` with at least `digits` digits, filled up with zeroes.
    constexpr void put_zeroed(u64 number, unsigned digits) { put_digits(number, kDecimal, digits); }

  private:
    static constexpr u64 kDecimal = 10;
    static constexpr u64 kHexadecimal = 16;
    static constexpr unsigned kDigitsMax = 20;

    constexpr void put_digits(u64 number, u64 base, unsigned at_least) {
        char digits[kDigitsMax] = {};
        unsigned count = 0;
        while (number != 0 || count < at_least || count == 0) {
            digits[count++] = "0123456789abcdef"[number % base];
            number /= base;
            if (count == kDigitsMax) {
                break;
            }
        }
        while (count > 0) {
            put(digits[--count]);
        }
    }

    // Moves the spaces in [end, size_) in front of the text in [start, end).
    constexpr void rotate_right(std::size_t start, std::size_t end) {
        std::size_t spaces = size_ - end;
        for (std::size_t i = end; i > start; i--) {
            data_[i - 1 + spaces] = data_[i - 1];
        }
        for (std::size_t i = 0; i < spaces; i++) {
            data_[start + i] = ' ';
        }
    }

    char *data_;
    std::size_t capacity_;
    std::size_t size_ = 0;
    bool cut_ = false;
};

template <std::size_t N>
class Text : public TextWriter {
  public:
    constexpr Text() : TextWriter{bytes_, N} {}
    explicit constexpr Text(std::string_view text) : Text{} { add(text); }
    constexpr Text(const Text &other) : Text{other.view()} {}
    constexpr Text &operator=(const Text &other) {
        if (this != &other) {
            clear();
            add(other.view());
        }
        return *this;
    }

  private:
    char bytes_[N] = {};
};

// A number in decimal or, after 0x, in hexadecimal. Nothing else may stand in `text`.
constexpr std::optional<u64> parse_number(std::string_view text) {
    u64 base = text.starts_with("0x") ? 16 : 10; // NOLINT(readability-magic-numbers)
    text = slice(text, base == 16 ? 2 : 0);      // NOLINT(readability-magic-numbers)
    u64 number = 0;
    for (char c : text) {
        u64 digit = c >= '0' && c <= '9'   ? static_cast<u64>(c - '0')
                    : c >= 'a' && c <= 'f' ? static_cast<u64>(c - 'a') + 10
                                           : base;
        if (digit >= base || number > (~u64{0} - digit) / base) {
            return std::nullopt;
        }
        number = number * base + digit;
    }
    return text.empty() ? std::nullopt : std::optional{number};
}

} // namespace sel
