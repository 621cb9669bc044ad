// StaticVector: a sequence of at most N elements, stored in place.
// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <new>
#include <utility>

#include "abi/types.h"

namespace sel {

template <typename T, u32 N>
class StaticVector {
  public:
    constexpr StaticVector() = default;
    StaticVector(const StaticVector &) = delete;
    StaticVector &operator=(const StaticVector &) = delete;
    ~StaticVector() { clear(); }

    u32 size() const { return size_; }
    bool empty() const { return size_ == 0; }
    bool full() const { return size_ == N; }
    static constexpr u32 capacity() { return N; }

    T *begin() { return at(0); }
    T *end() { return at(0) + size_; }
    const T *begin() const { return at(0); }
    const T *end() const { return at(0) + size_; }

    // `i` < size(), else the program stops here.
    T &operator[](u32 i) { return *at(checked(i)); }
    const T &operator[](u32 i) const { return *at(checked(i)); }
    T &back() { return (*this)[size_ - 1]; }

    // False if it is full.
    [[nodiscard]] bool push_back(T value) {
        if (full()) {
            return false;
        }
        new (at(0) + size_) T(std::move(value));
        size_++;
        return true;
    }
    // The same, made in its place.
    template <typename... Ts>
    [[nodiscard]] bool emplace_back(Ts &&...arguments) {
        if (full()) {
            return false;
        }
        new (at(0) + size_) T(std::forward<Ts>(arguments)...);
        size_++;
        return true;
    }
    void pop_back() { remove(size_ - 1); }

    // Takes element `i` out; the later ones move up.
    void remove(u32 i) {
        for (u32 k = checked(i); k + 1 < size_; k++) {
            *at(k) = std::move(*at(k + 1));
        }
        at(0)[--size_].~T();
    }
    void clear() {
        while (size_ != 0) {
            at(0)[--size_].~T();
        }
    }

  private:
    u32 checked(u32 i) const {
        if (i >= size_) {
            __builtin_trap();
        }
        return i;
    }
    T *at(u32 i) { return reinterpret_cast<T *>(storage_) + i; }
    const T *at(u32 i) const { return reinterpret_cast<const T *>(storage_) + i; }

    alignas(T) unsigned char storage_[N * sizeof(T)];
    u32 size_ = 0;
};

} // namespace sel
