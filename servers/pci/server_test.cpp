// Server: who gets which device, in which state, and what is left when it goes.
// SPDX-License-Identifier: BSD-2-Clause
#include "server.hpp"

#include <catch2/catch.hpp>
#include <functional>
#include <memory>

#include "fake.hpp"

#include "libsel/test/fuzz.hpp"
#include "sel/host.hpp"
#include "sel/server.hpp"

using namespace pci;

namespace {

constexpr u32 kNvme = 5 << 3, kVirtio = 4 << 3, kOther = 6 << 3, kVga = 2 << 3;
constexpr u64 kByNvme = 0xffff000000010802, kByVirtio = 0x1af410011af41042;

struct FakeWorld {
    struct Part {
        u32 program;
        u64 physical;
        u32 pages;
        bool operator==(const Part &) const = default;
    };
    static constexpr u32 kMany = 7; // A program with several needs.
    std::map<u32, root::DeviceGrant> grants;
    std::vector<root::DeviceGrant> many; // Of kMany, from need 1 on.
    std::vector<u32> needs;              // Of each part given.
    std::vector<Part> parts;
    std::vector<u32> lines;
    error_t memory_error = OK, interrupt_error = OK;
    u64 reach = ~u64{0}; // Root has no memory from here on.
    u64 time = 1000;
    u32 pages = 0;

    sel::Result<root::DeviceGrant> grant(Place place) {
        if (place.program > 9) {
            return ERR_NAME;
        }
        if (place.need != 0 && place.need < many.size() && place.program == kMany) {
            return many[place.need];
        }
        auto found = grants.find(place.need == 0 ? place.program : 0);
        return found == grants.end() ? sel::Result<root::DeviceGrant>{ERR_EMPTY} : found->second;
    }
    sel::Result<u32> give_memory(Place place, u64 physical, u32 count) {
        if (memory_error != OK || physical >= reach) {
            return memory_error != OK ? memory_error : ERR_ARG;
        }
        parts.push_back({place.program, physical, count});
        needs.push_back(place.need);
        pages += count;
        return pages - count;
    }
    sel::Result<sel::MsiInfo> give_interrupt(Place, u32 line) {
        if (interrupt_error != OK) {
            return interrupt_error;
        }
        lines.push_back(line);
        return sel::MsiInfo{0xfee00000, 0x31};
    }
    std::vector<std::pair<u32, bool>> quiet; // Who was told of, and whether nothing wrote then.
    std::function<bool()> all_quiet = [] { return true; };
    void quieted(u32 program) { quiet.push_back({program, all_quiet()}); }
    u64 now() const { return time; }
    u64 reset_ticks() const { return 100; }
};

using TestServer = Server<FakeConfig, FakeWorld>;

struct Fixture {
    FakeConfig config;
    FakeWorld world;
    std::vector<std::pair<u64, u64>> late; // Answers: label, first word.
    std::unique_ptr<TestServer> server;
    sel::ReplySet replies{sel::Tcb{1}, {100, 9}};

    Fixture() {
        FakeFunction &vga = config.add(kVga, 0x1234, 0x1111, 0x030000);
        vga.base(0, 0xfd000000, 0xff000000);
        vga.word[1] |= COMMAND_MASTER;
        add_nvme(config, kNvme, 0xfebf0000).word[1] |= COMMAND_MASTER | COMMAND_MEMORY;
        FakeFunction &disk = config.add(kVirtio, 0x1af4, 0x1042, 0x010000);
        disk.base(1, 0xfebf5000, 0xfffff000);
        disk.base(4, 0xfe00000c, 0xffffc000);
        disk.base(5, 0, 0xffffffff);
        disk.word[REG_INTERRUPT / 4] = 0x10b; // Pin A, line 11.
        world.grants[3] = {{kByNvme}, 0};
        world.grants[4] = {{kByVirtio}, 0};
        world.grants[5] = {{kByNvme}, 0};
        sel::host::kernel = [this](sel::Regs &r) {
            if (r.number == CALL_REPLY) {
                late.push_back({r.label(), r.word[0]});
            }
            r.number = OK;
        };
        server = std::make_unique<TestServer>(config, world);
        start();
    }
    ~Fixture() {
        server.reset();
        sel::host::kernel = nullptr;
    }
    void start(bool again = false) {
        server = std::make_unique<TestServer>(config, world);
        server->start(again);
    }

