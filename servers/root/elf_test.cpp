// Elf: a good file is read; every damaged one is refused with a reason.
// SPDX-License-Identifier: BSD-2-Clause
#include <catch2/catch.hpp>

#include <cstring>
#include <random>
#include <vector>

#include "elf.hpp"

#include "abi/capability.h"

namespace {

constexpr u64 kLow = 0x1000, kHigh = 0x7ffe00000000;
constexpr std::size_t kHeader = 64, kProgram = 56;

using Bytes = std::vector<u8>;

template <typename T>
void put(Bytes &b, std::size_t at, T value) {
    std::memcpy(b.data() + at, &value, sizeof value);
}

struct Load {
    u32 flags;
    u64 offset, address, file, memory;
};

Bytes make(std::vector<Load> loads, u64 entry = 0x400010) {
    Bytes b(0x3000);
    const u8 ident[] = {0x7f, 'E', 'L', 'F', 2, 1, 1};
    std::memcpy(b.data(), ident, sizeof ident);
    put<u16>(b, 16, 2);
    put<u16>(b, 18, 62);
    put<u64>(b, 24, entry);
    put<u64>(b, 32, kHeader);
    put<u16>(b, 54, kProgram);
    put<u16>(b, 56, static_cast<u16>(loads.size()));
    for (std::size_t i = 0; i < loads.size(); i++) {
        std::size_t p = kHeader + i * kProgram;
        put<u32>(b, p, 1);
        put<u32>(b, p + 4, loads[i].flags);
        put<u64>(b, p + 8, loads[i].offset);
        put<u64>(b, p + 16, loads[i].address);
        put<u64>(b, p + 32, loads[i].file);
        put<u64>(b, p + 40, loads[i].memory);
    }
    return b;
}

const Load kText{5, 0x1000, 0x400000, 0x800, 0x800};
const Load kData{6, 0x2000, 0x401010, 0x100, 0x3000};

std::string refusal(const Bytes &b) {
    const char *why = nullptr;
    auto elf = root::read_elf(b, kLow, kHigh, why);
    return elf.ok() ? "" : why;
}

std::string with(Load text, Load data, u64 entry = 0x400010) {
    return refusal(make({text, data}, entry));
}

} // namespace

TEST_CASE("a program is read") {
    const char *why = nullptr;
    Bytes b = make({kText, kData});
    auto elf = root::read_elf(b, kLow, kHigh, why);
    REQUIRE(elf.ok());
    CHECK(elf->count == 2);
    CHECK(elf->entry == 0x400010);
    CHECK(elf->pages() == 5);
    CHECK(elf->segment[0].rights == (RIGHT_READ | RIGHT_GRANT));
    const root::Segment &data = elf->segment[1];
    CHECK(data.address == 0x401000);
    CHECK(data.skip == 0x10);
    CHECK(data.pages == 4);
    CHECK(data.file.data() == b.data() + 0x2000);
    CHECK(data.file.size() == 0x100);
    CHECK(data.rights == (RIGHT_READ | RIGHT_WRITE));
}

TEST_CASE("what is no program is refused") {
    CHECK(refusal({}) == "is shorter than an ELF header");
    CHECK(refusal(Bytes(63)) == "is shorter than an ELF header");
    CHECK(refusal(Bytes(4096)) == "is not a static ELF executable for x86_64");
    Bytes shared = make({kText});
    put<u16>(shared, 16, 3);
    CHECK(refusal(shared) == "is not a static ELF executable for x86_64");
    Bytes far = make({kText});
    put<u64>(far, 32, ~0ull);
    CHECK(refusal(far) == "has program headers outside the file (truncated?)");
    CHECK(refusal(make({})) == "has its entry point outside executable segments");
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
    const char *order = "has segments that share a page or are out of order";
    CHECK(with(kText, {6, 0x2000, 0x400800, 0x100, 0x100}) == order);
    CHECK(with(kData, kText) == order);
    const char *entry = "has its entry point outside executable segments";
    CHECK(with(kText, kData, 0x400800) == entry);
    CHECK(with(kText, kData, 0x401010) == entry);
    CHECK(with(kText, kData, 0) == entry);
}

TEST_CASE("a file cut anywhere, or with any byte changed, never leaves its bounds") {
    Bytes good = make({kText, kData});
    for (std::size_t n = 0; n < good.size(); n += n < 0x200 ? 1 : 0x101) {
        Bytes cut(good.begin(), good.begin() + static_cast<std::ptrdiff_t>(n));
        REQUIRE((refusal(cut) == "") == (n >= 0x2100));
    }
    std::mt19937 random{1};
    for (int i = 0; i < 20000; i++) {
        Bytes b = good;
        for (int k = 0; k < 3; k++) {
            b[random() % (kHeader + 2 * kProgram)] = static_cast<u8>(random());
        }
        const char *why = nullptr;
        auto elf = root::read_elf(b, kLow, kHigh, why);
        for (u32 s = 0; elf.ok() && s < elf->count; s++) {
            const root::Segment &segment = elf->segment[s];
            REQUIRE(segment.address % PAGE_BYTES == 0);
            REQUIRE(segment.address + segment.pages * PAGE_BYTES <= kHigh);
            REQUIRE(segment.skip + segment.file.size() <= segment.pages * PAGE_BYTES);
            REQUIRE((segment.file.empty() ||
                     segment.file.data() + segment.file.size() <= b.data() + b.size()));
        }
    }
}
