// Process: a program is what its image and shape say; whatever fails, nothing of it is left.
// SPDX-License-Identifier: BSD-2-Clause
#include <catch2/catch.hpp>

#include <algorithm>
#include <random>

#include "make_elf.hpp"
#include "sel/process.hpp"
#include "sel/server.hpp"
#include "sel/try.hpp"
#include "sim_kernel.hpp"

using namespace sel::test;

namespace {

// Slots of the maker.
enum : cptr_t {
    kMemory = SimKernel::kPool,
    kSpace,
    kControl,
    kFaults,
    kService,
    kPorts,
    kServer,
    kHandler,
    kOther, // An Untyped, of device memory as it were.
    kFrames,
    kBook = 30,
    kCspace,
    kTcb,
    kWindow
};

// What the program is given.
enum : u32 {
    kReplies = 3,
    kFree = sel::SLOT_REPLIES + kReplies,
    kGivenPorts = kFree,
    kGivenClient,
    kGivenMemory,
    kGivenContext,
    kGivenSpace,
    kGivenCspace,
    kGivenBell,
    kGivenThread,
    kGivenFrames, // Two.
    kSlots = kGivenFrames + 2
};

constexpr u64 kBytes = 512 << 10;
constexpr u64 kStack = sel::kWindowBase + 16 * PAGE_BYTES;
constexpr sel::ProcessShape kShape{
    .stack_bytes = 2 * PAGE_BYTES, .slots = kSlots, .replies = kReplies, .frames = 7};

alignas(PAGE_BYTES) u8 window_page[PAGE_BYTES];

sel::Elf read(const Bytes &file) {
    const char *why = nullptr;
    return sel::read_elf(file, why).value();
}

struct Fixture {
    explicit Fixture(u64 bytes = kBytes) : kernel{bytes} {
        kernel.add(kSpace, CAP_VSPACE);
        kernel.own(kSpace, window());
        kernel.add(kControl, CAP_SCHED_CONTROL);
        kernel.add(kFaults, CAP_ENDPOINT, 0x77);
        kernel.add(kService, CAP_ENDPOINT);
        kernel.add(kPorts, CAP_IO_PORT);
        kernel.add(kServer, CAP_ENDPOINT);
        kernel.add(kHandler, CAP_IRQ_HANDLER);
        kernel.add(kFrames, CAP_FRAME);
        kernel.add(kFrames + 1, CAP_FRAME);
        environment.program = 7;
        environment.argument_bytes = 2;
        before = kernel.slots();
        tables = kernel.tables();
    }

    static u64 window() { return reinterpret_cast<u64>(window_page); }

    sel::Result<> make() { return process.make(kShape, elf, environment); }

    sel::Result<> give() {
        SEL_TRY(process.mint(kGivenPorts, sel::IoPort{kPorts}, RIGHT_ALL, 0x3f8 | 0x3ff << 16));
        SEL_TRY(process.mint(kGivenClient, sel::Endpoint{kServer}, RIGHT_WRITE, 7));
        SEL_TRY(process.give_object(kGivenMemory, CAP_UNTYPED, 4 * PAGE_BYTES));
        SEL_TRY(process.give_context(kGivenContext, sel::SchedControl{kControl}, 5, 50));
        SEL_TRY(process.give_space(kGivenSpace));
        SEL_TRY(process.give_cspace(kGivenCspace));
        SEL_TRY(process.give_doorbell(kGivenBell, 4));
        SEL_TRY(process.give_thread(kGivenThread, {.address = kStack,
                                                   .stack_bytes = PAGE_BYTES,
                                                   .control = sel::SchedControl{kControl},
                                                   .budget = 3,
                                                   .period = 30,
                                                   .priority = 8,
                                                   .vector = false}));
        SEL_TRY(give_frames());
        return process.bind_interrupt(sel::IrqHandler{kHandler}, 2);
    }

    sel::Result<> give_frames() {
        return process.give_frames(kGivenFrames, 2, {kFrames}, sel::kWindowBase, RIGHT_READ);
    }

