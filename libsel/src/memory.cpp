// What every compiler expects of the C library: memory and string basics.
// SPDX-License-Identifier: BSD-2-Clause
#include <cstddef>

#include "abi/types.h"

extern "C" {

void *memcpy(void *__restrict to, const void *__restrict from, size_t n) {
    void *result = to;
    size_t words = n / sizeof(u64), bytes = n % sizeof(u64);
    asm volatile("rep movsq" : "+D"(to), "+S"(from), "+c"(words) : : "memory");
    asm volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(bytes) : : "memory");
    return result;
}

void *memset(void *to, int c, size_t n) {
    void *result = to;
    u64 pattern = static_cast<u8>(c) * 0x0101010101010101ull;
    size_t words = n / sizeof(u64), bytes = n % sizeof(u64);
    asm volatile("rep stosq" : "+D"(to), "+c"(words) : "a"(pattern) : "memory");
    asm volatile("rep stosb" : "+D"(to), "+c"(bytes) : "a"(pattern) : "memory");
    return result;
}

void *memmove(void *to, const void *from, size_t n) {
    auto t = static_cast<u8 *>(to);
    auto f = static_cast<const u8 *>(from);
    if (t <= f || t >= f + n) {
        return memcpy(to, from, n);
    }
    for (; n >= sizeof(u64); n -= sizeof(u64)) {
        u64 word;
        __builtin_memcpy(&word, f + n - sizeof word, sizeof word);
        __builtin_memcpy(t + n - sizeof word, &word, sizeof word);
    }
    while (n-- != 0) {
        t[n] = f[n];
    }
    return to;
}

int memcmp(const void *a, const void *b, size_t n) {
    auto x = static_cast<const u8 *>(a);
    auto y = static_cast<const u8 *>(b);
    auto word = [](const u8 *at) {
        u64 value;
        __builtin_memcpy(&value, at, sizeof value);
        return value;
    };
    size_t i = 0;
    while (n - i >= sizeof(u64) && word(x + i) == word(y + i)) {
        i += sizeof(u64);
    }
    for (; i < n; i++) {
        if (x[i] != y[i]) {
            return x[i] < y[i] ? -1 : 1;
        }
    }
    return 0;
}

void *memchr(const void *in, int c, size_t n) {
    auto s = static_cast<const u8 *>(in);
    for (size_t i = 0; i < n; i++) {
        if (s[i] == static_cast<u8>(c)) {
            return const_cast<u8 *>(s + i);
        }
    }
    return nullptr;
}

size_t strlen(const char *s) {
    size_t n = 0;
    while (s[n] != 0) {
        n++;
    }
    return n;
}

size_t strnlen(const char *s, size_t most) {
    size_t n = 0;
    while (n < most && s[n] != 0) {
        n++;
    }
    return n;
}

int strcmp(const char *a, const char *b) {
    while (*a != 0 && *a == *b) {
        a++;
        b++;
    }
    return static_cast<u8>(*a) - static_cast<u8>(*b);
}

int strncmp(const char *a, const char *b, size_t n) {
    for (; n != 0; n--, a++, b++) {
        if (*a != *b || *a == 0) {
            return static_cast<u8>(*a) - static_cast<u8>(*b);
        }
    }
    return 0;
}

char *strcpy(char *__restrict to, const char *__restrict from) {
    memcpy(to, from, strlen(from) + 1);
    return to;
}

const char *strchr(const char *s, int c) {
    for (; *s != static_cast<char>(c); s++) {
        if (*s == 0) {
            return nullptr;
        }
    }
    return s;
}

// How many characters at the start of `s` are in `set`, or are not.
size_t strspn(const char *s, const char *set) {
    size_t n = 0;
    while (s[n] != 0 && strchr(set, s[n]) != nullptr) {
        n++;
    }
    return n;
}

size_t strcspn(const char *s, const char *set) {
    size_t n = 0;
    while (s[n] != 0 && strchr(set, s[n]) == nullptr) {
        n++;
    }
    return n;
}

} // extern "C"
