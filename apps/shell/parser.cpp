// Parser: one pass over the line, one state: which part is being built.
// SPDX-License-Identifier: BSD-2-Clause
#include "parser.hpp"

#include "sel/format.hpp"

namespace shell {
namespace {

constexpr std::string_view kOperators = "|;&<>";

constexpr bool is_blank(char c) {
    return c == ' ' || c == '\t';
}

class Parser {
  public:
    Parser(std::string_view text, Line &line, Message &error)
        : text_{text}, line_{line}, error_{error} {}

    bool run() {
        line_.words = line_.commands = line_.pipelines = 0;
        while (skip_blanks()) {
            bool operator_here = kOperators.find(text_[at_]) != text_.npos;
            if (!(operator_here ? take_operator() : take_word())) {
                return false;
            }
        }
        return finish();
    }

  private:
    // False at the end of the line.
    bool skip_blanks() {
        while (at_ < text_.size() && is_blank(text_[at_])) {
            at_++;
        }
        return at_ < text_.size() && text_[at_] != '#';
    }

    template <typename... Ts>
    bool fail(std::string_view pattern, const Ts &...values) {
        error_.clear();
        sel::format(error_, pattern, values...);
        return false;
    }

    bool take(std::string_view what) {
        if (text_.substr(at_).starts_with(what)) {
            at_ += what.size();
            return true;
        }
        return false;
    }

    // --- Words.
    bool take_word() {
        if (line_.words == kWordsMax) {
            return fail("more than {} words in a line", kWordsMax);
        }
        std::size_t start = used_;
        while (at_ < text_.size() && !is_blank(text_[at_]) &&
               kOperators.find(text_[at_]) == text_.npos) {
            if (!take_letter()) {
                return false;
            }
        }
        return add_word({line_.text.data() + start, used_ - start});
    }

    bool take_letter() {
        char c = text_[at_];
        if (c == '\'' || c == '"') {
            return take_quoted(c);
        }
        if (take("$?")) {
            put(kStatusMark);
            return true;
        }
        at_++;
        if (c == '\\') {
            if (at_ == text_.size()) {
                return fail("nothing follows the backslash at the end of the line");
            }
            c = text_[at_++];
        }
        put(c);
        return true;
    }

    bool take_quoted(char quote) {
        std::size_t open = at_++;
        while (at_ < text_.size() && text_[at_] != quote) {
            bool escape = quote == '"' && text_[at_] == '\\' && at_ + 1 < text_.size() &&
                          (text_[at_ + 1] == '"' || text_[at_ + 1] == '\\');
            at_ += escape ? 1 : 0;
            if (!escape && quote == '"' && take("$?")) {
                put(kStatusMark);
            } else {
                put(text_[at_++]);
            }
        }
        if (at_ == text_.size()) {
            return fail("the quote {} in column {} is not closed", quote, open + 1);
        }
        at_++;
        return true;
    }

    // There is room: no word is longer than what it was made from.
    void put(char c) { line_.text[used_++] = c; }

    bool add_word(std::string_view word) {
        if (redirect_wanted_ != 0) {
            (redirect_wanted_ == '<' ? pipeline().source : pipeline().target) = line_.words;
            redirect_wanted_ = 0;
            line_.word[line_.words++] = word;
            return true;
        }
        if (!in_command_ && !open_command()) {
            return false;
        }
        if (pipeline().redirect != Redirect::None) {
            return fail("'{}' follows the file that the output goes to", word);
        }
        if (pipeline().source != Pipeline::kNone && pipeline().commands == 1) {
            return fail("'{}' follows the file that the input comes from", word);
        }
        line_.word[line_.words++] = word;
        line_.command[line_.commands - 1].words++;
        return true;
    }

    // --- Commands and pipelines.
    Pipeline &pipeline() { return line_.pipeline[line_.pipelines - 1]; }

    bool open_command() {
        if (line_.commands == kCommandsMax) {
            return fail("more than {} commands in a line", kCommandsMax);
        }
        if (!in_pipeline_) {
            line_.pipeline[line_.pipelines++] = {
                join_, Redirect::None, line_.commands, 0, Pipeline::kNone, 0, false};
            in_pipeline_ = true;
            join_ = Join::Always;
        }
        line_.command[line_.commands++] = {line_.words, 0};
        pipeline().commands++;
        in_command_ = true;
        return true;
    }

