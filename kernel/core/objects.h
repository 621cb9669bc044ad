// All kernel data: every object, the per-core state, and nothing else.
// SPDX-License-Identifier: BSD-2-Clause
//
// An object is named by its index: its place in memory in units of 8 bytes (u32). Index 0 is the
// null object of every type: a page of zeroes that nothing writes. Indices below OBJECT_BASE are
// the kernel's own statics; above it, index = OBJECT_BASE + physical address / 8.
// Objects refer to each other by index only, and every such reference is either a capability slot
// in the derivation tree or one side of a bond whose other side is in the object referred to:
//   tcb.reply <-> reply.tcb     tcb.sc <-> sc.tcb     tcb.bound <-> notification.bound
//   table.owner[e] <-> slot.data of the capability mapped at entry e
// so whichever side dies first finds the other in one step.
#ifndef CORE_OBJECTS_H
#define CORE_OBJECTS_H

#include "abi/call.h"
#include "abi/capability.h"
#include "abi/trace.h"
#include "abi/types.h"

enum { TICK = 1 << CLOCK_SHIFT }; // Cycles of the time-stamp counter.
#define CLOCK_NEVER                                                                                \
    0xfffffffffffffc00u // The beginning of the tick that the wheel calls WHEEL_NEVER.
enum { PRIORITY_COUNT = 256, IRQ_COUNT = 128, BOOT_UNTYPED_COUNT = 64 };
#define OBJECT_BASE 0x80000000u
#define OBJECT_LIMIT 0x400000000ull // Physical addresses below it can hold objects: 16 GiB.

// --- Capability slots. A slot is two items of the derivation tree's bracket list (cdt.h).
typedef struct {
    u32 next, prev; // Items; circular.
} link_t;

typedef struct {
    u64 payload; // Belongs to the slot; not used through this type.
    link_t link;
} item_t;

// may: operations of the message path that this capability allows, computed from type, rights and
// badge when it is made (capability.h), so that the path tests one bit.
enum {
    MAY_SEND = 1,
    MAY_RECV = 2,
    MAY_GRANT = 4,
    MAY_SIGNAL = 8,
    MAY_WAIT = 16,
    MAY_REPLY = 32,
    MAY_LOOKUP = 64 // CNode: an address may lead through it.
};

// Internal to the kernel, in `rights`: the slot belongs to a TCB.
enum { RIGHT_BOUND = 0x80 };

typedef struct {
    u32 object; // Index; Frame: number of its first page (physical address / 4096).
    u16 may;
    u8 type;   // cap_type_t
    u8 rights; // RIGHT_*
    link_t open;
    u64 data; // Endpoint, Notification: badge. CNode: slots. IoPort: first | last << 16.
              // Frame, PageTable: where it is mapped, see vspace.h.
    link_t close;
} slot_t;

// --- The first 32 bytes of every object that can die slowly.
typedef struct {
    u32 head, tail; // Endpoint, Notification: queue of threads. CNode, TCB, tables: see there.
    u32 dying;      // Next object on the reaper list.
    u32 kind;       // cap_type_t, written by retype.
    u64 reserved[2];
} header_t;

typedef struct {
    u32 head, tail; // tail means nothing while head is 0.
} queue_t;

// Endpoint: its header's queue. The state of the head thread tells whether senders or receivers wait.

typedef struct {
    u32 head, tail;
    u32 dying, kind;
    u64 word;  // Pending badge bits; not 0 only while the queue is empty.
    u32 bound; // The thread that also receives these bits in its RECV.
    u32 reserved;
} notification_t;

// A thread and the scheduling context it runs on. 8 bytes, copied by value.
typedef struct {
    u32 tcb, sc;
} run_t;

// Reply. Free: tcb == 0. Claimed: tcb receives with it (tcb.reply is this, state RECV).
// Armed: tcb waits for the answer (tcb.reply is this, state REPLY), sc is what it lent.
typedef struct {
    run_t caller;
    u32 dying, kind;
    u32 below, above; // Lend stack of caller.sc: older and younger loans; 0 at the ends.
    u64 may;          // MAY_* of the Endpoint capability that it was last received through.
} reply_t;

typedef struct {
    u64 due;
    u32 next, prev; // Timers in the same wheel slot.
    u32 queue;      // Wheel queue it is in, 0: none (wheel.h).
    u32 kind;       // 0: belongs to a TCB. 1: belongs to a SchedContext.
} timer_node_t;

enum { REFILL_COUNT = 4 };

typedef struct {
    u32 tcb; // Who uses it; stale while it runs (then K.run says).
    u32 top; // Youngest loan: Reply.
    u32 dying, kind;
    u64 budget, period;                          // Cycles; budget 0: not configured.
    u64 left;                                    // What it may still consume now.
    u64 last;                                    // Time up to which it is accounted.
    u64 amount[REFILL_COUNT], due[REFILL_COUNT]; // Refills, oldest first; amount 0 ends the list.
    u64 used;                                    // Cycles consumed in all.
    timer_node_t timer; // Waits for the first refill while the budget is exhausted.
} sched_context_t;

// --- Threads.
enum {
    R_RSP,
    R_RIP,
    R_RDI,
    R_RSI,
    R_RDX,
    R_R10,
    R_R8,
    R_R9,
    R_RAX,
    R_RBX,
    R_RBP,
    R_R12,
    R_R13,
    R_R14,
    R_R15,
    R_RCX,
    R_R11,
    R_RFLAGS,
    R_FS,
    R_GS,
    R_COUNT
};

