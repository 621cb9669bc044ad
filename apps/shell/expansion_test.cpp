// Tests of what words become: variables, $(...), patterns, options.
// SPDX-License-Identifier: BSD-2-Clause
#include "expansion.hpp"

#include <map>
#include <random>
#include <string>
#include <vector>

#include "fake_system.hpp"
#include "glob.hpp"
#include "options.hpp"
#include "parser.hpp"
#include "variables.hpp"
#include "walk.hpp"

#include "servers/file/absolute.hpp"

using namespace shell;

namespace {

struct Fixture : Values {
    FakeSystem system;
    std::array<u8, 64 * 1024> memory{};
    Arena arena{memory};
    std::map<std::string, std::string, std::less<>> variables{
        {"X", "7"}, {"LIST", "a b\n c"}, {"STAR", "*"}, {"EMPTY", ""}, {"?", "3"}, {"1", "one"}};
    std::vector<std::string_view> given{"one", "two words"};
    std::string where = "/";
    std::vector<std::string> ran;

    std::string_view value(std::string_view name) override {
        auto found = variables.find(name);
        return found == variables.end() ? std::string_view{} : found->second;
    }
    std::span<const std::string_view> arguments() const override { return given; }
    bool substitute(std::string_view text, Output &out) override {
        ran.emplace_back(text);
        arena.make_array<char>(100); // As what runs there does.
        out.write(text == "nothing" ? "" : text == "long" ? std::string(5000, 'x') : "p *\nq\n\n");
        return text != "refused";
    }
    std::string_view directory() const override { return where; }

    // The words of the only command, as [word][word].
    std::string words(std::string_view text) {
        Message error;
        const Pipeline *list = nullptr;
        REQUIRE(parse(text, arena, list, error) == Parsed::Good);
        std::span<const std::string_view> all;
        Expansion expansion{system, arena, *this};
        if (!expansion.words(list->first->words, all)) {
            return "error: " + std::string{expansion.problem()};
        }
        std::string out;
        for (std::string_view word : all) {
            out += "[" + std::string{word} + "]";
        }
        return out;
    }
    std::string text(std::string_view typed) {
        std::string_view out;
        Expansion expansion{system, arena, *this};
        return expansion.text(typed, out) ? std::string{out}
                                          : "error: " + std::string{expansion.problem()};
    }
};

} // namespace