    // Sends Take; the answer's label, or ERR_TIMEOUT if there is none yet.
    error_t take(u32 program, u32 need = 0) {
        std::size_t before = late.size();
        sel::Regs r{};
        sel::store(r, Claim::label<Take>(), Take{.place = need});
        r.cptr = program;
        bool now = Claim::dispatch(*server, r, replies);
        replies.settle();
        REQUIRE(!now);
        return late.size() == before ? ERR_TIMEOUT : static_cast<error_t>(late.back().first);
    }
    u32 owner(u32 address) {
        for (u32 i = 0;; i++) {
            auto device = server->on(GetDevice{.place = i});
            REQUIRE(device.ok());
            if (device->address == address) {
                return device->program;
            }
        }
    }
    u32 command(u32 address) { return config.function[address].word[1] & 0xffff; }
    // And not masked.
    bool msix_on() { return config.function[kNvme].word[0x40 / 4] >> 30 == 2; }
};

sel::Caller caller(u32 program) {
    return {program, false, 0};
}

} // namespace

TEST_CASE_METHOD(Fixture, "at the start nothing does DMA but graphics and bridges") {
    CHECK((command(kNvme) & COMMAND_MASTER) == 0);
    CHECK((command(kNvme) & COMMAND_NO_LINE) != 0);
    CHECK((command(kVga) & COMMAND_MASTER) != 0);
    CHECK(server->on(GetDevice{.place = 3}).error() == ERR_NAME);
    auto device = server->on(GetDevice{.place = 2});
    CHECK(device->data == "QEMU NVMe disk");
    CHECK(device->id == 0x1b360010);
    CHECK(device->program == 0);
    CHECK(server->on(GetDevice{.place = 1})->data == "virtio disk");
}

TEST_CASE_METHOD(Fixture, "a driver gets its device, and DMA only when it says so") {
    CHECK(server->on(Start{}, caller(3)).error() == ERR_EMPTY);
    CHECK(server->on(ReadConfig{.offset = 0}, caller(3)).error() == ERR_EMPTY);
    CHECK(take(3) == OK);
    CHECK(world.parts == std::vector<FakeWorld::Part>{{3, 0xfebf0000, 4}});
    CHECK(world.lines == std::vector<u32>{IRQ_MSI});
    CHECK(owner(kNvme) == 3);
    CHECK((command(kNvme) & (COMMAND_MASTER | COMMAND_MEMORY | COMMAND_NO_LINE)) ==
          (COMMAND_MEMORY | COMMAND_NO_LINE));
    CHECK(!msix_on());
    CHECK(server->on(Start{}, caller(4)).error() == ERR_EMPTY);
    CHECK(server->on(Start{}, caller(3)).ok());
    CHECK((command(kNvme) & COMMAND_MASTER) != 0);
    CHECK(msix_on());
    CHECK(server->on(ReadConfig{.offset = 0}, caller(3)).value() == 0x00101b36);
    CHECK(server->on(ReadConfig{.offset = 2}, caller(3)).error() == ERR_ARG);
    CHECK(server->on(ReadConfig{.offset = 256}, caller(3)).error() == ERR_ARG);
}

TEST_CASE_METHOD(Fixture,
                 "small registers come first, and a line is used where there are no messages") {
    CHECK(take(4) == OK);
    CHECK(world.parts == std::vector<FakeWorld::Part>{{4, 0xfebf5000, 1}, {4, 0xfe000000, 4}});
    CHECK(world.lines == std::vector<u32>{11 | IRQ_LEVEL | IRQ_LOW});
    CHECK((command(kVirtio) & COMMAND_NO_LINE) == 0);
}

TEST_CASE_METHOD(Fixture, "nobody gets what is not his") {
    CHECK(take(1) == ERR_RIGHT); // Its manifest names no device.
    CHECK(take(10) == ERR_NAME); // There is no such program.
    CHECK(take(3) == OK);
    CHECK(take(5) == ERR_NAME); // The only one is gone.
    world.grants[6] = {{0x12341111}, 0};
    CHECK(take(6) == ERR_NAME); // Graphics is nobody's.
    CHECK(server->on(Quiet{.program = 5}).ok());
    CHECK(owner(kNvme) == 3);
    CHECK(server->on(Quiet{.program = 0}).ok());
}

// Three NVMe controllers for one program, and one that another has.
struct Several : Fixture {
    static constexpr u32 kMany = FakeWorld::kMany, kSecond = 9 << 3, kThird = 10 << 3;

