// Builder: makes one program out of its file, its record and its one untyped.
// SPDX-License-Identifier: BSD-2-Clause
//
// Order: the book (a CNode that only root sees, with the program's frames and tables), the CSpace
// with what system.toml gives, the address space, the thread. Everything is made from the program's
// untyped, so if a step fails, revoking that untyped undoes the others.
#pragma once

#include "elf.hpp"
#include "kit.hpp"
#include "system.hpp"

#include "sel/environment.hpp"
#include "sel/ledger.hpp"
#include "sel/static_vector.hpp"

namespace root {

inline constexpr u32 kThreadObjects = 2; // Of a GRANT_THREAD, in the book: Reply and context.

// Slots of root's CSpace, one set a program, for ever.
struct ProgramSlots {
    cptr_t untyped;  // All its memory.
    cptr_t home;     // A page of root's memory for its endpoint.
    cptr_t endpoint; // Of those who serve.
    cptr_t book, cnode, tcb;
};

// Pages of the program whose frames stand in the book.
struct Region {
    u64 address = 0, pages = 0;
    u32 book = 0; // Slot of the first.
};

// How far the book of a program is filled.
struct Book {
    u32 next = 1, slots = 0;
    u32 space = 0;  // Slot of its VSpace.
    u32 facts = 0;  // Of the page of its environment.
    u32 ended = 0;  // Of the capability that signals SIGNAL_ENDED to it.
    u32 buffer = 0; // Of its IPC buffer.
    u32 time = 0;   // Of its context.
};

class Builder {
  public:
    // `book`: of a program that runs, to give it more.
    Builder(Kit &kit, const ProgramRecord &record, const ProgramSlots &slots, const Book &book = {})
        : kit_{kit}, record_{record}, slots_{slots}, book_{book} {}

    // `more_pages`: of the archive and of threads.
    sel::Result<> make_spaces(const Elf &elf, u64 more_pages);
    sel::Result<> load(const Elf &elf, const sel::Environment &environment);
    sel::Result<> give(const Grant &grant, const boot_module_t &archive);
    // Of a GRANT_PCI: `pages` of registers as pages `at` on of its window; its interrupt.
    sel::Result<> give_registers(const Grant &grant, u64 physical, u32 pages, u32 at);
    sel::Result<sel::MsiInfo> give_interrupt(const Grant &grant, u32 line);
    // Of a program that runs: its client `number` has ended `ends` times.
    sel::Result<> tell_ended(u32 number, u32 ends);
    // Of a program that runs: so much of every period from now on.
    sel::Result<> set_budget(u32 budget_us);
    // Of a program that runs: what it says of itself.
    sel::Result<sel::Ledger> ledger();
    // Ready to be resumed.
    sel::Result<> make_thread(u64 entry, cptr_t endpoint, cptr_t fault_endpoint);

    u64 used() const { return used_; }
    const Book &book() const { return book_; }
    const sel::StaticVector<Region, Elf::kSegments + 1> &regions() const { return regions_; }

  private:
    sel::Result<> make(cap_type_t type, u64 size, cptr_t to, u64 count = 1);
    sel::Result<u32> make_in_book(cap_type_t type, u64 size, u64 count = 1);
    sel::Result<> map(sel::Frame frame, u64 address, u64 rights);
    sel::Result<> map_pages(cptr_t first, u64 pages, u64 address, u64 rights);
    sel::Result<> new_region(u64 address, u64 pages, u64 rights);
    sel::Result<> new_page(u64 address, u64 rights, std::span<const u8> content, u32 &book);
    sel::Result<> give_frames(const Grant &grant, cptr_t first, u64 rights);
    sel::Result<cptr_t> device_frames(u64 physical, u64 pages);
    sel::Result<> give_device(const Grant &grant);
    sel::Result<> give_archive(const Grant &grant, const boot_module_t &archive);
    sel::Result<> give_irq(const Grant &grant);
    sel::Result<> bind_irq(sel::IrqHandler handler, u64 bit);
    sel::Result<u32> make_bell(u64 bits);
    sel::Result<> give_context(const Grant &grant);
    sel::Result<> give_thread(const Grant &grant);
    sel::Result<> context(cptr_t context, u32 budget_us, u32 period_us);

    cptr_t in_book(u32 slot) const { return sel::in_cnode(slots_.book, slot); }
    cptr_t in_cspace(u32 slot) const { return sel::in_cnode(slots_.cnode, slot); }

    Kit &kit_;
    const ProgramRecord &record_;
    const ProgramSlots &slots_;
    Book book_;
    u64 used_ = 0;
    sel::StaticVector<Region, Elf::kSegments + 1> regions_;
};

} // namespace root
