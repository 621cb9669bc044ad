// TraceRing: reads the kernel's ring of events while the kernel goes on writing.
// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <span>

#include "abi/trace_event.h"

namespace sel {

class TraceRing {
  public:
    // `ring`: TRACE_EVENTS records, mapped from the kernel.
    explicit TraceRing(const volatile trace_record_t *ring) : ring_{ring} {}

    // The newest out.size() events, oldest first; how many there were. Events that the kernel
    // overwrites meanwhile are left out.
    u32 read(std::span<trace_event_t> out) const {
        u32 newest = newest_end();
        u32 wanted = out.size() < TRACE_EVENTS ? static_cast<u32>(out.size()) : u32{TRACE_EVENTS};
        u32 count = 0;
        for (u32 age = wanted; age > 0; age--) {
            u32 end = newest - (age - 1) * TRACE_EVENT_BYTES;
            const volatile trace_record_t &from =
                ring_[(end / TRACE_EVENT_BYTES - 1) % TRACE_EVENTS];
            if (newest == 0 || end == 0 || from.end != end) {
                continue;
            }
            trace_record_t record{from.tsc, from.argument, from.result, from.who, end};
            if (from.end == end) {
                out[count++] = trace_decode(record);
            }
        }
        return count;
    }

  private:
    static_assert((TRACE_EVENTS & (TRACE_EVENTS - 1)) == 0, "ends wrap around");

    // 0: nothing has been written.
    u32 newest_end() const {
        u32 newest = ring_[0].end;
        for (u32 i = 1; i < TRACE_EVENTS; i++) {
            u32 end = ring_[i].end;
            if (end != 0 && static_cast<s32>(end - newest) > 0) {
                newest = end;
            }
        }
        return newest;
    }

    const volatile trace_record_t *ring_;
};

} // namespace sel
