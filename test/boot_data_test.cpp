// The readers of boot data, ACPI tables and ELF files: what they understand, and that damage is
// refused with a message and never leads outside the bytes given (also run under sanitizers).
// SPDX-License-Identifier: BSD-2-Clause
#include "arch/x86_64/boot/acpi.hpp"
#include "arch/x86_64/boot/boot_data.hpp"
#include "arch/x86_64/boot/elf.hpp"

#include "abi/call.h"

#include <catch2/catch.hpp>

#include <algorithm>
#include <cstring>
#include <memory>
#include <random>
#include <string>
#include <vector>

using namespace arch;

namespace {

// Bytes that are built up; a copy of exact size lets the address sanitizer see every overrun.
class Builder {
  public:
    template <typename T>
    Builder &put(T value) {
        const auto *bytes = reinterpret_cast<const u8 *>(&value);
        bytes_.insert(bytes_.end(), bytes, bytes + sizeof value);
        return *this;
    }
    Builder &text(const std::string &s) {
        bytes_.insert(bytes_.end(), s.begin(), s.end());
        return *this;
    }
    Builder &align(size_t to) {
        bytes_.resize((bytes_.size() + to - 1) / to * to);
        return *this;
    }
    template <typename T>
    Builder &set(size_t at, T value) {
        std::memcpy(bytes_.data() + at, &value, sizeof value);
        return *this;
    }
    size_t size() const { return bytes_.size(); }
    std::vector<u8> &bytes() { return bytes_; }

  private:
    std::vector<u8> bytes_;
};

constexpr u64 BASE = 0x200000; // Where the test memory pretends to lie.

Memory memory_of(const std::vector<u8> &bytes) {
    return {{bytes.data(), bytes.size()}, BASE};
}

void sum_to_zero(std::vector<u8> &bytes, size_t from, size_t count, size_t at) {
    bytes[at] = 0;
    u8 sum = 0;
    for (size_t i = from; i < from + count; i++) {
        sum = static_cast<u8>(sum + bytes[i]);
    }
    bytes[at] = static_cast<u8>(-sum);
}

struct Area {
    u64 base, bytes;
    u32 type;
};

Builder &put_tag(Builder &b, u32 type, const Builder &body) {
    b.align(8).put(type).put(static_cast<u32>(8 + body.size()));
    Builder copy = body;
    b.bytes().insert(b.bytes().end(), copy.bytes().begin(), copy.bytes().end());
    return b.align(8);
}

std::vector<u8> multiboot(const std::vector<Area> &areas, u32 modules) {
    Builder b;
    b.put(u32{0}).put(u32{0});
    put_tag(b, 1, Builder().text("quiet").put(u8{0}));
    Builder map;
    map.put(u32{24}).put(u32{0});
    for (const Area &a : areas) {
        map.put(a.base).put(a.bytes).put(a.type).put(u32{0});
    }
    put_tag(b, 6, map);
    for (u32 i = 0; i < modules; i++) {
        u32 start = 0x400000 + i * 0x10000;
        put_tag(b, 3, Builder().put(start).put(start + 0x1234).text("root").put(u8{0}));
    }
    put_tag(b, 15, Builder().text("RSD PTR "));
    put_tag(b, 0, Builder());
    b.set(0, static_cast<u32>(b.size()));
    return b.bytes();
}

const std::vector<Area> RAM = {{0, 0x9fc00, 1}, {0x9fc00, 0x60400, 2}, {0x100000, 0x7f00000, 1}};

std::vector<u8> elf(u64 address, u32 flags) {
    Builder b;
    b.put(u32{0x464c457f}).put(u32{0x00010102}).put(u64{0}); // Identification.
    b.put(u16{2}).put(u16{62}).put(u32{1}).put(address);     // Type, machine, version, entry.
    b.put(u64{64}).put(u64{0}).put(u32{0});                  // Program headers, sections, flags.
    b.put(u16{64}).put(u16{56}).put(u16{1}).put(u16{64}).put(u16{0}).put(u16{0});
    b.put(u32{1}).put(flags).put(u64{0x78}).put(address).put(address).put(u64{16}).put(u64{64});
    b.put(u64{4096});
    b.text("0123456789abcdef");
    return b.bytes();
}

Bytes bytes_of(const std::vector<u8> &v) {
    return {v.data(), v.size()};
}

// RSDP at BASE, XSDT behind it, then MADT and HPET table.
std::vector<u8> acpi_tables() {
    Builder b;
    b.text("RSD PTR ").put(u8{0}).text("TEST  ").put(u8{2}).put(u32{0});
    b.put(u32{36}).put(u64{BASE + 64}).put(u32{0}).align(64);
    b.text("XSDT").put(u32{52}).align(100).put(u64{BASE + 128}).put(u64{BASE + 256}).align(128);
    b.text("APIC").put(u32{44 + 12 + 10}).align(164).put(u32{0xfee00000}).put(u32{1});
    b.put(u8{1}).put(u8{12}).put(u16{0}).put(u32{0xfec00000}).put(u32{0});
    b.put(u8{2}).put(u8{10}).put(u8{0}).put(u8{0}).put(u32{2}).put(u16{0xf}).align(256);
    b.text("HPET").put(u32{56}).align(256 + 40).put(u32{0}).put(u64{0xfed00000}).align(320);
    sum_to_zero(b.bytes(), 0, 20, 8);
    sum_to_zero(b.bytes(), 64, 52, 64 + 9);
    sum_to_zero(b.bytes(), 128, 66, 128 + 9);
    sum_to_zero(b.bytes(), 256, 56, 256 + 9);
    return b.bytes();
}

} // namespace

