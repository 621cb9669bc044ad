// Lexer: one pass; what begins a word, an operator, or something that this shell does not have.
// SPDX-License-Identifier: BSD-2-Clause
#include "lexer.hpp"

#include <algorithm>

namespace shell {
namespace {

constexpr std::string_view kEndsWord = " \t\n;&|<>()";
constexpr u32 kDepthMost = 4; // $( in $(.

struct Operator {
    std::string_view text;
    Token token;
};
// A longer one stands before its beginning.
constexpr Operator kOperators[] = {
    {"2>&1", Token::ErrorsToOutput},
    {"2>>", Token::AppendErrors},
    {"2>", Token::Errors},
    {">&2", Token::OutputToErrors},
    {">>", Token::Append},
    {">", Token::Output},
    {"<", Token::Input},
    {"&&", Token::And},
    {"||", Token::Or},
    {"|", Token::Pipe},
    {"&", Token::Background},
    {";", Token::Semicolon},
    {"\n", Token::Newline},
};

struct Missing {
    std::string_view text, words;
};
constexpr Missing kMissing[] = {
    {"<<", "text in the line (<<) is not there: `write FILE WORD...` makes a file"},
    {"<(", "<(...) is not there: write to a file, or use a pipe"},
    {">(", ">(...) is not there: write to a file, or use a pipe"},
    {"<>", "<> is not there: < reads, > writes"},
    {"&>", "&> is not there: > FILE 2>&1 does that"},
    {"|&", "|& is not there: 2>&1 | does that"},
    {">&", ">& other than >&2 and 2>&1 is not there"},
    {"2>&", "2>& other than 2>&1 is not there"},
    {";;", "`case` and ;; are not there: `if test` does that"},
    {"(", "groups in ( ) are not there: `run FILE` runs a script of its own"},
    {")", "a ) without $( before it"},
    {"`", "`...` is not there: $(...) does that"},
};

// Length of the UTF-8 sequence at the start of `text`, 0: there is none (RFC 3629, section 4).
std::size_t utf8_length(std::string_view text) {
    auto byte = [&](std::size_t i) { return i < text.size() ? static_cast<u8>(text[i]) : 0u; };
    auto follows = [&](std::size_t i) { return (byte(i) & 0xc0) == 0x80; };
    unsigned first = byte(0);
    if (first < 0x80) {
        return 1;
    }
    if (first >= 0xc2 && first <= 0xdf && follows(1)) {
        return 2;
    }
    bool narrow = (first == 0xe0 && byte(1) < 0xa0) || (first == 0xed && byte(1) >= 0xa0);
    if (first >= 0xe0 && first <= 0xef && !narrow && follows(1) && follows(2)) {
        return 3;
    }
    bool far = (first == 0xf0 && byte(1) < 0x90) || (first == 0xf4 && byte(1) >= 0x90);
    if (first >= 0xf0 && first <= 0xf4 && !far && follows(1) && follows(2) && follows(3)) {
        return 4;
    }
    return 0;
}

} // namespace

std::size_t name_length(std::string_view text) {
    std::size_t size = 0;
    while (size < text.size() &&
           (is_name_start(text[size]) || (size > 0 && is_digit(text[size])))) {
        size++;
    }
    return size;
}

Message refuse(std::string_view text) {
    Message message;
    if (text.size() > kLineMax) {
        sel::format(message, "the line is longer than {} bytes", kLineMax);
        return message;
    }
    for (std::size_t i = 0; i < text.size();) {
        u8 byte = static_cast<u8>(text[i]);
        std::size_t length = utf8_length(text.substr(i));
        if (length == 0 || (byte < ' ' && byte != '\t') || byte == 0x7f) {
            sel::format(message, "byte 0x{:02x} in column {} is not text", byte, i + 1);
            return message;
        }
        i += length;
    }
    return message;
}

u32 Lexer::column(std::size_t at) const {
    std::size_t line_end = at == 0 ? text_.npos : text_.rfind('\n', at - 1);
    return static_cast<u32>(at - (line_end == text_.npos ? 0 : line_end + 1)) + 1;
}

void Lexer::skip_blanks() {
    while (at_ < text_.size() && (is_blank(text_[at_]) || text_.substr(at_).starts_with("\\\n"))) {
        at_ += is_blank(text_[at_]) ? 1 : 2;
    }
    if (at_ < text_.size() && text_[at_] == '#') {
        at_ = std::min(text_.find('\n', at_), text_.size());
    }
}

bool Lexer::next(Lexeme &lexeme) {
    skip_blanks();
    lexeme = {Token::End, {}, column(at_)};
    if (at_ == text_.size()) {
        return true;
    }
    std::string_view rest = text_.substr(at_);
    if (rest.starts_with("2>") || kEndsWord.find(rest.front()) != kEndsWord.npos) {
        return take_operator(lexeme);
    }
    return take_word(lexeme);
}

bool Lexer::take_operator(Lexeme &lexeme) {
    std::string_view rest = text_.substr(at_);
    for (const Operator &one : kOperators) {
        if (!rest.starts_with(one.text)) {
            continue;
        }
        bool whole = one.text.size() > 2 || one.token == Token::And || one.token == Token::Or;
        for (const Missing &missing : kMissing) {
            if (!whole && rest.starts_with(missing.text)) {
                return fail("{}", missing.words);
            }
        }
        lexeme.token = one.token;
        lexeme.text = rest.substr(0, one.text.size());
        at_ += one.text.size();
        return true;
    }
    for (const Missing &missing : kMissing) {
        if (rest.starts_with(missing.text)) {
            return fail("{}", missing.words);
        }
    }
    return fail("'{}' in column {} is no operator", rest.front(), lexeme.column);
}

bool Lexer::take_word(Lexeme &lexeme) {
    std::size_t start = at_;
    while (at_ < text_.size() && kEndsWord.find(text_[at_]) == kEndsWord.npos) {
        if (!skip_letter()) {
            return false;
        }
    }
    lexeme.token = Token::Word;
    lexeme.text = text_.substr(start, at_ - start);
    if (at_ < text_.size() && text_[at_] == '(') {
        return fail("functions, and ( in a word, are not there: '(' is a letter in quotes");
    }
    return true;
}

// NOLINTBEGIN(misc-no-recursion): $( in $( lies at most kDepthMost deep.
bool Lexer::skip_letter() {
    switch (text_[at_]) {
    case '\'':
        return skip_single();
    case '"':
        return skip_double();
    case '$':
        return skip_dollar();
    case '`':
        return fail("`...` is not there: $(...) does that");
    case '\\':
        if (at_ + 1 == text_.size()) {
            return fail("nothing follows the backslash at the end of the line");
        }
        at_ += 2;
        return true;
    default:
        at_++;
        return true;
    }
}

bool Lexer::skip_single() {
    std::size_t open = at_, close = text_.find('\'', at_ + 1);
    if (close == text_.npos) {
        return fail("the quote ' in column {} is not closed", column(open));
    }
    at_ = close + 1;
    return true;
}

bool Lexer::skip_double() {
    std::size_t open = at_++;
    while (at_ < text_.size() && text_[at_] != '"') {
        if (text_[at_] == '$') {
            if (!skip_dollar()) {
                return false;
            }
        } else if (text_[at_] == '`') {
            return fail("`...` is not there: $(...) does that");
        } else {
            at_ += text_[at_] == '\\' && at_ + 1 < text_.size() ? 2 : 1;
        }
    }
    if (at_ >= text_.size()) {
        return fail("the quote \" in column {} is not closed", column(open));
    }
    at_++;
    return true;
}

bool Lexer::skip_dollar() {
    std::size_t open = at_;
    std::string_view rest = text_.substr(at_ + 1);
    if (rest.starts_with("((")) {
        return fail("arithmetic, $((...)), is not there");
    }
    if (rest.starts_with("(")) {
        return skip_substitution();
    }
    if (!rest.starts_with("{")) {
        at_++;
        return true;
    }
    std::size_t close = rest.find('}');
    if (close == rest.npos) {
        return fail("the {{ in column {} is not closed", column(open) + 1);
    }
    std::string_view name = rest.substr(1, close - 1);
    bool is_name = !name.empty() && name_length(name) == name.size();
    bool is_number = !name.empty() && std::all_of(name.begin(), name.end(), is_digit);
    if (!is_name && !is_number && name != "?" && name != "#" && name != "@" && name != "*") {
        return fail("${{{}} is not there: only ${{NAME} is", name);
    }
    at_ += close + 2;
    return true;
}

bool Lexer::skip_substitution() {
    std::size_t open = at_;
    if (++depth_ > kDepthMost) {
        return fail("$( in column {} lies more than {} deep", column(open), kDepthMost);
    }
    at_ += 2;
    while (at_ < text_.size() && text_[at_] != ')') {
        if (text_[at_] == '(') {
            return fail("groups in ( ) are not there: `run FILE` runs a script of its own");
        }
        if (!skip_letter()) {
            return false;
        }
    }
    if (at_ >= text_.size()) {
        return fail("the $( in column {} is not closed", column(open));
    }
    at_++;
    depth_--;
    return true;
}

// NOLINTEND(misc-no-recursion)

std::string_view substitution(std::string_view text) {
    Message error;
    Lexer lexer{text, error};
    return text.substr(2, lexer.skip_substitution() ? lexer.at_ - 3 : 0);
}

} // namespace shell
