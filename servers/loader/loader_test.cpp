// Loader: what a program is given, and that nothing stays of one that is refused or has ended.
// SPDX-License-Identifier: BSD-2-Clause
#include "loader.hpp"

#include <catch2/catch.hpp>

#include <map>
#include <set>
#include <string>

#include "libsel/test/fuzz.hpp"
#include "libsel/test/make_elf.hpp"

using namespace loader;

namespace {

constexpr Offer kOffers[] = {{"stream.Out", 10, true, 20},
                             {"stream.In", 11, true, 21},
                             {"file", 12, false, 0, true},
                             {"timer", 13, false},
                             {"loader", 14, false}};
constexpr u64 kWindow = 0x10000000;
constexpr u32 kFirst = sel::Environment::kSystemPrograms + 1;

struct Want {
    const char *word;
    bool own = false, give = false;
    u64 region = 0; // Bytes: it is one.
};

// A file of a program that asks for these.
sel::test::Bytes program(const std::vector<Want> &wants, u64 memory = 192 << 10, u8 flags = 0,
                         u8 priority = 50) {
    constexpr std::size_t kAt = 0x1000;
    sel::ManifestHead h{};
    h.version = sel::kManifestVersion;
    h.stack = 16384;
    std::strcpy(h.name, "hello");
    std::strcpy(h.about, "Says hello.");
    h.memory = memory;
    h.budget_us = 500;
    h.period_us = 100'000;
    h.slots = static_cast<u16>(5 + 2 * wants.size());
    h.replies = 1;
    h.needs = static_cast<u16>(wants.size());
    h.priority = priority;
    h.flags = flags;
    sel::test::Bytes b = sel::test::make_elf({sel::test::kText, sel::test::kData});
    constexpr std::size_t kNote = sel::test::kElfHeader + 2 * sel::test::kElfProgram;
    u32 bytes = static_cast<u32>(sizeof h + wants.size() * sizeof(sel::ManifestNeed));
    sel::test::put<u16>(b, 56, 3);
    sel::test::put<u32>(b, kNote, 4);
    sel::test::put<u64>(b, kNote + 8, kAt);
    sel::test::put<u64>(b, kNote + 32, 20 + u64{bytes});
    sel::test::put<u32>(b, kAt, 8);
    sel::test::put<u32>(b, kAt + 4, bytes);
    sel::test::put<u32>(b, kAt + 8, sel::kManifestNote);
    std::memcpy(b.data() + kAt + 12, "TRustOs", 8);
    sel::test::put(b, kAt + 20, h);
    for (std::size_t i = 0; i < wants.size(); i++) {
        sel::ManifestNeed n{};
        std::strcpy(n.name, "need");
        std::strcpy(n.word, wants[i].word);
        n.slot = static_cast<u16>(5 + 2 * i);
        n.slots = wants[i].region != 0 ? 2 : 1;
        n.value[1] = wants[i].region;
        n.value[2] = wants[i].region != 0 ? kWindow : 0;
        n.own = wants[i].own;
        n.give = wants[i].give;
        sel::test::put(b, kAt + 20 + sizeof h + i * sizeof n, n);
    }
    return b;
}

// What the loader acts through; `refuses`: the step that does not work.
struct World {
    std::map<std::string, sel::test::Bytes, std::less<>> files;
    std::string refuses;
    std::set<u32> made, numbers; // Places, programs.
    std::map<u32, root::Admit> given;
    std::map<u32, std::string> bound;
    std::vector<std::string> notes;
    u32 next = kFirst;

    sel::Result<> step(std::string_view name) {
        return refuses == name ? sel::Result<>{ERR_FULL} : sel::Result<>{};
    }

