// Router: takes every request, finds the file system that it is for, and does it there or leaves it to who is there.
// SPDX-License-Identifier: BSD-2-Clause
//
// Several threads receive (Worker), one more than there are file systems. The one that gets a request does it itself
// if nobody is in that file system (gate.hpp), and answers when it receives again: nothing is copied. Otherwise the
// request is kept as a Job, in the place that its Reply has, for the thread that is in there. So a slow file system
// stops only those who use it, and there is always somebody who receives.
//
//   request -> admitted -> routed -> in the file system -> answered
//                                 -> job -> (the one who is in) -> answered
// What is to be done where nobody is (a CloseAll, an end, a SyncAll) is noted at the gate, and all threads are rung.
//
// Threads share no lock. What they share of a client only grows (CloseAll, ends), and a part of the name space is
// bound anew only while no request of it is in hand (`pending`).
#pragma once

#include <atomic>
#include <bit>
#include <span>
#include <utility>

#include "gate.hpp"
#include "mounted.hpp"

#include "sel/reply_pool.hpp"

namespace vfs {

// All messages that are done in a file system.
using Work =
    sel::Protocol<file::Stat, file::Resolve, file::Open, file::Close, file::Read, file::Write,
                  file::Append, file::ReadInto, file::WriteFrom, file::Truncate, file::List,
                  file::MakeDirectory, file::Remove, file::Rename, file::GetUsage, file::Sync,
                  file::SyncAll, file::Check, file::Watch, file::Fetch, GetVolume, Mount, Unmount>;

// A request that was kept.
struct Job {
    u32 label; // In Work.
    Owner owner;
    sel::PendingReply caller;
    std::atomic<u32> left;  // File systems that are not done with it.
    std::atomic<u32> error; // Of one of them that failed.
    alignas(u64) u8 message[sel::kMessageBytes];
};

// What threads share of each client.
struct Client {
    std::atomic<u32> program = 0;    // Who it is.
    std::atomic<u32> closes = 0;     // CloseAll of it.
    std::atomic<u32> pending = 0;    // Requests in hand.
    std::atomic<u32> mounts = 0;     // Bits: where it may have something.
    std::atomic<bool> lends = false; // A thread changes what it lends.
    std::atomic<bool> told = false;  // That its subtree is not there.
};

// Who waits for a change, with a Reply of its own until then.
class Watcher {
  public:
    Watcher() = default;
    // `place`: where the Router notes that this Reply holds a watcher.
    Watcher(sel::PendingReply caller, std::atomic<u32> &place) : caller_{caller}, place_{&place} {}
    Watcher(Watcher &&other)
        : caller_{other.caller_}, place_{std::exchange(other.place_, nullptr)} {}
    // Only over one that has been answered.
    Watcher &operator=(Watcher &&other) {
        caller_ = other.caller_;
        place_ = std::exchange(other.place_, nullptr);
        return *this;
    }

    explicit operator bool() const { return place_ != nullptr; }
    bool waits() const { return place_ != nullptr && caller_.waits(); }
    void answer(const sel::Result<u64> &count) {
        *place_ = 0; // Before the Reply is free for another one.
        place_ = nullptr;
        caller_.answer(count);
    }

  private:
    sel::PendingReply caller_;
    std::atomic<u32> *place_ = nullptr;
};

// Fs: as Mounted has it. Bells: void ring(), wakes all threads that wait; void missing(path): a client's subtree is not
// there, so all that it names is not (ERR_NAME). Told once of each client.
template <typename Fs, typename Bells>
class Router {
  public:
    using Mounts = Mounted<Fs, Watcher>;

    static constexpr u32 kPendingMax = 8; // Requests of one client in hand.
    static constexpr u32 kWatchesMax = 4; // Of one client,
    static constexpr u32 kWatches = 15;   // of all: they take Reply objects.

    struct Place {
        Mounts mounted;
        Gate gate{};
    };

    // What all of vfs knows of its clients.
    struct Common {
        Names &names;
        LentWindows &windows;
        file::Life life;
    };

