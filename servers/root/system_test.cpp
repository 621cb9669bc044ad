// System: a good table is read, and a table that contradicts itself is refused.
// SPDX-License-Identifier: BSD-2-Clause
#include <catch2/catch.hpp>

#include <random>
#include <vector>

#include "api.hpp"
#include "libsel/test/fuzz.hpp"
#include "system.hpp"

using namespace root;

namespace {

constexpr grant::Client kClient{.server = 2, .protocol = 0, .part = 0, .rights = RIGHT_WRITE};
constexpr grant::Device kDevice{.physical = 0xfed00000, .bytes = 8192, .address = 0x7ffe00000000};

template <typename G>
void put(Grant &grant, u16 slot, u16 slots, const G &what) {
    grant.kind = grant::All::kind<G>();
    grant.slot = slot;
    grant.slots = slots;
    std::memset(grant.value, 0, sizeof grant.value);
    std::memcpy(grant.value, &what, std::is_empty_v<G> ? 0 : sizeof what);
}

struct Table {
    ProgramRecord program[2];
    Grant grant[2];

    Table() {
        std::memset(static_cast<void *>(this), 0, sizeof *this);
        for (ProgramRecord &p : program) {
            std::strcpy(p.name, "ab");
            p.memory = 65536;
            p.stack = 16384;
            p.budget_us = p.period_us = 10000;
            p.slots = 20;
            p.replies = 2;
            p.priority = 10;
        }
        std::strcpy(program[1].name, "server");
        program[1].flags = FLAG_SERVES;
        program[0].grant_count = 2;
        for (Grant &g : grant) {
            std::strcpy(g.name, "need");
        }
        put(grant[0], 10, 1, kClient);
        put(grant[1], 11, 2, kDevice);
    }

    std::vector<u8> bytes() const {
        SystemHeader h{{'T', 'S', 'Y', 'S', 'T', 'E', 'M', '1'}, SYSTEM_VERSION, 2, 2};
        std::vector<u8> b(sizeof h + sizeof *this);
        std::memcpy(b.data(), &h, sizeof h);
        std::memcpy(b.data() + sizeof h, this, sizeof *this);
        return b;
    }
};

template <typename Change>
error_t with(Change change) {
    Table t;
    change(t);
    return System::open(t.bytes()).error();
}

} // namespace

TEST_CASE("a table is read") {
    auto bytes = Table{}.bytes();
    auto system = System::open(bytes);
    REQUIRE(system.ok());
    CHECK(system->count() == 2);
    CHECK(system->find("server") == 2);
    CHECK(system->find("serve") == 0);
    CHECK(system->grants(1).size() == 2);
    CHECK(system->grants(2).empty());
    CHECK(system->fault_handler() == 0);
    CHECK(!system->is_program(0));
    CHECK(!system->is_program(3));
}

TEST_CASE("a table of another length or kind is refused") {
    auto bytes = Table{}.bytes();
    for (std::size_t n = 0; n < bytes.size(); n++) {
        REQUIRE(System::open(std::span(bytes).first(n)).error() == ERR_SYNTAX);
    }
    bytes.push_back(0);
    CHECK(System::open(bytes).error() == ERR_SYNTAX);
    bytes.pop_back();
    bytes[0] ^= 1;
    CHECK(System::open(bytes).error() == ERR_SYNTAX);
}

TEST_CASE("a program that cannot be is refused") {
    CHECK(with([](Table &) {}) == OK);
    CHECK(with([](Table &t) { t.program[0].name[0] = 0; }) == ERR_SYNTAX);
    CHECK(with([](Table &t) { std::memset(t.program[0].name, 'a', 16); }) == ERR_SYNTAX);
    CHECK(with([](Table &t) { t.program[0].memory = 0; }) == ERR_SYNTAX);
    CHECK(with([](Table &t) { t.program[0].memory = 4097; }) == ERR_SYNTAX);
    CHECK(with([](Table &t) { t.program[0].stack = 1 << 21; }) == ERR_SYNTAX);
    CHECK(with([](Table &t) { t.program[0].priority = 255; }) == ERR_SYNTAX);
    CHECK(with([](Table &t) { t.program[0].priority = 0; }) == ERR_SYNTAX);
    CHECK(with([](Table &t) { t.program[0].budget_us = 10001; }) == ERR_SYNTAX);
    CHECK(with([](Table &t) { t.program[0].share_us = 1; }) == ERR_SYNTAX); // It serves nobody.
    CHECK(with([](Table &t) { t.program[1].share_us = 10000; }) == OK);
    CHECK(with([](Table &t) { t.program[1].share_us = 10001; }) == ERR_SYNTAX);
    CHECK(with([](Table &t) { t.program[0].replies = 0; }) == ERR_SYNTAX);
    CHECK(with([](Table &t) { t.program[0].replies = 17; }) == ERR_SYNTAX);
    CHECK(with([](Table &t) { t.program[0].slots = 9000; }) == ERR_SYNTAX);
    CHECK(with([](Table &t) { t.program[0].grant_count = 3; }) == ERR_SYNTAX);
    CHECK(with([](Table &t) { t.program[1].grant_first = 0xffff; }) == ERR_SYNTAX);
}

