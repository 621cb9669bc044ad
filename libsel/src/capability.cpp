// Calls of typed capabilities that give back more than an error.
// SPDX-License-Identifier: BSD-2-Clause
#include "sel/capability.hpp"

#include <cstring>

namespace sel {

namespace {

constexpr u32 kByte = 0xff;

Result<u64> bits_of(const Regs &r) {
    if (r.error() != OK) {
        return r.error();
    }
    return r.badge();
}

Result<u64> word0_of(const Regs &r) {
    if (r.error() != OK) {
        return r.error();
    }
    return r.word[0];
}

} // namespace

Result<CapabilityInfo> Capability::info() const {
    constexpr u32 kChildren = 1 << 16;
    Regs r = call(CALL_CAP_INFO, cptr_);
    if (r.error() != OK) {
        return r.error();
    }
    u32 before = static_cast<u32>(r.word[3] >> 32);
    return CapabilityInfo{.type = static_cast<cap_type_t>(r.word[0] & kByte),
                          .rights = static_cast<u8>(r.word[0] >> 8),
                          .has_children = (r.word[0] & kChildren) != 0,
                          .object = static_cast<u32>(r.word[1]),
                          .data = r.word[2],
                          .id = static_cast<u32>(r.word[3]),
                          .relative = before & ~static_cast<u32>(CAP_INFO_SIBLING),
                          .sibling = (before & CAP_INFO_SIBLING) != 0};
}

Result<u64> Notification::wait(u64 ticks) const {
    return bits_of(call(CALL_WAIT, cptr(), timeout_info(ticks)));
}

Result<u64> Notification::poll() const {
    return bits_of(call(CALL_POLL, cptr()));
}

Result<FrameInfo> Frame::frame_info() const {
    Regs r = call(CALL_FRAME_INFO, cptr());
    if (r.error() != OK) {
        return r.error();
    }
    return FrameInfo{r.word[0], r.word[1], r.word[2]};
}

Result<> Tcb::write(const regs_t &regs) const {
    static_assert(sizeof regs == REGS_WORDS * sizeof(u64));
    std::memcpy(ipc_buffer(), &regs, sizeof regs);
    return run(CALL_TCB_WRITE);
}

Result<regs_t> Tcb::read() const {
    if (Result<> done = run(CALL_TCB_READ); !done) {
        return done.error();
    }
    regs_t regs;
    std::memcpy(&regs, ipc_buffer(), sizeof regs);
    return regs;
}

Result<ThreadInfo> Tcb::thread_info() const {
    Regs r = call(CALL_TCB_INFO, cptr());
    if (r.error() != OK) {
        return r.error();
    }
    u64 w = r.word[0];
    return ThreadInfo{static_cast<thread_state_t>(w & kByte),
                      static_cast<u8>(w >> 8),
                      static_cast<u8>(w >> 16),
                      (w >> 24 & kByte) != 0,
                      r.word[1],
                      static_cast<u32>(r.word[2])};
}

Result<denial_t> Tcb::denial() const {
    Regs r = call(CALL_TCB_DENIAL, cptr());
    if (r.error() != OK) {
        return r.error();
    }
    return denial_t{r.word[0], r.word[1], r.word[2], r.word[3]};
}

Result<MsiInfo> IrqControl::get_msi(cptr_t to) const {
    Regs r = call(CALL_IRQ_GET, cptr(), 0, to, IRQ_MSI);
    if (r.error() != OK) {
        return r.error();
    }
    return MsiInfo{r.word[0], r.word[1]};
}

Result<u32> IoPort::in(u16 port, u32 bytes) const {
    Regs r = call(CALL_PORT_IN, cptr(), 0, port, bytes);
    if (r.error() != OK) {
        return r.error();
    }
    return static_cast<u32>(r.word[0]);
}

Result<u8> IoPort::in8(u16 port) const {
    Regs r = call(CALL_PORT_IN, cptr(), 0, port, 1);
    if (r.error() != OK) {
        return r.error();
    }
    return static_cast<u8>(r.word[0]);
}

Result<u64> TraceControl::start() const {
    return word0_of(call(CALL_TRACE, cptr(), 0, 1));
}

Result<u64> TraceControl::stop() const {
    return word0_of(call(CALL_TRACE, cptr(), 0, 0));
}

} // namespace sel
