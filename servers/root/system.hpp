// System: the table that root starts everything from, made by scripts/manifest.py.
// SPDX-License-Identifier: BSD-2-Clause
//
// File `system` of the boot archive: a header, the programs in the order of boot/system.toml (the
// first one is number 1, root itself is 0), then what each of them is given (grant.hpp).
// scripts/lib/manifests reads layouts and limits from here.
#pragma once

#include <cstring>
#include <span>
#include <string_view>

#include "grant.hpp"

#include "sel/environment.hpp"
#include "sel/process.hpp"
#include "sel/result.hpp"

namespace root {

enum { SYSTEM_VERSION = 4 };
enum { PROGRAM_MAX = sel::Environment::kSystemPrograms, GRANT_MAX = 512, CNODE_MAX = 8192 };
enum { ARCHIVE_MAX = 8 << 20 }; // Bytes of the boot archive, which a program may map.

enum ProgramFlag : u8 {
    FLAG_BOOT = 1,
    FLAG_VECTOR = 2,
    FLAG_SERVES = 4,
    FLAG_FAULTS = 8,
    FLAG_LATE = 16, // With FLAG_BOOT: StartLate in api.hpp.
};

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

struct SystemHeader {
    char magic[8]; // "TSYSTEM1"
    u32 version;   // SYSTEM_VERSION
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
    bool agrees(const ProgramRecord &p, const grant::Client &client) const;
    bool agrees(const ProgramRecord &p, const grant::Untyped &untyped) const;
    bool agrees(const ProgramRecord &p, const grant::Faults &faults) const;
    bool agrees(const ProgramRecord &p, const grant::Thread &thread) const;
    bool agrees(const ProgramRecord &p, const grant::Starter &starter) const;
    template <typename Other>
    bool agrees(const ProgramRecord &, const Other &) const {
        return true;
    }
    bool pools_ok() const;
    bool regions_ok() const;

    const SystemHeader *header_ = nullptr;
    const ProgramRecord *programs_ = nullptr;
    const Grant *grants_ = nullptr;
};

} // namespace root
