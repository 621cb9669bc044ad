// Tests of who waits for the console, against a kernel of a few lines.
// SPDX-License-Identifier: BSD-2-Clause
#include "console.hpp"

#include <catch2/catch.hpp>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "libsel/test/fuzz.hpp"
#include "sel/host.hpp"

namespace {

// A chip whose transmitter is stuck until the test frees it.
struct Chip {
    std::deque<u8> arriving;
    std::size_t sent = 0;
    std::string text;
    bool free = false;
    bool there = true;
    u8 scratch = 0;
};

struct Ports {
    Chip *chip;
    u8 in(unsigned reg) {
        if (reg == 0) {
            u8 byte = chip->arriving.front();
            chip->arriving.pop_front();
            return byte;
        }
        if (reg == 7) {
            return chip->there ? chip->scratch : 0xff;
        }
        return static_cast<u8>((chip->arriving.empty() ? 0 : 1) | (chip->free ? 0x20 : 0));
    }
    void out(unsigned reg, u8 byte) {
        if (reg == 0) {
            chip->sent++;
            chip->text += static_cast<char>(byte);
        } else if (reg == 7) {
            chip->scratch = byte;
        }
    }
};

constexpr cptr_t kReplies = 100;

struct Answer {
    u64 reply;
    u32 error;
    u64 word;
    std::string text; // Of an Input, or of a Shown.
    u64 at = 0;       // Of that.
};

constexpr u32 kProgram = sel::Environment::kSystemPrograms + 1; // Started at run time.
constexpr u32 kShell = 9, kScreen = 3, kKeyboard = 2;

struct Fixture {
    Chip chip;
    std::vector<Answer> answers;
    std::set<cptr_t> gone; // Reply objects whose callers wait no more.
    sel::ReplySet replies{sel::Tcb{1}, {kReplies, 20}};
    std::unique_ptr<console::Console<Ports>> server =
        std::make_unique<console::Console<Ports>>(Ports{&chip});

    Fixture() {
        sel::host::kernel = [this](sel::Regs &r) {
            if (r.number != CALL_REPLY) {
                r.number = OK;
            } else if (sel::host::reply(r, gone)) {
                answers.push_back({r.cptr, r.label(), r.word[0], "", 0});
                stream::Input input;
                console::Shown shown;
                if (r.label() == OK && sel::load(r, shown)) {
                    answers.back().text = text_of(shown.data);
                    answers.back().at = shown.at;
                } else if (r.label() == OK && sel::load(r, input)) {
                    answers.back().text = text_of(input.data);
                }
            }
        };
        server->start();
    }
    static std::string text_of(const stream::Chunk &data) {
        return {reinterpret_cast<const char *>(data.byte), data.size};
    }
    ~Fixture() {
        server.reset();
        sel::host::kernel = nullptr;
    }

    template <typename Api = stream::Terminal, typename M>
    void send(u32 client, const M &m) {
        sel::Regs r{};
        sel::store(r, Api::template label<M>(), m);
        r.cptr = client;
        if (Api::dispatch(*server, r, replies)) {
            answers.push_back({0, r.label(), r.word[0], "", 0});
        } else {
            replies.settle();
        }
    }
    void read(u32 client) { send<stream::In>(client, stream::Read{}); }
    void write(u32 client, std::size_t bytes) { print(client, std::string(bytes, 'x')); }
    void print(u32 client, std::string_view text) {
        stream::Write m;
        m.data.assign({reinterpret_cast<const u8 *>(text.data()), text.size()});
        send(client, m);
    }
    void type(std::string_view text) {
        chip.arriving.insert(chip.arriving.end(), text.begin(), text.end());
        server->interrupted();
    }
    void show(u64 at, u32 client = kScreen, u64 life = 1) {
        console::Show m;
        m.life = life;
        m.at = at;
        m.columns = 100;
        m.rows = 40;
        send<console::Screen>(client, m);
    }
    void press(std::string_view text) {
        console::Type m;
        m.data.assign({reinterpret_cast<const u8 *>(text.data()), text.size()});
        send<console::Keyboard>(kKeyboard, m);
    }
    template <typename M>
    void control(const M &m, u32 client = kShell) {
        send<stream::Control>(client, m);
    }
    // The newest answer, which is the only one since the last look.
    Answer answer() {
        REQUIRE(answers.size() == 1);
        Answer last = answers.back();
        answers.clear();
        return last;
    }
    void nothing() { CHECK(answers.empty()); }
};

} // namespace

