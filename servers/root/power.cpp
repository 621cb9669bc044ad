// Power: RSDP, RSDT or XSDT, FADT, and of the DSDT and SSDTs the package \_S5.
// SPDX-License-Identifier: BSD-2-Clause
#include "power.hpp"

#include <string_view>

namespace root {

namespace {

constexpr u64 kHeaderBytes = 36;
constexpr u32 kTableMax = 1 << 20, kTables = 128;

constexpr u64 word_of(std::string_view text) {
    u64 word = 0;
    for (std::size_t i = text.size(); i-- != 0;) {
        word = word << 8 | static_cast<u8>(text[i]);
    }
    return word;
}

// Some bytes of memory, read piece by piece.
class Table {
  public:
    Table() = default;
    Table(PhysicalMemory &memory, u64 base, u32 size)
        : memory_{&memory}, base_{base}, size_{size} {}

    // The whole table that begins there; empty if it is another one, or damaged.
    static Table at(PhysicalMemory &memory, u64 base, std::string_view signature) {
        Table header{memory, base, kHeaderBytes};
        u32 size = header.get<u32>(4);
        if (base == 0 || header.get<u32>(0) != word_of(signature) || size < kHeaderBytes ||
            size > kTableMax) {
            return {};
        }
        Table table{memory, base, size};
        return table.sums_to_zero() ? table : Table{};
    }

    u32 size() const { return size_; }
    bool empty() const { return size_ == 0; }

    // Little-endian; 0 outside, and where nothing can be read.
    template <typename T>
    T get(u64 offset) const {
        u8 bytes[sizeof(T)]{};
        if (offset > size_ || sizeof bytes > size_ - offset ||
            !memory_->read(base_ + offset, bytes)) {
            return 0;
        }
        u64 value = 0;
        for (std::size_t i = sizeof bytes; i-- != 0;) {
            value = value << 8 | bytes[i];
        }
        return static_cast<T>(value);
    }

    bool sums_to_zero() const {
        u8 sum = 0;
        for (u32 i = 0; i < size_; i++) {
            sum = static_cast<u8>(sum + get<u8>(i));
        }
        return sum == 0;
    }

  private:
    PhysicalMemory *memory_ = nullptr;
    u64 base_ = 0;
    u32 size_ = 0;
};

// The list of all tables, 4 or 8 bytes each.
class TableList {
  public:
    TableList(PhysicalMemory &memory, u64 rsdp) : memory_{memory} {
        constexpr u32 kOld = 20, kNew = 36;
        Table pointer{memory, rsdp, kOld};
        if (rsdp == 0 || pointer.get<u64>(0) != word_of("RSD PTR ") || !pointer.sums_to_zero()) {
            return;
        }
        u64 xsdt = pointer.get<u8>(15) >= 2 ? Table{memory, rsdp, kNew}.get<u64>(24) : 0;
        width_ = xsdt != 0 ? 8 : 4;
        list_ = xsdt != 0 ? Table::at(memory, xsdt, "XSDT")
                          : Table::at(memory, pointer.get<u32>(16), "RSDT");
    }

    // The next one with this signature from place `at` on, which goes behind it; empty: there is none.
    Table find(std::string_view signature, u32 &at) const {
        for (; at < kTables && kHeaderBytes + (at + 1) * width_ <= list_.size(); at++) {
            u64 offset = kHeaderBytes + at * width_;
            u64 base = width_ == 8 ? list_.get<u64>(offset) : list_.get<u32>(offset);
            if (Table table = Table::at(memory_, base, signature); !table.empty()) {
                at++;
                return table;
            }
        }
        return {};
    }