    sel::Result<> prepare() {
        return process.prepare({.receives = sel::Endpoint{kService},
                                .faults = sel::Endpoint{kFaults},
                                .control = sel::SchedControl{kControl},
                                .budget = 10,
                                .period = 100,
                                .priority = 9,
                                .vector = true});
    }

    sel::Result<> start() {
        SEL_TRY(make());
        SEL_TRY(give());
        SEL_TRY(prepare());
        return process.resume();
    }

    bool nothing_left() {
        return kernel.slots() == before && kernel.tables() == tables && kernel.used(kMemory) == 0;
    }

    const SimKernel::Slot &in_cspace(u32 slot) { return kernel.slot(sel::in_cnode(kCspace, slot)); }

    Bytes file = make_elf({kText, kData});
    sel::Elf elf = read(file);
    SimKernel kernel;
    sel::Environment environment{};
    sel::Process process{sel::PageWindow{sel::VSpace{kSpace}, window(), kWindow},
                         {.memory = kMemory, .book = kBook, .cspace = kCspace, .tcb = kTcb}};
    SimKernel::Slots before;
    std::size_t tables = 0;
};

// The program's VSpace: the only one that is not the maker's.
cptr_t space_of(const Fixture &f) {
    for (const auto &[at, slot] : f.kernel.slots()) {
        if (slot.type == CAP_VSPACE && at != kSpace && slot.parent == kMemory) {
            return at;
        }
    }
    return 0;
}

// Of a page of the program: its rights; its bytes are `bytes`, then zero.
u64 check_page(Fixture &f, u64 address, u64 skip, std::vector<u8> bytes) {
    const SimKernel::Slot *page = f.kernel.mapped(space_of(f), address);
    REQUIRE(page != nullptr);
    std::array<u8, PAGE_BYTES> expected{};
    std::copy(bytes.begin(), bytes.end(), expected.begin() + static_cast<std::ptrdiff_t>(skip));
    REQUIRE(f.kernel.bytes(page->object) == expected);
    return page->mapped_rights;
}

std::vector<u8> part(const Bytes &file, u64 from, u64 count) {
    auto start = file.begin() + static_cast<std::ptrdiff_t>(from);
    return {start, start + static_cast<std::ptrdiff_t>(count)};
}

constexpr error_t kErrors[] = {ERR_MEMORY, ERR_OCCUPIED, ERR_TABLE, ERR_RIGHT};

} // namespace

TEST_CASE("a program is what its image and shape say") {
    Fixture f;
    REQUIRE(f.start().ok());
    CHECK(check_page(f, 0x400000, 0, part(f.file, 0x1000, 0x800)) == (RIGHT_READ | RIGHT_GRANT));
    CHECK(check_page(f, 0x401000, 0x10, part(f.file, 0x2000, 0x100)) == (RIGHT_READ | RIGHT_WRITE));
    for (u64 page : {0x402000ull, 0x403000ull, 0x404000ull}) {
        CHECK(check_page(f, page, 0, {}) == (RIGHT_READ | RIGHT_WRITE));
    }
    for (u64 page :
         {sel::kStackTop - PAGE_BYTES, sel::kStackTop - 2 * PAGE_BYTES, sel::kBufferAddress}) {
        CHECK(check_page(f, page, 0, {}) == (RIGHT_READ | RIGHT_WRITE));
    }
    auto *facts = reinterpret_cast<const u8 *>(&f.environment);
    CHECK(check_page(f, sel::kEnvironmentAddress, 0, {facts, facts + sizeof f.environment}) ==
          RIGHT_READ);
    CHECK(f.kernel.mapped(space_of(f), sel::kStackTop - 3 * PAGE_BYTES) == nullptr);
    CHECK(f.kernel.mapped(space_of(f), sel::kStackTop) == nullptr);
    CHECK(f.kernel.mapped(kSpace, Fixture::window()) == nullptr);

    const SimKernel::Thread &thread = f.kernel.thread(kTcb);
    CHECK(thread.runs);
    CHECK(thread.priority == 9);
    CHECK(thread.vector == 1);
    CHECK(thread.regs.rip == 0x400010);
    CHECK(thread.regs.rsp == sel::kStackTop - BOOT_THREAD_BLOCK);
    CHECK(thread.regs.fs_base == thread.regs.rsp);
    CHECK(thread.regs.rdi == sel::kEnvironmentAddress);
    CHECK(f.kernel.time(thread.context) == std::pair<u64, u64>{10, 100});
    CHECK(thread.bound.at(TCB_SLOT_CSPACE) == f.kernel.slot(kCspace).object);
    CHECK(thread.bound.at(TCB_SLOT_VSPACE) == f.kernel.slot(space_of(f)).object);
    CHECK(thread.bound.at(TCB_SLOT_FAULT) == f.kernel.slot(kFaults).object);
    CHECK(thread.bound.at(TCB_SLOT_REPLY) == f.in_cspace(sel::SLOT_REPLIES).object);
    CHECK(thread.bound.at(TCB_SLOT_BUFFER) ==
          f.kernel.mapped(space_of(f), sel::kBufferAddress)->object);
    CHECK(thread.notification == f.in_cspace(sel::SLOT_NOTIFICATION).object);
}

