// Tests of the shell's lexer and parser: words, operators, if, while, for, refusals.
// SPDX-License-Identifier: BSD-2-Clause
#include "parser.hpp"

#include <array>
#include <catch2/catch.hpp>
#include <random>
#include <string>

#include "completion.hpp"

using namespace shell;

namespace {

std::string shown(const Pipeline *list);

std::string shown(const Command &command) {
    std::string out;
    auto words = [&]() {
        for (const Word *word = command.words; word != nullptr; word = word->next) {
            out += "[" + std::string{word->text} + "]";
        }
    };
    switch (command.kind) {
    case Command::Simple:
        words();
        break;
    case Command::Assignment:
        out += "set ";
        words();
        break;
    case Command::For:
        out += "for " + std::string{command.variable} + " ";
        words();
        out += "(" + shown(command.branch->body) + ")";
        break;
    default:
        out += command.kind == Command::If      ? "if"
               : command.kind == Command::While ? "while"
                                                : "until";
        for (const Branch *branch = command.branch; branch != nullptr; branch = branch->next) {
            out += "(" + shown(branch->condition) + ")(" + shown(branch->body) + ")";
        }
        out += command.otherwise == nullptr ? "" : "else(" + shown(command.otherwise) + ")";
    }
    for (const Redirection *r = command.redirections; r != nullptr; r = r->next) {
        const char *const names[] = {"<", ">", ">>", "2>", "2>>", "2>&1", ">&2"};
        out += names[r->kind] + std::string{r->file};
    }
    return out;
}

std::string shown(const Pipeline *list) {
    std::string out;
    for (const Pipeline *p = list; p != nullptr; p = p->next) {
        out += p == list ? "" : std::string(1, ";&/"[static_cast<u8>(p->join)]);
        out += p->negated ? "!" : "";
        u32 count = 0;
        for (const Command *command = p->first; command != nullptr; command = command->next) {
            out += (count++ == 0 ? "" : "|") + shown(*command);
        }
        REQUIRE(count == p->commands);
        out += p->behind ? " behind" : "";
    }
    return out;
}

// The parsed text written out again: [word][word]|[word] joined by ; & or /.
std::string shown(std::string_view text) {
    static std::array<u8, 64 * 1024> memory;
    Arena arena{memory};
    const Pipeline *list = nullptr;
    Message error;
    switch (parse(text, arena, list, error)) {
    case Parsed::Good:
        return shown(list);
    case Parsed::Incomplete:
        return "more: " + std::string{error.view()};
    default:
        return "error: " + std::string{error.view()};
    }
}

std::string reason(std::string_view text) {
    Message message = refuse(text);
    return std::string{message.view()};
}

} // namespace

