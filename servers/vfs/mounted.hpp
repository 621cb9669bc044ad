// Mounted: one file system as the vfs uses it: what clients have open there, and going on when it dies.
// SPDX-License-Identifier: BSD-2-Clause
//
// A session begins with CloseAll. When the file system turns out to have died (ERR_RESTARTED) there
// is a new one, and every handle is opened anew by its path when it is next used. Hidden is only
// what loses nothing:
//   reads, and writes at a position   are repeated (kTries)
//   whoever may have lost something   is told ERR_RESTARTED: a handle with writes that were not
//                                     synced, once and for all; a client with changes, at SyncAll
//   everything else                   is told ERR_RESTARTED, for nobody knows whether it was done
//
// A file system that does not answer in kPatienceMs is not waited for any longer (ERR_TIMEOUT); what it may
// still do for us then ends with the next session, which the next request begins.
//
// Fs is what it calls: `through(window)` as sel::Mount has it. Only one thread uses a Mounted.
#pragma once

#include <array>

#include "api.hpp"
#include "names.hpp"

#include "servers/file/watch.hpp"

#include "sel/clock.hpp"

namespace vfs {

// Whose handle it is. A new epoch of a client begins with its CloseAll: older handles are void.
struct Owner {
    u8 part;
    u32 epoch;
};

// Watcher: a client that waits for a change (servers/file/watch.hpp has what it must be able to do).
template <typename Fs, typename Watcher>
class Mounted {
  public:
    static constexpr u32 kHandles = 128;
    static constexpr u32 kHandlesPerClient = 32;
    static constexpr u32 kTries = 3;
    static constexpr u64 kPatienceMs =
        120'000;                         // More than a disk takes that answers at the last moment.
    static constexpr u32 kClients = 256; // Parts that a badge can name.

    // `life` of the vfs, which seals its handles.
    Mounted(Fs fs, const Names &names, u32 place, file::Life life)
        : fs_{fs}, names_{names}, place_{place}, life_{life} {}

    // Which mount a handle belongs to; ERR_RESTARTED: it is of an earlier life of the vfs.
    static sel::Result<u32> mount_of(file::Life life, u32 handle) {
        sel::Result<u32> index = life.open(handle);
        return index.ok() ? sel::Result<u32>{*index >> kMountShift} : index;
    }

    // --- By path: inside this file system.

    sel::Result<file::Info> on(const file::Stat &m, Owner) { return repeat(m); }
    sel::Result<file::Spelling> on(const file::Resolve &m, Owner o) {
        sel::Result<file::Spelling> inside = repeat(m);
        if (!inside) {
            return inside;
        }
        sel::Result<file::FullPath> path =
            names_.shown(*names_.client(o.part), place_, inside->data);
        return path.ok() ? sel::Result{file::Spelling{path->view()}} : path.error();
    }
    sel::Result<file::Usage> on(const file::GetUsage &m, Owner) { return repeat(m); }
    sel::Result<file::Checked> on(const file::Check &m, Owner) { return repeat(m); }

    sel::Result<file::Entry> on(const file::List &m, Owner) {
        bool root = m.data == "/";
        file::List next = m;
        for (u32 i = 0; next.position < kPoints && i <= Names::kMountsMax; i++) {
            sel::Result<file::Entry> entry = repeat(next);
            if (root && entry.error() == ERR_EMPTY) {
                next.position = kPoints;
            } else if (entry.ok() && entry->next >= kPoints) {
                return ERR_PROTOCOL;
            } else if (!root || !entry || !is_point(entry->data)) {
                return entry;
            } else {
                next.position = entry->next; // What is mounted there hides it.
            }
        }
        return root ? point(next.position - kPoints) : ERR_EMPTY;
    }

    sel::Result<> on(const file::MakeDirectory &m, Owner o) {
        sel::Result<> done = change(m, o);
        tell(m.data, done);
        return done;
    }

