// Giver: one case for each kind of grant.
// SPDX-License-Identifier: BSD-2-Clause
#include "giver.hpp"

namespace root {

namespace {

constexpr u64 kReadWrite = RIGHT_READ | RIGHT_WRITE;
const sel::SchedControl kTime{BOOT_CAP_SCHED_CONTROL};

} // namespace

u32 Giver::frames(const ProgramRecord &record, std::span<const Grant> grants) const {
    u64 pages = record.slots;
    for (const Grant &grant : grants) {
        pages += grant.kind == GRANT_ARCHIVE ? archive_pages() : 0;
    }
    return static_cast<u32>(pages);
}

sel::Result<> Giver::give(sel::Process &program, const Grant &grant) {
    u32 slot = grant.slot;
    switch (grant.kind) {
    case GRANT_IO:
        return program.mint(slot, sel::IoPort{BOOT_CAP_IO_PORT}, RIGHT_ALL,
                            grant.a | grant.b << 16);
    case GRANT_IRQ:
        return give_irq(program, grant);
    case GRANT_DEVICE:
        return give_device(program, grant);
    case GRANT_ARCHIVE:
        return give_archive(program, grant);
    case GRANT_TRACE:
        return program.give_frames(slot, grant.slots, BOOT_CAP_TRACE, grant.c, RIGHT_READ);
    case GRANT_POOL:
        return program.give_frames(slot, grant.slots, kit_.pool(grant.a), grant.c, kReadWrite);
    case GRANT_TRACE_CONTROL:
        return program.give(slot, sel::TraceControl{BOOT_CAP_TRACE_CONTROL});
    case GRANT_UNTYPED:
        return program.give_object(slot, CAP_UNTYPED, grant.a);
    case GRANT_CONTEXT:
        return program.give_context(slot, kTime, kit_.ticks(static_cast<u32>(grant.a)),
                                    kit_.ticks(static_cast<u32>(grant.b)));
    case GRANT_VSPACE:
        return program.give_space(slot);
    case GRANT_CNODE:
        return program.give_cspace(slot);
    case GRANT_DOORBELL:
        return program.give_doorbell(slot, grant.a);
    default: // Free slots, devices: nothing yet.
        return {};
    }
}

// --- Device memory.

// Frames with all rights, in the book of the program.
sel::Result<cptr_t> Giver::device_frames(sel::Process &program, u64 physical, u64 pages) {
    sel::Result<cptr_t> first = program.room_for_frames(pages);
    SEL_TRY(first);
    SEL_TRY(kit_.make_device_frames(physical, pages, *first));
    program.keep_frames(pages);
    return first;
}

sel::Result<> Giver::give_device(sel::Process &program, const Grant &grant) {
    sel::Result<cptr_t> first = device_frames(program, grant.a, grant.slots);
    SEL_TRY(first);
    auto given = program.give_frames(grant.slot, grant.slots, *first, grant.c, kReadWrite);
    if (!given) {
        program.drop_frames(*first, grant.slots);
    }
    return given;
}

sel::Result<> Giver::give_archive(sel::Process &program, const Grant &grant) {
    sel::Result<cptr_t> first = device_frames(program, archive_.base, archive_pages());
    SEL_TRY(first);
    return program.map_frames(*first, archive_pages(), grant.c, RIGHT_READ);
}

sel::Result<> Giver::give_registers(sel::Process &program, const Grant &grant,
                                    const DevicePart &part, u32 at) {
    Grant window = grant;
    window.a = part.physical;
    window.c = grant.c + u64{at} * PAGE_BYTES;
    window.slot = static_cast<u16>(grant.slot + 1 + at);
    window.slots = static_cast<u16>(part.pages);
    return give_device(program, window);
}

// --- Interrupts. What cannot be bound is not given.

sel::Result<> Giver::give_irq(sel::Process &program, const Grant &grant) {
    cptr_t to = program.in_cspace(grant.slot);
    SEL_TRY(sel::IrqControl{BOOT_CAP_IRQ_CONTROL}.get(to, grant.a));
    return program.bind_interrupt(sel::IrqHandler{to}, grant.b);
}

sel::Result<sel::MsiInfo> Giver::give_interrupt(sel::Process &program, const Grant &grant,
                                                u32 line) {
    sel::IrqControl control{BOOT_CAP_IRQ_CONTROL};
    sel::IrqHandler handler{program.in_cspace(grant.slot)};
    sel::Result<sel::MsiInfo> message = sel::MsiInfo{};
    if (line == IRQ_MSI) {
        message = control.get_msi(handler.cptr());
        SEL_TRY(message);
    } else {
        SEL_TRY(control.get(handler.cptr(), line));
    }
    sel::Result<> bound = program.bind_interrupt(handler, grant.b);
    if (!bound) {
        [[maybe_unused]] auto removed = handler.remove();
        return bound.error();
    }
    return message;
}

} // namespace root
