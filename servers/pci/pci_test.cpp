// Config and Bus: what is found on a bus, and that nothing a device says leads astray.
// SPDX-License-Identifier: BSD-2-Clause
#include <catch2/catch.hpp>

#include <memory>
#include <random>

#include "fake.hpp"
#include "names.hpp"

using namespace pci;

namespace {

using TestBus = Bus<FakeConfig>;

std::unique_ptr<TestBus> scan(FakeConfig &config) {
    auto bus = std::make_unique<TestBus>(config);
    bus->scan();
    return bus;
}

constexpr u32 at(u32 bus, u32 device, u32 function = 0) {
    return bus << 8 | device << 3 | function;
}

void add_bridge(FakeConfig &config, u32 address, u32 secondary) {
    FakeFunction &f = config.add(address, 0x8086, 0x1234, 0x060400);
    f.word[REG_HEADER / 4] = 1 << 16;
    f.word[REG_BUSES / 4] = secondary << 8 | secondary << 16;
}

} // namespace

TEST_CASE("devices, functions and what is behind bridges are found") {
    FakeConfig config;
    config.add(at(0, 0), 0x8086, 0x1237, 0x060000);
    config.add(at(0, 1), 0x8086, 0x7000, 0x060100).word[REG_HEADER / 4] = 0x80 << 16;
    config.add(at(0, 1, 3), 0x8086, 0x7113, 0x068000);
    config.add(at(0, 2, 1), 0xdead, 0x0001, 0); // Without a function 0 there is no device.
    config.add(at(0, 3), 0x1234, 0x1111, 0x030000);
    config.add(at(0, 3, 1), 0xdead, 0x0002, 0); // Function 0 says that it is alone.
    add_bridge(config, at(0, 4), 5);
    add_bridge(config, at(5, 0), 7);
    config.add(at(7, 31), 0x1af4, 0x1042, 0x010000);
    config.add(at(6, 0), 0xdead, 0x0003, 0); // No bridge leads here.
    auto bus = scan(config);
    std::vector<u32> found;
    for (const Function &f : *bus) {
        CHECK(f.id >> 16 != 0xdead);
        found.push_back(f.address);
    }
    CHECK(found == std::vector<u32>{at(0, 0), at(0, 1), at(0, 1, 3), at(0, 3), at(0, 4), at(5, 0),
                                    at(7, 31)});
    CHECK((*bus)[6].id == 0x1af41042);
    CHECK((*bus)[6].code == 0x010000);
    CHECK((*bus)[4].bridge);
    CHECK(bus->left_out() == 0);
}

TEST_CASE("bridges that lead in circles, or everywhere, end") {
    FakeConfig config;
    for (u32 i = 0; i < 32; i++) {
        add_bridge(config, at(0, i), i % 3); // To bus 0 itself, and twice to the same.
        add_bridge(config, at(1, i), i % 2 == 0 ? 0 : 255);
        add_bridge(config, at(255, i), 255);
    }
    auto bus = scan(config);
    CHECK(bus->count() == TestBus::kFunctions);
    CHECK(bus->left_out() == 3 * 32 - TestBus::kFunctions);
    CHECK(config.accesses < 10000);
}

TEST_CASE("registers have their sizes, and keep their addresses") {
    FakeConfig config;
    FakeFunction &f = config.add(at(0, 4), 0x1af4, 0x1042, 0x010000);
    f.word[1] = COMMAND_PORTS | COMMAND_MEMORY | COMMAND_MASTER;
    f.base(0, 0xc001, 0xffffff80);     // Ports.
    f.base(1, 0xfebf5000, 0xfffff000); // 4 KiB.
    f.base(2, 0, 0);                   // None.
    f.base(4, 0x0000400c, 0xffffc000); // 16 KiB, 64 bits.
    f.base(5, 0xe0, 0xffffffff);
    auto before = f.word;
    auto bus = scan(config);
    const Function &found = (*bus)[0];
    CHECK(f.word == before);
    CHECK(!found.base[0].memory);
    CHECK(found.base[0].bytes == 128);
    CHECK(found.base[1].at == 0xfebf5000);
    CHECK(found.base[1].bytes == 4096);
    CHECK(found.base[2].bytes == 0);
    CHECK(found.base[4].wide);
    CHECK(found.base[4].at == 0xe000004000);
    CHECK(found.base[4].bytes == 0x4000);
    CHECK(found.base[5].bytes == 0);
    // It was deaf while its registers had no address.
    CHECK(f.written.front() == REG_COMMAND);
    CHECK(f.written.back() == REG_COMMAND);
}