TEST_CASE_METHOD(Fixture, "writers wait while the ring is full, and go on in order", "[console]") {
    for (int i = 0; i < 100 && replies.waiting() == 0; i++) {
        write(1, stream::kChunk);
    }
    std::size_t before = answers.size();
    write(2, 10);
    CHECK(answers.size() == before);
    chip.free = true;
    for (int i = 0; i < 2000; i++) {
        server->interrupted();
    }
    REQUIRE(answers.size() == before + 2);
    CHECK(answers[before].reply != answers[before + 1].reply);
    CHECK(answers[before + 1].word == 10);
    std::size_t taken = 0;
    for (const Answer &answer : answers) {
        CHECK(answer.error == OK);
        taken += answer.word;
    }
    CHECK(chip.sent == taken + 1); // And the divisor, when it was started.
}

TEST_CASE_METHOD(Fixture, "only so many writers can wait", "[console]") {
    for (u32 i = 0; i < 40; i++) {
        write(i, stream::kChunk);
    }
    CHECK(answers.back().error == ERR_FULL);
    CHECK(replies.waiting() == console::Console<Ports>::kWriters);
}

TEST_CASE_METHOD(Fixture, "who has waited long enough for room is told to ask again", "[console]") {
    for (int i = 0; i < 20 && replies.waiting() == 0; i++) {
        write(1, stream::kChunk);
    }
    std::size_t before = answers.size();
    u64 begun = sel::host::time, due = server->deadline();
    CHECK(due == begun + sel::milliseconds(stream::kRoomMs));
    sel::host::time = due - 1;
    write(2, 10);
    server->on_timeout();
    CHECK(answers.size() == before);
    sel::host::time = due;
    server->on_timeout();
    REQUIRE(answers.size() == before + 1);
    CHECK(answers[before].error == ERR_BUSY);
    CHECK(server->deadline() == due - 1 + sel::milliseconds(stream::kRoomMs));
    chip.free = true;
    for (int i = 0; i < 100; i++) {
        server->interrupted();
    }
    REQUIRE(answers.size() == before + 2);
    CHECK(answers[before + 1].word == 10);
    CHECK(server->deadline() == sel::kForever);
    sel::host::time = 0;
}

TEST_CASE("text is printed as long as the console asks for it, and no longer than is allowed",
          "[console]") {
    u32 busy = 3;
    std::string printed;
    sel::host::time = 0;
    sel::host::kernel = [&](sel::Regs &r) {
        sel::host::time += 10;
        stream::Write m;
        REQUIRE(sel::load(r, m));
        r.number = OK;
        if (busy != 0) {
            busy--;
            sel::store_error(r, ERR_BUSY);
            return;
        }
        printed.append(reinterpret_cast<const char *>(m.data.byte), m.data.size);
        sel::store(r, OK, m.data.size);
    };
    sel::Client<stream::Terminal> client{1};
    CHECK(stream::put_all(client, "hello").ok());
    CHECK(printed == "hello");
    busy = 3;
    CHECK(stream::put_all(client, "hello", 30).error() == ERR_BUSY);
    CHECK(busy == 0);
    busy = 3;
    CHECK(stream::put_all(client, "hello", 31).ok());
    sel::host::kernel = nullptr;
    sel::host::time = 0;
}

TEST_CASE_METHOD(Fixture, "one client waits for input", "[console]") {
    read(1);
    read(2);
    REQUIRE(answers.size() == 1);
    CHECK(answers[0].error == ERR_BUSY);
    read(1); // It was restarted: its first request is dropped.
    REQUIRE(answers.size() == 2);
    CHECK(answers[1].error == ERR_GONE);
    chip.arriving = {'h', 'i'};
    server->interrupted();
    REQUIRE(answers.size() == 3);
    CHECK(answers[2].error == OK);
    CHECK((answers[2].word & 0xffffffff) == 2); // Bytes.
    chip.arriving = {'!'};
    server->interrupted();
    read(2);
    REQUIRE(answers.size() == 4);
    CHECK(answers[3].error == OK);
}

