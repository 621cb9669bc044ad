// Makes the root task by the same calls that user code makes.
// SPDX-License-Identifier: BSD-2-Clause
//
// A boot thread that lives in the kernel image invokes the calls of abi/call.h on the root CNode.
// Only what a call cannot make comes from elsewhere: the first capabilities (capability_new), and
// the boot thread's own slots. At the end it stops, and nothing refers to it any more.
#include "arch/x86_64/boot/root_task.hpp"

#include "arch/x86_64/boot/clock.hpp"
#include "arch/x86_64/boot/elf.hpp"
#include "arch/x86_64/core.hpp"
#include "arch/x86_64/machine.h"
#include "arch/x86_64/screen.hpp"
#include "arch/x86_64/serial.hpp"
#include "arch/x86_64/trace.hpp"

namespace arch {

extern "C" {
extern const u8 text_rodata_bytes[]; // An absolute symbol of kernel.ld.
[[noreturn]] void switch_first(u32 thread);
}

namespace {

// --- The boot thread.
alignas(TCB_BYTES) tcb_t boot_thread;
alignas(OBJECT_ALIGN) sched_context_t boot_context;
constexpr u32 BOOT_SLOTS = 3; // Header, the first Untyped, the root CNode.
alignas(OBJECT_ALIGN) slot_t boot_cnode[BOOT_SLOTS];

u32 root_cnode; // Object index.
u64 memory;     // cptr of the Untyped that the root task's objects are made of.
u64 next_slot = BOOT_CAP_FREE;

template <typename T>
u32 index_in_image(const T *object) {
    return static_cast<u32>((reinterpret_cast<u64>(object) - KERNEL_BASE) / 8);
}

u32 root_slot(u64 cptr) {
    return root_cnode + 4 * static_cast<u32>(cptr);
}

struct Arguments {
    u64 a0 = 0, a1 = 0, a2 = 0, a3 = 0;
};

// One call of the boot thread, restarted as often as it asks for.
error_t invoke(call_t call, u64 cptr, Arguments arguments) {
    constexpr u32 RESTARTS_MAX = 1 << 20;
    u64 *r = boot_thread.r;
    r[R_RDX] = arguments.a0;
    r[R_R10] = arguments.a1;
    r[R_R8] = arguments.a2;
    r[R_R9] = arguments.a3;
    for (u32 i = 0; i < RESTARTS_MAX; i++) {
        r[R_RIP] = 0;
        u64 result = core_call(call, cptr, 0);
        if (r[R_RIP] == 0) {
            return static_cast<error_t>(result >> 32);
        }
    }
    boot_stop("a kernel call does not end");
}

void must(call_t call, u64 cptr, Arguments arguments) {
    error_t error = invoke(call, cptr, arguments);
    if (error == ERR_MEMORY) {
        boot_stop("too little memory for the root task");
    }
    if (error != OK) {
        boot_stop("kernel call ", u64{call}, " for the root task ends with error ", u64{error});
    }
}

void boot_thread_init(const Range &first) {
    constexpr u64 FOREVER = PERIOD_LIMIT - 1;
    u32 thread = index_in_image(&boot_thread), context = index_in_image(&boot_context);
    u32 cnode = index_in_image(boot_cnode), untyped = cnode + 4;
    core_init();
    HEADER(cnode).head = BOOT_SLOTS;
    untyped_create(UNTYPED_BASE, first.base, first.end, first.base);
    capability_new(CDT_HEAD, untyped, CAP_UNTYPED, RIGHT_ALL, UNTYPED_BASE, first.bytes());
    capability_new(CDT_HEAD, TCB_SLOT_INDEX(thread, TCB_SLOT_CSPACE), CAP_CNODE, RIGHT_ALL, cnode,
                   BOOT_SLOTS);
    sc_init(context, FOREVER, FOREVER, 0);
    TIMER(context + SC_TIMER).kind = 1;
    thread_give_context(thread, context);
    TCB(thread).state = STATE_RUNNING;
    TCB(thread).priority = PRIORITY_COUNT - 1;
    TCB(thread).priority_max = PRIORITY_COUNT - 1;
    K.run = {thread, context};
}

// The root CNode becomes the boot thread's CSpace, and holds itself and the first Untyped.
void make_cnode() {
    constexpr u64 UNTYPED = 1, CNODE = 2;
    must(CALL_UNTYPED_RETYPE, UNTYPED, {CAP_CNODE, BOOT_CNODE_SLOTS, CNODE, 1});
    u32 cnode = index_in_image(boot_cnode);
    u32 cspace = TCB_SLOT_INDEX(K.run.tcb, TCB_SLOT_CSPACE);
    root_cnode = SLOT(cnode + 4 * CNODE).object;
    capability_move(cnode + 4 * CNODE, root_slot(BOOT_CAP_CNODE));
    capability_move(cnode + 4 * UNTYPED, root_slot(BOOT_CAP_UNTYPED));
    capability_remove(cspace);
    capability_bind(root_slot(BOOT_CAP_CNODE), cspace);
    memory = BOOT_CAP_UNTYPED;
}

void make_untyped(u32 i, const Range &range, u64 zeroed) {
    u32 record = UNTYPED_BASE + 4 * i;
    untyped_create(record, range.base, range.end, zeroed);
    capability_new(CDT_HEAD, root_slot(BOOT_CAP_UNTYPED + i), CAP_UNTYPED, RIGHT_ALL, record,
                   range.bytes());
}

// --- Objects.
void make(u64 type, u64 size, u64 slot) {
    must(CALL_UNTYPED_RETYPE, memory, {type, size, slot, 1});
}

u64 new_slot() {
    if (next_slot == BOOT_CNODE_SLOTS) {
        boot_stop("the root task is too large: its CNode has ", u64{BOOT_CNODE_SLOTS}, " slots");
    }
    return next_slot++;
}

u8 *frame_bytes_at(u64 slot) {
    return reinterpret_cast<u8 *>(PHYSICAL_WINDOW +
                                  static_cast<u64>(SLOT(root_slot(slot)).object) * PAGE_BYTES);
}

// Maps the Frame, making the page tables that are missing on the way.
void map(u64 frame, u64 address, u64 rights) {
    constexpr u32 LEVELS = 3;
    for (u32 i = 0; i < LEVELS; i++) {
        if (invoke(CALL_FRAME_MAP, frame, {BOOT_CAP_VSPACE, address, rights}) != ERR_TABLE) {
            break;
        }
        u64 table = new_slot();
        make(CAP_PAGE_TABLE, 0, table);
        must(CALL_TABLE_MAP, table, {BOOT_CAP_VSPACE, address});
    }
    must(CALL_FRAME_MAP, frame, {BOOT_CAP_VSPACE, address, rights});
}

// A zeroed page at `address`; returns its bytes as the kernel sees them.
u8 *new_page(u64 slot, u64 address, u64 rights) {
    make(CAP_FRAME, FRAME_4K, slot);
    map(slot, address, rights);
    return frame_bytes_at(slot);
}

void load_segment(const Segment &segment) {
    u64 end = segment.address + segment.memory;
    for (u64 page = page_down(segment.address); page < end; page += PAGE_BYTES) {
        u8 *bytes = new_page(new_slot(), page, segment.rights);
        u64 from = page < segment.address ? segment.address : page;
        u64 offset = from - segment.address;
        u64 left = offset < segment.file.size() ? segment.file.size() - offset : 0;
        u64 room = page + PAGE_BYTES - from;
        u64 count = left < room ? left : room;
        __builtin_memcpy(bytes + (from - page), segment.file.data() + offset, count);
    }
}

void make_controls() {
    capability_new(CDT_HEAD, root_slot(BOOT_CAP_SCHED_CONTROL), CAP_SCHED_CONTROL, RIGHT_ALL, 0, 0);
    capability_new(CDT_HEAD, root_slot(BOOT_CAP_IRQ_CONTROL), CAP_IRQ_CONTROL, RIGHT_ALL, 0, 0);
    constexpr u64 ALL_PORTS = 0xffffull << 16;
    capability_new(CDT_HEAD, root_slot(BOOT_CAP_IO_PORT), CAP_IO_PORT, RIGHT_ALL, 0, ALL_PORTS);
    capability_new(CDT_HEAD, root_slot(BOOT_CAP_TRACE_CONTROL), CAP_TRACE_CONTROL, RIGHT_ALL, 0, 0);
    for (u64 i = 0; i < TRACE_FRAMES; i++) {
        u64 page = trace_address() / PAGE_BYTES + i;
        capability_new(CDT_HEAD, root_slot(BOOT_CAP_TRACE + i), CAP_FRAME, RIGHT_READ,
                       static_cast<u32>(page), mapping_new(FRAME_4K, 0));
    }
}

boot_info_t *make_space(const ElfImage &image) {
    make(CAP_VSPACE, 0, BOOT_CAP_VSPACE);
    for (u32 i = 0; i < image.count; i++) {
        load_segment(image.segment[i]);
    }
    for (u64 i = 1; i <= BOOT_STACK_PAGES; i++) {
        new_page(new_slot(), BOOT_STACK_TOP - i * PAGE_BYTES, RIGHT_READ | RIGHT_WRITE);
    }
    new_page(BOOT_CAP_BUFFER, BOOT_IPC_BUFFER, RIGHT_READ | RIGHT_WRITE);
    return reinterpret_cast<boot_info_t *>(new_page(new_slot(), BOOT_INFO_ADDRESS, RIGHT_READ));
}

// Sets the registers through the IPC buffer, as CALL_TCB_WRITE has it; then clears it again.
void set_registers(u64 entry) {
    capability_bind(root_slot(BOOT_CAP_BUFFER), TCB_SLOT_INDEX(K.run.tcb, TCB_SLOT_BUFFER));
    regs_t *registers = reinterpret_cast<regs_t *>(frame_bytes_at(BOOT_CAP_BUFFER));
    registers->rip = entry;
    registers->rsp = BOOT_STACK_TOP - BOOT_THREAD_BLOCK;
    registers->fs_base = registers->rsp;
    registers->rdi = BOOT_INFO_ADDRESS;
    must(CALL_TCB_WRITE, BOOT_CAP_TCB, {});
    *registers = {};
    capability_remove(TCB_SLOT_INDEX(K.run.tcb, TCB_SLOT_BUFFER));
}

void make_thread(u64 entry) {
    constexpr u64 SLICE = 10000; // Ticks: 5 to 10 ms. Budget and period are the same: no limit.
    make(CAP_TCB, 0, BOOT_CAP_TCB);
    make(CAP_SCHED_CONTEXT, 0, BOOT_CAP_CONTEXT);
    make(CAP_REPLY, 0, BOOT_CAP_REPLY);
    must(CALL_TCB_BIND, BOOT_CAP_TCB, {TCB_SLOT_CSPACE, BOOT_CAP_CNODE});
    must(CALL_TCB_BIND, BOOT_CAP_TCB, {TCB_SLOT_VSPACE, BOOT_CAP_VSPACE});
    must(CALL_TCB_BIND, BOOT_CAP_TCB, {TCB_SLOT_REPLY, BOOT_CAP_REPLY});
    must(CALL_TCB_BIND, BOOT_CAP_TCB, {TCB_SLOT_BUFFER, BOOT_CAP_BUFFER});
    must(CALL_SC_CONFIGURE, BOOT_CAP_SCHED_CONTROL, {BOOT_CAP_CONTEXT, SLICE, SLICE});
    must(CALL_TCB_CONTEXT, BOOT_CAP_TCB, {BOOT_CAP_CONTEXT});
    must(CALL_TCB_PRIORITY, BOOT_CAP_TCB, {PRIORITY_COUNT - 1, PRIORITY_COUNT - 1});
    set_registers(entry);
    must(CALL_TCB_RESUME, BOOT_CAP_TCB, {});
}

// --- Boot info.
void fill_info(boot_info_t &info, const BootData &boot) {
    info.version = BOOT_INFO_VERSION;
    info.module_count = boot.module_count;
    info.free_slot = static_cast<u32>(next_slot);
    info.cnode_slots = BOOT_CNODE_SLOTS;
    info.tsc_hz = machine.tsc_hz;
    info.entry_tsc = entry_tsc;
    info.acpi_rsdp = boot.rsdp;
    info.ram_bytes = boot.ram.bytes();
    info.kernel_bytes = reinterpret_cast<u64>(text_rodata_bytes);
    info.framebuffer = boot.framebuffer;
    info.framebuffer.row = static_cast<u8>(screen.row < screen.rows ? screen.row : screen.rows);
    for (u32 i = 0; i < boot.module_count; i++) {
        info.module[i] = boot.module[i];
    }
    for (u32 i = 0; i < BOOT_COMMAND_LINE; i++) {
        info.command_line[i] = boot.command_line[i];
    }
}

// The largest range that objects can be made in comes first: the root task is made of it.
u32 largest(const Ranges &ram) {
    u32 best = 0;
    for (u32 i = 1; i < ram.count(); i++) {
        bool better = ram[best].base >= OBJECT_LIMIT || ram[i].bytes() > ram[best].bytes();
        best = ram[i].base < OBJECT_LIMIT && better ? i : best;
    }
    return best;
}

void list_untyped(boot_info_t &info, const Range &range, u32 kind) {
    info.untyped[info.untyped_count++] = {range.base, range.bytes(), kind, 0};
}

void make_untypeds(const RootMemory &given, u32 first) {
    u32 made = 1;
    for (u32 i = 0; i < given.ram.count(); i++) {
        if (i != first) {
            make_untyped(made++, given.ram[i], given.ram[i].base);
        }
    }
    make_untyped(made++, given.boot_part, given.boot_part.base);
    for (const Range &r : given.device) {
        make_untyped(made++, r, UNTYPED_IS_DEVICE);
    }
}

// In the order of their capabilities.
void list_untypeds(boot_info_t &info, const RootMemory &given, u32 first) {
    list_untyped(info, given.ram[first], UNTYPED_RAM);
    for (u32 i = 0; i < given.ram.count(); i++) {
        if (i != first) {
            list_untyped(info, given.ram[i], UNTYPED_RAM);
        }
    }
    list_untyped(info, given.boot_part, UNTYPED_RAM);
    for (const Range &r : given.device) {
        list_untyped(info, r, UNTYPED_DEVICE);
    }
}

// The boot thread stops for good; the next thread is the root task's.
u32 leave_boot_thread() {
    u32 thread = K.run.tcb;
    thread_park();
    thread_stop(thread);
    capability_remove(TCB_SLOT_INDEX(thread, TCB_SLOT_CSPACE));
    return thread_schedule();
}

} // namespace

void root_task_start(const BootData &boot, const RootMemory &given) {
    const boot_module_t &module = boot.module[0];
    ElfImage image;
    Bytes file(reinterpret_cast<const u8 *>(PHYSICAL_WINDOW + module.base), module.bytes);
    if (Refusal wrong = read_elf(file, BOOT_STACK_TOP - BOOT_STACK_PAGES * PAGE_BYTES, image)) {
        boot_stop(wrong);
    }
    u32 first = largest(given.ram);
    boot_thread_init(given.ram[first]);
    make_cnode();
    make_untypeds(given, first);
    make_controls();
    boot_info_t &info = *make_space(image);
    make_thread(image.entry);
    list_untypeds(info, given, first);
    clock_end();
    fill_info(info, boot);
    u32 next = leave_boot_thread();
    trace_event(TRACE_BOOT, 0, 0, next);
    switch_first(next);
}

} // namespace arch
