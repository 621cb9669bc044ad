// Port: what our side of Mbed TLS's surroundings is.
// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include "servers/tls/tls.hpp"

namespace tls {

// start() has been good.
bool started();
// The wall clock; false: there is none.
bool now(u64 &seconds);

} // namespace tls
