// Elf: a good file is read; every damaged one is refused with a reason.
// SPDX-License-Identifier: BSD-2-Clause
#include <catch2/catch.hpp>

#include <random>
#include <vector>

#include "make_elf.hpp"
#include "sel/elf.hpp"

using namespace sel::test;

namespace {

constexpr u64 kHigh = sel::kImageEnd;

std::string refusal(const Bytes &b) {
    const char *why = nullptr;
    auto elf = sel::read_elf(b, why);
    return elf.ok() ? "" : why;
}

std::string with(Load text, Load data, u64 entry = 0x400010) {
    return refusal(make_elf({text, data}, entry));
}

} // namespace

TEST_CASE("a program is read") {
    const char *why = nullptr;
    Bytes b = make_elf({kText, kData});
    auto elf = sel::read_elf(b, why);
    REQUIRE(elf.ok());
    CHECK(elf->count == 2);
    CHECK(elf->entry == 0x400010);
    CHECK(elf->pages() == 5);
    CHECK(elf->segment[0].rights == (RIGHT_READ | RIGHT_GRANT));
    const sel::Segment &data = elf->segment[1];
    CHECK(data.address == 0x401000);
    CHECK(data.skip == 0x10);
    CHECK(data.pages == 4);
    CHECK(data.file.data() == b.data() + 0x2000);
    CHECK(data.file.size() == 0x100);
    CHECK(data.rights == (RIGHT_READ | RIGHT_WRITE));
}

TEST_CASE("what is no program is refused") {
    const char *none = "is not a static ELF executable for x86_64";
    CHECK(refusal({}) == "is shorter than an ELF header");
    CHECK(refusal(Bytes(63)) == "is shorter than an ELF header");
    CHECK(refusal(Bytes(4096)) == none);
    for (std::size_t ident = 0; ident < 7; ident++) { // Magic, class, byte order, version.
        Bytes other = make_elf({kText});
        other[ident]++;
        CHECK(refusal(other) == none);
    }
    Bytes shared = make_elf({kText}), machine = make_elf({kText});
    put<u16>(shared, 16, 3);
    CHECK(refusal(shared) == none);
    put<u16>(machine, 18, 183);
    CHECK(refusal(machine) == none);
    CHECK(refusal(make_elf({})) == "has its entry point outside executable segments");
}

TEST_CASE("program headers that cannot be are refused") {
    const char *outside = "has program headers outside the file (truncated?)";
    Bytes far = make_elf({kText});
    for (u64 offset : {~u64{0}, ~u64{55}, u64{far.size()}, u64{far.size() - kElfProgram + 1}}) {
        put<u64>(far, 32, offset);
        CHECK(refusal(far) == outside);
    }
    Bytes size = make_elf({kText}), many = make_elf({kText}),
          interpreter = make_elf({kText, kData});
    put<u16>(size, 54, kElfProgram + 8);
    CHECK(refusal(size) == "has program headers of another size");
    put<u16>(many, 56, 33);
    CHECK(refusal(many) == "has more than 32 program headers");
    put<u32>(interpreter, kElfHeader + kElfProgram, 3);
    CHECK(refusal(interpreter) == "is linked dynamically");
    std::vector<Load> pages(9, kText);
    for (u64 i = 1; i < pages.size(); i++) {
        pages[i].address += i * PAGE_BYTES;
    }
    CHECK(refusal(make_elf(pages)) == "has more than 8 segments");
    pages.pop_back();
    CHECK(refusal(make_elf(pages)) == "");
}

TEST_CASE("tables of a file give what lies in it, whatever the file says of itself") {
    CHECK(sel::ElfFile::open({}).error() == ERR_SYNTAX);
    sel::ElfProgramHeader program;
    sel::ElfSectionHeader section;
    CHECK(!sel::ElfFile{}.program(0, program));
    std::mt19937 random{2};
    Bytes good = make_elf({kText, kData});
    for (int i = 0; i < 20000; i++) {
        Bytes b = good;
        for (int k = 0; k < 4; k++) {
            b[7 + random() % (kElfHeader - 7)] = static_cast<u8>(random());
        }
        auto file = sel::ElfFile::open(b);
        REQUIRE(file.ok());
        u32 n = random() % 0x20000;
        bool inside = file->program(n, program);
        REQUIRE((!inside || n < file->header().program_count));
        inside = file->section(n, section);
        REQUIRE((!inside || n < file->header().section_count));
        u64 offset = random(), size = random();
        if (file->holds(offset, size)) {
            REQUIRE(offset + size <= b.size());
        }
    }
}

TEST_CASE("segments that cannot be are refused") {
    CHECK(with(kText, kData) == "");
    CHECK(with({7, 0x1000, 0x400000, 0x800, 0x800}, kData) ==
          "has a segment that is writable and executable");
    const char *outside = "has a segment outside the file (truncated?)";
    CHECK(with(kText, {6, 0x2000, 0x401000, 0x1001, 0x3000}) == outside);
    CHECK(with(kText, {6, ~0ull, 0x401000, 0x100, 0x3000}) == outside);
    CHECK(with(kText, {6, 0x2000, 0x401000, 0x100, 0xff}) == outside);
    const char *space = "has a segment outside a program's address space";
    CHECK(with(kText, {6, 0x2000, kHigh - 0x1000, 0x100, 0x1001}) == space);
    CHECK(with(kText, {6, 0x2000, 0xffffffff80000000, 0x100, 0x100}) == space);
    CHECK(with(kText, {6, 0x2000, 0x401000, 0, ~0ull}) == space);
    CHECK(with({5, 0x1000, 0, 0x800, 0x800}, kData) == space);
    CHECK(with({5, 0x1000, sel::kStackTop - PAGE_BYTES, 0x800, 0x800}, kData) == space);
    const char *order = "has segments that share a page or are out of order";
    CHECK(with(kText, {6, 0x2000, 0x400800, 0x100, 0x100}) == order);
    CHECK(with(kData, kText) == order);
    const char *entry = "has its entry point outside executable segments";
    CHECK(with(kText, kData, 0x400800) == entry);
    CHECK(with(kText, kData, 0x401010) == entry);
    CHECK(with(kText, kData, 0) == entry);
}

TEST_CASE("a file cut anywhere, or with any byte changed, never leaves its bounds") {
    Bytes good = make_elf({kText, kData});
    for (std::size_t n = 0; n < good.size(); n += n < 0x200 ? 1 : 0x101) {
        Bytes cut(good.begin(), good.begin() + static_cast<std::ptrdiff_t>(n));
        REQUIRE((refusal(cut) == "") == (n >= 0x2100));
    }
    std::mt19937 random{1};
    for (int i = 0; i < 20000; i++) {
        Bytes b = good;
        for (int k = 0; k < 3; k++) {
            b[random() % (kElfHeader + 2 * kElfProgram)] = static_cast<u8>(random());
        }
        const char *why = nullptr;
        auto elf = sel::read_elf(b, why);
        for (u32 s = 0; elf.ok() && s < elf->count; s++) {
            const sel::Segment &segment = elf->segment[s];
            REQUIRE(segment.address % PAGE_BYTES == 0);
            REQUIRE(segment.address + segment.pages * PAGE_BYTES <= kHigh);
            REQUIRE(segment.skip + segment.file.size() <= segment.pages * PAGE_BYTES);
            REQUIRE((segment.file.empty() ||
                     segment.file.data() + segment.file.size() <= b.data() + b.size()));
        }
    }
}
