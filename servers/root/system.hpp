// System: the table that root starts everything from, made by scripts/manifest.py.
// SPDX-License-Identifier: BSD-2-Clause
//
// File `system` of the boot archive: a header, the programs in the order of boot/system.toml (the
// first one is number 1, root itself is 0), then what each of them is given.
#pragma once

#include <cstring>
#include <span>
#include <string_view>

#include "abi/capability.h"

#include "sel/result.hpp"

namespace root {

enum { PROGRAM_MAX = 64, GRANT_MAX = 512, CNODE_MAX = 8192, POOL_MAX = 16 };
enum { PCI_PAGES = 64 }; // Of a device's registers, at most; also in scripts/manifest.py.

// Slots that every program has.
enum { SLOT_SELF = 1, SLOT_ENDPOINT, SLOT_NOTIFICATION, SLOT_REPLIES };

enum ProgramFlag : u8 { FLAG_BOOT = 1, FLAG_VECTOR = 2, FLAG_SERVES = 4, FLAG_FAULTS = 8 };

struct ProgramRecord {
    char name[16]; // Ends with 0.
    u64 memory;    // Bytes of its untyped.
    u32 stack;     // Bytes.
    u32 budget_us, period_us;
    u16 slots; // Of its CNode.
    u16 replies;
    u16 grant_first, grant_count;
    u8 priority;
    u8 flags;   // ProgramFlag
    u8 restart; // root::Restart in api.hpp
    u8 tries;
    u32 share_us; // Of every period, while it does not answer (watch.hpp); 0: it is not watched.
    u8 reserved[12];

    std::string_view title() const { return name; }
    bool has(ProgramFlag flag) const { return (flags & flag) != 0; }
};

enum GrantKind : u16 {
    GRANT_CLIENT = 1, // a program, b number of its protocol | part << 8
    GRANT_IO,         // a first port, b last
    GRANT_IRQ,        // a line and flags, b bit in the notification
    GRANT_DEVICE,     // a physical address, b bytes, c where mapped
    GRANT_ARCHIVE,    // c where mapped
    GRANT_TRACE,      // b bytes, c where mapped
    GRANT_TRACE_CONTROL,
    GRANT_UNTYPED, // a bytes
    GRANT_CONTEXT, // a budget, b period: microseconds
    GRANT_VSPACE,
    GRANT_CNODE,
    GRANT_DOORBELL, // a bit in the notification
    GRANT_SLOTS,    // a count
    GRANT_POOL,     // a number of the pool, b bytes, c where mapped
    GRANT_PCI, // a DeviceMatch (api.hpp), b bit in the notification, c where registers are mapped;
               // the first slot is for the interrupt, PCI_PAGES follow for the registers
    GRANT_FAULTS, // a the program itself: the faults of its own threads come to its endpoint
    GRANT_THREAD, // a budget | period << 32: microseconds, b bytes of its stack | priority << 32, c where
                  // that is mapped; a page for its buffer follows
    GRANT_NOTIFICATION,
    GRANT_KIND_END
};

struct Grant {
    char name[16]; // Ends with 0.
    u64 a, b, c;
    u16 kind; // GrantKind
    u16 slot, slots;
    u16 rights; // Of GRANT_CLIENT.

    std::string_view title() const { return name; }
};

// What a GRANT_THREAD says.
struct ThreadGrant {
    u32 budget_us, period_us, stack, priority;

    explicit ThreadGrant(const Grant &g)
        : budget_us{static_cast<u32>(g.a)}, period_us{static_cast<u32>(g.a >> 32)},
          stack{static_cast<u32>(g.b)}, priority{static_cast<u32>(g.b >> 32)} {}

    u64 pages() const { return stack / PAGE_BYTES + 1; } // With its buffer.
};

struct SystemHeader {
    char magic[8]; // "TSYSTEM1"
    u32 version;
    u16 programs, grants;
};

static_assert(sizeof(ProgramRecord) == 64 && sizeof(Grant) == 48 && sizeof(SystemHeader) == 16);

class System {
  public:
    // `bytes` is the table, 8-byte aligned, and must outlive the System. ERR_SYNTAX: it is none,
    // or its parts contradict each other.
    static sel::Result<System> open(std::span<const u8> bytes);

    u32 count() const { return header_->programs; } // Without root.

    // `number` 1 .. count().
    const ProgramRecord &program(u32 number) const { return programs_[number - 1]; }
    std::span<const Grant> grants(u32 number) const {
        const ProgramRecord &p = program(number);
        return {grants_ + p.grant_first, p.grant_count};
    }
    bool is_program(u64 number) const { return number >= 1 && number <= count(); }

    // 0: no such program.
    u32 find(std::string_view name) const;

    // Who handles faults; 0: root.
    u32 fault_handler() const;

  private:
    bool program_ok(const ProgramRecord &p) const;
    bool grant_ok(const ProgramRecord &p, const Grant &g) const;
    bool pools_ok() const;

    const SystemHeader *header_ = nullptr;
    const ProgramRecord *programs_ = nullptr;
    const Grant *grants_ = nullptr;
};

} // namespace root
