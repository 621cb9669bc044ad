// lwIP's headers, with those of its names changed that are names of ours, too.
// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include "abi/error.h"

#define ERR_ARG LWIP_ERR_ARG
#define ERR_TIMEOUT LWIP_ERR_TIMEOUT
#include "lwip/dhcp.h"
#include "lwip/dns.h"
#include "lwip/etharp.h"
#include "lwip/icmp.h"
#include "lwip/inet_chksum.h"
#include "lwip/init.h"
#include "lwip/ip.h"
#include "lwip/netif.h"
#include "lwip/pbuf.h"
#include "lwip/priv/memp_priv.h"
#include "lwip/priv/tcp_priv.h"
#include "lwip/raw.h"
#include "lwip/stats.h"
#include "lwip/tcp.h"
#include "lwip/timeouts.h"
#include "lwip/udp.h"
#include "netif/ethernet.h"
#undef ERR_ARG
#undef ERR_TIMEOUT