    // `places`: in the order of the names. `pool`: of fewer than Gate::kJobs.
    Router(const Common &common, std::span<Place> places, const sel::ReplyPool &pool, Bells &bells)
        : names_{common.names}, windows_{common.windows}, life_{common.life}, places_{places},
          pool_{pool}, bells_{bells} {}

    sel::Result<> bind(const Bind &m) {
        if (binding_.exchange(true)) {
            return ERR_BUSY;
        }
        sel::Result<> bound = names_.bind(m.client, m.data, m.read_only != 0, [this](u32 part) {
            return client_[part & kPart].pending == 0;
        });
        if (bound) {
            client_[names_.part_of({m.client, false}) & kPart].told = false;
        }
        binding_ = false;
        return bound;
    }

    sel::Result<u32> close_all(sel::Caller caller) {
        u8 part = names_.part_of(caller);
        if (names_.client(part) == nullptr) {
            return ERR_RIGHT;
        }
        u32 mounts = client_[part].mounts.exchange(0); // What is noted later is of the next life.
        client_[part].closes++;
        sweep(mounts);
        drop_windows();
        return life_.number();
    }

    // The token in slot `arrival` is what the client lends from now on; 0: nothing. Where it is used, it goes back.
    sel::Result<> lend(const file::Lend &m, sel::Caller caller, cptr_t arrival,
                       const sel::Receiver &receiver) {
        caller.part = names_.part_of(caller);
        Client &client = client_[caller.part];
        bool room = client.pending.fetch_add(1) < kPendingMax;
        error_t error = room ? check(caller, receiver) : ERR_FULL;
        if (error == OK) {
            error = names_.client(caller.part) == nullptr ? ERR_RIGHT
                    : m.window != 0                       ? ERR_ARG
                                                          : OK;
        }
        if (error == OK && client.lends.exchange(true)) {
            error = ERR_BUSY;
        } else if (error == OK) {
            Owner owner = begin<file::Lend>(client, caller, 0);
            error = windows_.lend(owner, arrival, [this](Owner o) { return is_over(o); }).error();
            client.lends = false;
            sweep(client.mounts);
        }
        client.pending--;
        return error;
    }

    // What it held, with any of its capabilities, is closed.
    void on_ended(u32 program) {
        u32 mounts = 0;
        for (u32 part = 0; part < names_.clients(); part++) {
            Client &client = client_[part & kPart];
            mounts |= client.program == program ? client.mounts.exchange(0) : 0;
        }
        sweep(mounts);
        drop_windows();
    }

    // Does what is left where nobody is.
    void help() {
        for (u32 mount = 0; mount < places_.size(); mount++) {
            if (places_[mount].gate.enter_for_work()) {
                finish(mount);
            }
        }
    }

    // What others have left there; the caller is in, and then out.
    void finish(u32 mount) {
        auto &[mounted, gate] = places_[mount];
        for (u64 work = gate.next(); work != 0; work = gate.next()) {
            if (work == Gate::kSweep) {
                sweep_here(mounted);
            } else {
                run(Work{}, static_cast<u32>(std::countr_zero(work)), mounted);
            }
        }
    }

    // True: `r` is the answer; false: it has been answered, or will be.
    template <typename M>
    bool take(M &m, sel::Caller caller, sel::Regs &r, sel::Receiver &receiver) {
        receiver.owe(M::kAnswerMs);
        caller.part = names_.part_of(caller);
        Client &client = client_[caller.part];
        bool room = client.pending.fetch_add(1) < kPendingMax || is_any<M, file::Watch>;
        u32 mounts = 0;
        error_t error = room ? check(caller, receiver) : ERR_FULL;
        error = error == OK ? route(m, caller, mounts) : error;
        if (error != OK) {
            client.pending--;
            sel::store_error(r, error);
            return true;
        }
        Owner owner = begin<M>(client, caller, mounts);
        if constexpr (!is_any<M, file::Watch, file::SyncAll>) {
            u32 mount = static_cast<u32>(std::countr_zero(mounts));
            if (places_[mount].gate.enter()) {
                return do_now(m, owner, mount, r, receiver);
            }
        }
        return keep(m, owner, mounts, r, receiver);
    }

