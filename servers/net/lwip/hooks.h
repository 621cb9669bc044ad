/* What lwIP asks of us while it runs.
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef NET_LWIP_HOOKS_H
#define NET_LWIP_HOOKS_H

#include "lwip/ip_addr.h"

#ifdef __cplusplus
extern "C" {
#endif
/* The first sequence number of a connection (RFC 6528): random.hpp. */
u32_t net_initial_sequence(const ip_addr_t *local, u16_t local_port, const ip_addr_t *remote,
                           u16_t remote_port);
#ifdef __cplusplus
}
#endif

#endif
