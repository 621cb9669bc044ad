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
            g.kind = GRANT_CLIENT;
            g.a = 2;
            g.slot = 10;
            g.slots = 1;
        }
        grant[1].kind = GRANT_DEVICE;
        grant[1].a = 0xfed00000;
        grant[1].b = 8192;
        grant[1].c = 0x7ffe00000000;
        grant[1].slot = 11;
        grant[1].slots = 2;
    }

    std::vector<u8> bytes() const {
        SystemHeader h{{'T', 'S', 'Y', 'S', 'T', 'E', 'M', '1'}, 1, 2, 2};
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

TEST_CASE("a grant that cannot be is refused") {
    CHECK(with([](Table &t) { t.grant[0].kind = 0; }) == ERR_SYNTAX);
    CHECK(with([](Table &t) { t.grant[0].kind = GRANT_KIND_END; }) == ERR_SYNTAX);
    CHECK(with([](Table &t) { t.grant[0].slot = 5; }) == ERR_SYNTAX);  // A Reply's.
    CHECK(with([](Table &t) { t.grant[0].slot = 20; }) == ERR_SYNTAX); // Behind the last.
    CHECK(with([](Table &t) { t.grant[0].a = 1; }) == ERR_SYNTAX);     // Serves nothing.
    CHECK(with([](Table &t) { t.grant[0].a = 0; }) == OK);             // Root.
    CHECK(with([](Table &t) { t.grant[0].a = 3; }) == ERR_SYNTAX);
    CHECK(with([](Table &t) { t.grant[0].b = 0xff01; }) == OK); // Protocol 1, part 255.
    CHECK(with([](Table &t) { t.grant[0].b = 0x10000; }) == ERR_SYNTAX);
    CHECK(with([](Table &t) { t.grant[1].a++; }) == ERR_SYNTAX);
    CHECK(with([](Table &t) { t.grant[1].b = 4096; }) == ERR_SYNTAX); // For two slots.
    CHECK(with([](Table &t) { t.grant[1].c = u64{1} << 47; }) == ERR_SYNTAX);
    CHECK(with([](Table &t) { t.grant[1].slots = 200; }) == ERR_SYNTAX);
    auto io = [](u64 first, u64 last) {
        return with([=](Table &t) {
            t.grant[0].kind = GRANT_IO;
            t.grant[0].a = first;
            t.grant[0].b = last;
        });
    };
    CHECK(io(0x3f8, 0x3ff) == OK);
    CHECK(io(0x3f8, 0x3f7) == ERR_SYNTAX);
    CHECK(io(0x3f8, 0x10000) == ERR_SYNTAX);
    auto untyped = [](u64 bytes) {
        return with([=](Table &t) {
            t.grant[0].kind = GRANT_UNTYPED;
            t.grant[0].a = bytes;
        });
    };
    CHECK(untyped(4096) == OK);
    CHECK(untyped(0) == ERR_SYNTAX);
    CHECK(untyped(100) == ERR_SYNTAX);
    CHECK(untyped(65536) == ERR_SYNTAX); // All of its memory.
}

TEST_CASE("a thread has time, a stack, and no more priority than its program") {
    auto thread = [](u64 a, u64 b, u64 c = 0x7ffe00000000) {
        return with([=](Table &t) {
            t.grant[0].kind = GRANT_THREAD;
            t.grant[0].a = a;
            t.grant[0].b = b;
            t.grant[0].c = c;
        });
    };
    constexpr u64 kTime = 1000 | u64{2000} << 32, kStack = 8192 | u64{10} << 32;
    CHECK(thread(kTime, kStack) == OK);
    CHECK(thread(0, kStack) == ERR_SYNTAX);
    CHECK(thread(2001 | u64{2000} << 32, kStack) == ERR_SYNTAX);
    CHECK(thread(kTime, u64{10} << 32) == ERR_SYNTAX);             // No stack.
    CHECK(thread(kTime, 100 | u64{10} << 32) == ERR_SYNTAX);       // Not of pages.
    CHECK(thread(kTime, (2 << 20) | u64{10} << 32) == ERR_SYNTAX); // Longer than any.
    CHECK(thread(kTime, 8192) == ERR_SYNTAX);                      // Priority 0,
    CHECK(thread(kTime, 8192 | u64{11} << 32) == ERR_SYNTAX);      // above that of the program,
    CHECK(thread(kTime, 8192 | u64{266} << 32) == ERR_SYNTAX);     // or one that is cut to 10.
    CHECK(thread(kTime, kStack, 0x7ffe00000100) == ERR_SYNTAX);
    CHECK(thread(kTime, kStack, u64{1} << 47) == ERR_SYNTAX);
}

TEST_CASE("faults come to the program itself, which has an endpoint") {
    auto faults = [](u32 taker, u8 flags) {
        return with([=](Table &t) {
            t.program[0].flags = flags;
            t.grant[0].kind = GRANT_FAULTS;
            t.grant[0].a = taker;
        });
    };
    CHECK(faults(1, FLAG_SERVES) == OK);
    CHECK(faults(1, 0) == ERR_SYNTAX);
    CHECK(faults(2, FLAG_SERVES) == ERR_SYNTAX);
    CHECK(faults(0, FLAG_SERVES) == ERR_SYNTAX);
}

TEST_CASE("a pool is one of few, and of one size") {
    auto pools = [](auto change) {
        return with([=](Table &t) {
            for (Grant &g : t.grant) {
                g.kind = GRANT_POOL;
                g.a = 3;
                g.b = 8192;
                g.c = 0x7ffe00000000;
                g.slot = 10;
                g.slots = 2;
            }
            change(t.grant[1]);
        });
    };
    CHECK(pools([](Grant &) {}) == OK);
    CHECK(pools([](Grant &g) { g.a = POOL_MAX; }) == ERR_SYNTAX);
    CHECK(pools([](Grant &g) { g.a = ~u64{0}; }) == ERR_SYNTAX);
    CHECK(pools([](Grant &g) { g.slots = 1; }) == ERR_SYNTAX);
    CHECK(pools([](Grant &g) { g.c = u64{1} << 47; }) == ERR_SYNTAX);
    CHECK(pools([](Grant &g) { g.c++; }) == ERR_SYNTAX);
    auto half = [](Grant &g) {
        g.b = 4096;
        g.slots = 1;
    };
    CHECK(pools(half) == ERR_SYNTAX);
    CHECK(pools([=](Grant &g) {
              half(g);
              g.a = 2;
          }) == OK);
    CHECK(pools([](Grant &g) { g.b = g.slots = 0; }) == ERR_SYNTAX);
}

TEST_CASE("a PCI device has its slots, a bit and a window") {
    auto device = [](auto change) {
        return with([=](Table &t) {
            Grant &g = t.grant[0];
            t.program[0].slots = 80;
            g.kind = GRANT_PCI;
            g.b = 4;
            g.c = 0x7ffe00000000;
            g.slots = 1 + PCI_PAGES;
            change(g);
        });
    };
    CHECK(device([](Grant &) {}) == OK);
    CHECK(device([](Grant &g) { g.slots--; }) == ERR_SYNTAX);
    CHECK(device([](Grant &g) { g.slot = 16; }) == ERR_SYNTAX);
    CHECK(device([](Grant &g) { g.b = 0; }) == ERR_SYNTAX);
    CHECK(device([](Grant &g) { g.b = 6; }) == ERR_SYNTAX);
    CHECK(device([](Grant &g) { g.c = 100; }) == ERR_SYNTAX);
    CHECK(device([](Grant &g) { g.c = u64{1} << 47; }) == ERR_SYNTAX);
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
    sel::fuzz::clients<Control>();
}