  private:
    static constexpr u32 kPart = 255;

    template <typename M, typename... Ms>
    static constexpr bool is_any = (std::is_same_v<M, Ms> || ...);

    Owner owner_of(u8 part) const {
        u32 program = client_[part].program;
        return {part, program, client_[part].closes + Names::ends_of(program)};
    }

    // What it lent is not used for anything that it has asked for.
    bool is_over(Owner o) const { return owner_of(o.part) != o && client_[o.part].pending == 0; }
    void drop_windows() {
        windows_.drop_void([this](Owner o) { return is_over(o); });
    }

    // --- Who may what, where.

    // A program at run time may have ended before this was looked at, and another one be bound now. While it waits
    // for this answer it has not.
    static error_t check(sel::Caller caller, const sel::Receiver &receiver) {
        return Names::is_child(caller.client) && !receiver.waits() ? ERR_GONE : OK;
    }

    // Could this change anything, or keep a disk busy for long?
    template <typename M>
    static bool needs_write(const M &m) {
        if constexpr (std::is_same_v<M, file::Open>) {
            return (m.flags & (file::kWrite | file::kCreate | file::kTruncate)) != 0;
        } else {
            return is_any<M, file::Write, file::WriteFrom, file::Append, file::Truncate,
                          file::MakeDirectory, file::Remove, file::Rename, file::SyncAll,
                          file::Check>;
        }
    }

    // Who shall do it; paths in `m` become those inside its file system.
    template <typename M>
    error_t route(M &m, sel::Caller caller, u32 &mounts) {
        if constexpr (std::is_same_v<M, GetVolume>) {
            mounts = m.place < names_.count() ? 1u << m.place : 0;
            return mounts != 0 ? OK : ERR_NAME;
        } else if constexpr (std::is_same_v<M, Mount> || std::is_same_v<M, Unmount>) {
            sel::Result<u32> mount = names_.find_mount(m.data);
            mounts = 1u << mount.value_or(0);
            return mount.error();
        } else {
            const sel::Subtree *client = names_.client(caller.part);
            if (client == nullptr || (client->read_only && needs_write(m))) {
                return ERR_RIGHT;
            }
            if constexpr (requires { m.window; }) {
                if (m.window != 0) {
                    return ERR_ARG;
                }
            }
            return route_file(m, *client, mounts);
        }
    }

    template <typename M>
    error_t route_file(M &m, const sel::Subtree &client, u32 &mounts) {
        if constexpr (requires { m.handle; }) {
            sel::Result<u32> mount = Mounts::mount_of(life_, m.handle);
            mounts = 1u << mount.value_or(0);
            return mount.ok() && *mount >= names_.count() ? ERR_ARG : mount.error();
        } else if constexpr (std::is_same_v<M, file::SyncAll>) {
            for (u32 mount = 0; mount < names_.count(); mount++) {
                mounts |= names_.sees(client, mount) ? 1u << mount : 0;
            }
            return OK;
        } else if constexpr (std::is_same_v<M, file::GetUsage>) {
            sel::Result<Names::Place> place = names_.find(client, "/");
            mounts = place.ok() ? 1u << place->mount : 0;
            return place.error();
        } else {
            error_t error = enter(client, m.data, mounts);
            if constexpr (std::is_same_v<M, file::Rename>) {
                u32 from = 0;
                error = error == OK ? enter(client, m.from, from) : error;
                error = error == OK && from != mounts ? ERR_TYPE : error;
            }
            return error;
        }
    }

    error_t enter(const sel::Subtree &client, file::Path &path, u32 &mounts) {
        sel::Result<Names::Place> place = names_.find(client, path);
        if (place.ok()) {
            path = place->inside.view();
            mounts = 1u << place->mount;
        }
        return place.error();
    }