TEST_CASE_METHOD(Fixture, "what a reader that gave up was to get goes to the next one",
                 "[console]") {
    read(1);
    gone = {kReplies};
    chip.arriving = {'h', 'i'};
    server->interrupted();
    CHECK(answers.empty());
    gone = {};
    read(2); // Of another program, too: the first one does not wait any more.
    REQUIRE(answers.size() == 1);
    CHECK(answers[0].error == OK);
    CHECK((answers[0].word & 0xffffffff) == 2);
}

TEST_CASE_METHOD(Fixture, "one client does not take all places, and who gave up has none",
                 "[console]") {
    using Console = console::Console<Ports>;
    while (answers.empty() || replies.waiting() == 0) {
        write(1, stream::kChunk);
    }
    answers.clear();
    for (u32 i = 1; i < Console::kPerClient; i++) {
        write(1, 1);
    }
    CHECK(answers.empty());
    write(1, 1);
    REQUIRE(answers.size() == 1);
    CHECK(answers[0].error == ERR_FULL);
    write(2, 1);
    CHECK(replies.waiting() == Console::kPerClient + 1);

    for (u32 i = 0; i < Console::kPerClient; i++) {
        gone.insert(kReplies + i);
    }
    std::size_t sent = chip.sent;
    write(1, 1);
    CHECK(answers.size() == 1);
    CHECK(replies.waiting() == 2);
    answers.clear();
    chip.free = true;
    for (int i = 0; i < 2000; i++) {
        server->interrupted();
    }
    CHECK(answers.size() == 2);
    CHECK(replies.waiting() == 0);
    CHECK(chip.sent > sent);
}

TEST_CASE_METHOD(Fixture, "while the terminal is lent, its reader alone reads", "[console]") {
    read(kProgram);
    type("secret");
    nothing(); // A program behind the prompt gets nothing,
    read(kShell);
    CHECK(answer().text == "secret"); // the shell does.

    control(stream::Lend{.job = 1});
    read(kProgram + 1);
    type("one\r");
    nothing();
    control(stream::SetReader{.job = 1, .client = kProgram});
    CHECK(answers.size() == 2);
    CHECK(answers[0].text == "one\n"); // The program's line ends,
    answers.clear();
    read(kProgram);
    type("two\x04three");
    CHECK(answer().text == "two");
    read(kProgram);
    CHECK(answer().text.empty()); // and ^D is the end.
    control(stream::SetReader{.job = 1, .client = kProgram + 1});
    CHECK(answers.size() == 2);
    CHECK(answers[0].text == "three");
    answers.clear();

    // The reader of a job has ended: its number is nobody's.
    server->on_ended(kProgram + 1);
    read(kProgram + 1);
    type("x");
    nothing();
    control(stream::TakeBack{.job = 1});
    CHECK(answers.size() == 2); // The loan, and TakeBack.
    CHECK(answers[0].word == static_cast<u64>(stream::Signal::NONE));
    answers.clear();
    read(kShell);
    CHECK(answer().text == "x");
}

TEST_CASE_METHOD(Fixture, "^C and ^Z go to who has lent the terminal, with what was typed before",
                 "[console]") {
    control(stream::Lend{.job = 1});
    type("typed ahead\x03"
         "later");
    CHECK(answer().word == static_cast<u64>(stream::Signal::INTERRUPT));
    control(stream::Lend{.job = 1});
    nothing();
    type("\x1a");
    CHECK(answer().word == static_cast<u64>(stream::Signal::STOP));
    type("\x03"); // Nobody waits for it just now,
    nothing();
    control(stream::Lend{.job = 1}); // but it is not lost.
    CHECK(answer().word == static_cast<u64>(stream::Signal::INTERRUPT));
    read(kShell);
    nothing();
    type("a\x03");
    CHECK(answer().text == "a\x03"); // At its prompt it is a key of the shell's.
}