TEST_CASE("ranges join, split and stay sorted") {
    Ranges r;
    REQUIRE(r.add(0x3000, 0x5000));
    REQUIRE(r.add(0x1000, 0x2000));
    REQUIRE(r.add(0x2000, 0x3000));
    REQUIRE(r.count() == 1);
    REQUIRE(r.remove(0x2000, 0x3000));
    REQUIRE(r.count() == 2);
    CHECK(r.bytes() == 0x3000);
    CHECK(r.contains(0x3000, 0x5000));
    CHECK_FALSE(r.contains(0x1000, 0x4000));
    r.keep_largest(1);
    CHECK(r[0].base == 0x3000);
}

TEST_CASE("a full set of ranges refuses one more and stays as it was") {
    Ranges r;
    for (u64 i = 0; i < Ranges::CAPACITY; i++) {
        REQUIRE(r.add(i * 0x10000, i * 0x10000 + 0x3000));
    }
    u64 bytes = r.bytes();
    CHECK_FALSE(r.add(0x5000, 0x6000));
    CHECK_FALSE(r.remove(0x1000, 0x2000));
    CHECK(r.count() == Ranges::CAPACITY);
    CHECK(r.bytes() == bytes);
}

TEST_CASE("Multiboot2 data is read") {
    std::vector<u8> bytes = multiboot(RAM, 2);
    BootData out;
    REQUIRE(read_multiboot(memory_of(bytes), BASE, out) == nullptr);
    CHECK(out.module_count == 2);
    CHECK(out.module[1].base == 0x410000);
    CHECK(out.module[1].bytes == 0x1234);
    CHECK(std::string(out.module[0].name) == "root");
    CHECK(std::string(out.command_line) == "quiet");
    CHECK(out.rsdp > BASE);
    CHECK(out.ram.count() == 2);
    CHECK(out.ram[0].base == 0x1000); // Page 0 stays out.
    CHECK(out.ram[0].end == 0x9f000); // Only whole pages.
}

TEST_CASE("areas that overlap count as what is not RAM") {
    std::vector<Area> areas = RAM;
    areas.push_back({0x300000, 0x1001, 2});
    std::vector<u8> bytes = multiboot(areas, 1);
    BootData out;
    REQUIRE(read_multiboot(memory_of(bytes), BASE, out) == nullptr);
    CHECK_FALSE(out.ram.contains(0x300000, 0x301000));
    CHECK_FALSE(out.ram.contains(0x301000, 0x302000));
    CHECK(out.ram.contains(0x302000, 0x303000));
}

