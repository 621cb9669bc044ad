// Leaves: the functions that the core calls and does not contain.
// SPDX-License-Identifier: BSD-2-Clause
//
// The arch layer (and test/host for the host) defines them as `static inline` in leaf_impl.h, which
// is included before any core source. Their contracts are assumptions (proofs/ASSUMED.md); the bit
// leaves are checked for all inputs by proofs/bv_check.py.
#ifndef CORE_LEAF_H
#define CORE_LEAF_H

#include "abi/types.h"
#include "spec/bits.h"
#include "spec/clock.h"

// Highest and lowest bit that is set; 64: none is.
/*@ terminates \true; exits \false; assigns \nothing;
    ensures range: 0 <= \result <= 64;
    ensures none: \result == 64 <==> (\forall integer i; 0 <= i < 64 ==> !bit(w, i));
    ensures top: \result < 64 ==> bit(w, \result) &&
        (\forall integer i; \result < i < 64 ==> !bit(w, i)); */
u32 bit_top(u64 w);
/*@ terminates \true; exits \false; assigns \nothing;
    ensures range: 0 <= \result <= 64;
    ensures none: \result == 64 <==> (\forall integer i; 0 <= i < 64 ==> !bit(w, i));
    ensures low: \result < 64 ==> bit(w, \result) &&
        (\forall integer i; 0 <= i < \result ==> !bit(w, i)); */
u32 bit_low(u64 w);

/*@ terminates \true; exits \false; assigns g_clock;
    ensures now: \old(g_clock) <= \result == g_clock < 0x200000000000000; */
u64 clock_now(void); // Cycles since power-on; never goes back.

/*@ terminates \true; exits \false; assigns g_alarm;
    ensures alarm: g_alarm == due; */
void clock_alarm(u64 due); // Ask for core_timer() at or after `due` (cycles; CLOCK_NEVER).

/*@ terminates \true; exits \false; assigns \nothing; */
void tlb_drop(u64 address); // Forget the translation of a page of the current address space.

/*@ terminates \true; exits \false; assigns \nothing; */
void tlb_flush(void); // Forget all translations of user addresses.

/*@ terminates \true; exits \false; assigns \nothing; */
u64 space_kernel(void); // CR3 of the kernel's own page table: no user address is mapped in it.

extern u64 kernel_table[256]; // Upper half of every top page table; constant once objects are made.

/*@ terminates \true; exits \false; assigns \nothing; */
void space_leave(void); // The running thread lost its address space: use the kernel's own.

/*@ terminates \true; exits \false; assigns \nothing; */
void vector_drop(
    u32 t); // Thread t dies or may not use vector registers: forget its contents of them.

/*@ terminates \true; exits \false; assigns \nothing; */
u32 irq_line_exists(u32 line); // Not 0: the machine has that line (GSI | IRQ_*).

/*@ terminates \true; exits \false; assigns \nothing; */
void irq_mask(u32 irq, u32 line); // Interrupt `irq`, routed from `line` (GSI | IRQ_*).
/*@ terminates \true; exits \false; assigns \nothing; */
void irq_unmask(u32 irq, u32 line);

/*@ terminates \true; exits \false; assigns \nothing; */
u64 irq_message(u32 irq); // How a device raises `irq` by a memory write: address | data << 32.

#endif
