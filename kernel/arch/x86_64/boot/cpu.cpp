// Sets the processor up.
// SPDX-License-Identifier: BSD-2-Clause
#include "arch/x86_64/boot/cpu.hpp"

#include "arch/x86_64/machine.h"
#include "arch/x86_64/msr.hpp"
#include "arch/x86_64/serial.hpp"

namespace arch {

extern "C" {
extern u8 stack_top[];
extern const u8 exception_stubs[], interrupt_stubs[], syscall_entry[];
}

namespace {

// --- Features (Intel SDM volume 2, CPUID).
enum Register { EAX, EBX, ECX, EDX };
struct Feature {
    u32 leaf;
    Register in;
    u32 bit;
    const char *name;
};

constexpr Feature REQUIRED[] = {
    {1, EDX, 4, "TSC"},
    {1, EDX, 5, "MSR"},
    {1, EDX, 9, "APIC"},
    {1, EDX, 13, "PGE"},
    {1, ECX, 26, "XSAVE"},
    {7, EBX, 0, "FSGSBASE"},
    {0x80000001, EDX, 11, "SYSCALL"},
};
constexpr Feature SMEP = {7, EBX, 7, "SMEP"};
constexpr Feature SMAP = {7, EBX, 20, "SMAP"};
constexpr Feature UMIP = {7, ECX, 2, "UMIP"};
constexpr Feature MCE = {1, EDX, 7, "MCE"};
constexpr Feature AVX = {1, ECX, 28, "AVX"};
constexpr Feature HUGE_PAGES = {0x80000001, EDX, 26, "1 GiB pages"};
constexpr Feature DEADLINE = {1, ECX, 24, "TSC-deadline"};

bool has(const Feature &feature) {
    Cpuid id = cpuid(feature.leaf);
    const u32 value[] = {id.eax, id.ebx, id.ecx, id.edx};
    return (value[feature.in] >> feature.bit & 1) != 0;
}

// --- Descriptor tables. Order of the selectors: as syscall and sysret want it.
enum { KERNEL_CODE = 0x08, KERNEL_DATA = 0x10, TASK = 0x28, GATES = 256, EXCEPTIONS = 32 };

u64 gdt[] = {0, 0x00209b0000000000, 0x0000930000000000, 0x0000f30000000000, 0x0020fb0000000000, 0,
             0};

struct [[gnu::packed]] TaskState {
    u32 reserved0;
    u64 stack[3];
    u64 reserved1;
    u64 interrupt_stack[7];
    u8 reserved2[10];
    u16 io_map;
};
static_assert(sizeof(TaskState) == 104);
TaskState task_state;

struct Gate {
    u64 low, high;
};
Gate idt[GATES];

struct [[gnu::packed]] TablePointer {
    u16 limit;
    u64 base;
};

// Exceptions that may come while the stack pointer is not the kernel's have a stack of their own.
enum { DEBUG = 1, NMI = 2, DOUBLE_FAULT = 8, MACHINE_CHECK = 18, STACK_BYTES = 2048 };
alignas(16) u8 interrupt_stack[4][STACK_BYTES];

constexpr u64 stack_number(u32 vector) {
    return vector == DEBUG           ? 1
           : vector == NMI           ? 2
           : vector == DOUBLE_FAULT  ? 3
           : vector == MACHINE_CHECK ? 4
                                     : 0;
}

// Breakpoint and overflow: a user's int3 or into may reach them.
constexpr u64 gate_ring(u32 vector) {
    return vector == 3 || vector == 4 ? 3 : 0;
}

void set_gate(u32 vector, const u8 *target) {
    constexpr u64 INTERRUPT_GATE = 0x8e;
    u64 address = reinterpret_cast<u64>(target);
    idt[vector].low = (address & 0xffff) | u64{KERNEL_CODE} << 16 | stack_number(vector) << 32 |
                      (INTERRUPT_GATE | gate_ring(vector) << 5) << 40 |
                      (address >> 16 & 0xffff) << 48;
    idt[vector].high = address >> 32;
}

void load_task_state() {
    u64 address = reinterpret_cast<u64>(&task_state);
    task_state.stack[0] = reinterpret_cast<u64>(stack_top);
    for (u32 i = 0; i < 4; i++) {
        task_state.interrupt_stack[i] = reinterpret_cast<u64>(interrupt_stack[i] + STACK_BYTES);
    }
    task_state.io_map = sizeof(TaskState);
    constexpr u64 AVAILABLE_TSS = 0x89;
    gdt[5] = (sizeof(TaskState) - 1) | (address & 0xffffff) << 16 | AVAILABLE_TSS << 40 |
             (address >> 24 & 0xff) << 56;
    gdt[6] = address >> 32;
    __asm__ volatile("ltr %w0" ::"r"(TASK));
}

} // namespace

Cpuid cpuid(u32 leaf, u32 subleaf) {
    Cpuid id;
    __asm__ volatile("cpuid"
                     : "=a"(id.eax), "=b"(id.ebx), "=c"(id.ecx), "=d"(id.edx)
                     : "a"(leaf & 0x80000000), "c"(0));
    if (leaf > id.eax) {
        return {};
    }
    __asm__ volatile("cpuid"
                     : "=a"(id.eax), "=b"(id.ebx), "=c"(id.ecx), "=d"(id.edx)
                     : "a"(leaf), "c"(subleaf));
    return id;
}

void cpu_check() {
    bool complete = true;
    for (const Feature &feature : REQUIRED) {
        if (!has(feature)) {
            print(complete ? "\nTRustOs: cannot boot: the processor lacks " : ", ", feature.name);
            complete = false;
        }
    }
    if (!complete) {
        print("\n");
        stop();
    }
}

void cpu_load_tables() {
    TablePointer gdt_pointer{sizeof gdt - 1, reinterpret_cast<u64>(gdt)};
    __asm__ volatile("lgdt %0" ::"m"(gdt_pointer));
    load_task_state();
    for (u32 i = 0; i < GATES; i++) {
        set_gate(i, i < EXCEPTIONS ? exception_stubs + 16 * i
                                   : interrupt_stubs + 8 * (i - EXCEPTIONS));
    }
    TablePointer idt_pointer{sizeof idt - 1, reinterpret_cast<u64>(idt)};
    __asm__ volatile("lidt %0" ::"m"(idt_pointer));
}

void cpu_enable() {
    enum : u64 { PAE = 1 << 5, MCE_ON = 1 << 6, PGE = 1 << 7, FXSR = 1 << 9, XMM = 1 << 10 };
    enum : u64 { UMIP_ON = 1 << 11, FSGS = 1 << 16, XSAVE = 1 << 18, SMEP_ON = 1 << 20 };
    enum : u64 { SMAP_ON = 1 << 21, X87_SSE = 3, AVX_STATE = 4 };
    u64 cr4 = PAE | PGE | FXSR | XMM | FSGS | XSAVE | UMIP_ON * has(UMIP) | SMEP_ON * has(SMEP) |
              SMAP_ON * has(SMAP) | MCE_ON * has(MCE);
    __asm__ volatile("mov %0, %%cr4" ::"r"(cr4) : "memory");
    u64 state = X87_SSE | AVX_STATE * has(AVX);
    __asm__ volatile("xsetbv" ::"c"(0), "a"(static_cast<u32>(state)), "d"(0));

    constexpr u64 FLAGS_CLEARED = 0x47700; // AC, NT, IOPL, DF, IF, TF.
    write_msr(MSR_STAR, u64{KERNEL_DATA} << 48 | u64{KERNEL_CODE} << 32);
    write_msr(MSR_LSTAR, reinterpret_cast<u64>(syscall_entry));
    write_msr(MSR_SFMASK, FLAGS_CLEARED);
}

bool cpu_has_huge_pages() {
    return has(HUGE_PAGES);
}

bool cpu_has_deadline() {
    return has(DEADLINE);
}

} // namespace arch
