// Parser: a line of text becomes pipelines of commands, and those lists of words.
// SPDX-License-Identifier: BSD-2-Clause
//
//   line      pipeline { (";" | "&" | "&&" | "||") pipeline } [";" | "&"] [# comment]
//   pipeline  command ["<" word] { "|" command } [(">" | ">>") word]
//   word      letters, 'as it is', "with \" and \\ and $?", \x, $?
// Nothing is run unless the whole line can be parsed.
#pragma once

#include <array>
#include <span>
#include <string_view>

#include "sel/bytes.hpp"

#include "abi/types.h"

namespace shell {

inline constexpr u32 kLineMax = 1024;
inline constexpr u32 kWordsMax = 128;
inline constexpr u32 kCommandsMax = 32;
inline constexpr char kStatusMark = '\x01'; // Stands for $? in a word.

using Message = sel::Text<160>;

// How a pipeline follows the one before it.
enum class Join : u8 { Always, And, Or };
enum class Redirect : u8 { None, Replace, Append };

struct Command {
    u32 first, words; // In Line::word.
};

struct Pipeline {
    Join join;
    Redirect redirect;
    static constexpr u32 kNone = ~u32{0};

    u32 first, commands; // In Line::command.
    u32 source;          // Word: file that the input comes from; kNone: none.
    u32 target;          // Word: file that the output goes to.
    bool behind;         // It does not keep the prompt waiting.
};

struct Line {
    std::array<std::string_view, kWordsMax> word;
    std::array<Command, kCommandsMax> command;
    std::array<Pipeline, kCommandsMax> pipeline;
    u32 words = 0, commands = 0, pipelines = 0;
    std::array<char, kLineMax> text; // Of the words.
};

// False: the line is no good, and `error` says why (no "error: ", no line end).
bool parse(std::string_view text, Line &line, Message &error);

// Why `text` cannot be a line at all (too long, not text), or an empty message.
Message refuse(std::string_view text);

// The command that the end of `text` belongs to: where its last word starts, and which command it
// is a word of (empty: it is the command itself). For completion; quotes are not looked into.
struct LastWord {
    std::size_t start;
    std::string_view command;
};
LastWord last_word(std::string_view text);

} // namespace shell
