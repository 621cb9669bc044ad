// Tests of the name space: who may name what, deaths of file systems, and slow ones.
// SPDX-License-Identifier: BSD-2-Clause
#include "libsel/test/fuzz.hpp"
#include "test_machine.hpp"

using namespace vfs;

TEST_CASE("paths lead to the innermost mount, whatever the slashes") {
    Machine m;
    Files all{m};
    CHECK(all.cat("/disk/a/x") == "hello");
    CHECK(all.cat("//disk///a/x//") == "hello");
    CHECK(all.cat("/motd") == "welcome");
    CHECK(all.cat("/disk/motd") == failure(ERR_NAME));
    CHECK(all.cat("/diskette") == failure(ERR_NAME));
    m.fs[kBoot].put("/k", "kernel");
    CHECK(all.cat("/disk/boot/k") == "kernel");
    CHECK(all.stat("/disk/boot") == OK);
    CHECK(all.stat("/disk/a/x/") == OK);
}

// Each client's content goes through its own memory, also when the file system dies meanwhile.
TEST_CASE("content in memory that clients lend") {
    Machine m;
    Files all{m}, reader{m, kReadA}, writer{m, kWriteA};
    FakeFs &fs = m.fs[kDisk];
    m.shared = {{"mine", std::string(16, '.')}, {"theirs", "..world.........."}};
    CHECK((reader.lend("mine") == OK && writer.lend("theirs") == OK && m.slots.size() == 2));
    CHECK(fs.calls == 0); // Only when it is used.
    u32 out = *writer.open("/x", file::kWrite), in = *reader.open("/x");
    fs.die_at = 1;
    file::WriteFrom write{.handle = out, .count = 5, .offset = 5, .place = 2, .window = 0};
    CHECK(writer.ask(write).ok());
    CHECK(fs.node["/a/x"] == "helloworld");
    CHECK(writer.sync(out) == OK);
    fs.die_at = 0;
    file::ReadInto read{.handle = in, .count = 99, .offset = 1, .place = 3, .window = 0};
    CHECK(reader.ask(read).value() == 9);
    CHECK(m.shared["mine"] == "...elloworld....");
    CHECK(m.shared["theirs"] == "..world..........");
    u32 calls = fs.calls;
    CHECK(reader.ask(read).ok());
    CHECK(fs.calls == calls + 1); // It has been lent.
    write.handle = in;
    CHECK(reader.ask(write).error() == ERR_RIGHT);
    read.window = 1;
    CHECK(reader.ask(read).error() == ERR_ARG);
    read = {.handle = *all.open("/disk/a/x"), .count = 1, .offset = 0, .place = 0, .window = 0};
    calls = fs.calls;
    CHECK(all.ask(read).error() == ERR_RIGHT); // It lends nothing.
    CHECK(fs.calls == calls);
}

TEST_CASE("a file is opened, read and closed in one request") {
    Machine m;
    Files all{m}, reader{m, kReadA};
    FakeFs &fs = m.fs[kDisk];
    m.shared = {{"mine", std::string(16, '.')}};
    file::Fetch fetch{.offset = 1, .count = 9, .place = 2, .window = 0, .data = "/x"};
    CHECK(reader.ask(fetch).error() == ERR_RIGHT);
    CHECK(reader.lend("mine") == OK);
    for (int die_at :
         {-1, 0, 1}) { // Also if the file system dies in it, or when the memory is lent.
        m.shared["mine"].assign(16, '.');
        CHECK(reader.lend("mine") == OK);
        fs.die_at = die_at;
        CHECK(reader.ask(fetch).value() == 4);
        CHECK((m.shared["mine"] == "..ello.........." && fs.open.empty() && fs.die_at == -1));
    }
    u32 calls = fs.calls;
    CHECK((reader.ask(fetch).ok() && fs.calls == calls + 1));
    fetch.data = "/../b"; // Not in its subtree.
    CHECK(reader.ask(fetch).error() == ERR_SYNTAX);
    fetch.data = "/b";
    CHECK(reader.ask(fetch).error() == ERR_NAME);
    fetch.data = "/";
    CHECK(reader.ask(fetch).error() == ERR_DIRECTORY);
    fetch.window = 1;
    CHECK(reader.ask(fetch).error() == ERR_ARG);
    for (u32 i = 0; i < 2 * Machine::TestRouter::Mounts::kHandles; i++) {
        fetch = {.offset = 0, .count = 9, .place = 0, .window = 0, .data = "/x"};
        CHECK(reader.ask(fetch).ok()); // It takes no handle of vfs.
    }
    CHECK(all.ask<Control>(Unmount{.data = "/fat"}, 2).ok());
    CHECK(all.lend("mine") == OK);
    fetch.data = "/fat/f";
    CHECK(all.ask(fetch).error() == ERR_GONE);
}

