// Parser: recursive descent, one lexeme ahead.
// SPDX-License-Identifier: BSD-2-Clause
#include "parser.hpp"

#include <algorithm>

namespace shell {
namespace {

constexpr u32 kNestMost = 8; // if, while and for in each other.

constexpr std::string_view kEnds[] = {"then", "elif", "else", "fi", "do", "done"};

struct Missing {
    std::string_view word, words;
};
constexpr Missing kMissing[] = {
    {"case", "`case` is not there: `if test` does that"},
    {"function", "functions are not there: `run FILE` runs a script"},
    {"select", "`select` is not there"},
    {"{", "groups in { } are not there: `run FILE` runs a script of its own"},
    {"}", "groups in { } are not there: `run FILE` runs a script of its own"},
    {"[[", "[[ ]] is not there: `test` does that"},
};

bool is_assignment(std::string_view word) {
    std::size_t name = name_length(word);
    return name != 0 && word.substr(name).starts_with("=");
}

// The end of a list that grows.
template <typename T>
class Chain {
  public:
    void add(T *one) {
        (last_ == nullptr ? first_ : last_->next) = one;
        last_ = one;
    }
    const T *first() const { return first_; }
    T *last() { return last_; }

  private:
    // `first_` is written through a pointer to const T, as `next` is.
    const T *first_ = nullptr;
    T *last_ = nullptr;
};

// NOLINTBEGIN(misc-no-recursion): compound commands lie at most kNestMost deep in each other, $( as deep as the Lexer lets
// pass.
class Parser {
  public:
    Parser(std::string_view text, Arena &arena, Message &error)
        : lexer_{text, error}, arena_{arena}, error_{error} {}

    Parsed run(const Pipeline *&list) {
        list = nullptr;
        bool good = advance() && parse_list(list, "");
        if (good && ahead_.token != Token::End) {
            good = fail("`{}` in column {} has no beginning", ahead_.text, ahead_.column);
        }
        return good ? Parsed::Good : incomplete_ ? Parsed::Incomplete : Parsed::Wrong;
    }

  private:
    template <typename... Ts>
    bool fail(std::string_view pattern, const Ts &...values) {
        error_.clear();
        sel::format(error_, pattern, values...);
        return false;
    }
    bool full() { return fail("it has more words and commands than there is room for"); }

    bool advance() { return lexer_.next(ahead_); }
    bool at_word(std::string_view word) const {
        return ahead_.token == Token::Word && ahead_.text == word;
    }
    bool at_end_word() const {
        return std::any_of(std::begin(kEnds), std::end(kEnds),
                           [this](std::string_view word) { return at_word(word); });
    }
    bool skip_newlines() {
        while (ahead_.token == Token::Newline) {
            if (!advance()) {
                return false;
            }
        }
        return true;
    }

    // Up to the end of the text, or a word that ends the list of something. `opener`: that has to have at least one
    // command in it; empty: the whole text.
    bool parse_list(const Pipeline *&list, std::string_view opener) {
        Chain<Pipeline> chain;
        Join join = Join::Always;
        std::string_view wanted = opener;
        for (;;) {
            if (!skip_newlines()) {
                return false;
            }
            if (ahead_.token == Token::End || at_end_word()) {
                break;
            }
            Pipeline *one = arena_.make<Pipeline>();
            if (one == nullptr) {
                return full();
            }
            one->join = join;
            chain.add(one);
            if (!parse_pipeline(*one) || !parse_join(*one, join, wanted)) {
                return false;
            }
            if (ahead_.token == Token::Newline && join != Join::Always) {
                return fail("a command was expected after {}", wanted);
            }
        }
        list = chain.first();
        if (!wanted.empty() && ahead_.token == Token::End) {
            incomplete_ = incomplete_ || join == Join::Always;
            return fail("a command was expected after {}", wanted);
        }
        return wanted.empty() ||
               fail("a command was expected before `{}` in column {}", ahead_.text, ahead_.column);
    }

    // What stands behind a pipeline.
    bool parse_join(Pipeline &pipeline, Join &join, std::string_view &wanted) {
        join = Join::Always;
        wanted = "";
        switch (ahead_.token) {
        case Token::And:
            join = Join::And;
            wanted = "&&";
            return advance();
        case Token::Or:
            join = Join::Or;
            wanted = "||";
            return advance();
        case Token::Background:
            pipeline.behind = true;
            return advance();
        case Token::Semicolon:
            return advance();
        case Token::Newline:
        case Token::End:
            return true;
        default:
            return at_end_word() || fail("'{}' in column {} follows the end of a command",
                                         ahead_.text, ahead_.column);
        }
    }