TEST_CASE("words", "[shell]") {
    CHECK(shown("") == "");
    CHECK(shown("  \t ") == "");
    CHECK(shown("# nothing") == "");
    CHECK(shown("ls") == "[ls]");
    CHECK(shown(" ls  / # root") == "[ls][/]");
    CHECK(shown("echo a#b") == "[echo][a#b]");
    CHECK(shown("echo 'a b' \"c d\" e\\ f") == "[echo]['a b'][\"c d\"][e\\ f]");
    CHECK(shown("echo 'it'\"'\"'s' ''") == "[echo]['it'\"'\"'s']['']");
    CHECK(shown(R"(echo "a\"b\\c\d" 'x\y')") == R"([echo]["a\"b\\c\d"]['x\y'])");
    CHECK(shown("echo '|;&>' \\| é") == "[echo]['|;&>'][\\|][é]");
    CHECK(shown("echo $? \"$?\" $x ${y}z $") == "[echo][$?][\"$?\"][$x][${y}z][$]");
    CHECK(shown("echo $(ls | head -n 1; echo ')') a") == "[echo][$(ls | head -n 1; echo ')')][a]");
    CHECK(shown("echo \"$(echo \"$(ls)\")\"") == "[echo][\"$(echo \"$(ls)\")\"]");
    CHECK(shown("echo a \\\n b") == "[echo][a][b]");
}

TEST_CASE("operators", "[shell]") {
    CHECK(shown("a;b") == "[a];[b]");
    CHECK(shown("a b;") == "[a][b]");
    CHECK(shown("a\n\nb # c\nd") == "[a];[b];[d]");
    CHECK(shown("a&&b||c|d") == "[a]&[b]/[c]|[d]");
    CHECK(shown("! a && ! ! b") == "![a]&[b]");
    CHECK(shown("ls / | grep x | count") == "[ls][/]|[grep][x]|[count]");
    CHECK(shown("a>f") == "[a]>f");
    CHECK(shown("a | b >> 'f g'; c") == "[a]|[b]>>'f g';[c]");
    CHECK(shown("a&b c &") == "[a] behind;[b][c] behind");
    CHECK(shown("a && b & c") == "[a]&[b] behind;[c]");
    CHECK(shown("a b<f|c>g&") == "[a][b]<f|[c]>g behind");
    CHECK(shown("a > f b 2> g 2>&1") ==
          "error: 2>&1 in column 14: that has been sent elsewhere already");
    CHECK(shown("a > f b 2>g | c 2>&1") == "[a][b]>f2>g|[c]2>&1");
    CHECK(shown("a 2>>g; b >&2; echo 2 > f; echo a2>f") ==
          "[a]2>>g;[b]>&2;[echo][2]>f;[echo][a2]>f");
}

TEST_CASE("assignments", "[shell]") {
    CHECK(shown("X=7") == "set [X=7]");
    CHECK(shown("X=7 Y='a b' Z=") == "set [X=7][Y='a b'][Z=]");
    CHECK(shown("echo X=7") == "[echo][X=7]");
    CHECK(shown("7=X; =a; X-Y=1") == "[7=X];[=a];[X-Y=1]");
    CHECK(shown("X=7 echo").starts_with("error: NAME=... in front of a command is not there"));
}

TEST_CASE("if, while, for", "[shell]") {
    CHECK(shown("if a; then b; fi") == "if([a])([b])");
    CHECK(shown("if a && b; then c; d; elif e; then f; else g; fi | h") ==
          "if([a]&[b])([c];[d])([e])([f])else([g])|[h]");
    CHECK(shown("if a\nthen\n b\n\nelse c\nfi") == "if([a])([b])else([c])");
    CHECK(shown("while a; do b; done > f") == "while([a])([b])>f");
    CHECK(shown("until ! a; do b & done; c") == "until(![a])([b] behind);[c]");
    CHECK(shown("for x in a $b *; do c; done") == "for x [a][$b][*]([c])");
    CHECK(shown("for x in; do c; done") == "for x ([c])");
    CHECK(shown("for x in a\ndo\nfor y in b; do c; done\ndone") == "for x [a](for y [b]([c]))");
    CHECK(shown("echo if then fi done") == "[echo][if][then][fi][done]");
    CHECK(shown("'if' a") == "['if'][a]");
}

TEST_CASE("what has no end yet is told apart from what is wrong", "[shell]") {
    CHECK(shown("if a; then b") == "more: `if` in column 1 has no `fi`");
    CHECK(shown("if") == "more: a command was expected after if");
    CHECK(shown("if a") == "more: `if` in column 1 has no `then`");
    CHECK(shown("x; while a; do\nif b") == "more: `if` in column 1 has no `then`");
    CHECK(shown("for x in a b") == "more: `for` in column 1 has no `do`");
    CHECK(shown("for x in a; do b;") == "more: `for` in column 1 has no `done`");
    CHECK(shown("if a; then b; done") == "error: `fi` was expected before `done` in column 15");
    CHECK(shown("if a; then fi") == "error: a command was expected before `fi` in column 12");
    CHECK(shown("if a; then b &&") == "error: a command was expected after &&");
    CHECK(shown("fi") == "error: `fi` in column 1 has no beginning");
    CHECK(shown("a; done") == "error: `done` in column 4 has no beginning");
    CHECK(shown("for 1x in a; do b; done") ==
          "error: the name of a variable was expected after `for`");
    CHECK(shown("for x of a") == "error: `in` was expected before `of` in column 7");
    CHECK(shown("for x in a | b") == "error: ; was expected before | in column 12");
    CHECK(shown("if a; then b; fi c") == "error: 'c' in column 18 follows the end of a command");
    std::string deep, end;
    for (int i = 0; i < 8; i++) {
        deep += "if a; then ";
        end += "; fi";
    }
    CHECK(shown(deep + "b" + end).starts_with("if("));
    CHECK(shown(deep + "if a; then b; fi" + end) ==
          "error: `if` in column 89 lies more than 8 deep");
}

TEST_CASE("lines that cannot be parsed say why", "[shell]") {
    CHECK(shown("echo 'a") == "error: the quote ' in column 6 is not closed");
    CHECK(shown("echo \"a\\\"") == "error: the quote \" in column 6 is not closed");
    CHECK(shown("a \\") == "error: nothing follows the backslash at the end of the line");
    CHECK(shown("| a") == "error: a command was expected before | in column 1");
    CHECK(shown("a |") == "error: a command was expected after |");
    CHECK(shown("a | | b") == "error: a command was expected before | in column 5");
    CHECK(shown("a ; ; b") == "error: a command was expected before ; in column 5");
    CHECK(shown("a &&") == "error: a command was expected after &&");
    CHECK(shown("a && ; b") == "error: a command was expected before ; in column 6");
    CHECK(shown("& a") == "error: a command was expected before & in column 1");
    CHECK(shown("a & & b") == "error: a command was expected before & in column 5");
    CHECK(shown("a > & b") == "error: a file name was expected after >, before column 5");
    CHECK(shown("a <") == "error: a file name was expected after <");
    CHECK(shown("a < ; b") == "error: a file name was expected after <, before column 5");
    CHECK(shown("< f a") == "error: a command was expected before < in column 1");
    CHECK(shown("a < f < g") == "error: < in column 7: that has been sent elsewhere already");
    CHECK(shown("a > f >> g") == "error: >> in column 7: that has been sent elsewhere already");
    CHECK(shown("a >") == "error: a file name was expected after >");
    CHECK(shown("a > ; b") == "error: a file name was expected after >, before column 5");
    CHECK(shown("echo ${x") == "error: the { in column 7 is not closed");
    CHECK(shown("echo $(ls") == "error: the $( in column 6 is not closed");
    CHECK(shown("echo $(ls |)") == "error: a command was expected after |");
    CHECK(shown("x\necho 'a") == "error: the quote ' in column 6 is not closed");
    CHECK(shown(std::string(4097, 'a')) == "error: the command is longer than 4096 bytes");
    CHECK(shown(std::string(4096, 'a')) == "[" + std::string(4096, 'a') + "]");
    std::string many;
    for (int i = 0; i < 2048; i++) {
        many += "a|";
    }
    CHECK(shown(many) == "error: it has more words and commands than there is room for");
    CHECK(reason("a\x02") == "byte 0x02 in column 2 is not text");
    CHECK(reason("a\xff") == "byte 0xff in column 2 is not text");
    CHECK(reason(std::string(1025, 'a')) == "the line is longer than 1024 bytes");
    CHECK(reason(std::string(1024, 'a')) == "");
}

TEST_CASE("what is not there is refused in words", "[shell]") {
    for (const char *text :
         {"cat << x",      "a <(b)",       "a >(b)",     "a <> b",  "a &> b",    "a |& b",
          "a >&1",         "a 2>&3",       "a ;; b",     "(a; b)",  "a `b`",     "a \"`b`\"",
          "f() { a; }",    "function f",   "{ a; }",     "[[ a ]]", "case x in", "select x",
          "echo $((1+1))", "echo ${x:-y}", "echo ${#x}", "X=1 a"}) {
        CAPTURE(text);
        CHECK(shown(text).find("not there") != std::string::npos);
    }
    CHECK(shown("a )") == "error: a ) without $( before it");
    CHECK(shown("echo '(' \\( \")\"") == "[echo]['('][\\(][\")\"]");
    CHECK(shown("echo $( $( $( $( $(a)))))") == "error: $( in column 18 lies more than 4 deep");
}

TEST_CASE("random lines never leave the bounds", "[shell]") {
    std::mt19937 random{7};
    const char *const pieces[] = {
        "a",   "b ",    "'",    "\"",       "\\",  "|",     ";",    "&",     "<",  ">",     "$?",
        "#",   "\t",    "\x01", "\xc3\xa9", "\n",  "$(",    ")",    "${",    "}",  "2>",    "2>&1",
        "if ", "then ", "fi ",  "while ",   "do ", "done ", "for ", "x in ", "X=", "else ", "elif ",
        "! ",  "*",     "[",    "]",        "$x",  "`",     "&&",   "(",     "$(("};
    std::array<u8, 4096> memory;
    for (int i = 0; i < 200000; i++) {
        std::string text;
        for (u32 count = random() % 30; count > 0; count--) {
            text += pieces[random() % std::size(pieces)];
        }
        Arena arena{memory};
        const Pipeline *list = nullptr;
        Message error;
        Parsed parsed = parse(text, arena, list, error);
        REQUIRE((parsed == Parsed::Good) == (error.size == 0));
        if (parsed == Parsed::Good) {
            shown(list); // All of it lies in the text and the arena.
        }
        last_word(text);
    }
}

TEST_CASE("the last word is found for completion", "[shell]") {
    auto check = [](std::string_view text, std::size_t start, std::string_view command) {
        LastWord last = last_word(text);
        CHECK(last.start == start);
        CHECK(last.command == command);
    };
    check("", 0, "");
    check("l", 0, "");
    check("ls ", 3, "ls");
    check("ls /e", 3, "ls");
    check("ls /etc a", 8, "ls");
    check("a; kill r", 8, "kill");
    check("a | gr", 4, "");
    check("a > /x", 4, ">");
    check("if tes", 3, "");
    check("if a; then ca", 11, "");
    check("while ! cat f", 12, "cat");
    check("echo $(ca", 7, "");
}
