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
// Requests and answers are passed on where they lie, in the registers and the IPC buffer of the thread: `on(m, owner,
// r)` leaves the answer, or why there is none, in `r` and behind it. What a file system answers is looked at before
// (lengths; what the message accepts), not copied.
//
// Memory that clients lend (lent.hpp) is lent to the file system when it is used there first, and taken back when the
// client lends it no more.
//
// Fs is what it calls: void exchange(Regs &). Only one thread at a time uses a Mounted.
#pragma once

#include <array>
#include <utility>

#include "api.hpp"
#include "lent.hpp"
#include "names.hpp"

#include "servers/file/watch.hpp"

#include "sel/clock.hpp"

namespace vfs {

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
    Mounted(Fs fs, const Names &names, const LentWindows &windows, u32 place, file::Life life)
        : fs_{fs}, names_{names}, windows_{windows}, place_{place}, life_{life} {}

    // Which mount a handle belongs to; ERR_RESTARTED: it is of an earlier life of the vfs.
    static sel::Result<u32> mount_of(file::Life life, u32 handle) {
        sel::Result<u32> index = life.open(handle);
        return index.ok() ? sel::Result<u32>{*index >> kMountShift} : index;
    }

    // The same as on(), of a message with a handle that the thread has just received: it lies in its buffer still.
    template <typename M>
    void on_received(M &m, Owner o, sel::Regs &r) {
        intact_ = requires {
            m.handle;
        };
        on(m, o, r);
        intact_ = false;
    }

    u32 place() const { return place_; }

    // --- By path: inside this file system.

    // Also when that cannot be known.
    bool has(std::string_view path) { return repeat(file::Stat{.data = path}).error() != ERR_NAME; }

    void on(file::Stat &m, Owner, sel::Regs &r) { repeat(m, r); }
    void on(file::GetUsage &m, Owner, sel::Regs &r) { repeat(m, r); }
    void on(file::Check &m, Owner, sel::Regs &r) { repeat(m, r); }
    void on(file::Resolve &m, Owner o, sel::Regs &r) {
        sel::Result<file::Spelling> inside = repeat(m);
        sel::Result<file::FullPath> path =
            inside.ok() ? names_.shown(*names_.client(o.part), place_, inside->data)
                        : inside.error();
        sel::store_answer(r, path.ok() ? sel::Result{file::Spelling{path->view()}} : path.error());
    }

    void on(file::List &m, Owner, sel::Regs &r) {
        if (m.data == "/" && !names_.point(place_, 0).empty()) {
            file::Entries entries;
            error_t error = list_root(m, entries);
            sel::store_answer(r, error == OK ? sel::Result{entries} : error);
        } else {
            repeat(m, r);
        }
    }

    void on(file::Fetch &m, Owner o, sel::Regs &r) {
        error_t error = ERR_RESTARTED;
        for (u32 i = 0; i < kTries && error == ERR_RESTARTED; i++) {
            error = mounted_ ? need_session().error() : ERR_GONE;
            sel::Result<u32> window = error == OK ? lend(o) : error;
            m.window = window.value_or(0);
            error = window.ok() ? once(m, r) : window.error();
        }
        if (error != OK) {
            sel::store_error(r, error);
        }
    }

    void on(file::MakeDirectory &m, Owner o, sel::Regs &r) { tell(m.data, change(m, o, r)); }

    void on(file::Remove &m, Owner o, sel::Regs &r) {
        spell_handles();
        file::Path path = spelling(m.data);
        error_t error = change(m, o, r);
        tell(path, error);
        for (Handle &handle : handle_) {
            if (handle.used && handle.path == path.view()) {
                handle.gone = handle.gone || error == OK;
                handle.lost = handle.lost || error == ERR_RESTARTED;
            }
        }
    }

    void on(file::Rename &m, Owner o, sel::Regs &r) {
        spell_handles();
        file::Path from = spelling(m.from), replaced = spelling(m.data);
        error_t error = change(m, o, r);
        if (error != OK && error != ERR_RESTARTED) {
            return;
        }
        watchers_.all_changed();
        file::Path to = error == OK ? spelling(m.data) : replaced;
        for (Handle &handle : handle_) {
            if (!handle.used || handle.gone) {
                continue;
            }
            if (error == OK) {
                renamed(handle, from, replaced, to);
            } else {
                handle.lost =
                    handle.lost || handle.path == replaced.view() || is_within(handle.path, from);
            }
        }
    }

