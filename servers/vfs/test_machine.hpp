// TestMachine: the whole vfs without threads, on file systems that die when told to, and its clients.
// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include "fake_fs.hpp"
#include "router.hpp"

#include <catch2/catch.hpp>
#include <memory>
#include <vector>

#include "sel/host.hpp"
#include "sel/server.hpp"

namespace vfs {

inline constexpr FileSystem kMounts[] = {
    {"/", "ramfs", 1}, {"/disk", "fs", 2}, {"/disk/boot", "fs/2", 3}, {"/fat", "fat", 4}};
enum : u32 { kRam, kDisk, kBoot, kFat };

inline constexpr sel::Subtree kClients[] = {
    {"/", false}, {"/disk/a", true}, {"/disk/a", false}, {"/", true}, {"/disk", false}};
enum : u8 { kAll, kReadA, kWriteA, kReadAll, kDiskOnly };

inline constexpr cptr_t kReplies = 20;
inline constexpr u32 kReplyCount = 16;
inline constexpr cptr_t kArrival = 50, kTokens = 60;

// The whole server with one thread, and the kernel below it. A mount that is `stopped` has another thread in it, until
// `work` goes on with what was left there.
struct Machine {
    struct Bells {
        Machine *machine;
        void ring() {
            machine->router->help();
        } // The other threads have done it before the bell has rung out.
        void missing(std::string_view path) { machine->missing.emplace_back(path); }
    };
    using TestRouter = Router<Remote, Bells>;
    using Places = std::array<TestRouter::Place, 4>;

    std::array<FakeFs, 4> fs;
    std::map<std::string, std::string> shared; // Regions of clients, by name: their bytes.
    std::map<cptr_t, std::string> slots; // Capabilities of vfs that it was sent: of which region.
    std::unique_ptr<Names> names;
    std::unique_ptr<LentWindows> windows;
    std::unique_ptr<sel::ReplyPool> pool;
    std::unique_ptr<Places> places;
    std::vector<std::string> missing; // Subtrees, as it was told of them.
    Bells bells{this};
    std::unique_ptr<TestRouter> router;
    std::unique_ptr<Worker<TestRouter>> worker;
    sel::EndedClients ended;
    std::set<cptr_t> gone; // Reply objects whose callers wait no more.
    u64 badge = 0;
    std::vector<std::pair<cptr_t, sel::Regs>> answers;

    Machine() {
        for (FakeFs &one : fs) {
            one.shared = &shared;
        }
        sel::host::kernel = [this](sel::Regs &r) { kernel(r); };
        restart(1);
        fs[kDisk].put("/a", FakeFs::kDirectory);
        fs[kDisk].put("/a/x", "hello");
        fs[kDisk].put("/b", "secret");
        fs[kRam].put("/motd", "welcome");
    }
    ~Machine() { sel::host::kernel = nullptr; }

    void restart(u32 number) {
        file::Life life{number};
        slots.clear();
        windows = std::make_unique<LentWindows>(kTokens);
        names = std::make_unique<Names>(kMounts, kClients);
        pool = std::make_unique<sel::ReplyPool>(sel::SlotRange{kReplies, kReplyCount});
        auto mounted = [&](u32 i) {
            return TestRouter::Mounts{Remote{&fs[i], &slots}, *names, *windows, i, life};
        };
        places.reset(new Places{{{mounted(0)}, {mounted(1)}, {mounted(2)}, {mounted(3)}}});
        router = std::make_unique<TestRouter>(TestRouter::Common{*names, *windows, life},
                                              std::span{*places}, *pool, bells);
        worker = std::make_unique<Worker<TestRouter>>(*router, *pool, sel::Tcb{1}, kArrival);
        REQUIRE(worker->receiver().start().ok());
    }

    void stop(u32 mount) { REQUIRE((*places)[mount].gate.enter()); }
    void work(u32 mount) { router->finish(mount); }

    u32 waiting() const { return pool->used() - 1; } // Callers that were kept.
    void give_up() {                                 // All of these.
        for (u32 i = 0; i < kReplyCount; i++) {
            if (i != worker->receiver().current()) {
                gone.insert(kReplies + i);
            }
        }
    }
    // Its owner has released the region: all tokens are gone.
    void revoke(const std::string &region) {
        std::erase_if(slots, [&](auto &pair) { return pair.second == region; });
    }
    void end(u32 program) {
        sel::host::environment.ends[program - 1]++;
        worker->on_ended(program);
    }

