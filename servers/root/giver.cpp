// Giver: one function for each kind of grant.
// SPDX-License-Identifier: BSD-2-Clause
#include "giver.hpp"

namespace root {

namespace {

constexpr u64 kReadWrite = RIGHT_READ | RIGHT_WRITE;

} // namespace

u32 Giver::frames(const ProgramRecord &record, std::span<const Grant> grants) const {
    u64 pages = record.slots;
    for (const Grant &grant : grants) {
        if (grant.is<grant::Archive>()) {
            pages += archive_pages();
        } else if (grant.is<grant::Display>()) {
            pages += screen_.frames();
        } else if (grant.is<grant::Thread>()) {
            pages += grant.as<grant::Thread>().pages() + sel::Process::kThreadObjects;
        }
    }
    return static_cast<u32>(pages);
}

sel::Result<> Giver::give(sel::Process &program, const ProgramRecord &record, const Grant &grant) {
    sel::Result<> given = ERR_TYPE;
    To to{program, grant.slot, grant.slots, record.has(FLAG_VECTOR)};
    grant::visit(grant, [&](const auto &what) { given = give(to, what); });
    return given;
}

// --- Copies of what root holds.

sel::Result<> Giver::give(const To &to, const grant::Io &ports) const {
    u64 range = ports.first | static_cast<u64>(ports.last) << 16;
    return to.program.mint(to.slot, sel::IoPort{BOOT_CAP_IO_PORT}, RIGHT_ALL, range);
}

sel::Result<> Giver::give(const To &to, const grant::Trace &trace) const {
    return to.program.give_frames(to.slot, to.slots, {BOOT_CAP_TRACE}, trace.address, RIGHT_READ);
}

sel::Result<> Giver::give(const To &to, const grant::TraceControl &) const {
    return to.program.give(to.slot, sel::TraceControl{BOOT_CAP_TRACE_CONTROL});
}

sel::Result<> Giver::give(const To &to, const grant::Pool &pool) const {
    return to.program.give_frames(to.slot, to.slots, {kit_.pool(pool.number)}, pool.address,
                                  kReadWrite);
}

// --- Its own memory, spaces and notification.

sel::Result<> Giver::give(const To &to, const grant::Untyped &untyped) const {
    return to.program.give_object(to.slot, CAP_UNTYPED, untyped.bytes);
}

sel::Result<> Giver::give(const To &to, const grant::Context &context) const {
    return to.program.give_context(to.slot, sel::SchedControl{BOOT_CAP_SCHED_CONTROL},
                                   kit_.ticks(context.budget_us), kit_.ticks(context.period_us));
}

sel::Result<> Giver::give(const To &to, const grant::Thread &thread) const {
    return to.program.give_thread(to.slot, {.address = thread.address,
                                            .stack_bytes = thread.stack_bytes,
                                            .control = sel::SchedControl{BOOT_CAP_SCHED_CONTROL},
                                            .budget = kit_.ticks(thread.budget_us),
                                            .period = kit_.ticks(thread.period_us),
                                            .priority = static_cast<u8>(thread.priority),
                                            .vector = to.vector});
}

sel::Result<> Giver::give(const To &to, const grant::Notification &) const {
    return to.program.give_object(to.slot, CAP_NOTIFICATION);
}

sel::Result<> Giver::give(const To &to, const grant::Space &) const {
    return to.program.give_space(to.slot);
}

sel::Result<> Giver::give(const To &to, const grant::Cspace &) const {
    return to.program.give_cspace(to.slot);
}

sel::Result<> Giver::give(const To &to, const grant::Doorbell &doorbell) const {
    return to.program.give_doorbell(to.slot, doorbell.bit);
}

// --- Device memory.

// Frames with all rights, in the book of the program.
sel::Result<cptr_t> Giver::device_frames(sel::Process &program, u64 physical, u64 pages) const {
    sel::Result<cptr_t> first = program.room_for_frames(pages);
    SEL_TRY(first);
    SEL_TRY(kit_.make_device_frames(physical, pages, *first));
    program.keep_frames(pages);
    return first;
}

sel::Result<> Giver::give(const To &to, const grant::Device &device) const {
    sel::Result<cptr_t> first = device_frames(to.program, device.physical, to.slots);
    SEL_TRY(first);
    auto given = to.program.give_frames(to.slot, to.slots, {*first}, device.address, kReadWrite);
    if (!given) {
        to.program.drop_frames(*first, to.slots);
    }
    return given;
}

sel::Result<> Giver::give(const To &to, const grant::Archive &archive) const {
    sel::Result<cptr_t> first = device_frames(to.program, archive_.base, archive_pages());
    SEL_TRY(first);
    return to.program.map_frames(*first, archive_pages(), archive.address, RIGHT_READ);
}

sel::Result<> Giver::give(const To &to, const grant::Display &display) const {
    return screen_.give(to.program, display.address);
}

sel::Result<> Giver::give_registers(sel::Process &program, const Grant &grant,
                                    const DevicePart &part, u32 at) {
    u64 address = grant.as<grant::Pci>().address + u64{at} * PAGE_BYTES;
    return give(To{program, grant.slot + 1 + at, part.pages, false},
                grant::Device{part.physical, u64{part.pages} * PAGE_BYTES, address});
}

// --- Interrupts. What cannot be bound is not given.

sel::Result<> Giver::give(const To &to, const grant::Irq &irq) const {
    cptr_t handler = to.program.in_cspace(to.slot);
    SEL_TRY(sel::IrqControl{BOOT_CAP_IRQ_CONTROL}.get(handler, irq.line));
    return to.program.bind_interrupt(sel::IrqHandler{handler}, irq.bit);
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
    sel::Result<> bound = program.bind_interrupt(handler, grant.as<grant::Pci>().bit);
    if (!bound) {
        [[maybe_unused]] auto removed = handler.remove();
        return bound.error();
    }
    return message;
}

} // namespace root
