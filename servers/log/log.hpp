// Log: the newest messages of all servers. Holds no capability.
// SPDX-License-Identifier: BSD-2-Clause
//
// Lines stand in one list by their order, and in one by their order and source. When there is no room, the
// oldest line of the source that has the most gives way: whoever floods the log pushes out its own lines.
// Readers name the sequence number from which they want to go on, and learn from the answer how much they
// have missed.
#pragma once

#include <array>
#include <cstddef>
#include <string_view>

#include "sel/log.hpp"
#include "sel/printable.hpp"

#include "abi/types.h"

namespace logging {

struct Entry {
    static constexpr std::size_t kTextMax = sel::kLogLineBytes;

    u64 sequence;
    u64 time_ns; // Since boot.
    u32 source;  // Badge of the writer.
    sel::Level level;
    u8 size;
    std::array<char, kTextMax> bytes;

    std::string_view text() const { return {bytes.data(), size}; }
};

class Log {
  public:
    static constexpr std::size_t kEntries = 1024;
    static constexpr u32 kSources = 65; // Numbers below it are counted apart, the others together.

    // Longer text is cut; what is no text is kept out, so that no writer can forge a line.
    void write(u64 time_ns, u32 source, sel::Level level, std::string_view text) {
        u32 place = take_place();
        Entry &entry = entry_[place];
        entry.sequence = next_++;
        entry.time_ns = time_ns;
        entry.source = source;
        entry.level = level;
        entry.size = 0;
        sel::Printable printable{"", ' '};
        auto put = [&](char c) {
            if (entry.size < Entry::kTextMax) {
                entry.bytes[entry.size++] = c;
            }
        };
        for (char c : text.substr(0, Entry::kTextMax)) {
            printable.put(c, put);
        }
        printable.end(put);
        append(place);
    }

    // The oldest entry that is still there, not before `since`, at `level` or worse, and from
    // `source` (kAnySource: any). ERR_EMPTY: there is none yet.
    static constexpr u32 kAnySource = ~u32{0};
    sel::Result<Entry> read(u64 since, sel::Level level, u32 source) const {
        for (u32 place = all_.first; place != kNone; place = link_[place].later) {
            const Entry &entry = entry_[place];
            if (entry.sequence >= since && entry.level <= level &&
                (source == kAnySource || source == entry.source)) {
                return entry;
            }
        }
        return ERR_EMPTY;
    }

    u64 first() const { return all_.first != kNone ? entry_[all_.first].sequence : next_; }
    u64 next() const { return next_; }

  private:
    static constexpr u16 kNone = 0xffff;

    struct List {
        u16 first = kNone, last = kNone;
        u16 count = 0;
    };
    struct Link {
        u16 earlier, later; // Of all,
        u16 same;           // and the next one of its source.
    };

    List &list_of(u32 place) { return source_[kind(entry_[place].source)]; }
    static u32 kind(u32 source) { return source < kSources ? source : 0; }

    u32 take_place() {
        if (used_ < kEntries) {
            return used_++;
        }
        List *most = &source_[0];
        for (List &list : source_) {
            most = list.count > most->count ? &list : most;
        }
        u16 place = most->first;
        most->first = link_[place].same;
        most->count--;
        const Link &link = link_[place];
        (link.earlier != kNone ? link_[link.earlier].later : all_.first) = link.later;
        (link.later != kNone ? link_[link.later].earlier : all_.last) = link.earlier;
        return place;
    }

    void append(u32 to) {
        u16 place = static_cast<u16>(to);
        List &mine = list_of(place);
        link_[place] = {all_.last, kNone, kNone};
        (all_.last != kNone ? link_[all_.last].later : all_.first) = place;
        all_.last = place;
        (mine.count != 0 ? link_[mine.last].same : mine.first) = place;
        mine.last = place;
        mine.count++;
    }

    u64 next_ = 0;
    u32 used_ = 0; // Places that have ever been used.
    std::array<Entry, kEntries> entry_{};
    std::array<Link, kEntries> link_{};
    std::array<List, kSources> source_{};
    List all_;
};

} // namespace logging
