// The capability derivation tree, as one circular list of brackets.
// SPDX-License-Identifier: BSD-2-Clause
//
// A slot in the tree owns two items of the list, OPEN and CLOSE; what lies between them are its
// descendants. So a leaf is OPEN directly followed by CLOSE, the first child is the slot whose OPEN
// follows, and whoever leaves the list leaves its children to its parent. Every operation is O(1).
// CDT_HEAD is always in the tree and the ancestor of all; its slot holds no capability.
// These functions know the links of a slot, not the capability in it: see capability.h.
// Keeps INV-1 .. INV-4 (kernel/spec/README.md).
#ifndef CORE_CDT_H
#define CORE_CDT_H

#include "core/view.h"

#define OPEN(s) (s)
#define CLOSE(s) ((s) + 2u)

// Once, at boot: the tree of CDT_HEAD alone.
void cdt_init(void);

// `child`, not in the tree, becomes the first child of `parent`.
static inline void cdt_insert_child(u32 parent, u32 child) {
    u32 next = ITEM(OPEN(parent)).link.next;
    ITEM(OPEN(child)).link.prev = OPEN(parent);
    ITEM(OPEN(child)).link.next = CLOSE(child);
    ITEM(CLOSE(child)).link.prev = OPEN(child);
    ITEM(CLOSE(child)).link.next = next;
    ITEM(next).link.prev = CLOSE(child);
    ITEM(OPEN(parent)).link.next = OPEN(child);
}

// `s` leaves the tree; its children become children of its parent, in its place.
void cdt_remove(u32 s);

// The newest child of `s`, 0: none.
static inline u32 cdt_first_child(u32 s) {
    u32 next = ITEM(OPEN(s)).link.next;
    return next == CLOSE(s) ? 0 : next;
}

// `to`, not in the tree, takes the place of `from`.
void cdt_move(u32 from, u32 to);

// `a` and `b`, two slots in the tree, change places.
void cdt_swap(u32 a, u32 b);

#endif
