// Bits of a word: the only core header where shifts and masks act on whole words.
// SPDX-License-Identifier: BSD-2-Clause
#ifndef CORE_BITS_H
#define CORE_BITS_H

#include "abi/types.h"
#include "spec/bits.h"

/*@ requires n: n < 64;
    terminates \true; exits \false; assigns \nothing;
    ensures s: \forall integer i; 0 <= i < 64 ==> (bit(\result, i) <==> (i == n || bit(w, i))); */
static inline u64 bit_set(u64 w, u32 n) {
    return w | (u64)1 << n;
}

/*@ requires n: n < 64;
    terminates \true; exits \false; assigns \nothing;
    ensures s: \forall integer i; 0 <= i < 64 ==> (bit(\result, i) <==> (i != n && bit(w, i))); */
static inline u64 bit_clear(u64 w, u32 n) {
    return w & ~((u64)1 << n);
}

#endif
