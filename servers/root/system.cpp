// System: the table is checked once, so that everything behind can rely on it.
// SPDX-License-Identifier: BSD-2-Clause
#include "system.hpp"

#include <bit>

namespace root {

namespace {

constexpr char kMagic[] = "TSYSTEM1";
constexpr u32 kVersion = 1;
constexpr u64 kMemoryMax = u64{1} << 32;
constexpr u32 kStackMax = 1 << 20;
constexpr u64 kUserEnd = 0x7fffffff0000;
constexpr u64 kDeviceMax = 1 << 20;
constexpr u64 kPoolMax = 1 << 20;
constexpr u64 kPhysicalEnd = u64{1} << 46;

bool is_text(const char (&name)[16]) {
    return name[0] != 0 && ::strnlen(name, sizeof name) < sizeof name;
}

bool is_page_multiple(u64 n) {
    return n % PAGE_BYTES == 0;
}

bool thread_ok(const ProgramRecord &p, const Grant &g) {
    ThreadGrant t{g};
    return g.slots == 1 && t.budget_us != 0 && t.budget_us <= t.period_us && t.stack != 0 &&
           t.stack <= kStackMax && is_page_multiple(t.stack) && t.priority != 0 &&
           t.priority <= p.priority && is_page_multiple(g.c) && g.c < kUserEnd;
}

} // namespace

sel::Result<System> System::open(std::span<const u8> bytes) {
    System s;
    s.header_ = reinterpret_cast<const SystemHeader *>(bytes.data());
    if (bytes.size() < sizeof(SystemHeader) || std::memcmp(s.header_->magic, kMagic, 8) != 0 ||
        s.header_->version != kVersion) {
        return ERR_SYNTAX;
    }
    u64 programs = s.header_->programs, grants = s.header_->grants;
    if (programs > PROGRAM_MAX || grants > GRANT_MAX ||
        bytes.size() !=
            sizeof(SystemHeader) + programs * sizeof(ProgramRecord) + grants * sizeof(Grant)) {
        return ERR_SYNTAX;
    }
    s.programs_ = reinterpret_cast<const ProgramRecord *>(s.header_ + 1);
    s.grants_ = reinterpret_cast<const Grant *>(s.programs_ + programs);
    for (u32 i = 1; i <= programs; i++) {
        if (!s.program_ok(s.program(i))) {
            return ERR_SYNTAX;
        }
    }
    if (!s.pools_ok()) {
        return ERR_SYNTAX;
    }
    return s;
}

bool System::program_ok(const ProgramRecord &p) const {
    if (!is_text(p.name) || p.memory == 0 || p.memory > kMemoryMax || !is_page_multiple(p.memory) ||
        p.stack == 0 || p.stack > kStackMax || !is_page_multiple(p.stack)) {
        return false;
    }
    if (p.priority == 0 || p.priority == 255 || p.budget_us == 0 || p.budget_us > p.period_us ||
        p.share_us > p.budget_us || (p.share_us != 0 && !p.has(FLAG_SERVES)) || p.replies == 0 ||
        p.slots > CNODE_MAX || p.slots < SLOT_REPLIES + p.replies ||
        p.grant_first + p.grant_count > header_->grants) {
        return false;
    }
    for (u32 i = 0; i < p.grant_count; i++) {
        if (!grant_ok(p, grants_[p.grant_first + i])) {
            return false;
        }
    }
    return true;
}

bool System::grant_ok(const ProgramRecord &p, const Grant &g) const {
    if (!is_text(g.name) || g.kind == 0 || g.kind >= GRANT_KIND_END ||
        g.slot < SLOT_REPLIES + p.replies || g.slot + g.slots > p.slots) {
        return false;
    }
    switch (g.kind) {
    case GRANT_CLIENT:
        return g.slots == 1 && (g.a == 0 || (is_program(g.a) && program(g.a).has(FLAG_SERVES))) &&
               g.b < 65536;
    case GRANT_IO:
        return g.slots == 1 && g.a <= g.b && g.b <= 0xffff;
    case GRANT_DEVICE:
        return g.b != 0 && g.b <= kDeviceMax && is_page_multiple(g.a | g.b | g.c) &&
               g.a < kPhysicalEnd && g.slots == g.b / PAGE_BYTES && g.c < kUserEnd;
    case GRANT_TRACE:
        return is_page_multiple(g.c) && g.b == u64{g.slots} * PAGE_BYTES && g.c < kUserEnd;
    case GRANT_UNTYPED:
        return g.slots == 1 && g.a != 0 && is_page_multiple(g.a) && g.a < p.memory;
    case GRANT_ARCHIVE:
        return is_page_multiple(g.c) && g.c < kUserEnd;
    case GRANT_POOL:
        return g.a < POOL_MAX && g.b != 0 && g.b <= kPoolMax && is_page_multiple(g.b | g.c) &&
               g.b == u64{g.slots} * PAGE_BYTES && g.c < kUserEnd;
    case GRANT_PCI:
        return g.slots == 1 + PCI_PAGES && std::has_single_bit(g.b) && is_page_multiple(g.c) &&
               g.c < kUserEnd;
    case GRANT_FAULTS:
        return g.slots == 1 && p.has(FLAG_SERVES) && is_program(g.a) && &program(g.a) == &p;
    case GRANT_THREAD:
        return thread_ok(p, g);
    case GRANT_SLOTS:
        return g.slots == g.a;
    default:
        return g.slots == 1;
    }
}

// All that name a pool agree on its size.
bool System::pools_ok() const {
    u64 bytes[POOL_MAX] = {};
    for (u32 i = 0; i < header_->grants; i++) {
        const Grant &g = grants_[i];
        if (g.kind != GRANT_POOL) {
            continue;
        }
        if (g.a >= POOL_MAX || (bytes[g.a] != 0 && bytes[g.a] != g.b)) {
            return false;
        }
        bytes[g.a] = g.b;
    }
    return true;
}

u32 System::find(std::string_view name) const {
    for (u32 i = 1; i <= count(); i++) {
        if (program(i).title() == name) {
            return i;
        }
    }
    return 0;
}

u32 System::fault_handler() const {
    for (u32 i = 1; i <= count(); i++) {
        if (program(i).has(FLAG_FAULTS)) {
            return i;
        }
    }
    return 0;
}

} // namespace root
