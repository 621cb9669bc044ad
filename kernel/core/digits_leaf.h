// Base-64 digits of a time: leaves that the wheel calls.
// SPDX-License-Identifier: BSD-2-Clause
//
// Defined where the other leaves are (leaf.h), and checked for all inputs by proofs/bv_check.py, because the
// prover of the core knows no shift by a variable.
#ifndef CORE_DIGITS_LEAF_H
#define CORE_DIGITS_LEAF_H

#include "abi/types.h"
#include "spec/wheel.h"

// The highest digit in which a and b, which is later, differ.
/*@ requires order: a < b < 281474976710656;
    terminates \true; exits \false; assigns \nothing;
    ensures range: 0 <= \result < 8;
    ensures differ: \forall integer k; 0 <= k <= \result ==> sh(a, k) != sh(b, k);
    ensures same: \forall integer k; \result < k <= 8 ==> sh(a, k) == sh(b, k); */
u32 digit_top(u64 a, u64 b);

// Digit `level` of x.
/*@ requires in: level < 8 && x < 281474976710656;
    terminates \true; exits \false; assigns \nothing;
    ensures digit: \result == sh(x, level) % 64; */
u32 digit_at(u64 x, u32 level);

// x without its lowest `level` digits.
/*@ requires in: level < 8 && x < 281474976710656;
    terminates \true; exits \false; assigns \nothing;
    ensures same: sh(\result, level) == sh(x, level);
    ensures le: \result <= x;
    ensures least: \forall integer y; 0 <= y < \result ==> sh(y, level) < sh(x, level); */
u64 digits_above(u64 x, u32 level);

#endif