    sel::Result<std::span<const u8>> read(std::string_view path) {
        auto found = files.find(path);
        return found != files.end() ? sel::Result{std::span<const u8>{found->second}} : ERR_NAME;
    }
    sel::Result<> make(u32 place, const sel::Elf &, const sel::Manifest &, std::string_view) {
        REQUIRE(made.insert(place).second);
        return step("make");
    }
    sel::Result<root::Admitted> admit(u32, const root::Admit &m) {
        if (refuses == "admit") {
            return ERR_FULL;
        }
        numbers.insert(next);
        given[next] = m;
        return root::Admitted{next++, 1};
    }
    sel::Result<> bind(u32 number, std::string_view path, bool read_only) {
        bound[number] = std::string{path} + (read_only ? " ro" : "");
        return step("bind");
    }
    std::vector<std::string> connected, stopped;
    sel::Result<> connect(const piping::Bind &m) {
        connected.push_back(std::to_string(m.maker) + ": " + std::to_string(m.pipe) + " " +
                            std::to_string(m.client) +
                            (m.end == piping::End::READER ? " reads" : " writes"));
        return step("connect");
    }
    sel::Result<> stop(u32 number, bool stop) {
        stopped.push_back(std::to_string(number) + (stop ? " stops" : " goes on"));
        return step("stop");
    }
    sel::Result<> run(u32, const root::Admitted &) { return step("run"); }
    sel::Result<> end(u32 place) {
        made.erase(place);
        return step("end");
    }
    sel::Result<s32> drop(u32 number) {
        REQUIRE(numbers.erase(number) == 1);
        return 7;
    }
    template <typename... Ts>
    void note(std::string_view pattern, const Ts &...) {
        notes.emplace_back(pattern);
    }
};

constexpr cptr_t kReplies = 20;
constexpr u32 kReplyCount = 12;

// The server, and the kernel as far as it answers.
struct Machine {
    World world;
    Loader<World> loader{world, kOffers};
    sel::ReplySet replies{sel::Tcb{1}, {kReplies, kReplyCount}};
    sel::EndedClients ended;
    std::vector<sel::Regs> answers;
    u32 client = 7;

    Machine() {
        sel::host::kernel = [this](sel::Regs &r) {
            if (r.number == CALL_REPLY) {
                answers.push_back(r);
                r.number = OK;
            } else if (r.number == CALL_CALL) {
                std::size_t before = answers.size();
                r.cptr = client;
                bool now = sel::handle<Api>(loader, r, replies, ended);
                if (!now && answers.size() > before) {
                    r = answers.back();
                }
                r.number = now || answers.size() > before ? OK : ERR_TIMEOUT;
            } else {
                r.number = OK;
            }
        };
        world.files["/hello"] = program({{"stream.Out"}});
    }
    ~Machine() { sel::host::kernel = nullptr; }

    template <typename M>
    auto call(const M &m) {
        return sel::Client<Api>{5}.call(m);
    }
    sel::Result<Started> start(std::string_view path, std::string_view give = {}, u32 in = 0,
                               u32 out = 0) {
        return call(Start{.in = in, .out = out, .path = path, .give = give, .data = "a b"});
    }
    // Why nothing was started.
    std::string why(std::string_view path, std::string_view give = {}, u32 in = 0, u32 out = 0) {
        sel::Result<Started> started = start(path, give, in, out);
        REQUIRE(started.ok());
        CHECK((started->number == 0) == (started->data.size != 0));
        CHECK(world.made.size() == world.numbers.size());
        return std::string{started->data.view()};
    }
};

} // namespace

TEST_CASE("a program gets its terminal, and nothing else") {
    Machine m;
    u32 number = m.start("/hello").value().number;
    CHECK(number == kFirst);
    const root::Admit &given = m.world.given[number];
    CHECK(given.count == 1);
    CHECK(given.entry[0].slot == 5);
    CHECK(given.entry[0].own == 10);
    CHECK(given.priority == 50);
    CHECK(given.data == "hello");
    CHECK(m.world.bound.empty());
    m.world.files["/two"] = program({{"stream.Out"}, {"stream.In"}});
    CHECK(m.world.given[m.start("/two").value().number].entry[1].own == 11);
}