TEST_CASE_METHOD(Fixture, "a loan ends whichever comes first, its end or itself", "[console]") {
    control(stream::TakeBack{.job = 3});
    CHECK(answer().error == OK);
    control(stream::Lend{.job = 3}); // It was on its way.
    CHECK(answer().word == static_cast<u64>(stream::Signal::NONE));
    control(stream::Lend{.job = 4});
    control(stream::TakeBack{.job = 3}); // Of an older one.
    CHECK(answer().error == OK);
    read(kShell); // Whoever reads has not lent it.
    CHECK(answer().word == static_cast<u64>(stream::Signal::NONE));
    control(stream::Lend{.job = 5});
    CHECK(answer().word == static_cast<u64>(stream::Signal::NONE));
    type("x");
    CHECK(answer().text == "x");
    control(stream::Lend{.job = 6});
    control(stream::Lend{.job = 1}, kShell + 1);
    CHECK(answer().error == ERR_BUSY);
    control(stream::SetReader{.job = 6, .client = kProgram}, kShell + 1);
    CHECK(answer().error == ERR_BUSY);
    control(stream::TakeBack{.job = 6}, kShell + 1);
    CHECK(answer().error == ERR_BUSY);
    server->on_ended(kShell);
    answers.clear();
    control(stream::Lend{.job = 1}, kShell + 1); // It counts its own jobs.
    nothing();
}

TEST_CASE_METHOD(Fixture, "only the terminal commands the screen", "[console]") {
    chip.free = true;
    std::size_t before = chip.text.size();
    auto shown = [&](u32 client, std::string_view text) {
        before = chip.text.size();
        print(client, text);
        return chip.text.substr(before);
    };
    CHECK(shown(1, "a\x1b[2J\x9b\x80\tb\b\a\r\n") == "a?[2J??\tb\b\a\r\r\n");
    CHECK(shown(kProgram, "a\x1b[2J\tb\b\a\r\n") == "a?[2J\tb???\r\n");
    CHECK(shown(kProgram, "\xc3\xa4\xc2\x9b") == "\xc3\xa4?");
    // A character is not parted; the rest of it is sent again.
    answers.clear();
    CHECK(shown(kProgram, "a\xe2\x82") == "a");
    CHECK(answer().word == 1);
    CHECK(shown(kProgram, "\xe2\x82\xac") == "\xe2\x82\xac");
    CHECK(answer().word == 3);
    CHECK(shown(kProgram, "\xe2\x82") == "??");
    CHECK(answer().word == 2);
    before = chip.text.size();
    control(stream::Clear{});
    CHECK(chip.text.substr(before) == "\x1b[H\x1b[2J");
}

TEST_CASE_METHOD(Fixture, "styles are colours, of which text has none", "[console]") {
    chip.free = true;
    std::size_t before = chip.text.size();
    control(stream::Styled{.style = stream::Style::Error, .data = "error: \x1b[0m\xc3\xa4"});
    control(stream::Styled{.style = stream::Style::Directory, .data = "bin/"});
    server->interrupted(); // There is room for the rest.
    CHECK(chip.text.substr(before) == "\x1b[91merror: ?[0m\xc3\xa4\x1b[39m\x1b[94mbin/\x1b[39m");
    answers.clear();
    control(stream::Styled{.style = stream::Style{3}, .data = "x"});
    CHECK(answer().error == ERR_PROTOCOL);
    answers.clear();
    chip.free = false;
    while (replies.waiting() == 0) { // Nobody is overtaken.
        write(kProgram, stream::kChunk);
    }
    answers.clear();
    control(stream::Styled{.style = stream::Style::Error, .data = "x"});
    CHECK(answer().error == ERR_BUSY);
}

TEST_CASE_METHOD(Fixture, "the prompt has a mark, and comes behind what was written before",
                 "[console]") {
    print(kShell, "written");
    std::size_t before = chip.text.size();
    while (replies.waiting() == 0) {
        write(kProgram, stream::kChunk);
    }
    answers.clear();
    control(stream::Prompt{.data = "trust> \x1b[2J"});
    CHECK(answer().error == OK);
    chip.free = true;
    for (int i = 0; i < 2000; i++) {
        server->interrupted();
    }
    std::string shown = chip.text.substr(before);
    CHECK(shown.starts_with("written"));
    std::string mark = "\x1b[1mtrust> ?[2J\x1b[22m";
    std::size_t at = shown.find(mark);
    REQUIRE(at != shown.npos);
    CHECK(shown.find(mark, at + 1) == shown.npos);
    CHECK(shown.ends_with("x")); // Who waited comes behind it.
}

