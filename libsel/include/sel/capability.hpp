// Typed capabilities: a capability address and the kernel calls that its type allows.
// SPDX-License-Identifier: BSD-2-Clause
//
// A capability object is a number, freely copied; it owns nothing. The errors are the kernel's
// (abi/error.h); what each call does stands in abi/call.h.
#pragma once

#include "sel/kernel.hpp"
#include "sel/result.hpp"

namespace sel {

// A run of slots of the own CSpace.
struct SlotRange {
    cptr_t first;
    u32 count;
};

struct CapabilityInfo {
    cap_type_t type;
    u8 rights;
    bool has_children;
    u32 object;
    u64 data;     // Badge, slots or ports, by type.
    u32 id;       // Of this capability, until it moves.
    u32 relative; // Id of its elder sibling, or of its parent if it is the first child.
    bool sibling; // Which of them.
};

class Capability {
  public:
    constexpr Capability() = default;
    explicit constexpr Capability(cptr_t cptr) : cptr_{cptr} {}

    constexpr cptr_t cptr() const { return cptr_; }

    Result<> copy(cptr_t to, u64 rights = RIGHT_ALL) const {
        return run(CALL_CAP_COPY, to, rights);
    }
    Result<> mint(cptr_t to, u64 rights, u64 badge) const {
        return run(CALL_CAP_MINT, to, rights, badge);
    }
    Result<> move(cptr_t to) const { return run(CALL_CAP_MOVE, to); }
    Result<> swap(cptr_t with) const { return run(CALL_CAP_SWAP, with); }
    Result<> remove() const { return run(CALL_CAP_DELETE); }
    Result<> revoke() const { return run(CALL_CAP_REVOKE); }
    Result<CapabilityInfo> info() const;

  protected:
    Result<> run(call_t number, u64 a0 = 0, u64 a1 = 0, u64 a2 = 0, u64 a3 = 0) const {
        return call(number, cptr_, 0, a0, a1, a2, a3).error();
    }

  private:
    cptr_t cptr_ = 0;
};

struct CNode : Capability {
    using Capability::Capability;
    constexpr cptr_t slot(u32 index) const { return in_cnode(cptr(), index); }
};

// The calls on messages as they are; typed ones go through Client, serve() and Later. `r` holds what is to be sent
// (info: words and label) and afterwards what has arrived, with its badge. A wait ends after `ticks` with
// ERR_TIMEOUT.
struct Endpoint : Capability {
    using Capability::Capability;
    Result<> call(Regs &r, u64 ticks = kForever) const { return pass(CALL_CALL, r, ticks); }
    // ERR_BUSY: the receiver has no context of its own (adr/0003).
    Result<> send(Regs &r, u64 ticks = kForever) const { return pass(CALL_SEND, r, ticks); }
    // ERR_EMPTY: nobody waits for it.
    Result<> send_now(Regs &r) const { return pass(CALL_NB_SEND, r); }
    Result<> receive(Regs &r, u64 ticks = kForever) const {
        r.info = 0;
        return pass(CALL_RECV, r, ticks);
    }
    // ERR_EMPTY: nothing is there.
    Result<> receive_now(Regs &r) const {
        r.info = 0;
        return pass(CALL_NB_RECV, r);
    }
    // Answers the caller that this thread has received last, then receives.
    Result<> answer_and_receive(Regs &r, u64 ticks = kForever) const {
        return pass(CALL_REPLY_RECV, r, ticks);
    }