TEST_CASE("what else it asks for must be said, and what is said must be asked for") {
    Machine m;
    m.world.files["/cat"] = program({{"stream.Out"}, {"file"}, {"timer"}});
    m.world.files["/code"] = program({{"untyped", true}, {"slots", true}});
    m.world.files["/thread"] = program({{"thread", true}});
    m.world.files["/root"] = program({{"root.Control"}});
    m.world.files["/send"] = program({{"timer", false, true}});
    CHECK(m.why("/cat") == "asks for file: --give file:/PATH");
    CHECK(m.start("/cat").value().missing == ""); // It needs a path.
    CHECK(m.why("/cat", "file:/disk") == "asks for timer: --give timer");
    CHECK(m.start("/cat", "file:/disk").value().missing == "timer");
    CHECK(m.start("/code").value().missing == "code");
    CHECK(m.start("/thread").value().missing == "");
    CHECK(m.why("/cat", "file:/disk timer") == "");
    CHECK(m.world.bound[kFirst] == "/disk");
    CHECK(m.world.given[kFirst].count == 3);
    CHECK(m.why("/cat", " file:/disk/a:ro  timer ") == "");
    CHECK(m.world.bound[kFirst + 1] == "/disk/a ro");
    CHECK(m.why("/cat", "timer file:/:rw") == "");
    CHECK(m.world.bound[kFirst + 2] == "/");
    CHECK(m.why("/hello", "timer") == "does not ask for timer");
    CHECK(m.why("/hello", "code") == "does not ask for code");
    CHECK(m.why("/code") == "asks for memory to make objects of: --give code");
    CHECK(m.why("/code", "code") == "");
    CHECK(m.why("/thread") == "asks for thread, which a program from a file cannot get");
    CHECK(m.why("/root", "root.Control") ==
          "asks for root.Control, which is not there to be given");
    CHECK(m.why("/send", "timer") == "asks for timer+give, which is not there to be given");
    for (const char *wrong :
         {"file", "file:disk", "timer:/x", "timer timer", "file:/a file:/b", ":"}) {
        CHECK(m.why("/cat", wrong).starts_with("cannot be given "));
    }
    CHECK(m.why("/cat", "a b c d e f g h i") == "is given more than 8 things");
}

TEST_CASE("a region, and who may send its token along") {
    Machine m;
    m.world.files["/plain"] = program({{"file"}});
    m.world.files["/lends"] = program({{"file", false, true}, {"region", true, false, 65536}});
    m.world.files["/two"] = program({{"region", true, false, 4096}, {"region", true, false, 4096}});
    m.world.files["/large"] = program({{"region", true, false, 69632}});
    m.world.files["/huge"] = program({{"region", true, false, ~u64{0}}});
    m.world.files["/none"] = program({{"region", true, false, 0}});
    CHECK(m.why("/plain", "file:/") == "");
    CHECK(m.why("/lends", "file:/") == "");
    const root::Admit &plain = m.world.given[kFirst], &lends = m.world.given[kFirst + 1];
    CHECK((plain.entry[0].give == 0 && plain.region_bytes == 0));
    CHECK((lends.entry[0].give == 1 && lends.region_slot == 7 && lends.region_bytes == 65536 &&
           lends.region_address == kWindow));
    CHECK(m.why("/two") == "asks for more than one region");
    CHECK(m.why("/large") == "asks for a region of 68 K: 64 K may be given");
    CHECK(m.why("/huge").starts_with("asks for a region of"));
    CHECK(m.why("/none").starts_with("asks for"));
}