    bool parse_pipeline(Pipeline &pipeline) {
        while (at_word("!")) {
            pipeline.negated = !pipeline.negated;
            if (!advance()) {
                return false;
            }
        }
        Chain<Command> chain;
        for (;;) {
            Command *command = arena_.make<Command>();
            if (command == nullptr) {
                return full();
            }
            chain.add(command);
            pipeline.first = chain.first();
            pipeline.commands++;
            if (!parse_command(*command)) {
                return false;
            }
            if (ahead_.token != Token::Pipe) {
                return true;
            }
            if (!advance()) {
                return false;
            }
            if (ahead_.token == Token::End || ahead_.token == Token::Newline) {
                return fail("a command was expected after |");
            }
        }
    }

    bool parse_command(Command &command) {
        if (at_word("if")) {
            return parse_if(command) && parse_redirections(command);
        }
        if (at_word("while") || at_word("until")) {
            return parse_while(command) && parse_redirections(command);
        }
        if (at_word("for")) {
            return parse_for(command) && parse_redirections(command);
        }
        return parse_simple(command);
    }

    // --- Simple commands.

    bool parse_simple(Command &command) {
        for (const Missing &missing : kMissing) {
            if (at_word(missing.word)) {
                return fail("{}", missing.words);
            }
        }
        if (ahead_.token != Token::Word) {
            return fail("a command was expected before {} in column {}", ahead_.text,
                        ahead_.column);
        }
        command.kind = is_assignment(ahead_.text) ? Command::Assignment : Command::Simple;
        Chain<Word> words;
        Chain<Redirection> redirections;
        for (;;) {
            if (ahead_.token == Token::Word) {
                if (command.kind == Command::Assignment && !is_assignment(ahead_.text)) {
                    return fail("NAME=... in front of a command is not there: `export NAME=...` "
                                "stands alone");
                }
                if (!take_word(words)) {
                    return false;
                }
            } else if (!is_redirection()) {
                break;
            } else if (!take_redirection(redirections)) {
                return false;
            }
        }
        command.words = words.first();
        command.redirections = redirections.first();
        return true;
    }

    bool take_word(Chain<Word> &words) {
        Word *word = arena_.make<Word>();
        if (word == nullptr) {
            return full();
        }
        word->text = ahead_.text;
        words.add(word);
        return check_substitutions(word->text) && advance();
    }

    bool is_redirection() const { return ahead_.token >= Token::Input; }

    bool take_redirection(Chain<Redirection> &redirections) {
        auto kind = static_cast<Redirection::Kind>(static_cast<u8>(ahead_.token) -
                                                   static_cast<u8>(Token::Input));
        for (const Redirection *r = redirections.first(); r != nullptr; r = r->next) {
            if (stream_of(r->kind) == stream_of(kind)) {
                return fail("{} in column {}: that has been sent elsewhere already", ahead_.text,
                            ahead_.column);
            }
        }
        Redirection *one = arena_.make<Redirection>();
        if (one == nullptr) {
            return full();
        }
        one->kind = kind;
        redirections.add(one);
        std::string_view what = ahead_.text;
        if (!advance()) {
            return false;
        }
        if (kind == Redirection::ErrorsToOutput || kind == Redirection::OutputToErrors) {
            return true;
        }
        if (ahead_.token == Token::End || ahead_.token == Token::Newline) {
            return fail("a file name was expected after {}", what);
        }
        if (ahead_.token != Token::Word) {
            return fail("a file name was expected after {}, before column {}", what, ahead_.column);
        }
        one->file = ahead_.text;
        return check_substitutions(one->file) && advance();
    }

    static u32 stream_of(Redirection::Kind kind) {
        switch (kind) {
        case Redirection::Input:
            return 0;
        case Redirection::Output:
        case Redirection::Append:
        case Redirection::OutputToErrors:
            return 1;
        default:
            return 2;
        }
    }

    bool parse_redirections(Command &command) {
        Chain<Redirection> redirections;
        while (is_redirection()) {
            if (!take_redirection(redirections)) {
                return false;
            }
        }
        command.redirections = redirections.first();
        return ahead_.token != Token::Word || at_end_word() ||
               fail("'{}' in column {} follows the end of a command", ahead_.text, ahead_.column);
    }