    Several() {
        add_nvme(config, kSecond, 0xfeb00000);
        add_nvme(config, kThird, 0xfeb10000);
        world.grants[kMany] = {{kByNvme}, 0};
        world.many.assign(4, {{kByNvme}, 0});
        start();
    }
    void all() {
        for (u32 need = 0; need < 3; need++) {
            REQUIRE(take(kMany, need) == OK);
            REQUIRE(server->on(Start{.place = need}, caller(kMany)).ok());
        }
    }
};

TEST_CASE_METHOD(Several, "a driver of several devices gets them in the order of the bus") {
    all();
    CHECK(world.parts == std::vector<FakeWorld::Part>{{kMany, 0xfebf0000, 4},
                                                      {kMany, 0xfeb00000, 4},
                                                      {kMany, 0xfeb10000, 4}});
    CHECK(world.needs == std::vector<u32>{0, 1, 2});
    CHECK(take(kMany, 3) == ERR_NAME);  // There are no more,
    CHECK(take(kMany, 4) == ERR_RIGHT); // nor needs.
    CHECK(take(kMany, ~0u) == ERR_RIGHT);
    CHECK(take(3) == ERR_NAME);
    CHECK(server->on(Start{.place = 3}, caller(kMany)).error() == ERR_EMPTY);
    CHECK(server->on(ReadConfig{.place = 3, .offset = 0}, caller(kMany)).error() == ERR_EMPTY);
    CHECK((command(kThird) & COMMAND_MASTER) != 0);
}

TEST_CASE_METHOD(Several, "what another has does not count, what cannot be given does") {
    CHECK(take(3) == OK);
    CHECK(take(kMany, 1) == OK);
    CHECK(owner(kThird) == kMany);
    CHECK(owner(kSecond) == 0);
    world.memory_error = ERR_OCCUPIED;
    CHECK(take(kMany) == ERR_OCCUPIED);
    CHECK(owner(kSecond) == 0);
    CHECK(owner(kThird) == kMany);
    CHECK(take(kMany, 2) == ERR_NAME);
}

TEST_CASE_METHOD(Several,
                 "all devices of a program that ends are quiet, and its next life has them "
                 "by the same numbers") {
    all();
    SECTION("the supervisor says so") {
        CHECK(server->on(Quiet{.program = kMany}).ok());
    }
    SECTION("nobody says so") {
        server->on_ended(kMany);
    }
    for (u32 address : {kNvme, kSecond, kThird}) {
        CHECK(owner(address) == 0);
        CHECK((command(address) & COMMAND_MASTER) == 0);
        CHECK(config.function[address].resets == 1);
    }
    world.time += 100; // All of them at the same time.
    world.parts.clear();
    all();
    CHECK(world.parts[2].physical == 0xfeb10000);
}

TEST_CASE_METHOD(Several, "devices given by a server that died are known by their registers") {
    all();
    world.grants[kMany].physical = 0xfebf0000;
    world.many[2].physical = 0xfeb10000;
    start(true);
    CHECK(owner(kNvme) == kMany);
    CHECK(owner(kSecond) == 0);
    CHECK((command(kSecond) & COMMAND_MASTER) == 0);
    CHECK(owner(kThird) == kMany);
    CHECK((command(kThird) & COMMAND_MASTER) != 0);
    CHECK(server->on(Start{.place = 2}, caller(kMany)).ok());
    CHECK(server->on(Start{.place = 1}, caller(kMany)).error() == ERR_EMPTY);
}

TEST_CASE_METHOD(Fixture, "quiet means no DMA, no interrupt, and a reset") {
    CHECK(take(3) == OK);
    CHECK(server->on(Start{}, caller(3)).ok());
    CHECK(server->on(Quiet{.program = 3}).ok());
    CHECK((command(kNvme) & COMMAND_MASTER) == 0);
    CHECK(!msix_on());
    CHECK(config.function[kNvme].resets == 1);
    CHECK(owner(kNvme) == 0);
    CHECK(server->deadline() == sel::kForever);
    CHECK(server->on(Start{}, caller(3)).error() == ERR_EMPTY);

    // Its next life waits for the end of the reset, and finds the registers where they were.
    CHECK(take(3) == ERR_TIMEOUT);
    CHECK(server->on(Start{}, caller(3)).error() == ERR_EMPTY);
    CHECK(server->deadline() == world.time + 100);
    server->on_timeout();
    CHECK(late.size() == 1);
    world.time += 100;
    server->on_timeout();
    REQUIRE(late.size() == 2);
    CHECK(late[1].first == OK);
    CHECK(config.function[kNvme].word[REG_BAR / 4] == (0xfebf0000 | 4));
    CHECK(server->on(Start{}, caller(3)).ok());
    CHECK(server->deadline() == sel::kForever);
}

