// The HPET as a device that interrupts at a chosen instruction.
// SPDX-License-Identifier: BSD-2-Clause
#include "apps/bench/device.hpp"

extern "C" char peer_irq_wait[], peer_irq_receive[];

namespace bench {
namespace {

constexpr u64 kRegisters = 0x7b0000000000; // Where they are mapped.
constexpr u64 kStep = 10;                  // Instructions a count: 10 ns in QEMU.
constexpr u64 kLine = 0;                   // Of the ISA interrupts.

enum : u64 { kPeriod = 0x4, kConfiguration = 0x10, kCounter = 0xf0, kTimer = 0x100, kDue = 0x108 };
enum : u32 { kEnable = 1, kLegacy = 2 };                  // kConfiguration
enum : u32 { kTimerInterrupt = 1 << 2, k32Bit = 1 << 8 }; // kTimer

// What the handler writes, in a page of both address spaces.
constexpr u64 kStampTheirs = 0x610000000000, kStampMine = 0x7b0000001000;
struct Stamp {
    u64 tsc, count;
};

volatile Stamp &stamp() {
    return *reinterpret_cast<volatile Stamp *>(kStampMine);
}

// Both read the counter one instruction before they reach the register.
u64 read_after_tsc(volatile u32 &from, u32 &value) {
    u32 low, high;
    asm volatile("rdtsc\n mov %3, %2"
                 : "=&a"(low), "=&d"(high), "=&r"(value)
                 : "m"(from)
                 : "memory");
    return static_cast<u64>(high) << 32 | low;
}

u64 write_after_tsc(volatile u32 &to, u32 value) {
    u32 low, high;
    asm volatile("rdtsc\n mov %3, %2" : "=&a"(low), "=&d"(high), "=m"(to) : "r"(value) : "memory");
    return static_cast<u64>(high) << 32 | low;
}

} // namespace

DeviceInterrupt::DeviceInterrupt(Fixture &f, sel::VSpace other) : f_{f}, other_{other} {
    const Machine &machine = *f.means().machine;
    sel::Frame registers{f.slot()};
    check(machine.registers.retype_device(FRAME_4K, registers.cptr(), 1, machine.registers_page),
          "registers of the HPET");
    f.map(f.means().space, registers, kRegisters, RIGHT_READ | RIGHT_WRITE);
    sel::Frame page = f.map_page(other, kStampTheirs, RIGHT_READ | RIGHT_WRITE), mine{f.slot()};
    check(page.copy(mine.cptr()), "copy");
    f.map(f.means().space, mine, kStampMine, RIGHT_READ | RIGHT_WRITE);
    irq_ = sel::IrqHandler{f.slot()};
    check(machine.interrupts.get(irq_.cptr(), kLine), "interrupt of the HPET");
    reg(kConfiguration) = kEnable | kLegacy;
    reg(kTimer) = kTimerInterrupt | k32Bit;
    calibrate();
}

volatile u32 &DeviceInterrupt::reg(u64 offset) const {
    return *reinterpret_cast<volatile u32 *>(kRegisters + offset);
}

// count = (tsc + offset) / 10 gives an interval for the offset with each pair; readings of all phases
// leave one value.
void DeviceInterrupt::calibrate() {
    constexpr u32 kPairs = 256, kFemtoseconds = 1000000;
    ensure(reg(kPeriod) == kStep * kFemtoseconds, "period of the HPET");
    s64 low = INT64_MIN, high = INT64_MAX;
    for (u32 i = 0; i < kPairs; i++) {
        for (u32 wait = i % kStep; wait != 0; wait--) {
            asm volatile("");
        }
        u32 count = 0;
        s64 tsc = static_cast<s64>(read_after_tsc(reg(kCounter), count));
        s64 least = static_cast<s64>(count * kStep) - tsc,
            most = least + static_cast<s64>(kStep) - 1;
        low = least > low ? least : low;
        high = most < high ? most : high;
    }
    ensure(low == high, "HPET and time-stamp counter count the same clock");
    offset_ = static_cast<u64>(low);
}

u64 DeviceInterrupt::arm(u64 tsc) {
    u32 due = static_cast<u32>((tsc + offset_) / kStep);
    u64 written = write_after_tsc(reg(kDue), due);
    u64 counts = due - static_cast<u32>((written + offset_) / kStep);
    ensure(counts < 1u << 31, "interrupt in the future");
    return written + 1 + counts * kStep;
}

u64 DeviceInterrupt::delay(u64 due) {
    constexpr u64 kPatience = 10'000'000;
    while (stamp().count == handled_) {
        ensure(counter() < due + kPatience, "interrupt of the device");
    }
    ensure(stamp().count == handled_ + 1, "one interrupt");
    handled_++;
    return stamp().tsc - due;
}

void DeviceInterrupt::handle(const char *entry, cptr_t waits_for, sel::Notification bound) {
    if (handler_.cptr() != 0) {
        f_.stop(handler_);
    }
    Fixture::Start start{other_, address_of(entry), f_.above()};
    start.r12 = waits_for;
    start.r13 = irq_.cptr();
    start.r14 = kStampTheirs;
    start.bound = bound;
    handler_ = f_.start(start);
}

void DeviceInterrupt::handle_in_wait() {
    cptr_t notification = f_.make(CAP_NOTIFICATION);
    check(irq_.bind(sel::Notification{f_.make_signal(notification, 1)}), "bind interrupt");
    handle(peer_irq_wait, notification, sel::Notification{});
}

void DeviceInterrupt::handle_in_receive() {
    cptr_t notification = f_.make(CAP_NOTIFICATION);
    check(irq_.bind(sel::Notification{f_.make_signal(notification, 1)}), "bind interrupt");
    handle(peer_irq_receive, f_.make(CAP_ENDPOINT), sel::Notification{notification});
}

} // namespace bench