    // What stands in $( ) of a word can be parsed, too.
    bool check_substitutions(std::string_view word) {
        bool single = false, quoted = false;
        for (std::size_t i = 0; i < word.size(); i++) {
            if (word[i] == '\\' && !single) {
                i++;
            } else if (word[i] == '\'' && !quoted) {
                single = !single;
            } else if (word[i] == '"' && !single) {
                quoted = !quoted;
            } else if (!single && word.substr(i).starts_with("$(")) {
                std::string_view inside = substitution(word.substr(i));
                ArenaMark mark{arena_};
                const Pipeline *list = nullptr;
                if (parse(inside, arena_, list, error_) != Parsed::Good) {
                    return false;
                }
                i += inside.size() + 2;
            }
        }
        return true;
    }

    // --- if, while, for.

    // Remembers what has begun, as long as it lasts.
    bool enter(Lexeme &opener) {
        opener = ahead_;
        return ++depth_ <= kNestMost ? advance()
                                     : fail("`{}` in column {} lies more than {} deep", opener.text,
                                            opener.column, kNestMost);
    }

    // The word that has to come now.
    bool expect(std::string_view word, const Lexeme &opener) {
        if (at_word(word)) {
            return advance();
        }
        if (ahead_.token == Token::End) {
            incomplete_ = true;
            return fail("`{}` in column {} has no `{}`", opener.text, opener.column, word);
        }
        return fail("`{}` was expected before `{}` in column {}", word, ahead_.text, ahead_.column);
    }

    bool parse_if(Command &command) {
        command.kind = Command::If;
        Lexeme opener;
        if (!enter(opener)) {
            return false;
        }
        Chain<Branch> branches;
        for (std::string_view word = "if";; word = "elif") {
            Branch *branch = arena_.make<Branch>();
            if (branch == nullptr) {
                return full();
            }
            branches.add(branch);
            if (!parse_list(branch->condition, word) || !expect("then", opener) ||
                !parse_list(branch->body, "then")) {
                return false;
            }
            if (!at_word("elif")) {
                break;
            }
            if (!advance()) {
                return false;
            }
        }
        command.branch = branches.first();
        if (at_word("else") && (!advance() || !parse_list(command.otherwise, "else"))) {
            return false;
        }
        depth_--;
        return expect("fi", opener);
    }

    bool parse_while(Command &command) {
        command.kind = at_word("while") ? Command::While : Command::Until;
        Lexeme opener;
        Branch *branch = arena_.make<Branch>();
        if (branch == nullptr) {
            return full();
        }
        command.branch = branch;
        return enter(opener) && parse_list(branch->condition, opener.text) &&
               parse_body(*branch, opener);
    }

    bool parse_for(Command &command) {
        command.kind = Command::For;
        Lexeme opener;
        Branch *branch = arena_.make<Branch>();
        if (branch == nullptr) {
            return full();
        }
        command.branch = branch;
        if (!enter(opener)) {
            return false;
        }
        if (ahead_.token != Token::Word || name_length(ahead_.text) != ahead_.text.size()) {
            return fail("the name of a variable was expected after `for`");
        }
        command.variable = ahead_.text;
        if (!advance() || !expect("in", opener)) {
            return false;
        }
        Chain<Word> words;
        while (ahead_.token == Token::Word) {
            if (!take_word(words)) {
                return false;
            }
        }
        command.words = words.first();
        if (ahead_.token != Token::Semicolon && ahead_.token != Token::Newline &&
            ahead_.token != Token::End) {
            return fail("; was expected before {} in column {}", ahead_.text, ahead_.column);
        }
        if (ahead_.token == Token::Semicolon && !advance()) {
            return false;
        }
        return skip_newlines() && parse_body(*branch, opener);
    }

    bool parse_body(Branch &branch, const Lexeme &opener) {
        if (!expect("do", opener) || !parse_list(branch.body, "do")) {
            return false;
        }
        depth_--;
        return expect("done", opener);
    }

    Lexer lexer_;
    Arena &arena_;
    Message &error_;
    Lexeme ahead_{};
    u32 depth_ = 0;
    bool incomplete_ = false;
};

} // namespace

Parsed parse(std::string_view text, Arena &arena, const Pipeline *&list, Message &error) {
    error.clear();
    list = nullptr;
    if (text.size() > kUnitMax) {
        sel::format(error, "the command is longer than {} bytes", kUnitMax);
        return Parsed::Wrong;
    }
    return Parser{text, arena, error}.run(list);
}

// NOLINTEND(misc-no-recursion)

} // namespace shell
