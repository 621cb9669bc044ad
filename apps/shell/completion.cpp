// Completion: which word it is that is being typed.
// SPDX-License-Identifier: BSD-2-Clause
#include "completion.hpp"

#include <algorithm>

#include "lexer.hpp"

namespace shell {
namespace {

constexpr std::string_view kEndsWord = "|;&<>(";

// The next word is the command.
bool is_before_command(std::string_view word) {
    constexpr std::string_view kWords[] = {"!",  "if",   "then",  "elif", "else",
                                           "do", "time", "while", "until"};
    return std::find(std::begin(kWords), std::end(kWords), word) != std::end(kWords);
}

} // namespace

LastWord last_word(std::string_view text) {
    LastWord last{text.size(), {}};
    bool command_known = false;
    std::size_t at = 0;
    while (at < text.size()) {
        std::size_t start = at;
        while (at < text.size() && !is_blank(text[at]) && kEndsWord.find(text[at]) == text.npos) {
            at += text[at] == '\\' && at + 1 < text.size() ? 2 : 1;
        }
        if (at == text.size() && at > start) {
            last.start = start;
            break;
        }
        if (at > start) {
            std::string_view word = text.substr(start, at - start);
            if (!command_known && !is_before_command(word)) {
                last.command = word;
                command_known = true;
            }
            continue;
        }
        if (text[at] == '>' || text[at] == '<') {
            last.command = kFileExpected; // Whatever the command.
        } else if (!is_blank(text[at])) {
            last.command = {};
            command_known = false;
        }
        at++;
    }
    return last;
}

} // namespace shell
