// Lexer: text becomes words and operators. A word keeps its quotes and `$`: expansion.hpp takes them off.
// SPDX-License-Identifier: BSD-2-Clause
//
//   word       letters, 'as it is', "with \" \\ \$ and $NAME", \x, $NAME, ${NAME}, $(commands)
//   operators  ; & && || | < > >> 2> 2>> 2>&1 >&2, and the end of a line
#pragma once

#include <string_view>

#include "sel/bytes.hpp"
#include "sel/format.hpp"

#include "abi/types.h"

namespace shell {

inline constexpr u32 kLineMax = 1024; // Bytes of a line that is typed,
inline constexpr u32 kUnitMax = 4096; // and of a command that goes over several lines.

using Message = sel::Text<160>;

enum class Token : u8 {
    End,
    Newline,
    Word,
    Semicolon,
    Background,
    And,
    Or,
    Pipe,
    Input,          // <
    Output,         // >
    Append,         // >>
    Errors,         // 2>
    AppendErrors,   // 2>>
    ErrorsToOutput, // 2>&1
    OutputToErrors, // >&2
};

struct Lexeme {
    Token token;
    std::string_view text;
    u32 column; // From 1 on, in its line.
};

class Lexer {
  public:
    Lexer(std::string_view text, Message &error) : text_{text}, error_{error} {}

    // The next one; false: there is none, and the error says why (no "error: ", no line end).
    bool next(Lexeme &lexeme);

  private:
    friend std::string_view substitution(std::string_view text);

    void skip_blanks();
    u32 column(std::size_t at) const;
    bool take_operator(Lexeme &lexeme);
    bool take_word(Lexeme &lexeme);
    bool skip_letter();
    bool skip_single();
    bool skip_double();
    bool skip_dollar();
    bool skip_substitution();

    template <typename... Ts>
    bool fail(std::string_view pattern, const Ts &...values) {
        error_.clear();
        sel::format(error_, pattern, values...);
        return false;
    }

    std::string_view text_;
    Message &error_;
    std::size_t at_ = 0;
    u32 depth_ = 0; // Of $( in which it is.
};

constexpr bool is_blank(char c) {
    return c == ' ' || c == '\t';
}
constexpr bool is_name_start(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}
constexpr bool is_digit(char c) {
    return c >= '0' && c <= '9';
}
// How many bytes at the start of `text` are the name of a variable.
std::size_t name_length(std::string_view text);

// What stands between `$(` and `)` at the start of `text`, which a Lexer has let pass.
std::string_view substitution(std::string_view text);

// Why `text` cannot be a line at all (too long, not text), or an empty message.
Message refuse(std::string_view text);

} // namespace shell
