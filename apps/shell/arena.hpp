// Arena: memory that is taken in order and given back in the reverse order, all since a mark at once.
// SPDX-License-Identifier: BSD-2-Clause
//
// What a line is made into lies here: commands, words, the names that a pattern stands for. Its size bounds them all.
#pragma once

#include <new>
#include <span>
#include <type_traits>
#include <utility>

#include "abi/types.h"

namespace shell {

class Arena {
  public:
    Arena() = default;
    explicit Arena(std::span<u8> memory) : memory_{memory} {}

    // nullptr: it is full.
    template <typename T, typename... Ts>
    T *make(Ts &&...values) {
        static_assert(std::is_trivially_destructible_v<T>);
        void *place = take(sizeof(T), alignof(T));
        return place != nullptr ? new (place) T{std::forward<Ts>(values)...} : nullptr;
    }

    // `count` of them; data() is nullptr if it is full.
    template <typename T>
    std::span<T> make_array(std::size_t count) {
        static_assert(std::is_trivially_destructible_v<T>);
        T *first = count <= memory_.size() / sizeof(T)
                       ? static_cast<T *>(take(count * sizeof(T), alignof(T)))
                       : nullptr;
        for (std::size_t i = 0; first != nullptr && i < count; i++) {
            new (first + i) T{};
        }
        return {first, first != nullptr ? count : 0};
    }

    // Gives the end of `block`, the last one taken, back: `used` bytes of it stay.
    void shrink(std::span<char> block, std::size_t used) { used_ -= block.size() - used; }

    std::size_t used() const { return used_; }
    void release(std::size_t used) { used_ = used; }

  private:
    void *take(std::size_t bytes, std::size_t alignment) {
        std::size_t at = (used_ + alignment - 1) & ~(alignment - 1);
        if (at > memory_.size() || bytes > memory_.size() - at) {
            return nullptr;
        }
        used_ = at + bytes;
        return memory_.data() + at;
    }

    std::span<u8> memory_; // Aligned for everything.
    std::size_t used_ = 0;
};

// What is taken in its life is given back at its end.
class ArenaMark {
  public:
    explicit ArenaMark(Arena &arena) : arena_{arena}, used_{arena.used()} {}
    ~ArenaMark() { arena_.release(used_); }
    ArenaMark(const ArenaMark &) = delete;
    ArenaMark &operator=(const ArenaMark &) = delete;

  private:
    Arena &arena_;
    std::size_t used_;
};

} // namespace shell