// What a table says of which the first program has this grant in slot 10.
template <typename G>
error_t given(u16 slots, G what) {
    return with([&](Table &t) {
        t.program[0].slots = 80;
        put(t.grant[0], 10, slots, what);
        t.grant[1].slot = 78;
    });
}

// The same with one thing changed.
template <typename G, typename Change>
error_t changed(u16 slots, G what, Change change) {
    change(what);
    return given(slots, what);
}

TEST_CASE("a grant that is of no kind, or outside the slots, is refused") {
    CHECK(grant::All::kind<grant::Client>() == 1);
    CHECK(grant::All::kind<grant::Notification>() == 18);
    CHECK(with([](Table &t) { t.grant[0].kind = 0; }) == ERR_SYNTAX);
    CHECK(grant::All::kind<grant::Regions>() == 21);
    CHECK(with([](Table &t) { t.grant[0].kind = 22; }) == ERR_SYNTAX);
    CHECK(with([](Table &t) { t.grant[0].slot = 5; }) == ERR_SYNTAX);  // A Reply's.
    CHECK(with([](Table &t) { t.grant[0].slot = 20; }) == ERR_SYNTAX); // Behind the last.
    CHECK(with([](Table &t) { t.grant[1].slots = 200; }) == ERR_SYNTAX);
    CHECK(with([](Table &t) { t.grant[0].name[0] = 0; }) == ERR_SYNTAX);
}

TEST_CASE("each kind has as many slots as it fills") {
    const grant::Pool pool{.number = 3, .bytes = 8192, .address = 0x7ffe00000000};
    const grant::Pci pci{.match = 1, .bit = 4, .address = 0x7ffe00000000};
    auto only = [](u16 slots, auto what) {
        for (u16 n = 0; n < 70; n++) {
            CHECK((given(n, what) == OK) == (n == slots));
        }
    };
    only(1, kClient);
    only(1, grant::Io{0x3f8, 0x3ff});
    only(1, grant::Irq{1, 4});
    only(2, kDevice);
    only(0, grant::Archive{0x7ffe80000000});
    only(0, grant::Display{0x7ffe00000000});
    only(4, grant::Trace{16384, 0x7ffe00000000});
    only(1, grant::TraceControl{});
    only(1, grant::Untyped{4096});
    only(1, grant::Context{1, 2});
    only(1, grant::Space{});
    only(1, grant::Cspace{});
    only(1, grant::Doorbell{1});
    only(9, grant::Slots{9});
    only(2, pool);
    only(1 + PCI_PAGES, pci);
    only(1, grant::Thread{1, 2, 4096, 10, 0x7ffe00000000});
    only(1, grant::Notification{});
    only(2, grant::Region{3, 8192, 0x7ffe00000000});
    only(2 + 3 * 2, grant::Regions{3, 8192, 0x7ffe00000000});
}

TEST_CASE("a grant that cannot be is refused") {
    auto client = [](u32 server) {
        return changed(1, kClient, [=](auto &c) { c.server = server; });
    };
    CHECK(client(0) == OK);         // Root.
    CHECK(client(1) == ERR_SYNTAX); // Serves nothing.
    CHECK(client(3) == ERR_SYNTAX);
    CHECK(changed(1, kClient, [](auto &c) { c.rights = 8; }) == ERR_SYNTAX);
    CHECK(changed(1, kClient, [](auto &c) { c.part = c.protocol = 255; }) == OK);
    CHECK(given(1, grant::Io{0x3f8, 0x3f7}) == ERR_SYNTAX);
    CHECK(given(1, grant::Context{3, 2}) == ERR_SYNTAX);
    CHECK(given(1, grant::Untyped{0}) == ERR_SYNTAX);
    CHECK(given(1, grant::Untyped{100}) == ERR_SYNTAX);
    CHECK(given(1, grant::Untyped{65536}) == ERR_SYNTAX); // All of its memory.
    CHECK(changed(2, kDevice, [](auto &d) { d.physical++; }) == ERR_SYNTAX);
    CHECK(changed(2, kDevice, [](auto &d) { d.physical = u64{1} << 46; }) == ERR_SYNTAX);
    CHECK(changed(2, kDevice, [](auto &d) { d.bytes = 4096; }) == ERR_SYNTAX); // For two slots.
    CHECK(changed(2, kDevice, [](auto &d) { d.address++; }) == ERR_SYNTAX);
    CHECK(changed(2, kDevice, [](auto &d) { d.address = u64{1} << 47; }) == ERR_SYNTAX);
    CHECK(given(0, grant::Archive{100}) == ERR_SYNTAX);
    CHECK(given(0, grant::Archive{u64{1} << 47}) == ERR_SYNTAX);
    CHECK(given(0, grant::Display{0x7ffe00001000}) == ERR_SYNTAX); // Not where a large page begins.
    CHECK(given(0, grant::Display{u64{1} << 47}) == ERR_SYNTAX);
    CHECK(given(4, grant::Trace{16384, 100}) == ERR_SYNTAX);
}