TEST_CASE("Multiboot2 data that says too little is refused") {
    BootData none, no_map, outside;
    CHECK(std::string(read_multiboot(memory_of(multiboot(RAM, 0)), BASE, none)) ==
          "no modules: expected the root task and the boot archive");
    CHECK(read_multiboot(memory_of(multiboot({}, 1)), BASE, no_map) != nullptr);
    std::vector<u8> bytes = multiboot({{0x100000, 0x100000, 1}}, 1);
    CHECK(std::string(read_multiboot(memory_of(bytes), BASE, outside)) ==
          "a module lies outside usable memory");
}

TEST_CASE("too many modules and impossible tags are refused") {
    BootData many, size;
    CHECK(std::string(read_multiboot(memory_of(multiboot(RAM, 9)), BASE, many)) ==
          "more than 8 modules");
    std::vector<u8> bytes = multiboot(RAM, 1);
    u32 huge = 0xffffffff;
    std::memcpy(&bytes[12], &huge, sizeof huge);
    CHECK(std::string(read_multiboot(memory_of(bytes), BASE, size)) ==
          "a Multiboot2 tag is too short or leaves the boot data");
}

TEST_CASE("an ELF file is read") {
    std::vector<u8> file = elf(0x400000, 5);
    ElfImage image;
    REQUIRE(read_elf(bytes_of(file), 0x7ffeffff0000, image) == nullptr);
    REQUIRE(image.count == 1);
    CHECK(image.segment[0].rights == (RIGHT_READ | RIGHT_GRANT));
    CHECK(image.segment[0].memory == 64);
    CHECK(image.segment[0].file.size() == 16);
    CHECK(elf_extent(bytes_of(file)) == file.size());
}

TEST_CASE("a damaged ELF file is refused") {
    struct {
        size_t at;
        u64 value;
        const char *why;
    } const damages[] = {
        {0, 0, "magic"},
        {18, 3, "machine"},
        {24, 0x500000, "entry outside"},
        {32, ~0ull, "program headers outside"},
        {64 + 8, 0x70000000, "segment outside the file"},
        {64 + 8, ~0ull - 8, "segment offset wraps"},
        {64 + 16, 0, "segment at page 0"},
        {64 + 16, 0xffffffff80000000, "segment in the kernel"},
        {64 + 32, 65, "more file than memory"},
        {64 + 40, ~0ull, "memory size wraps"},
    };
    for (const auto &damage : damages) {
        std::vector<u8> file = elf(0x400000, 5);
        std::memcpy(&file[damage.at], &damage.value, sizeof damage.value);
        ElfImage image;
        INFO(damage.why);
        CHECK(read_elf(bytes_of(file), 0x7ffeffff0000, image) != nullptr);
    }
    ElfImage writable, shared;
    CHECK(read_elf(bytes_of(elf(0x400000, 7)), 0x7ffeffff0000, writable) != nullptr);
    CHECK(read_elf(bytes_of(elf(0x400000, 6)), 0x7ffeffff0000, shared) != nullptr);
}

TEST_CASE("an ELF file cut anywhere is refused") {
    std::vector<u8> whole = elf(0x400000, 5);
    for (size_t length = 0; length < whole.size(); length++) {
        std::vector<u8> file(whole.begin(), whole.begin() + static_cast<long>(length));
        ElfImage image;
        CHECK(read_elf(bytes_of(file), 0x7ffeffff0000, image) != nullptr);
    }
}