TEST_CASE_METHOD(Several, "root is told that devices write no more when none of them can") {
    world.all_quiet = [this] {
        return ((command(kNvme) | command(kSecond) | command(kThird)) & COMMAND_MASTER) == 0;
    };
    auto told = [this](u32 program) {
        auto quiet = std::exchange(world.quiet, {});
        return quiet == std::vector<std::pair<u32, bool>>{{program, true}};
    };
    world.quiet.clear();
    start();
    CHECK(told(0)); // Whoever had them in an earlier life of this server.
    all();
    CHECK(world.quiet.empty());
    server->on_ended(kMany);
    CHECK(told(kMany));
    world.time += world.reset_ticks();
    all();
    CHECK(server->on(Quiet{.program = kMany}).ok());
    CHECK(world.quiet.empty()); // It has not ended yet: more may be lent to it.
    server->on_ended(kMany);
    CHECK(told(kMany)); // Also if it has none any more.
}

TEST_CASE_METHOD(Fixture, "a driver that dies while it waits is forgotten") {
    CHECK(take(3) == OK);
    CHECK(server->on(Quiet{.program = 3}).ok());
    CHECK(take(3) == ERR_TIMEOUT);
    CHECK(server->on(Quiet{.program = 3}).ok());
    CHECK(late.back().first == ERR_GONE);
    CHECK(take(5) == ERR_TIMEOUT); // Free again, for whoever it fits.
    CHECK(owner(kNvme) == 5);
    world.time += 200;
    server->on_timeout();
    CHECK(late.back().first == OK);
    CHECK(world.parts.back().program == 5);
}

TEST_CASE_METHOD(Fixture, "taking again quietens first") {
    CHECK(take(3) == OK);
    CHECK(server->on(Start{}, caller(3)).ok());
    CHECK(take(3) == ERR_TIMEOUT);
    CHECK((command(kNvme) & COMMAND_MASTER) == 0);
    CHECK(take(3) == ERR_GONE); // The earlier one; only the last is answered.
    world.time += 100;
    server->on_timeout();
    CHECK(late.size() == 3);
    CHECK(late.back().first == OK);
}

TEST_CASE_METHOD(Fixture, "a device that cannot be given stays free and quiet") {
    for (error_t error : {ERR_OCCUPIED, ERR_FULL}) {
        world.memory_error = error;
        CHECK(take(3) == error);
        CHECK(owner(kNvme) == 0);
        world.memory_error = OK;
        world.interrupt_error = error;
        CHECK(take(3) == error);
        CHECK(owner(kNvme) == 0);
        CHECK((command(kNvme) & (COMMAND_MASTER | COMMAND_MEMORY)) == 0);
        world.interrupt_error = OK;
    }
    CHECK(take(3) == OK);
}

TEST_CASE_METHOD(Fixture, "registers move to where root has memory") {
    world.reach = 0xfe800000;
    CHECK(take(4) == ERR_ARG); // Its first ones fit nowhere below.
    world.reach = u64{1} << 40;
    config.function[kNvme].word[REG_BAR / 4 + 1] = 0x3800; // At 56 TiB.
    start();
    CHECK(take(3) == OK);
    u64 at = world.parts.back().physical;
    CHECK(at < 0xfec00000);
    CHECK(config.function[kNvme].word[REG_BAR / 4] == (static_cast<u32>(at) | 4));
    CHECK(config.function[kNvme].word[REG_BAR / 4 + 1] == 0);
}

TEST_CASE_METHOD(Fixture, "registers in the page of others, or without a place, get one") {
    FakeFunction &f = config.add(kOther, 1, 1, 0x010000);
    f.base(0, 0xfebf5800, 0xffffff00); // Where the disk has its own.
    f.base(1, 0, 0xfffff000);
    world.grants[6] = {{0x00010001}, 0};
    start();
    CHECK(take(6) == OK);
    CHECK(world.parts.size() == 2);
    CHECK(world.parts[0].physical / PAGE_BYTES != 0xfebf5);
    CHECK(world.parts[1].physical != 0);
    CHECK(world.parts[0].physical != world.parts[1].physical);
    CHECK(f.word[REG_BAR / 4 + 1] == world.parts[1].physical);
    CHECK(take(4) == OK);
    CHECK(world.parts[2].physical == 0xfebf5000);
}

