// Server: the file protocol on a store of files, the same for every file system.
// SPDX-License-Identifier: BSD-2-Clause
//
// A Store has, with handles as numbers below 65536 and clients as numbers:
//   Result<Info> stat(path)                     Result<u32> open(client, path, flags)
//   Result<Path> resolve(path)                  Result<> write_back(): sync_all() for nobody
//   Result<> list(path, position, Entries &)    Result<> close(client, handle); void close_all(client)
//   Result<> make_directory(path)               Result<u32> read(client, handle, offset, out)
//   Result<> remove(path), rename(from, to)     Result<> write(client, handle, offset, data)
//   Result<Usage> usage()                       Result<> append(client, handle, data)
//   Result<Checked> check(path, step)           Result<> truncate(client, handle, bytes)
//   Result<> sync_all(); bool dirty()           Result<> sync(client, handle)
//   void set_time(seconds)                      text path_of(client, handle)
// While the store is dirty it is synced every two seconds.
#pragma once

#include "servers/file/watch.hpp"
#include "servers/file/windows.hpp"
#include "servers/root/api.hpp"

#include "sel/clock.hpp"

namespace file {

// Room: as Windows has it.
template <typename Store, typename Room = const root::RegionRoom,
          typename Pending = sel::Later<Watch>>
class Server {
  public:
    static constexpr u64 kWriteBackNs = 2 * sel::Clock::kSecond;

    // `boot_seconds`: the date at boot, 0: unknown. `incarnation`: as the environment says.
    // `room`: for what clients lend.
    Server(Store &store, sel::Clock clock, u64 boot_seconds, u32 incarnation, Room &room)
        : store_{store}, clock_{clock},
          boot_seconds_{boot_seconds}, life_{incarnation}, windows_{room} {}

    sel::Result<Info> on(const Stat &m) { return store_.stat(m.data); }
    sel::Result<Spelling> on(const Resolve &m) {
        sel::Result<Path> path = store_.resolve(m.data);
        return path.ok() ? sel::Result<Spelling>{Spelling{*path}} : path.error();
    }
    sel::Result<u32> on(const Open &m, sel::Caller caller) {
        tell_time();
        bool creates = (m.flags & kCreate) != 0, there = !creates || store_.stat(m.data).ok();
        sel::Result<u32> handle = store_.open(caller.client, m.data, m.flags);
        if (!handle) {
            return handle;
        }
        if (!there || (m.flags & kTruncate) != 0) {
            changed(m.data);
        }
        return life_.seal(*handle);
    }
    sel::Result<> on(const Close &m, sel::Caller caller) {
        return with(m.handle, [&](u32 handle) { return store_.close(caller.client, handle); });
    }
    sel::Result<u32> on(const CloseAll &, sel::Caller caller) {
        watchers_.forget(caller.client);
        store_.close_all(caller.client);
        windows_.forget(caller);
        return life_.number();
    }
    sel::Result<> on(const Lend &m, sel::Caller caller) { return windows_.lend(m.window, caller); }
    void on_ended(u32 client) {
        windows_.forget(client);
        watchers_.forget(client);
        store_.close_all(client);
    }
    sel::Result<Content> on(const Read &m, sel::Caller caller) {
        Content content;
        u32 most = m.count < kChunk ? m.count : kChunk;
        sel::Result<> read = with(m.handle, [&](u32 handle) -> sel::Result<> {
            sel::Result<u32> count =
                store_.read(caller.client, handle, m.offset, {content.data.byte, most});
            content.data.size = count.value_or(0);
            return count.error();
        });
        return read.ok() ? sel::Result<Content>{content} : read.error();
    }
    sel::Result<> on(const Write &m, sel::Caller caller) {
        return change(m.handle, caller, [&](u32 handle) {
            return store_.write(caller.client, handle, m.offset, m.data.span());
        });
    }
    sel::Result<> on(const Append &m, sel::Caller caller) {
        return change(m.handle, caller, [&](u32 handle) {
            return store_.append(caller.client, handle, m.data.span());
        });
    }
    sel::Result<u32> on(const ReadInto &m, sel::Caller caller) {
        sel::Result<std::span<u8>> out = shared(m, caller);
        sel::Result<u32> handle = life_.open(m.handle);
        if (!out || !handle) {
            return out.ok() ? handle.error() : out.error();
        }
        return store_.read(caller.client, *handle, m.offset, *out);
    }
    sel::Result<u32> on(const Fetch &m, sel::Caller caller) {
        sel::Result<std::span<u8>> out = shared(m, caller);
        sel::Result<u32> handle = out.ok() ? store_.open(caller.client, m.data, 0) : out.error();
        if (!handle) {
            return handle;
        }
        sel::Result<u32> read = store_.read(caller.client, *handle, m.offset, *out);
        sel::Result<> closed = store_.close(caller.client, *handle);
        return closed.ok() ? read : closed.error();
    }
    sel::Result<> on(const WriteFrom &m, sel::Caller caller) {
        sel::Result<std::span<u8>> data = shared(m, caller);
        return !data.ok() ? data.error() : change(m.handle, caller, [&](u32 handle) {
            return store_.write(caller.client, handle, m.offset, *data);
        });
    }
    sel::Result<> on(const Truncate &m, sel::Caller caller) {
        return change(m.handle, caller,
                      [&](u32 handle) { return store_.truncate(caller.client, handle, m.bytes); });
    }
    sel::Result<Entries> on(const List &m) {
        Entries entries;
        sel::Result<> listed = store_.list(m.data, m.position, entries);
        return listed.ok() ? sel::Result<Entries>{entries} : listed.error();
    }
    sel::Result<> on(const MakeDirectory &m) {
        tell_time();
        return if_done(store_.make_directory(m.data), m.data);
    }
    sel::Result<> on(const Remove &m) { return if_done(store_.remove(m.data), m.data); }
    sel::Result<> on(const Rename &m) {
        sel::Result<> renamed = store_.rename(m.from, m.data);
        if (renamed.ok()) {
            watchers_.all_changed();
        }
        return renamed;
    }
    sel::Result<Usage> on(const GetUsage &) { return store_.usage(); }
    sel::Result<> on(const Sync &m, sel::Caller caller) {
        return with(m.handle, [&](u32 handle) { return store_.sync(caller.client, handle); });
    }
    sel::Result<u32> on(const SyncAll &) {
        sel::Result<> synced = store_.sync_all();
        return synced.ok() ? sel::Result<u32>{life_.number()} : synced.error();
    }
    sel::Result<Checked> on(const Check &m) { return store_.check(m.data, m.step); }
    void on(const Watch &m, sel::Caller caller, Pending pending) {
        watchers_.watch(m, caller.client, std::move(pending));
    }

