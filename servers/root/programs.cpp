// Programs: starting, stopping, and who can reach whom.
// SPDX-License-Identifier: BSD-2-Clause
#include "programs.hpp"

#include <algorithm>
#include <cstring>

#include "sel/protocol.hpp"

namespace root {

// --- Once, at boot.

sel::Result<> Programs::prepare() {
    scratch_ = kit_.slots();
    sel::Result<sel::PageWindow> window = kit_.make_window();
    SEL_TRY(window);
    for (u32 i = 1; i <= system_.count(); i++) {
        if (sel::Result<> done = reserve(i, *window); !done) {
            const MemoryCount &m = kit_.memory();
            console_.line("too little memory for {}: it needs {}K, and {}K of {}K are taken",
                          system_.program(i).title(), system_.program(i).memory >> 10,
                          (m.programs + m.root) >> 10, m.ram >> 10);
            return done;
        }
    }
    if (auto done = prepare_children(); !done) {
        console_.line("too little memory for programs at run time");
        return done;
    }
    SEL_TRY(prepare_regions());
    return prepare_pools();
}

sel::Result<> Programs::prepare_pools() {
    for (u32 i = 1; i <= system_.count(); i++) {
        for (const Grant &grant : system_.grants(i)) {
            if (!grant.is<grant::Pool>()) {
                continue;
            }
            auto pool = grant.as<grant::Pool>();
            if (auto made = kit_.make_pool(pool.number, grant.slots); !made) {
                console_.line("too little memory for {} of {}: it has {}K", grant.title(),
                              system_.program(i).title(), pool.bytes >> 10);
                return made;
            }
        }
    }
    return {};
}

sel::Result<> Programs::reserve(u32 number, sel::PageWindow window) {
    Life &l = life_of(number);
    constexpr u32 kSlots = 6;
    cptr_t first = kit_.slots(kSlots);
    if (first == 0) {
        return ERR_FULL;
    }
    l.home = first;
    l.endpoint = first + 1;
    l.process = {window,
                 {.memory = first + 2, .book = first + 3, .cspace = first + 4, .tcb = first + 5}};
    SEL_TRY(kit_.make_untyped(system_.program(number).memory, l.process.memory().cptr()));
    if (!system_.program(number).has(FLAG_SERVES)) {
        return {};
    }
    SEL_TRY(kit_.make(CAP_UNTYPED, PAGE_BYTES, l.home));
    // Others have clients only while they run.
    return system_.program(number).has(FLAG_BOOT) ? open(number) : sel::Result<>{};
}

void Programs::start_all(bool late) {
    u32 flags = late ? FLAG_BOOT | FLAG_LATE : FLAG_BOOT;
    for (u32 priority = 254; priority != 0; priority--) {
        for (u32 i = 1; i <= system_.count(); i++) {
            const ProgramRecord &record = system_.program(i);
            u32 when = record.flags & (FLAG_BOOT | FLAG_LATE);
            if (record.priority == priority && when == flags && life(i).incarnation == 0) {
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
    return server.open ? server.endpoint : 0;
}

sel::Result<> Programs::open(u32 number) {
    Life &l = life_of(number);
    if (l.open || !system_.program(number).has(FLAG_SERVES)) {
        return {};
    }
    sel::Result<> made = sel::Untyped{l.home}.retype(CAP_ENDPOINT, 0, l.endpoint);
    l.open = made.ok();
    return made;
}

void Programs::close(u32 number) {
    Life &l = life_of(number);
    if (l.open) {
        l.open = false;
        [[maybe_unused]] auto gone = sel::Untyped{l.home}.revoke();
        [[maybe_unused]] auto free = sel::Untyped{l.home}.reset();
    }
}

u64 Programs::badge_of(u32 number, const grant::Client &client) {
    return number | static_cast<u64>(client.protocol) << sel::BADGE_SERVICE_SHIFT |
           static_cast<u64>(client.part) << sel::BADGE_PART_SHIFT;
}

sel::Result<> Programs::give_client(u32 number, const Grant &grant) {
    auto client = grant.as<grant::Client>();
    cptr_t from = endpoint_of(client.server);
    if (from == 0) {
        return {}; // Comes with the server's next start.
    }
    return life(number).process.mint(grant.slot, sel::Endpoint{from}, client.rights,
                                     badge_of(number, client));
}

sel::Result<> Programs::give_starter(u32 number, const Grant &grant) {
    grant::Client client{.server = 0,
                         .protocol = static_cast<u8>(grant.as<grant::Starter>().protocol),
                         .part = 0,
                         .rights = RIGHT_WRITE | RIGHT_GRANT};
    return life(number).process.mint(grant.slot, sel::Endpoint{root_endpoint_}, client.rights,
                                     badge_of(number, client));
}

sel::Result<> Programs::give_faults(u32 number, const Grant &grant) {
    const Life &l = life(number);
    return l.process.mint(grant.slot, sel::Endpoint{l.endpoint}, RIGHT_WRITE,
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
            if (grant.is<grant::Client>() && grant.as<grant::Client>().server == server) {
                [[maybe_unused]] auto given = give_client(i, grant); // Unless it filled the slot.
            }
        }
    }
    for (u32 i = Children::kFirst; i <= sel::Environment::kPrograms; i++) {
        for (u32 place = 0; children_.runs(i) && place < children_.child(i).count; place++) {
            grant::Client client;
            const Child &c = children_.child(i);
            if (passed_on(c.starter, c.entry[place].own, client) != nullptr &&
                client.server == server) {
                [[maybe_unused]] auto given = give_child(i, place); // As above.
            }
        }
    }
}

sel::Result<> Programs::bind_fault(u32 number) {
    SEL_TRY(mint_fault(number, scratch_));
    sel::Endpoint fault{scratch_};
    sel::Result<> bound = tcb(number).bind(TCB_SLOT_FAULT, fault);
    [[maybe_unused]] auto removed = fault.remove();
    return bound;
}

// A thread whose fault nobody answers any more is left inactive by the kernel, with the faulting instruction
// still before it. CALL_TCB_INFO has the fault in r0, from bit 32 on.
fault_t Programs::lost_fault(u32 number) const {
    constexpr u64 kState = 0xff;
    sel::Regs info = sel::call(CALL_TCB_INFO, tcb(number).cptr());
    bool inactive = info.error() == OK && (info.word[0] & kState) == STATE_INACTIVE;
    return inactive ? static_cast<fault_t>(info.word[0] >> 32) : FAULT_NONE;
}

// Does it stand in its fault for the second time? The first time it is let run into it once more.
bool Programs::stands_again(u32 number, bool &again) {
    [[maybe_unused]] auto bound = bind_fault(number);
    if (lost_fault(number) == FAULT_NONE || again) {
        return lost_fault(number) != FAULT_NONE;
    }
    again = true;
    [[maybe_unused]] auto resumed = tcb(number).resume();
    return false;
}

u32 Programs::settle_faults() {
    u32 handler = system_.fault_handler(), blamed = 0;
    for (u32 i = 1; i <= system_.count(); i++) {
        if (runs(i) && i != handler) {
            bind_time_out(i, true);
            blamed = stands_again(i, life_of(i).again) ? i : blamed;
        }
    }
    for (u32 i = Children::kFirst; i <= sel::Environment::kPrograms; i++) {
        if (children_.runs(i)) {
            blamed = stands_again(i, children_.child(i).again) ? i : blamed;
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

sel::Result<sel::Elf> Programs::read_file(const ProgramRecord &record) const {
    sel::Text<24> name{"bin/"};
    name.append(record.title());
    auto file = archive_.find(name);
    if (!file) {
        console_.line("archive file {}: {}", name,
                      file.error() == ERR_NAME ? "is missing" : "is damaged (wrong sum)");
        return ERR_IO;
    }
    const char *why = nullptr;
    auto elf = sel::read_elf(file->content, why);
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
    arguments.copy(e.arguments, sizeof e.arguments);
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
    return l.process.resume();
}

sel::Result<> Programs::build(u32 number, std::string_view arguments) {
    const ProgramRecord &record = system_.program(number);
    Life &l = life_of(number);
    sel::Result<sel::Elf> elf = read_file(record);
    SEL_TRY(elf);
    sel::ProcessShape shape{.stack_bytes = record.stack,
                            .slots = record.slots,
                            .replies = record.replies,
                            .frames = giver_.frames(record, system_.grants(number))};
    if (auto made = l.process.make(shape, *elf, environment(number, arguments)); !made) {
        return refuse(number, "memory", made.error());
    }
    for (const Grant &grant : system_.grants(number)) {
        sel::Result<> given = grant.is<grant::Client>()    ? give_client(number, grant)
                              : grant.is<grant::Faults>()  ? give_faults(number, grant)
                              : grant.is<grant::Starter>() ? give_starter(number, grant)
                              : grant.is<grant::Region>()  ? give_region(number, grant)
                              : grant.is<grant::Regions>() ? give_room(number, grant)
                                                           : giver_.give(l.process, record, grant);
        if (!given) {
            return refuse(number, grant.name, given.error());
        }
    }
    if (auto made = prepare_thread(number); !made) {
        return refuse(number, "thread", made.error());
    }
    for (DeviceGiven &device : l.device) {
        device = {};
    }
    l.watch = {};
    l.budget_us = record.budget_us;
    l.patience = {};
    l.quiet = false;
    l.ticks_used = 0;
    return {};
}

sel::Result<> Programs::prepare_thread(u32 number) {
    const ProgramRecord &record = system_.program(number);
    Life &l = life_of(number);
    SEL_TRY(mint_fault(number, scratch_));
    sel::Endpoint faults{scratch_};
    sel::Result<> made =
        l.process.prepare({.receives = sel::Endpoint{record.has(FLAG_SERVES) ? l.endpoint : 0},
                           .faults = faults,
                           .control = sel::SchedControl{BOOT_CAP_SCHED_CONTROL},
                           .budget = kit_.ticks(record.budget_us),
                           .period = kit_.ticks(record.period_us),
                           .priority = record.priority,
                           .vector = record.has(FLAG_VECTOR)});
    [[maybe_unused]] auto removed = faults.remove();
    return made;
}

// --- Devices that the pci server has found.

const Grant *Programs::device_grant(u32 number, u32 need) const {
    if (need >= kDevices) {
        return nullptr;
    }
    u32 before = 0;
    for (const Grant &grant : system_.grants(number)) {
        if (grant.is<grant::Pci>() && before++ == need) {
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
            auto place = grant.is<grant::Device>() ? grant.as<grant::Device>() : grant::Device{};
            if (meets(place.physical, place.bytes)) {
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
    DevicePart part{physical, pages};
    SEL_TRY(giver_.give_registers(l.process, *grant, part, at));
    device.part[device.parts++] = part;
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
    sel::Result<sel::MsiInfo> message = giver_.give_interrupt(l.process, *grant, line);
    if (message.ok()) {
        l.device[need].interrupt = true;
        l.device[need].line = line;
    }
    return message;
}

// --- Stopping.

// Takes the memory back and looks whether all of it came.
void Programs::empty(u32 number) {
    sel::Result<> back =
        life_of(number).process.end_whole(system_.program(number).memory, scratch_);
    life_of(number).lost = !back.ok();
    if (!back) {
        console_.line("the memory of {} did not come back: {}", system_.program(number).title(),
                      sel::describe(back.error()));
    }
}

// A server of which it has several capabilities is told as often, and finds one end.
void Programs::tell_servers(u32 client) {
    for (const Grant &grant : system_.grants(client)) {
        u32 server = grant.is<grant::Client>() ? grant.as<grant::Client>().server : 0;
        if (server != 0 && runs(server)) {
            [[maybe_unused]] auto told = life(server).process.tell_ended(client, life(client).ends);
        }
    }
}

u64 Programs::lost() const {
    u64 bytes = 0;
    for (u32 i = 1; i <= system_.count(); i++) {
        bytes += life(i).lost ? system_.program(i).memory : 0;
    }
    for (u32 region = 0; region < REGION_MAX; region++) {
        bytes += region_lost_[region] ? regions_.region(region).kept : 0;
    }
    return bytes;
}

void Programs::stop(u32 number, s32 code, bool keep) {
    if (!is_system(number)) {
        if (runs(number)) {
            end_child(number, code, true);
        }
        return;
    }
    Life &l = life_of(number);
    if (runs(number)) {
        l.state = keep ? State::AWAITED : State::STOPPED;
        l.exit_code = code;
        l.ends++;
        empty(number);
        end_regions(number);
        tell_servers(number);
        drop_children(number);
    }
    if (!keep) {
        l.state = State::STOPPED;
        close(number);
    }
}

} // namespace root
