// Reads RSDP, XSDT or RSDT, MADT, FADT and HPET table.
// SPDX-License-Identifier: BSD-2-Clause
#include "arch/x86_64/boot/acpi.hpp"

#include "abi/call.h"

namespace arch {
namespace {

constexpr u64 HEADER_BYTES = 36;
constexpr u64 TABLE_BYTES_MAX = 1 << 20;
constexpr u64 TABLES_MAX = 128;

constexpr u32 signature(const char (&text)[5]) {
    return static_cast<u32>(text[0]) | static_cast<u32>(text[1]) << 8 |
           static_cast<u32>(text[2]) << 16 | static_cast<u32>(text[3]) << 24;
}

bool sums_to_zero(Bytes bytes) {
    u8 sum = 0;
    for (u64 i = 0; i < bytes.size(); i++) {
        sum = static_cast<u8>(sum + bytes.data()[i]);
    }
    return sum == 0;
}

// Empty unless a whole table with a right checksum is there.
Bytes table_at(const Memory &memory, u64 address) {
    u64 bytes = memory.at(address, HEADER_BYTES).get<u32>(4);
    if (bytes < HEADER_BYTES || bytes > TABLE_BYTES_MAX) {
        return {};
    }
    Bytes table = memory.at(address, bytes);
    return sums_to_zero(table) ? table : Bytes();
}

void read_override(Bytes entry, Acpi &out) {
    u32 source = entry.get<u8>(3);
    u32 flags = entry.get<u16>(8);
    if (source < Acpi::ISA_LINES) { // Polarity: bits 0-1, 3 = low. Trigger: bits 2-3, 3 = level.
        out.isa[source].line = entry.get<u32>(4);
        out.isa[source].flags = u32{IRQ_LOW} * ((flags & 3) == 3) | //
                                u32{IRQ_LEVEL} * ((flags >> 2 & 3) == 3);
    }
}

Refusal read_madt(Bytes table, Acpi &out) {
    enum { IO_APIC = 1, OVERRIDE = 2, LOCAL_APIC_ADDRESS = 5 };
    out.local_apic = table.get<u32>(36);
    for (u64 offset = 44; offset < table.size();) { // At most 1 MiB / 2 steps.
        u64 bytes = table.get<u8>(offset + 1);
        Bytes entry = table.part(offset, bytes);
        if (bytes < 2 || entry.size() == 0) {
            return "the ACPI MADT has an entry of impossible size";
        }
        switch (entry.get<u8>(0)) {
        case IO_APIC:
            if (out.io_apic_count == Acpi::IO_APICS_MAX) {
                return "the ACPI MADT lists more than 8 I/O APICs";
            }
            out.io_apic[out.io_apic_count++] = {entry.get<u32>(4), entry.get<u32>(8)};
            break;
        case OVERRIDE:
            read_override(entry, out);
            break;
        case LOCAL_APIC_ADDRESS:
            out.local_apic = entry.get<u64>(4);
            break;
        default:
            break;
        }
        offset += bytes;
    }
    return nullptr;
}

Refusal read_table(Bytes table, Acpi &out) {
    constexpr u8 IN_MEMORY = 0;
    if (table.get<u32>(0) == signature("APIC")) {
        return read_madt(table, out);
    }
    if (table.get<u32>(0) == signature("FACP")) {
        out.timer_port = table.get<u32>(76);
    }
    if (table.get<u32>(0) == signature("HPET") && table.get<u8>(40) == IN_MEMORY) {
        out.hpet = table.get<u64>(44);
    }
    return nullptr;
}

} // namespace

Refusal read_acpi(const Memory &memory, u64 rsdp, Acpi &out) {
    Bytes pointer = memory.at(rsdp, 20);
    if (rsdp == 0 || pointer.get<u32>(0) != signature("RSD ") ||
        pointer.get<u32>(4) != signature("PTR ") || !sums_to_zero(pointer)) {
        return "no ACPI root pointer (RSDP), or a damaged one";
    }
    for (u32 i = 0; i < Acpi::ISA_LINES; i++) {
        out.isa[i] = {i, 0};
    }
    u64 extended = pointer.get<u8>(15) >= 2 ? memory.at(rsdp, HEADER_BYTES).get<u64>(24) : 0;
    u64 width = extended != 0 ? 8 : 4;
    Bytes list = table_at(memory, extended != 0 ? extended : pointer.get<u32>(16));
    if (list.get<u32>(0) != (extended != 0 ? signature("XSDT") : signature("RSDT"))) {
        return "the ACPI root table (XSDT or RSDT) is damaged";
    }
    for (u64 i = 0; i < TABLES_MAX && list.has(HEADER_BYTES + i * width, width); i++) {
        u64 at = HEADER_BYTES + i * width;
        Bytes table = table_at(memory, width == 8 ? list.get<u64>(at) : list.get<u32>(at));
        if (Refusal wrong = read_table(table, out)) {
            return wrong;
        }
    }
    return out.io_apic_count != 0 ? nullptr : "the ACPI tables list no I/O APIC (no sound MADT)";
}

} // namespace arch
