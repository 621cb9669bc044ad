// Root: one short function for each message.
// SPDX-License-Identifier: BSD-2-Clause
#include "root.hpp"

#include <cstring>

#include "power.hpp"

#include "sel/explain.hpp"

namespace root {

namespace {

constexpr s32 kCodeFault = 128;   // Exit code of a program that ended by fault n: 128 + n.
constexpr u16 kExitPort = 0xf4;   // QEMU's isa-debug-exit.
constexpr u16 kResetPort = 0xcf9; // Intel PCH data sheet: reset control register.
constexpr u8 kResetFull = 0x06;
constexpr u64 kMillisecond = sel::Clock::kSecond / 1000;
constexpr u64 kLook = Patience::kLookMs * kMillisecond; // From one look at all servers to the next,
constexpr u64 kLookReduced = 100 * kMillisecond;        // if some have got less time.
constexpr u32 kSlotsLooked = 64;                        // At, for one GetSlots.

} // namespace

// --- View.

sel::Result<Program> Root::on(const GetProgram &m) {
    if (!programs_.is_program(m.number)) {
        return Children::is_number(m.number) || m.number - 1 < PROGRAM_MAX ? ERR_EMPTY : ERR_NAME;
    }
    Program p{};
    p.number = m.number;
    p.state = programs_.runs(m.number) ? State::RUNNING : State::STOPPED;
    p.exit_code = programs_.exit_code(m.number);
    p.data.append(programs_.title(m.number));
    if (auto thread = programs_.tcb(m.number).thread_info(); programs_.runs(m.number) && thread) {
        p.thread_state = static_cast<u8>(thread->state);
        p.ticks_used = thread->ticks_used;
        p.vector = thread->vector;
    }
    if (programs_.is_child(m.number)) {
        const Child &child = programs_.children().child(m.number);
        p.starter = child.above != 0 ? child.above : child.starter;
        p.incarnation = child.incarnation;
        p.priority = child.priority;
        p.memory = child.memory;
        return p;
    }
    const ProgramRecord &record = programs_.system().program(m.number);
    const Life &life = programs_.life(m.number);
    p.incarnation = life.incarnation;
    p.state = life.state;
    p.restart = static_cast<Restart>(record.restart);
    p.tries = record.tries;
    p.priority = record.priority;
    p.vector = record.has(FLAG_VECTOR);
    p.boot = record.has(FLAG_BOOT);
    p.memory = record.memory + programs_.lendable(m.number);
    p.used = life.process.used();
    return p;
}

sel::Result<u32> Root::on(const Find &m) {
    u32 number = programs_.system().find(m.data);
    number = number != 0 ? number : programs_.children().find(m.data);
    return number != 0 ? sel::Result<u32>{number} : ERR_NAME;
}

sel::Result<Memory> Root::on(const GetMemory &) {
    const MemoryCount &count = kit_.memory();
    u64 lost = programs_.lost();
    return Memory{count.ram, count.programs, count.root, lost,
                  count.ram - count.programs - count.root - lost};
}

// As the manifest of its starter calls what it has passed on. Empty: it has made that itself.
std::string_view Root::name_of_child_slot(u32 number, u32 slot) const {
    constexpr std::string_view kFixed[] = {"", "self", "requests", "signals", "reply"};
    if (slot <= sel::SLOT_REPLIES) {
        return kFixed[slot];
    }
    const Child &child = programs_.children().child(number);
    for (u32 i = 0; i < child.count; i++) {
        for (const Grant &grant : programs_.system().grants(child.starter)) {
            if (child.entry[i].slot == slot && grant.slot == child.entry[i].own) {
                return grant.title();
            }
        }
    }
    u32 region = programs_.region_slot(number);
    return region == 0 || slot < region || slot > region + 1 ? std::string_view{} : "region";
}

Slot Root::describe_slot(u32 number, u32 slot, const sel::CapabilityInfo &info) const {
    Slot out{};
    out.slot = slot;
    out.type = static_cast<u8>(info.type);
    out.rights = info.rights;
    out.data = info.data;
    out.sibling = info.sibling;
    out.id = info.id;
    out.relative = info.relative;
    if (programs_.is_child(number)) {
        std::string_view name = name_of_child_slot(number, slot);
        std::memcpy(out.name, name.data(), name.size());
        return out;
    }
    const ProgramRecord &record = programs_.system().program(number);
    constexpr char kFixed[][sizeof out.name] = {"", "self", "requests", "signals", "reply"};
    if (slot < u32{sel::SLOT_REPLIES} + record.replies) {
        const char *name = kFixed[slot < sel::SLOT_REPLIES ? slot : u32{sel::SLOT_REPLIES}];
        std::memcpy(out.name, name, sizeof out.name);
    }
    u32 need = 0; // How many `pci` stand in front.
    for (const Grant &grant : programs_.system().grants(number)) {
        if (slot >= grant.slot && slot < u32{grant.slot} + grant.slots &&
            !grant.is<grant::Slots>()) {
            std::memcpy(out.name, grant.name, sizeof out.name);
            out.data = grant.is<grant::Irq>() ? grant.as<grant::Irq>().line : out.data;
            if (grant.is<grant::Pci>() && info.type == CAP_IRQ_HANDLER && need < kDevices) {
                out.data = programs_.life(number).device[need].line;
            }
        }
        need += grant.is<grant::Pci>() ? 1 : 0;
    }
    return out;
}

sel::Result<SlotList> Root::on(const GetSlots &m) {
    if (!programs_.is_program(m.number)) {
        return ERR_NAME;
    }
    if (!programs_.runs(m.number)) {
        return ERR_EMPTY;
    }
    sel::CNode cspace = programs_.cspace(m.number);
    u32 end = programs_.slots(m.number);
    SlotList list{};
    u32 slot = m.first == 0 ? 1 : m.first;
    for (u32 i = 0; i < kSlotsLooked && slot < end && list.count < SlotList::kMax; i++, slot++) {
        auto info = sel::Capability{cspace.slot(slot)}.info();
        if (info.ok()) {
            list.slot[list.count++] = describe_slot(m.number, slot, *info);
        }
    }
    list.next = slot < end ? slot : 0;
    return list;
}

sel::Result<denial_t> Root::on(const GetDenial &m) {
    if (!programs_.is_program(m.number)) {
        return ERR_NAME;
    }
    if (!programs_.runs(m.number)) {
        return ERR_EMPTY;
    }
    return programs_.tcb(m.number).denial();
}

sel::Result<Irq> Root::on(const GetIrq &m) {
    u32 place = 0;
    for (u32 i = 1; i <= programs_.system().count(); i++) {
        u32 need = 0;
        for (const Grant &grant : programs_.system().grants(i)) {
            const DeviceGiven *device = nullptr;
            if (grant.is<grant::Pci>() && need < kDevices && programs_.runs(i)) {
                device = &programs_.life(i).device[need];
            }
            need += grant.is<grant::Pci>() ? 1 : 0;
            bool found = device != nullptr && device->interrupt;
            if ((grant.is<grant::Irq>() || found) && place++ == m.place) {
                Irq irq{};
                irq.line = found ? device->line : static_cast<u32>(grant.as<grant::Irq>().line);
                irq.program = i;
                irq.data.append(grant.title());
                return irq;
            }
        }
    }
    return ERR_NAME;
}

sel::Result<Machine> Root::on(const GetMachine &) {
    const boot_info_t &boot = kit_.boot();
    return Machine{boot.tsc_hz, boot.ram_bytes, boot.kernel_bytes, boot.entry_tsc};
}

sel::Result<DeviceGrant> Root::on(const GetDeviceGrant &m) {
    if (!programs_.is_system(m.number)) {
        return ERR_NAME;
    }
    const Grant *grant = programs_.device_grant(m.number, m.need);
    if (grant == nullptr) {
        return ERR_EMPTY;
    }
    const DeviceGiven &device = programs_.life(m.number).device[m.need];
    bool given = programs_.runs(m.number) && device.parts != 0;
    return DeviceGrant{{grant->as<grant::Pci>().match}, given ? device.part[0].physical : 0};
}

sel::Result<Held> Root::on(const GetHeld &m) {
    return programs_.held(m.place);
}

// --- Devices.

sel::Result<u32> Root::on(const GiveMemory &m) {
    return programs_.is_system(m.number)
               ? programs_.give_registers(m.number, m.need, m.physical, m.pages)
               : ERR_NAME;
}

sel::Result<sel::MsiInfo> Root::on(const GiveInterrupt &m) {
    return programs_.is_system(m.number) ? programs_.give_interrupt(m.number, m.need, m.line)
                                         : ERR_NAME;
}

sel::Result<> Root::on(const Quieted &m) {
    programs_.quieted(m.number);
    answer_makers();
    return {};
}

// --- Lender and Borrower.

void Root::on(const MakeRegion &m, sel::Caller caller, sel::Later<MakeRegion> later) {
    sel::Result<u32> region = programs_.region_of(caller);
    if (!region) {
        later.answer(region.error());
        return;
    }
    switch (programs_.region_state(*region)) {
    case RegionState::EMPTY:
        later.answer(programs_.make_region(*region, m.bytes));
        break;
    case RegionState::MADE:
        later.answer(ERR_EXISTS);
        break;
    case RegionState::CLOSING:
        if (maker_[*region].later.waits()) {
            later.answer(ERR_BUSY);
        } else {
            maker_[*region] = {m.bytes, std::move(later)};
            makers_ |= u32{1} << *region;
        }
    }
}

// Those whose region is empty now. Who has died or given up waits no more.
void Root::answer_makers() {
    for (u32 left = makers_; left != 0; left &= left - 1) {
        u32 region = static_cast<u32>(__builtin_ctz(left));
        Maker &maker = maker_[region];
        if (programs_.region_state(region) == RegionState::EMPTY) {
            makers_ &= ~(u32{1} << region);
            sel::Later<MakeRegion> later = std::move(maker.later);
            if (later.waits() && !later.answer(programs_.make_region(region, maker.bytes))) {
                [[maybe_unused]] auto released = programs_.release_region(region); // It gave up.
            }
        }
    }
}

sel::Result<> Root::on(const ReleaseRegion &, sel::Caller caller) {
    sel::Result<u32> region = programs_.region_of(caller);
    return region.ok() ? programs_.release_region(*region) : region.error();
}

sel::Result<Borrowed> Root::on(const Borrow &, sel::Caller caller) {
    sel::Result<Borrowed> borrowed = ERR_ARG;
    if (caller.capability) {
        borrowed = programs_.borrow(caller.client, sel::Capability{received_});
        empty_hand();
    }
    return borrowed;
}

sel::Result<> Root::on(const Return &m, sel::Caller caller) {
    sel::Result<> done = programs_.give_back(caller.client, m.place);
    answer_makers();
    return done;
}

// --- Control.

sel::Result<> Root::on(const Start &m) {
    return programs_.is_system(m.number) ? begin(m.number, m.data) : ERR_NAME;
}

sel::Result<> Root::on(const StartLate &) {
    programs_.start_all(true);
    return {};
}

sel::Result<> Root::begin(u32 number, std::string_view arguments) {
    sel::Result<> started = start(number, arguments);
    on_timeout(); // Whoever was ended for it.
    return started;
}

// When the one that handles faults is there again it sees to everything.
sel::Result<> Root::start(u32 number, std::string_view arguments) {
    sel::Result<> started = programs_.start(number, arguments);
    if (!started) {
        return started;
    }
    policy_.started(number, now_ns());
    if (number == programs_.system().fault_handler()) {
        policy_.leave_all_but(number);
        settle();
    }
    return {};
}

void Root::end(u32 number, s32 code, bool keep) {
    programs_.stop(number, code, keep);
    answer_waiters();
    answer_makers();
}

// Of all that have ended: with a program those go that it has started.
void Root::answer_waiters() {
    for (u32 i = waiters_.size(); i-- != 0;) {
        if (!programs_.runs(waiters_[i].number)) {
            waiters_[i].later.answer(programs_.exit_code(waiters_[i].number));
            waiters_.remove(i);
        }
    }
}

sel::Result<> Root::on(const Stop &m) {
    if (!programs_.is_program(m.number)) {
        return ERR_NAME;
    }
    end(m.number, m.code, m.keep != 0);
    return {};
}

sel::Result<> Root::on(const Again &m) {
    if (!programs_.is_system(m.number)) {
        return ERR_NAME;
    }
    end(m.number, m.code, true);
    Arguments arguments = programs_.life(m.number).arguments;
    return begin(m.number, arguments);
}

// Who has died or given up waits no more.
bool Root::has_room() {
    for (u32 i = waiters_.size(); waiters_.full() && i-- != 0;) {
        if (!waiters_[i].later.waits()) {
            waiters_.remove(i);
        }
    }
    return !waiters_.full();
}

void Root::on(const Wait &m, sel::Caller, sel::Later<Wait> later) {
    if (!programs_.is_program(m.number)) {
        later.answer(ERR_NAME);
    } else if (!programs_.runs(m.number)) {
        later.answer(programs_.exit_code(m.number));
    } else if (!has_room()) {
        later.answer(ERR_FULL);
    } else {
        [[maybe_unused]] bool room = waiters_.push_back({m.number, std::move(later)});
    }
}

sel::Result<regs_t> Root::on(const GetRegisters &m) {
    if (!programs_.is_program(m.number)) {
        return ERR_NAME;
    }
    if (!programs_.runs(m.number)) {
        return ERR_EMPTY;
    }
    return programs_.tcb(m.number).read();
}

sel::Result<MemoryPart> Root::on(const Peek &m) {
    if (!programs_.is_program(m.number)) {
        return ERR_NAME;
    }
    if (!programs_.runs(m.number)) {
        return ERR_EMPTY;
    }
    MemoryPart part;
    u32 count = m.count < part.data.kCapacity ? m.count : part.data.kCapacity;
    if (!programs_.is_system(m.number)) {
        return ERR_ARG; // Its starter has its Frames.
    }
    auto seen = programs_.life(m.number).process.read(m.address, {part.data.byte, count});
    if (!seen) {
        return seen.error();
    }
    part.data.size = *seen;
    return part;
}

// --- Starter.

// Whatever a message brought along must not be there for the next one.
void Root::empty_hand() {
    [[maybe_unused]] auto removed = sel::Capability{received_}.remove();
}

sel::Result<Admitted> Root::on(const Admit &m, sel::Caller caller) {
    sel::Result<Admitted> admitted = ERR_ARG;
    if (caller.capability && programs_.is_system(caller.client)) {
        admitted = programs_.admit(caller.client, m, sel::CNode{received_});
    }
    empty_hand();
    return admitted;
}

sel::Result<s32> Root::on(const Drop &m, sel::Caller caller) {
    sel::Result<s32> dropped = programs_.drop(caller.client, m.number);
    answer_waiters();
    return dropped;
}

sel::Result<> Root::on(const SetStopped &m, sel::Caller caller) {
    return programs_.set_stopped(caller.client, m.number, m.stopped != 0);
}

// Tables of the firmware, a page at a time: bytes are asked for one after the other.
class FirmwareMemory final : public PhysicalMemory {
  public:
    explicit FirmwareMemory(Kit &kit) : kit_{kit} {}

