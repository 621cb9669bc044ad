// System: the table is checked once, so that everything behind can rely on it.
// SPDX-License-Identifier: BSD-2-Clause
#include "system.hpp"

#include "abi/capability.h"

namespace root {

namespace {

constexpr char kMagic[] = "TSYSTEM1";
constexpr u64 kMemoryMax = u64{1} << 32;

bool is_text(const char (&name)[16]) {
    return name[0] != 0 && ::strnlen(name, sizeof name) < sizeof name;
}

bool is_page_multiple(u64 n) {
    return n % PAGE_BYTES == 0;
}

} // namespace

sel::Result<System> System::open(std::span<const u8> bytes) {
    System s;
    s.header_ = reinterpret_cast<const SystemHeader *>(bytes.data());
    if (bytes.size() < sizeof(SystemHeader) || std::memcmp(s.header_->magic, kMagic, 8) != 0 ||
        s.header_->version != SYSTEM_VERSION) {
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
    if (!s.pools_ok() || !s.regions_ok()) {
        return ERR_SYNTAX;
    }
    return s;
}

bool System::program_ok(const ProgramRecord &p) const {
    if (!is_text(p.name) || p.memory == 0 || p.memory > kMemoryMax || !is_page_multiple(p.memory) ||
        p.stack == 0 || p.stack > sel::Process::kStackMax || !is_page_multiple(p.stack)) {
        return false;
    }
    if (p.priority == 0 || p.priority == 255 || p.budget_us == 0 || p.budget_us > p.period_us ||
        p.share_us > p.budget_us || (p.share_us != 0 && !p.has(FLAG_SERVES)) || p.replies == 0 ||
        p.slots > CNODE_MAX || p.slots < sel::SLOT_REPLIES + p.replies ||
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

// What a grant says of itself, and of the program that has it.
bool System::grant_ok(const ProgramRecord &p, const Grant &g) const {
    bool sound = false;
    bool known =
        grant::visit(g, [&](const auto &what) { sound = what.sound(g.slots) && agrees(p, what); });
    return known && sound && is_text(g.name) && g.slot >= sel::SLOT_REPLIES + p.replies &&
           g.slot + g.slots <= p.slots;
}

bool System::agrees(const ProgramRecord &, const grant::Client &client) const {
    return client.server == 0 ||
           (is_program(client.server) && program(client.server).has(FLAG_SERVES));
}

bool System::agrees(const ProgramRecord &p, const grant::Untyped &untyped) const {
    return untyped.bytes < p.memory;
}

bool System::agrees(const ProgramRecord &p, const grant::Faults &) const {
    return p.has(FLAG_SERVES);
}

bool System::agrees(const ProgramRecord &p, const grant::Thread &thread) const {
    return thread.priority <= p.priority;
}

bool System::agrees(const ProgramRecord &p, const grant::Starter &starter) const {
    return starter.priority <= p.priority;
}

// All that name a pool agree on its size.
bool System::pools_ok() const {
    u64 bytes[POOL_MAX] = {};
    for (u32 i = 0; i < header_->grants; i++) {
        if (!grants_[i].is<grant::Pool>()) {
            continue;
        }
        auto pool = grants_[i].as<grant::Pool>();
        if (pool.number >= POOL_MAX ||
            (bytes[pool.number] != 0 && bytes[pool.number] != pool.bytes)) {
            return false;
        }
        bytes[pool.number] = pool.bytes;
    }
    return true;
}

// Each has a number of its own, also those that are kept for programs at run time; and a program one grant at most for
// those of its clients.
bool System::regions_ok() const {
    static_assert(REGION_MAX <= 32);
    u64 seen = 0;
    for (u32 i = 0; i < header_->grants; i++) {
        u64 bits = 0;
        if (grants_[i].is<grant::Region>()) {
            bits = u64{1} << grants_[i].as<grant::Region>().number;
        } else if (grants_[i].is<grant::Starter>()) {
            auto starter = grants_[i].as<grant::Starter>();
            bits = ((u64{1} << starter.regions) - 1) << starter.first_region;
        }
        if ((seen & bits) != 0) {
            return false;
        }
        seen |= bits;
    }
    for (u32 i = 1; i <= count(); i++) {
        u32 rooms = 0;
        for (const Grant &grant : grants(i)) {
            rooms += grant.is<grant::Regions>() ? 1 : 0;
        }
        if (rooms > 1) {
            return false;
        }
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
