// Process: a program made of one Untyped and one ELF image; one revoke ends it and brings all back.
// SPDX-License-Identifier: BSD-2-Clause
//
//   EMPTY --make()--> MADE --give...()--> MADE --prepare()--> READY --resume()--> runs
// Who has no SchedControl: prepare_bare() instead, and root.Starter (servers/root/api.hpp) does the rest.
//   any --end()--> EMPTY
// All that it is made of comes from the Untyped: the CSpace; the book, a CNode that only the maker
// sees, with its VSpace, page tables and Frames; its thread. So if its maker dies, whoever holds the
// Untyped's parent takes it back the same way.
//
//   sel::Process program{window, {.memory = untyped, .book = a, .cspace = b, .tcb = c}};
//   const char *why = nullptr;
//   auto elf = sel::read_elf(file, why);                   // Nothing is started if it is refused.
//   program.make(shape, *elf, environment);
//   program.give(slot, caps::files);                       // As often as there is something to give.
//   program.prepare(thread);
//   program.resume();
//   ...
//   program.end();
// make() and prepare() that are refused have ended it: nothing of it is left. A give that is refused has
// given nothing (page tables and slots of the book it may have used), and the program is as before.
#pragma once

#include "sel/elf.hpp"
#include "sel/environment.hpp"
#include "sel/ledger.hpp"
#include "sel/page_window.hpp"

namespace sel {

// Slots that every program has; what it is given comes behind its Reply objects.
enum { SLOT_SELF = 1, SLOT_ENDPOINT, SLOT_NOTIFICATION, SLOT_REPLIES };

// Slots of the maker's own CSpace. `memory` holds an Untyped of which nothing is used; the others are
// empty until make(), and again after end().
struct ProcessSlots {
    cptr_t memory, book, cspace, tcb;
};

struct ProcessShape {
    u32 stack_bytes; // A multiple of PAGE_BYTES, at most Process::kStackMax.
    u32 slots;       // Of its CSpace, with those that every program has.
    u32 replies;     // Reply objects, from SLOT_REPLIES on; one of them is bound. At least 1.
    u32 frames;      // That are made in its book for what it is given (new_frames()), at most.

    bool sound() const;
};

struct ProcessThread {
    Endpoint receives;    // What it gets as SLOT_ENDPOINT, to receive from. Without one: nothing.
    Endpoint faults;      // Who is told of its faults: with a badge and WRITE.
    SchedControl control; // Of its time:
    u64 budget, period;   // ticks.
    u8 priority;          // At most the maker's own maximum.
    bool vector;          // It may use vector registers.
};

// A thread that only has to be told what to run (thread.hpp: ReadyThread).
struct ProcessMoreThread {
    u64 address; // Of its stack, a page boundary; its IPC buffer follows. Below it nothing is mapped.
    u32 stack_bytes;      // A multiple of PAGE_BYTES.
    SchedControl control; // Of its time:
    u64 budget, period;   // ticks.
    u8 priority;
    bool vector;
};

class Process {
  public:
    // The page below the stack is never mapped: nothing lies between it and the IPC buffer.
    static constexpr u32 kStackMax = 1 << 20;
    static_assert(kStackTop - kStackMax > kBufferAddress + PAGE_BYTES && kStackTop < kImageBase);

    // Slots of the book for page tables, and what is one of a kind.
    static constexpr u32 kBookReserve = 32;
    // Slots of the book for a give_thread(), besides its pages.
    static constexpr u32 kThreadObjects = 2;

    Process() = default;
    Process(PageWindow window, const ProcessSlots &slots) : window_{window}, slots_{slots} {}

    // --- Its life.

    // CSpace, address space, image, stack, environment, IPC buffer, notification. ERR_BUSY: it is made
    // already. ERR_ARG: the shape is not sound. ERR_MEMORY: the Untyped is too small, or the image too
    // large. Else: of the kernel.
    Result<> make(const ProcessShape &shape, const Elf &elf, const Environment &environment);

    // Its first thread, which does not run yet. Errors: of the kernel.
    Result<> prepare(const ProcessThread &thread);
    // The same without what somebody else gives it: priority, time, who is told of its faults.
    Result<> prepare_bare(Endpoint receives, bool vector);
    // What its environment says of who it is, if make() did not know that yet.
    Result<> set_identity(u32 program, u32 incarnation) const;
    Result<> resume() const { return tcb().resume(); }

    // Ends it wherever it is, and takes all back: the Untyped is unused again. Refused: it is not.
    Result<> end();
    // The same, and looks whether all came back: one child must fit that takes everything but the page in which
    // its record stands. `bytes`: of its Untyped. `scratch`: an empty slot. Refused: something did not.
    Result<> end_whole(u64 bytes, cptr_t scratch);

    // --- What it is given, in an empty slot of its CSpace. After make().

    // A capability of the maker, with at most these rights, and for mint() this badge (IoPort: first |
    // last << 16).
    Result<> give(u32 slot, Capability what, u64 rights = RIGHT_ALL) const {
        return what.copy(in_cspace(slot), rights);
    }
    Result<> mint(u32 slot, Capability what, u64 rights, u64 badge) const {
        return what.mint(in_cspace(slot), rights, badge);
    }