TEST_CASE("sizes that cannot be are none") {
    FakeConfig config;
    FakeFunction &f = config.add(at(0, 4), 0x1af4, 0x1042, 0x010000);
    f.base(0, 0x1000, 0xf0f0f000);
    f.base(2, 0x4, 0xffffc000);        // 64 bits,
    f.base(3, 0, 0xffff0000);          // with a hole in between.
    f.base(5, 0x10000004, 0xffffc000); // 64 bits, and no other half.
    auto bus = scan(config);
    for (const Base &base : (*bus)[0].base) {
        CHECK(base.bytes == 0);
    }
}

TEST_CASE("bridges are not measured") {
    FakeConfig config;
    config.add(at(0, 0), 0x8086, 0x1237, 0x060000).base(0, 0xe0000000, 0xf0000000);
    add_bridge(config, at(0, 1), 1);
    auto bus = scan(config);
    CHECK(config.function[at(0, 0)].written.empty());
    CHECK(config.function[at(0, 1)].written.empty());
}

TEST_CASE("capabilities are found, whatever their list looks like") {
    FakeConfig config;
    add_nvme(config, at(0, 5), 0xfebf0000);
    FakeFunction &loop = config.add(at(0, 6), 1, 1, 0x010000);
    loop.capability(0, 0x40, 9, 0);
    loop.capability(0x40, 0x50, CAPABILITY_MSI, 0);
    loop.capability(0x50, 0x40, 9, 0x0040); // And from there to 0x50 again.
    loop.word[0x40 / 4] |= 0x50 << 8;
    FakeFunction &low = config.add(at(0, 7), 1, 2, 0x010000);
    low.capability(0, 0x10, CAPABILITY_MSI, 0); // In the header.
    FakeFunction &end = config.add(at(0, 8), 1, 3, 0x010000);
    end.capability(0, 0xfc, CAPABILITY_MSI, 0); // It would not fit.
    FakeFunction &none = config.add(at(0, 9), 1, 4, 0x010000);
    none.capability(0, 0x40, CAPABILITY_MSI, 0);
    none.word[1] = 0; // It says that there is no list.
    auto bus = scan(config);
    CHECK((*bus)[0].msix == 0x40);
    CHECK((*bus)[0].express == 0x80);
    CHECK((*bus)[0].msi == 0);
    CHECK((*bus)[1].msi == 0x50);
    CHECK((*bus)[2].msi == 0);
    CHECK((*bus)[3].msi == 0);
    CHECK((*bus)[4].msi == 0);
}

