// Addresses of the protocol and of lwIP, into each other.
// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include "api.hpp"
#include "lwip.hpp"

namespace net {

inline Address from_lwip(const ip_addr_t &a) {
    const ip4_addr_t &v = *ip_2_ip4(&a);
    return v4(ip4_addr1(&v), ip4_addr2(&v), ip4_addr3(&v), ip4_addr4(&v));
}

// False: it is none that we can reach.
inline bool to_lwip(const Address &a, ip_addr_t &to) {
    IP_ADDR4(&to, a.byte[12], a.byte[13], a.byte[14], a.byte[15]);
    return is_v4(a);
}

} // namespace net
