// Talk: a line of words to a server, and text back. The shell's `ask SERVER WORD...` speaks it to any
// server that boot/system.toml lists for it.
// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include "sel/client.hpp"

namespace talk {

inline constexpr u32 kTextMax = 800;

struct Text {
    sel::Text<kTextMax> data;
};

struct Line : sel::Asks<Text> {
    sel::Text<kTextMax> data;
};

using Api = sel::Protocol<Line>;

} // namespace talk
