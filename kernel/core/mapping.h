// Where the Frame or PageTable of a capability is mapped: the fields of its slot's `data`.
// SPDX-License-Identifier: BSD-2-Clause
//
//   bits 0..31 index of the table (0: not mapped), 32..40 entry in it, 48..49 FRAME_* size,
//   50 device memory (never an IPC buffer)
#ifndef CORE_MAPPING_H
#define CORE_MAPPING_H

#include "core/view.h"

#define MAPPING_ENTRY 0x100000000ull    // Bit 32.
#define MAPPING_SIZE 0x1000000000000ull // Bit 48.
#define MAPPING_DEVICE (4 * MAPPING_SIZE)

static inline u64 mapping_new(u32 size, u32 device) {
    return size * MAPPING_SIZE + device * MAPPING_DEVICE;
}

// The same size and device bit, not mapped.
static inline u64 mapping_none(u64 data) {
    return data / MAPPING_SIZE * MAPPING_SIZE;
}

// The same size and device bit, mapped at `entry` of `table`.
static inline u64 mapping_at(u64 data, u32 table, u32 entry) {
    return data / MAPPING_SIZE * MAPPING_SIZE + entry * MAPPING_ENTRY + table;
}

static inline u32 mapping_table(u64 data) {
    return (u32)(data % MAPPING_ENTRY);
}

static inline u32 mapping_entry(u64 data) {
    return (u32)(data / MAPPING_ENTRY % TABLE_ENTRIES);
}

static inline u32 mapping_size(u64 data) {
    return (u32)(data / MAPPING_SIZE % 4);
}

static inline u32 mapping_device(u64 data) {
    return (u32)(data / MAPPING_DEVICE % 2);
}

#endif
