// Result: a value, or the reason why there is none. Nothing in libsel throws.
// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <type_traits>
#include <utility>

#include "abi/error.h"
#include "abi/types.h"

namespace sel {

#ifdef SEL_HOST
inline constexpr bool kHostTest = true;
#else
inline constexpr bool kHostTest = false;
#endif

template <typename T = void>
class [[nodiscard]] Result {
    static_assert(std::is_trivially_destructible_v<T>, "a Result holds plain data");

  public:
    using Value = T;

    constexpr Result(const T &value) : value_{value} {}
    // Not OK, of which there would be no value: host tests stop here.
    constexpr Result(error_t error) : error_{error} {
        if (kHostTest && error == OK) {
            __builtin_trap();
        }
    }

    constexpr bool ok() const { return error_ == OK; }
    constexpr explicit operator bool() const { return ok(); }
    constexpr error_t error() const { return error_; }

    // Only when ok(); otherwise the program stops here with an exception fault.
    constexpr const T &value() const {
        if (!ok()) {
            __builtin_trap();
        }
        return value_;
    }
    constexpr const T &operator*() const { return value(); }
    constexpr const T *operator->() const { return &value(); }
    constexpr T value_or(T other) const { return ok() ? value_ : other; }

  private:
    union {
        T value_;
    };
    error_t error_ = OK;
};

// An operation without a value: done, or why not. `return {};` says done.
template <>
class [[nodiscard]] Result<void> {
  public:
    using Value = void;

    constexpr Result(error_t error = OK) : error_{error} {}

    constexpr bool ok() const { return error_ == OK; }
    constexpr explicit operator bool() const { return ok(); }
    constexpr error_t error() const { return error_; }

  private:
    error_t error_;
};

// One line of text for each error, for people to read.
const char *describe(error_t error);

} // namespace sel
