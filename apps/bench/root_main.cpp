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

} // namespace

int main() {
    const boot_info_t &boot = *reinterpret_cast<const boot_info_t *>(BOOT_INFO_ADDRESS);
    bench::Means means{};
    means.memory = sel::Untyped{memory(boot)};
    means.space = sel::VSpace{BOOT_CAP_VSPACE};
    means.self = sel::Tcb{BOOT_CAP_TCB};
    means.cnode = BOOT_CAP_CNODE;
    means.first_slot = boot.free_slot;
    means.entry_tsc = boot.entry_tsc;
    means.kernel_bytes = boot.kernel_bytes;
    means.print = print;
    means.priority = kPriority;
    means.context = sel::SchedContext{means.first_slot++};
    bench::check(means.memory.retype(CAP_SCHED_CONTEXT, 0, means.context.cptr()), "context");
    bench::check(
        sel::SchedControl{BOOT_CAP_SCHED_CONTROL}.configure(means.context, kAlways, kAlways),
        "configure");
    bench::run(means);
    (void)kPort.out8(kDebugExit, 0);
    return 0;
}
