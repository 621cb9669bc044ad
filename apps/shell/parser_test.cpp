// Tests of the shell's parser: words, operators, refusals.
// SPDX-License-Identifier: BSD-2-Clause
#include "parser.hpp"

#include <catch2/catch.hpp>
#include <memory>
#include <random>
#include <string>

using namespace shell;

namespace {

// The parsed line written out again: [word word|word] joined by ; & or /.
std::string shown(std::string_view text) {
    auto line = std::make_unique<Line>();
    Message error;
    if (!parse(text, *line, error)) {
        return "error: " + std::string{error.view()};
    }
    std::string out;
    for (u32 p = 0; p < line->pipelines; p++) {
        const Pipeline &pipeline = line->pipeline[p];
        out += p == 0 ? "" : std::string(1, ";&/"[static_cast<u8>(pipeline.join)]);
        for (u32 c = 0; c < pipeline.commands; c++) {
            out += c == 0 ? "" : "|";
            const Command &command = line->command[pipeline.first + c];
            for (u32 w = 0; w < command.words; w++) {
                out += "[" + std::string{line->word[command.first + w]} + "]";
            }
        }
        if (pipeline.source != Pipeline::kNone) {
            out += "<" + std::string{line->word[pipeline.source]};
        }
        if (pipeline.redirect != Redirect::None) {
            out += pipeline.redirect == Redirect::Append ? ">>" : ">";
            out += line->word[pipeline.target];
        }
        out += pipeline.behind ? " behind" : "";
    }
    return out;
}

} // namespace

TEST_CASE("words", "[shell]") {
    CHECK(shown("") == "");
    CHECK(shown("  \t ") == "");
    CHECK(shown("# nothing") == "");
    CHECK(shown("ls") == "[ls]");
    CHECK(shown(" ls  / # root") == "[ls][/]");
    CHECK(shown("echo a#b") == "[echo][a#b]");
    CHECK(shown("echo 'a b' \"c d\" e\\ f") == "[echo][a b][c d][e f]");
    CHECK(shown("echo 'it'\"'\"'s' ''") == "[echo][it's][]");
    CHECK(shown(R"(echo "a\"b\\c\d" 'x\y')") == R"([echo][a"b\c\d][x\y])");
    CHECK(shown("echo '|;&>' \\| é") == "[echo][|;&>][|][é]");
    CHECK(shown("echo $? \"$?\" '$?' $x") == "[echo][\x01][\x01][$?][$x]");
}

TEST_CASE("operators", "[shell]") {
    CHECK(shown("a;b") == "[a];[b]");
    CHECK(shown("a b;") == "[a][b]");
    CHECK(shown("a&&b||c|d") == "[a]&[b]/[c]|[d]");
    CHECK(shown("ls / | grep x | count") == "[ls][/]|[grep][x]|[count]");
    CHECK(shown("a>f") == "[a]>f");
    CHECK(shown("a | b >> 'f g'; c") == "[a]|[b]>>f g;[c]");
    CHECK(shown("a&b c &") == "[a] behind;[b][c] behind");
    CHECK(shown("a && b & c") == "[a]&[b] behind;[c]");
    CHECK(shown("a b<f|c>g&") == "[a][b]|[c]<f>g behind");
}

TEST_CASE("lines that cannot be parsed say why", "[shell]") {
    CHECK(shown("echo 'a") == "error: the quote ' in column 6 is not closed");
    CHECK(shown("echo \"a\\\"") == "error: the quote \" in column 6 is not closed");
    CHECK(shown("a \\") == "error: nothing follows the backslash at the end of the line");
    CHECK(shown("| a") == "error: a command was expected before | in column 1");
    CHECK(shown("a |") == "error: a command was expected after |");
    CHECK(shown("a | | b") == "error: a command was expected before | in column 5");
    CHECK(shown("a ;; b") == "error: a command was expected before ; in column 4");
    CHECK(shown("a &&") == "error: a command was expected after &&");
    CHECK(shown("a && ; b") == "error: a command was expected before ; in column 6");
    CHECK(shown("& a") == "error: a command was expected before & in column 1");
    CHECK(shown("a & & b") == "error: a command was expected before & in column 5");
    CHECK(shown("a > & b") == "error: a file name was expected after >, before column 5");
    CHECK(shown("a <") == "error: a file name was expected after <");
    CHECK(shown("a < ; b") == "error: a file name was expected after <, before column 5");
    CHECK(shown("a < f g") == "error: 'g' follows the file that the input comes from");
    CHECK(shown("a | b < f") == "error: < in column 7 does not follow the first command of a pipe");
    CHECK(shown("< f a") == "error: < in column 1 does not follow the first command of a pipe");
    CHECK(shown("a < f < g") == "error: < in column 7 does not follow the first command of a pipe");
    CHECK(shown("a < | b") == "error: a command was expected before | in column 5");
    CHECK(shown("a >") == "error: a file name was expected after >");
    CHECK(shown("a > ; b") == "error: a file name was expected after >, before column 5");
    CHECK(shown("a > f g") == "error: 'g' follows the file that the output goes to");
    CHECK(shown("a > f | b") == "error: a command was expected before | in column 7");
    CHECK(shown("a\x02") == "error: byte 0x02 in column 2 is not text");
    CHECK(shown("a\xff") == "error: byte 0xff in column 2 is not text");
    CHECK(shown(std::string(1025, 'a')) == "error: the line is longer than 1024 bytes");
    CHECK(shown(std::string(1024, 'a')) == "[" + std::string(1024, 'a') + "]");
    std::string many;
    for (int i = 0; i < 129; i++) {
        many += "a ";
    }
    CHECK(shown(many) == "error: more than 128 words in a line");
    many.clear();
    for (int i = 0; i < 33; i++) {
        many += "a;";
    }
    CHECK(shown(many) == "error: more than 32 commands in a line");
}

TEST_CASE("random lines never leave the bounds", "[shell]") {
    std::mt19937 random{7};
    auto line = std::make_unique<Line>();
    Message error;
    const std::string letters = "ab '\"\\|;&<>$?#\t\x01\xc3\xa9";
    for (int i = 0; i < 100000; i++) {
        std::string text(random() % 40, ' ');
        for (char &c : text) {
            c = letters[random() % letters.size()];
        }
        bool good = parse(text, *line, error);
        REQUIRE(good == (error.size == 0));
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
}
