// The kernel's calls: numbers, registers, messages.
// SPDX-License-Identifier: BSD-2-Clause
//
// A call is the `syscall` instruction:
//   in   rax number   rdi cptr    rsi info   rdx r10 r8 r9 words or arguments a0..a3
//   out  rax error_t  rdi badge   rsi info   rdx r10 r8 r9 words or results r0..r3
// rcx, r11 and the arithmetic flags are lost; all other registers are preserved.
// A refused call returns its error and changes nothing else but the caller's denial record.
#ifndef ABI_CALL_H
#define ABI_CALL_H

#include "abi/types.h"

// info: what a message holds. Bits 32..63 are a label that the kernel carries and ignores.
enum {
    INFO_LENGTH = 0x7f, // Words: 0..MESSAGE_WORDS. Word i >= 4 is word i of the IPC buffer.
    INFO_CAP = 0x80,    // One capability goes along (in), or came along (out). It goes only if the
                        // Endpoint that is sent to has GRANT; with an answer, if the one that was
                        // received through has. Else the message arrives without it.
    INFO_TIMEOUT = 0x100, // BUFFER_TIMEOUT bounds the wait; that of a CALL only until its context
                          // is lent (adr/0003).
    INFO_SIGNAL = 0x200,  // Out, of RECV: no message; badge holds the bound notification's bits.
    INFO_LABEL_SHIFT = 32
};
enum { MESSAGE_REGISTERS = 4, MESSAGE_WORDS = 120 };

// Words of the IPC buffer behind the message.
enum {
    BUFFER_CAP_SEND = 120, // cptr of the capability to send along.
    BUFFER_CAP_RECV = 121, // cptr of the empty slot for one that arrives.
    BUFFER_TIMEOUT = 122,  // Ticks to wait at most, from now.
    BUFFER_WORDS = 128
};

typedef enum {
    // --- Messages. cptr names an Endpoint; the message is info and its words.
    CALL_CALL, // Send, and wait for the answer. Lends the caller's SchedContext. ERR_BUSY: the
               // caller lost it while it waited, and the receiver has none.
    CALL_REPLY_RECV, // Answer the last caller (if there is one), then receive.
    CALL_SEND,       // Send; wait for a receiver. ERR_BUSY: it has no SchedContext.
    CALL_NB_SEND,    // Send if a receiver with a SchedContext waits, else ERR_EMPTY.
    CALL_RECV,    // Wait for a message or for the bound notification (INFO_SIGNAL), whose bits do
                  // not wake a receiver that has no SchedContext (adr/0003).
    CALL_NB_RECV, // Take a message if a sender waits, else ERR_EMPTY.
    CALL_REPLY,   // cptr: a Reply, or 0 for the thread's own. Answer its caller; do not wait.

    // --- Notifications. Badge bits arrive in rdi.
    CALL_SIGNAL, // Set the capability's badge bits; wake a waiter.
    CALL_WAIT,   // Wait for bits, take them all.
    CALL_POLL,   // Take the bits that are there, else ERR_EMPTY.

    CALL_YIELD, // cptr ignored: let the others of the same priority go first.

    // --- Capabilities. cptr names a slot of the caller's CSpace; so do the cptrs in arguments.
    CALL_CAP_COPY,   // a0 destination, a1 rights mask.
    CALL_CAP_MINT,   // a0 destination, a1 rights mask, a2 badge (IoPort: first | last << 16).
    CALL_CAP_MOVE,   // a0 destination.
    CALL_CAP_SWAP,   // a0 the other slot.
    CALL_CAP_DELETE, // Empty the slot; children move up to the parent.
    CALL_CAP_REVOKE, // Delete every capability derived from this one, and nothing else.
    CALL_CAP_INFO,   // r0 type | rights << 8 | has children << 16, r1 object, r2 badge/slots/ports
                     // (Frame, PageTable: 0; FRAME_INFO says where one is mapped),
                     // r3 own id | id of the capability before it << 32 (CAP_INFO_SIBLING set: they
                     // have the same parent, else that is its parent). Ids change when it moves.

    // --- Memory. cptr names the Untyped.
    CALL_UNTYPED_RETYPE, // a0 type, a1 size (below), a2 first slot, a3 count. Slots must be empty.
                         // size: CNode slots | Untyped bytes | Frame FRAME_* | else 0
                         // device memory: only Frame; a3 = count | page offset << 16
    CALL_UNTYPED_RESET,  // Make all of it free again; refused while it has children.

    // --- Threads. cptr names the TCB.
    CALL_TCB_BIND,     // a0 TCB_SLOT_*, a1 cptr (0 empties the slot); what was there goes, in the
                       // same step. One's own address space: ERR_ARG.
    CALL_TCB_PRIORITY, // a0 priority, a1 maximum it may give: both <= the caller's maximum.
    CALL_TCB_RESUME,   // Let it run.
    CALL_TCB_SUSPEND,  // Stop it; a wait ends with ERR_GONE when it is resumed.
    CALL_TCB_WRITE, // Set its registers from BUFFER words (regs_t). It must be suspended, or wait
                    // for the answer to its fault; else ERR_BUSY.
    CALL_TCB_READ,  // Put its registers into the caller's BUFFER words (regs_t), as it will find
                    // them. ERR_BUSY: it runs, or waits in a call.
    CALL_TCB_INFO,  // r0 state | priority<<8 | max<<16 | vector<<24, r1 ticks used, r2 object.
    CALL_TCB_NOTIFICATION, // a0 cptr of the Notification to bind (0 unbinds).
    CALL_TCB_CONTEXT,      // a0 cptr of the SchedContext it runs on (0 takes it away).
                           // ERR_OCCUPIED: it has one, or has lent one with a call.
    CALL_TCB_VECTOR,       // a0 1: it may use SSE/AVX; 0: it may not.
    CALL_TCB_DENIAL,       // cptr 0: own. The last refusal: r0..r3 as denial_t.

    // --- Scheduling. cptr names SchedControl.
    CALL_SC_CONFIGURE, // a0 cptr of the SchedContext, a1 budget, a2 period (ticks).

    // --- Address spaces. cptr names the Frame or PageTable.
    CALL_FRAME_MAP,   // a0 cptr of the VSpace, a1 address, a2 rights.
    CALL_FRAME_UNMAP, // Not mapped: nothing happens.
    CALL_FRAME_INFO,  // r0 physical address, r1 bytes, r2 address where mapped or ~0.
    CALL_TABLE_MAP,   // a0 cptr of the VSpace, a1 address.
    CALL_TABLE_UNMAP, // Also removes what is mapped through it.

    // --- Devices.
    CALL_IRQ_GET, // cptr IrqControl; a0 destination, a1 line (GSI) | IRQ_LEVEL | IRQ_LOW, or IRQ_MSI.
                  // ERR_ARG: the machine has no such line.
                  // MSI: r0 message address, r1 message data.
    CALL_IRQ_BIND, // cptr IrqHandler; a0 cptr of the Notification (WRITE, badge) to signal.
    CALL_IRQ_ACK,  // cptr IrqHandler: unmask the line again.
    CALL_PORT_IN,  // cptr IoPort; a0 port, a1 bytes (1, 2, 4). r0 value.
    CALL_PORT_OUT, // cptr IoPort; a0 port, a1 bytes, a2 value.

    CALL_TRACE, // cptr TraceControl; a0 1 starts, 0 stops. r0 events written so far.

    CALL_COUNT
} call_t;

