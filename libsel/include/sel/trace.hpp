// TraceRing: reads the kernel's ring of events while the kernel goes on writing.
// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <span>

#include "abi/trace.h"

namespace sel {

class TraceRing {
  public:
    // `ring`: TRACE_EVENTS events, mapped from the kernel.
    explicit TraceRing(const volatile trace_event_t *ring) : ring_{ring} {}

    // The newest out.size() events, oldest first; how many there were. Events that the kernel
    // overwrites meanwhile are left out.
    u32 read(std::span<trace_event_t> out) const {
        u32 newest = newest_sequence();
        u32 wanted = out.size() < TRACE_EVENTS ? static_cast<u32>(out.size()) : u32{TRACE_EVENTS};
        u32 count = 0;
        for (u32 age = wanted; age > 0; age--) {
            u32 sequence = newest - (age - 1);
            const volatile trace_event_t &from = ring_[(sequence - 1) % TRACE_EVENTS];
            if (newest == 0 || sequence == 0 || from.sequence != sequence) {
                continue;
            }
            trace_event_t event{from.tsc,  from.argument, from.thread, from.next,
                                from.kind, from.call,     from.error,  sequence};
            if (from.sequence == sequence) {
                out[count++] = event;
            }
        }
        return count;
    }

  private:
    static_assert((TRACE_EVENTS & (TRACE_EVENTS - 1)) == 0, "sequence numbers wrap around");

    // 0: nothing has been written.
    u32 newest_sequence() const {
        u32 newest = ring_[0].sequence;
        for (u32 i = 1; i < TRACE_EVENTS; i++) {
            u32 sequence = ring_[i].sequence;
            if (sequence != 0 && static_cast<s32>(sequence - newest) > 0) {
                newest = sequence;
            }
        }
        return newest;
    }

    const volatile trace_event_t *ring_;
};

} // namespace sel