    bool take_operator() {
        std::size_t column = at_ + 1;
        if (take("&&")) {
            return end_pipeline("&&", Join::And, column);
        }
        if (take("||")) {
            return end_pipeline("||", Join::Or, column);
        }
        if (take(";")) {
            return end_pipeline(";", Join::Always, column);
        }
        if (take("|")) {
            return take_pipe(column);
        }
        if (take(">>")) {
            return take_redirect(Redirect::Append, column);
        }
        if (take(">")) {
            return take_redirect(Redirect::Replace, column);
        }
        if (take("<")) {
            return take_source(column);
        }
        take("&");
        if (!end_pipeline("&", Join::Always, column)) {
            return false;
        }
        pipeline().behind = true;
        return true;
    }

    bool end_pipeline(std::string_view what, Join join, std::size_t column) {
        if (redirect_wanted_ != 0) {
            return fail("a file name was expected after {}, before column {}", redirect_wanted_,
                        column);
        }
        if (!in_command_) {
            return fail("a command was expected before {} in column {}", what, column);
        }
        in_command_ = in_pipeline_ = false;
        join_ = join;
        wanted_ = join != Join::Always ? what : "";
        return true;
    }

    bool take_pipe(std::size_t column) {
        if (!in_command_ || redirect_wanted_ != 0 || pipeline().redirect != Redirect::None) {
            return fail("a command was expected before | in column {}", column);
        }
        in_command_ = false;
        wanted_ = "|";
        return true;
    }

    bool take_redirect(Redirect redirect, std::size_t column) {
        if (!in_command_ || redirect_wanted_ != 0 || pipeline().redirect != Redirect::None) {
            return fail("a command was expected before > in column {}", column);
        }
        pipeline().redirect = redirect;
        redirect_wanted_ = '>';
        return true;
    }

    // Of the first command of a pipeline.
    bool take_source(std::size_t column) {
        if (!in_command_ || redirect_wanted_ != 0 || pipeline().commands != 1 ||
            pipeline().redirect != Redirect::None || pipeline().source != Pipeline::kNone) {
            return fail("< in column {} does not follow the first command of a pipe", column);
        }
        redirect_wanted_ = '<';
        return true;
    }

    bool finish() {
        if (redirect_wanted_ != 0) {
            return fail("a file name was expected after {}", redirect_wanted_);
        }
        if (!in_command_ && !wanted_.empty()) {
            return fail("a command was expected after {}", wanted_);
        }
        return true;
    }

    std::string_view text_;
    Line &line_;
    Message &error_;
    std::size_t at_ = 0;
    std::size_t used_ = 0; // Of line_.text.
    bool in_command_ = false;
    bool in_pipeline_ = false;
    char redirect_wanted_ = 0; // > or <, whose file name comes next.
    Join join_ = Join::Always;
    std::string_view wanted_; // The operator that still wants a command behind it.
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

bool parse(std::string_view text, Line &line, Message &error) {
    error = refuse(text);
    return error.size == 0 && Parser{text, line, error}.run();
}

LastWord last_word(std::string_view text) {
    LastWord last{text.size(), {}};
    bool command_known = false;
    std::size_t at = 0;
    while (at < text.size()) {
        std::size_t start = at;
        while (at < text.size() && !is_blank(text[at]) && kOperators.find(text[at]) == text.npos) {
            at += text[at] == '\\' && at + 1 < text.size() ? 2 : 1;
        }
        if (at == text.size() && at > start) {
            last.start = start;
            break;
        }
        if (at > start) {
            if (!command_known) {
                last.command = text.substr(start, at - start);
                command_known = true;
            }
            continue;
        }
        if (text[at] == '>' || text[at] == '<') {
            last.command = ">"; // A file name follows, whatever the command.
        } else if (!is_blank(text[at])) {
            last.command = {};
            command_known = false;
        }
        at++;
    }
    return last;
}

} // namespace shell