enum { CAP_INFO_SIBLING = 2 };

enum { IRQ_LINE = 0xff, IRQ_LEVEL = 0x100, IRQ_LOW = 0x200, IRQ_MSI = 0x400 };

// Registers of a thread, in the order of CALL_TCB_READ and CALL_TCB_WRITE. A program may write the bases of fs and gs
// as it likes, but when its thread is next switched to, fs_base counts again, and 0 for gs (ADR 0048).
typedef struct {
    u64 rip, rsp, rflags;
    u64 rax, rbx, rcx, rdx, rsi, rdi, rbp, r8, r9, r10, r11, r12, r13, r14, r15;
    u64 fs_base;
} regs_t;
enum { REGS_WORDS = 19 };

// A fault arrives as a message on the fault endpoint: badge of that capability, label FAULT_*,
// words below. Answering it lets the thread run on; TCB_WRITE can set its registers first.
typedef enum {
    FAULT_NONE,
    FAULT_PAGE,      // w0 rip, w1 address, w2 error code of the processor, w3 rsp
    FAULT_EXCEPTION, // w0 rip, w1 vector, w2 error code of the processor, w3 rsp
    FAULT_CALL,      // w0 rip, w1 number in rax, w2 rdi, w3 rsp   (no such call)
    FAULT_BUDGET,    // w0 rip, w1 ticks used in all, w2 ticks until its refill, w3 rsp
} fault_t;

// Why a call was refused (CALL_TCB_DENIAL).
typedef struct {
    u64 cptr;     // r0: the capability address that was refused.
    u64 what;     // r1: call | error << 8 | levels resolved << 16 | type found << 24 |
                  //     rights found << 32 | type needed << 40 | rights needed << 48
    u64 argument; // r2: the argument that was refused, if it was not a capability.
    u64 count;    // r3: refusals of this thread so far.
} denial_t;

// States of a thread, as CALL_TCB_INFO reports them.
typedef enum {
    STATE_INACTIVE, // Suspended, or not yet resumed.
    STATE_RUNNING,  // On the processor.
    STATE_READY,    // In the ready queue.
    STATE_NO_TIME,  // Could run, but has no SchedContext or no budget left.
    STATE_RECV,     // Waits to receive on an endpoint.
    STATE_SEND,     // Waits to send.
    STATE_CALL,     // Waits to send, and will then wait for the answer.
    STATE_REPLY,    // Waits for the answer to a call or to its fault.
    STATE_WAIT,     // Waits on a notification.
    STATE_COUNT
} thread_state_t;

#endif
