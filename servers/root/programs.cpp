// Programs: starting, stopping, and who can reach whom.
// SPDX-License-Identifier: BSD-2-Clause
#include "programs.hpp"

#include <algorithm>
#include <cstring>

#include "sel/protocol.hpp"

namespace root {

namespace {

constexpr u64 kImageEnd = sel::kWindowBase;
constexpr u64 kPhysicalEnd = u64{1} << 46;

} // namespace

// --- Once, at boot.

sel::Result<> Programs::prepare() {
    scratch_ = kit_.slots();
    for (u32 i = 1; i <= system_.count(); i++) {
        if (sel::Result<> done = reserve(i); !done) {
            const MemoryCount &m = kit_.memory();
            console_.line("too little memory for {}: it needs {}K, and {}K of {}K are taken",
                          system_.program(i).title(), system_.program(i).memory >> 10,
                          (m.programs + m.root) >> 10, m.ram >> 10);
            return done;
        }
    }
    return prepare_pools();
}

sel::Result<> Programs::prepare_pools() {
    for (u32 i = 1; i <= system_.count(); i++) {
        for (const Grant &grant : system_.grants(i)) {
            if (grant.kind != GRANT_POOL) {
                continue;
            }
            if (auto made = kit_.make_pool(grant.a, grant.slots); !made) {
                console_.line("too little memory for {} of {}: it has {}K", grant.title(),
                              system_.program(i).title(), grant.b >> 10);
                return made;
            }
        }
    }
    return {};
}

sel::Result<> Programs::reserve(u32 number) {
    ProgramSlots &s = life_of(number).slots;
    cptr_t first = kit_.slots(sizeof(ProgramSlots) / sizeof(cptr_t));
    if (first == 0) {
        return ERR_FULL;
    }
    s = {first, first + 1, first + 2, first + 3, first + 4, first + 5};
    if (auto made = kit_.make_untyped(system_.program(number).memory, s.untyped); !made) {
        return made;
    }
    if (!system_.program(number).has(FLAG_SERVES)) {
        return {};
    }
    if (auto made = kit_.make(CAP_UNTYPED, PAGE_BYTES, s.home); !made) {
        return made;
    }
    return open(number);
}

void Programs::start_all() {
    for (u32 priority = 254; priority != 0; priority--) {
        for (u32 i = 1; i <= system_.count(); i++) {
            const ProgramRecord &record = system_.program(i);
            if (record.priority == priority && record.has(FLAG_BOOT)) {
                [[maybe_unused]] auto started = start(i, {}); // It has said what was wrong.
            }
        }
    }
}

// --- Endpoints and who holds them.

cptr_t Programs::endpoint_of(u64 number) const {
    if (number == 0) {
        return root_endpoint_;
    }
    const Life &server = life(static_cast<u32>(number));
    return server.open ? server.slots.endpoint : 0;
}

sel::Result<> Programs::open(u32 number) {
    Life &l = life_of(number);
    if (l.open || !system_.program(number).has(FLAG_SERVES)) {
        return {};
    }
    sel::Result<> made = sel::Untyped{l.slots.home}.retype(CAP_ENDPOINT, 0, l.slots.endpoint);
    l.open = made.ok();
    return made;
}

void Programs::close(u32 number) {
    Life &l = life_of(number);
    if (l.open) {
        l.open = false;
        [[maybe_unused]] auto gone = sel::Untyped{l.slots.home}.revoke();
        [[maybe_unused]] auto free = sel::Untyped{l.slots.home}.reset();
    }
}

sel::Result<> Programs::give_client(u32 number, const Grant &grant) {
    cptr_t from = endpoint_of(grant.a), to = sel::in_cnode(life(number).slots.cnode, grant.slot);
    if (from == 0) {
        return {}; // Comes with the server's next start.
    }
    return sel::Endpoint{from}.mint(to, grant.rights, number | grant.b << sel::BADGE_SERVICE_SHIFT);
}

sel::Result<> Programs::give_faults(u32 number, const Grant &grant) {
    const ProgramSlots &slots = life(number).slots;
    return sel::Endpoint{slots.endpoint}.mint(sel::in_cnode(slots.cnode, grant.slot), RIGHT_WRITE,
                                              number | sel::BADGE_FAULT);
}

// Who hears of its faults; 0: root.
u32 Programs::handler_of(u32 number) const {
    u32 handler = system_.fault_handler();
    return handler == number || endpoint_of(handler) == 0 ? 0 : handler;
}

sel::Result<> Programs::mint_fault(u32 number, cptr_t to) const {
    return sel::Endpoint{endpoint_of(handler_of(number))}.mint(to, RIGHT_WRITE,
                                                               number | sel::BADGE_FAULT);
}

// `server` has a new endpoint: gives it to all running programs that are to have it.
void Programs::rewire(u32 server) {
    for (u32 i = 1; i <= system_.count(); i++) {
        if (!runs(i)) {
            continue;
        }
        for (const Grant &grant : system_.grants(i)) {
            if (grant.kind == GRANT_CLIENT && grant.a == server) {
                [[maybe_unused]] auto given = give_client(i, grant); // Unless it filled the slot.
            }
        }
    }
}

void Programs::bind_fault(u32 number) {
    if (mint_fault(number, scratch_).ok()) {
        sel::Endpoint fault{scratch_};
        [[maybe_unused]] auto bound = sel::Tcb{life(number).slots.tcb}.bind(TCB_SLOT_FAULT, fault);
        [[maybe_unused]] auto removed = fault.remove();
    }
}

// A thread whose fault nobody answers any more is left inactive by the kernel, with the faulting instruction
// still before it. CALL_TCB_INFO has the fault in r0, from bit 32 on.
fault_t Programs::lost_fault(u32 number) const {
    constexpr u64 kState = 0xff;
    sel::Regs info = sel::call(CALL_TCB_INFO, life(number).slots.tcb);
    bool inactive = info.error() == OK && (info.word[0] & kState) == STATE_INACTIVE;
    return inactive ? static_cast<fault_t>(info.word[0] >> 32) : FAULT_NONE;
}

u32 Programs::settle_faults() {
    u32 handler = system_.fault_handler(), blamed = 0;
    for (u32 i = 1; i <= system_.count(); i++) {
        if (!runs(i) || i == handler) {
            continue;
        }
        bind_fault(i);
        bind_time_out(i, true);
        if (lost_fault(i) == FAULT_NONE) {
            continue;
        }
        blamed = life(i).again ? i : blamed;
        if (!life(i).again) {
            life_of(i).again = true;
            [[maybe_unused]] auto resumed = sel::Tcb{life(i).slots.tcb}.resume();
        }
    }
    return blamed;
}

// --- Starting.

sel::Result<> Programs::refuse(u32 number, const char *what, error_t error) const {
    console_.line("{} is not started: {}: {}", system_.program(number).title(), what,
                  sel::describe(error));
    return error;
}

sel::Result<Elf> Programs::read_file(const ProgramRecord &record) const {
    sel::Text<24> name{"bin/"};
    name.append(record.title());
    auto file = archive_.find(name);
    if (!file) {
        console_.line("archive file {}: {}", name,
                      file.error() == ERR_NAME ? "is missing" : "is damaged (wrong sum)");
        return ERR_IO;
    }
    const char *why = nullptr;
    auto elf = read_elf(file->content, PAGE_BYTES, kImageEnd, why);
    if (!elf) {
        console_.line("archive file {}: {}", name, why);
    }
    return elf;
}

sel::Environment Programs::environment(u32 number, std::string_view arguments) const {
    sel::Environment e{};
    e.version = sel::Environment::kVersion;
    e.program = number;
    e.incarnation = life(number).incarnation;
    e.argument_bytes = static_cast<u32>(arguments.size());
    e.tsc_hz = kit_.boot().tsc_hz;
    std::memcpy(e.name, system_.program(number).name, sizeof e.name);
    std::memcpy(e.arguments, arguments.data(), arguments.size());
    std::memcpy(e.command_line, kit_.boot().command_line, sizeof e.command_line - 1);
    return e;
}

sel::Result<> Programs::start(u32 number, std::string_view arguments) {
    static_assert(Arguments::kCapacity <= sel::Environment::kArgumentBytes);
    Life &l = life_of(number);
    if (runs(number)) {
        return ERR_BUSY;
    }
    bool reopened = !l.open && system_.program(number).has(FLAG_SERVES);
    if (sel::Result<> opened = open(number); !opened) {
        return refuse(number, "endpoint", opened.error());
    }
    l.incarnation++;
    l.again = false;
    sel::Result<> built = build(number, arguments);
    if (!built) {
        empty(number);
        l.state = State::STOPPED;
        close(number); // Its clients shall not wait for it.
        return built;
    }
    l.state = State::RUNNING;
    l.arguments.clear();
    l.arguments.append(arguments);
    if (reopened) {
        rewire(number);
    }
    bind_time_out(number, true);
    return sel::Tcb{l.slots.tcb}.resume();
}

sel::Result<> Programs::build(u32 number, std::string_view arguments) {
    const ProgramRecord &record = system_.program(number);
    Life &l = life_of(number);
    sel::Result<Elf> elf = read_file(record);
    if (!elf) {
        return elf.error();
    }
    Builder builder{kit_, record, l.slots};
    u64 more_pages = 0;
    for (const Grant &grant : system_.grants(number)) {
        if (grant.kind == GRANT_ARCHIVE) {
            more_pages += (module_.bytes + PAGE_BYTES - 1) / PAGE_BYTES;
        } else if (grant.kind == GRANT_THREAD) {
            more_pages += ThreadGrant{grant}.pages() + kThreadObjects;
        }
    }
    if (auto made = builder.make_spaces(*elf, more_pages); !made) {
        return refuse(number, "spaces", made.error());
    }
    if (auto loaded = builder.load(*elf, environment(number, arguments)); !loaded) {
        return refuse(number, "memory", loaded.error());
    }
    for (const Grant &grant : system_.grants(number)) {
        sel::Result<> given = grant.kind == GRANT_CLIENT   ? give_client(number, grant)
                              : grant.kind == GRANT_FAULTS ? give_faults(number, grant)
                                                           : builder.give(grant, module_);
        if (!given) {
            return refuse(number, grant.name, given.error());
        }
    }
    cptr_t endpoint = record.has(FLAG_SERVES) ? l.slots.endpoint : 0;
    sel::Result<> made = mint_fault(number, scratch_);
    if (made.ok()) {
        made = builder.make_thread(elf->entry, endpoint, scratch_);
        [[maybe_unused]] auto removed = sel::Endpoint{scratch_}.remove();
    }
    if (!made) {
        return refuse(number, "thread", made.error());
    }
    l.used = builder.used();
    l.book = builder.book();
    for (DeviceGiven &device : l.device) {
        device = {};
    }
    l.watch = {};
    l.budget_us = record.budget_us;
    l.patience = {};
    l.quiet = false;
    l.ticks_used = 0;
    l.regions = 0;
    for (const Region &region : builder.regions()) {
        l.region[l.regions++] = region;
    }
    return {};
}

// --- Devices that the pci server has found.

const Grant *Programs::device_grant(u32 number, u32 need) const {
    if (need >= kDevices) {
        return nullptr;
    }
    u32 before = 0;
    for (const Grant &grant : system_.grants(number)) {
        if (grant.kind == GRANT_PCI && before++ == need) {
            return &grant;
        }
    }
    return nullptr;
}

// Memory that somebody has, or that the boot loader filled.
bool Programs::is_taken(u64 physical, u64 bytes) const {
    auto meets = [&](u64 base, u64 size) {
        return physical < base + size && base < physical + bytes;
    };
    auto has = [&](const DeviceGiven &device) {
        return std::any_of(device.part, device.part + device.parts, [&](const DevicePart &part) {
            return meets(part.physical, u64{part.pages} * PAGE_BYTES);
        });
    };
    for (u32 i = 0; i < kit_.boot().module_count; i++) {
        if (meets(kit_.boot().module[i].base, kit_.boot().module[i].bytes)) {
            return true;
        }
    }
    for (u32 i = 1; i <= system_.count(); i++) {
        for (const Grant &grant : system_.grants(i)) {
            if (grant.kind == GRANT_DEVICE && meets(grant.a, grant.b)) {
                return true;
            }
        }
        for (const DeviceGiven &device : life(i).device) {
            if (runs(i) && has(device)) {
                return true;
            }
        }
    }
    return false;
}

sel::Result<u32> Programs::give_registers(u32 number, u32 need, u64 physical, u32 pages) {
    const Grant *grant = device_grant(number, need);
    Life &l = life_of(number);
    if (grant == nullptr) {
        return ERR_RIGHT;
    }
    DeviceGiven &device = l.device[need];
    if (!runs(number)) {
        return ERR_EMPTY;
    }
    if (pages == 0 || physical % PAGE_BYTES != 0 || physical > kPhysicalEnd) {
        return ERR_ARG;
    }
    if (is_taken(physical, u64{pages} * PAGE_BYTES)) {
        return ERR_OCCUPIED;
    }
    if (pages > PCI_PAGES - device.pages || device.parts == kDeviceParts) {
        return ERR_FULL;
    }
    u32 at = device.pages;
    Builder builder{kit_, system_.program(number), l.slots, l.book};
    sel::Result<> given = builder.give_registers(*grant, physical, pages, at);
    l.book = builder.book();
    l.used += builder.used();
    if (!given) {
        return given.error();
    }
    device.part[device.parts++] = {physical, pages};
    device.pages += pages;
    return at;
}

sel::Result<sel::MsiInfo> Programs::give_interrupt(u32 number, u32 need, u32 line) {
    const Grant *grant = device_grant(number, need);
    Life &l = life_of(number);
    if (grant == nullptr) {
        return ERR_RIGHT;
    }
    if (!runs(number)) {
        return ERR_EMPTY;
    }
    Builder builder{kit_, system_.program(number), l.slots, l.book};
    sel::Result<sel::MsiInfo> message = builder.give_interrupt(*grant, line);
    l.book = builder.book();
    if (message.ok()) {
        l.device[need].interrupt = true;
        l.device[need].line = line;
    }
    return message;
}

// --- Stopping.

// Takes the memory back and looks whether all of it came: one child must fit that takes everything
// but the page in which its record stands.
void Programs::empty(u32 number) {
    sel::Untyped memory{life(number).slots.untyped};
    u64 all = system_.program(number).memory - PAGE_BYTES;
    sel::Result<> back = memory.revoke();
    if (back.ok()) {
        back = memory.reset();
    }
    if (back.ok() && all != 0) {
        back = memory.retype(CAP_UNTYPED, all, scratch_);
    }
    if (back.ok() && all != 0) {
        back = memory.revoke();
    }
    if (back.ok()) {
        back = memory.reset();
    }
    life_of(number).lost = !back.ok();
    if (!back) {
        console_.line("the memory of {} did not come back: {}", system_.program(number).title(),
                      sel::describe(back.error()));
    }
}

// A server of which it has several capabilities is told as often, and finds one end.
void Programs::tell_servers(u32 client) {
    for (const Grant &grant : system_.grants(client)) {
        u32 server = static_cast<u32>(grant.a);
        if (grant.kind == GRANT_CLIENT && server != 0 && runs(server)) {
            Builder builder{kit_, system_.program(server), life(server).slots, life(server).book};
            [[maybe_unused]] auto told = builder.tell_ended(client, life(client).ends);
        }
    }
}

u64 Programs::lost() const {
    u64 bytes = 0;
    for (u32 i = 1; i <= system_.count(); i++) {
        bytes += life(i).lost ? system_.program(i).memory : 0;
    }
    return bytes;
}

void Programs::stop(u32 number, s32 code, bool keep) {
    Life &l = life_of(number);
    if (runs(number)) {
        l.state = keep ? State::AWAITED : State::STOPPED;
        l.exit_code = code;
        l.used = 0;
        l.ends++;
        empty(number);
        tell_servers(number);
    }
    if (!keep) {
        l.state = State::STOPPED;
        close(number);
    }
}

// --- Looking.

sel::Result<u32> Programs::peek(u32 number, u64 address, std::span<u8> to) {
    const Life &l = life(number);
    for (u32 i = 0; i < l.regions; i++) {
        const Region &r = l.region[i];
        u64 offset = address - r.address;
        if (address < r.address || offset >= r.pages * PAGE_BYTES) {
            continue;
        }
        u64 in_page = offset % PAGE_BYTES, room = PAGE_BYTES - in_page;
        auto part = to.first(to.size() < room ? to.size() : room);
        u32 book = r.book + static_cast<u32>(offset / PAGE_BYTES);
        sel::Frame frame{sel::in_cnode(l.slots.book, book)};
        if (sel::Result<> seen = kit_.look(frame, in_page, part); !seen) {
            return seen.error();
        }
        return static_cast<u32>(part.size());
    }
    return ERR_ARG;
}

} // namespace root