enum { STATE_SPECIAL = 0x80 }; // Or-ed to a state: a timer runs, or a fault waits for its answer.

// Place in a queue of threads (queue.h); reached as LINK(t).
typedef struct {
    u32 next, prev; // 0, 0 outside a queue.
    u32 queue;      // The queue it is in; stale outside one.
} thread_link_t;

// How the processor must be set up for a thread; compared as one word on every switch.
enum {
    MODE_IRET = 1
}; // All registers count, not only those that a call preserves.
    // Other bits: index of the TCB if it uses vector registers, else 0.

typedef struct {
    header_t header; // head: slots not yet emptied while dying.
    slot_t slot_[TCB_SLOTS - 1];
    u64 r[R_COUNT];
    u64 cr3;
    u32 mode;
    u32 vector; // The thread may use vector registers.
    thread_link_t link;
    u8 state;     // thread_state_t | STATE_SPECIAL
    u8 attention; // 1: its bound notification has bits.
    u8 priority, priority_max;
    u32 sc;    // SchedContext it runs on when it runs; stale in the running thread.
    u32 reply; // Reply it receives with or waits on.
    u32 bound; // Notification.
    u32 fault; // fault_t whose answer it waits for; its message is fault_word, not r.
    timer_node_t timer;
    u64 fault_word[4];
    denial_t denial;
    // What it waits to send: through the capability at this address, unless it is a fault, and with this
    // info; r keeps what a fault interrupted.
    u64 sending_cptr, sending_info;
    u64 begun; // The call that goes on when it is made again (call.h), 0: none.
    u64 first_dying; // Place on the list of dying objects, from 1, of the oldest that it has to finish, 0: none.
    u64 reserved[59];
    u8 vector_state[1024]; // XSAVE area.
} tcb_t;

// --- Memory.
typedef struct {
    u64 base, end; // Bytes, physical.
    u64 next;      // First unused byte.
    u64 zeroed;    // Memory in [next, zeroed) is known to be zero. Device memory: ~0.
} untyped_t;

enum { TABLE_ENTRIES = 512 };

// VSpace and PageTable. The index names this part, which follows the page of hardware entries:
// entry e is WORD(table - TABLE_ENTRIES + e).
typedef struct {
    u32 left;  // While dying: entries not yet taken out.
    u32 level; // 4: VSpace. 3, 2, 1: PageTable once mapped, 0: not mapped.
    u32 dying, kind;
    u64 base; // First address it translates.
    u64 reserved;
    u32 owner[TABLE_ENTRIES]; // Slot of the Frame or PageTable capability mapped there, 0: none.
    u64 reserved2[252];
} table_t;

// --- Interrupts. Static, one a line or message vector; slot is the notification to signal.
typedef struct {
    u32 line;  // GSI and IRQ_* flags, or IRQ_MSI.
    u32 state; // irq_state_t
    u64 reserved[3];
    slot_t slot;
} irq_t;

typedef enum { IRQ_FREE, IRQ_IDLE, IRQ_PENDING } irq_state_t; // PENDING: masked until acknowledged.

// --- The statics that have an index.
enum {
    STATIC_BASE = 0x20200,    // Virtual address of the kernel image + 1 MiB + 4 KiB, see kernel.ld.
    READY_BASE = STATIC_BASE, // 256 queues: one a priority
    CDT_HEAD = READY_BASE + PRIORITY_COUNT,  // slot that heads the derivation tree
    SCRATCH_SLOT = CDT_HEAD + 4,             // empty except inside a swap
    IRQ_BASE = SCRATCH_SLOT + 4,             // IRQ_COUNT irq_t
    UNTYPED_BASE = IRQ_BASE + 8 * IRQ_COUNT, // records of the boot untypeds
    STATIC_END = UNTYPED_BASE + 4 * BOOT_UNTYPED_COUNT
};

typedef struct {
    queue_t ready[PRIORITY_COUNT];
    slot_t cdt_head, scratch;
    irq_t irq[IRQ_COUNT];
    untyped_t untyped[BOOT_UNTYPED_COUNT];
} statics_t;

// --- The wheel of timers (wheel.h).
enum { WHEEL_LEVELS = 8, WHEEL_QUEUES = 64 * (WHEEL_LEVELS + 1) };

typedef struct {
    u64 now;                  // Ticks; every timer due before it has been taken out.
    u32 level, slot;          // level + 1 and slot that is being emptied; level 0: none.
    u64 summary;              // Bit l: level l has timers.
    u64 bitmap[WHEEL_LEVELS]; // Bit s: slot s of the level has timers.
    queue_t queue[WHEEL_QUEUES];
} wheel_t;

// --- What one core of the machine is doing.
typedef struct {
    run_t run;  // Current thread and context. The arch layer writes run.tcb, the core run.sc.
    u32 top;    // Highest ready priority + 1, 0: none.
    u32 reaper; // Newest dying object.
    u64 dying;  // How many there are.
    u64 ready_summary;   // Bit w: ready_bitmap[w] is not 0.
    u64 ready_bitmap[4]; // Bit p: queue of priority p is not empty.
    wheel_t wheel;
} kernel_t;

extern kernel_t K;

static_assert(sizeof(slot_t) == SLOT_BYTES, "a slot is two items");
static_assert(sizeof(tcb_t) == TCB_BYTES && sizeof(table_t) == PAGE_BYTES, "object sizes");
static_assert(sizeof(sched_context_t) <= SCHED_CONTEXT_BYTES, "object sizes");
static_assert(sizeof(statics_t) == 8 * (STATIC_END - STATIC_BASE), "indices of the statics");

#endif