TEST_CASE("what is lent no more goes back") {
    Machine m;
    Files all{m}, other{m, kReadAll, 8};
    FakeFs &disk = m.fs[kDisk], &ram = m.fs[kRam];
    m.shared = {{"one", std::string(16, '.')}, {"two", std::string(16, '.')}};
    auto read = [&](const Files &files, u32 handle) {
        return files
            .ask(file::ReadInto{.handle = handle, .count = 5, .offset = 0, .place = 0, .window = 0})
            .error();
    };
    auto use = [&](const Files &files) {
        return read(files, *files.open("/disk/a/x")) == OK &&
               read(files, *files.open("/motd")) == OK;
    };
    CHECK((all.lend("one") == OK && use(all)));
    CHECK((disk.window.size() == 1 && ram.window.size() == 1));
    CHECK((all.lend("two") == OK && disk.window.empty() && ram.window.empty() && use(all)));
    CHECK(m.shared["two"].starts_with("welco"));
    CHECK(all.lend("nothing") == OK); // Who lends it does not know what it is; a file system does.
    CHECK(read(all, *all.open("/motd")) == ERR_ARG);
    CHECK(read(all, *all.open("/motd")) == ERR_ARG);
    CHECK((all.lend("") == OK && m.slots.empty() && read(all, *all.open("/motd")) == ERR_RIGHT));
    CHECK((all.lend("one") == OK && use(all)));
    m.revoke("one"); // What the file systems have they keep until they are told.
    CHECK((use(all) && disk.window.size() == 1));
    disk.die();
    CHECK(read(all, *all.open("/disk/a/x")) == ERR_RIGHT);
    CHECK((all.lend("one", 1) == ERR_ARG && m.slots.empty()));
    CHECK((all.lend("one") == OK && other.lend("two") == OK && use(all) && use(other)));
    CHECK((disk.window.size() == 2 && ram.window.size() == 2));
    CHECK(all.ask(file::CloseAll{}).ok());
    CHECK((disk.window.size() == 1 && ram.window.size() == 1 && m.slots.size() == 1));
    m.end(8);
    CHECK((disk.window.empty() && ram.window.empty() && m.slots.empty()));
}

// The next one in its place must not be written to by what the last one has asked for.
TEST_CASE("a client ends with a read in hand that is for its memory") {
    Machine m;
    Files all{m}, other{m, kReadAll, 8};
    m.shared = {{"one", std::string(16, '.')}, {"two", std::string(16, '.')}};
    CHECK(all.lend("one") == OK);
    file::ReadInto read{
        .handle = *all.open("/motd"), .count = 7, .offset = 0, .place = 0, .window = 0};
    m.stop(kRam);
    CHECK(all.ask(read).error() == ERR_TIMEOUT); // Kept.
    m.revoke("one");
    m.end(7);
    CHECK(other.lend("two") == OK); // In another place: that one is not free yet.
    m.work(kRam);
    CHECK(m.shared["two"] == std::string(16, '.'));
    CHECK((m.slots.size() == 1 && m.fs[kRam].window.empty()));
    m.end(8);
    CHECK((all.lend("one") == OK && m.slots.begin()->first == kTokens));
}

TEST_CASE("as many clients lend as there are places") {
    Machine m;
    std::vector<Files> clients;
    for (u32 i = 0; i <= LentWindows::kMax; i++) {
        u32 program = sel::Environment::kSystemPrograms + 1 + i;
        clients.push_back(Files{m, 0, program});
        Bind bind{.client = program, .read_only = 0, .data = "/"};
        CHECK(clients[0].ask<Binder>(bind, 3).ok());
    }
    for (u32 i = 0; i < LentWindows::kMax; i++) {
        CHECK(clients[i].lend("r" + std::to_string(i)) == OK);
    }
    CHECK(clients.back().lend("more") == ERR_FULL);
    CHECK(m.slots.size() == LentWindows::kMax);
    m.end(clients[3].client);
    CHECK(clients.back().lend("more") == OK);
    CHECK(clients[4].lend("other") == OK);
    for (const Files &client : clients) {
        m.end(client.client);
    }
    CHECK(m.slots.empty());
}

TEST_CASE("paths that are none are refused, and no file system hears of them") {
    Machine m;
    Files all{m}, bound{m, kReadA};
    std::string most(file::kPathMax, 'x');
    most[0] = '/';
    for (std::string path :
         {std::string{}, std::string{"disk"}, std::string{"/."}, std::string{"/.."},
          std::string{"/../b"}, std::string{"/x/../../b"}, std::string{"/./b"},
          "/a\\..\\b" + most.substr(0, 9), std::string{"/..\\b"}, std::string{"/\\b"},
          std::string{"/x\0/../b", 9}, std::string{"/b\0", 3}, std::string{"/b\n"},
          std::string{"/b\x7f"}, "/" + std::string(file::kNameMax + 1, 'n'), most}) {
        INFO(path);
        CHECK(all.stat(path) == ERR_SYNTAX);
        CHECK(bound.stat(path) == ERR_SYNTAX);
        CHECK(all.rename(path, "/y") == ERR_SYNTAX);
        CHECK(all.rename("/y", path) == ERR_SYNTAX);
    }
    for (FakeFs &fs : m.fs) {
        CHECK(fs.calls == 0);
    }
    // Too long only behind its own subtree.
    std::string deep;
    while (deep.size() + 2 <= file::kPathMax) {
        deep += "/d";
    }
    CHECK(all.stat(deep) == ERR_NAME);
    CHECK(bound.stat(deep) == ERR_SYNTAX);
}

TEST_CASE("a bound client has its subtree as its root, and nothing else has a name for it") {
    Machine m;
    Files reader{m, kReadA}, writer{m, kWriteA}, stranger{m, 200};
    CHECK(reader.cat("/x") == "hello");
    CHECK(reader.list("/") == "x ");
    CHECK(reader.stat("/b") == ERR_NAME);
    CHECK(reader.stat("/disk/b") == ERR_NAME);
    CHECK(reader.stat("/motd") == ERR_NAME);
    REQUIRE(writer.open("/b", kNew).ok());
    CHECK(m.fs[kDisk].node.at("/b") == "secret");
    CHECK(m.fs[kDisk].node.contains("/a/b"));
    CHECK(writer.rename("/b", "/c") == OK);
    CHECK(m.fs[kDisk].node.contains("/a/c"));
    CHECK(writer.ask(file::GetUsage{}).ok());
    CHECK(stranger.stat("/") == ERR_RIGHT);
    CHECK(stranger.ask(file::CloseAll{}).error() == ERR_RIGHT);
}

