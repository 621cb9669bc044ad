// Watchers: who waits for a change of which path. For every server of the file protocol.
// SPDX-License-Identifier: BSD-2-Clause
//
// There is a change count for each of 256 sets of paths, by a hash of the names: a change counts for
// the path and for the directory that it is in. Other paths of the same set seem to change too,
// which does no harm: whoever watches looks again. Letters are hashed without case, and bytes that
// are not ASCII not at all, so that names which a file system takes for the same are in one set.
#pragma once

#include <array>
#include <string_view>

#include "servers/file/api.hpp"

namespace file {

// Pending: sel::Later<Watch>, or what a host test has instead.
template <typename Pending = sel::Later<Watch>>
class Watchers {
  public:
    static constexpr u32 kWaiting = 16;
    static constexpr u32 kPerClient = 4;

    Watchers() { count_.fill(1); }

    // Answers at once, or when the path has changed. A client that waits four times already, or
    // one more than sixteen in all: the longest wait ends, as if there had been a change.
    void watch(const Watch &m, u32 client, Pending pending) {
        std::string_view path = m.data;
        if (!path.starts_with('/')) {
            pending.answer(ERR_SYNTAX);
        } else if (count_[set_of(path)] != m.seen) {
            pending.answer(count_[set_of(path)]);
        } else {
            u32 place = make_place(client);
            waiting_[place] = {std::move(pending), client, set_of(path), ++turn_};
            held_++;
        }
    }

    // The path has changed: content, or being there.
    void changed(std::string_view path) {
        std::size_t end = path.find_last_not_of('/');
        path = path.substr(0, end == path.npos ? 0 : end + 1);
        count(set_of(path));
        std::size_t slash = path.rfind('/');
        if (slash != path.npos) {
            count(set_of(path.substr(0, slash)));
        }
    }
    // Perhaps all of them: a directory has moved.
    void all_changed() {
        for (u32 set = 0; set < kSets; set++) {
            count(set);
        }
    }
    // What the client waited for it does not want any more.
    void forget(u32 client) {
        for (Waiting &w : waiting_) {
            if (w.pending && w.client == client) {
                end(w);
            }
        }
    }

    // Who has died or given up waits no more.
    void drop_left() {
        for (Waiting &w : waiting_) {
            if (w.pending && !w.pending.waits()) {
                end(w);
            }
        }
    }

  private:
    static constexpr u32 kSets = 256;

    struct Waiting {
        Pending pending{};
        u32 client = 0;
        u32 set = 0;
        u64 since = 0;
    };

    // FNV-1a over the names.
    static u32 set_of(std::string_view path) {
        u32 hash = 2166136261;
        bool between = false;
        for (char c : path) {
            if (c == '/') {
                between = true;
                continue;
            }
            auto mix = [&](char byte) { hash = (hash ^ static_cast<u8>(byte)) * 16777619; };
            if (between) {
                mix('/');
                between = false;
            }
            if (static_cast<u8>(c) < 0x80) {
                mix(c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c);
            }
        }
        return (hash ^ hash >> 16) % kSets;
    }

    void end(Waiting &w) {
        held_--;
        w.pending.answer(count_[w.set]);
    }

    void count(u32 set) {
        count_[set]++;
        if (held_ == 0) {
            return;
        }
        for (Waiting &w : waiting_) {
            if (w.pending && w.set == set) {
                end(w);
            }
        }
    }

    u32 make_place(u32 client) {
        u32 mine = 0, free = kWaiting, oldest = 0, own = kWaiting;
        for (u32 i = 0; i < kWaiting; i++) {
            const Waiting &w = waiting_[i];
            if (!w.pending) {
                free = i;
                continue;
            }
            oldest = !waiting_[oldest].pending || w.since < waiting_[oldest].since ? i : oldest;
            if (w.client == client) {
                mine++;
                own = own == kWaiting || w.since < waiting_[own].since ? i : own;
            }
        }
        if (mine >= kPerClient || free == kWaiting) {
            free = mine >= kPerClient ? own : oldest;
            end(waiting_[free]);
        }
        return free;
    }

    u64 turn_ = 0;
    u32 held_ = 0; // Pending ones.
    std::array<u64, kSets> count_;
    std::array<Waiting, kWaiting> waiting_{};
};

} // namespace file
