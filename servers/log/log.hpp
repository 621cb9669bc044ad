// Log: the newest messages of all servers, in a ring. Holds no capability.
// SPDX-License-Identifier: BSD-2-Clause
//
// Entry k of all time stands in place k % kEntries; readers name the sequence number from which
// they want to go on, and learn from the answer how much they have missed.
#pragma once

#include <array>
#include <cstddef>
#include <string_view>

#include "sel/log.hpp"

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

    // Longer text is cut; control bytes are kept out so that no writer can forge a line.
    void write(u64 time_ns, u32 source, sel::Level level, std::string_view text) {
        Entry &entry = entry_[next_ % kEntries];
        entry.sequence = next_++;
        entry.time_ns = time_ns;
        entry.source = source;
        entry.level = level;
        entry.size = static_cast<u8>(text.size() < Entry::kTextMax ? text.size() : Entry::kTextMax);
        for (std::size_t i = 0; i < entry.size; i++) {
            u8 byte = static_cast<u8>(text[i]);
            entry.bytes[i] = byte < ' ' || byte == kDelete ? ' ' : text[i];
        }
    }

    // The oldest entry that is still there, not before `since`, at `level` or worse, and from
    // `source` (kAnySource: any). ERR_EMPTY: there is none yet.
    static constexpr u32 kAnySource = ~u32{0};
    sel::Result<Entry> read(u64 since, sel::Level level, u32 source) const {
        for (u64 k = since > first() ? since : first(); k < next_; k++) {
            const Entry &entry = entry_[k % kEntries];
            if (entry.level <= level && (source == kAnySource || source == entry.source)) {
                return entry;
            }
        }
        return ERR_EMPTY;
    }

    u64 first() const { return next_ > kEntries ? next_ - kEntries : 0; }
    u64 next() const { return next_; }

  private:
    static constexpr u8 kDelete = 0x7f;

    u64 next_ = 0;
    std::array<Entry, kEntries> entry_{};
};

} // namespace logging