TEST_CASE("that a subtree is not there is told once, with its name") {
    constexpr u32 kProgram = sel::Environment::kSystemPrograms + 1;
    Machine m;
    Files reader{m, kReadA}, all{m}, child{m, kAll, kProgram};
    CHECK(reader.stat("/nothing") == ERR_NAME);
    CHECK(all.stat("/nothing") == ERR_NAME);
    CHECK(m.missing.empty());
    m.fs[kDisk].node.clear();
    m.fs[kDisk].put("/b", "secret");
    CHECK(all.stat("/disk/a") == ERR_NAME);
    CHECK(m.missing.empty());
    CHECK(reader.cat("/x") == failure(ERR_NAME));
    CHECK(m.missing == std::vector<std::string>{"/disk/a"});
    CHECK(reader.stat("/") == ERR_NAME);
    CHECK(m.missing.size() == 1);
    // Of each program that is bound, also when its part of the name space was another one's, and when it waits.
    for (std::size_t told : {2u, 3u}) {
        Bind bind{.client = kProgram, .read_only = 0, .data = "/disk/none"};
        REQUIRE(all.ask<Binder>(bind, 3).ok());
        m.stop(kDisk);
        CHECK(child.stat("/x") == ERR_TIMEOUT);
        m.work(kDisk);
        CHECK(m.missing.size() == told);
        CHECK(m.missing.back() == "/disk/none");
        m.end(kProgram);
    }
}

TEST_CASE("a read-only client changes nothing") {
    Machine m;
    auto before = m.fs[kDisk].node;
    for (u8 part : {kReadA, kReadAll}) {
        Files reader{m, part};
        std::string x = part == kReadA ? "/x" : "/disk/a/x";
        u32 calls = m.fs[kDisk].calls;
        for (u32 flags : {kNew, u32{file::kWrite}, u32{file::kCreate}, u32{file::kTruncate}}) {
            CHECK(reader.open(x, flags).error() == ERR_RIGHT);
        }
        CHECK(reader.make("/d") == ERR_RIGHT);
        CHECK(reader.remove(x) == ERR_RIGHT);
        CHECK(reader.rename(x, "/y") == ERR_RIGHT);
        CHECK(reader.sync_all() == ERR_RIGHT);
        CHECK(reader.ask(file::Check{.data = std::string_view{x}}).error() == ERR_RIGHT);
        CHECK(m.fs[kDisk].calls == calls);
        u32 handle = reader.open(x).value();
        CHECK(reader.write(handle, "no") == ERR_RIGHT);
        CHECK(reader.append(handle, "no") == ERR_RIGHT);
        CHECK(reader.ask(file::Truncate{.handle = handle, .bytes = 0}).error() == ERR_RIGHT);
        CHECK(reader.read(handle) == "hello");
    }
    CHECK(m.fs[kDisk].node == before);
}

TEST_CASE("handles belong to the client that opened them") {
    Machine m;
    Files one{m, kAll}, other{m, kDiskOnly};
    u32 handle = one.open("/disk/b").value();
    CHECK(other.read(handle) == failure(ERR_ARG));
    CHECK(other.ask(file::Close{.handle = handle}).error() == ERR_ARG);
    CHECK(one.read(handle) == "secret");
    CHECK(one.ask(file::Close{.handle = handle}).ok());
    CHECK(one.read(handle) == failure(ERR_ARG));
    u32 again = one.open("/disk/b").value();
    CHECK(again != handle); // The same slot, another use of it.
    CHECK(one.read(handle) == failure(ERR_ARG));
    // Numbers that nobody gave out: other mounts, no mounts, other lives.
    for (u32 bit = 0; bit < 32; bit++) {
        CHECK(one.read(again ^ 1u << bit) != "secret");
    }
}

TEST_CASE("open files are bounded for each client, and CloseAll frees them") {
    Machine m;
    Files one{m, kAll}, other{m, kDiskOnly};
    u32 first = one.open("/disk/b").value();
    for (u32 i = 1; i < Mounted<Remote, Watcher>::kHandlesPerClient; i++) {
        REQUIRE(one.open("/disk/b").ok());
    }
    CHECK(one.open("/disk/b").error() == ERR_FULL);
    CHECK(other.open("/b").ok());
    CHECK(one.ask(file::CloseAll{}).value() == 1);
    CHECK(m.fs[kDisk].open.size() == 1);
    CHECK(one.read(first) == failure(ERR_ARG));
    CHECK(one.open("/disk/b").ok());
}

TEST_CASE("mount points show in their parent, and hide what was there") {
    Machine m;
    Files all{m};
    CHECK(all.list("/") == "motd disk fat ");
    CHECK(all.list("/disk") == "a b boot ");
    CHECK(all.list("/fat") == "");
    m.fs[kRam].put("/disk", FakeFs::kDirectory);
    m.fs[kRam].put("/disk/hidden", "x");
    m.fs[kRam].put("/fat", "a file");
    CHECK(all.list("/") == "motd disk fat ");
    CHECK(all.stat("/disk/hidden") == ERR_NAME);
    CHECK(Files{m, kDiskOnly}.list("/") == "a b boot ");
    CHECK(all.ask(file::List{.position = ~0u, .data = "/"}).error() == ERR_EMPTY);
    CHECK(all.ask(file::List{.position = ~0u, .data = "/disk/a"}).error() == ERR_EMPTY);
    CHECK(all.make("/disk") == ERR_EXISTS);
    CHECK(all.remove("/disk") == ERR_ARG);
    CHECK(all.rename("/disk", "/disk/x") == ERR_ARG);
}

