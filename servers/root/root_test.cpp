// Root: whatever clients, programs and the kernel say, it answers, and can still start and end every program.
// SPDX-License-Identifier: BSD-2-Clause
#include "root.hpp"

#include <catch2/catch.hpp>

#include <memory>
#include <random>

#include "libsel/test/fuzz.hpp"
#include "libsel/test/make_archive.hpp"
#include "libsel/test/make_elf.hpp"
#include "sel/host.hpp"

using namespace root;

namespace {

constexpr u32 kPrograms = 8; // Numbers that the fuzz often takes.
enum : u32 { kHandler = 1, kServer = 2, kLate = 6, kStarter = 7, kApp = 8 };
constexpr u64 kAddress = 0x7ffe00000000;
constexpr u16 kFirst = 10; // Slot behind its Replies.

alignas(PAGE_BYTES) u8 window_page[PAGE_BYTES];

// Answers with anything, and refuses now and then, unless it is `kind`.
class WildKernel {
  public:
    WildKernel() {
        sel::host::kernel = [this](sel::Regs &r) { call(r); };
    }
    ~WildKernel() { sel::host::kernel = nullptr; }
    WildKernel(const WildKernel &) = delete;
    WildKernel &operator=(const WildKernel &) = delete;

    u64 below(u64 end) { return random_() % end; }

    bool kind = true;
    u32 off = 0;     // How often the machine was to be switched off or reset.
    u64 longest = 0; // Calls between two resets of `calls`.
    u64 calls = 0;

  private:
    static constexpr u16 kSerialEnd = 0x3ff;

    void call(sel::Regs &r) {
        calls++;
        longest = std::max(longest, calls);
        if (r.number == CALL_REPLY) {
            sel::host::reply(r);
            return;
        }
        bool port = r.number == CALL_PORT_IN || r.number == CALL_PORT_OUT;
        off += r.number == CALL_PORT_OUT && r.word[0] > kSerialEnd ? 1 : 0;
        bool refuses = !kind && !port && below(8) == 0, thread = r.number == CALL_TCB_INFO,
             capability = r.number == CALL_CAP_INFO;
        r.number = refuses ? 1 + below(ERR_COUNT - 1) : u64{OK};
        for (u64 &w : r.word) {
            w = port ? ~u64{0} : kind ? 0 : random_() >> below(64);
        }
        if (thread || capability) { // A kernel names no state, type or fault that there is not.
            r.word[0] = below(FAULT_BUDGET + 1) << 32 | (r.word[0] & 0xffffff00) |
                        below(thread ? u32{STATE_COUNT} : u32{CAP_TYPE_COUNT});
        }
        if (!kind && below(16) == 0) { // What root sees of a program is that program's.
            std::generate(std::begin(window_page), std::end(window_page),
                          [this] { return static_cast<u8>(random_()); });
        }
    }

    std::mt19937_64 random_{7};
};

class TableMaker {
  public:
    TableMaker() {
        constexpr const char *kNames[] = {"handler", "server", "c",       "d",
                                          "e",       "f",      "starter", "app"};
        for (u32 i = 0; i < kPrograms; i++) {
            ProgramRecord p{};
            std::strcpy(p.name, kNames[i]);
            p.memory = 1 << 20;
            p.stack = 16384;
            p.budget_us = p.period_us = 10000;
            p.slots = 400;
            p.replies = kFirst - sel::SLOT_REPLIES;
            p.priority = static_cast<u8>(200 - i);
            p.flags = i + 1 == kApp ? 0 : i + 1 == kLate ? FLAG_BOOT | FLAG_LATE : FLAG_BOOT;
            p.restart = static_cast<u8>(Restart::ALWAYS);
            p.tries = 5;
            program_.push_back(p);
        }
        program_[kHandler - 1].flags |= FLAG_SERVES | FLAG_FAULTS;
        program_[kServer - 1].flags |= FLAG_SERVES;
        program_[kServer - 1].share_us = 1000;
    }

    template <typename G>
    TableMaker &give(u32 number, u16 slots, const G &what) {
        ProgramRecord &p = program_[number - 1];
        if (p.grant_count == 0) {
            p.grant_first = static_cast<u16>(grant_.size());
            slot_ = kFirst;
        }
        Grant g{};
        std::strcpy(g.name, "need");
        g.kind = grant::All::kind<G>();
        g.slot = slot_;
        g.slots = slots;
        std::memcpy(g.value, &what, std::is_empty_v<G> ? 0 : sizeof what);
        grant_.push_back(g);
        slot_ = static_cast<u16>(slot_ + slots);
        p.grant_count++;
        return *this;
    }

    std::vector<u8> bytes() const {
        SystemHeader h{{'T', 'S', 'Y', 'S', 'T', 'E', 'M', '1'},
                       SYSTEM_VERSION,
                       kPrograms,
                       static_cast<u16>(grant_.size())};
        std::size_t programs = program_.size() * sizeof program_[0];
        std::vector<u8> b(sizeof h + programs + grant_.size() * sizeof grant_[0]);
        std::memcpy(b.data(), &h, sizeof h);
        std::memcpy(b.data() + sizeof h, program_.data(), programs);
        std::memcpy(b.data() + sizeof h + programs, grant_.data(),
                    grant_.size() * sizeof grant_[0]);
        return b;
    }

