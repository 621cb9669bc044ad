// Syntax: what a line is parsed into. All of it lies in an arena; the words are pieces of the text.
// SPDX-License-Identifier: BSD-2-Clause
//
//   list      pipeline { (";" | "&" | "&&" | "||" | line end) pipeline }
//   pipeline  ["!"] command { "|" command }
//   command   { word | redirection }  or one of these, and redirections behind it:
//             NAME=word { NAME=word }
//             if list then list { elif list then list } [ else list ] fi
//             while list do list done      (or until)
//             for NAME in { word } ; do list done
#pragma once

#include <string_view>

#include "abi/types.h"

namespace shell {

struct Word {
    std::string_view text; // With its quotes.
    const Word *next;
};

struct Redirection {
    enum Kind : u8 { Input, Output, Append, Errors, AppendErrors, ErrorsToOutput, OutputToErrors };
    Kind kind;
    std::string_view file; // A word; empty for the last two.
    const Redirection *next;
};

struct Pipeline;
struct Command;

// How a pipeline follows the one before it.
enum class Join : u8 { Always, And, Or };

struct Pipeline {
    Join join;
    bool negated; // `!`: 0 becomes 1, all else 0.
    bool behind;  // `&`: it does not keep the prompt waiting.
    u32 commands;
    const Command *first;
    const Pipeline *next;
};

// A condition and what is run if it holds.
struct Branch {
    const Pipeline *condition, *body;
    const Branch *next;
};

struct Command {
    enum Kind : u8 { Simple, Assignment, If, While, Until, For };
    Kind kind;
    std::string_view variable; // For: its name.
    const Word *words;         // Simple, Assignment, For.
    const Redirection *redirections;
    const Branch *branch; // If: several; While, Until, For: one, For without a condition.
    const Pipeline *otherwise;
    const Command *next; // In the pipeline.
};

} // namespace shell