TEST_CASE("a rename stays in its file system") {
    Machine m;
    Files all{m};
    CHECK(all.rename("/disk/b", "/motd") == ERR_TYPE);
    CHECK(all.rename("/motd", "/disk") == ERR_TYPE);
    CHECK(m.fs[kDisk].node.contains("/b"));
    CHECK(all.rename("/disk/b", "/disk/c") == OK);
}

TEST_CASE("reads and positioned writes survive a death in the middle") {
    for (bool before : {false, true}) {
        Machine m;
        Files all{m};
        FakeFs &fs = m.fs[kDisk];
        fs.die_before = before;
        u32 handle = all.open("/disk/a/x", file::kWrite).value();
        fs.die_at = 0;
        CHECK(all.read(handle) == "hello");
        fs.die_at = 0;
        CHECK(all.write(handle, "J") == OK);
        CHECK(all.read(handle) == "Jello");
        CHECK(all.sync(handle) == OK);
        fs.die_at = 0;
        CHECK(all.ask(file::Truncate{.handle = handle, .bytes = 2}).ok());
        CHECK(all.sync(handle) == OK);
        fs.die_at = 0;
        CHECK(all.stat("/disk/b") == OK);
        fs.die_at = 0;
        CHECK(all.list("/disk") == "a b boot ");
        CHECK(fs.disk.at("/a/x") == "Je");
        CHECK(fs.life == 6);
    }
}

TEST_CASE("nobody reads another file through a handle of an earlier life") {
    Machine m;
    Files all{m};
    u32 x = all.open("/disk/a/x").value();
    m.fs[kDisk].die();
    u32 b = all.open("/disk/b").value(); // Would have the same number there.
    CHECK(all.read(x) == "hello");
    CHECK(all.read(b) == "secret");
    CHECK(m.fs[kDisk].open.size() == 2);
}

TEST_CASE("what was not synced when the file system died is not called synced") {
    Machine m;
    Files all{m}, other{m, kDiskOnly};
    FakeFs &fs = m.fs[kDisk];
    u32 handle = all.open("/disk/a/x", file::kWrite).value();
    u32 reader = all.open("/disk/a/x").value();
    REQUIRE(all.write(handle, "HELLO") == OK);
    SECTION("it died unnoticed") {
        fs.die();
    }
    SECTION("it died in the sync") {
        fs.die_at = 0;
        fs.die_before = true;
    }
    SECTION("somebody else noticed") {
        fs.die();
        CHECK(other.open("/b").ok());
    }
    CHECK(all.sync(handle) == ERR_RESTARTED);
    CHECK(all.sync(handle) == ERR_RESTARTED); // And it stays so.
    CHECK(all.write(handle, "HELLO") == ERR_RESTARTED);
    CHECK(all.read(reader) == "hello"); // That one had nothing to lose.
    CHECK(all.ask(file::Close{.handle = handle}).error() == ERR_RESTARTED);
    CHECK(all.ask(file::Close{.handle = handle}).error() == ERR_ARG);
    CHECK(all.sync_all() == ERR_RESTARTED);
    CHECK(other.sync_all() == OK); // It had changed nothing.
    u32 again = all.open("/disk/a/x", file::kWrite).value();
    CHECK(all.write(again, "HELLO") == OK);
    CHECK(all.sync(again) == OK);
    CHECK(all.sync_all() == OK);
    CHECK(fs.disk.at("/a/x") == "HELLO");
}

TEST_CASE("SyncAll tells every client that changed something, once") {
    Machine m;
    Files all{m}, other{m, kDiskOnly}, bound{m, kWriteA};
    FakeFs &fs = m.fs[kDisk];
    CHECK(all.make("/disk/d") == OK);
    CHECK(other.make("/e") == OK);
    fs.die();
    CHECK(bound.sync_all() == OK);
    CHECK(all.sync_all() == ERR_RESTARTED);
    CHECK(all.sync_all() == OK);
    CHECK(other.sync_all() == ERR_RESTARTED);
    CHECK(other.sync_all() == OK);
    CHECK(all.make("/disk/d") == OK);
    CHECK(all.sync_all() == OK);
    fs.die();
    CHECK(all.sync_all() == OK);
    CHECK(fs.node.contains("/d"));
}

TEST_CASE("SyncAll reaches every file system that the client sees, and only those") {
    Machine m;
    for (auto [part, expected] :
         {std::pair{kAll, "1111"}, {kDiskOnly, "0110"}, {kWriteA, "0100"}}) {
        std::string asked;
        for (FakeFs &fs : m.fs) {
            fs.calls = 0;
        }
        CHECK(Files{m, part}.sync_all() == OK);
        for (FakeFs &fs : m.fs) {
            asked += fs.calls != 0 ? '1' : '0';
        }
        CHECK(asked == expected);
    }
    Files all{m};
    CHECK(all.make("/fat/d") == OK);
    m.fs[kFat].broken = ERR_IO;
    m.fs[kBoot].broken = ERR_NAME; // No disk there, and nothing to be lost.
    CHECK(all.sync_all() == ERR_IO);
}