    // An object of its own memory; `size` as for retype.
    Result<> give_object(u32 slot, cap_type_t type, u64 size = 0) {
        return make_objects(type, size, in_cspace(slot));
    }
    Result<> give_context(u32 slot, SchedControl control, u64 budget, u64 period);

    // The program has no Frame of it: nobody can map these pages anew. Before prepare(). If it is refused
    // the program is to be ended.
    Result<> give_thread(u32 slot, const ProcessMoreThread &thread);

    // Its own address space, CSpace, and notification with these bits, to signal it.
    Result<> give_space(u32 slot) const { return give(slot, space()); }
    Result<> give_cspace(u32 slot) const { return give(slot, cspace()); }
    Result<> give_doorbell(u32 slot, u64 bits) const {
        return mint(slot, notification(), RIGHT_WRITE, bits);
    }

    // Frames of the maker's CSpace, or of a CNode in it: the first one, and the size of each.
    struct Frames {
        cptr_t first;
        u64 bytes = PAGE_BYTES;
    };
    // Copies of `count` Frames in its slots from `slot` on, mapped from `address` on.
    Result<> give_frames(u32 slot, u32 count, Frames frames, u64 address, u64 rights);
    // Takes them back, with all copies that it has made of them. A slot in which there is none stays as it is.
    void take_frames(u32 slot, u32 count) const;

    // `count` empty slots of its book in a row, for Frames that the maker makes there and keep_frames()
    // then counts as taken. ERR_FULL: there are not so many.
    Result<cptr_t> room_for_frames(u64 count) const;
    void keep_frames(u64 count) { book_.next += static_cast<u32>(count); }
    // Deletes those that were kept last.
    void drop_frames(cptr_t first, u64 count);

    // Maps Frames of its book, or of the maker, without giving them.
    Result<> map_frames(cptr_t first, u64 count, u64 address, u64 rights, u64 bytes = PAGE_BYTES);

    // Page tables for a window in which somebody else maps Frames. `slot`: of its CSpace, empty before and after.
    Result<> make_tables(u32 slot, u64 address, u64 bytes);

    // `handler`, a capability of the maker or of its CSpace, signals these bits to it.
    Result<> bind_interrupt(IrqHandler handler, u64 bits);

    // Where a capability in its CSpace is, for the maker.
    cptr_t in_cspace(u32 slot) const { return in_cnode(slots_.cspace, slot); }

    // --- While it runs.

    // Its client `number` has ended `ends` times (server.hpp). 1 <= number <= Environment::kPrograms.
    Result<> tell_ended(u32 number, u32 ends) const;
    // So much of every period from now on; ticks.
    Result<> set_budget(SchedControl control, u64 budget, u64 period) const {
        return control.configure(SchedContext{in_book(book_.time)}, budget, period);
    }
    // What it says of itself.
    Result<Ledger> ledger() const;
    // Bytes of its image or stack at `address`, up to the end of a page: how many. ERR_ARG: there are
    // none.
    Result<u32> read(u64 address, std::span<u8> to) const;

    Tcb tcb() const { return Tcb{slots_.tcb}; }
    CNode cspace() const { return CNode{slots_.cspace}; }
    Untyped memory() const { return Untyped{slots_.memory}; }
    u64 used() const { return used_; } // Bytes of its memory that it was made of.

  private:
    // Pages whose Frames stand in the book, from slot `book` on.
    struct Region {
        u64 address, pages;
        u32 book;
    };

    // How far the book is filled, and where in it things are.
    struct Book {
        u32 next = 1, slots = 0;
        u32 space = 0;       // Its VSpace.
        u32 environment = 0; // The page of it.
        u32 ended = 0;       // What signals SIGNAL_ENDED to it.
        u32 buffer = 0;      // Its IPC buffer.
        u32 time = 0;        // Its SchedContext.
    };

    Result<> make_objects(cap_type_t type, u64 size, cptr_t to, u64 count = 1);
    Result<u32> make_in_book(cap_type_t type, u64 size = 0, u64 count = 1);
    Result<> make_spaces(const ProcessShape &shape, const Elf &elf);
    Result<> load(const Elf &elf);
    Result<> load_segment(const Segment &segment);
    Result<> map(Frame frame, u64 address, u64 rights);
    Result<> new_region(u64 address, u64 pages, u64 rights);
    Result<> new_page(u64 address, u64 rights, std::span<const u8> content, u32 &book);
    Result<> make_thread(const ProcessThread &thread);
    Result<> make_bare(Endpoint receives, bool vector);
    Result<> bind_thread(Tcb tcb, Reply reply, Frame buffer) const;
    Result<u32> make_bell(u64 bits);
    Result<> or_end(Result<> done);

    cptr_t in_book(u32 slot) const { return in_cnode(slots_.book, slot); }
    VSpace space() const { return VSpace{in_book(book_.space)}; }
    Notification notification() const { return Notification{in_cspace(SLOT_NOTIFICATION)}; }

    PageWindow window_;
    ProcessSlots slots_{};
    Book book_;
    u32 replies_ = 0;
    u64 entry_ = 0;
    u64 used_ = 0;
    Region region_[Elf::kSegments + 1]{};
    u32 regions_ = 0;
};

} // namespace sel
