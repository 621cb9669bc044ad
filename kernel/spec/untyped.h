// What it means for the record of an untyped object to be in order.
// SPDX-License-Identifier: BSD-2-Clause
#ifndef SPEC_UNTYPED_H
#define SPEC_UNTYPED_H

#include "core/view.h"

// Addresses stay below 2^44: the number of a 4 KiB page fits into an index.
#define ADDRESS_LIMIT 0x100000000000
// RAM stays below 512 GiB.
#define RAM_LIMIT 0x8000000000

/*@ predicate untyped_ok{L}(integer u) =
        0 < untyped_view[u].base && untyped_view[u].base <= untyped_view[u].next &&
        untyped_view[u].next <= untyped_view[u].end && untyped_view[u].end <= ADDRESS_LIMIT;

    // RAM; its `zeroed` is the end of a part that is a multiple of 32 bytes.
    predicate untyped_ram{L}(integer u) =
        untyped_ok{L}(u) && untyped_view[u].end <= RAM_LIMIT && untyped_view[u].base % 32 == 0 &&
        untyped_view[u].zeroed <= untyped_view[u].end && untyped_view[u].zeroed % 32 == 0;

    predicate zero_words{L}(integer from, integer to) =
        \forall integer w; from <= w < to ==> phys_view[w] == 0;

    // The unused memory that the record calls zero is zero.
    predicate untyped_zero{L}(integer u) =
        \forall integer w; untyped_view[u].next <= 8 * w && 8 * w < untyped_view[u].zeroed ==>
            phys_view[w] == 0;
*/

#endif