TEST_CASE_METHOD(Fixture, "a question is the terminal's, and its answer was typed for it",
                 "[console]") {
    auto ask = [&](std::string_view who) { control(stream::Ask{.what = "timer", .data = who}); };
    control(stream::Lend{.job = 1});
    control(stream::SetReader{.job = 1, .client = kProgram});
    print(kProgram, "before"); // The transmitter is stuck: it waits in the ring.
    answers.clear();
    ask("/fat/x\x1b[7m\n");
    type("y"); // Before the question is there.
    nothing();
    std::size_t before = chip.text.size();
    chip.free = true;
    for (int i = 0; i < 100; i++) {
        server->interrupted();
    }
    CHECK(chip.text.substr(before) ==
          "before\r\n\x1b[7m[?]\x1b[0m /fat/x?[7m? asks for timer. May it have that, this once? "
          "(y/n) ");
    nothing();
    before = chip.text.size();
    print(kProgram, "written meanwhile");
    read(kProgram);
    ask("/fat/other");
    CHECK(answer().error == ERR_BUSY);
    CHECK(chip.text.size() == before);
    SECTION("yes") {
        type("y\r");
        server->interrupted();
        REQUIRE(answers.size() >= 2);
        CHECK(answers[0].word == 1);
        CHECK(chip.text.substr(before) == "yes\r\nwritten meanwhile");
        CHECK(answers.size() == 2); // The rest of what was typed is nobody's: not the program's.
    }
    SECTION("anything else is no, ^C too") {
        type("\x03");
        CHECK(answers[0].word == 0);
        CHECK(answers.size() == 2); // The job goes on.
    }
    SECTION("nobody is there") {
        sel::host::time = server->deadline(); // Who writes asks again, then
        server->on_timeout();
        CHECK(answer().error == ERR_BUSY);
        CHECK(server->deadline() == sel::milliseconds(stream::kAskMs));
        sel::host::time = server->deadline();
        server->on_timeout();
        CHECK(answer().word == 0);
        CHECK(chip.text.substr(before) == "no\r\n");
        sel::host::time = 0;
    }
    SECTION("who asked has ended") {
        server->on_ended(kShell);
        answers.clear();
        type("y");
        nothing();
        ask("/fat/other");
        nothing();
    }
}

TEST_CASE_METHOD(Fixture, "only so many readers can wait", "[console]") {
    control(stream::Lend{.job = 1});
    for (u32 i = 0; i < console::Console<Ports>::kReaders; i++) {
        read(kProgram + i);
    }
    nothing();
    read(kProgram + 50);
    CHECK(answer().error == ERR_FULL);
    gone.insert(kReplies + 1);
    read(kProgram + 50);
    nothing();
}

TEST_CASE_METHOD(Fixture, "random messages, random answers", "[console]") {
    chip.free = true;
    sel::fuzz::server<stream::Terminal>(*server);
    sel::fuzz::server<stream::Out>(*server);
    sel::fuzz::server<stream::In>(*server);
    sel::fuzz::server<stream::Control>(*server);
    sel::fuzz::server<console::Screen>(*server);
    sel::fuzz::server<console::Keyboard>(*server);
    sel::fuzz::clients<stream::Terminal>();
    sel::fuzz::clients<stream::Out>();
    sel::fuzz::clients<stream::In>();
    sel::fuzz::clients<stream::Control>();
    sel::fuzz::clients<console::Screen>();
    sel::fuzz::clients<console::Keyboard>();
}

