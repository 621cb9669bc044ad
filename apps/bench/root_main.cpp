// The benchmark as the root task: the kernel and nothing else, so every count is the kernel's own.
// SPDX-License-Identifier: BSD-2-Clause
//
// Prints on COM1 and ends the emulator through its debug exit port (0xf4).
#include "apps/bench/bench.hpp"

namespace {

constexpr u16 kData = 0x3f8, kLineStatus = 0x3fd, kDebugExit = 0xf4;
constexpr u32 kTransmitterEmpty = 0x20;
constexpr u64 kAlways = 1u << 30; // Ticks: budget and period.
constexpr u8 kPriority = 255;
constexpr u64 kRing = 0x7a0000000000; // Where the trace ring is mapped.

const sel::IoPort kPort{BOOT_CAP_IO_PORT};

void print(const char *text, u64 length) {
    for (u64 i = 0; i < length; i++) {
        while ((kPort.in8(kLineStatus).value() & kTransmitterEmpty) == 0) {
        }
        (void)kPort.out8(kData, static_cast<u8>(text[i]));
    }
}

// The largest untyped memory that is RAM.
cptr_t memory(const boot_info_t &boot) {
    u32 best = 0;
    for (u32 i = 1; i < boot.untyped_count; i++) {
        if (boot.untyped[i].kind == UNTYPED_RAM &&
            (boot.untyped[best].kind != UNTYPED_RAM ||
             boot.untyped[i].bytes > boot.untyped[best].bytes)) {
            best = i;
        }
    }
    return BOOT_CAP_UNTYPED + best;
}

// The HPET, where QEMU has it.
void find_registers(const boot_info_t &boot, bench::Machine &machine) {
    constexpr u64 kHpet = 0xfed00000;
    for (u32 i = 0; i < boot.untyped_count; i++) {
        const boot_untyped_t &untyped = boot.untyped[i];
        if (untyped.kind == UNTYPED_DEVICE && untyped.base <= kHpet &&
            kHpet - untyped.base < untyped.bytes) {
            machine.registers = sel::Untyped{BOOT_CAP_UNTYPED + i};
            machine.registers_page = (kHpet - untyped.base) / PAGE_BYTES;
        }
    }
}

} // namespace

int main() {
    u64 now = bench::counter();
    const boot_info_t &boot = *reinterpret_cast<const boot_info_t *>(BOOT_INFO_ADDRESS);
    bench::rows_to(print, {});
    bench::Machine machine{};
    machine.boot = now - boot.entry_tsc;
    machine.control = sel::SchedControl{BOOT_CAP_SCHED_CONTROL};
    machine.own = sel::SchedContext{BOOT_CAP_CONTEXT};
    machine.trace = sel::TraceControl{BOOT_CAP_TRACE_CONTROL};
    machine.ring = reinterpret_cast<const trace_record_t *>(kRing);
    machine.interrupts = sel::IrqControl{BOOT_CAP_IRQ_CONTROL};
    find_registers(boot, machine);

    bench::Means means{};
    means.memory = sel::Untyped{memory(boot)};
    means.space = sel::VSpace{BOOT_CAP_VSPACE};
    means.self = sel::Tcb{BOOT_CAP_TCB};
    means.cnode = BOOT_CAP_CNODE;
    means.first_slot = boot.free_slot;
    means.machine = &machine;
    means.priority = kPriority;
    means.context = sel::SchedContext{means.first_slot++};
    bench::check(means.memory.retype(CAP_SCHED_CONTEXT, 0, means.context.cptr()), "context");
    bench::check(machine.control.configure(means.context, kAlways, kAlways), "configure");

    bench::Fixture f{means};
    for (u64 i = 0; i < TRACE_FRAMES; i++) {
        f.map(means.space, sel::Frame{BOOT_CAP_TRACE + i}, kRing + i * PAGE_BYTES, RIGHT_READ);
    }
    means.first_slot = f.next_slot();
    bench::run(means);
    (void)kPort.out8(kDebugExit, 0);
    return 0;
}