TEST_CASE("a program has what it is given, and no more") {
    Fixture f;
    REQUIRE(f.start().ok());
    CHECK(f.in_cspace(sel::SLOT_SELF).object == f.kernel.slot(kTcb).object);
    CHECK(f.in_cspace(sel::SLOT_ENDPOINT).rights == RIGHT_READ);
    CHECK(f.in_cspace(sel::SLOT_ENDPOINT).object == f.kernel.slot(kService).object);
    CHECK(f.in_cspace(kGivenPorts).badge == (0x3f8 | 0x3ff << 16));
    CHECK(f.in_cspace(kGivenClient).badge == 7);
    CHECK(f.in_cspace(kGivenClient).rights == RIGHT_WRITE);
    CHECK(f.in_cspace(kGivenMemory).type == CAP_UNTYPED);
    CHECK(f.kernel.time(f.in_cspace(kGivenContext).object) == std::pair<u64, u64>{5, 50});
    CHECK(f.in_cspace(kGivenSpace).object == f.kernel.slot(space_of(f)).object);
    CHECK(f.in_cspace(kGivenCspace).object == f.kernel.slot(kCspace).object);
    CHECK(f.in_cspace(kGivenBell).badge == 4);
    CHECK(f.kernel.bell(f.kernel.slot(kHandler).object) == 2);
    for (u32 i = 0; i < 2; i++) {
        const SimKernel::Slot *page =
            f.kernel.mapped(space_of(f), sel::kWindowBase + i * u64{PAGE_BYTES});
        REQUIRE(page != nullptr);
        CHECK(page->object == f.kernel.slot(kFrames + i).object);
        CHECK(page->rights == RIGHT_READ);
        CHECK(page->mapped_rights == RIGHT_READ);
        CHECK(f.in_cspace(kGivenFrames + i).object == page->object);
    }
    u32 held = 0;
    for (const auto &[at, slot] : f.kernel.slots()) {
        held += at >> 32 != 0 && (at & 0xffffffff) == kCspace ? 1 : 0;
    }
    CHECK(held == kSlots - 1); // All but the header.
}

TEST_CASE("a thread that is given has all but what it runs") {
    Fixture f;
    REQUIRE(f.start().ok());
    const SimKernel::Thread &thread = f.kernel.thread(sel::in_cnode(kCspace, kGivenThread));
    CHECK(!thread.runs);
    CHECK(thread.priority == 8);
    CHECK(thread.vector == 0);
    CHECK(f.kernel.time(thread.context) == std::pair<u64, u64>{3, 30});
    CHECK(thread.bound.at(TCB_SLOT_CSPACE) == f.kernel.slot(kCspace).object);
    CHECK(thread.bound.at(TCB_SLOT_VSPACE) == f.kernel.slot(space_of(f)).object);
    CHECK(thread.bound.at(TCB_SLOT_BUFFER) ==
          f.kernel.mapped(space_of(f), kStack + PAGE_BYTES)->object);
    CHECK(thread.bound.at(TCB_SLOT_REPLY) != f.in_cspace(sel::SLOT_REPLIES).object);
    CHECK(check_page(f, kStack, 0, {}) == (RIGHT_READ | RIGHT_WRITE));
    CHECK(f.kernel.mapped(space_of(f), kStack - PAGE_BYTES) == nullptr);
}