  private:
    std::vector<ProgramRecord> program_;
    std::vector<Grant> grant_;
    u16 slot_ = kFirst;
};

// One of each kind that root answers messages about.
std::vector<u8> make_table() {
    const grant::Client view{.server = 0, .protocol = 0, .part = 0, .rights = RIGHT_WRITE};
    const grant::Client client{.server = kServer, .protocol = 0, .part = 0, .rights = RIGHT_WRITE};
    return TableMaker{}
        .give(kHandler, 1, view)
        .give(kServer, 2 + 4, grant::Regions{2, 8192, kAddress})
        .give(kServer, 1 + PCI_PAGES, grant::Pci{0x1af41042, 1, kAddress + (1 << 20)})
        .give(kServer, 1, grant::Irq{2, 4})
        .give(kServer, 1, grant::Io{0x3f8, 0x3ff})
        .give(kStarter, 1, client)
        .give(kStarter, 1, grant::Starter{20, 1000, 90, 3})
        .give(kStarter, 2, grant::Region{0, 8192, kAddress})
        .give(kStarter, 2, grant::Pool{0, 8192, kAddress + (2 << 20)})
        .give(kApp, 1, client)
        .give(kApp, 2, grant::Region{1, 4096, kAddress})
        .give(kApp, 1, grant::Doorbell{1})
        .bytes();
}

std::vector<u8> make_files() {
    std::vector<std::pair<std::string, std::vector<u8>>> files;
    for (const char *name : {"handler", "server", "c", "d", "e", "f", "starter", "app"}) {
        files.emplace_back(std::string{"bin/"} + name,
                           sel::test::make_elf({sel::test::kText, sel::test::kData}));
    }
    return sel::test::make_archive(files);
}

boot_info_t make_boot_info() {
    boot_info_t boot{};
    boot.untyped_count = 2;
    boot.module_count = 1;
    boot.free_slot = BOOT_CAP_FREE;
    boot.cnode_slots = 1 << 16;
    boot.tsc_hz = u64{1'000'000'000} << CLOCK_SHIFT;
    boot.untyped[0] = {1 << 20, 64 << 20, UNTYPED_RAM, 0};
    boot.untyped[1] = {u64{1} << 32, 1 << 30, UNTYPED_DEVICE, 0};
    boot.module[0] = {u64{1} << 32, 1 << 20, "archive"};
    return boot;
}

struct Fixture {
    Fixture() {
        sel::host::time = 0;
        REQUIRE(programs.prepare().ok());
        programs.start_all();
    }

    // Some messages of each protocol, faults, and time.
    void round(u32 seed, u32 clients) {
        constexpr u32 kMessages = 200;
        harmless(seed, clients, kMessages);
        sel::fuzz::server_of<Control>(*root, sel::fuzz::replies(), clients, 1, 2 * kMessages, seed);
        for (u32 i = 0; i < kMessages; i++) {
            sel::Fault fault{};
            fault.program = static_cast<u32>(kernel.below(kernel.below(4) == 0 ? 200 : 10));
            fault.kind = static_cast<fault_t>(kernel.below(FAULT_BUDGET + 1));
            for (u64 &word : fault.word) {
                word = kernel.below(2) == 0 ? sel::kExitCall : kernel.below(~u64{0});
            }
            root->on_fault(fault);
            sel::host::time += kernel.below(1'000'000'000);
            if (root->deadline() <= sel::host::time) {
                root->on_timeout();
            }
        }
    }

    // All protocols but that of who has the whole power.
    void harmless(u32 seed, u32 clients, u32 messages) {
        constexpr u32 kParts = REGION_MAX + 2; // Of Lender: its region.
        sel::ReplySet &replies = sel::fuzz::replies();
        sel::fuzz::server_of<View>(*root, replies, clients, 1, messages, seed + 1);
        sel::fuzz::server_of<Devices>(*root, replies, clients, 1, messages, seed + 2);
        sel::fuzz::server_of<Starter>(*root, replies, clients, 1, messages, seed + 3);
        sel::fuzz::server_of<Lender>(*root, replies, clients, kParts, messages, seed + 4);
        sel::fuzz::server_of<Borrower>(*root, replies, clients, 1, messages, seed + 5);
    }

    // All numbers that root tells are ones that a client believes.
    void look() {
        for (u32 i = 0; i < 200; i++) {
            if (auto p = root->on(GetProgram{.number = i}); p.ok()) {
                CHECK(p->sound());
            }
        }
        Memory memory = root->on(GetMemory{}).value();
        CHECK(memory.free <= memory.ram);
        CHECK(memory.free + memory.programs + memory.root + memory.lost == memory.ram);
    }

    WildKernel kernel;
    std::vector<u8> table = make_table(), files = make_files();
    System system = System::open(table).value();
    sel::Archive archive = sel::Archive::open(files).value();
    boot_info_t boot = make_boot_info();
    Kit kit{boot, reinterpret_cast<u64>(window_page)};
    EarlyConsole console{sel::IoPort{BOOT_CAP_IO_PORT}};
    Screen screen{kit};
    std::unique_ptr<Programs> programs_ = std::make_unique<Programs>(
        kit, screen, console, system, archive, boot.module[0], cptr_t{100});
    Programs &programs = *programs_;
    std::unique_ptr<Root> root = std::make_unique<Root>(programs, kit, console, cptr_t{101});
};

} // namespace

TEST_CASE("root starts what the table says, and ends and starts it by message", "[root]") {
    Fixture f;
    for (u32 i = 1; i <= kPrograms; i++) {
        CHECK(f.programs.runs(i) == (i != kApp && i != kLate));
    }
    CHECK(f.root->on(StartLate{}).ok());
    for (u32 i = 1; i <= kPrograms; i++) {
        CHECK(f.programs.runs(i) == (i != kApp));
    }
    CHECK(f.root->on(Start{.number = kApp, .data = "x"}).ok());
    CHECK(f.root->on(Start{.number = kApp}).error() == ERR_BUSY);
    CHECK(f.root->on(Start{.number = kPrograms + 1}).error() == ERR_NAME);
    CHECK(f.root->on(Stop{.number = kApp, .code = 3, .keep = 0}).ok());
    CHECK(f.root->on(GetProgram{.number = kApp})->exit_code == 3);
    CHECK(f.kernel.off == 0);
    f.look();
}

TEST_CASE("root starts the late ones once, and none that somebody has started and ended",
          "[root]") {
    Fixture f;
    CHECK(f.root->on(GetProgram{.number = kLate})->state == State::STOPPED);
    CHECK(f.root->on(Start{.number = kLate}).ok());
    CHECK(f.root->on(Stop{.number = kLate, .code = 3, .keep = 0}).ok());
    CHECK(f.root->on(StartLate{}).ok());
    CHECK_FALSE(f.programs.runs(kLate));
    Fixture once;
    CHECK(once.root->on(StartLate{}).ok());
    CHECK(once.root->on(Stop{.number = kLate, .code = 3, .keep = 0}).ok());
    CHECK(once.root->on(StartLate{}).ok());
    CHECK_FALSE(once.programs.runs(kLate));
}

// Neither may a look take long: root has the highest priority.
TEST_CASE("a look at what a program holds asks the kernel for few at a time", "[root]") {
    Fixture f;
    u32 first = 0, lists = 0, held = 0;
    do {
        f.kernel.calls = f.kernel.longest = 0;
        SlotList list = f.root->on(GetSlots{.number = kServer, .first = first}).value();
        CHECK(f.kernel.longest <= 64);
        CHECK((list.next == 0 || list.next > first));
        first = list.next;
        held += list.count;
        lists++;
    } while (first != 0 && lists < 1000);
    CHECK(held == 399); // This kernel says that there is something everywhere.
    CHECK(f.root->on(GetSlots{.number = kServer, .first = ~0u})->next == 0);
}

TEST_CASE("random messages to root, from a kernel that says anything", "[root]") {
    Fixture f;
    f.kernel.kind = false;
    for (u32 i = 0; i < 20; i++) {
        f.round(10 * i, i % 4 == 0 ? 200 : kPrograms);
        f.look();
    }
    CHECK(f.kernel.off > 0); // Control may.
    f.kernel.kind = true;
    for (u32 i = 1; i <= kPrograms; i++) {
        CAPTURE(i);
        REQUIRE(f.root->on(Stop{.number = i, .code = 1, .keep = 0}).ok());
        error_t error =
            f.root->on(Start{.number = i}).error(); // What the kernel kept comes back here.
        REQUIRE((error == OK || f.root->on(Start{.number = i}).ok()));
        REQUIRE(f.root->on(Stop{.number = i, .code = 5, .keep = 0}).ok());
        CHECK(f.root->on(GetProgram{.number = i})->exit_code == 5);
    }
    for (u32 region : {0u, 1u}) { // Here, too.
        REQUIRE(f.programs.make_region(region, 4096).ok());
        REQUIRE(f.programs.release_region(region).ok());
    }
    for (u32 i = sel::Environment::kSystemPrograms + 1; i <= sel::Environment::kPrograms; i++) {
        CHECK(f.root->on(GetProgram{.number = i}).error() == ERR_EMPTY);
    }
    CHECK(f.root->on(GetMemory{})->lost == 0);
    f.look();
}

// Whoever has not Control cannot switch off, whatever it says to the others.
TEST_CASE("only Control switches off", "[root]") {
    Fixture f;
    f.kernel.kind = false;
    for (u32 i = 0; i < 20; i++) {
        f.harmless(10 * i, kPrograms, 500);
    }
    CHECK(f.kernel.off == 0);
}
