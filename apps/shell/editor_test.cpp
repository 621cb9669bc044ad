// Tests of the line editor: what the line becomes, and what a terminal shows.
// SPDX-License-Identifier: BSD-2-Clause
#include "editor.hpp"

#include <catch2/catch.hpp>
#include <memory>
#include <random>
#include <string>

using namespace shell;

namespace {

// A terminal one line high: text, backspace, line end.
struct Screen final : Output {
    std::u32string cells;
    std::size_t column = 0;
    int bells = 0;
    std::string shown; // Of lines that were left.

    void write(std::string_view text) override {
        for (std::size_t i = 0; i < text.size(); i++) {
            u8 byte = static_cast<u8>(text[i]);
            if (byte == '\a') {
                bells++;
            } else if (byte == '\b') {
                REQUIRE(column > 0);
                column--;
            } else if (byte == '\n') {
                shown += view() + "\n";
                cells.clear();
                column = 0;
            } else if ((byte & 0xc0) == 0x80) {
                cells[column - 1] = cells[column - 1] << 6 | (byte & 0x3f);
            } else if (byte >= ' ') {
                cells.resize(std::max(cells.size(), column + 1), U' ');
                cells[column++] = byte >= 0xc0 ? byte & 0x1f : byte;
            }
        }
    }
    std::string view() const {
        std::string out;
        for (char32_t c : cells) {
            if (c >= 0x80) {
                out += static_cast<char>(0xc0 | c >> 6);
                out += static_cast<char>(0x80 | (c & 0x3f));
            } else {
                out += static_cast<char>(c);
            }
        }
        out.erase(out.find_last_not_of(' ') + 1);
        return out;
    }
};

struct Words final : Completer {
    void complete(std::string_view before, Candidates &candidates) override {
        LastWord last = last_word(before);
        candidates.begin(last.start, before.substr(last.start));
        for (const char *name : {"cat", "caps", "help", "/etc/"}) {
            candidates.offer(name);
        }
    }
};

struct Fixture {
    Words words;
    std::unique_ptr<LineEditor> editor = std::make_unique<LineEditor>("> ", words);
    Screen screen;

    Fixture() { editor->begin(screen); }
    std::string type(std::string_view keys) {
        for (char key : keys) {
            editor->type(static_cast<u8>(key), screen);
        }
        return std::string{editor->line()};
    }
    // Types a whole line; begins the next one.
    std::string enter(std::string_view keys) {
        std::string line = type(keys);
        REQUIRE(editor->type('\r', screen) == LineEditor::Event::Line);
        editor->begin(screen);
        return line;
    }
};

const char *const kLeft = "\x1b[D";
const char *const kUp = "\x1b[A";
const char *const kDown = "\x1b[B";

} // namespace

TEST_CASE_METHOD(Fixture, "typing, moving and erasing", "[shell]") {
    CHECK(type("helo") == "helo");
    CHECK(type(kLeft) == "helo");
    CHECK(type("l") == "hello");
    CHECK(type("\x01>\x05<") == ">hello<");
    CHECK(type("\x7f\b") == ">hell");
    CHECK(type("\x1b[H\x1b[3~") == "hell");
    CHECK(type("\x1b[F o w\x17") == "hell o ");
    CHECK(type("\x17") == "hell ");
    CHECK(type("\x02\x02\x0b") == "hel");
    CHECK(type("\x02\x15") == "l");
    CHECK(screen.view() == "> l");
    CHECK(type("\x1b[1~\x1b[4~\x1bOH\x1bOF\x1b[5~\x1bx!") == "l!");
    CHECK(screen.view() == "> l!");
}

TEST_CASE_METHOD(Fixture, "letters of two bytes are one letter", "[shell]") {
    CHECK(type("h\xc3\xa9"
               "e") == "h\xc3\xa9"
                       "e");
    CHECK(type("\x02\x02\x7f") == "\xc3\xa9"
                                  "e");
    CHECK(type("\x1b[3~") == "e");
    CHECK(screen.view() == "> e");
}

TEST_CASE_METHOD(Fixture, "history goes back and forth and keeps the draft", "[shell]") {
    enter("one");
    enter("");
    enter("two");
    enter("two");
    CHECK(editor->history().size() == 2);
    CHECK(type("draft") == "draft");
    CHECK(type(kUp) == "two");
    CHECK(type(kUp) == "one");
    CHECK(type(kUp) == "one");
    CHECK(type("\x0e") == "two");
    CHECK(type(kDown) == "draft");
    CHECK(type(kDown) == "draft");
    CHECK(screen.view() == "> draft");
    for (u32 i = 0; i < 3 * History::kLines; i++) {
        enter("\x15line " + std::to_string(i));
    }
    CHECK(editor->history().size() == History::kLines);
    CHECK(editor->history().line(0) == "line 191");
    CHECK(editor->history().line(History::kLines - 1) == "line 128");
}

