// Vocabulary of the proofs: bits of a word.
// SPDX-License-Identifier: BSD-2-Clause
#ifndef SPEC_BITS_H
#define SPEC_BITS_H

//@ predicate bit(integer w, integer i) = (w & (1 << i)) != 0;

#endif