TEST_CASE("what is no program is refused by name") {
    Machine m;
    m.world.files["/text"] = sel::test::Bytes(100);
    m.world.files["/bare"] = sel::test::make_elf({sel::test::kText});
    m.world.files["/server"] = program({}, 4096, sel::MANIFEST_SERVES);
    m.world.files["/big"] = program({}, 2 << 20);
    CHECK(m.why("/none") == "cannot be read: no such name");
    CHECK(m.why("/text") == "is not a static ELF executable for x86_64");
    CHECK(m.why("/bare") == "has no manifest");
    CHECK(m.why("/server") == "is a server: boot/system.toml starts these");
    CHECK(m.why("/big") == "asks for 2048 K of memory: so much is not there");
    CHECK(m.world.made.empty());
}

TEST_CASE("whichever step is refused, nothing stays") {
    Machine m;
    m.world.files["/cat"] = program({{"file"}, {"stream.Out"}});
    for (const char *step : {"make", "admit", "bind", "connect", "run"}) {
        m.world.refuses = step;
        CHECK(m.why("/cat", "file:/disk", 0, 1) != "");
        CHECK(m.world.made.empty());
        CHECK(m.world.numbers.empty());
    }
    m.world.refuses = "";
    CHECK(m.why("/cat", "file:/disk") == "");
}

TEST_CASE("a program in a pipe has ends of pipes that its starter has made") {
    Machine m;
    m.world.files["/both"] = program({{"stream.In"}, {"stream.Out"}});
    CHECK(m.why("/both", "", 3, 4) == "");
    CHECK(m.world.given[kFirst].entry[0].own == 21);
    CHECK(m.world.given[kFirst].entry[1].own == 20);
    CHECK(m.world.connected == std::vector<std::string>{"7: 3 65 reads", "7: 4 65 writes"});
    CHECK(m.why("/both", "", 0, 4) == "");
    CHECK(m.world.given[kFirst + 1].entry[0].own == 11);
    CHECK(m.why("/hello", "", 3, 4) ==
          "does not read a stream, so it cannot stand in a pipe there");
    m.world.files["/none"] = program({});
    CHECK(m.why("/none", "", 0, 4) ==
          "does not write a stream, so it cannot stand in a pipe there");
    m.world.files["/twice"] = program({{"stream.Out"}, {"stream.Out"}});
    CHECK(m.why("/twice", "", 0, 4) == "");
    CHECK(m.world.given[kFirst + 2].entry[1].own == 10); // The second one is the terminal's.
    m.world.refuses = "connect";
    CHECK(m.why("/both", "", 3, 4) == "cannot be given its pipes: no room left");
}

TEST_CASE("who has started a program hears how it has ended, and its place is free") {
    Machine m;
    CHECK(m.start("/hello").value().number == kFirst);
    CHECK(m.call(GetStatus{.number = kFirst}).value().state == State::RUNNING);
    CHECK(m.call(Wait{.number = kFirst}).error() == ERR_TIMEOUT); // It waits.
    CHECK(m.answers.empty());
    m.client = 8; // Nobody else's business.
    CHECK(m.call(GetStatus{.number = kFirst}).error() == ERR_NAME);
    CHECK(m.call(Wait{.number = kFirst}).error() == ERR_NAME);
    CHECK(m.call(End{.number = kFirst}).error() == ERR_NAME);
    CHECK(m.call(Stop{.number = kFirst, .stop = 1}).error() == ERR_NAME);
    m.client = 7;
    m.answers.clear();
    m.loader.on_ended(kFirst - 1);
    m.loader.on_ended(3);
    m.loader.on_ended(kFirst + 1);
    CHECK(m.world.made.size() == 1);
    m.loader.on_ended(kFirst);
    CHECK(m.world.made.empty());
    CHECK(m.world.numbers.empty());
    REQUIRE(m.answers.size() == 1);
    Status status{};
    REQUIRE(sel::load(m.answers[0], status));
    CHECK(status.state == State::ENDED);
    CHECK(status.code == 7);
    m.loader.on_ended(kFirst);                               // Told twice.
    CHECK(m.call(Wait{.number = kFirst}).value().code == 7); // It is known for a while.
    CHECK(m.call(Wait{.number = kFirst + 1}).error() == ERR_NAME);
    CHECK(m.call(Wait{.number = 3}).error() == ERR_NAME);
}

