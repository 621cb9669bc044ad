// Address spaces: which Frame or PageTable is mapped where.
// SPDX-License-Identifier: BSD-2-Clause
//
// A table's index names its second page (table_t); entry e of the first, which the processor reads,
// is WORD(table - TABLE_ENTRIES + e). Every present entry below the kernel half belongs to one
// capability, and the two know each other:
//   TABLE(t).owner[e] == s   <=>   mapping_table(SLOT(s).data) == t, mapping_entry(SLOT(s).data) == e
// so a mapping ends in O(1) with its capability, and no code ever reads a hardware entry.
// A PageTable:  FREE (level 0, left 0) -- call_table_map --> MAPPED (level 1..3)
//   -- its mapping ends --> CLOSING (level 0, left > 0: entries [0, left) may be in use) -- steps --> FREE
// Keeps INV-34 (the bond above), INV-35 (an entry is present exactly if it has an owner).
#ifndef CORE_VSPACE_H
#define CORE_VSPACE_H

#include "core/mapping.h"
#include "core/view.h"

// Bits of a hardware entry.
#define ENTRY_PRESENT 0x1ull
#define ENTRY_WRITE 0x2ull
#define ENTRY_USER 0x4ull
#define ENTRY_UNCACHED 0x18ull // PWT, PCD
#define ENTRY_LARGE 0x80ull
#define ENTRY_NO_EXECUTE 0x8000000000000000ull

#define SPACE_END 0x7ffffffff000ull // The last page of the user half is never mapped (sysret).

static inline u64 frame_bytes(u32 size) {
    return size == FRAME_4K ? 0x1000 : size == FRAME_2M ? 0x200000 : 0x40000000;
}

// First contents of a table in zeroed memory; a VSpace (top table) maps the kernel.
void table_create(u32 t, u32 type);

// Ends the mapping of the Frame or PageTable capability in slot `s`, if it is mapped.
void mapping_end(u32 s);

// Takes up to TABLE_STEP entries out of a table that is CLOSING or dying. 0: none was left.
u32 table_empty_step(u32 t);

// The VSpace slot of thread `t` is being emptied: no user address is mapped for it any more.
void space_unbind(u32 t);

// Physical address of the hardware page of a table; CR3 of a VSpace.
static inline u64 table_address(u32 t) {
    return ADDRESS_OF(t - TABLE_ENTRIES);
}

#endif
