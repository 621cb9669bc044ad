// SEL_TRY: ends the function with the error of an operation that is refused.
// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include "sel/result.hpp"

// Of a Result<T> of any kind, in a function that returns one of any kind.
#define SEL_TRY(operation)                                                                         \
    do {                                                                                           \
        if (auto tried_ = (operation); !tried_) {                                                  \
            return tried_.error();                                                                 \
        }                                                                                          \
    } while (false)
