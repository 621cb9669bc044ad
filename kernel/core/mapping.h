// Where the Frame or PageTable of a capability is mapped: the fields of its slot's `data`.
// SPDX-License-Identifier: BSD-2-Clause
//
//   bits 0..31 index of the table (0: not mapped), 32..40 entry in it, 48..49 FRAME_* size,
//   50 device memory (never an IPC buffer)
#ifndef CORE_MAPPING_H
#define CORE_MAPPING_H

#include "core/view.h"
#include "spec/vspace.h"

#define MAPPING_ENTRY 0x100000000ull    // Bit 32.
#define MAPPING_SIZE 0x1000000000000ull // Bit 48.
#define MAPPING_DEVICE (4 * MAPPING_SIZE)

/*@ requires range: size < 4 && device < 2;
    terminates \true; exits \false; assigns \nothing;
    ensures free: map_table(\result) == 0;
    ensures fields: map_size(\result) == size && map_device(\result) == device;
*/
static inline u64 mapping_new(u32 size, u32 device) {
    return size * MAPPING_SIZE + device * MAPPING_DEVICE;
}

// The same size and device bit, not mapped.
/*@ terminates \true; exits \false; assigns \nothing;
    ensures free: map_table(\result) == 0;
    ensures rest: map_rest(\result) == map_rest(data);
*/
static inline u64 mapping_none(u64 data) {
    return data / MAPPING_SIZE * MAPPING_SIZE;
}

// The same size and device bit, mapped at `entry` of `table`.
/*@ requires entry: entry < TABLE_ENTRIES;
    terminates \true; exits \false; assigns \nothing;
    ensures table: map_table(\result) == table;
    ensures entry: map_entry(\result) == entry;
    ensures rest: map_rest(\result) == map_rest(data);
*/
static inline u64 mapping_at(u64 data, u32 table, u32 entry) {
    return data / MAPPING_SIZE * MAPPING_SIZE + entry * MAPPING_ENTRY + table;
}

/*@ terminates \true; exits \false; assigns \nothing;
    ensures field: \result == map_table(data);
*/
static inline u32 mapping_table(u64 data) {
    return (u32)(data % MAPPING_ENTRY);
}

/*@ terminates \true; exits \false; assigns \nothing;
    ensures field: \result == map_entry(data);
*/
static inline u32 mapping_entry(u64 data) {
    return (u32)(data / MAPPING_ENTRY % TABLE_ENTRIES);
}

/*@ terminates \true; exits \false; assigns \nothing;
    ensures field: \result == map_size(data);
*/
static inline u32 mapping_size(u64 data) {
    return (u32)(data / MAPPING_SIZE % 4);
}

/*@ terminates \true; exits \false; assigns \nothing;
    ensures field: \result == map_device(data);
*/
static inline u32 mapping_device(u64 data) {
    return (u32)(data / MAPPING_DEVICE % 2);
}

#endif