TEST_CASE("ACPI tables are read") {
    std::vector<u8> bytes = acpi_tables();
    Acpi out;
    REQUIRE(read_acpi(memory_of(bytes), BASE, out) == nullptr);
    REQUIRE(out.io_apic_count == 1);
    CHECK(out.io_apic[0].address == 0xfec00000);
    CHECK(out.local_apic == 0xfee00000);
    CHECK(out.hpet == 0xfed00000);
    CHECK(out.isa[0].line == 2);
    CHECK(out.isa[0].flags == (IRQ_LEVEL | IRQ_LOW));
    CHECK(out.isa[4].line == 4);
}

TEST_CASE("ACPI tables with a wrong checksum or no root are refused") {
    std::vector<u8> bytes = acpi_tables();
    Acpi out;
    CHECK(read_acpi(memory_of(bytes), 0, out) != nullptr);
    bytes[130] ^= 1; // The MADT.
    CHECK(read_acpi(memory_of(bytes), BASE, out) != nullptr);
}

// 200,000 damaged inputs: no reader may crash, hang or look outside (sanitizers watch).
TEST_CASE("random damage never leads outside the bytes") {
    std::mt19937 random(1);
    const std::vector<u8> sources[] = {multiboot(RAM, 2), acpi_tables(), elf(0x400000, 5)};
    auto data = std::make_unique<BootData>();
    u32 refused = 0;
    for (u32 round = 0; round < 200000; round++) {
        u32 kind = round % 3;
        std::vector<u8> bytes = sources[kind];
        for (u32 i = 0; i < 1 + random() % 4; i++) {
            bytes[random() % bytes.size()] = static_cast<u8>(random());
        }
        Acpi acpi;
        ElfImage image;
        *data = BootData();
        Refusal wrong = kind == 0   ? read_multiboot(memory_of(bytes), BASE, *data)
                        : kind == 1 ? read_acpi(memory_of(bytes), BASE, acpi)
                                    : read_elf(bytes_of(bytes), 0x7ffeffff0000, image);
        refused += wrong != nullptr;
    }
    CHECK(refused > 50000);
    CHECK(refused < 200000);
}

namespace {

struct ScreenTag {
    u64 address = 0xfd000000;
    u32 pitch = 4096, width = 1024, height = 768;
    u8 bits = 32, kind = 1, red = 16, green = 8, blue = 0;
};

// What is understood of a frame buffer tag (type 8), cut to its first `bytes`.
boot_framebuffer_t read_screen(const ScreenTag &t, size_t bytes = 100) {
    Builder body;
    body.put(t.address).put(t.pitch).put(t.width).put(t.height).put(t.bits).put(t.kind).put(u16{0});
    body.put(t.red).put(u8{8}).put(t.green).put(u8{8}).put(t.blue).put(u8{8});
    body.bytes().resize(std::min(bytes, body.size()));
    Builder b;
    b.put(u32{0}).put(u32{0});
    put_tag(b, 8, body);
    put_tag(b, 0, Builder());
    b.set(0, static_cast<u32>(b.size()));
    BootData out;
    CHECK(read_multiboot(memory_of(b.bytes()), BASE, out) != nullptr); // There is nothing else.
    return out.framebuffer;
}

std::vector<u8> font_module(u32 height, u32 count) {
    Builder b;
    b.put(u32{BOOT_FONT_MAGIC}).put(height).put(count).put(u32{0});
    for (u32 i = 0; i < count; i++) {
        b.put(u32{' ' + i});
    }
    for (u32 i = 0; i < count * height; i++) {
        b.put(static_cast<u8>(i));
    }
    return b.bytes();
}

} // namespace

TEST_CASE("a frame buffer of 32 bits a pixel, or a text mode, is a screen") {
    boot_framebuffer_t pixels = read_screen({});
    CHECK(pixels.address == 0xfd000000);
    CHECK(pixels.pitch == 4096);
    CHECK(pixels.width == 1024);
    CHECK(pixels.height == 768);
    CHECK(pixels.red_shift == 16);
    CHECK(pixels.text == 0);
    ScreenTag text{
        .address = 0xb8000, .pitch = 160, .width = 80, .height = 25, .bits = 16, .kind = 2};
    boot_framebuffer_t cells = read_screen(text, 24);
    CHECK(cells.address == 0xb8000);
    CHECK(cells.text == 1);
    CHECK(cells.bits == 16);
}

