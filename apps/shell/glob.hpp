// Patterns: names of files that * ? [a-z] [!a-z] stand for.
// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include "arena.hpp"
#include "system.hpp"

namespace shell {

// In a pattern: the byte behind it stands for itself.
inline constexpr char kLiteral = '\x01';

// Has it one of * ? [ that stands for more than itself?
bool is_pattern(std::string_view text);

// Does all of `name` fit? A name that begins with a dot fits only a pattern that does.
bool matches(std::string_view pattern, std::string_view name);

// A chain of names in an arena.
struct Name {
    std::string_view text;
    const Name *next;
};

struct Matches {
    const Name *first = nullptr; // In the order of their bytes.
    u32 count = 0;
};

// What is there of `pattern`, a path, seen from `directory`. ERR_MEMORY: more than the arena has room for. What cannot be
// listed has nothing in it.
sel::Result<Matches> match_files(System &system, Arena &arena, std::string_view directory,
                                 std::string_view pattern);

} // namespace shell
