// What littlefs is compiled with: no heap, no messages, and assertions that end the operation.
// SPDX-License-Identifier: BSD-2-Clause
#ifndef VOLUME_LITTLEFS_CONFIG_H
#define VOLUME_LITTLEFS_CONFIG_H

#define LFS2_NO_MALLOC
#define LFS2_NO_DEBUG
#define LFS2_NO_WARN
#define LFS2_NO_ERROR

#ifdef __cplusplus
#define LFS2_NO_ASSERT
#else
_Noreturn void littlefs_assertion_failed(void);
#define LFS2_ASSERT(test) ((test) ? (void)0 : littlefs_assertion_failed())
#endif

#endif