TEST_CASE("one revoke brings all back, any number of times") {
    Fixture f;
    REQUIRE(f.start().ok());
    u64 used = f.process.used();
    CHECK(used > 12 * PAGE_BYTES);
    CHECK(used <= f.kernel.used(kMemory));
    for (int i = 0; i < 20; i++) {
        REQUIRE(f.process.end().ok());
        REQUIRE(f.nothing_left());
        REQUIRE(f.process.used() == 0);
        REQUIRE(f.start().ok());
        REQUIRE(f.process.used() == used);
    }
    f.kernel.fail(0, OK);
    CHECK(f.process.end().ok());
    CHECK(f.kernel.calls() == 2); // A revoke and a reset, whatever it had.
    CHECK(f.process.end().ok());
    CHECK(f.nothing_left());
}

TEST_CASE("whichever call is refused, nothing of the program is left") {
    u64 calls = 0;
    {
        Fixture f;
        REQUIRE(f.start().ok());
        calls = f.kernel.calls();
    }
    for (error_t error : kErrors) {
        for (u64 n = 1; n <= calls; n++) {
            Fixture f;
            f.kernel.fail(n, error);
            sel::Result<> made = f.make();
            if (!made) {
                REQUIRE(f.nothing_left());
                continue;
            }
            sel::Result<> given = f.give();
            if (given.ok()) {
                sel::Result<> prepared = f.prepare();
                if (!prepared) {
                    REQUIRE(f.nothing_left());
                    continue;
                }
                given = f.process.resume();
            }
            INFO("call " << n << " of " << calls);
            REQUIRE((!given.ok() || error == ERR_TABLE)); // Which it may have been told anyway.
            REQUIRE(f.process.end().ok());
            REQUIRE(f.nothing_left());
        }
    }
}

TEST_CASE("an end that is refused is told, and can be tried again") {
    for (u64 n : {1, 2}) {
        Fixture f;
        REQUIRE(f.start().ok());
        f.kernel.fail(n, ERR_CAP);
        CHECK(f.process.end().error() == ERR_CAP);
        CHECK(f.process.end().ok());
        CHECK(f.nothing_left());
    }
}

TEST_CASE("frames and interrupts that cannot be given leave a program as it was") {
    auto without_tables = [](const Fixture &f) {
        SimKernel::Slots all = f.kernel.slots();
        std::erase_if(all, [](const auto &entry) { return entry.second.type == CAP_PAGE_TABLE; });
        return all;
    };
    bool all = false;
    for (u64 n = 1; !all; n++) {
        Fixture f;
        REQUIRE(f.make().ok());
        auto before = without_tables(f);
        f.kernel.fail(n, ERR_OCCUPIED);
        sel::Result<> given = f.give_frames();
        all = given.ok();
        if (!all) {
            REQUIRE(without_tables(f) == before);
            CHECK(f.give_frames().ok());
        }
    }
    for (u64 n : {1, 2}) {
        Fixture f;
        REQUIRE(f.make().ok());
        auto before = without_tables(f);
        f.kernel.fail(n, ERR_OCCUPIED);
        CHECK(!f.process.bind_interrupt(sel::IrqHandler{kHandler}, 2).ok());
        CHECK(without_tables(f) == before);
    }
    Fixture f;
    REQUIRE(f.make().ok());
    f.kernel.add(sel::in_cnode(kCspace, kGivenFrames + 1), CAP_ENDPOINT);
    auto before = without_tables(f);
    CHECK(f.give_frames().error() == ERR_OCCUPIED);
    CHECK(without_tables(f) == before); // What stood there stands there still.
}

