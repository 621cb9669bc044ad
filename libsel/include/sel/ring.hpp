// Ring: a first-in, first-out buffer of N elements.
// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <array>
#include <cstddef>

namespace sel {

template <typename T, std::size_t N>
class Ring {
  public:
    std::size_t size() const { return size_; }
    std::size_t room() const { return N - size_; }
    bool empty() const { return size_ == 0; }

    // False: there was no room, and nothing changed.
    bool put(T element) {
        if (size_ == N) {
            return false;
        }
        element_[(first_ + size_) % N] = element;
        size_++;
        return true;
    }

    // Takes the `count` oldest away; there are as many.
    void drop(std::size_t count) {
        first_ = (first_ + count) % N;
        size_ -= count;
    }
    void clear() { drop(size_); }

    // The element before which `i` others came; i < size().
    const T &operator[](std::size_t i) const { return element_[(first_ + i) % N]; }

    // The oldest element; the ring must not be empty.
    T take() {
        T element = element_[first_];
        first_ = (first_ + 1) % N;
        size_--;
        return element;
    }

  private:
    std::array<T, N> element_{};
    std::size_t first_ = 0;
    std::size_t size_ = 0;
};

} // namespace sel