  private:
    PhysicalMemory &memory_;
    Table list_;
    u64 width_ = 4;
};

struct SleepTypes {
    u16 type[2];
};

// An integer of AML at `at`, which goes behind it. ERR_SYNTAX: something else is there, or no type of sleep.
sel::Result<u16> take_type(const Table &code, u64 &at) {
    enum : u8 { kZero, kOne, kByte = 0x0a, kWord, kDword };
    constexpr u32 kTypes = 8, kShift = 10; // SLP_TYP has three bits.
    u8 prefix = code.get<u8>(at++);
    u32 value = 0;
    switch (prefix) {
    case kZero:
    case kOne:
        value = prefix;
        break;
    case kByte:
        value = code.get<u8>(at);
        at += 1;
        break;
    case kWord:
        value = code.get<u16>(at);
        at += 2;
        break;
    case kDword:
        value = code.get<u32>(at);
        at += 4;
        break;
    default:
        return ERR_SYNTAX;
    }
    return value < kTypes ? sel::Result{static_cast<u16>(value << kShift)} : ERR_SYNTAX;
}

// Of the package whose length begins at `at`.
sel::Result<SleepTypes> read_types(const Table &code, u64 at) {
    at += 1 + (code.get<u8>(at) >> 6); // The length: one byte, and up to three more.
    u8 count = code.get<u8>(at++);
    SleepTypes types{};
    for (u32 i = 0; i < 2 && i < count; i++) {
        sel::Result<u16> type = take_type(code, at);
        SEL_TRY(type);
        types.type[i] = *type;
    }
    return count != 0 ? sel::Result{types} : ERR_SYNTAX;
}

// Name(\_S5, Package{a, b, ...}), found by its bytes: nothing of AML is run.
sel::Result<SleepTypes> find_types(const Table &code) {
    constexpr u8 kName = 0x08, kPackage = 0x12, kRoot = '\\';
    for (u64 at = kHeaderBytes + 1; at + 8 < code.size(); at++) {
        if (code.get<u32>(at) != word_of("_S5_") || code.get<u8>(at + 4) != kPackage) {
            continue;
        }
        u8 before = code.get<u8>(at - 1);
        if (before == kName || (before == kRoot && code.get<u8>(at - 2) == kName)) {
            return read_types(code, at + 5);
        }
    }
    return ERR_NAME;
}

// Of the FADT: the generic address at `extended`, or the port at `old`. 0: there is no such register, or not in a port.
u16 port_of(const Table &fadt, u64 old, u64 extended) {
    constexpr u8 kIo = 1;
    constexpr u64 kPorts = 0x10000;
    u64 address = fadt.get<u64>(extended + 4);
    if (address == 0) {
        address = fadt.get<u32>(old);
    } else if (fadt.get<u8>(extended) != kIo) {
        return 0;
    }
    return address < kPorts - 1 ? static_cast<u16>(address) : u16{0};
}

sel::Result<SleepTypes> find_types(PhysicalMemory &memory, const TableList &tables,
                                   const Table &fadt) {
    u64 dsdt = fadt.get<u64>(140) != 0 ? fadt.get<u64>(140) : fadt.get<u32>(40);
    sel::Result<SleepTypes> types = find_types(Table::at(memory, dsdt, "DSDT"));
    for (u32 at = 0; types.error() == ERR_NAME;) {
        Table more = tables.find("SSDT", at);
        if (more.empty()) {
            break;
        }
        types = find_types(more);
    }
    return types;
}

enum : u32 { kAcpiHasIt = 1, kType = 7 << 10, kGo = 1 << 13 }; // Of PM1 control.

sel::Result<> write_type(const SleepControl::Register &pm1, sel::IoPort ports) {
    if (pm1.port == 0) {
        return {};
    }
    sel::Result<u32> value = ports.in(pm1.port, 2);
    SEL_TRY(value);
    return ports.out(pm1.port, 2, (*value & ~u32{kType}) | pm1.type | kGo);
}

} // namespace

sel::Result<SleepControl> find_sleep(PhysicalMemory &memory, u64 rsdp) {
    constexpr u64 kFlags = 112;
    constexpr u32 kReducedHardware = 1 << 20;
    TableList tables{memory, rsdp};
    u32 first = 0;
    Table fadt = tables.find("FACP", first);
    if (fadt.empty()) {
        return ERR_NAME;
    }
    u16 control = port_of(fadt, 64, 172);
    if (control == 0 || (fadt.get<u32>(kFlags) & kReducedHardware) != 0) {
        return ERR_TYPE;
    }
    sel::Result<SleepTypes> types = find_types(memory, tables, fadt);
    SEL_TRY(types);
    u32 command = fadt.get<u32>(48);
    return SleepControl{
        .pm1 = {{control, types->type[0]}, {port_of(fadt, 68, 184), types->type[1]}},
        .command = command < 0x10000 ? static_cast<u16>(command) : u16{0},
        .enable = fadt.get<u8>(52)};
}

sel::Result<> switch_off(const SleepControl &sleep, sel::IoPort ports) {
    constexpr u32 kTries = 100'000;
    auto has_it = [&] { return (ports.in(sleep.pm1[0].port, 2).value_or(0) & kAcpiHasIt) != 0; };
    if (!has_it() && sleep.command != 0 && sleep.enable != 0) {
        SEL_TRY(ports.out8(sleep.command, sleep.enable));
        for (u32 i = 0; i < kTries && !has_it(); i++) {
        }
    }
    SEL_TRY(write_type(sleep.pm1[0], ports));
    return write_type(sleep.pm1[1], ports);
}

} // namespace root
