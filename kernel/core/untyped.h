// Untyped memory: a range of physical memory and the watermark below which it is used.
// SPDX-License-Identifier: BSD-2-Clause
//
//   base ....... next ....... zeroed ....... end
//   |  used      |  unused,   |  unused      |
//                |  zero      |
//
// A retype plans (untyped_plan), zeroes in bounded steps (untyped_zero), then takes the memory for
// good (untyped_take) and makes the objects there (object.h). Only untyped_reset() moves the watermark back.
// Device memory (zeroed == ~0) has no watermark: Frames are made of it at any place, and nothing else.
// Keeps INV-30 (base <= next <= end), INV-31 (memory in [next, zeroed) is zero).
#ifndef CORE_UNTYPED_H
#define CORE_UNTYPED_H

#include "core/view.h"
#include "spec/untyped.h"

enum { ZERO_STEP = 12288 }; // Bytes zeroed at most by one kernel entry.
#define UNTYPED_IS_DEVICE (~0ull)

// The first address in u where `count` objects of `bytes` each fit; 0: nowhere.
/*@ requires ok: untyped_ok(u);
    requires bytes: 1 <= bytes <= ADDRESS_LIMIT;
    requires align: 1 <= align <= ADDRESS_LIMIT;
    requires count: 1 <= count <= RETYPE_MAX;
    terminates \true; exits \false; assigns \nothing;
    ensures inside: \result != 0 ==> UNTYPED(u).next <= \result &&
        \result + count * bytes <= UNTYPED(u).end;
    ensures aligned: \result % align == 0;
    ensures tight: \result != 0 ==> \result < UNTYPED(u).next + align;
    ensures none: \result == 0 ==> \forall integer a;
        UNTYPED(u).next <= a && a % align == 0 ==> UNTYPED(u).end < a + count * bytes;
*/
u64 untyped_plan(u32 u, u64 bytes, u64 align, u32 count);

// Where the memory of `count` child Untypeds begins whose records are at `records`.
/*@ requires below: records <= RAM_LIMIT && count <= RETYPE_MAX;
    terminates \true; exits \false; assigns \nothing;
    ensures behind: records + count * UNTYPED_BYTES <= \result &&
        \result < records + count * UNTYPED_BYTES + PAGE_BYTES;
    ensures aligned: \result % PAGE_BYTES == 0;
*/
static inline u64 untyped_children(u64 records, u32 count) {
    return (records + count * UNTYPED_BYTES + PAGE_BYTES - 1) / PAGE_BYTES * PAGE_BYTES;
}

// The address of the records of `count` child Untypeds of `bytes` each, 0: they do not fit into u.
/*@ requires ram: untyped_ram(u);
    requires bytes: 1 <= bytes <= ADDRESS_LIMIT;
    requires count: 1 <= count <= RETYPE_MAX;
    terminates \true; exits \false; assigns \nothing;
    ensures inside: \result != 0 ==> UNTYPED(u).next <= \result && \result % OBJECT_ALIGN == 0;
    ensures fits: \result != 0 ==> \exists integer base; base % PAGE_BYTES == 0 &&
        \result + count * UNTYPED_BYTES <= base && base + count * bytes <= UNTYPED(u).end;
*/
u64 untyped_plan_children(u32 u, u64 bytes, u32 count);

// Zeroes [start, end), at most ZERO_STEP bytes of it now; 1: all of it is zero.
/*@ requires ram: untyped_ram(u) && untyped_zero(u);
    requires range: UNTYPED(u).next <= start && start <= end && end <= UNTYPED(u).end;
    requires align: start % 32 == 0 && end % 32 == 0;
    terminates \true; exits \false;
    assigns untyped_view[u].next, untyped_view[u].zeroed,
            phys_view[start / 8 .. end / 8 - 1];
    ensures ram: untyped_ram(u);
    ensures zero: untyped_zero(u);
    ensures same: UNTYPED(u).base == \old(UNTYPED(u).base) && UNTYPED(u).end == \old(UNTYPED(u).end);
    ensures next: UNTYPED(u).next == \old(UNTYPED(u).next) || UNTYPED(u).next == start;
    ensures done: \result != 0 ==> zero_words(start / 8, end / 8);
    ensures more: \result == 0 ==> UNTYPED(u).zeroed >= \old(UNTYPED(u).zeroed) + ZERO_STEP ||
        UNTYPED(u).zeroed == start + ZERO_STEP;
*/
u32 untyped_zero(u32 u, u64 start, u64 end);

// The memory of u below `end` is used from now on.
/*@ requires ram: untyped_ram(u) && untyped_zero(u);
    requires end: UNTYPED(u).next <= end <= UNTYPED(u).end && end % 32 == 0;
    terminates \true; exits \false;
    assigns untyped_view[u].next, untyped_view[u].zeroed;
    ensures ram: untyped_ram(u);
    ensures zero: untyped_zero(u);
    ensures same: UNTYPED(u).base == \old(UNTYPED(u).base) && UNTYPED(u).end == \old(UNTYPED(u).end);
    ensures next: UNTYPED(u).next == end;
*/
void untyped_take(u32 u, u64 end);

// The record of memory of which nothing is used. zeroed: base, or UNTYPED_IS_DEVICE.
/*@ requires base: 0 < base <= end <= ADDRESS_LIMIT;
    terminates \true; exits \false;
    assigns untyped_view[u];
    ensures ok: untyped_ok(u);
    ensures range: UNTYPED(u).base == base && UNTYPED(u).next == base && UNTYPED(u).end == end;
    ensures ram: zeroed == base && base % 32 == 0 && end <= RAM_LIMIT ==>
        untyped_ram(u) && untyped_zero(u);
*/
static inline void untyped_create(u32 u, u64 base, u64 end, u64 zeroed) {
    UNTYPED(u).base = base;
    UNTYPED(u).end = end;
    UNTYPED(u).next = base;
    UNTYPED(u).zeroed = zeroed;
}

// All memory of u is unused again; the caller has made sure that nothing in it is alive or dying.
/*@ requires ok: untyped_ok(u);
    requires ram: UNTYPED(u).zeroed != UNTYPED_IS_DEVICE ==> untyped_ram(u);
    terminates \true; exits \false;
    assigns untyped_view[u].next, untyped_view[u].zeroed;
    ensures ok: untyped_ok(u);
    ensures free: UNTYPED(u).next == UNTYPED(u).base;
    ensures same: UNTYPED(u).base == \old(UNTYPED(u).base) && UNTYPED(u).end == \old(UNTYPED(u).end);
    ensures ram: \old(UNTYPED(u).zeroed) != UNTYPED_IS_DEVICE ==> untyped_ram(u) && untyped_zero(u);
    ensures device: \old(UNTYPED(u).zeroed) == UNTYPED_IS_DEVICE ==>
        UNTYPED(u).zeroed == UNTYPED_IS_DEVICE;
*/
void untyped_reset(u32 u);

#endif
