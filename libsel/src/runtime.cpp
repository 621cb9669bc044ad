// What the C++ compiler and its headers may refer to, without exceptions, RTTI or a heap.
// SPDX-License-Identifier: BSD-2-Clause
//
// There is no operator new: a program that allocates does not link.
#include <cstddef>

extern "C" {

void *__dso_handle = nullptr;

// Destructors of statics: programs end by being taken down, nothing runs at exit.
int __cxa_atexit(void (*)(void *), void *, void *) {
    return 0;
}

[[noreturn]] void __cxa_pure_virtual() {
    __builtin_trap();
}

[[noreturn]] void abort() {
    __builtin_trap();
}

// A function finds that its frame was overwritten.
[[noreturn]] void __stack_chk_fail() {
    __builtin_trap();
}

} // extern "C"

// Deleting destructors of classes with virtual functions name these; nothing calls them.
void operator delete(void *) noexcept {
    __builtin_trap();
}

void operator delete(void *, std::size_t) noexcept {
    __builtin_trap();
}

namespace std {

// Bounds errors of string_view, span and array stop the program.
[[noreturn]] void __throw_out_of_range_fmt(const char *, ...) {
    __builtin_trap();
}

[[noreturn]] void __throw_length_error(const char *) {
    __builtin_trap();
}

[[noreturn]] void __throw_bad_optional_access() {
    __builtin_trap();
}

} // namespace std
