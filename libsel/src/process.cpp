// Process: each step is a few calls; the first refusal ends the building.
// SPDX-License-Identifier: BSD-2-Clause
#include "sel/process.hpp"

#include <cstddef>

#include "sel/objects.hpp"
#include "sel/server.hpp"

namespace sel {

namespace {

constexpr u64 kReadWrite = RIGHT_READ | RIGHT_WRITE;
constexpr u64 kFlags = 0x202; // Of a new thread: interrupts on, the bit that is always 1.
static_assert(sizeof(Environment) <= PAGE_BYTES);

} // namespace

bool ProcessShape::sound() const {
    return stack_bytes != 0 && stack_bytes <= Process::kStackMax && stack_bytes % PAGE_BYTES == 0 &&
           replies != 0 && slots <= CNODE_SLOTS_MAX && replies <= CNODE_SLOTS_MAX &&
           slots >= SLOT_REPLIES + replies;
}

// --- Its life.

Result<> Process::make(const ProcessShape &shape, const Elf &elf, const Environment &environment) {
    if (book_.slots != 0) {
        return ERR_BUSY;
    }
    if (!shape.sound()) {
        return ERR_ARG;
    }
    Result<> made = make_spaces(shape, elf);
    if (made.ok()) {
        made = load(elf);
    }
    if (made.ok()) {
        made =
            new_region(kStackTop - shape.stack_bytes, shape.stack_bytes / PAGE_BYTES, kReadWrite);
    }
    if (made.ok()) {
        std::span facts{reinterpret_cast<const u8 *>(&environment), sizeof environment};
        made = new_page(kEnvironmentAddress, RIGHT_READ, facts, book_.environment);
    }
    if (made.ok()) {
        made = new_page(kBufferAddress, kReadWrite, {}, book_.buffer);
    }
    return or_end(made);
}

Result<> Process::prepare(const ProcessThread &thread) {
    return or_end(make_thread(thread));
}

Result<> Process::prepare_bare(Endpoint receives, bool vector) {
    return or_end(make_bare(receives, vector));
}

Result<> Process::set_identity(u32 program, u32 incarnation) const {
    static_assert(offsetof(Environment, incarnation) ==
                  offsetof(Environment, program) + sizeof program);
    const u32 facts[] = {program, incarnation};
    return window_.fill(Frame{in_book(book_.environment)}, offsetof(Environment, program),
                        {reinterpret_cast<const u8 *>(facts), sizeof facts});
}

Result<> Process::or_end(Result<> done) {
    if (!done) {
        [[maybe_unused]] auto ended = end();
    }
    return done;
}

Result<> Process::end() {
    SEL_TRY(memory().revoke());
    SEL_TRY(memory().reset());
    book_ = {};
    used_ = 0;
    regions_ = 0;
    return {};
}

Result<> Process::end_whole(u64 bytes, cptr_t scratch) {
    SEL_TRY(end());
    if (bytes > PAGE_BYTES) {
        SEL_TRY(memory().retype(CAP_UNTYPED, bytes - PAGE_BYTES, scratch));
        SEL_TRY(memory().revoke());
    }
    return memory().reset();
}

// --- Making objects from its memory.

Result<> Process::make_objects(cap_type_t type, u64 size, cptr_t to, u64 count) {
    SEL_TRY(retype_runs(to, count,
                        [&](cptr_t at, u64, u64 n) { return memory().retype(type, size, at, n); }));
    used_ += object_bytes(type, size) * count;
    return {};
}

Result<u32> Process::make_in_book(cap_type_t type, u64 size, u64 count) {
    if (count > book_.slots - book_.next) {
        return ERR_FULL;
    }
    u32 slot = book_.next;
    SEL_TRY(make_objects(type, size, in_book(slot), count));
    book_.next += static_cast<u32>(count);
    return slot;
}

// --- Spaces.

Result<> Process::make_spaces(const ProcessShape &shape, const Elf &elf) {
    u64 slots = elf.pages() + shape.stack_bytes / PAGE_BYTES + shape.frames + kBookReserve;
    if (slots > CNODE_SLOTS_MAX) {
        return ERR_MEMORY;
    }
    book_.slots = static_cast<u32>(slots);
    replies_ = shape.replies;
    entry_ = elf.entry;
    SEL_TRY(make_objects(CAP_CNODE, slots, slots_.book));
    SEL_TRY(make_objects(CAP_CNODE, shape.slots, slots_.cspace));
    SEL_TRY(make_objects(CAP_NOTIFICATION, 0, in_cspace(SLOT_NOTIFICATION)));
    Result<u32> bell = make_bell(SIGNAL_ENDED);
    SEL_TRY(bell);
    Result<u32> space = make_in_book(CAP_VSPACE);
    SEL_TRY(space);
    book_.ended = *bell;
    book_.space = *space;
    return {};
}

// --- Memory of the program.

Result<> Process::map(Frame frame, u64 address, u64 rights) {
    return map_with_tables(frame, space(), address, rights, [&]() -> Result<> {
        Result<u32> table = make_in_book(CAP_PAGE_TABLE);
        SEL_TRY(table);
        return PageTable{in_book(*table)}.map(space(), address);
    });
}

Result<> Process::map_frames(cptr_t first, u64 count, u64 address, u64 rights, u64 bytes) {
    for (u64 i = 0; i < count; i++) {
        SEL_TRY(map(Frame{first + i * slot_step(first)}, address + i * bytes, rights));
    }
    return {};
}

// A page of its own is mapped there once.
Result<> Process::make_tables(u32 slot, u64 address, u64 bytes) {
    constexpr u64 kReach = TABLE_BYTES / sizeof(u64) * PAGE_BYTES;
    Frame page{in_cspace(slot)};
    for (u64 at = address; at < address + bytes; at = (at / kReach + 1) * kReach) {
        SEL_TRY(give(slot, Frame{in_book(book_.environment)}, RIGHT_READ));
        Result<> mapped = map(page, at, RIGHT_READ);
        [[maybe_unused]] auto removed = page.remove();
        SEL_TRY(mapped);
    }
    return {};
}

Result<> Process::new_region(u64 address, u64 pages, u64 rights) {
    Result<u32> book = make_in_book(CAP_FRAME, FRAME_4K, pages);
    SEL_TRY(book);
    region_[regions_++] = {address, pages, *book};
    return map_frames(in_book(*book), pages, address, rights);
}

Result<> Process::new_page(u64 address, u64 rights, std::span<const u8> content, u32 &book) {
    Result<u32> made = make_in_book(CAP_FRAME, FRAME_4K);
    SEL_TRY(made);
    book = *made;
    Frame frame{in_book(book)};
    if (!content.empty()) {
        SEL_TRY(window_.fill(frame, 0, content));
    }
    return map(frame, address, rights);
}

Result<> Process::load(const Elf &elf) {
    for (u32 i = 0; i < elf.count; i++) {
        SEL_TRY(load_segment(elf.segment[i]));
    }
    return {};
}

Result<> Process::load_segment(const Segment &segment) {
    SEL_TRY(new_region(segment.address, segment.pages, segment.rights));
    u32 book = region_[regions_ - 1].book;
    for (u64 done = 0; done < segment.file.size();) {
        u64 at = segment.skip + done, offset = at % PAGE_BYTES;
        u64 left = segment.file.size() - done, room = PAGE_BYTES - offset;
        auto part = segment.file.subspan(done, left < room ? left : room);
        Frame frame{in_book(book + static_cast<u32>(at / PAGE_BYTES))};
        SEL_TRY(window_.fill(frame, offset, part));
        done += part.size();
    }
    return {};
}

// --- What it is given.

Result<> Process::give_context(u32 slot, SchedControl control, u64 budget, u64 period) {
    SEL_TRY(give_object(slot, CAP_SCHED_CONTEXT));
    Result<> configured = control.configure(SchedContext{in_cspace(slot)}, budget, period);
    if (!configured) {
        [[maybe_unused]] auto removed = Capability{in_cspace(slot)}.remove();
    }
    return configured;
}

Result<> Process::give_frames(u32 slot, u32 count, Frames frames, u64 address, u64 rights) {
    Result<> given;
    u32 done = 0;
    for (; done < count && given.ok(); done++) {
        Frame frame{frames.first + done * slot_step(frames.first)};
        given = give(slot + done, frame, rights);
    }
    if (given.ok()) {
        given = map_frames(in_cspace(slot), count, address, rights, frames.bytes);
    } else {
        done--; // Somebody else's slot.
    }
    for (u32 i = 0; i < done && !given; i++) {
        [[maybe_unused]] auto removed = Frame{in_cspace(slot + i)}.remove();
    }
    return given;
}

void Process::take_frames(u32 slot, u32 count) const {
    for (u32 i = 0; i < count; i++) {
        Frame frame{in_cspace(slot + i)};
        [[maybe_unused]] auto copies = frame.revoke();
        [[maybe_unused]] auto removed = frame.remove();
    }
}

Result<cptr_t> Process::room_for_frames(u64 count) const {
    if (count > book_.slots - book_.next) {
        return ERR_FULL;
    }
    return in_book(book_.next);
}

void Process::drop_frames(cptr_t first, u64 count) {
    for (u64 i = 0; i < count; i++) {
        [[maybe_unused]] auto removed = Frame{first + i * slot_step(first)}.remove();
    }
    if (first + count * slot_step(first) == in_book(book_.next)) {
        book_.next -= static_cast<u32>(count);
    }
}

// In the book: what signals these bits to the program.
Result<u32> Process::make_bell(u64 bits) {
    if (book_.next == book_.slots) {
        return ERR_FULL;
    }
    SEL_TRY(notification().mint(in_book(book_.next), RIGHT_WRITE, bits));
    return book_.next++;
}

Result<> Process::bind_interrupt(IrqHandler handler, u64 bits) {
    Result<u32> bell = make_bell(bits);
    SEL_TRY(bell);
    Result<> bound = handler.bind(Notification{in_book(*bell)});
    if (!bound) {
        [[maybe_unused]] auto removed = Notification{in_book(*bell)}.remove();
        book_.next--;
    }
    return bound;
}

// --- The thread.

Result<> Process::make_thread(const ProcessThread &thread) {
    Result<u32> time = make_in_book(CAP_SCHED_CONTEXT);
    SEL_TRY(time);
    book_.time = *time;
    SEL_TRY(make_bare(thread.receives, thread.vector));
    SEL_TRY(tcb().bind(TCB_SLOT_FAULT, thread.faults));
    SEL_TRY(tcb().priority(thread.priority, thread.priority));
    SEL_TRY(set_budget(thread.control, thread.budget, thread.period));
    return tcb().context(SchedContext{in_book(book_.time)});
}

Result<> Process::make_bare(Endpoint receives, bool vector) {
    Reply reply{in_cspace(SLOT_REPLIES)};
    SEL_TRY(make_objects(CAP_TCB, 0, slots_.tcb));
    SEL_TRY(make_objects(CAP_REPLY, 0, reply.cptr(), replies_));
    if (receives.cptr() != 0) {
        SEL_TRY(give(SLOT_ENDPOINT, receives, RIGHT_READ));
    }
    SEL_TRY(give(SLOT_SELF, tcb()));
    SEL_TRY(bind_thread(tcb(), reply, Frame{in_book(book_.buffer)}));
    SEL_TRY(tcb().bind_notification(notification()));
    SEL_TRY(tcb().vector(vector));
    regs_t regs{};
    regs.rip = entry_;
    regs.rsp = kStackTop - BOOT_THREAD_BLOCK;
    regs.fs_base = regs.rsp;
    regs.rdi = kEnvironmentAddress;
    regs.rflags = kFlags;
    return tcb().write(regs);
}

Result<> Process::bind_thread(Tcb tcb, Reply reply, Frame buffer) const {
    SEL_TRY(tcb.bind(TCB_SLOT_CSPACE, cspace()));
    SEL_TRY(tcb.bind(TCB_SLOT_VSPACE, space()));
    SEL_TRY(tcb.bind(TCB_SLOT_REPLY, reply));
    return tcb.bind(TCB_SLOT_BUFFER, buffer);
}

Result<> Process::give_thread(u32 slot, const ProcessMoreThread &thread) {
    u32 pages = thread.stack_bytes / PAGE_BYTES + 1;
    Result<u32> first = make_in_book(CAP_FRAME, FRAME_4K, pages);
    SEL_TRY(first);
    SEL_TRY(map_frames(in_book(*first), pages, thread.address, kReadWrite));
    Result<u32> reply = make_in_book(CAP_REPLY);
    SEL_TRY(reply);
    Result<u32> time = make_in_book(CAP_SCHED_CONTEXT);
    SEL_TRY(time);
    Tcb tcb{in_cspace(slot)};
    SchedContext context{in_book(*time)};
    SEL_TRY(give_object(slot, CAP_TCB));
    SEL_TRY(bind_thread(tcb, Reply{in_book(*reply)}, Frame{in_book(*first + pages - 1)}));
    SEL_TRY(tcb.priority(thread.priority, thread.priority));
    SEL_TRY(tcb.vector(thread.vector));
    SEL_TRY(thread.control.configure(context, thread.budget, thread.period));
    return tcb.context(context);
}

// --- While it runs.

Result<> Process::tell_ended(u32 number, u32 ends) const {
    u64 offset = offsetof(Environment, ends) + (number - 1) * sizeof ends;
    std::span count{reinterpret_cast<const u8 *>(&ends), sizeof ends};
    SEL_TRY(window_.fill(Frame{in_book(book_.environment)}, offset, count));
    return Notification{in_book(book_.ended)}.signal();
}

Result<Ledger> Process::ledger() const {
    Ledger ledger;
    std::span to{reinterpret_cast<u8 *>(&ledger), sizeof ledger};
    SEL_TRY(window_.look(Frame{in_book(book_.buffer)}, kLedgerOffset, to));
    return ledger;
}

Result<u32> Process::read(u64 address, std::span<u8> to) const {
    for (u32 i = 0; i < regions_; i++) {
        const Region &r = region_[i];
        u64 offset = address - r.address;
        if (address < r.address || offset >= r.pages * PAGE_BYTES) {
            continue;
        }
        u64 in_page = offset % PAGE_BYTES, room = PAGE_BYTES - in_page;
        auto part = to.first(to.size() < room ? to.size() : room);
        u32 book = r.book + static_cast<u32>(offset / PAGE_BYTES);
        SEL_TRY(window_.look(Frame{in_book(book)}, in_page, part));
        return static_cast<u32>(part.size());
    }
    return ERR_ARG;
}

} // namespace sel
