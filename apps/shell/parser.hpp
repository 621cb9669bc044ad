// Parser: text becomes the commands of syntax.hpp. Nothing is run unless all of it can be parsed.
// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include "arena.hpp"
#include "lexer.hpp"
#include "syntax.hpp"

namespace shell {

// Incomplete: an `if`, `while` or `for` has no end yet, which may stand in the lines that follow.
enum class Parsed : u8 { Good, Wrong, Incomplete };

// If it is not Good, `error` says why (no "error: ", no line end). `list`: nullptr if there is nothing to be run.
Parsed parse(std::string_view text, Arena &arena, const Pipeline *&list, Message &error);

} // namespace shell