    // Whose request it is. The part of one about volumes is of no subtree.
    template <typename M>
    Owner begin(Client &client, sel::Caller caller, u32 mounts) {
        if constexpr (file::Api::has<M>) {
            client.program = caller.client;
        }
        Owner owner = owner_of(caller.part);
        if constexpr (file::Api::has<M> && !is_any<M, file::SyncAll>) {
            client.mounts |= mounts;
        }
        return owner;
    }

    // --- In a file system.

    // The caller is in, and gives that up.
    template <typename M>
    bool do_now(M &m, Owner owner, u32 mount, sel::Regs &r, sel::Receiver &receiver) {
        auto &[mounted, gate] = places_[mount];
        mounted.on_received(m, owner, r);
        if (r.label() == ERR_NAME) {
            look_for_subtree(mounted, owner);
        }
        client_[owner.part].pending--;
        bool known = !is_any<M, file::Open> || r.label() != OK;
        bool current = owner_of(owner.part) == owner;
        if (known && current && gate.leave()) {
            return true;
        }
        u32 handle = static_cast<u32>(r.word[0]);
        if (!receiver.answer(r) && !known) { // Nobody knows of this handle.
            [[maybe_unused]] auto closed = mounted.close(handle, owner);
        }
        if (!current) {
            sweep_here(mounted);
        }
        finish(mount);
        return false;
    }

    // Something that a client has named is not there. Is it because nothing of what it may name is?
    void look_for_subtree(Mounts &mounted, Owner owner) {
        const sel::Subtree *client = names_.client(owner.part);
        if (client == nullptr || client->path == "/" || client_[owner.part].told) {
            return;
        }
        sel::Result<Names::Place> top = names_.find(*client, "/");
        if (top.ok() && top->mount == mounted.place() && !mounted.has(top->inside.view()) &&
            !client_[owner.part].told.exchange(true)) {
            bells_.missing(client->path);
        }
    }

    void sweep_here(Mounts &mounted) {
        mounted.sweep([this](u8 part) { return owner_of(part); });
    }

    void sweep_all() { sweep(~0u >> (32 - names_.count())); }
    void sweep(u32 mounts) {
        bool ring = false;
        for (u32 left = mounts; left != 0; left &= left - 1) {
            ring =
                places_[static_cast<u32>(std::countr_zero(left))].gate.note(Gate::kSweep) || ring;
        }
        if (ring) {
            bells_.ring();
        }
    }

    // --- Jobs.

    // Leaves it to whoever is there, or, if it is for several file systems, to all threads.
    template <typename M>
    bool keep(const M &m, Owner owner, u32 mounts, sel::Regs &r, sel::Receiver &receiver) {
        sel::PendingReply caller;
        u32 number = receiver.current();
        bool room = !is_any<M, file::Watch> || admit_watch(owner.part, number);
        if (!room || !receiver.keep(caller)) {
            watch_[number] = 0;
            sweep_all(); // Watches that nobody waits for give way.
            client_[owner.part].pending--;
            sel::store_error(r, ERR_FULL);
            return true;
        }
        sel::ReplyPool::owe(caller.index(), M::kAnswerMs);
        Job &job = job_[caller.index()];
        job.label = Work::label<M>();
        job.owner = owner;
        job.caller = caller;
        job.left = static_cast<u32>(std::popcount(mounts));
        job.error = OK;
        std::memcpy(job.message, &m, sizeof m);
        u64 work = Gate::job(caller.index());
        if (std::has_single_bit(mounts)) {
            u32 mount = static_cast<u32>(std::countr_zero(mounts));
            if (places_[mount].gate.push(work)) {
                finish(mount);
            }
            return false;
        }
        for (u32 left = mounts; left != 0; left &= left - 1) {
            places_[static_cast<u32>(std::countr_zero(left))].gate.note(work);
        }
        bells_.ring();
        help();
        return false;
    }

    // Notes that the caller whom Reply `number` holds watches. False: there is no room for that.
    bool admit_watch(u8 part, u32 number) {
        u32 mine = 0, all = 0, left = 0;
        watch_[number] = part + 1u;
        for (u32 i = 0; i < watch_.size(); i++) {
            u32 owner = watch_[i];
            if (owner != 0 && pool_.waits(i)) {
                mine += owner == part + 1u ? 1 : 0;
                all++;
            } else if (owner != 0) {
                left++;
            }
        }
        if (left != 0) {
            sweep_all();
        }
        return mine <= kWatchesMax && all <= kWatches;
    }