TEST_CASE_METHOD(Fixture, "completion", "[shell]") {
    CHECK(type("h\t") == "help ");
    CHECK(type("/\t") == "help /etc/");
    CHECK(type("\x15"
               "c\t") == "ca");
    CHECK(type("\t") == "ca");
    CHECK(screen.shown == "> ca\ncat  caps\n");
    CHECK(screen.view() == "> ca");
    CHECK(type("t\t") == "cat ");
    CHECK(type("zzz\t") == "cat zzz");
}

TEST_CASE_METHOD(Fixture, "lines that cannot be run", "[shell]") {
    type(std::string(1024, 'x'));
    CHECK(editor->problem().size == 0);
    type(std::string(64 * 1024, 'y'));
    CHECK(editor->line().size() == 1024);
    CHECK(editor->problem() == "the line is longer than 1024 bytes");
    enter("");
    CHECK(editor->history().size() == 0);
    CHECK(editor->problem().size == 0);
    CHECK(editor->type('\x03', screen) == LineEditor::Event::Dropped);
    CHECK(editor->line() == "");
    editor->begin(screen);
    type("a\xff");
    CHECK(editor->problem() == "byte 0xff in column 2 is not text");
}

TEST_CASE_METHOD(Fixture, "keys that mean nothing do not enter the line", "[shell]") {
    for (int key = 1; key < ' '; key++) {
        std::string_view bound = "\x01\x02\x03\x04\x05\x06\b\t\n\x0b\x0c\r\x0e\x10\x12\x15\x17\x1b";
        if (bound.find(static_cast<char>(key)) == bound.npos) {
            screen.bells = 0;
            CHECK(type({reinterpret_cast<const char *>(&key), 1}) == "");
            CHECK(screen.bells == 1);
        }
    }
    CHECK(type("a\x07\x1c\x1f\x1a"
               "b") == "ab");
    CHECK(editor->problem().size == 0);
    CHECK(screen.view() == "> ab");
}

TEST_CASE_METHOD(Fixture, "the history is searched", "[shell]") {
    for (const char *line : {"echo one", "cat two", "echo three", "caf\xc3\xa9"}) {
        enter(line);
    }
    CHECK(type("draft\x12") == "search '': ");
    CHECK(type("ec") == "search 'ec': echo three");
    CHECK(screen.view() == "> search 'ec': echo three");
    CHECK(type("\x12") == "search 'ec': echo one");
    screen.bells = 0;
    CHECK(type("\x12") == "search 'ec': echo one"); // No more.
    CHECK(screen.bells == 1);
    CHECK(type("\x7f\x7f") == "search '': ");
    CHECK(type("\xc3\xa9\x7f"
               "f\xc3\xa9") == "search 'f\xc3\xa9': caf\xc3\xa9");
    CHECK(type("\x07") == "draft");
    CHECK(screen.view() == "> draft");
    CHECK(type("\x12two\x01>") == ">cat two"); // Any other key goes on with what was found.
    CHECK(type("\x15\x12three\x1b[D!") == "echo thre!e");
    CHECK(type(kUp) == "cat two");       // The line before that one.
    CHECK(type("\x15\x12Zq\x05") == ""); // Nothing found: as before.
    CHECK(editor->line() == "");
    CHECK(enter("\x12one") != "");
    CHECK(editor->history().line(0) == "echo one");
    type("\x12" + std::string(300, 'x'));
    CHECK(screen.view().size() < 120);
}

TEST_CASE_METHOD(Fixture, "CR, LF and CR LF each end one line", "[shell]") {
    int lines = 0;
    for (char key : std::string_view{"a\rb\nc\r\nd\n\n"}) {
        if (editor->type(static_cast<u8>(key), screen) == LineEditor::Event::Line) {
            lines++;
            editor->begin(screen);
        }
    }
    CHECK(lines == 5);
}

TEST_CASE_METHOD(Fixture, "the screen always shows the line", "[shell]") {
    std::mt19937 random{11};
    const char *const keys[] = {"a",    "b ",   "\xc3\xa9", kLeft,  "\x1b[C", "\x7f", "\x04",
                                "\x17", "\x01", "\x05",     "\x0b", "\x15",   kUp,    kDown,
                                "h\t",  "\x12", "\x07",     "\x1b", "\x1f"};
    for (int i = 0; i < 20000; i++) {
        type(keys[random() % std::size(keys)]);
        std::string line{editor->line()};
        line.erase(line.find_last_not_of(' ') + 1);
        REQUIRE(screen.view() == (line.empty() ? ">" : "> " + line));
        if (random() % 40 == 0 || editor->line().size() > 200) {
            enter("");
        }
    }
}
