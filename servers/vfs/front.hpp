// Front: takes every request, finds the file system that it is for, and leaves it to that one's worker.
// SPDX-License-Identifier: BSD-2-Clause
//
// The front never waits for a file system, so a slow one stops only those who use it. A request in
// hand is a Job, in the place that its Reply has: as many as there are Reply objects. A worker runs
// the jobs of its file system one by one, answers the client itself, and then forgets the job.
//
// Queue: void push(u32 mount, u32 job), never full; void ring(u32 mount): the epoch of a client has changed.
#pragma once

#include <atomic>
#include <bit>
#include <utility>

#include "mounted.hpp"

#include "sel/later.hpp"

namespace vfs {

// All messages that are left to workers.
using Work =
    sel::Protocol<file::Stat, file::Resolve, file::Open, file::Close, file::Read, file::Write,
                  file::Append, file::ReadInto, file::WriteFrom, file::Truncate, file::List,
                  file::MakeDirectory, file::Remove, file::Rename, file::GetUsage, file::Sync,
                  file::SyncAll, file::Check, file::Watch, GetVolume, Mount, Unmount>;

struct Job {
    u32 label; // In Work.
    Owner owner;
    sel::Detached caller;
    std::atomic<u32> left;  // Workers that are not done with it.
    std::atomic<u32> error; // Of one of them that failed.
    alignas(u64) u8 message[sel::kMessageBytes];
};

// Requests that other threads work on, by the number of their Reply.
using Jobs = std::array<Job, sel::ReplySet::kMax>;

// What the threads share of each client.
struct ClientState {
    std::atomic<u32> epoch = 0;   // Grows with each CloseAll, and when the program has ended.
    std::atomic<u32> pending = 0; // Jobs.
    u32 program = 0;              // Who it is. The front's alone.
};

// Who waits for a change, with a Reply of its own until then.
class Watcher {
  public:
    Watcher() = default;
    // `place`: where Shared notes that this Reply holds a watcher.
    Watcher(sel::Detached caller, std::atomic<u32> &place) : caller_{caller}, place_{&place} {}
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
    sel::Detached caller_;
    std::atomic<u32> *place_ = nullptr;
};

class Shared {
  public:
    static constexpr u32 kPendingMax = 8; // Jobs of one client.
    static constexpr u32 kWatchesMax = 4; // Of one client,
    static constexpr u32 kWatches = 15;   // of all: they take Reply objects.

    explicit Shared(file::Life life) : life_{life} {}

    Job &job(u32 number) { return jobs_[number]; }
    ClientState &client(u8 part) { return client_[part]; }
    file::Life life() const { return life_; }

    // What a worker does with a job.
    template <typename Fs>
    void run(u32 number, Mounted<Fs, Watcher> &mounted) {
        Owner owner = jobs_[number].owner; // Afterwards it may be another job.
        dispatch(Work{}, jobs_[number], mounted);
        if (client_[owner.part].epoch != owner.epoch) {
            sweep(mounted);
        }
    }

    // Room for what a client asks: counted until it is answered. For the front.
    template <typename M>
    bool admit(u8 part) {
        if constexpr (std::is_same_v<M, file::Watch>) {
            return has_room(part, [](u32) { return true; });
        } else {
            ClientState &client = client_[part];
            bool room = client.pending < kPendingMax;
            client.pending += room ? 1 : 0;
            return room;
        }
    }
    // Is there room for a watch if those are left out that nobody waits for any more?
    bool would_admit(u8 part) const {
        return has_room(part, [this](u32 i) { return jobs_[i].caller.waits(); });
    }
    // Job `number` is a watch of this client, until it is answered.
    void note_watch(u32 number, u8 part) { watch_[number] = part + 1u; }

    // What it does when its bell was rung.
    template <typename Fs>
    void sweep(Mounted<Fs, Watcher> &mounted) {
        mounted.sweep([this](u8 part) { return client_[part].epoch.load(); });
    }

  private:
    template <typename... Ms, typename Fs>
    void dispatch(sel::Protocol<Ms...>, Job &job, Mounted<Fs, Watcher> &mounted) {
        u32 label = job.label;
        [[maybe_unused]] bool found =
            ((label == Work::label<Ms>() && (finish<Ms>(job, mounted), true)) || ...);
    }

    template <typename M, typename Fs>
    void finish(Job &job, Mounted<Fs, Watcher> &mounted) {
        M message;
        std::memcpy(static_cast<void *>(&message), job.message, sizeof message);
        if constexpr (std::is_same_v<M, file::Watch>) {
            Watcher watcher{job.caller, watch_[job.caller.index()]};
            mounted.watch(message, job.owner, std::move(watcher));
        } else {
            finish(job, message, mounted);
        }
    }

    template <typename M, typename Fs>
    void finish(Job &job, const M &message, Mounted<Fs, Watcher> &mounted) {
        sel::Result<typename M::Answer> answer = mounted.on(message, job.owner);
        if (!answer) {
            job.error = answer.error();
        }
        if (job.left.fetch_sub(1) != 1) {
            return;
        }
        sel::Detached caller = job.caller;
        error_t error = static_cast<error_t>(job.error.load());
        client_[job.owner.part].pending--;
        if constexpr (std::is_same_v<M, file::SyncAll>) {
            answer = error == OK ? sel::Result<u32>{life_.number()} : error;
        }
        Owner owner = job.owner;
        bool delivered = caller.answer(answer); // From here on the job may be another one.
        if constexpr (std::is_same_v<M, file::Open>) {
            if (answer.ok() && !delivered) { // Nobody knows of this handle.
                [[maybe_unused]] auto closed = mounted.on(file::Close{.handle = *answer}, owner);
            }
        }
    }