    template <typename... Ms>
    void run(sel::Protocol<Ms...>, u32 number, Mounts &mounted) {
        Job &job = job_[number];
        u32 label = job.label;
        Owner owner = job.owner; // Afterwards it may be another job.
        [[maybe_unused]] bool found =
            ((label == Work::label<Ms>() && (complete<Ms>(job, mounted), true)) || ...);
        if (owner_of(owner.part) != owner) {
            sweep_here(mounted);
        }
    }

    template <typename M>
    void complete(Job &job, Mounts &mounted) {
        M m;
        std::memcpy(static_cast<void *>(&m), job.message, sizeof m);
        if constexpr (std::is_same_v<M, file::Watch>) {
            u8 part = job.owner.part;
            mounted.watch(m, job.owner, Watcher{job.caller, watch_[job.caller.index()]});
            client_[part].pending--;
        } else {
            complete(job, m, mounted);
        }
    }

    template <typename M>
    void complete(Job &job, M &m, Mounts &mounted) {
        sel::Regs r{};
        mounted.on(m, job.owner, r);
        if (r.label() == ERR_NAME) {
            look_for_subtree(mounted, job.owner);
        }
        if (r.label() != OK) {
            job.error = r.label();
        }
        if (job.left.fetch_sub(1) != 1) {
            return;
        }
        Owner owner = job.owner;
        client_[owner.part].pending--;
        if constexpr (std::is_same_v<M, file::SyncAll>) {
            auto error = static_cast<error_t>(job.error.load());
            sel::store_answer(r, error == OK ? sel::Result<u32>{life_.number()} : error);
        }
        bool opened = std::is_same_v<M, file::Open> && r.label() == OK;
        u32 handle = static_cast<u32>(r.word[0]);
        if (!job.caller.answer(r) && opened) { // From here on the job may be another one.
            [[maybe_unused]] auto closed = mounted.close(handle, owner);
        }
    }

    Names &names_;
    LentWindows &windows_;
    file::Life life_;
    std::span<Place> places_;
    const sel::ReplyPool &pool_;
    Bells &bells_;
    std::atomic<bool> binding_ = false;
    std::array<Client, kPart + 1> client_{};
    std::array<Job, sel::ReplyPool::kMax> job_{};
    std::array<std::atomic<u32>, sel::ReplyPool::kMax> watch_{}; // By job: part of its client + 1.
};

// What one thread answers.
template <typename Router>
class Worker {
  public:
    // `arrival`: the empty slot where capabilities arrive with what this thread receives.
    Worker(Router &router, sel::ReplyPool &pool, sel::Tcb self, cptr_t arrival)
        : router_{router}, receiver_{pool, self}, arrival_{arrival} {}

    sel::Receiver &receiver() { return receiver_; }

    sel::Result<> on(const Bind &m) { return router_.bind(m); }
    sel::Result<u32> on(const file::CloseAll &, sel::Caller caller) {
        return router_.close_all(caller);
    }
    sel::Result<> on(const file::Lend &m, sel::Caller caller) {
        cptr_t arrival = caller.capability ? arrival_ : 0;
        sel::Result<> lent = router_.lend(m, caller, arrival, receiver_);
        if (caller.capability) { // If it was not kept.
            [[maybe_unused]] auto removed = sel::Capability{arrival_}.remove();
        }
        return lent;
    }
    template <typename M>
    requires(Work::has<M>) bool on(M &m, sel::Caller caller, sel::Regs &r) {
        return router_.take(m, caller, r, receiver_);
    }
    void on_signal(u64) { router_.help(); }
    void on_ended(u32 program) { router_.on_ended(program); }

  private:
    Router &router_;
    sel::Receiver receiver_;
    cptr_t arrival_;
};

} // namespace vfs
