// What littlefs is compiled with: no heap, no messages, and assertions that end the operation.
// SPDX-License-Identifier: BSD-2-Clause
#ifndef VOLUME_LITTLEFS_CONFIG_H
#define VOLUME_LITTLEFS_CONFIG_H

#define LFS2_NO_MALLOC
#define LFS2_NO_DEBUG
#define LFS2_NO_WARN
#define LFS2_NO_ERROR

// Of each file: when it was changed, and where its content is if it is large.
#define LITTLEFS_ATTRIBUTE 't'
#define LITTLEFS_ATTRIBUTE_BYTES 16

#ifdef __cplusplus
#define LFS2_NO_ASSERT
#else
#include <stdbool.h>
#include <stdint.h>

_Noreturn void littlefs_assertion_failed(void);

// Our patch asks at each look for free blocks: visit(data, block) for all that an empty file with
// this attribute has elsewhere, and then for what of open files is not committed.
int littlefs_visit_entry(void *context, const uint8_t *attribute,
                         int (*visit)(void *data, uint32_t block), void *data);
int littlefs_visit_open(void *context, int (*visit)(void *data, uint32_t block), void *data);

// Before it looks for a name in a pair of blocks: true if it must be behind it, and `pair` is the next one.
// And when it has found that, and goes on with `next`.
bool littlefs_skip(void *context, uint32_t pair[2], const char *name, uint32_t size);
void littlefs_learn(void *context, const uint32_t pair[2], const char *name, uint32_t size,
                    const uint32_t next[2]);

#define LFS2_ASSERT(test) ((test) ? (void)0 : littlefs_assertion_failed())

// Is `tag` one that littlefs writes, in a directory that has `count` entries before it? Our patch
// asks at every look into a directory; the library itself believes what has a right check sum.
static inline bool littlefs_tag_is_sound(uint32_t tag, uint32_t count) {
    uint32_t type = tag >> 20 & 0x7ff, id = tag >> 10 & 0x3ff, size = tag & 0x3ff;
    switch (type) {
    case 0x001: // File, its name.
    case 0x002: // Directory, its name.
    case 0x0ff: // Superblock.
    case 0x201: // File, its content.
        return id != 0x3ff && size != 0x3ff;
    case 0x200: // Directory, where it is.
    case 0x202: // File, where its content is.
        return id != 0x3ff && size == 8;
    case 0x401: // An entry is put in.
        return id <= count && id != 0x3ff && size == 0;
    case 0x4ff: // An entry is taken out.
        return id < count && size == 0;
    case 0x5ff: // Check sum of what follows.
    case 0x600: // The next directory.
    case 0x601: // More of this one.
        return size == 8;
    case 0x7ff: // State of moves.
        return size == 12;
    default: // Attributes, and check sums.
        return type >> 8 == 3 ? id != 0x3ff : type >> 7 == 0x500 >> 7;
    }
}
#endif

#endif