    sel::Result<> on(const file::Remove &m, Owner o) {
        spell_handles();
        file::Path path = spelling(m.data);
        sel::Result<> done = change(m, o);
        tell(path, done);
        for (Handle &handle : handle_) {
            if (handle.used && handle.path == path.view()) {
                handle.gone = handle.gone || done.ok();
                handle.lost = handle.lost || done.error() == ERR_RESTARTED;
            }
        }
        return done;
    }

    sel::Result<> on(const file::Rename &m, Owner o) {
        spell_handles();
        file::Path from = spelling(m.from), replaced = spelling(m.data);
        sel::Result<> done = change(m, o);
        if (!done && done.error() != ERR_RESTARTED) {
            return done;
        }
        watchers_.all_changed();
        file::Path to = done.ok() ? spelling(m.data) : replaced;
        for (Handle &handle : handle_) {
            if (!handle.used || handle.gone) {
                continue;
            }
            if (done.ok()) {
                renamed(handle, from, replaced, to);
            } else {
                handle.lost =
                    handle.lost || handle.path == replaced.view() || is_within(handle.path, from);
            }
        }
        return done;
    }

    // All changes come through here: the file system itself is not asked.
    void watch(const file::Watch &m, Owner o, Watcher watcher) {
        watchers_.watch(m, o.part, std::move(watcher));
    }

    // --- Handles.

    sel::Result<u32> on(const file::Open &m, Owner o) {
        sel::Result<u32> slot = free_slot(o);
        if (!slot) {
            return slot;
        }
        sel::Result<u32> inner = ERR_RESTARTED;
        for (u32 i = 0; i < kTries && inner.error() == ERR_RESTARTED; i++) {
            inner = repeat(m);
            if (inner.ok() && file::Life{fs_life_}.open(*inner).error() == ERR_RESTARTED) {
                inner = begin_session().ok() ? ERR_RESTARTED : ERR_GONE; // It had died unnoticed.
            }
        }
        if (!inner) {
            return inner;
        }
        bool writable = (m.flags & file::kWrite) != 0;
        bool changed = writable && (m.flags & (file::kCreate | file::kTruncate)) != 0;
        Handle &handle = handle_[*slot];
        handle = Handle{.used = true,
                        .writable = writable,
                        .unsynced = changed,
                        .owner = o,
                        .use = handle.use + 1,
                        .session = session_,
                        .inner = *inner,
                        .path = m.data};
        note_change(o, changed);
        if (changed) {
            watchers_.changed(m.data);
        }
        return life_.seal(place_ << kMountShift | (handle.use & kUseMask) << kUseShift | *slot);
    }

    sel::Result<> on(const file::Close &m, Owner o) {
        Handle *handle = find(m.handle, o);
        if (handle == nullptr) {
            return ERR_ARG;
        }
        sel::Result<> done;
        if (handle->session == session_ && !handle->lost) {
            done = ask(file::Close{.handle = handle->inner});
            if (done.error() == ERR_RESTARTED) {
                [[maybe_unused]] auto begun = begin_session();
                done = OK;
            }
        }
        bool lost = handle->lost;
        handle->used = false;
        return lost ? ERR_RESTARTED : done;
    }

    sel::Result<file::Content> on(const file::Read &m, Owner o) { return use(m, o); }
    sel::Result<> on(const file::Write &m, Owner o) { return write(m, o); }
    sel::Result<u32> on(const file::ReadInto &m, Owner o) { return use(m, o, window_of(o)); }
    sel::Result<> on(const file::WriteFrom &m, Owner o) { return write(m, o, window_of(o)); }
    sel::Result<> on(const file::Truncate &m, Owner o) { return write(m, o); }
    sel::Result<> on(const file::Append &m, Owner o) { return write(m, o); }

    sel::Result<> on(const file::Sync &m, Owner o) {
        sel::Result<> done = use(m, o);
        if (Handle *handle = find(m.handle, o); handle != nullptr && done.ok()) {
            handle->unsynced = false;
        }
        return done;
    }