TEST_CASE("a program is stopped, goes on, and is ended by who has started it") {
    Machine m;
    CHECK(m.start("/hello").value().number == kFirst);
    CHECK(m.call(Wait{.number = kFirst}).error() == ERR_TIMEOUT);
    CHECK(m.call(Stop{.number = kFirst, .stop = 0}).ok()); // It runs.
    CHECK(m.world.stopped.empty());
    CHECK(m.answers.empty()); // Nobody is told.
    CHECK(m.call(Stop{.number = kFirst, .stop = 1}).ok());
    CHECK(m.call(Wait{.number = kFirst}).value().state == State::STOPPED);
    CHECK(m.call(Stop{.number = kFirst, .stop = 0}).ok());
    CHECK(m.world.stopped == std::vector<std::string>{"65 stops", "65 goes on"});
    CHECK(m.call(End{.number = kFirst}).ok());
    CHECK(m.world.made.empty());
    CHECK(m.world.numbers.empty());
    CHECK(m.call(End{.number = kFirst}).ok());
    CHECK(m.call(Stop{.number = kFirst, .stop = 1}).error() == ERR_EMPTY);
    CHECK(m.call(GetStatus{.number = kFirst}).value().state == State::ENDED);
}

TEST_CASE("as many run as there are places, large ones in large places, and memory that is lost is "
          "left alone") {
    Machine m;
    m.world.files["/large"] = program({}, 1 << 20);
    for (u32 i = 0; i < kPlaceSizes[1].count; i++) {
        CHECK(m.why("/large") == "");
    }
    CHECK(m.why("/large") == "asks for 1024 K of memory: all is taken");
    for (u32 i = 0; i < kPlaceSizes[0].count; i++) {
        CHECK(m.why("/hello") == "");
    }
    CHECK(m.why("/hello") == "asks for 192 K of memory: all is taken");
    m.world.refuses = "end";
    m.loader.on_ended(m.world.next - 1);
    CHECK(m.world.notes.size() == 1);
    CHECK(m.why("/hello") == "asks for 192 K of memory: all is taken");
    m.world.refuses = "";
    m.loader.on_ended(m.world.next - 2);
    CHECK(m.why("/hello") == "");
    CHECK(m.why("/hello") == "asks for 192 K of memory: all is taken");
    m.loader.on_ended(kFirst);
    CHECK(m.why("/hello") == ""); // In a large one.
}

// A program at run time starts others: out of what it was given itself.
namespace {

struct Tree : Machine {
    Tree() {
        world.files["/a/launch"] =
            program({{"stream.Out"}, {"file"}, {"loader"}, {"timer"}, {"untyped", true}});
        world.files["/a/less"] = program({{"stream.Out"}, {"file"}, {"loader"}});
        world.files["/a/hello"] = program({{"stream.Out"}});
        world.files["/a/cat"] = program({{"file"}});
        world.files["/a/clock"] = program({{"timer"}});
        world.files["/a/code"] = program({{"untyped", true}});
        world.files["/a/reads"] = program({{"stream.In"}});
        world.files["/a/lends"] = program({{"region", true, false, 4096}});
        world.files["/a/large"] = program({}, 1 << 20);
        world.files["/a/urgent"] = program({}, 192 << 10, 0, 51);
        world.files["/b/hello"] = program({});
    }
    // As this client.
    u32 begin(u32 by, std::string_view path, std::string_view give = {}) {
        client = by;
        sel::Result<Started> started = start(path, give);
        REQUIRE(started.ok());
        INFO(started->data.view());
        REQUIRE(started->number != 0);
        return started->number;
    }
    std::string refusal(u32 by, std::string_view path, std::string_view give = {}) {
        client = by;
        return why(path, give);
    }
};
constexpr std::string_view kAll = "file:/a loader:10/5% timer code";

} // namespace

