// format(): patterns, numbers, padding.
// SPDX-License-Identifier: BSD-2-Clause
#include "sel/format.hpp"

namespace sel {

namespace {

constexpr u32 kDigits = 20; // Of 2^64 - 1 in decimal.

struct Spec {
    u32 width = 0;
    bool zeroes = false, left = false, hex = false;
};

Spec parse(std::string_view text) {
    constexpr u32 kWidthMax = 200;
    Spec spec;
    for (char c : text) {
        if (c == '<') {
            spec.left = true;
        } else if (c == 'x') {
            spec.hex = true;
        } else if (c == '0' && spec.width == 0) {
            spec.zeroes = true;
        } else if (c >= '0' && c <= '9' && spec.width < kWidthMax / 10) {
            spec.width = spec.width * 10 + static_cast<u32>(c - '0');
        }
    }
    return spec;
}

std::string_view digits(u64 n, bool negative, bool hex, char (&buffer)[kDigits + 1]) {
    u32 base = hex ? 16 : 10;
    char *p = buffer + sizeof buffer;
    do {
        *--p = "0123456789abcdef"[n % base];
        n /= base;
    } while (n != 0);
    if (negative) {
        *--p = '-';
    }
    return {p, static_cast<std::size_t>(buffer + sizeof buffer - p)};
}

class Writer {
  public:
    explicit Writer(std::span<char> to) : to_{to} {}
    void put(char c) {
        if (size_ < to_.size()) {
            to_[size_++] = c;
        }
    }
    void put(std::string_view s) {
        for (char c : s) {
            put(c);
        }
    }
    void fill(char c, u32 have, u32 want) {
        for (u32 i = have; i < want; i++) {
            put(c);
        }
    }
    std::span<char> rest() const { return to_.subspan(size_); }
    void advance(u32 n) { size_ += n; }
    u32 size() const { return static_cast<u32>(size_); }

  private:
    std::span<char> to_;
    std::size_t size_ = 0;
};

// Writes one "{...}" whose inside is `inside`.
void put_value(Writer &out, std::string_view inside, std::span<const Value> values, u32 &next) {
    if (next == values.size()) {
        out.put("{?}");
        return;
    }
    if (!inside.empty() && inside.front() == ':') {
        inside.remove_prefix(1);
    }
    out.advance(values[next++].write(out.rest(), inside));
}

} // namespace

u32 Value::write(std::span<char> to, std::string_view spec_text) const {
    Spec spec = parse(spec_text);
    char buffer[kDigits + 1];
    std::string_view text = text_;
    if (kind_ == LETTER) {
        text = {&letter_, 1};
    } else if (kind_ != TEXT) {
        bool negative = kind_ == SIGNED && !spec.hex && static_cast<s64>(number_) < 0;
        text = digits(negative ? 0 - number_ : number_, negative, spec.hex, buffer);
    }
    Writer out{to};
    u32 length = static_cast<u32>(text.size());
    bool before = (kind_ == UNSIGNED || kind_ == SIGNED) && !spec.left;
    if (before && spec.zeroes && text.front() == '-') {
        out.put('-');
        text.remove_prefix(1);
    }
    if (before) {
        out.fill(spec.zeroes ? '0' : ' ', length, spec.width);
    }
    out.put(text);
    if (!before) {
        out.fill(' ', length, spec.width);
    }
    return out.size();
}

u32 format_to(std::span<char> to, std::string_view pattern, std::span<const Value> values) {
    Writer out{to};
    u32 next = 0;
    for (std::size_t i = 0; i < pattern.size(); i++) {
        char c = pattern[i];
        bool doubled = i + 1 < pattern.size() && pattern[i + 1] == c;
        std::size_t end = c == '{' && !doubled ? pattern.find('}', i) : std::string_view::npos;
        if (end != std::string_view::npos) {
            put_value(out, pattern.substr(i + 1, end - i - 1), values, next);
            i = end;
        } else {
            out.put(c);
            i += (c == '{' || c == '}') && doubled ? 1 : 0;
        }
    }
    return out.size();
}

} // namespace sel