TEST_CASE("what may have been done twice is left to the client") {
    Machine m;
    Files all{m};
    FakeFs &fs = m.fs[kDisk];
    u32 handle = all.open("/disk/a/x", file::kWrite).value();
    fs.die_at = 0;
    CHECK(all.append(handle, "!") == ERR_RESTARTED);
    CHECK(all.append(handle, "!") == OK);
    fs.die_at = 0;
    CHECK(all.make("/disk/d") == ERR_RESTARTED);
    fs.die_at = 2; // Behind the looks for how it and the open file are spelled.
    CHECK(all.remove("/disk/b") == ERR_RESTARTED);
    fs.die_at = 2;
    CHECK(all.rename("/disk/b", "/disk/c") == ERR_RESTARTED);
}

TEST_CASE("a file system that dies again and again, or is gone, ends in an error") {
    Machine m;
    Files all{m};
    FakeFs &fs = m.fs[kDisk];
    u32 handle = all.open("/disk/b").value();
    fs.always_dies = true;
    fs.calls = 0;
    CHECK(all.read(handle) == failure(ERR_RESTARTED));
    CHECK(all.stat("/disk/b") == ERR_RESTARTED);
    CHECK(all.open("/disk/b").error() == ERR_RESTARTED);
    CHECK(all.sync_all() == OK); // Nothing was changed.
    CHECK(fs.calls < 100);
    fs.always_dies = false;
    CHECK(all.read(handle) == "secret");
    fs.broken = ERR_GONE;
    CHECK(all.read(handle) == failure(ERR_GONE));
    CHECK(all.stat("/disk") == ERR_GONE);
    CHECK(all.list("/") == "motd disk fat ");
    fs.broken = OK;
    CHECK(all.read(handle) == "secret");
}

TEST_CASE("handles follow renames and removals across a death") {
    Machine m;
    Files all{m};
    FakeFs &fs = m.fs[kDisk];
    u32 x = all.open("/disk/a/x").value(), b = all.open("/disk/b").value();
    CHECK(all.rename("/disk/a", "/disk/d") == OK);
    CHECK(all.sync_all() == OK);
    fs.die();
    CHECK(all.read(x) == "hello");
    CHECK(all.rename("/disk/d/x", "/disk/b") == OK); // Replaces b.
    CHECK(all.sync_all() == OK);
    fs.die();
    CHECK(all.read(x) == "hello");
    CHECK(all.read(b) == failure(ERR_GONE));
    CHECK(all.remove("/disk/b") == OK);
    CHECK(all.open("/disk/b", kNew).ok());
    CHECK(all.sync_all() == OK);
    fs.die();
    CHECK(all.read(x) == failure(ERR_GONE));
}

// The file system opens "/X" as what it spells "/x": the vfs must not take them for two.
TEST_CASE("handles follow their file under any of its names") {
    Machine m;
    Files all{m};
    FakeFs &fs = m.fs[kDisk];
    fs.any_case = "/";
    auto spelled = [](const Files &files, std::string_view path) {
        auto spelling = files.ask(file::Resolve{.data = path});
        return spelling.ok() ? std::string{spelling->data.view()} : std::string{"?"};
    };
    CHECK(spelled(all, "/disk//A/X") == "/disk/a/x");
    CHECK(spelled(all, "/disk") == "/disk");
    CHECK(spelled(all, "/disk/none") == "?");
    CHECK(spelled(Files{m, kReadA}, "/X") == "/x"); // Its root is /disk/a.
    CHECK(spelled(Files{m, kReadA}, "/") == "/");
    CHECK(spelled(Files{m, kDiskOnly}, "/A/x") == "/a/x");
    fs.put("/A/X", "hello"); // So that it can be opened as that.
    u32 x = all.open("/disk/A/X").value();
    CHECK(all.rename("/disk/a", "/disk/d") == OK);
    CHECK(all.sync_all() == OK);
    fs.die();
    CHECK(all.read(x) == "hello");
    u32 b = all.open("/disk/b").value();
    CHECK(all.rename("/disk/d/x", "/disk/b") == OK);
    CHECK(all.read(b) == failure(ERR_GONE));
}

TEST_CASE("SyncAll says what a file system says, also to who changed nothing") {
    Machine m;
    Files all{m};
    m.fs[kDisk].broken = ERR_IO;
    CHECK(all.sync_all() == ERR_IO);
    m.fs[kDisk].broken = OK;
    CHECK(all.sync_all() == OK);
}

TEST_CASE("a vfs that was restarted tells handles of its earlier life") {
    Machine m;
    Files all{m};
    u32 handle = all.open("/disk/b").value();
    u32 life = all.ask(file::CloseAll{}).value();
    m.restart(2);
    CHECK(all.read(handle) == failure(ERR_RESTARTED));
    CHECK(all.ask(file::SyncAll{}).value() != life);
    CHECK(all.cat("/disk/b") == "secret");
    CHECK(m.fs[kDisk].open.empty()); // Those of the earlier life are closed.
}

TEST_CASE("a slow file system stops only those who use it, and not too many") {
    Machine m;
    Files all{m}, other{m, kDiskOnly};
    m.stop(kDisk);
    for (u32 i = 0; i < Machine::TestRouter::kPendingMax; i++) {
        CHECK(all.stat("/disk/b") == ERR_TIMEOUT); // Not yet.
    }
    CHECK(all.stat("/disk/b") == ERR_FULL);
    CHECK(all.stat("/motd") == ERR_FULL); // Its own doing.
    CHECK(other.stat("/b") == ERR_TIMEOUT);
    CHECK(Files{m, kReadAll}.cat("/motd") == "welcome");
    CHECK(Files{m, kReadAll}.list("/") == "motd disk fat ");
    std::size_t before = m.answers.size();
    m.work(kDisk);
    CHECK(m.answers.size() == before + Machine::TestRouter::kPendingMax + 1);
    CHECK(m.waiting() == 0);
    CHECK(all.cat("/disk/b") == "secret");
    CHECK(all.cat("/motd") == "welcome");
}

