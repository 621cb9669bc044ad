// Port: what our side of lwIP's surroundings is.
// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include "random.hpp"

namespace net {

u64 now_us(); // Since the machine began.
Random &random();

} // namespace net