TEST_CASE("a program starts others in its own files, with at most what it has") {
    Tree t;
    u32 top = t.begin(7, "/a/launch", kAll);
    CHECK(t.world.given[top].above == 0);
    u32 number = t.begin(top, "/hello");
    CHECK(t.world.given[number].above == top);
    CHECK(t.refusal(top, "/b/hello") == "cannot be read: no such name"); // Its own /b.
    CHECK(t.refusal(top, "/../b/hello").starts_with("cannot be read: "));
    CHECK(t.refusal(top, "/clock", "timer") == "");
    CHECK(t.refusal(top, "/clock") == "asks for timer: --give timer");
    CHECK(t.refusal(top, "/code", "code") == "");
    CHECK(t.refusal(top, "/reads") == "asks for stream.In, which its starter does not have");
    CHECK(t.refusal(top, "/lends") == "asks for a region, which a program cannot give");
    CHECK(t.refusal(top, "/urgent") == "asks for priority 51: its starter has 50");
    number = t.begin(top, "/cat", "file:/c:ro");
    CHECK(t.world.bound[number] == "/a/c ro");
    t.client = top;
    CHECK(t.call(Describe{.data = "/hello"})->good == 1);
    CHECK(t.call(Describe{.data = "/a/hello"})->good == 0);
    t.client = 7;
    CHECK(t.call(Describe{.data = "/hello"})->good == 1); // The one outside.
    CHECK(t.call(Describe{.data = "/a/hello"})->good == 1);

    u32 less = t.begin(7, "/a/less", "file:/a:ro loader:3/3%");
    CHECK(t.refusal(less, "/clock", "timer") == "asks for timer, which its starter does not have");
    CHECK(t.refusal(less, "/code", "code") == "asks for code, which its starter does not have");
    CHECK(t.refusal(less, "/cat", "file:/") ==
          "cannot be given / to write: its starter can only read it");
    CHECK(t.refusal(less, "/cat", "file:/:ro") == "");
    u32 none = t.begin(7, "/hello");
    for (u32 other : {none, none + 1, sel::Environment::kPrograms + 1}) {
        CHECK(t.refusal(other, "/hello") == "cannot be started: its starter has no files");
        CHECK(t.call(Describe{.data = "/hello"})->good == 0);
    }
}

TEST_CASE("a stream that is a pipe is not passed on") {
    Tree t;
    t.client = 7;
    u32 top = t.start("/a/less", "file:/a loader:3/3%", 0, 4).value().number;
    REQUIRE(top != 0);
    CHECK(t.refusal(top, "/hello") == "asks for stream.Out, which its starter does not have");
}

TEST_CASE("what those below take is of one quota, however deep, and comes back") {
    Tree t;
    for (const char *wrong : {"loader", "loader:", "loader:4", "loader:4/20", "loader:0/1%",
                              "loader:1/0%", "loader:113/1%", "loader:1/81%", "loader:-1/1%",
                              "loader:1/1%%", "loader:99999999999/1%", "loader:1/4294967297%"}) {
        std::string give = std::string{"file:/a "} + wrong;
        CHECK(t.refusal(7, "/a/less", give).starts_with("cannot be given loader:"));
    }
    CHECK(t.refusal(7, "/a/less", "file:/a") == "asks for loader: --give loader:PROGRAMS/PERCENT%");
    u32 top = t.begin(7, "/a/less", "file:/a loader:4/2%");  // 0.5 % each.
    u32 below = t.begin(top, "/less", "file:/ loader:2/1%"); // Takes 3 of 4, and 1.5 of 2 %.
    CHECK(t.refusal(top, "/less", "file:/ loader:1/1%") ==
          "takes 2 programs and 1.5 % of the processor: its starter has 1 and 0.5 % left");
    u32 hello = t.begin(top, "/hello");
    CHECK(t.refusal(top, "/hello").starts_with("takes 1 programs"));
    t.begin(below, "/hello");
    u32 second = t.begin(below, "/hello");
    CHECK(t.refusal(below, "/hello").starts_with("takes 1 programs"));
    t.loader.on_ended(second);
    CHECK(t.refusal(below, "/hello") == "");
    t.client = top;
    CHECK(t.call(End{.number = second}).error() == ERR_NAME); // Not its own.
    CHECK(t.call(End{.number = hello}).ok());
    CHECK(t.refusal(top, "/hello") == "");
    u32 large = t.begin(7, "/a/less", "file:/a loader:6/9%");
    CHECK(t.refusal(large, "/large") == ""); // As much as six.
    CHECK(t.refusal(large, "/hello").starts_with("takes 1 programs"));
}