TEST_CASE("what cannot be a screen is none") {
    auto none = [](auto change) {
        ScreenTag tag;
        change(tag);
        return read_screen(tag).address == 0;
    };
    CHECK_FALSE(none([](ScreenTag &) {}));
    CHECK(none([](ScreenTag &t) { t.kind = 0; }));
    CHECK(none([](ScreenTag &t) { t.bits = 24; }));
    CHECK(none([](ScreenTag &t) { t.pitch = 4092; }));
    CHECK(none([](ScreenTag &t) { t.pitch = 4097; }));
    CHECK(none([](ScreenTag &t) { t.pitch = ~0u; }));
    CHECK(none([](ScreenTag &t) { t.width = 0; }));
    CHECK(none([](ScreenTag &t) { t.height = 0; }));
    CHECK(none([](ScreenTag &t) { t.height = 20000; }));
    CHECK(none([](ScreenTag &t) { t.red = 25; }));
    CHECK(none([](ScreenTag &t) { t.blue = 255; }));
    CHECK(none([](ScreenTag &t) { t.address = ~0ull - 100; }));
    CHECK(none([](ScreenTag &t) { t.kind = 2; })); // A text mode elsewhere than VGA has it.
    CHECK(read_screen({}, 29).address == 0);       // Without its colours.
    ScreenTag text{
        .address = 0xb8000, .pitch = 160, .width = 80, .height = 25, .bits = 16, .kind = 2};
    text.height = 400; // It leaves VGA's memory.
    CHECK(read_screen(text).address == 0);
    text.height = 25;
    text.pitch = 156;
    CHECK(read_screen(text).address == 0);
}

TEST_CASE("a refusal does not hide the screen behind it") {
    Builder b;
    b.put(u32{0}).put(u32{0});
    put_tag(b, 3, Builder().put(u32{0x400000})); // A module tag that is too short.
    put_tag(b, 8,
            Builder()
                .put(u64{0xfd000000})
                .put(u32{4096})
                .put(u32{1024})
                .put(u32{768})
                .put(u8{32})
                .put(u8{1})
                .put(u16{0})
                .put(u8{16})
                .put(u8{8})
                .put(u8{8})
                .put(u8{8})
                .put(u8{0})
                .put(u8{8}));
    put_tag(b, 0, Builder());
    b.set(0, static_cast<u32>(b.size()));
    BootData out;
    CHECK(std::string(read_multiboot(memory_of(b.bytes()), BASE, out)) ==
          "a module tag is too short");
    CHECK(out.framebuffer.address == 0xfd000000);
}

TEST_CASE("a font is read, and one that is cut or wrong is none") {
    std::vector<u8> module = font_module(16, 100);
    Font font = read_font(bytes_of(module));
    CHECK(font.height == 16);
    CHECK(font.glyphs == module.data() + sizeof(boot_font_t) + 400);
    for (size_t size = 0; size < module.size(); size += 7) {
        std::vector<u8> cut(module.begin(), module.begin() + static_cast<long>(size));
        REQUIRE(read_font(bytes_of(cut)).height == 0);
    }
    CHECK(read_font(bytes_of(font_module(16, 94))).height == 0);
    CHECK(read_font(bytes_of(font_module(33, 95))).height == 0);
    CHECK(read_font(bytes_of(font_module(0, 95))).height == 0);
    Builder many;
    many.put(u32{BOOT_FONT_MAGIC}).put(u32{32}).put(~0u).put(u32{0}).align(4096);
    CHECK(read_font(bytes_of(many.bytes())).height == 0);
    module[0]++;
    CHECK(read_font(bytes_of(module)).height == 0);
    boot_module_t named{};
    for (const char *name : {"font", "fon", "fonts", "", "archive"}) {
        std::memcpy(named.name, name, std::strlen(name) + 1);
        CHECK(is_font(named) == (std::string(name) == "font"));
    }
}