TEST_CASE("more requests than Reply objects are refused") {
    Machine m;
    m.stop(kRam);
    for (u32 i = 0; i + 1 < kReplyCount; i++) {
        CHECK(Files{m, static_cast<u8>(i % 2 == 0 ? kAll : kReadAll)}.stat("/motd") == ERR_TIMEOUT);
    }
    CHECK(Files{m}.stat("/disk/b") == ERR_FULL);
    m.work(kRam);
    CHECK(Files{m}.stat("/disk/b") == OK);
}

TEST_CASE("file systems are listed, taken out and put back") {
    Machine m;
    Files all{m};
    auto view = [&](u32 place) { return all.ask<View>(GetVolume{.place = place}, 1); };
    auto unmount = [&](std::string_view path) {
        return all.ask<Control>(Unmount{.data = path}, 2).error();
    };
    auto mount = [&](std::string_view path) {
        return all.ask<Control>(Mount{.data = path}, 2).error();
    };
    u32 handle = all.open("/disk/b", file::kWrite).value();
    CHECK(view(kDisk)->data == "/disk");
    CHECK(view(kBoot)->server == "fs/2");
    CHECK(view(kDisk)->open == 1);
    CHECK(view(kDisk)->usage.files == 4);
    CHECK(view(4).error() == ERR_NAME);
    CHECK(view(~0u).error() == ERR_NAME);

    CHECK(unmount("/disk/a") == ERR_NAME);
    CHECK(unmount("nonsense") == ERR_NAME);
    CHECK(unmount("/") == ERR_ARG);
    CHECK(unmount("/disk") == ERR_BUSY);
    CHECK(mount("/disk") == ERR_EXISTS);
    CHECK(all.write(handle, "S") == OK);
    CHECK(all.ask(file::Close{.handle = handle}).ok());
    m.fs[kDisk].broken = ERR_IO;
    CHECK(unmount("/disk/") == ERR_IO);
    m.fs[kDisk].broken = OK;
    CHECK(!m.fs[kDisk].left);
    CHECK(unmount("/disk/") == OK);
    CHECK(m.fs[kDisk].left);
    CHECK(m.fs[kDisk].disk.at("/b") == "Secret");
    CHECK(unmount("/disk") == ERR_GONE);
    CHECK(!view(kDisk)->mounted);
    CHECK(view(kDisk)->error == ERR_GONE);
    CHECK(all.stat("/disk/b") == ERR_GONE);
    CHECK(all.open("/disk/new", kNew).error() == ERR_GONE);
    CHECK(all.list("/") == "motd disk fat ");
    CHECK(all.sync_all() == OK);
    m.fs[kDisk].broken = ERR_IO;
    CHECK(mount("/disk") == ERR_IO);
    m.fs[kDisk].broken = OK;
    CHECK(mount("/disk") == OK);
    CHECK(!m.fs[kDisk].left);
    CHECK(all.cat("/disk/b") == "Secret");
    m.fs[kDisk].die_at = 1; // Its new life has the disk again, and is told, too.
    CHECK(unmount("/disk") == OK);
    CHECK(m.fs[kDisk].left);
}

TEST_CASE("watches are answered by changes, and bounded") {
    Machine m;
    Files all{m}, other{m, kDiskOnly}, reader{m, kReadA};
    auto watch = [](const Files &files, std::string_view path, u64 seen) {
        return files.ask(file::Watch{.seen = seen, .data = path});
    };
    u64 seen = watch(reader, "/x", 0).value();
    CHECK(watch(reader, "/x", seen).error() == ERR_TIMEOUT); // It waits.
    CHECK(m.waiting() == 1);
    CHECK(all.cat("/disk/b") == "secret");
    CHECK(m.waiting() == 1);
    u32 handle = all.open("/disk/a/x", file::kWrite).value();
    CHECK(all.write(handle, "J") == OK);
    CHECK(m.waiting() == 0);
    u64 answered = m.answers.back().second.word[0];
    CHECK(answered != seen);
    CHECK(answered == watch(reader, "/x", 0).value());

    u64 root = watch(other, "/", 0).value();
    CHECK(watch(other, "/", root).error() == ERR_TIMEOUT);
    SECTION("a new name") {
        CHECK(all.make("/disk/new") == OK);
    }
    SECTION("a name less") {
        CHECK(all.remove("/disk/b") == OK);
    }
    SECTION("a death") {
        m.fs[kDisk].die();
        CHECK(all.read(handle) == failure(ERR_RESTARTED));
    }
    SECTION("its own CloseAll") {
        CHECK(other.ask(file::CloseAll{}).ok());
    }
    CHECK(m.waiting() == 0);

    for (u32 i = 0; i < Machine::TestRouter::kWatchesMax; i++) {
        CHECK(watch(all, "/motd", watch(all, "/motd", 0).value()).error() == ERR_TIMEOUT);
    }
    CHECK(watch(all, "/motd", 0).error() == ERR_FULL);
    CHECK(watch(other, "/b", 0).ok());
    CHECK(all.remove("/motd") == OK);
    CHECK(m.waiting() == 0);
    CHECK(watch(all, "/motd", 0).ok());
    CHECK(watch(all, "motd", 0).error() == ERR_SYNTAX);
}