  private:
    Result<> pass(call_t number, Regs &r, u64 ticks = kForever) const {
        r.number = number;
        r.cptr = cptr();
        r.info |= timeout_info(ticks);
        kernel_call(r);
        return r.error();
    }
};

struct Notification : Capability {
    using Capability::Capability;
    Result<> signal() const { return run(CALL_SIGNAL); }
    Result<u64> wait(u64 ticks = kForever) const;
    Result<u64> poll() const;
};

struct Reply : Capability {
    using Capability::Capability;
    // The caller that waits for it gets the message in `r`. ERR_EMPTY: nobody does any more.
    Result<> answer(Regs &r) const {
        r.number = CALL_REPLY;
        r.cptr = cptr();
        kernel_call(r);
        return r.error();
    }
    // Does it hold a caller that waits for its answer? Any thread may ask. No message has so many words: the
    // kernel refuses such an answer and changes nothing, but first it looks whether there is somebody to be
    // answered.
    bool waits() const {
        static_assert(INFO_LENGTH > MESSAGE_WORDS);
        Regs r{.number = 0, .cptr = 0, .info = INFO_LENGTH, .word = {}};
        return answer(r).error() == ERR_ARG;
    }
};

struct SchedContext : Capability {
    using Capability::Capability;
};

struct SchedControl : Capability {
    using Capability::Capability;
    Result<> configure(SchedContext context, u64 budget_ticks, u64 period_ticks) const {
        return run(CALL_SC_CONFIGURE, context.cptr(), budget_ticks, period_ticks);
    }
};

struct VSpace : Capability {
    using Capability::Capability;
};

struct FrameInfo {
    u64 physical, bytes;
    u64 address; // Where it is mapped, ~0: nowhere.
};

struct Frame : Capability {
    using Capability::Capability;
    Result<> map(VSpace space, u64 address, u64 rights) const {
        return run(CALL_FRAME_MAP, space.cptr(), address, rights);
    }
    Result<> unmap() const { return run(CALL_FRAME_UNMAP); }
    Result<FrameInfo> frame_info() const;
};

struct PageTable : Capability {
    using Capability::Capability;
    Result<> map(VSpace space, u64 address) const {
        return run(CALL_TABLE_MAP, space.cptr(), address);
    }
    Result<> unmap() const { return run(CALL_TABLE_UNMAP); }
};

struct Untyped : Capability {
    using Capability::Capability;
    // Makes `count` objects in the empty slots from `first` on; `size` as abi/call.h says.
    Result<> retype(cap_type_t type, u64 size, cptr_t first, u64 count = 1) const {
        return run(CALL_UNTYPED_RETYPE, type, size, first, count);
    }
    // Device memory: `count` frames from page `page` of it on.
    Result<> retype_device(u64 frame_size, cptr_t first, u64 count, u64 page) const {
        return run(CALL_UNTYPED_RETYPE, CAP_FRAME, frame_size, first, count | page << 16);
    }
    Result<> reset() const { return run(CALL_UNTYPED_RESET); }
};

struct ThreadInfo {
    thread_state_t state;
    u8 priority, priority_max;
    bool vector;
    u64 ticks_used;
    u32 object;
};

struct Tcb : Capability {
    using Capability::Capability;
    Result<> bind(u32 tcb_slot, Capability what) const {
        return run(CALL_TCB_BIND, tcb_slot, what.cptr());
    }
    Result<> unbind(u32 tcb_slot) const { return run(CALL_TCB_BIND, tcb_slot, 0); }
    Result<> priority(u8 priority, u8 maximum) const {
        return run(CALL_TCB_PRIORITY, priority, maximum);
    }
    Result<> resume() const { return run(CALL_TCB_RESUME); }
    Result<> suspend() const { return run(CALL_TCB_SUSPEND); }
    Result<> bind_notification(Notification n) const {
        return run(CALL_TCB_NOTIFICATION, n.cptr());
    }
    Result<> context(SchedContext context) const { return run(CALL_TCB_CONTEXT, context.cptr()); }
    Result<> vector(bool allowed) const { return run(CALL_TCB_VECTOR, allowed); }
    Result<> write(const regs_t &regs) const;
    Result<regs_t> read() const;
    Result<ThreadInfo> thread_info() const;
    // The last refusal of this thread; Tcb{}.denial() is the caller's own.
    Result<denial_t> denial() const;
};

struct IrqHandler : Capability {
    using Capability::Capability;
    Result<> bind(Notification n) const { return run(CALL_IRQ_BIND, n.cptr()); }
    Result<> acknowledge() const { return run(CALL_IRQ_ACK); }
};

// An interrupt that root has bound to the server's notification: on_signal(bits) has `bit` set.
// It stays masked until acknowledge().
struct Interrupt : IrqHandler {
    constexpr Interrupt(cptr_t cptr, u64 bits) : IrqHandler{cptr}, bit{bits} {}
    u64 bit;
};

// The server's own notification with one bit, to be given to somebody who shall signal it.
struct Doorbell : Notification {
    constexpr Doorbell(cptr_t cptr, u64 bits) : Notification{cptr}, bit{bits} {}
    u64 bit;
};

// Memory that root has mapped: device registers, the trace ring, the boot archive.
struct Window {
    u64 address, bytes;
    SlotRange frames; // Its Frames, count 0: mapped only.

    template <typename T>
    T *at(u64 offset) const {
        return reinterpret_cast<T *>(address + offset);
    }
};

struct MsiInfo {
    u64 address, data;
};

struct IrqControl : Capability {
    using Capability::Capability;
    Result<> get(cptr_t to, u64 line) const { return run(CALL_IRQ_GET, to, line); }
    Result<MsiInfo> get_msi(cptr_t to) const;
};

struct IoPort : Capability {
    using Capability::Capability;
    Result<u32> in(u16 port, u32 bytes) const;
    Result<> out(u16 port, u32 bytes, u32 value) const {
        return run(CALL_PORT_OUT, port, bytes, value);
    }
    Result<u8> in8(u16 port) const;
    Result<> out8(u16 port, u8 value) const { return out(port, 1, value); }
};

struct TraceControl : Capability {
    using Capability::Capability;
    // Both return the number of events written so far.
    Result<u64> start() const;
    Result<u64> stop() const;
};

inline void yield() {
    call(CALL_YIELD, 0);
}

} // namespace sel
