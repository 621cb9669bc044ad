// Log: the newest messages of all servers. Holds no capability.
// SPDX-License-Identifier: BSD-2-Clause
//
// Lines stand in one list by their order, and in one by their order and source; the text of each in blocks
// that are linked. When there is no room, the oldest line of the source that has the most blocks gives way:
// whoever floods the log pushes out its own lines.
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
    sel::Text<kTextMax> data;

    std::string_view text() const { return data.view(); }
};

class Log {
  public:
    static constexpr std::size_t kEntries = 1024;
    static constexpr std::size_t kBlockBytes = 32;
    static constexpr std::size_t kBlocks = 2048; // A line takes one at least.
    static constexpr u32 kSources = 65; // Numbers below it are counted apart, the others together.

    // Longer text is cut; what is no text is kept out, so that no writer can forge a line.
    void write(u64 time_ns, u32 source, sel::Level level, std::string_view text) {
        sel::Text<Entry::kTextMax> clean;
        sel::Printable printable{"", ' '};
        auto put = [&](char c) { clean.append(c); };
        for (char c : text.substr(0, Entry::kTextMax)) {
            printable.put(c, put);
        }
        printable.end(put);
        while (lines_.left() == 0 || blocks_.left() < blocks_of(clean.size)) {
            drop();
        }
        u16 place = lines_.take();
        line_[place] = {.sequence = next_++,
                        .time_ns = time_ns,
                        .source = source,
                        .level = level,
                        .size = static_cast<u8>(clean.size),
                        .block = store(clean)};
        append(place);
    }

    // The oldest entry that is still there, not before `since`, at `level` or worse, and from
    // `source` (kAnySource: any). ERR_EMPTY: there is none yet.
    static constexpr u32 kAnySource = ~u32{0};
    sel::Result<Entry> read(u64 since, sel::Level level, u32 source) const {
        for (u32 place = all_.first; place != kNone; place = link_[place].later) {
            const Line &line = line_[place];
            if (line.sequence >= since && line.level <= level &&
                (source == kAnySource || source == line.source)) {
                return Entry{line.sequence, line.time_ns, line.source, line.level, text_of(line)};
            }
        }
        return ERR_EMPTY;
    }

    u64 first() const { return all_.first != kNone ? line_[all_.first].sequence : next_; }
    u64 next() const { return next_; }

  private:
    static constexpr u16 kNone = 0xffff;

    struct Line {
        u64 sequence, time_ns;
        u32 source;
        sel::Level level;
        u8 size;
        u16 block; // The first one of its text.
    };
    struct List {
        u16 first = kNone, last = kNone;
        u16 blocks = 0;
    };
    struct Link {
        u16 earlier, later; // Of all,
        u16 same;           // and the next one of its source.
    };
    // Numbers that are free: those that were given back, and then those that have never been used, which are not
    // even cleared.
    template <std::size_t count>
    class Free {
      public:
        u32 left() const { return left_; }
        u16 take() {
            left_--;
            if (first_ == kNone) {
                return used_++;
            }
            u16 number = first_;
            first_ = next_[number];
            return number;
        }
        void give_back(u16 number) {
            left_++;
            next_[number] = first_;
            first_ = number;
        }

      private:
        u32 left_ = count;
        u16 used_ = 0, first_ = kNone;
        std::array<u16, count> next_;
    };
    struct Block {
        std::array<char, kBlockBytes> byte;
        u16 next; // Of the same text.
    };

    static constexpr u32 blocks_of(std::size_t size) {
        return size == 0 ? 1 : static_cast<u32>((size + kBlockBytes - 1) / kBlockBytes);
    }
    List &list_of(const Line &line) { return source_[line.source < kSources ? line.source : 0]; }

    u16 store(std::string_view text) {
        u16 first = blocks_.take();
        text.copy(block_[first].byte.data(), kBlockBytes);
        for (u16 last = first; text.size() > kBlockBytes; last = block_[last].next) {
            text.remove_prefix(kBlockBytes);
            block_[last].next = blocks_.take();
            text.copy(block_[block_[last].next].byte.data(), kBlockBytes);
        }
        return first;
    }
    sel::Text<Entry::kTextMax> text_of(const Line &line) const {
        sel::Text<Entry::kTextMax> text;
        u16 block = line.block;
        for (std::size_t left = line.size; left != 0; block = block_[block].next) {
            std::size_t part = left < kBlockBytes ? left : kBlockBytes;
            text.append({block_[block].byte.data(), part});
            left -= part;
        }
        return text;
    }

    // The oldest line of who has the most: there is one.
    void drop() {
        List *most = &source_[0];
        for (List &list : source_) {
            most = list.blocks > most->blocks ? &list : most;
        }
        u16 place = most->first;
        const Link &link = link_[place];
        u32 blocks = blocks_of(line_[place].size);
        most->first = link.same;
        most->blocks -= static_cast<u16>(blocks);
        (link.earlier != kNone ? link_[link.earlier].later : all_.first) = link.later;
        (link.later != kNone ? link_[link.later].earlier : all_.last) = link.earlier;
        for (u16 block = line_[place].block; blocks != 0; blocks--) {
            u16 next = block_[block].next;
            blocks_.give_back(block);
            block = next;
        }
        lines_.give_back(place);
    }

    void append(u16 place) {
        List &mine = list_of(line_[place]);
        link_[place] = {all_.last, kNone, kNone};
        (all_.last != kNone ? link_[all_.last].later : all_.first) = place;
        all_.last = place;
        (mine.blocks != 0 ? link_[mine.last].same : mine.first) = place;
        mine.last = place;
        mine.blocks += static_cast<u16>(blocks_of(line_[place].size));
    }

    u64 next_ = 0;
    Free<kEntries> lines_;
    Free<kBlocks> blocks_;
    std::array<Line, kEntries> line_;
    std::array<Link, kEntries> link_;
    std::array<Block, kBlocks> block_;
    std::array<List, kSources> source_{};
    List all_;
};

} // namespace logging
