// Builder: each step is a few calls; the first refusal ends the building.
// SPDX-License-Identifier: BSD-2-Clause
#include "builder.hpp"

#include <cstddef>

#include "sel/clock.hpp"
#include "sel/server.hpp"
#include "sizes.hpp"

namespace root {

namespace {

constexpr u64 kReadWrite = RIGHT_READ | RIGHT_WRITE;
constexpr u32 kBookReserve = 32; // Slots for tables, and what is one of a kind.
static_assert(sizeof(sel::Environment) <= PAGE_BYTES);
static_assert(sel::Environment::kPrograms == PROGRAM_MAX);
constexpr u64 kFlags = 0x202; // Of a new thread: interrupts on, the bit that is always 1.

u64 pages_of(u64 bytes) {
    return (bytes + PAGE_BYTES - 1) / PAGE_BYTES;
}

} // namespace

// --- Making objects from the program's untyped.

sel::Result<> Builder::make(cap_type_t type, u64 size, cptr_t to, u64 count) {
    sel::Untyped memory{slots_.untyped};
    sel::Result<> made = retype_runs(
        to, count, [&](cptr_t at, u64, u64 n) { return memory.retype(type, size, at, n); });
    used_ += made.ok() ? object_bytes(type, size) * count : 0;
    return made;
}

sel::Result<u32> Builder::make_in_book(cap_type_t type, u64 size, u64 count) {
    if (count > book_.slots - book_.next) {
        return ERR_FULL;
    }
    u32 slot = book_.next;
    if (sel::Result<> made = make(type, size, in_book(slot), count); !made) {
        return made.error();
    }
    book_.next += static_cast<u32>(count);
    return slot;
}

// --- Spaces.

sel::Result<> Builder::make_spaces(const Elf &elf, u64 more_pages) {
    u64 slots = elf.pages() + pages_of(record_.stack) + more_pages + record_.slots + kBookReserve;
    if (slots > CNODE_SLOTS_MAX) {
        return ERR_MEMORY;
    }
    book_.slots = static_cast<u32>(slots);
    if (sel::Result<> made = make(CAP_CNODE, slots, slots_.book); !made) {
        return made;
    }
    if (sel::Result<> made = make(CAP_CNODE, record_.slots, slots_.cnode); !made) {
        return made;
    }
    if (sel::Result<> made = make(CAP_NOTIFICATION, 0, in_cspace(SLOT_NOTIFICATION)); !made) {
        return made;
    }
    sel::Result<u32> bell = make_bell(sel::SIGNAL_ENDED);
    if (!bell) {
        return bell.error();
    }
    book_.ended = *bell;
    sel::Result<u32> space = make_in_book(CAP_VSPACE, 0);
    book_.space = space.value_or(0);
    return space.error();
}

// --- Memory of the program.

sel::Result<> Builder::map(sel::Frame frame, u64 address, u64 rights) {
    sel::VSpace space{in_book(book_.space)};
    sel::Result<> mapped = frame.map(space, address, rights);
    for (u32 level = 0; level < kTableLevels && mapped.error() == ERR_TABLE; level++) {
        sel::Result<u32> table = make_in_book(CAP_PAGE_TABLE, 0);
        if (!table) {
            return table.error();
        }
        if (sel::Result<> put = sel::PageTable{in_book(*table)}.map(space, address); !put) {
            return put;
        }
        mapped = frame.map(space, address, rights);
    }
    return mapped;
}

// `first`: in a CNode of root's CSpace.
sel::Result<> Builder::map_pages(cptr_t first, u64 pages, u64 address, u64 rights) {
    for (u64 i = 0; i < pages; i++) {
        sel::Frame frame{first + (i << 32)};
        if (sel::Result<> mapped = map(frame, address + i * PAGE_BYTES, rights); !mapped) {
            return mapped;
        }
    }
    return {};
}

sel::Result<> Builder::new_region(u64 address, u64 pages, u64 rights) {
    sel::Result<u32> book = make_in_book(CAP_FRAME, FRAME_4K, pages);
    if (!book) {
        return book.error();
    }
    if (!regions_.push_back({address, pages, *book})) {
        return ERR_FULL;
    }
    return map_pages(in_book(*book), pages, address, rights);
}

sel::Result<> Builder::new_page(u64 address, u64 rights, std::span<const u8> content, u32 &book) {
    sel::Result<u32> made = make_in_book(CAP_FRAME, FRAME_4K);
    if (!made) {
        return made.error();
    }
    book = *made;
    sel::Frame frame{in_book(book)};
    if (!content.empty()) {
        if (sel::Result<> filled = kit_.fill(frame, 0, content); !filled) {
            return filled;
        }
    }
    return map(frame, address, rights);
}

sel::Result<> Builder::load(const Elf &elf, const sel::Environment &environment) {
    for (u32 i = 0; i < elf.count; i++) {
        const Segment &s = elf.segment[i];
        if (sel::Result<> made = new_region(s.address, s.pages, s.rights); !made) {
            return made;
        }
        u32 book = regions_.back().book;
        for (u64 done = 0; done < s.file.size();) {
            u64 at = s.skip + done, offset = at % PAGE_BYTES;
            u64 left = s.file.size() - done, room = PAGE_BYTES - offset;
            auto part = s.file.subspan(done, left < room ? left : room);
            sel::Frame frame{in_book(book + static_cast<u32>(at / PAGE_BYTES))};
            if (sel::Result<> filled = kit_.fill(frame, offset, part); !filled) {
                return filled;
            }
            done += part.size();
        }
    }
    u64 stack = sel::kStackTop - record_.stack;
    if (auto made = new_region(stack, pages_of(record_.stack), kReadWrite); !made) {
        return made;
    }
    std::span facts{reinterpret_cast<const u8 *>(&environment), sizeof environment};
    if (auto made = new_page(sel::kEnvironmentAddress, RIGHT_READ, facts, book_.facts); !made) {
        return made;
    }
    return new_page(sel::kBufferAddress, kReadWrite, {}, book_.buffer);
}

// --- What system.toml gives.

sel::Result<> Builder::give(const Grant &grant, const boot_module_t &archive) {
    cptr_t to = in_cspace(grant.slot);
    switch (grant.kind) {
    case GRANT_IO:
        return sel::IoPort{BOOT_CAP_IO_PORT}.mint(to, RIGHT_ALL, grant.a | grant.b << 16);
    case GRANT_IRQ:
        return give_irq(grant);
    case GRANT_DEVICE:
        return give_device(grant);
    case GRANT_ARCHIVE:
        return give_archive(grant, archive);
    case GRANT_TRACE:
        return give_frames(grant, BOOT_CAP_TRACE, RIGHT_READ);
    case GRANT_POOL:
        return give_frames(grant, kit_.pool(grant.a), kReadWrite);
    case GRANT_TRACE_CONTROL:
        return sel::TraceControl{BOOT_CAP_TRACE_CONTROL}.copy(to);
    case GRANT_UNTYPED:
        return make(CAP_UNTYPED, grant.a, to);
    case GRANT_CONTEXT:
        return give_context(grant);
    case GRANT_VSPACE:
        return sel::VSpace{in_book(book_.space)}.copy(to);
    case GRANT_CNODE:
        return sel::CNode{slots_.cnode}.copy(to);
    case GRANT_THREAD:
        return give_thread(grant);
    case GRANT_NOTIFICATION:
        return make(CAP_NOTIFICATION, 0, to);
    case GRANT_DOORBELL:
        return sel::Notification{in_cspace(SLOT_NOTIFICATION)}.mint(to, RIGHT_WRITE, grant.a);
    default: // Clients: programs.hpp. Free slots, devices: nothing yet.
        return {};
    }
}

// `first`: in root's CSpace, or in a CNode of it.
sel::Result<> Builder::give_frames(const Grant &grant, cptr_t first, u64 rights) {
    u64 step = slot_step(first);
    for (u32 i = 0; i < grant.slots; i++) {
        cptr_t to = in_cspace(grant.slot + i);
        if (sel::Result<> copied = sel::Frame{first + i * step}.copy(to, rights); !copied) {
            return copied;
        }
    }
    return map_pages(in_cspace(grant.slot), grant.slots, grant.c, rights);
}

// Frames of device memory, with all rights, in the book.
sel::Result<cptr_t> Builder::device_frames(u64 physical, u64 pages) {
    if (pages > book_.slots - book_.next) {
        return ERR_FULL;
    }
    cptr_t first = in_book(book_.next);
    book_.next += static_cast<u32>(pages);
    sel::Result<> made = kit_.make_device_frames(physical, pages, first);
    return made.ok() ? sel::Result<cptr_t>{first} : made.error();
}

sel::Result<> Builder::give_device(const Grant &grant) {
    sel::Result<cptr_t> first = device_frames(grant.a, grant.slots);
    return first.ok() ? give_frames(grant, *first, kReadWrite) : first.error();
}

sel::Result<> Builder::give_archive(const Grant &grant, const boot_module_t &archive) {
    u64 pages = pages_of(archive.bytes);
    sel::Result<cptr_t> first = device_frames(archive.base, pages);
    return first.ok() ? map_pages(*first, pages, grant.c, RIGHT_READ) : first.error();
}

sel::Result<> Builder::give_irq(const Grant &grant) {
    cptr_t to = in_cspace(grant.slot);
    if (auto got = sel::IrqControl{BOOT_CAP_IRQ_CONTROL}.get(to, grant.a); !got) {
        return got;
    }
    return bind_irq(sel::IrqHandler{to}, grant.b);
}

// In the book: what signals these bits to the program.
sel::Result<u32> Builder::make_bell(u64 bits) {
    if (book_.next == book_.slots) {
        return ERR_FULL;
    }
    sel::Notification own{in_cspace(SLOT_NOTIFICATION)};
    sel::Result<> minted = own.mint(in_book(book_.next), RIGHT_WRITE, bits);
    return minted.ok() ? sel::Result<u32>{book_.next++} : minted.error();
}

sel::Result<> Builder::bind_irq(sel::IrqHandler handler, u64 bit) {
    sel::Result<u32> bell = make_bell(bit);
    return bell.ok() ? handler.bind(sel::Notification{in_book(*bell)}) : bell.error();
}

// --- Sessions.

sel::Result<> Builder::tell_ended(u32 number, u32 ends) {
    u64 offset = offsetof(sel::Environment, ends) + (number - 1) * sizeof ends;
    std::span count{reinterpret_cast<const u8 *>(&ends), sizeof ends};
    sel::Result<> counted = kit_.fill(sel::Frame{in_book(book_.facts)}, offset, count);
    return counted.ok() ? sel::Notification{in_book(book_.ended)}.signal() : counted;
}

// --- What the pci server asks for.

sel::Result<> Builder::give_registers(const Grant &grant, u64 physical, u32 pages, u32 at) {
    Grant part = grant;
    part.a = physical;
    part.c = grant.c + u64{at} * PAGE_BYTES;
    part.slot = static_cast<u16>(grant.slot + 1 + at);
    part.slots = static_cast<u16>(pages);
    return give_device(part);
}

sel::Result<sel::MsiInfo> Builder::give_interrupt(const Grant &grant, u32 line) {
    sel::IrqControl control{BOOT_CAP_IRQ_CONTROL};
    cptr_t to = in_cspace(grant.slot);
    sel::Result<sel::MsiInfo> message = sel::MsiInfo{};
    if (line == IRQ_MSI) {
        message = control.get_msi(to);
    } else if (auto got = control.get(to, line); !got) {
        message = got.error();
    }
    if (message.ok()) {
        sel::Result<> bound = bind_irq(sel::IrqHandler{to}, grant.b);
        message = bound.ok() ? message : bound.error();
    }
    return message;
}

sel::Result<> Builder::give_context(const Grant &grant) {
    cptr_t to = in_cspace(grant.slot);
    if (sel::Result<> made = make(CAP_SCHED_CONTEXT, 0, to); !made) {
        return made;
    }
    return context(to, static_cast<u32>(grant.a), static_cast<u32>(grant.b));
}

// All but what it runs. The program has no Frame of it: nobody can map these pages anew.
sel::Result<> Builder::give_thread(const Grant &grant) {
    ThreadGrant thread{grant};
    u64 last = thread.pages() - 1;
    sel::Result<u32> pages = make_in_book(CAP_FRAME, FRAME_4K, thread.pages());
    if (!pages) {
        return pages.error();
    }
    sel::Result<> mapped = map_pages(in_book(*pages), thread.pages(), grant.c, kReadWrite);
    sel::Result<u32> reply = mapped.ok() ? make_in_book(CAP_REPLY, 0) : mapped.error();
    sel::Result<u32> time = reply.ok() ? make_in_book(CAP_SCHED_CONTEXT, 0) : reply;
    if (!time) {
        return time.error();
    }
    sel::Tcb tcb{in_cspace(grant.slot)};
    u8 priority = static_cast<u8>(thread.priority);
    sel::Result<> steps[] = {
        make(CAP_TCB, 0, tcb.cptr()),
        tcb.bind(TCB_SLOT_CSPACE, sel::CNode{slots_.cnode}),
        tcb.bind(TCB_SLOT_VSPACE, sel::VSpace{in_book(book_.space)}),
        tcb.bind(TCB_SLOT_REPLY, sel::Reply{in_book(*reply)}),
        tcb.bind(TCB_SLOT_BUFFER, sel::Frame{in_book(*pages + static_cast<u32>(last))}),
        tcb.priority(priority, priority),
        tcb.vector(record_.has(FLAG_VECTOR)),
        context(in_book(*time), thread.budget_us, thread.period_us),
        tcb.context(sel::SchedContext{in_book(*time)}),
    };
    for (const sel::Result<> &step : steps) {
        if (!step) {
            return step;
        }
    }
    return {};
}

sel::Result<> Builder::context(cptr_t context, u32 budget_us, u32 period_us) {
    constexpr u64 kMicrosecond = 1000;
    sel::Clock clock{kit_.boot().tsc_hz};
    return sel::SchedControl{BOOT_CAP_SCHED_CONTROL}.configure(
        sel::SchedContext{context}, clock.ticks(budget_us * kMicrosecond),
        clock.ticks(period_us * kMicrosecond));
}

// --- Time.

sel::Result<> Builder::set_budget(u32 budget_us) {
    return context(in_book(book_.time), budget_us, record_.period_us);
}

sel::Result<sel::Ledger> Builder::ledger() {
    sel::Ledger ledger;
    std::span to{reinterpret_cast<u8 *>(&ledger), sizeof ledger};
    sel::Result<> seen = kit_.look(sel::Frame{in_book(book_.buffer)}, sel::kLedgerOffset, to);
    return seen.ok() ? sel::Result<sel::Ledger>{ledger} : seen.error();
}

// --- The thread. `endpoint`, `fault_endpoint`: in root's CSpace, 0: none.

sel::Result<> Builder::make_thread(u64 entry, cptr_t endpoint, cptr_t fault_endpoint) {
    sel::Tcb tcb{slots_.tcb};
    sel::Notification signals{in_cspace(SLOT_NOTIFICATION)};
    sel::Result<u32> time = make_in_book(CAP_SCHED_CONTEXT, 0);
    if (!time) {
        return time.error();
    }
    book_.time = *time;
    sel::SchedContext own_context{in_book(*time)};
    sel::Result<> steps[] = {
        make(CAP_TCB, 0, slots_.tcb),
        make(CAP_REPLY, 0, in_cspace(SLOT_REPLIES), record_.replies),
        endpoint == 0 ? sel::Result<>{}
                      : sel::Endpoint{endpoint}.copy(in_cspace(SLOT_ENDPOINT), RIGHT_READ),
        tcb.copy(in_cspace(SLOT_SELF)),
        tcb.bind(TCB_SLOT_CSPACE, sel::CNode{slots_.cnode}),
        tcb.bind(TCB_SLOT_VSPACE, sel::VSpace{in_book(book_.space)}),
        tcb.bind(TCB_SLOT_REPLY, sel::Reply{in_cspace(SLOT_REPLIES)}),
        tcb.bind(TCB_SLOT_BUFFER, sel::Frame{in_book(book_.buffer)}),
        tcb.bind(TCB_SLOT_FAULT, sel::Endpoint{fault_endpoint}),
        tcb.priority(record_.priority, record_.priority),
        tcb.bind_notification(signals),
        tcb.vector(record_.has(FLAG_VECTOR)),
        context(own_context.cptr(), record_.budget_us, record_.period_us),
        tcb.context(own_context),
    };
    for (const sel::Result<> &step : steps) {
        if (!step) {
            return step;
        }
    }
    regs_t regs{};
    regs.rip = entry;
    regs.rsp = sel::kStackTop;
    regs.rflags = kFlags;
    return tcb.write(regs);
}

} // namespace root