    // The answer does not matter: the vfs says its own life.
    sel::Result<u32> on(const file::SyncAll &m, Owner o) {
        if (!mounted_) { // It was synced when it was taken out.
            return 0u;
        }
        sel::Result<u32> life = repeat(m);
        if (life.ok() && *life != fs_life_) {
            life = begin_session().error() == OK ? life : ERR_GONE;
        }
        unsaved_ = life.error();
        if (!life) { // A server that is not there saves nothing; what matters is what it had.
            bool dead = life.error() == ERR_GONE || life.error() == ERR_RESTARTED;
            return dead && state_[o.part] == State::Clean ? sel::Result<u32>{0u} : life;
        }
        bool lost = state_[o.part] == State::Lost;
        all_is_synced();
        state_[o.part] = State::Clean;
        return lost ? ERR_RESTARTED : life;
    }

    // --- The file system as a whole.

    // Closes what clients of an earlier epoch have left, and forgets watches that nobody waits for.
    // `epoch(part)`: the present one.
    template <typename Epoch>
    void sweep(Epoch epoch) {
        for (u32 part = 0; part < kClients; part++) {
            u32 now = epoch(static_cast<u8>(part));
            if (epoch_[part] != now) {
                watchers_.forget(part);
            }
            epoch_[part] = now;
        }
        watchers_.drop_left();
        for (Handle &handle : handle_) {
            if (handle.used && handle.owner.epoch != epoch(handle.owner.part)) {
                if (handle.session == session_) {
                    [[maybe_unused]] auto closed = ask(file::Close{.handle = handle.inner});
                }
                handle.used = false;
            }
        }
    }

    sel::Result<Volume> on(const GetVolume &, Owner) {
        Volume volume{};
        volume.mounted = mounted_;
        volume.unsaved = unsaved_;
        volume.server = names_.mount(place_).name;
        volume.data = names_.mount(place_).path;
        for (const Handle &handle : handle_) {
            volume.open += handle.used ? 1 : 0;
        }
        sel::Result<file::Usage> usage = repeat(file::GetUsage{});
        volume.error = usage.error();
        volume.known = session_ != 0 ? 1 : 0;
        volume.usage = usage.value_or({});
        return volume;
    }

    sel::Result<> on(const Mount &, Owner) {
        if (mounted_) {
            return ERR_EXISTS;
        }
        mounted_ = true;
        sel::Result<> begun = begin_session();
        mounted_ = begun.ok();
        return begun;
    }

    sel::Result<> on(const Unmount &, Owner o) {
        if (!mounted_ || names_.mount(place_).path == "/") {
            return mounted_ ? ERR_ARG : ERR_GONE;
        }
        for (const Handle &handle : handle_) {
            if (handle.used) {
                return ERR_BUSY;
            }
        }
        sel::Result<u32> synced = on(file::SyncAll{}, o);
        mounted_ = !synced.ok();
        if (!mounted_) { // One that is not there has no disk either.
            [[maybe_unused]] auto left = begin_session(1);
        }
        watchers_.all_changed();
        return synced.error();
    }

  private:
    // A handle for clients: life, mount, how often the slot has been used, slot.
    static constexpr u32 kMountShift = 12, kUseShift = 7, kUseMask = 31;
    static_assert(kHandles <= 1 << kUseShift && Names::kMountsMax <= 1 << (16 - kMountShift));
    static constexpr u32 kPoints = 1u << 31; // List: positions of mount points begin here.

    enum class State : u8 { Clean, Changed, Lost };

    struct Handle {
        bool used = false;
        bool writable = false;
        bool unsynced = false; // Written, and not on the disk for sure.
        bool lost = false;     // What was unsynced when the file system died.
        bool gone = false;     // Its name was removed, or given to another file.
        bool spelled = false;  // `path` is as the file system spells it.
        Owner owner{};
        u32 use = 0;
        u32 session = 0; // In which `inner` is good.
        u32 inner = 0;
        file::Path path{};
    };

    // --- Sessions.