TEST_CASE("a console that lies cannot make a client print what is not its own", "[console]") {
    u32 calls = 0;
    sel::Result<> done;
    auto with = [&](u64 taken) {
        calls = 0;
        sel::host::kernel = [&](sel::Regs &r) {
            calls++;
            r.number = OK;
            r.info = 1;
            r.word[0] = taken;
        };
        done = stream::put_all(sel::Client<stream::Terminal>{1}, "hello");
        sel::host::kernel = nullptr;
        return calls;
    };
    CHECK(with(5) == 1);
    CHECK(done.ok());
    CHECK(with(1) == 5);
    CHECK(with(0) == 1);
    CHECK(done.error() == ERR_PROTOCOL);
    CHECK(with(6) == 1);
    CHECK(with(0xffffffff) == 1);
    CHECK(done.error() == ERR_PROTOCOL);
}

TEST_CASE_METHOD(Fixture, "a screen gets what is shown, from where it is", "[console]") {
    show(0);
    nothing();
    print(1, "one\n");
    REQUIRE(answers.size() == 2); // Of the screen, and of who writes.
    CHECK(answers[0].text == "one\n");
    answers.clear();
    show(4);
    nothing();
    control(stream::Prompt{{}, "> "});
    CHECK(answers[0].text == "\x1b[1m> \x1b[22m");
    answers.clear();
    control(stream::Clear{});
    answers.clear();
    show(4 + 11);
    CHECK(answer().text == "\x1b[H\x1b[2J");
    show(0); // It has started anew.
    CHECK(answer().text.substr(0, 4) == "one\n");
}

TEST_CASE_METHOD(Fixture, "a screen of another life of the console begins again", "[console]") {
    print(1, "words");
    answers.clear();
    show(1000, kScreen, 77);
    Answer first = answer();
    CHECK(first.text == "words");
    CHECK(first.at == 0);
}

TEST_CASE_METHOD(Fixture, "a screen that is slow misses lines, and nobody waits for it",
                 "[console]") {
    chip.there = false; // So all can be written.
    server->start();
    show(0);
    std::string written;
    for (int i = 0; i < 2000; i++) {
        std::string line = "line " + std::to_string(i) + "\n";
        print(1, line);
        written += line;
    }
    CHECK(answers.size() == 2001);
    CHECK(answers[0].text == "line 0\n");
    answers.clear();
    std::string seen;
    u64 first = 0;
    for (u64 at = 7; at < written.size(); at += answers.back().text.size()) {
        show(at);
        REQUIRE(!answers.empty());
        CHECK(!answers.back().text.empty());
        first = seen.empty() ? answers.back().at : first;
        at = answers.back().at;
        seen += answers.back().text;
    }
    CHECK(first >= written.size() - console::Line<Ports>::kKept);
    CHECK(seen == written.substr(first));
    CHECK(seen.substr(0, 5) == "line ");
}

TEST_CASE_METHOD(Fixture, "one screen asks at a time; one that ends makes room", "[console]") {
    show(0);
    show(0, 4);
    CHECK(answer().error == ERR_BUSY);
    server->on_ended(kScreen);
    answers.clear(); // To who is gone.
    show(0, 4);
    nothing();
    print(1, "x");
    CHECK(answers[0].text == "x");
}

TEST_CASE_METHOD(Fixture, "what a keyboard types is read like that of the line", "[console]") {
    read(kShell);
    press("ls\r");
    REQUIRE(answers.size() == 2);
    CHECK(answers[0].text == "ls\r");
    CHECK(answers[1].word == 3);
    answers.clear();
    control(stream::Lend{.job = 1});
    press("\x03");
    REQUIRE(answers.size() == 2);
    CHECK(answers[0].word == static_cast<u64>(stream::Signal::INTERRUPT));
    answers.clear();
    for (int i = 0; i < 10; i++) {
        press(std::string(stream::kChunk, 'k'));
    }
    CHECK(answers[3].word == stream::kChunk);
    CHECK(answers.back().word == 0); // Full; nothing is lost that was taken.
}

TEST_CASE_METHOD(Fixture, "the size is that of the screen, if there is no serial line",
                 "[console]") {
    send(1, stream::GetSize{});
    CHECK(answer().word == 0);
    chip.there = false;
    server->start();
    show(0);
    send(1, stream::GetSize{});
    CHECK(answer().word == (100 | u64{40} << 32));
    server->on_ended(kScreen);
    answers.clear();
    send(1, stream::GetSize{});
    CHECK(answer().word == 0);
}
