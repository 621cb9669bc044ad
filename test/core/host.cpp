// The core on the host: memory, and the part of the arch layer around the core.
// SPDX-License-Identifier: BSD-2-Clause
#include "test/core/host.hpp"

#include <algorithm>
#include <cstring>
#include <stdexcept>
#include <sys/mman.h>
#include <unistd.h>

extern "C" {
host_t g_host;
u64 kernel_table[256];
}

namespace host {

namespace {

void *at(u64 address) {
    return reinterpret_cast<void *>(address);
}

void map(u64 address, u64 bytes, int protection, int file, u64 offset) {
    int flags =
        MAP_FIXED_NOREPLACE | MAP_NORESERVE | (file < 0 ? MAP_PRIVATE | MAP_ANONYMOUS : MAP_SHARED);
    if (mmap(at(address), bytes, protection, flags, file, static_cast<off_t>(offset)) !=
        at(address))
        throw std::runtime_error("cannot map the core's memory");
}

// Once for the process; the addresses are constants of the core.
void map_windows() {
    static bool mapped = false;
    if (mapped)
        return;
    mapped = true;
    int ram = memfd_create("ram", 0);
    if (ram < 0 || ftruncate(ram, RAM_END - RAM_BASE) != 0)
        throw std::runtime_error("no memory for the core");
    int write = PROT_READ | PROT_WRITE;
    map(CORE_WINDOW, PAGE_BYTES, PROT_READ, -1, 0);
    map(CORE_WINDOW + 8ull * STATIC_BASE, 0x10000, write, -1, 0);
    map(CORE_WINDOW - (1ull << 34) + RAM_BASE, RAM_END - RAM_BASE, write, ram, 0);
    map(PHYSICAL_WINDOW + RAM_BASE, RAM_END - RAM_BASE, write, ram, 0);
}

constexpr u32 ARGUMENT[4] = {R_RDX, R_R10, R_R8, R_R9};

} // namespace

Core::Core(u64 junk) {
    map_windows();
    std::memset(&K, 0, sizeof K);
    std::memset(&g_host, 0, sizeof g_host);
    std::memset(at(CORE_WINDOW + 8ull * STATIC_BASE), 0, sizeof(statics_t));
    auto *ram = static_cast<u64 *>(at(PHYSICAL_WINDOW + RAM_BASE));
    std::fill(ram, ram + (RAM_END - RAM_BASE) / 8, junk);
    for (u32 i = 0; i < 256; i++)
        kernel_table[i] = 0x1003 + 0x1000ull * i;
    g_host.alarm = CLOCK_NEVER;
    core_init();
    untyped_create(POOL_UNTYPED, POOL_BASE, RAM_END, POOL_BASE);
    untyped_create(DEVICE_UNTYPED, DEVICE_BASE, DEVICE_END, UNTYPED_IS_DEVICE);
}

u32 Core::place(u32 type, u64 size) {
    shape_t shape = object_shape(type, size);
    u64 start = (next_ + shape.align - 1) / shape.align * shape.align;
    next_ = start + shape.bytes;
    if (shape.bytes == 0 || next_ > POOL_BASE)
        throw std::logic_error("no such object, or no room for it");
    std::memset(at(PHYSICAL_WINDOW + start), 0, shape.bytes);
    return object_create(type, size, start);
}

void Core::start(u32 t) {
    TCB(t).state = STATE_RUNNING;
    K.run = {t, TCB(t).sc};
    SC(K.run.sc).last = g_host.clock;
    time_alarm();
}

void Core::resume(u32 next) {
    K.run.tcb = next;
    rax = 0;
    if (next == 0)
        return;
    if ((TCB(next).mode & MODE_IRET) != 0) {
        TCB(next).mode &= ~static_cast<u32>(MODE_IRET);
        rax = TCB(next).r[R_RAX];
    }
}

void Core::enter(u32 number, u64 cptr, u64 info) {
    u32 cur = current();
    TCB(cur).r[R_RIP] = SYSCALL + 2;
    u64 out = core_call(number, cptr, info);
    if (static_cast<u32>(out) == cur)
        rax = out >> 32;
    else
        resume(static_cast<u32>(out));
}

// The running thread stops between two instructions: all its registers are saved.
void Core::stop_running() {
    u32 cur = current();
    if (cur == 0)
        return;
    TCB(cur).r[R_RAX] = rax;
    TCB(cur).mode |= MODE_IRET;
}

void Core::interrupt(u32 irq) {
    stop_running();
    resume(core_interrupt(irq));
}

void Core::timer() {
    stop_running();
    resume(core_timer());
}

void Core::fault(u32 kind, u64 w1, u64 w2) {
    stop_running();
    bool is_call = kind == FAULT_CALL; // Of a number that there is not: through the door.
    resume(is_call ? static_cast<u32>(core_call(w1, w2, 0)) : core_fault(kind, w1, w2));
}

u64 Core::call(u32 number, u64 cptr, u64 info, std::span<const u64> arguments) {
    u32 cur = current();
    for (size_t i = 0; i < arguments.size(); i++)
        TCB(cur).r[ARGUMENT[i]] = arguments[i];
    enter(number, cptr, info);
    while (current() == cur && restarts())
        enter(static_cast<u32>(rax), TCB(cur).r[R_RDI], TCB(cur).r[R_RSI]);
    return rax;
}

u64 Core::result(unsigned i) const {
    return TCB(current()).r[ARGUMENT[i]];
}

void Core::advance(u64 ticks) {
    u64 end = g_host.clock + ticks * TICK;
    while (g_host.alarm <= end) {
        g_host.clock = std::max(g_host.clock, g_host.alarm);
        timer();
    }
    g_host.clock = end;
}

} // namespace host