TEST_CASE_METHOD(Fixture, "quotes and backslashes are taken off", "[shell]") {
    CHECK(words("echo 'a b' \"c d\" e\\ f") == "[echo][a b][c d][e f]");
    CHECK(words("echo 'it'\"'\"'s' '' \"\"") == "[echo][it's][][]");
    CHECK(words(R"(echo "a\"b\\c\d" 'x\y' "\$X")") == R"([echo][a"b\c\d][x\y][$X])");
    CHECK(words("echo '|;&>' \\| é") == "[echo][|;&>][|][é]");
    CHECK(words("echo a\\\nb") == "[echo][ab]");
}

TEST_CASE_METHOD(Fixture, "variables", "[shell]") {
    CHECK(words("$X ${X}8 \"v=$X\" '$X' \\$X") == "[7][78][v=7][$X][$X]");
    CHECK(words("echo $? \"$?\" $1x $ a$ $- \"$\"") == "[echo][3][3][onex][$][a$][$-][$]");
    CHECK(words("echo $NONE \"$NONE\" $EMPTY a$EMPTY") == "[echo][][a]");
    CHECK(words("echo $LIST \"$LIST\" x${LIST}y") == "[echo][a][b][c][a b\n c][xa][b][cy]");
    CHECK(words("echo $@ \"$@\" \"<$@>\"") ==
          "[echo][one][two][words][one][two words][<one][two words>]");
    given = {"", "b"};
    CHECK(words("echo \"$@\" $@") == "[echo][][b][b]");
    given = {};
    CHECK(words("echo \"$@\" \"\" \"$@x\"") == "[echo][][x]");
    CHECK(text("$LIST'  '$X") == "a b\n c  7");
    variables["MARKS"] = "\x01\x02\x03\x04*";
    CHECK(words("\"$MARKS\" $MARKS") == "[\x01\x02\x03\x04*][\x01\x02\x03\x04*]");
}

TEST_CASE_METHOD(Fixture, "what commands print is put in", "[shell]") {
    system.files = {{"/f", ""}};
    CHECK(words("echo $(a 'b )' \"$(c)\") \"$(d)\"") == "[echo][p][f][q][p *\nq]");
    CHECK(ran == std::vector<std::string>{"a 'b )' \"$(c)\"", "d"});
    CHECK(words("echo \"x$(e)$X\" $(nothing) \"$(nothing)\"") == "[echo][xp *\nq7][]");
    CHECK(text("a$(f)") == "ap *\nq");
    CHECK(words("echo $(long)") == "error: $(...) prints more than 4096 bytes");
    CHECK(words("echo $(refused)") == "error: "); // That has been told.
}

TEST_CASE_METHOD(Fixture, "patterns become names", "[shell]") {
    system.files = {{"/a.txt", ""}, {"/b.txt", ""}, {"/c", "/"},      {"/c/d.txt", ""},
                    {"/c/e", "/"},  {"/c/e/f", ""}, {"/.hidden", ""}, {"/[x]", ""},
                    {"/é", ""},     {"/c/.h", ""},  {"/a b", ""}};
    CHECK(words("ls *.txt") == "[ls][a.txt][b.txt]");
    CHECK(words("ls /*.txt *") == "[ls][/a.txt][/b.txt][[x]][a b][a.txt][b.txt][c][é]");
    CHECK(words("ls */ */* c/*/f //c//d*") == "[ls][c/][c/d.txt][c/e][c/e/f][//c//d.txt]");
    CHECK(words("ls .* c/.*") == "[ls][.hidden][c/.h]");
    CHECK(words("ls ? ?.txt [ab].txt [!a].txt [a-b].*") ==
          "[ls][c][é][a.txt][b.txt][a.txt][b.txt][b.txt][a.txt][b.txt]");
    // None there, or quoted: as it was typed.
    CHECK(words("ls *.c x/* '*.txt' \"*\" \\*.txt [x '['x']'") ==
          "[ls][*.c][x/*][*.txt][*][*.txt][[x][[x]]");
    CHECK(words("ls '[x]'* a' '* $STAR\"\"x \"$STAR\"") == "[ls][[x]][a b][*x][*]");
    CHECK(words("ls $STAR.txt") == "[ls][a.txt][b.txt]");
    where = "/c";
    CHECK(words("ls * ../*.txt ./d* .*") == "[ls][d.txt][e][../a.txt][../b.txt][./d.txt][.h]");
    CHECK(text("*") == "*");
    where = "/";
    for (int i = 0; i < 2000; i++) {
        system.files["/many" + std::to_string(i)] = "";
    }
    CHECK(words("ls * * *") == "error: the names that a pattern stands for do not fit in memory");
}

TEST_CASE("patterns", "[shell]") {
    CHECK(matches("", ""));
    CHECK(matches("a*b*c", "a--b--b-c"));
    CHECK(!matches("a*b*c", "a--b--b-"));
    CHECK(matches("*", ""));
    CHECK(matches("**a**", "ba"));
    CHECK(!matches("?", ""));
    CHECK(matches("[]a]x", "]x"));
    CHECK(matches("[a-c-e]", "-"));
    CHECK(matches("[!]]", "a"));
    CHECK(!matches("[a", "a"));
    CHECK(matches("[a", "[a"));
    CHECK(matches("\x01*", "*"));
    CHECK(!matches("\x01*", "a"));
    CHECK(matches("\x01", "\x01"));
    // No pattern takes longer than a name times its own length.
    std::string stars, name(63, 'a');
    for (int i = 0; i < 60; i++) {
        stars += "*a";
    }
    CHECK(!matches(stars + "b", name));
    std::mt19937 random{3};
    const std::string letters = "ab*?[]!-\x01";
    for (int i = 0; i < 200000; i++) {
        std::string pattern(random() % 12, ' '), text(random() % 8, ' ');
        for (char &c : pattern) {
            c = letters[random() % letters.size()];
        }
        for (char &c : text) {
            c = letters[random() % 2];
        }
        bool fits = matches(pattern, text);
        if (!is_pattern(pattern) && pattern.find('\x01') == pattern.npos) {
            REQUIRE(fits == (pattern == text));
        }
    }
}

TEST_CASE_METHOD(Fixture, "random words never leave the bounds", "[shell]") {
    std::mt19937 random{5};
    const char *const pieces[] = {"a", "'", "\"", "\\", "$X", "${LIST}", "$@", "$(b)", "*", "[",
                                  "]", "?", "/",  "c",  "!",  "-",       "$",  "$?",   " ", "."};
    system.files = {{"/a", ""}, {"/c", "/"}, {"/c/a", ""}};
    std::array<u8, 12 * 1024> small{};
    for (int i = 0; i < 50000; i++) {
        std::string typed = "x";
        for (u32 count = random() % 16; count > 0; count--) {
            typed += pieces[random() % std::size(pieces)];
        }
        arena = Arena{small};
        Message error;
        const Pipeline *list = nullptr;
        if (parse(typed, arena, list, error) != Parsed::Good) {
            continue;
        }
        std::span<const std::string_view> all;
        Expansion expansion{system, arena, *this};
        bool good = expansion.words(list->first->words, all);
        REQUIRE(good == expansion.problem().empty());
        REQUIRE(arena.used() <= small.size());
    }
}

TEST_CASE("variables are kept in a few KiB", "[shell]") {
    Variables variables;
    CHECK(variables.value("A").empty());
    CHECK(variables.set("A", "1"));
    CHECK(variables.set("LONGER", "two"));
    CHECK(variables.set("A", "one"));
    CHECK(variables.value("A") == "one");
    CHECK(variables.value("LONGER") == "two");
    CHECK(variables.export_to_programs("A"));
    CHECK(!variables.export_to_programs("B"));
    CHECK(variables.set("A", "")); // Stays exported.
    u32 place = 0;
    Variables::Variable one{};
    REQUIRE(variables.next(place, one));
    CHECK((one.name == "LONGER" && !one.exported));
    REQUIRE(variables.next(place, one));
    CHECK((one.name == "A" && one.exported && one.value.empty()));
    CHECK(!variables.next(place, one));
    CHECK(variables.remove("LONGER"));
    CHECK(!variables.remove("LONGER"));
    CHECK(!variables.set("", "x"));
    CHECK(!variables.set(std::string(64, 'n'), "x"));
    std::string big(4000, 'b');
    CHECK(variables.set("BIG", big));
    CHECK(!variables.set("MORE", big));
    CHECK(variables.set("BIG", std::string(4070, 'c')));
    CHECK(variables.value("BIG").size() == 4070);
    std::mt19937 random{9};
    std::map<std::string, std::string> model;
    Variables tried;
    for (int i = 0; i < 20000; i++) {
        std::string name(1 + random() % 2, static_cast<char>('a' + random() % 4));
        std::string value(random() % 900, static_cast<char>('0' + random() % 10));
        if (random() % 3 == 0) {
            REQUIRE(tried.remove(name) == (model.erase(name) == 1));
        } else if (tried.set(name, value)) {
            model[name] = value;
        }
        for (const auto &[key, kept] : model) {
            REQUIRE(tried.value(key) == kept);
        }
    }
}

TEST_CASE("options are read in one way", "[shell]") {
    auto read = [](std::string_view known, std::vector<std::string_view> words) {
        Options options;
        std::vector<std::string_view> operands(words.size());
        Message error;
        if (!options.read(known, words, operands, error)) {
            return "error: " + std::string{error.view()};
        }
        std::string out = options.help() ? "help " : "";
        for (const Options::Option &option : options.all()) {
            out += std::string{option.name} + "=" + std::string{option.value} + " ";
        }
        for (u32 i = 0; i < options.operands(); i++) {
            out += "[" + std::string{operands[i]} + "]";
        }
        return out;
    };
    CHECK(read("", {"a", "-", ""}) == "[a][-][]");
    CHECK(read("l", {"-l", "a"}) == "l= [a]");
    CHECK(read("l", {"a", "-l"}) == "l= [a]");
    CHECK(read("+l", {"a", "-l"}) == "[a][-l]");
    CHECK(read("+l", {"-l", "--", "-l"}) == "l= [-l]");
    CHECK(read("r,n", {"-rn"}) == "r= n= ");
    CHECK(read("r,n:", {"-rn5", "-n", "6", "-7"}) == "r= n=5 n=6 n=7 ");
    CHECK(read("", {"--", "-x"}) == "[-x]");
    CHECK(read("*", {"-x", "--", "--help"}) == "[-x][--][--help]");
    CHECK(read("*", {"--help"}) == "help ");
    CHECK(read("l", {"--help", "x"}) == "help [x]");
    CHECK(read("l", {"--", "--help"}) == "[--help]");
    CHECK(read("name:", {"-name", "x", "--name", "y", "--name=z", "--name="}) ==
          "name=x name=y name=z name= ");
    CHECK(read("l", {"-x"}) == "error: unknown option -x");
    CHECK(read("l", {"-lx"}) == "error: unknown option -lx");
    CHECK(read("l", {"--long"}) == "error: unknown option --long");
    CHECK(read("", {"-3"}) == "error: unknown option -3");
    CHECK(read("n:", {"-n"}) == "error: expected a value after -n");
    CHECK(read("name:", {"--name"}) == "error: expected a value after --name");
    CHECK(read("name", {"--name=x"}) == "error: --name takes no value");
    CHECK(read("l", {"-llllllllllllll"}) == "error: more than 12 options");
    std::mt19937 random{4};
    const std::string letters = "lnx-=3";
    for (int i = 0; i < 100000; i++) {
        std::vector<std::string> texts(random() % 5);
        for (std::string &text : texts) {
            text.resize(random() % 5);
            for (char &c : text) {
                c = letters[random() % letters.size()];
            }
        }
        std::vector<std::string_view> words{texts.begin(), texts.end()};
        read(i % 2 == 0 ? "l,n:,xx:" : "+x,nn", words);
    }
}

TEST_CASE("names are made absolute", "[shell]") {
    auto absolute = [](std::string_view directory, std::string_view name) {
        sel::Result<file::Path> path = file::absolute(directory, name);
        return path ? std::string{path->view()} : "no";
    };
    CHECK(absolute("/", "a") == "/a");
    CHECK(absolute("", "a/b") == "/a/b");
    CHECK(absolute("/a/b", "c") == "/a/b/c");
    CHECK(absolute("/a/b", "../c/./d//e/") == "/a/c/d/e");
    CHECK(absolute("/a/b", "/c/..") == "/");
    CHECK(absolute("/a", "../../../b") == "/b");
    CHECK(absolute("/a", ".") == "/a");
    CHECK(absolute("/a", "..a/...") == "/a/..a/...");
    CHECK(absolute("/a", "") == "no");
    CHECK(absolute("/", std::string(254, 'x')) == "/" + std::string(254, 'x'));
    CHECK(absolute("/", std::string(255, 'x')) == "no");
    CHECK(absolute("/a", "/" + std::string(254, 'x')) == "/" + std::string(254, 'x'));
}

TEST_CASE("a walk sees everything once, and tells when it leaves", "[shell]") {
    FakeSystem system;
    system.files = {{"/t", "/"},     {"/t/a", "/"},  {"/t/a/1", "x"}, {"/t/a/2", "x"},
                    {"/t/a/3", "x"}, {"/t/b", "xx"}, {"/t/c", "/"},   {"/t/c/d", "/"},
                    {"/t/c/e", ""},  {"/t/z", ""},   {"/u", "x"}};
    auto walk = [&](std::string_view top) {
        std::string out;
        Walk w{system, top};
        for (auto step = w.next(); step; step = w.next()) {
            out += std::to_string(step->depth) + (step->leaves ? "<" : " ") +
                   std::string{step->path} + "\n";
        }
        return out;
    };
    CHECK(walk("/t") == "0 /t/a\n1 /t/a/1\n1 /t/a/2\n1 /t/a/3\n0</t/a\n0 /t/b\n0 /t/c\n1 /t/c/d\n"
                        "1</t/c/d\n1 /t/c/e\n0</t/c\n0 /t/z\n");
    CHECK(walk("/").starts_with("0 /t\n1 /t/a\n2 /t/a/1\n"));
    CHECK(walk("/").ends_with("0</t\n0 /u\n"));
    CHECK(walk("/t/c/d") == "");
}