    // Everything that the file system had open for us is closed there. With `leave` nothing follows.
    sel::Result<> begin_session(u32 leave = 0) {
        sel::Result<u32> life = ERR_RESTARTED;
        for (u32 i = 0; i < kTries && life.error() == ERR_RESTARTED; i++) {
            life = ask(file::CloseAll{.leave = leave});
        }
        if (!life) {
            return life.error();
        }
        unsettled_ = false;
        if (session_ != 0 && *life != fs_life_) {
            lose_unsynced();
        }
        fs_life_ = *life;
        session_++;
        return {};
    }

    sel::Result<> need_session() {
        return session_ == 0 || unsettled_ ? begin_session() : sel::Result<>{};
    }

    template <typename M>
    sel::Result<typename M::Answer> ask(const M &m, u32 window = 0) {
        auto answer = fs_.through(window).call_within(patience_, m);
        unsettled_ = unsettled_ || answer.error() == ERR_TIMEOUT;
        return answer;
    }

    void lose_unsynced() {
        watchers_.all_changed();
        for (Handle &handle : handle_) {
            handle.lost = handle.lost || handle.unsynced;
        }
        for (State &state : state_) {
            state = state == State::Clean ? State::Clean : State::Lost;
        }
    }

    u32 window_of(Owner o) const { return names_.client(o.part)->window; }

    // Calls once; when the file system died in it, a new session has begun.
    template <typename M>
    sel::Result<typename M::Answer> once(const M &m, u32 window = 0) {
        if (!mounted_) {
            return ERR_GONE;
        }
        if (sel::Result<> begun = need_session(); !begun) {
            return begun.error();
        }
        sel::Result<typename M::Answer> answer = ask(m, window);
        if (answer.error() == ERR_RESTARTED) {
            sel::Result<> begun = begin_session();
            return begun.ok() ? ERR_RESTARTED : begun.error();
        }
        return answer;
    }

    template <typename M>
    sel::Result<typename M::Answer> repeat(const M &m) {
        sel::Result<typename M::Answer> answer = once(m);
        for (u32 i = 1; i < kTries && answer.error() == ERR_RESTARTED; i++) {
            answer = once(m);
        }
        return answer;
    }

    // --- Changes.

    // But for what was lost before.
    void all_is_synced() {
        for (State &state : state_) {
            state = state == State::Lost ? State::Lost : State::Clean;
        }
        for (Handle &handle : handle_) {
            handle.unsynced = false;
        }
    }

    void note_change(Owner o, bool changed) {
        if (changed && state_[o.part] == State::Clean) {
            state_[o.part] = State::Changed;
        }
    }

    // It was done, or perhaps.
    void tell(std::string_view path, const sel::Result<> &done) {
        if (done.ok() || done.error() == ERR_RESTARTED) {
            watchers_.changed(path);
        }
    }

    template <typename M>
    sel::Result<> change(const M &m, Owner o) {
        sel::Result<> done = once(m);
        note_change(o, done.ok());
        return done;
    }

    // --- Names, as the file system spells them: only these can be compared.

    // As it was said, if nothing is there.
    file::Path spelling(const file::Path &said) {
        sel::Result<file::Spelling> spelled = repeat(file::Resolve{.data = said});
        return spelled.ok() ? spelled->data : said;
    }
    // Before a name changes. Handles that were opened since the last change cost a call each.
    void spell_handles() {
        for (Handle &handle : handle_) {
            if (handle.used && !handle.gone && !handle.spelled) {
                handle.path = spelling(handle.path);
                handle.spelled = true;
            }
        }
    }

    static bool is_within(const file::Path &path, const file::Path &directory) {
        sel::Result<file::FullPath> full = file::FullPath::parse(path);
        return full.ok() && full->is_within(directory);
    }

    void renamed(Handle &handle, const file::Path &from, const file::Path &replaced,
                 const file::Path &to) {
        sel::Result<file::FullPath> path = file::FullPath::parse(handle.path);
        if (path.ok() && path->is_within(from)) {
            file::FullPath now = *path;
            handle.gone = !now.move(from, to);
            handle.path = now.view();
        } else {
            handle.gone = handle.path == replaced.view();
        }
    }