TEST_CASE("watches that nobody waits for give way") {
    Machine m;
    Files all{m};
    auto watch = [&] {
        return all.ask(file::Watch{
            .seen = all.ask(file::Watch{.seen = 0, .data = "/motd"}).value_or(0), .data = "/motd"});
    };
    for (u32 i = 0; i < Machine::TestRouter::kWatchesMax; i++) {
        CHECK(watch().error() == ERR_TIMEOUT);
    }
    CHECK(watch().error() == ERR_FULL);
    m.give_up();
    CHECK(watch().error() == ERR_TIMEOUT);
    CHECK(m.waiting() == 1);
    m.gone.clear();
    CHECK(all.remove("/motd") == OK);
    CHECK(m.waiting() == 0);
}

TEST_CASE("what a program held ends with it") {
    Machine m;
    Files all{m}, other{m, kReadA};
    CHECK(all.open("/motd").ok());
    CHECK(all.open("/disk/a/x").ok());
    CHECK(other.open("/x").ok());
    auto volumes = [&](std::string_view path) {
        return all.ask<Control>(Unmount{.data = path}, 2).error();
    };
    CHECK(volumes("/disk") == ERR_BUSY);
    m.end(8); // Another one.
    CHECK(volumes("/disk") == ERR_BUSY);
    m.end(7);
    CHECK(m.fs[kDisk].open.empty());
    CHECK(volumes("/disk") == OK);
}

TEST_CASE("the end of a program that only looked at volumes takes nobody's files") {
    Machine m;
    Files shell{m}, other{m, kAll, 9};
    u32 handle = shell.open("/disk/b").value();
    CHECK(other.ask<View>(GetVolume{.place = 0}, 1).ok());
    m.end(9);
    CHECK(shell.read(handle) == "secret");
}

TEST_CASE("a file that is opened for nobody is closed again") {
    Machine m;
    Files all{m};
    SECTION("it gave up meanwhile") {
        m.gone.insert(kReplies + m.worker->receiver().current());
        CHECK(all.open("/disk/b").error() == ERR_TIMEOUT);
    }
    SECTION("it gave up before") {
        m.stop(kDisk);
        CHECK(all.open("/disk/b").error() == ERR_TIMEOUT);
        m.give_up();
        m.work(kDisk);
    }
    SECTION("it has ended") {
        m.stop(kDisk);
        CHECK(all.open("/disk/b").error() == ERR_TIMEOUT);
        m.end(7);
        m.work(kDisk);
    }
    CHECK(m.fs[kDisk].open.empty());
}

TEST_CASE("a program at run time names what it is bound to, and nothing before and after") {
    constexpr u32 kProgram = sel::Environment::kSystemPrograms + 1;
    Machine m;
    Files starter{m}, child{m, kAll, kProgram}, next{m, kAll, kProgram + 1};
    auto bind = [&](u32 client, std::string_view path, u32 read_only) {
        return starter.ask<Binder>(Bind{.client = client, .read_only = read_only, .data = path}, 3)
            .error();
    };
    m.fs[kDisk].put("/b", "secret");
    CHECK(child.cat("/a/x") == failure(ERR_RIGHT)); // Whatever part its badge says.
    CHECK(child.ask(file::CloseAll{}).error() == ERR_RIGHT);
    CHECK(bind(kProgram, "/disk/a", 1) == OK);
    CHECK(child.cat("/x") == "hello");
    CHECK(child.cat("/../b") == failure(ERR_SYNTAX));
    CHECK(child.stat("/b") == ERR_NAME);
    CHECK(child.open("/new", kNew).error() == ERR_RIGHT);
    CHECK(next.stat("/x") == ERR_RIGHT);
    CHECK(bind(kProgram, "/", 0) == ERR_EXISTS);
    CHECK(bind(kProgram + 1, "disk", 0) == ERR_SYNTAX);
    CHECK(bind(0, "/", 0) == ERR_ARG);
    CHECK(bind(7, "/", 0) == ERR_ARG); // One of boot/system.toml.
    CHECK(bind(sel::Environment::kPrograms + 1, "/", 0) == ERR_ARG);

    sel::Result<u32> handle = child.open("/x");
    REQUIRE(handle.ok());
    m.end(kProgram);
    CHECK(m.fs[kDisk].open.empty());
    CHECK(child.stat("/x") == ERR_RIGHT);
    CHECK(bind(kProgram, "/disk/a", 0) == OK); // The next one with this number.
    CHECK(child.read(*handle) == failure(ERR_ARG));
    CHECK(child.open("/new", kNew).ok());
}

TEST_CASE("a part is not bound anew while a worker has something of it in hand") {
    constexpr u32 kProgram = sel::Environment::kSystemPrograms + 1;
    Machine m;
    Files starter{m}, child{m, kAll, kProgram}, other{m, kAll, kProgram + 1};
    auto bind = [&](u32 client, std::string_view path) {
        return starter.ask<Binder>(Bind{.client = client, .read_only = 0, .data = path}, 3).error();
    };
    CHECK(bind(kProgram, "/disk/a") == OK);
    m.stop(kDisk);
    CHECK(child.stat("/x") == ERR_TIMEOUT);
    m.end(kProgram);
    CHECK(bind(kProgram + 1, "/") == OK);
    m.work(kDisk);
    CHECK(other.cat("/motd") == "welcome");
    u32 bound = 1;
    for (u32 i = 2; bind(kProgram + i, "/") == OK; i++) {
        bound++;
    }
    CHECK(bound == kBoundMax);
    CHECK(bind(kProgram, "/") == ERR_FULL);
    m.end(kProgram + 9);
    CHECK(bind(kProgram, "/") == OK);
}