TEST_CASE("frames that were given are taken, with the copies of them") {
    Fixture f;
    REQUIRE(f.make().ok());
    REQUIRE(f.give_frames().ok());
    cptr_t given = sel::in_cnode(kCspace, kGivenFrames);
    REQUIRE(sel::Frame{given}.copy(sel::in_cnode(kCspace, kFree)).ok());
    f.process.take_frames(kGivenFrames, 2);
    CHECK(!f.kernel.occupied(given));
    CHECK(!f.kernel.occupied(sel::in_cnode(kCspace, kGivenFrames + 1)));
    CHECK(!f.kernel.occupied(sel::in_cnode(kCspace, kFree)));
    CHECK(f.kernel.occupied(kFrames));
    f.process.take_frames(kGivenFrames, 2); // There is none.
    CHECK(f.give_frames().ok());
}

TEST_CASE("frames of the book are made, mapped and dropped") {
    Fixture f;
    f.kernel.add(kOther, CAP_FRAME);
    REQUIRE(f.make().ok());
    auto first = f.process.room_for_frames(3);
    REQUIRE(first.ok());
    CHECK(f.process.room_for_frames(1000).error() == ERR_FULL);
    for (u32 i = 0; i < 3; i++) {
        REQUIRE(sel::Frame{kOther}.copy(*first + (u64{i} << 32)).ok());
    }
    f.process.keep_frames(3);
    CHECK(f.process.room_for_frames(1).value() == *first + (u64{3} << 32));
    f.process.drop_frames(*first, 3);
    CHECK(f.process.room_for_frames(3).value() == *first);
    REQUIRE(sel::Frame{kOther}.copy(*first).ok());
    f.process.keep_frames(1);
    CHECK(f.process.map_frames(*first, 1, sel::kArchiveBase, RIGHT_READ).ok());
    CHECK(f.kernel.mapped(space_of(f), sel::kArchiveBase)->object == f.kernel.slot(kOther).object);
    CHECK(f.process.end().ok());
    CHECK(f.kernel.slots().size() == f.before.size() + 1); // kOther
}

TEST_CASE("with too little memory nothing is started, with enough all is") {
    bool fits = false;
    u64 needed = 0;
    for (u64 bytes = PAGE_BYTES; bytes <= kBytes; bytes += PAGE_BYTES) {
        Fixture f{bytes};
        sel::Result<> started = f.start();
        if (!started) {
            REQUIRE(!fits);
            REQUIRE(started.error() == ERR_MEMORY);
            REQUIRE(f.process.end().ok());
            REQUIRE(f.nothing_left());
        }
        needed = started.ok() && !fits ? bytes : needed;
        fits = started.ok();
    }
    CHECK(fits);
    CHECK(needed < kBytes / 2);
}

TEST_CASE("a slot that is taken stays with whom it belongs to") {
    for (cptr_t slot : {kBook, kCspace, kTcb, kWindow}) {
        Fixture f;
        f.kernel.add(slot, CAP_ENDPOINT);
        f.before = f.kernel.slots();
        CHECK(f.start().error() == ERR_OCCUPIED);
        CHECK(f.process.end().ok());
        CHECK(f.nothing_left());
    }
}

TEST_CASE("a shape that cannot be is refused before anything is made") {
    auto refused = [](auto change) {
        Fixture f;
        sel::ProcessShape shape = kShape;
        change(shape);
        CHECK(f.process.make(shape, f.elf, f.environment).error() == ERR_ARG);
        CHECK(f.kernel.calls() == 0);
    };
    refused([](auto &s) { s.stack_bytes = 0; });
    refused([](auto &s) { s.stack_bytes = PAGE_BYTES + 1; });
    refused([](auto &s) { s.stack_bytes = sel::Process::kStackMax + PAGE_BYTES; });
    refused([](auto &s) { s.replies = 0; });
    refused([](auto &s) { s.replies = ~u32{0}; });
    refused([](auto &s) { s.slots = sel::SLOT_REPLIES + kReplies - 1; });
    refused([](auto &s) { s.slots = CNODE_SLOTS_MAX + 1; });
    Fixture f;
    sel::ProcessShape many = kShape;
    many.frames = ~u32{0};
    CHECK(f.process.make(many, f.elf, f.environment).error() == ERR_MEMORY);
    CHECK(f.nothing_left());
    REQUIRE(f.start().ok());
    SimKernel::Slots running = f.kernel.slots();
    CHECK(f.make().error() == ERR_BUSY);
    CHECK(f.kernel.slots() == running);
}