    bool read(u64 at, std::span<u8> out) override {
        for (u8 &byte : out) {
            u64 page = at / PAGE_BYTES + 1; // Not 0, which is none.
            if (page != page_ && !kit_.read_device(at - at % PAGE_BYTES, bytes_)) {
                page_ = 0;
                return false;
            }
            page_ = page;
            byte = bytes_[at++ % PAGE_BYTES];
        }
        return true;
    }

  private:
    Kit &kit_;
    u64 page_ = 0;
    u8 bytes_[PAGE_BYTES];
};

// What comes back has not worked.
sel::Result<> Root::on(const SetPower &m) {
    sel::IoPort ports{BOOT_CAP_IO_PORT};
    if (m.power == Power::REBOOT) {
        SEL_TRY(ports.out8(kResetPort, kResetFull));
        return ERR_IO;
    }
    [[maybe_unused]] auto left = ports.out(kExitPort, 4, m.code);
    FirmwareMemory memory{kit_};
    sel::Result<SleepControl> sleep = find_sleep(memory, kit_.boot().acpi_rsdp);
    if (!sleep) {
        console_.line("cannot switch off: the ACPI tables do not say how: {}",
                      sel::describe(sleep.error()));
        return ERR_IO;
    }
    SEL_TRY(switch_off(*sleep, ports));
    return ERR_IO;
}

// --- Faults.

bool Root::on_fault(const sel::Fault &fault) {
    if (!programs_.is_program(fault.program)) {
        return false;
    }
    if (fault.kind == FAULT_BUDGET && programs_.is_system(fault.program) &&
        uses_time(fault.program)) {
        return true;
    }
    std::string_view title = programs_.title(fault.program);
    bool left = fault.kind == FAULT_CALL && fault.word[1] == sel::kExitCall;
    s32 code = left ? static_cast<s32>(fault.word[2]) : kCodeFault + static_cast<s32>(fault.kind);
    if (left) {
        console_.line("{} has ended with code {}", title, code);
    } else {
        console_.line("{} at {:x}: {}", title, fault.word[0],
                      sel::explain_fault(fault.kind, fault.word));
    }
    fell(fault.program, code);
    on_timeout();
    return false;
}

// True: it goes on, with what it is to have from now on.
bool Root::uses_time(u32 number) {
    u64 now = now_ns();
    look_ns_ = look_ns_ < now + kLookReduced ? look_ns_ : now + kLookReduced;
    return programs_.out_of_time(number);
}

void Root::look(u64 now_ns) {
    u64 passed = now_ns - looked_ns_;
    u32 ms = static_cast<u32>(passed / kMillisecond < ~0u ? passed / kMillisecond : ~0u);
    looked_ns_ = now_ns;
    look_ns_ = now_ns + kLook;
    for (u32 i = 1; i <= programs_.system().count(); i++) {
        Silence found = programs_.look_at_server(i, ms, clock_.ticks(passed));
        if (found != Silence::NONE) {
            silent(i, found);
        }
    }
    look_ns_ = now_ns + (programs_.look_at_budgets(ms) ? kLookReduced : kLook);
}

// The supervisor sees to it, or root itself.
void Root::silent(u32 number, Silence silence) {
    if (!programs_.tell_silent(number, silence)) {
        u64 word[4] = {0, sel::kSilentCall, static_cast<u64>(silence), 0};
        console_.line("{}: {}", programs_.system().program(number).title(),
                      sel::explain_fault(FAULT_CALL, word));
        fell(number, kCodeFault + FAULT_CALL);
    }
}

void Root::fell(u32 number, s32 code) {
    bool handler = number == programs_.system().fault_handler();
    if (!end_by_policy(number, code) && handler) {
        settle();
    }
}

// Ends those that stand, a second time in one life, in a fault that may have been the end of its handler.
void Root::settle() {
    for (u32 i = 0; i < PROGRAM_MAX; i++) {
        u32 blamed = programs_.settle_faults();
        if (blamed == 0) {
            return;
        }
        end_by_policy(blamed, kCodeFault + static_cast<s32>(programs_.lost_fault(blamed)));
    }
}

// A program has ended and nobody else sees to it: the policy of its manifest, without a report. Whoever
// handles faults is tried again and again, with a pause when it does not stay. True: it is due again.
bool Root::end_by_policy(u32 number, s32 code) {
    if (programs_.is_child(number)) {
        end(number, code, false);
        return false;
    }
    const ProgramRecord &record = programs_.system().program(number);
    u64 now = now_ns();
    auto decision = policy_.failed(*on(GetProgram{.number = number}), now);
    end(number, code, decision.restart);
    if (!decision.restart && record.has(FLAG_FAULTS)) {
        console_.line(
            "{} stays ended for {} s: it has ended {} times in a row; until then programs "
            "are restarted without reports",
            record.title(), restart::Policy::kStable / sel::Clock::kSecond, decision.failures);
        policy_.schedule(number, now + restart::Policy::kStable);
    }
    return decision.restart;
}

u64 Root::deadline() {
    u64 due = policy_.next_due();
    due = look_ns_ < due ? look_ns_ : due;
    return due == restart::Policy::kNever ? sel::kForever : clock_.ticks(due) + 1;
}

// A start may end others, which are then due, too: what is left after that many comes the next time.
void Root::on_timeout() {
    if (u64 now = now_ns(); look_ns_ <= now) {
        look(now);
    }
    for (u32 i = 0; i < restart::Policy::kPrograms; i++) {
        u32 number = policy_.take_due(now_ns());
        if (number == 0) {
            return;
        }
        Arguments arguments = programs_.life(number).arguments;
        [[maybe_unused]] auto started = start(number, arguments); // It has said what was wrong.
    }
}

} // namespace root