// What it had asked for when it ended must not be done in the subtree of the next one with its number.
TEST_CASE("a request of a program at run time that has ended is not done") {
    constexpr u32 kProgram = sel::Environment::kSystemPrograms + 1;
    Machine m;
    Files starter{m}, child{m, kAll, kProgram};
    Bind bind{.client = kProgram, .read_only = 0, .data = "/disk/a"};
    REQUIRE(starter.ask<Binder>(bind, 3).ok());
    m.gone.insert(kReplies + m.worker->receiver().current());
    CHECK(child.remove("/x") == ERR_GONE);
    m.gone.clear();
    CHECK(m.fs[kDisk].node.contains("/a/x"));
    CHECK(child.remove("/x") == OK);
}

TEST_CASE("a long write is passed on whole, also when the file system dies in it") {
    for (int die : {-1, 0}) {
        Machine m;
        Files all{m};
        FakeFs &fs = m.fs[kDisk];
        std::string text(file::kChunk, 'a');
        for (std::size_t i = 0; i < text.size(); i++) {
            text[i] = static_cast<char>('a' + i % 23);
        }
        u32 handle = all.open("/disk/a/x", file::kWrite).value();
        fs.die_at = die;
        CHECK(all.write(handle, text, 3) == OK);
        CHECK(fs.node.at("/a/x") == "hel" + text);
        auto content = all.ask(file::Read{.handle = handle, .count = file::kChunk, .offset = 3});
        REQUIRE(content.ok());
        CHECK(std::string_view{reinterpret_cast<const char *>(content->data.byte),
                               content->data.size} == text);
    }
}

TEST_CASE("long directories come in parts, with the mount points behind them") {
    Machine m;
    Files all{m};
    std::string expected, below;
    for (u32 i = 100; i < 200; i++) {
        m.fs[kRam].put("/entry " + std::to_string(i), "x");
        m.fs[kDisk].put("/a/entry " + std::to_string(i), "x");
        expected += "entry " + std::to_string(i) + " ";
    }
    below = expected + "x ";
    expected += "motd disk fat ";
    for (u32 batch : {1u, 2u, 7u, 100u}) {
        m.fs[kRam].batch = m.fs[kDisk].batch = batch;
        CHECK(all.list("/") == expected);
        CHECK(all.list("/disk/a") == below);
    }
    m.fs[kRam].put("/disk", FakeFs::kDirectory); // Hidden, alone in its answer.
    m.fs[kRam].batch = 1;
    CHECK(all.list("/") == expected);
    m.fs[kRam].skew = 1u << 31; // Positions are those of mount points.
    CHECK(all.list("/") == failure(ERR_PROTOCOL));
}

// Whatever a file system answers, its clients get an answer that is one, and vfs goes on.
TEST_CASE("file systems that lie") {
    Machine m;
    Files all{m};
    sel::fuzz::Source source{11};
    u32 handle = all.open("/disk/a/x", file::kWrite).value();
    m.fs[kDisk].spoil = [&](sel::Regs &r) {
        if (source.below(3) == 0) {
            source.fill(r, 1);
            r.number = source.below(4) == 0 ? source.below(ERR_COUNT) : u64{OK};
        } else if (source.below(3) == 0) {
            r.word[source.below(4)] = source.word();
        }
    };
    for (u32 round = 0; round < 3000; round++) {
        all.read(handle);
        all.list("/disk");
        all.list("/disk/a");
        all.write(handle, "text");
        all.ask(file::Resolve{.data = "/disk/a/x"}).error();
        all.ask(file::GetUsage{}).error();
        all.rename("/disk/b", "/disk/c");
        all.rename("/disk/c", "/disk/b");
        if (sel::Result<u32> other = all.open("/disk/b"); other.ok()) {
            all.ask(file::Close{.handle = *other}).error();
        }
        all.sync_all();
    }
    m.fs[kDisk].spoil = nullptr;
    CHECK(all.ask(file::CloseAll{}).ok());
    CHECK(all.cat("/motd") == "welcome");
    CHECK(m.waiting() == 0);
}

TEST_CASE("jobs at a gate have their turns, and sweeping comes first") {
    Gate gate;
    CHECK(gate.enter());
    CHECK(!gate.enter());
    CHECK(!gate.push(Gate::job(3)));
    CHECK(!gate.push(Gate::job(5)));
    CHECK(!gate.note(Gate::kSweep));
    CHECK(!gate.leave());
    CHECK(gate.next() == Gate::kSweep);
    CHECK(gate.next() == Gate::job(3));
    CHECK(!gate.push(Gate::job(3))); // Again: the other one first.
    CHECK(gate.next() == Gate::job(5));
    CHECK(gate.next() == Gate::job(3));
    CHECK(gate.next() == 0); // Out.
    CHECK(gate.note(Gate::job(61)));
    CHECK(!gate.enter()); // There is work, which comes first.
    CHECK(gate.enter_for_work());
    CHECK(!gate.enter_for_work());
    CHECK(gate.next() == Gate::job(61));
    CHECK(gate.leave());
    CHECK(!gate.enter_for_work());
    CHECK(gate.push(Gate::job(0)));
}

TEST_CASE("random messages, random answers") {
    Machine m;
    sel::fuzz::server_of<Binder>(*m.worker, m.worker->receiver(), 4, 7);
    sel::fuzz::clients<Binder>();
    sel::fuzz::server_of<file::Api>(*m.worker, m.worker->receiver(), 4, 7);
    sel::fuzz::server_of<View>(*m.worker, m.worker->receiver(), 4, 7);
    sel::fuzz::server_of<Control>(*m.worker, m.worker->receiver(), 4, 7);
    sel::fuzz::clients<file::Api>();
    sel::fuzz::clients<View>();
    sel::fuzz::clients<Control>();
}