    u64 deadline() {
        if (!store_.dirty()) {
            due_ = sel::kForever;
        } else if (due_ == sel::kForever) {
            due_ = sel::now() + clock_.ticks(kWriteBackNs);
        }
        return due_;
    }
    // What cannot be written now is tried again after as long, and told to who asks for a SyncAll.
    void on_timeout() {
        due_ = sel::kForever;
        store_.write_back().error();
    }

  private:
    // Does `action` to the handle inside, unless it comes from an earlier life.
    template <typename Action>
    sel::Result<> with(u32 sealed, Action action) {
        sel::Result<u32> handle = life_.open(sealed);
        return handle.ok() ? sel::Result<>{action(*handle)} : handle.error();
    }

    template <typename Action>
    sel::Result<> change(u32 sealed, sel::Caller caller, Action action) {
        tell_time();
        return with(sealed, [&](u32 handle) -> sel::Result<> {
            sel::Result<> done = action(handle);
            return done.ok() ? if_done(done, store_.path_of(caller.client, handle)) : done;
        });
    }

    // What a ReadInto or WriteFrom means of the memory that the caller has lent.
    template <typename M>
    sel::Result<std::span<u8>> shared(const M &m, sel::Caller caller) const {
        return windows_.find(caller, m.window, m.place, m.count);
    }

    sel::Result<> if_done(const sel::Result<> &result, std::string_view path) {
        if (result.ok()) {
            changed(path);
        }
        return result;
    }

    void changed(std::string_view path) { watchers_.changed(path); }

    // Once a second: converting costs more than the rest of a small change.
    void tell_time() {
        u64 now = sel::now();
        if (boot_seconds_ == 0 || now < next_second_) {
            return;
        }
        u64 seconds = clock_.nanoseconds(now) / sel::Clock::kSecond;
        next_second_ = clock_.ticks((seconds + 1) * sel::Clock::kSecond);
        store_.set_time(boot_seconds_ + seconds);
    }

    Store &store_;
    sel::Clock clock_;
    u64 boot_seconds_;
    Life life_;
    Windows<Room> windows_;
    u64 next_second_ = 0; // Ticks.
    u64 due_ = sel::kForever;
    Watchers<Pending> watchers_;
};

} // namespace file
