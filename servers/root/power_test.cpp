// Power: what tables of firmware say of switching off, also damaged ones; and what is written where.
// SPDX-License-Identifier: BSD-2-Clause
#include "power.hpp"

#include <catch2/catch.hpp>

#include <cstring>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "sel/host.hpp"

using namespace root;

namespace {

using Bytes = std::vector<u8>;

constexpr u64 kBase = 0x7fe0000, kRsdp = kBase, kList = kBase + 0x100, kFadt = kBase + 0x200,
              kDsdt = kBase + 0x400, kSsdt = kBase + 0x600, kEnd = kBase + 0x800;
constexpr u16 kControl = 0xb004;

class Memory final : public PhysicalMemory {
  public:
    Memory() : bytes(kEnd - kBase) {}

    bool read(u64 at, std::span<u8> out) override {
        if (at < kBase || at > kEnd || out.size() > kEnd - at) {
            return false;
        }
        std::copy_n(bytes.begin() + static_cast<std::ptrdiff_t>(at - kBase), out.size(),
                    out.begin());
        return true;
    }

    template <typename T>
    void put(u64 at, T value) {
        std::memcpy(bytes.data() + (at - kBase), &value, sizeof value);
    }
    // The byte at `at` makes `size` bytes sum up to zero.
    void seal(u64 base, u32 size, u64 at) {
        put<u8>(base + at, 0);
        u8 sum = 0;
        for (u32 i = 0; i < size; i++) {
            sum = static_cast<u8>(sum + bytes[base - kBase + i]);
        }
        put<u8>(base + at, static_cast<u8>(-sum));
    }
    void table(u64 base, const char *signature, const Bytes &content) {
        std::memcpy(bytes.data() + (base - kBase), signature, 4);
        u32 size = static_cast<u32>(36 + content.size());
        put(base + 4, size);
        std::copy(content.begin(), content.end(),
                  bytes.begin() + static_cast<std::ptrdiff_t>(base - kBase + 36));
        seal(base, size, 9);
    }

    Bytes bytes;
};

// AML: something, Name(_S5, Package{elements}), something.
Bytes aml(const Bytes &elements, u8 count = 4, const std::string &name = "_S5_") {
    Bytes code(20, 0x5f);
    code.push_back(0x08);
    code.insert(code.end(), name.begin(), name.end());
    code.push_back(0x12);
    code.push_back(static_cast<u8>(elements.size() + 2));
    code.push_back(count);
    code.insert(code.end(), elements.begin(), elements.end());
    code.resize(code.size() + 20, 0x5f);
    return code;
}

template <typename T>
Bytes list(const std::vector<u64> &tables) {
    Bytes bytes;
    for (u64 table : tables) {
        for (std::size_t i = 0; i < sizeof(T); i++) {
            bytes.push_back(static_cast<u8>(table >> 8 * i));
        }
    }
    return bytes;
}

// As OVMF has them on QEMU's machine `pc`: the old list, of other tables too.
Memory make() {
    Memory m;
    std::memcpy(m.bytes.data(), "RSD PTR ", 8);
    m.put<u32>(kRsdp + 16, kList);
    m.seal(kRsdp, 20, 8);
    m.table(kList, "RSDT", list<u32>({kDsdt, 0, 0x1234, kFadt, kSsdt}));
    Bytes fadt(244 - 36);
    m.table(kFadt, "FACP", fadt);
    m.put<u32>(kFadt + 40, kDsdt);
    m.put<u32>(kFadt + 48, 0xb2);
    m.put<u8>(kFadt + 52, 0xf1);
    m.put<u32>(kFadt + 64, kControl);
    m.seal(kFadt, 244, 9);
    m.table(kDsdt, "DSDT", aml({0, 0, 0, 0}));
    return m;
}

template <typename Change>
sel::Result<SleepControl> with(Change change) {
    Memory m = make();
    change(m);
    m.seal(kFadt, 244, 9);
    return find_sleep(m, kRsdp);
}

auto code(const Bytes &content) {
    return [=](Memory &m) { m.table(kDsdt, "DSDT", content); };
}

} // namespace

TEST_CASE("what to write where stands in FADT and DSDT", "[power]") {
    auto sleep = with([](Memory &) {});
    REQUIRE(sleep.ok());
    CHECK((sleep->pm1[0].port == kControl && sleep->pm1[0].type == 0 && sleep->pm1[1].port == 0));
    CHECK((sleep->command == 0xb2 && sleep->enable == 0xf1));
    sleep = with([](Memory &m) {
        code(aml({0x0a, 5, 0x0b, 3, 0, 0, 0}, 4, "\\_S5_"))(m);
        m.put<u32>(kFadt + 68, 0x408);
    });
    REQUIRE(sleep.ok());
    CHECK((sleep->pm1[0].type == 5 << 10 && sleep->pm1[1].type == 3 << 10));
    CHECK(sleep->pm1[1].port == 0x408);
    CHECK(with(code(aml({0x0c, 7, 0, 0, 0, 1})))->pm1[0].type == 7 << 10);
    CHECK(with(code(aml({1}, 1)))->pm1[0].type == 1 << 10);
}