TEST_CASE_METHOD(Fixture, "large registers are given as far as there is room") {
    FakeFunction &f = config.add(kOther, 1, 1, 0x010000);
    f.base(0, 0xe0000000, 0xf0000000);
    f.base(1, 0xf4000000, 0xfffff000);
    f.capability(0, 0x40, CAPABILITY_MSIX, 0);
    f.word[0x44 / 4] = 0x40000; // Its table is beyond what is given: it interrupts by MSI.
    f.capability(0x40, 0x60, CAPABILITY_MSI, 0);
    for (u32 i = 0x60 / 4; i < 0x78 / 4; i++) {
        f.writable[i] = i == 0x60 / 4 ? 0x00710000 : ~0u;
    }
    world.grants[6] = {{0x00010001}, 0};
    start();
    CHECK(take(6) == OK);
    CHECK(world.parts == std::vector<FakeWorld::Part>{{6, 0xf4000000, 1}, {6, 0xe0000000, 63}});
    CHECK(f.word[0x64 / 4] == 0xfee00000);
    CHECK(server->on(Start{}, caller(6)).ok());
    CHECK((f.word[0x60 / 4] >> 16 & 1) == 1);
    CHECK(f.word[0x40 / 4] >> 31 == 0);
}

TEST_CASE_METHOD(Fixture, "after a restart of this server, running drivers keep their devices") {
    CHECK(take(3) == OK);
    CHECK(server->on(Start{}, caller(3)).ok());
    world.grants[3].physical = 0xfebf0000;
    config.function[kVirtio].word[1] |= COMMAND_MASTER;
    start(true);
    CHECK(owner(kNvme) == 3);
    CHECK((command(kNvme) & (COMMAND_MASTER | COMMAND_MEMORY)) ==
          (COMMAND_MASTER | COMMAND_MEMORY));
    CHECK(msix_on());
    CHECK((command(kVirtio) & COMMAND_MASTER) == 0);
    CHECK(server->on(Start{}, caller(3)).ok());
    CHECK(msix_on());
    CHECK(server->on(Quiet{.program = 3}).ok());
    CHECK(!msix_on());
}

TEST_CASE("the MSI-X table gets one message, and is masked else") {
    static u32 memory[64];
    for (u32 &word : memory) {
        word = 0xee;
    }
    sel::PciDevice device{{30, 65}, reinterpret_cast<u64>(memory), 1};
    Taken taken{};
    taken.table_bar = 1;
    taken.bar[1] = {16, 240};
    taken.table_offset = 32;
    taken.table_entries = 3;
    taken.message_address = 0x1'fee00000;
    taken.message_data = 0x31;
    fill_table(device, taken);
    CHECK(memory[11] == 0xee);
    CHECK(memory[12] == 0xfee00000);
    CHECK(memory[13] == 1);
    CHECK(memory[14] == 0x31);
    CHECK(memory[15] == 0);
    CHECK(memory[19] == 1);
    CHECK(memory[23] == 1);
    CHECK(memory[24] == 0xee);
}

TEST_CASE_METHOD(Fixture, "random messages, random answers", "[pci]") {
    sel::fuzz::server<View>(*server, 8);
    sel::fuzz::server<Claim>(*server, 8);
    sel::fuzz::server<Control>(*server, 8);
    sel::fuzz::clients<View>();
    sel::fuzz::clients<Claim>();
    sel::fuzz::clients<Control>();
}

TEST_CASE("an answer whose registers lie outside of the window is none", "[pci]") {
    Taken good{};
    good.bar[0] = {0, PAGE_BYTES};
    good.bar[5] = {PAGE_BYTES, 63 * PAGE_BYTES};
    auto sound = [&](auto change) {
        Taken taken = good;
        change(taken);
        return taken.sound();
    };
    CHECK(sound([](Taken &) {}));
    CHECK(!sound([](Taken &t) { t.bar[5].bytes++; }));
    CHECK(!sound([](Taken &t) { t.bar[0] = {0xffffffff, 2}; }));
    CHECK(!sound([](Taken &t) { t.signal = static_cast<Signal>(4); }));
    auto table = [&](u8 bar, u32 offset, u32 entries) {
        return sound([&](Taken &t) {
            t.signal = Signal::MSIX;
            t.table_bar = bar;
            t.table_offset = offset;
            t.table_entries = entries;
        });
    };
    CHECK(table(0, 0, PAGE_BYTES / 16));
    CHECK(!table(0, 16, PAGE_BYTES / 16));
    CHECK(!table(1, 0, 1));
    CHECK(!table(6, 0, 1));
    CHECK(!table(5, 0xfffffff0, 2));
    CHECK(!table(5, 0, 0));
}