TEST_CASE("a message is programmed into MSI, short and long") {
    for (bool wide : {false, true}) {
        FakeConfig config;
        FakeFunction &f = config.add(at(0, 6), 1, 1, 0x010000);
        f.capability(0, 0x50, CAPABILITY_MSI, wide ? 0x0180 | 0x71 : 0x0100 | 0x71);
        for (u32 i = 0x50 / 4; i < 0x68 / 4; i++) {
            f.writable[i] = i == 0x50 / 4 ? 0x00710000 : ~0u;
            f.word[i] |= i == 0x50 / 4 ? 0 : 0xeeeeeeee;
        }
        auto bus = scan(config);
        const Function &found = (*bus)[0];
        bus->space(found).set_message(found, {0x1'fee00000, 0x31});
        CHECK(f.word[0x54 / 4] == 0xfee00000);
        CHECK((f.word[0x50 / 4] & 0x00710000) == 0); // One message, and not yet on.
        CHECK(f.word[(wide ? 0x5c : 0x58) / 4] == 0x31);
        CHECK(f.word[(wide ? 0x60 : 0x5c) / 4] == 0); // Not masked.
        if (wide) {
            CHECK(f.word[0x58 / 4] == 1);
        }
        bus->space(found).messages(found, Signal::MSI);
        CHECK((f.word[0x50 / 4] & 0x00710000) == 0x00010000);
        bus->space(found).messages(found, Signal::NONE);
        CHECK((f.word[0x50 / 4] & 0x00710000) == 0);
    }
}

TEST_CASE("MSI-X is switched on and off, and where its table is") {
    FakeConfig config;
    FakeFunction &f = add_nvme(config, at(0, 5), 0xfebf0000);
    f.word[0x40 / 4] |= 0x40000000; // The firmware has masked it.
    auto bus = scan(config);
    const Function &found = (*bus)[0];
    CHECK(bus->space(found).table_entries(found) == 65);
    CHECK(bus->space(found).table_bar(found) == 0);
    CHECK(bus->space(found).table_offset(found) == 0x2000);
    bus->space(found).messages(found, Signal::MSIX);
    CHECK(f.word[0x40 / 4] >> 30 == 2);
    bus->space(found).messages(found, Signal::NONE);
    CHECK(f.word[0x40 / 4] >> 30 == 3); // On, but masked.
    bus->space(found).messages(found, Signal::LINE);
    CHECK(f.word[0x40 / 4] >> 30 == 0);
    bus->space(found).messages(found, Signal::NONE); // Nothing to be masked.
    CHECK(f.word[0x40 / 4] >> 30 == 0);
}

TEST_CASE("free addresses meet nothing that is there") {
    FakeConfig config;
    config.add(at(0, 1), 1, 1, 0x010000).base(0, 0xfebff000, 0xfffff000);
    config.add(at(0, 2), 1, 2, 0x010000).base(0, 0xfebfe800, 0xffffff00); // Less than a page.
    add_bridge(config, at(0, 3), 1);
    config.function[at(0, 3)].word[REG_BRIDGE_MEMORY / 4] = 0xfeb0fea0; // 0xfea00000 to 0xfebfffff.
    auto bus = scan(config);
    CHECK(bus->find_room(4096) == 0xfe9ff000);
    CHECK(bus->find_room(256) == 0xfe9ff000);
    CHECK(bus->find_room(1 << 20) == 0xfe900000);
    CHECK(bus->find_room(1 << 28) == 0);
    CHECK(bus->find_room(u64{1} << 40) == 0);
    config.function[at(0, 3)].word[REG_BRIDGE_MEMORY / 4] = 0x0000fff0; // Nothing behind it.
    CHECK(bus->find_room(4096) == 0xfebfd000);
}

TEST_CASE("a bus full of noise is searched, and ends") {
    std::mt19937 random{1};
    for (int round = 0; round < 2000; round++) {
        FakeConfig config;
        for (u32 i = random() % 40; i-- != 0;) {
            FakeFunction &f =
                config.function[random() % 3 == 0 ? random() % 65536 : random() % 256];
            for (u32 k = 0; k < 64; k++) {
                f.word[k] = random() % 4 == 0 ? static_cast<u32>(random()) : f.word[k];
                f.writable[k] = static_cast<u32>(random());
            }
            f.word[REG_HEADER / 4] = random() % 3 << 16;
        }
        auto bus = scan(config);
        REQUIRE(config.accesses < 300'000);
        for (Function &f : *bus) {
            REQUIRE((f.msi == 0 || (f.msi >= 0x40 && f.msi + 24 <= 256)));
            REQUIRE((f.msix == 0 || (f.msix >= 0x40 && f.msix + 12 <= 256)));
            for (const Base &base : f.base) {
                REQUIRE((base.bytes == 0 || std::has_single_bit(base.bytes)));
            }
        }
    }
}

TEST_CASE("devices have names") {
    CHECK(class_name(0x010802) == "NVMe disk");
    CHECK(class_name(0x010601) == "SATA controller (AHCI)");
    CHECK(class_name(0x010000) == "SCSI controller");
    CHECK(class_name(0x0c0330) == "USB controller");
    CHECK(class_name(0x050000) == "memory controller");
    CHECK(class_name(0x130000) == "instrument");
    CHECK(class_name(0x140000) == "unknown device");
    CHECK(class_name(0xff0000) == "unknown device");
    CHECK(vendor_name(0x8086) == "Intel");
    CHECK(vendor_name(0) == "");
    CHECK(device_name(0x1af41042) == "disk");
    CHECK(device_name(0) == "");
}
