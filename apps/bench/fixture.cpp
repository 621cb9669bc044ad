// Making threads, address spaces and pages for the benchmark.
// SPDX-License-Identifier: BSD-2-Clause
#include "apps/bench/fixture.hpp"

extern "C" char peers_begin[], peers_end[];

namespace bench {

cptr_t Fixture::make_many(cap_type_t type, u64 size, u64 count) {
    cptr_t first = slots(count);
    check(means_.memory.retype(type, size, first, count), "retype");
    return first;
}

cptr_t Fixture::make_signal(cptr_t notification, u64 badge) {
    cptr_t s = slot();
    check(sel::Capability{notification}.mint(s, RIGHT_ALL, badge), "mint");
    return s;
}

void Fixture::map(sel::VSpace space, sel::Frame frame, u64 address, u64 rights) {
    for (int missing = 0; missing < 4; missing++) {
        sel::Result<> mapped = frame.map(space, address, rights);
        if (mapped.error() != ERR_TABLE) {
            return check(mapped, "map");
        }
        check(sel::PageTable{make(CAP_PAGE_TABLE)}.map(space, address), "table map");
    }
}

sel::Frame Fixture::map_page(sel::VSpace space, u64 address, u64 rights) {
    sel::Frame frame{make(CAP_FRAME, FRAME_4K)};
    map(space, frame, address, rights);
    return frame;
}

sel::Frame Fixture::make_code() {
    constexpr u64 kScratch = 0x7f0000000000;
    sel::Frame code = map_page(means_.space, kScratch, RIGHT_READ | RIGHT_WRITE);
    for (u64 i = 0; i < PAGE_BYTES; i++) {
        reinterpret_cast<volatile char *>(kScratch)[i] = peers_begin[i];
    }
    check(code.unmap(), "unmap");
    return code;
}

sel::VSpace Fixture::make_space(sel::Frame code) {
    sel::VSpace space{make(CAP_VSPACE)};
    map(space, code, address_of(peers_begin), RIGHT_READ | RIGHT_GRANT);
    return space;
}

void Fixture::stop(sel::Tcb tcb) {
    check(tcb.suspend(), "suspend");
    check(tcb.context(sel::SchedContext{0}), "take context");
}

sel::Tcb Fixture::start(const Start &start) {
    sel::Tcb tcb{make(CAP_TCB)};
    check(tcb.bind(TCB_SLOT_CSPACE, sel::Capability{means_.cnode}), "bind cspace");
    check(tcb.bind(TCB_SLOT_VSPACE, start.space), "bind vspace");
    check(tcb.bind(TCB_SLOT_REPLY, sel::Capability{make(CAP_REPLY)}), "bind reply");
    if (start.buffer != 0) {
        sel::Frame buffer = map_page(start.space, start.buffer, RIGHT_READ | RIGHT_WRITE);
        check(tcb.bind(TCB_SLOT_BUFFER, buffer), "bind buffer");
    }
    if (start.shared_buffer.cptr() != 0) {
        check(tcb.bind(TCB_SLOT_BUFFER, start.shared_buffer), "bind buffer");
    }
    if (start.fault_endpoint != 0) {
        check(tcb.bind(TCB_SLOT_FAULT, sel::Capability{start.fault_endpoint}), "bind fault");
    }
    if (start.bound.cptr() != 0) {
        check(tcb.bind_notification(start.bound), "bind notification");
    }
    regs_t regs{};
    regs.rip = start.entry;
    regs.rsp = start.stack;
    regs.r12 = start.r12;
    regs.r13 = start.r13;
    regs.r14 = start.r14;
    check(tcb.write(regs), "write registers");
    check(tcb.priority(start.priority, start.priority), "priority");
    check(tcb.context(start.context.cptr() != 0 ? start.context : means_.context), "context");
    check(tcb.resume(), "resume");
    if (start.passive) {
        check(tcb.context(sel::SchedContext{0}), "take context");
    }
    return tcb;
}

} // namespace bench
