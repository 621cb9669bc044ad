// Flood: writes numbered lines, as many as its argument says; without one for ever.
// SPDX-License-Identifier: BSD-2-Clause
#include "flood.caps.hpp"

#include "sel/environment.hpp"
#include "sel/format.hpp"

namespace {

// 0: it is no number.
u64 number_of(std::string_view text) {
    u64 number = 0;
    for (char c : text) {
        if (c < '0' || c > '9') {
            return 0;
        }
        number = number * 10 + static_cast<u64>(c - '0');
    }
    return number;
}

} // namespace

int main() {
    u64 lines = number_of(sel::environment().argument_text());
    sel::Text<stream::kChunk> text;
    for (u64 line = 1; lines == 0 || line <= lines; line++) {
        constexpr u32 kLongest = 32;
        sel::format(text, "line {}\n", line);
        if (text.size + kLongest < text.kCapacity && line != lines) {
            continue;
        }
        if (sel::Result<> written = stream::put_all(caps::out, text); !written) {
            sel::Text<100> why;
            sel::format(why, "flood: {}\n",
                        written.error() == ERR_GONE ? "nobody reads any more"
                                                    : sel::describe(written.error()));
            [[maybe_unused]] auto said = stream::put_all(caps::terminal, why);
            return 1;
        }
        text.clear();
    }
    return 0;
}