TEST_CASE("newer tables have longer addresses, and the package may stand in an SSDT", "[power]") {
    auto newer = [](Memory &m) {
        m.put<u8>(kRsdp + 15, 2);
        m.put<u64>(kRsdp + 24, kList);
        m.seal(kRsdp, 20, 8);
        m.table(kList, "XSDT", list<u64>({kSsdt, kFadt}));
        m.put<u32>(kFadt + 40, 0);
        m.put<u64>(kFadt + 140, kDsdt);
        m.put<u8>(kFadt + 172, 1);
        m.put<u64>(kFadt + 176, 0x1804);
        m.table(kDsdt, "DSDT", aml({0}, 1, "_S4_"));
        m.table(kSsdt, "SSDT", aml({0x0a, 6, 0x0a, 6}));
    };
    auto sleep = with(newer);
    REQUIRE(sleep.ok());
    CHECK((sleep->pm1[0].port == 0x1804 && sleep->pm1[0].type == 6 << 10));
}

TEST_CASE("tables that do not say it, or that are damaged", "[power]") {
    Memory m = make();
    CHECK(find_sleep(m, 0).error() == ERR_NAME);
    CHECK(find_sleep(m, kRsdp + 1).error() == ERR_NAME);
    CHECK(find_sleep(m, kEnd + 4096).error() == ERR_NAME);
    CHECK(with([](Memory &n) { n.put<u8>(kRsdp + 9, 77); }).error() == ERR_NAME);
    CHECK(with([](Memory &n) { n.put<u8>(kList + 10, 77); }).error() == ERR_NAME);
    CHECK(with([](Memory &n) { n.put<u8>(kDsdt + 10, 77); }).error() == ERR_NAME);
    CHECK(with([](Memory &n) { n.put<u32>(kFadt + 40, 0); }).error() == ERR_NAME);
    CHECK(with(code(aml({0, 0}, 2, "_S3_"))).error() == ERR_NAME);
    CHECK(with(code(aml({0x70, 0}))).error() == ERR_SYNTAX); // No integer.
    CHECK(with(code(aml({0x0a, 8}))).error() == ERR_SYNTAX); // No type of sleep.
    CHECK(with(code(aml({}, 0))).error() == ERR_SYNTAX);
    CHECK(with([](Memory &n) { n.put<u32>(kFadt + 112, 1 << 20); }).error() == ERR_TYPE);
    CHECK(with([](Memory &n) { n.put<u32>(kFadt + 64, 0x10000); }).error() == ERR_TYPE);
    CHECK(with([](Memory &n) { n.put<u64>(kFadt + 176, 0xfed00000); }).error() == ERR_TYPE);
}

TEST_CASE("whatever stands there, it comes to an end and names a port", "[power]") {
    std::mt19937 random{3};
    u32 found = 0;
    for (u32 i = 0; i < 20000; i++) {
        Memory m = make();
        for (u32 k = random() % 6; k-- != 0;) {
            m.bytes[random() % (random() % 2 == 0 ? 0x400 : m.bytes.size())] =
                static_cast<u8>(random());
        }
        for (auto [base, at] :
             {std::pair{kRsdp, u64{8}}, {kList, u64{9}}, {kFadt, u64{9}}, {kDsdt, u64{9}}}) {
            u32 size = 0;
            std::memcpy(&size, m.bytes.data() + (base - kBase) + 4, sizeof size);
            size = base == kRsdp ? 20 : size;
            if (random() % 4 != 0 && size <= kEnd - base) {
                m.seal(base, size, at);
            }
        }
        sel::Result<SleepControl> sleep = find_sleep(m, kRsdp);
        if (sleep.ok()) {
            found++;
            REQUIRE(sleep->pm1[0].port != 0);
            REQUIRE(((sleep->pm1[0].type | sleep->pm1[1].type) & ~(7 << 10)) == 0);
        }
    }
    CHECK(found > 5000);
}

TEST_CASE("off: the registers are taken from the firmware, and keep what is not of sleep",
          "[power]") {
    std::map<u64, u64> port{{kControl, 0x0c02}, {0x408, 0x1c01}};
    std::vector<std::pair<u64, u64>> written;
    bool obeys = true;
    sel::host::kernel = [&](sel::Regs &r) {
        if (r.number == CALL_PORT_OUT) {
            written.emplace_back(r.word[0], r.word[2]);
            port[kControl] |= r.word[0] == 0xb2 && obeys ? 1 : 0;
        }
        r.word[0] = port[r.word[0]];
        r.number = OK;
    };
    SleepControl sleep{.pm1 = {{kControl, 5 << 10}, {0x408, 0}}, .command = 0xb2, .enable = 0xf1};
    CHECK(switch_off(sleep, sel::IoPort{1}).ok());
    using Written = std::vector<std::pair<u64, u64>>;
    CHECK(written == Written{{0xb2, 0xf1}, {kControl, 0x3403}, {0x408, 0x2001}});
    written.clear();
    CHECK(switch_off(sleep, sel::IoPort{1}).ok()); // They are taken already.
    CHECK(written == Written{{kControl, 0x3403}, {0x408, 0x2001}});
    written.clear();
    port[kControl] = 0;
    obeys = false; // That is waited for, not for ever.
    CHECK(switch_off(sleep, sel::IoPort{1}).ok());
    CHECK(written == Written{{0xb2, 0xf1}, {kControl, 0x3400}, {0x408, 0x2001}});
    sel::host::kernel = nullptr;
}