TEST_CASE("a thread has time, a stack, and no more priority than its program") {
    const grant::Thread good{1000, 2000, 8192, 10, 0x7ffe00000000};
    auto thread = [=](auto change) { return changed(1, good, change); };
    CHECK(good.pages() == 3);
    CHECK(thread([](auto &) {}) == OK);
    CHECK(thread([](auto &t) { t.budget_us = 0; }) == ERR_SYNTAX);
    CHECK(thread([](auto &t) { t.budget_us = 2001; }) == ERR_SYNTAX);
    CHECK(thread([](auto &t) { t.stack_bytes = 0; }) == ERR_SYNTAX);
    CHECK(thread([](auto &t) { t.stack_bytes = 4097; }) == ERR_SYNTAX);
    CHECK(thread([](auto &t) { t.stack_bytes = 2 << 20; }) == ERR_SYNTAX);
    CHECK(thread([](auto &t) { t.priority = 0; }) == ERR_SYNTAX);
    CHECK(thread([](auto &t) { t.priority = 11; }) == ERR_SYNTAX);  // Above the program,
    CHECK(thread([](auto &t) { t.priority = 266; }) == ERR_SYNTAX); // also when cut to 10.
    CHECK(thread([](auto &t) { t.address++; }) == ERR_SYNTAX);
    CHECK(thread([](auto &t) { t.address = u64{1} << 47; }) == ERR_SYNTAX);
}

TEST_CASE("faults come to the program itself, which has an endpoint") {
    auto faults = [](u8 flags) {
        return with([=](Table &t) {
            t.program[0].flags = flags;
            put(t.grant[0], 10, 1, grant::Faults{});
        });
    };
    CHECK(faults(FLAG_SERVES) == OK);
    CHECK(faults(0) == ERR_SYNTAX);
}

TEST_CASE("a pool is one of few, and of one size") {
    auto pools = [](u16 slots, auto change) {
        return with([=](Table &t) {
            grant::Pool pool{.number = 3, .bytes = 8192, .address = 0x7ffe00000000};
            put(t.grant[0], 10, 2, pool);
            change(pool);
            put(t.grant[1], 10, slots, pool);
        });
    };
    CHECK(pools(2, [](auto &) {}) == OK);
    CHECK(pools(2, [](auto &p) { p.number = POOL_MAX; }) == ERR_SYNTAX);
    CHECK(pools(2, [](auto &p) { p.number = ~u64{0}; }) == ERR_SYNTAX);
    CHECK(pools(1, [](auto &) {}) == ERR_SYNTAX);
    CHECK(pools(2, [](auto &p) { p.address = u64{1} << 47; }) == ERR_SYNTAX);
    CHECK(pools(2, [](auto &p) { p.address++; }) == ERR_SYNTAX);
    CHECK(pools(1, [](auto &p) { p.bytes = 4096; }) == ERR_SYNTAX);
    CHECK(pools(1, [](auto &p) {
              p.bytes = 4096;
              p.number = 2;
          }) == OK);
    CHECK(pools(0, [](auto &p) { p.bytes = 0; }) == ERR_SYNTAX);
}

TEST_CASE("a region has a number of its own, whole Frames, and an end") {
    const grant::Region good{.number = 3, .bytes = 8192, .address = 0x7ffe00000000};
    auto region = [=](auto change) { return changed(2, good, change); };
    CHECK(region([](auto &) {}) == OK);
    CHECK(region([](auto &r) { r.number = REGION_MAX; }) == ERR_SYNTAX);
    CHECK(region([](auto &r) { r.number = ~u64{0}; }) == ERR_SYNTAX);
    CHECK(region([](auto &r) { r.bytes = 0; }) == ERR_SYNTAX);
    CHECK(region([](auto &r) { r.bytes = 4097; }) == ERR_SYNTAX);
    CHECK(region([](auto &r) { r.bytes = 1 << 20; }) == OK);
    CHECK(region([](auto &r) { r.bytes = (1 << 20) + 4096; }) ==
          ERR_SYNTAX);                                       // Too many small ones.
    CHECK(region([](auto &r) { r.bytes = 8 << 20; }) == OK); // Four large ones.
    CHECK(region([](auto &r) { r.bytes = 10 << 20; }) == ERR_SYNTAX);
    CHECK(region([](auto &r) { r.address++; }) == ERR_SYNTAX);
    CHECK(region([](auto &r) { r.address = u64{1} << 47; }) == ERR_SYNTAX);
    CHECK(region([](auto &r) { r.bytes = 2 << 20, r.address += 4096; }) == ERR_SYNTAX);
    auto both = [=](u64 number) {
        return with([=](Table &t) {
            put(t.grant[0], 10, 2, good);
            put(t.grant[1], 12, 2, grant::Region{number, 4096, 0x7ffe00100000});
        });
    };
    CHECK(both(3) == ERR_SYNTAX);
    CHECK(both(4) == OK);
}