    // All changes come through here: the file system itself is not asked.
    void watch(const file::Watch &m, Owner o, Watcher watcher) {
        forget_before(o);
        watchers_.watch(m, o.part, std::move(watcher));
    }

    // --- Handles.

    void on(file::Open &m, Owner o, sel::Regs &r) { sel::store_answer(r, open(m, o)); }
    void on(file::Close &m, Owner o, sel::Regs &r) { sel::store_answer(r, close(m.handle, o)); }

    sel::Result<> close(u32 sealed, Owner o) {
        Handle *handle = find(sealed, o);
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

    void on(file::Read &m, Owner o, sel::Regs &r) { use(m, o, r); }
    void on(file::Write &m, Owner o, sel::Regs &r) { write(m, o, r); }
    void on(file::ReadInto &m, Owner o, sel::Regs &r) { use(m, o, r); }
    void on(file::WriteFrom &m, Owner o, sel::Regs &r) { write(m, o, r); }
    void on(file::Truncate &m, Owner o, sel::Regs &r) { write(m, o, r); }
    void on(file::Append &m, Owner o, sel::Regs &r) { write(m, o, r); }

    void on(file::Sync &m, Owner o, sel::Regs &r) {
        Handle *handle = find(m.handle, o);
        if (use(m, o, r) == OK) {
            handle->unsynced = false;
        }
    }

    // The answer does not matter: the vfs says its own life.
    void on(file::SyncAll &, Owner o, sel::Regs &r) { sel::store_answer(r, sync_all(o)); }

    // --- The file system as a whole.

    // Closes what clients have left in an earlier life, takes back what they lend no more, and forgets watches that
    // nobody waits for. `owner(part)`: as it is at present.
    template <typename OwnerOf>
    void sweep(OwnerOf owner) {
        for (u32 part = 0; part < kClients; part++) {
            forget_before(owner(static_cast<u8>(part)));
        }
        watchers_.drop_left();
        take_back_windows([&](Owner o) { return o != owner(o.part); });
        for (Handle &handle : handle_) {
            if (handle.used && handle.owner != owner(handle.owner.part)) {
                if (handle.session == session_) {
                    [[maybe_unused]] auto closed = ask(file::Close{.handle = handle.inner});
                }
                handle.used = false;
            }
        }
    }

    void on(GetVolume &, Owner, sel::Regs &r) { sel::store_answer(r, sel::Result{volume()}); }
    void on(Mount &, Owner, sel::Regs &r) { sel::store_answer(r, mount()); }
    void on(Unmount &, Owner o, sel::Regs &r) { sel::store_answer(r, unmount(o)); }

  private:
    // A handle for clients: life, mount, how often the slot has been used, slot.
    static constexpr u32 kMountShift = 12, kUseShift = 7, kUseMask = 31;
    static_assert(kHandles <= 1 << kUseShift && Names::kMountsMax <= 1 << (16 - kMountShift));
    static constexpr u32 kPoints = 1u << 31; // List: positions of mount points begin here.

    enum class State : u8 { Clean, Changed, Lost };

    // What the file system has of a place of LentWindows.
    struct Lent {
        u32 version = 0;
        u32 session = 0; // In which it has it; 0: it has not.
    };

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

    // Sends `m`, once; OK: the answer is in `r` and behind it, and is one to this request.
    template <typename M>
    error_t pass(const M &m, sel::Regs &r, cptr_t token = 0) {
        using Answer = typename M::Answer;
        r.number = CALL_CALL;
        if (std::exchange(intact_, false)) {
            sel::store<false>(r, file::Api::label<M>(), m);
        } else {
            sel::store(r, file::Api::label<M>(), m);
        }
        r.info |= sel::timeout_info(patience_);
        if (token != 0) {
            r.info |= INFO_CAP;
            sel::ipc_buffer()[BUFFER_CAP_SEND] = token;
        }
        fs_.exchange(r);
        unsettled_ = unsettled_ || r.error() == ERR_TIMEOUT;
        if (r.error() != OK) {
            return sel::detail::client_error(r.error());
        }
        if (r.label() != OK) {
            return sel::detail::server_error(r.label());
        }
        r.info = r.length();
        if constexpr (std::is_void_v<Answer>) {
            r.info = 0;
        } else {
            constexpr bool kAll = requires(const Answer &answer) {
                answer.sound();
            };
            Answer answer;
            if (!sel::load<kAll>(r, answer)) {
                return ERR_PROTOCOL;
            }
            if constexpr (requires { m.accepts(answer); }) {
                return m.accepts(answer) ? OK : ERR_PROTOCOL;
            }
        }
        return OK;
    }

    template <typename M>
    static sel::Result<typename M::Answer> answer_of(error_t error, const sel::Regs &r) {
        if constexpr (std::is_void_v<typename M::Answer>) {
            return error;
        } else {
            typename M::Answer answer;
            if (error == OK && sel::load(r, answer)) {
                return answer;
            }
            return error == OK ? ERR_PROTOCOL : error;
        }
    }

    template <typename M>
    sel::Result<typename M::Answer> ask(const M &m) {
        sel::Regs r{};
        error_t error = pass(m, r);
        return answer_of<M>(error, r);
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

    // Calls once; when the file system died in it, a new session has begun.
    template <typename M>
    error_t once(const M &m, sel::Regs &r, cptr_t token = 0) {
        error_t error = mounted_ ? need_session().error() : ERR_GONE;
        error = error == OK ? pass(m, r, token) : error;
        if (error == ERR_RESTARTED) {
            sel::Result<> begun = begin_session();
            error = begun.ok() ? ERR_RESTARTED : begun.error();
        }
        if (error != OK) {
            sel::store_error(r, error);
        }
        return error;
    }

    template <typename M>
    error_t repeat(const M &m, sel::Regs &r) {
        error_t error = once(m, r);
        for (u32 i = 1; i < kTries && error == ERR_RESTARTED; i++) {
            error = once(m, r);
        }
        return error;
    }
    template <typename M>
    sel::Result<typename M::Answer> repeat(const M &m) {
        sel::Regs r{};
        error_t error = repeat(m, r);
        return answer_of<M>(error, r);
    }

    Volume volume() {
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

    sel::Result<> mount() {
        if (mounted_) {
            return ERR_EXISTS;
        }
        mounted_ = true;
        sel::Result<> begun = begin_session();
        mounted_ = begun.ok();
        return begun;
    }

    sel::Result<> unmount(Owner o) {
        if (!mounted_ || names_.mount(place_).path == "/") {
            return mounted_ ? ERR_ARG : ERR_GONE;
        }
        for (const Handle &handle : handle_) {
            if (handle.used) {
                return ERR_BUSY;
            }
        }
        sel::Result<u32> synced = sync_all(o);
        mounted_ = !synced.ok();
        if (!mounted_) { // One that is not there has no disk either.
            [[maybe_unused]] auto left = begin_session(1);
        }
        watchers_.all_changed();
        return synced.error();
    }

    sel::Result<u32> sync_all(Owner o) {
        if (!mounted_) { // It was synced when it was taken out.
            return 0u;
        }
        sel::Result<u32> life = repeat(file::SyncAll{});
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

    // What a client has waited for in an earlier life it does not want any more.
    void forget_before(Owner now) {
        Owner &then = client_[now.part];
        if (then != now && then.program != 0) {
            watchers_.forget(now.part);
        }
        then = now;
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
    void tell(std::string_view path, error_t error) {
        if (error == OK || error == ERR_RESTARTED) {
            watchers_.changed(path);
        }
    }

    template <typename M>
    error_t change(const M &m, Owner o, sel::Regs &r) {
        error_t error = once(m, r);
        note_change(o, error == OK);
        return error;
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
        bool same = handle.used && handle.owner == o &&
                    (handle.use & kUseMask) == (index >> kUseShift & kUseMask);
        return same ? &handle : nullptr;
    }

    sel::Result<u32> open(const file::Open &m, Owner o) {
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

    error_t reopen(Handle &handle) {
        sel::Regs r{};
        error_t error = once(
            file::Open{.flags = handle.writable ? u32{file::kWrite} : 0, .data = handle.path}, r);
        sel::Result<u32> inner = answer_of<file::Open>(error, r);
        if (!inner) {
            return error == ERR_NAME ? ERR_GONE : error;
        }
        handle.inner = *inner;
        handle.session = session_;
        return OK;
    }

    // Why it cannot be used; OK: `inner` is good.
    error_t ready(Handle &handle) {
        if (handle.lost || handle.gone) {
            return handle.lost ? ERR_RESTARTED : ERR_GONE;
        }
        if (sel::Result<> begun = need_session(); !begun) {
            return begun.error();
        }
        return handle.session == session_ ? OK : reopen(handle);
    }

    // --- Memory that clients lend.

    // What the client has lent is the file system's, too: under which number.
    sel::Result<u32> lend(Owner o) {
        u32 number = windows_.find(o);
        if (number == LentWindows::kNone) {
            return ERR_RIGHT;
        }
        Lent &lent = lent_[number];
        u32 version = windows_.version(number);
        if (lent.version == version && lent.session == session_) {
            return number;
        }
        intact_ = false;
        sel::Regs r{};
        error_t error = once(file::Lend{.window = number}, r, windows_.token(number));
        if (error == OK && windows_.version(number) != version) {
            error = ERR_BUSY; // The client has changed it meanwhile: who knows which one this is.
        }
        lent = {error == OK ? version : LentWindows::kUnknown, session_};
        return error == OK ? sel::Result{number} : error;
    }

    template <typename IsVoid>
    void take_back_windows(IsVoid is_void) {
        for (u32 number = 0; number < LentWindows::kMax; number++) {
            Lent &lent = lent_[number];
            if (lent.session == 0 || windows_.is_current(number, lent.version, is_void)) {
                continue;
            }
            if (lent.session == session_ && mounted_) { // Else it is forgotten there.
                [[maybe_unused]] auto taken = ask(file::Lend{.window = number});
            }
            lent = {};
        }
    }

    // The handle is good, and so is the window, if the message has one.
    template <typename M>
    error_t ready(M &m, Handle &handle, Owner o) {
        error_t error = ready(handle);
        if constexpr (requires { m.window; }) {
            sel::Result<u32> window = error == OK ? lend(o) : error;
            m.window = window.value_or(0);
            error = window.error();
        }
        return error;
    }

    // Passes on what is done with a handle; `m` then has that of the file system.
    template <typename M>
    error_t use(M &m, Owner o, sel::Regs &r) {
        constexpr bool kRepeatable = !std::is_same_v<M, file::Append>;
        Handle *handle = find(m.handle, o);
        error_t error = handle == nullptr ? ERR_ARG : ERR_RESTARTED;
        for (u32 i = 0; i < kTries && error == ERR_RESTARTED; i++) {
            error = ready(m, *handle, o);
            if (error != OK) {
                if (handle->lost) {
                    break;
                }
                continue;
            }
            m.handle = handle->inner;
            error = once(m, r);
            if (!kRepeatable) {
                break;
            }
        }
        if (error != OK) {
            sel::store_error(r, error);
        }
        return error;
    }

    template <typename M>
    void write(M &m, Owner o, sel::Regs &r) {
        Handle *handle = find(m.handle, o);
        error_t error = use(m, o, r);
        if (handle != nullptr) {
            handle->unsynced = handle->unsynced || error == OK;
            note_change(o, error == OK);
            tell(handle->path, error);
        }
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

    // Mount points stand behind the entries of the file system, and hide those of the same name.
    error_t list_root(const file::List &m, file::Entries &out) {
        file::List next = m;
        for (u32 i = 0; next.position < kPoints && out.data.size == 0; i++) {
            sel::Result<file::Entries> found = repeat(next);
            if (!found && found.error() != ERR_EMPTY) {
                return found.error();
            }
            if (!found) {
                next.position = kPoints;
                break;
            }
            if (i > Names::kMountsMax) {
                return ERR_PROTOCOL; // All that many are hidden?
            }
            file::Entry entry;
            for (u32 at = 0; found->take(at, entry); next.position = entry.next) {
                if (!is_point(entry.name)) {
                    out.add(entry.next, entry.info, entry.name);
                }
            }
            if (next.position >= kPoints) {
                return ERR_PROTOCOL;
            }
        }
        bool behind = next.position >= kPoints;
        for (u32 k = next.position - kPoints; behind && out.has_room(); k++) {
            behind = !names_.point(place_, k).empty();
            if (behind) {
                out.add(kPoints + k + 1, {file::Kind::Directory, 0, 0, 0}, names_.point(place_, k));
            }
        }
        return out.data.size != 0 ? OK : ERR_EMPTY;
    }

    Fs fs_;
    bool intact_ = false; // What is passed on next is in the buffer, but for its first words.
    u64 patience_ = sel::milliseconds(kPatienceMs);
    const Names &names_;
    const LentWindows &windows_;
    u32 place_;
    file::Life life_;
    bool mounted_ = true;
    u32 session_ = 0;        // 0: none yet.
    bool unsettled_ = false; // A request was given up: who knows what it does.
    u32 fs_life_ = 0;
    error_t unsaved_ = OK; // What the last SyncAll said.
    std::array<Handle, kHandles> handle_{};
    std::array<Lent, LentWindows::kMax> lent_{};
    std::array<State, kClients> state_{};
    std::array<Owner, kClients> client_{}; // As they were when that was last looked at.
    file::Watchers<Watcher> watchers_;
};

} // namespace vfs