TEST_CASE("what a program has started ends with it, all the way down") {
    Tree t;
    u32 other = t.begin(7, "/a/hello");
    u32 top = t.begin(7, "/a/less", "file:/a loader:9/9%");
    u32 done = t.begin(top, "/hello");
    t.loader.on_ended(done);
    u32 second = t.begin(top, "/less", "file:/ loader:4/4%");
    u32 third = t.begin(second, "/less", "file:/ loader:2/2%");
    t.begin(third, "/hello");
    t.begin(top, "/hello");
    t.client = second;
    CHECK(t.call(Wait{.number = third}).error() == ERR_TIMEOUT);
    CHECK(t.world.numbers.size() == 6);
    t.loader.on_ended(top);
    CHECK(t.world.numbers == std::set<u32>{other});
    CHECK(t.world.made.size() == 1);
    t.world.next = top; // Whoever has that number next.
    CHECK(t.begin(7, "/a/less", "file:/a loader:9/9%") == top);
    t.client = top;
    CHECK(t.call(GetStatus{.number = done}).error() == ERR_NAME);
    CHECK(t.call(GetStatus{.number = second}).error() == ERR_NAME);
    CHECK(t.refusal(second, "/hello") == "cannot be started: its starter has no files");
}

TEST_CASE("programs at run time leave room for others that wait") {
    Tree t;
    std::vector<u32> tops;
    for (u32 i = 0; i < 9; i++) {
        tops.push_back(t.begin(7, "/a/less", "file:/a loader:1/1%"));
    }
    u32 waiting = 0;
    for (u32 top : tops) {
        u32 number = t.begin(top, "/hello");
        error_t error = t.call(Wait{.number = number}).error();
        waiting += error == ERR_TIMEOUT ? 1 : 0;
        CHECK((error == ERR_TIMEOUT || error == ERR_FULL));
    }
    CHECK(waiting == 8);
}

TEST_CASE("what a file says of itself") {
    Machine m;
    auto text = sel::Client<Api>{5}.call(Describe{.data = "/hello"});
    REQUIRE(text.ok());
    CHECK(
        text->data.view() ==
        "hello: Says hello.\n  192 K, priority 50, 0.5 % of the processor\n  stream.Out (need)\n");
    CHECK(sel::Client<Api>{5}.call(Describe{.data = "/none"})->good == 0);
}

TEST_CASE("random messages, random answers, random files") {
    Machine m;
    sel::fuzz::clients<Api>();
    sel::fuzz::server<Api>(m.loader, kReplyCount, 7);
    std::mt19937_64 random{5};
    for (u32 i = 0; i < 4000; i++) {
        sel::test::Bytes b = program({{"stream.Out"}, {"file"}, {"untyped", true}});
        for (u32 j = 0; j <= random() % 6; j++) {
            bool tables = random() % 2 == 0;
            b[tables ? random() % 0x100 : 0x1000 + random() % 0x180] = static_cast<u8>(random());
        }
        m.world.files["/x"] = b;
        sel::Result<Started> started = m.start("/x", "file:/disk code");
        REQUIRE(started.ok());
        REQUIRE(m.world.made.size() == m.world.numbers.size());
        if (started->number != 0) {
            m.loader.on_ended(started->number);
        }
    }
    CHECK(m.world.made.empty());
}
