// Attacks by kernel calls: on badges, rights, memory, mappings, priorities and servers.
// SPDX-License-Identifier: BSD-2-Clause
#include "attack.caps.hpp"
#include "attacks.hpp"

namespace attack {
namespace {

constexpr u32 kSlots = 128; // More than it has.
constexpr u64 kShort = 4;   // Ticks: every wait ends soon.

// xorshift64* (Vigna, "An experimental exploration of Marsaglia's xorshift generators"), with a
// fixed seed: every run does the same.
class Random {
  public:
    u64 next() {
        state_ ^= state_ >> 12;
        state_ ^= state_ << 25;
        state_ ^= state_ >> 27;
        return state_ * 0x2545f4914f6cdd1d;
    }
    u64 below(u64 limit) { return next() % limit; }

  private:
    u64 state_ = 0x7472757374;
};

// Mostly small numbers, so that they name something; sometimes anything.
u64 argument(Random &random) {
    switch (random.below(4)) {
    case 0:
        return random.next();
    case 1:
        return random.below(kSlots) | random.below(kSlots) << 32;
    default:
        return random.below(kSlots);
    }
}

cptr_t spare(u32 i) {
    return caps::empty.first + i;
}

bool is_refused(sel::Result<> result) {
    return !result.ok();
}

// Does `attempt` on every slot of the CSpace; true if it is refused on all that `allowed` does not
// name.
template <typename Attempt>
bool refused_everywhere(cptr_t allowed, Attempt attempt) {
    for (cptr_t slot = 1; slot < kSlots; slot++) {
        if (slot != allowed && !is_refused(attempt(slot))) {
            return false;
        }
    }
    return true;
}

} // namespace

bool unknown_call() {
    sel::Regs r{CALL_COUNT, 0, 0, {}};
    sel::kernel_call(r);
    return false;
}

bool random_calls() {
    constexpr u32 kCalls = 200'000;
    Random random;
    for (u32 i = 0; i < kCalls; i++) {
        u64 *buffer = sel::ipc_buffer();
        buffer[BUFFER_CAP_SEND] = argument(random);
        buffer[BUFFER_CAP_RECV] = argument(random);
        buffer[BUFFER_TIMEOUT] = random.below(kShort);
        sel::Regs r{i % CALL_COUNT,
                    argument(random),
                    (random.next() & (INFO_LENGTH | INFO_CAP)) | INFO_TIMEOUT |
                        random.below(8) << INFO_LABEL_SHIFT,
                    {argument(random), argument(random), argument(random), argument(random)}};
        bool ends_itself = r.cptr == caps::self.cptr() &&
                           (r.number == CALL_TCB_SUSPEND || r.number == CALL_TCB_CONTEXT);
        if (!ends_itself) { // Those are attacks of their own.
            sel::kernel_call(r);
        }
    }
    return true;
}

bool forge_badge() {
    constexpr u32 kBadges = 1000;
    Random random;
    auto own = caps::timer.info();
    for (u32 i = 0; i < kBadges; i++) {
        if (caps::timer.mint(spare(0), RIGHT_ALL, random.next() | 1).ok()) {
            return false;
        }
    }
    // A copy is allowed, and has the same badge.
    auto copied = caps::timer.copy(spare(0));
    auto copy = sel::Capability{spare(0)}.info();
    return copied.ok() && own.ok() && copy.ok() && copy->data == own->data &&
           is_refused(sel::Capability{spare(0)}.mint(spare(1), RIGHT_ALL, 1));
}

bool widen_rights() {
    for (cptr_t slot = 1; slot < kSlots; slot++) {
        auto own = sel::Capability{slot}.info();
        if (!own || sel::Capability{slot}.copy(spare(0), RIGHT_ALL).error() != OK) {
            continue;
        }
        auto copy = sel::Capability{spare(0)}.info();
        if (!copy || (copy->rights & ~own->rights) != 0 ||
            !sel::Capability{spare(0)}.remove().ok()) {
            return false;
        }
    }
    // What is given up does not come back.
    auto bare = caps::timer.copy(spare(0), 0);
    auto again = sel::Capability{spare(0)}.copy(spare(1), RIGHT_ALL);
    auto info = sel::Capability{spare(1)}.info();
    return bare.ok() && again.ok() && info.ok() && info->rights == 0;
}

bool retype_foreign() {
    constexpr u64 kHuge = 1ull << 40;
    bool refused = refused_everywhere(caps::memory.cptr(), [](cptr_t slot) {
        return sel::Untyped{slot}.retype(CAP_FRAME, FRAME_4K, spare(0));
    });
    return refused && is_refused(caps::memory.retype(CAP_UNTYPED, kHuge, spare(0))) &&
           is_refused(caps::memory.retype(CAP_FRAME, FRAME_2M, spare(0))) &&
           is_refused(caps::memory.retype(CAP_SCHED_CONTROL, 0, spare(0))) &&
           is_refused(caps::memory.retype(CAP_IO_PORT, 0, spare(0))) &&
           is_refused(caps::memory.retype(CAP_IRQ_CONTROL, 0, spare(0))) &&
           is_refused(caps::memory.retype(CAP_TRACE_CONTROL, 0, spare(0)));
}

// Not over the kernel, not over what is mapped, not with more rights than the frame has.
bool map_foreign() {
    constexpr u64 kKernelHalf = 0xffffffff80000000;
    constexpr u64 kFreePage = 0x500000;
    if (!caps::memory.retype(CAP_FRAME, FRAME_4K, spare(0)).ok() ||
        !sel::Capability{spare(0)}.copy(spare(1), RIGHT_READ).ok()) {
        return false;
    }
    sel::Frame frame{spare(0)}, read_only{spare(1)};
    auto self = reinterpret_cast<u64>(&map_foreign) & ~u64{PAGE_BYTES - 1};
    if (read_only.map(caps::vspace, kFreePage, RIGHT_READ | RIGHT_WRITE).ok()) {
        *reinterpret_cast<volatile u64 *>(kFreePage) = 1; // Must fault, if it was mapped at all.
        return false;
    }
    return is_refused(frame.map(caps::vspace, kKernelHalf, RIGHT_READ)) &&
           is_refused(frame.map(caps::vspace, ~u64{PAGE_BYTES - 1}, RIGHT_READ)) &&
           is_refused(frame.map(caps::vspace, 0x800000000000, RIGHT_READ)) &&
           is_refused(frame.map(caps::vspace, self, RIGHT_READ | RIGHT_WRITE)) &&
           is_refused(frame.map(caps::vspace, kFreePage + 1, RIGHT_READ));
}

// Of the Frames that root hands out none can be mapped executable, however it is copied; and those of
// its stack and its buffer it cannot name.
bool make_code() {
    constexpr u64 kFreePage = 0x500000;
    for (u32 i = 0; i < caps::shared.frames.count; i++) {
        sel::Frame frame{caps::shared.frames.first + i}, copy{spare(0)};
        if (!frame.copy(copy.cptr(), RIGHT_ALL).ok()) {
            return false;
        }
        for (u64 rights : {u64{RIGHT_READ | RIGHT_GRANT}, u64{RIGHT_ALL}}) {
            if (copy.map(caps::vspace, kFreePage, rights).error() != ERR_RIGHT ||
                frame.map(caps::vspace, kFreePage, rights).error() != ERR_RIGHT) {
                return false;
            }
        }
        if (!copy.remove().ok()) {
            return false;
        }
    }
    sel::Capability buffer{sel::in_cnode(caps::self.cptr(), TCB_SLOT_BUFFER)};
    return caps::shared.frames.count != 0 && is_refused(buffer.copy(spare(0)));
}

bool raise_priority() {
    auto info = caps::self.thread_info();
    constexpr u32 kPriorities = 256;
    for (u32 p = info.ok() ? info->priority_max + 1u : 0; p < kPriorities; p++) {
        if (caps::self.priority(static_cast<u8>(p), static_cast<u8>(p)).ok()) {
            return false;
        }
    }
    return info.ok();
}

bool use_up_memory() {
    u32 made = 0;
    error_t error = OK;
    while (error == OK && made < caps::empty.count) {
        error = caps::memory.retype(CAP_FRAME, FRAME_4K, spare(made)).error();
        made += error == OK ? 1 : 0;
    }
    return error == ERR_MEMORY && made > 0 && caps::timer.call(timer::Uptime{}).ok();
}

bool flood_server() {
    constexpr u32 kMessages = 20'000;
    u64 last = 0;
    for (u32 i = 0; i < kMessages; i++) {
        auto now = caps::timer.call(timer::Uptime{});
        sel::Regs r{CALL_NB_SEND, caps::timer.cptr(), INFO_LENGTH, {}};
        sel::kernel_call(r);
        if (!now || *now < last) {
            return false;
        }
        last = *now;
    }
    return true;
}

} // namespace attack