TEST_CASE("a server has one room for regions, with places that do not meet") {
    const grant::Regions good{.places = 16, .bytes = 4096, .address = 0x7ffe00000000};
    auto room = [=](auto change) { return changed(2 + 16, good, change); };
    CHECK(room([](auto &) {}) == OK);
    CHECK(room([](auto &r) { r.places = 0; }) == ERR_SYNTAX);
    CHECK(room([](auto &r) { r.places = 17; }) == ERR_SYNTAX);
    CHECK(given(2 + 17, grant::Regions{17, 4096, 0x7ffe00000000}) == ERR_SYNTAX);
    CHECK(room([](auto &r) { r.bytes = 8192; }) == ERR_SYNTAX); // For as many slots.
    CHECK(room([](auto &r) { r.address++; }) == ERR_SYNTAX);
    CHECK(given(2 + 16, grant::Regions{16, 2 << 20, 0x7ffe00000000}) == OK);
    CHECK(good.at(1) == good.address + 2 * 4096);
    CHECK(grant::Regions{2, 2 << 20, 0}.at(1) == 4 << 20);
    CHECK(with([=](Table &t) {
              grant::Regions small{1, 4096, 0x7ffe00000000};
              put(t.grant[0], 10, 3, small);
              put(t.grant[1], 13, 3, small);
          }) == ERR_SYNTAX);
}

TEST_CASE("a PCI device has a bit and a window") {
    const grant::Pci pci{.match = 1, .bit = 4, .address = 0x7ffe00000000};
    auto device = [=](auto change) { return changed(1 + PCI_PAGES, pci, change); };
    CHECK(device([](auto &) {}) == OK);
    CHECK(device([](auto &p) { p.bit = 0; }) == ERR_SYNTAX);
    CHECK(device([](auto &p) { p.bit = 6; }) == ERR_SYNTAX);
    CHECK(device([](auto &p) { p.address = 100; }) == ERR_SYNTAX);
    CHECK(device([](auto &p) { p.address = u64{1} << 47; }) == ERR_SYNTAX);
}

TEST_CASE("a device is matched by its ids or its class") {
    DeviceMatch one{0x1af41042}, two{0x1af410011af41042}, nvme{0xffff000000010802};
    CHECK(one.fits(0x1af41042, 0));
    CHECK(!one.fits(0x1af41001, 0));
    CHECK(!one.fits(0, 0x1af41042));
    CHECK(two.fits(0x1af41042, 0x010000));
    CHECK(two.fits(0x1af41001, 0x010000));
    CHECK(!two.fits(0x1af41000, 0x010000));
    CHECK(nvme.fits(0x1b360010, 0x010802));
    CHECK(!nvme.fits(0x00010802, 0x010801));
    CHECK(!nvme.fits(0xffff0000, 0));
}

TEST_CASE("whatever the bytes are, grants and names stay inside") {
    std::mt19937 random{1};
    u32 accepted = 0;
    for (int i = 0; i < 50000; i++) {
        auto bytes = Table{}.bytes();
        for (u32 k = random() % 3; k-- != 0;) {
            bytes[16 + random() % (bytes.size() - 16)] = static_cast<u8>(random());
        }
        auto system = System::open(bytes);
        for (u32 p = 1; system.ok() && p <= system->count(); p++) {
            accepted++;
            REQUIRE(system->program(p).title().size() < 16);
            for (const Grant &g : system->grants(p)) {
                REQUIRE(reinterpret_cast<const u8 *>(&g + 1) <= bytes.data() + bytes.size());
                REQUIRE(g.slot + g.slots <= system->program(p).slots);
            }
        }
    }
    CHECK(accepted > 1000);
}

TEST_CASE("random answers to those who ask root", "[root]") {
    sel::fuzz::clients<View>();
    sel::fuzz::clients<Devices>();
    sel::fuzz::clients<Starter>();
    sel::fuzz::clients<Lender>();
    sel::fuzz::clients<Borrower>();
    sel::fuzz::clients<Control>();
}
