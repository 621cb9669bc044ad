// Integer types and the units that every other header uses.
// SPDX-License-Identifier: BSD-2-Clause
#ifndef ABI_TYPES_H
#define ABI_TYPES_H

#include <stdint.h>

#ifndef __cplusplus
#define static_assert _Static_assert
#endif

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;
typedef int32_t s32;
typedef int64_t s64;

// Kernel time is counted in ticks: the time-stamp counter without its low CLOCK_SHIFT bits.
// boot_info_t.tsc_hz converts. A time is below 2^47 ticks (4.5 years at 1 GHz, 1.1 at 4 GHz). What a context
// has used is counted in cycles and told in ticks.
enum { CLOCK_SHIFT = 10 };

#endif
