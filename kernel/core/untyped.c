// Untyped memory: planning, zeroing and taking it.
// SPDX-License-Identifier: BSD-2-Clause
#include "core/untyped.h"

#include "core/inline.h"

u64 untyped_plan(u32 u, u64 bytes, u64 align, u32 count) {
    u64 next = UNTYPED(u).next, end = UNTYPED(u).end;
    u64 rest = next % align;
    u64 start = rest == 0 ? next : next + (align - rest);
    //@ assert whole: next == next / align * align + rest;
    //@ assert times: start == (rest == 0 ? next / align : next / align + 1) * align;
    //@ assert aligned: start % align == 0;
    //@ assert least: \forall integer a; next <= a && a % align == 0 ==> start <= a;
    if (start > end || end - start < bytes * count) {
        return 0;
    }
    return start;
}

u64 untyped_plan_children(u32 u, u64 bytes, u32 count) {
    u64 records = untyped_plan(u, UNTYPED_BYTES, OBJECT_ALIGN, count);
    if (records == 0) {
        return 0;
    }
    u64 base = untyped_children(records, count), end = UNTYPED(u).end;
    return base > end || end - base < bytes * count ? 0 : records;
}

// The sixteen words from w + i on.
/*@ requires range: w + i + 16 <= PHYSICAL_WORDS;
    terminates \true; exits \false;
    assigns phys_view[w + i .. w + i + 15];
    ensures zero: zero_words(w + i, w + i + 16);
*/
INLINE void zero_sixteen(u64 w, u64 i) {
    PHYS_BEHIND(w, i) = 0;
    PHYS_BEHIND(w, i + 1) = 0;
    PHYS_BEHIND(w, i + 2) = 0;
    PHYS_BEHIND(w, i + 3) = 0;
    PHYS_BEHIND(w, i + 4) = 0;
    PHYS_BEHIND(w, i + 5) = 0;
    PHYS_BEHIND(w, i + 6) = 0;
    PHYS_BEHIND(w, i + 7) = 0;
    PHYS_BEHIND(w, i + 8) = 0;
    PHYS_BEHIND(w, i + 9) = 0;
    PHYS_BEHIND(w, i + 10) = 0;
    PHYS_BEHIND(w, i + 11) = 0;
    PHYS_BEHIND(w, i + 12) = 0;
    PHYS_BEHIND(w, i + 13) = 0;
    PHYS_BEHIND(w, i + 14) = 0;
    PHYS_BEHIND(w, i + 15) = 0;
}

/*@ requires range: from <= to <= PHYSICAL_WORDS;
    requires whole: (to - from) % 4 == 0;
    terminates \true; exits \false;
    assigns phys_view[from .. to - 1];
    ensures zero: zero_words(from, to);
*/
static void zero(u64 from, u64 to) {
    u64 w = from;
    /*@ loop invariant range: from <= w <= to && (w - from) % 4 == 0;
        loop invariant zero: zero_words(from, w);
        loop assigns w, phys_view[from .. to - 1];
        loop variant to - w;
    */
    for (; to - w >= 128; w += 128) {
        zero_sixteen(w, 0);
        zero_sixteen(w, 16);
        zero_sixteen(w, 32);
        zero_sixteen(w, 48);
        zero_sixteen(w, 64);
        zero_sixteen(w, 80);
        zero_sixteen(w, 96);
        zero_sixteen(w, 112);
    }
    /*@ loop invariant range: from <= w <= to && (w - from) % 4 == 0;
        loop invariant zero: zero_words(from, w);
        loop assigns w, phys_view[from .. to - 1];
        loop variant to - w;
    */
    for (; w < to; w += 4) {
        PHYS(w) = 0;
        PHYS(w + 1) = 0;
        PHYS(w + 2) = 0;
        PHYS(w + 3) = 0;
    }
}

u32 untyped_zero(u32 u, u64 start, u64 end) {
    u64 from = UNTYPED(u).zeroed;
    if (from >= end) {
        return 1;
    }
    if (from < start) {
        UNTYPED(u).next = start;
        from = start;
    }
    u64 to = end - from > ZERO_STEP ? from + ZERO_STEP : end;
    zero(from / 8, to / 8);
    UNTYPED(u).zeroed = to;
    return to == end;
}

void untyped_take(u32 u, u64 end) {
    UNTYPED(u).next = end;
    if (UNTYPED(u).zeroed < end) {
        UNTYPED(u).zeroed = end;
    }
}

void untyped_reset(u32 u) {
    UNTYPED(u).next = UNTYPED(u).base;
    if (UNTYPED(u).zeroed != UNTYPED_IS_DEVICE) {
        UNTYPED(u).zeroed = UNTYPED(u).base;
    }
}
