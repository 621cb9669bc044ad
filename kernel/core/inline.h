// What becomes of calls where it matters: the core is compiled for size, its hot paths are not.
// SPDX-License-Identifier: BSD-2-Clause
#ifndef CORE_INLINE_H
#define CORE_INLINE_H

#define INLINE static inline __attribute__((always_inline))
#define NOINLINE __attribute__((noinline))
#define RARE __attribute__((cold))       // Compiled for size.
#define FLATTEN __attribute__((flatten)) // All that the function calls becomes part of it.

#endif