    // A CALL whose answer does not come at once ends with ERR_TIMEOUT.
    void kernel(sel::Regs &r) {
        if (r.number == CALL_REPLY) {
            if (sel::host::reply(r, gone)) {
                answers.push_back({r.cptr, r});
            }
        } else if (r.number == CALL_TCB_BIND) {
            r.number = OK;
        } else if (r.number == CALL_CAP_DELETE) {
            r.number = slots.erase(r.cptr) == 1 ? OK : ERR_CAP;
        } else if (r.number == CALL_CAP_MOVE) {
            auto moved = slots.extract(r.cptr);
            bool done = !moved.empty() && !slots.contains(r.word[0]);
            if (done) {
                slots[r.word[0]] = moved.mapped();
            }
            r.number = done ? OK : ERR_CAP;
        } else if (r.number == CALL_CALL) {
            std::size_t before = answers.size();
            r.cptr = badge;
            bool answered = sel::handle<file::Api, View, Control, Binder>(
                *worker, r, worker->receiver(), ended);
            if (!answered && answers.size() > before) {
                r = answers.back().second;
                answered = true;
            }
            r.number = answered ? OK : ERR_TIMEOUT;
        }
    }
};

// A client with part `part` of the vfs.
struct Files {
    Machine &machine;
    u8 part = kAll;
    u32 client = 7;

    template <typename Api = file::Api, typename M>
    sel::Result<typename M::Answer> ask(const M &m, u64 service = 0) const {
        machine.badge =
            u64{part} << sel::BADGE_PART_SHIFT | service << sel::BADGE_SERVICE_SHIFT | client;
        return sel::Client<Api>{5}.call(m);
    }
    // Lends this region; empty: nothing.
    error_t lend(const std::string &region, u32 window = 0) const {
        if (region.empty()) {
            return ask(file::Lend{.window = window}).error();
        }
        machine.slots[kArrival] = region;
        machine.badge = u64{part} << sel::BADGE_PART_SHIFT | client;
        return sel::Client<file::Api>{5}.call_giving(1, file::Lend{.window = window}).error();
    }
    sel::Result<u32> open(std::string_view path, u32 flags = 0) const {
        return ask(file::Open{.flags = flags, .data = path});
    }
    error_t write(u32 handle, std::string_view text, u64 offset = 0) const {
        file::Write m{.handle = handle, .offset = offset, .data = {}};
        m.data.assign({reinterpret_cast<const u8 *>(text.data()), text.size()});
        return ask(m).error();
    }
    error_t append(u32 handle, std::string_view text) const {
        file::Append m{.handle = handle, .data = {}};
        m.data.assign({reinterpret_cast<const u8 *>(text.data()), text.size()});
        return ask(m).error();
    }
    std::string read(u32 handle) const {
        auto content = ask(file::Read{.handle = handle, .count = 100, .offset = 0});
        if (!content) {
            return "error " + std::to_string(content.error());
        }
        return {reinterpret_cast<const char *>(content->data.byte), content->data.size};
    }
    std::string cat(std::string_view path) const {
        sel::Result<u32> handle = open(path);
        if (!handle) {
            return "error " + std::to_string(handle.error());
        }
        std::string text = read(*handle);
        REQUIRE(ask(file::Close{.handle = *handle}).ok());
        return text;
    }
    std::string list(std::string_view path) const {
        std::string names;
        u32 position = 0;
        for (;;) {
            auto entries = ask(file::List{.position = position, .data = path});
            if (!entries) {
                return entries.error() == ERR_EMPTY ? names
                                                    : "error " + std::to_string(entries.error());
            }
            file::Entry entry;
            for (u32 at = 0; entries->take(at, entry); position = entry.next) {
                names += std::string{entry.name} + " ";
            }
        }
    }
    error_t stat(std::string_view path) const { return ask(file::Stat{.data = path}).error(); }
    error_t rename(std::string_view from, std::string_view to) const {
        return ask(file::Rename{.from = from, .data = to}).error();
    }
    error_t make(std::string_view path) const {
        return ask(file::MakeDirectory{.data = path}).error();
    }
    error_t remove(std::string_view path) const { return ask(file::Remove{.data = path}).error(); }
    error_t sync(u32 handle) const { return ask(file::Sync{.handle = handle}).error(); }
    error_t sync_all() const { return ask(file::SyncAll{}).error(); }
};

inline constexpr u32 kNew = file::kWrite | file::kCreate;

inline std::string failure(error_t error) {
    return "error " + std::to_string(error);
}

} // namespace vfs