    template <typename Counts>
    bool has_room(u8 part, Counts counts) const {
        u32 mine = 0, all = 0;
        for (u32 i = 0; i < watch_.size(); i++) {
            u32 owner = watch_[i];
            if (owner != 0 && counts(i)) {
                mine += owner == part + 1u ? 1 : 0;
                all++;
            }
        }
        return mine < kWatchesMax && all < kWatches;
    }

    file::Life life_;
    Jobs jobs_{};
    std::array<std::atomic<u32>, sel::ReplySet::kMax> watch_{}; // By job: part of its client + 1.
    std::array<ClientState, 256> client_{};
};

template <typename Queue>
class Front {
  public:
    Front(Names &names, Shared &shared, Queue &queue)
        : names_{names}, shared_{shared}, queue_{queue} {}

    sel::Result<> on(const Bind &m) {
        return names_.bind(m.client, m.data, m.read_only != 0, [this](u32 part) {
            return shared_.client(static_cast<u8>(part)).pending == 0;
        });
    }

    sel::Result<u32> on(const file::CloseAll &, sel::Caller caller) {
        caller.part = names_.part_of(caller);
        if (names_.client(caller.part) == nullptr) {
            return ERR_RIGHT;
        }
        shared_.client(caller.part).epoch++;
        ring_all();
        return shared_.life().number();
    }

    // What it held, with any of its capabilities, is closed.
    void on_ended(u32 program) {
        bool any = false;
        for (u32 part = 0; part < names_.clients(); part++) {
            ClientState &client = shared_.client(static_cast<u8>(part));
            if (client.program == program) {
                client.epoch++;
                any = true;
            }
        }
        names_.unbind(program);
        if (any) {
            ring_all();
        }
    }

    template <typename M>
    requires(Work::has<M>) void on(const M &message, sel::Caller caller, sel::Later<M> later) {
        M m = message;
        caller.part = names_.part_of(caller);
        u32 mounts = 0; // A bit each.
        error_t error = route(m, caller, mounts);
        if (error == OK && !admit<M>(caller.part)) {
            error = ERR_FULL;
        }
        if (error != OK) {
            later.answer(error);
            return;
        }
        leave(m, caller, mounts, later.detach());
    }

  private:
    void ring_all() {
        for (u32 left = used_; left != 0; left &= left - 1) {
            queue_.ring(static_cast<u32>(std::countr_zero(left)));
        }
    }

    // Watches that nobody waits for give way: the workers forget them.
    template <typename M>
    bool admit(u8 part) {
        if (shared_.admit<M>(part)) {
            return true;
        }
        if constexpr (std::is_same_v<M, file::Watch>) {
            if (shared_.would_admit(part)) {
                ring_all();
                return true;
            }
        }
        return false;
    }

    template <typename M>
    static constexpr bool is_any(auto... ms) {
        return (std::is_same_v<M, decltype(ms)> || ...);
    }

    // Could this change anything, or keep a disk busy for long?
    template <typename M>
    static bool needs_write(const M &m) {
        if constexpr (std::is_same_v<M, file::Open>) {
            return (m.flags & (file::kWrite | file::kCreate | file::kTruncate)) != 0;
        } else {
            return is_any<M>(file::Write{}, file::WriteFrom{}, file::Append{}, file::Truncate{},
                             file::MakeDirectory{}, file::Remove{}, file::Rename{}, file::SyncAll{},
                             file::Check{});
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
            if (client == nullptr || (client->read_only && needs_write(m)) ||
                (is_any<M>(file::ReadInto{}, file::WriteFrom{}) && client->window == 0)) {
                return ERR_RIGHT;
            }
            return route_file(m, *client, mounts);
        }
    }

    template <typename M>
    error_t route_file(M &m, const sel::Subtree &client, u32 &mounts) {
        if constexpr (requires { m.handle; }) {
            sel::Result<u32> mount = Mounted<int, int>::mount_of(shared_.life(), m.handle);
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

    template <typename M>
    void leave(const M &m, sel::Caller caller, u32 mounts, sel::Detached detached) {
        ClientState &client = shared_.client(caller.part);
        if constexpr (file::Api::has<M>) { // The part of a request about volumes is of no subtree.
            client.program = caller.client;
        }
        if constexpr (std::is_same_v<M, file::Watch>) {
            shared_.note_watch(detached.index(), caller.part);
        }
        if constexpr (!is_any<M>(GetVolume{}, file::SyncAll{})) {
            used_ |= mounts;
        }
        Job &job = shared_.job(detached.index());
        job.label = Work::label<M>();
        job.owner = {caller.part, client.epoch};
        job.caller = detached;
        job.left = static_cast<u32>(__builtin_popcount(mounts));
        job.error = OK;
        std::memcpy(job.message, &m, sizeof m);
        for (u32 left = mounts; left != 0; left &= left - 1) {
            queue_.push(static_cast<u32>(std::countr_zero(left)), detached.index());
        }
    }

    Names &names_;
    Shared &shared_;
    Queue &queue_;
    u32 used_ = 0; // Bits: mounts where a client may have something.
};

} // namespace vfs
