// The capability derivation tree: removal, move and exchange of slots.
// SPDX-License-Identifier: BSD-2-Clause
#include "core/cdt.h"

static inline void item_remove(u32 item) {
    u32 next = ITEM(item).link.next, prev = ITEM(item).link.prev;
    ITEM(prev).link.next = next;
    ITEM(next).link.prev = prev;
}

static inline void item_replace(u32 from, u32 to) {
    u32 next = ITEM(from).link.next, prev = ITEM(from).link.prev;
    ITEM(to).link.next = next;
    ITEM(to).link.prev = prev;
    ITEM(prev).link.next = to;
    ITEM(next).link.prev = to;
}

void cdt_init(void) {
    ITEM(OPEN(CDT_HEAD)).link.next = CLOSE(CDT_HEAD);
    ITEM(OPEN(CDT_HEAD)).link.prev = CLOSE(CDT_HEAD);
    ITEM(CLOSE(CDT_HEAD)).link.next = OPEN(CDT_HEAD);
    ITEM(CLOSE(CDT_HEAD)).link.prev = OPEN(CDT_HEAD);
}

void cdt_remove(u32 s) {
    item_remove(OPEN(s));
    item_remove(CLOSE(s));
}

void cdt_move(u32 from, u32 to) {
    item_replace(OPEN(from), OPEN(to));
    item_replace(CLOSE(from), CLOSE(to));
}

void cdt_swap(u32 a, u32 b) {
    cdt_move(a, SCRATCH_SLOT);
    cdt_move(b, a);
    cdt_move(SCRATCH_SLOT, b);
}