    // --- Handles.

    sel::Result<u32> free_slot(Owner o) const {
        u32 free = kHandles, held = 0;
        for (u32 i = kHandles; i-- > 0;) {
            free = handle_[i].used ? free : i;
            held += handle_[i].used && handle_[i].owner.part == o.part ? 1 : 0;
        }
        return free == kHandles || held >= kHandlesPerClient ? sel::Result<u32>{ERR_FULL} : free;
    }

    // nullptr: it is not one of this client's.
    Handle *find(u32 sealed, Owner o) {
        u32 index = life_.open(sealed).value_or(0);
        Handle &handle = handle_[index & (kHandles - 1)];
        bool same = handle.used && handle.owner.part == o.part && handle.owner.epoch == o.epoch &&
                    (handle.use & kUseMask) == (index >> kUseShift & kUseMask);
        return same ? &handle : nullptr;
    }

    sel::Result<> reopen(Handle &handle) {
        sel::Result<u32> inner =
            once(file::Open{.flags = handle.writable ? u32{file::kWrite} : 0, .data = handle.path});
        if (!inner) {
            return inner.error() == ERR_NAME ? ERR_GONE : inner.error();
        }
        handle.inner = *inner;
        handle.session = session_;
        return {};
    }

    template <typename M>
    sel::Result<typename M::Answer> use(const M &m, Owner o, u32 window = 0) {
        constexpr bool kRepeatable = !std::is_same_v<M, file::Append>;
        Handle *handle = find(m.handle, o);
        if (handle == nullptr) {
            return ERR_ARG;
        }
        for (u32 i = 0; i < kTries; i++) {
            if (handle->lost || handle->gone) {
                return handle->lost ? ERR_RESTARTED : ERR_GONE;
            }
            if (sel::Result<> begun = need_session(); !begun) {
                return begun.error();
            }
            if (handle->session != session_) {
                sel::Result<> opened = reopen(*handle);
                if (opened.error() == ERR_RESTARTED) {
                    continue;
                }
                if (!opened) {
                    return opened.error();
                }
            }
            M inner = m;
            inner.handle = handle->inner;
            sel::Result<typename M::Answer> answer = once(inner, window);
            if (answer.error() != ERR_RESTARTED || !kRepeatable) {
                return answer;
            }
        }
        return ERR_RESTARTED;
    }

    template <typename M>
    sel::Result<> write(const M &m, Owner o, u32 window = 0) {
        sel::Result<> done = use(m, o, window);
        if (Handle *handle = find(m.handle, o); handle != nullptr) {
            handle->unsynced = handle->unsynced || done.ok();
            note_change(o, done.ok());
            tell(handle->path, done);
        }
        return done;
    }

    // --- Mount points in the root of this file system.

    bool is_point(std::string_view name) const {
        for (u32 k = 0; k < Names::kMountsMax; k++) {
            if (names_.point(place_, k) == name) {
                return true;
            }
        }
        return false;
    }

    sel::Result<file::Entry> point(u32 k) const {
        std::string_view name = names_.point(place_, k);
        if (name.empty()) {
            return ERR_EMPTY;
        }
        return file::Entry{kPoints + k + 1, {file::Kind::Directory, 0, 0, 0}, name};
    }

    Fs fs_;
    u64 patience_ = sel::milliseconds(kPatienceMs);
    const Names &names_;
    u32 place_;
    file::Life life_;
    bool mounted_ = true;
    u32 session_ = 0;        // 0: none yet.
    bool unsettled_ = false; // A request was given up: who knows what it does.
    u32 fs_life_ = 0;
    error_t unsaved_ = OK; // What the last SyncAll said.
    std::array<Handle, kHandles> handle_{};
    std::array<State, kClients> state_{};
    std::array<u32, kClients> epoch_{};
    file::Watchers<Watcher> watchers_;
};

} // namespace vfs