TEST_CASE("a file with any bytes changed is refused by name, or is a program that ends cleanly") {
    std::mt19937 random{7};
    Bytes good = make_elf({kText, kData});
    u32 refused = 0, started = 0;
    for (int i = 0; i < 4000; i++) {
        Fixture f{128 << 10};
        f.file = good;
        for (u32 k = 1 + random() % 3; k-- != 0;) {
            f.file[random() % (kElfHeader + 2 * kElfProgram)] = static_cast<u8>(random());
        }
        f.file.resize(random() % 4 != 0 ? f.file.size() : random() % f.file.size());
        const char *why = nullptr;
        auto elf = sel::read_elf(f.file, why);
        if (!elf) {
            refused++;
            REQUIRE(why != nullptr);
            REQUIRE(f.kernel.calls() == 0);
            continue;
        }
        REQUIRE(why == nullptr);
        f.elf = *elf;
        if (f.make().ok() && f.prepare().ok()) {
            started++;
            REQUIRE(f.process.end().ok());
        }
        REQUIRE(f.nothing_left());
    }
    CHECK(refused > 1000);
    CHECK(started > 100);
}

TEST_CASE("a program that runs is told, bounded and read") {
    Fixture f;
    REQUIRE(f.start().ok());
    CHECK(f.process.tell_ended(3, 5).ok());
    const SimKernel::Slot *page = f.kernel.mapped(space_of(f), sel::kEnvironmentAddress);
    sel::Environment seen;
    std::memcpy(&seen, f.kernel.bytes(page->object).data(), sizeof seen);
    CHECK(seen.ends[2] == 5);
    CHECK(seen.ends[1] == 0);
    CHECK(f.kernel.signals(f.in_cspace(sel::SLOT_NOTIFICATION).object) == sel::SIGNAL_ENDED);
    CHECK(f.process.set_budget(sel::SchedControl{kControl}, 1, 100).ok());
    CHECK(f.kernel.time(f.kernel.thread(kTcb).context) == std::pair<u64, u64>{1, 100});
    page = f.kernel.mapped(space_of(f), sel::kBufferAddress);
    sel::Ledger says{.answers = 42, .deadline = 7, .debt = {}, .thread = {}};
    says.debt[sel::Ledger::kDebts - 1] = {.since = 9, .ms = 1000, .reserved = 0};
    says.thread[sel::Ledger::kThreads - 1] = {.tcb = 33, .answers = 5};
    std::memcpy(f.kernel.bytes(page->object).data() + sel::kLedgerOffset, &says, sizeof says);
    sel::Ledger told = f.process.ledger().value();
    CHECK(std::memcmp(&told, &says, sizeof says) == 0);

    u8 bytes[64];
    CHECK(f.process.read(0x401010, bytes).value() == 64);
    CHECK(std::equal(bytes, bytes + 64, f.file.begin() + 0x2000));
    CHECK(f.process.read(0x401fff, bytes).value() == 1); // Up to the end of a page.
    CHECK(f.process.read(sel::kStackTop - 64, bytes).value() == 64);
    for (u64 address : {u64{0}, u64{0x405000}, sel::kStackTop, sel::kBufferAddress, ~u64{0}}) {
        CHECK(f.process.read(address, bytes).error() == ERR_ARG);
    }
    CHECK(f.process.end().ok());
    CHECK(f.process.read(0x401010, bytes).error() == ERR_ARG);
}
