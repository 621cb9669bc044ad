/* How lwIP is built: one thread, IPv4, everything out of pools of fixed size.
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef NET_LWIPOPTS_H
#define NET_LWIPOPTS_H

#define NO_SYS 1
#define SYS_LIGHTWEIGHT_PROT 0
#define LWIP_NETCONN 0
#define LWIP_SOCKET 0
#define LWIP_TIMERS 1

/* Memory: nothing else is allocated. Received frames stay in the buffers of the card (pbuf_custom). */
#define MEM_LIBC_MALLOC 0
#define MEMP_MEM_MALLOC 0
#define MEM_ALIGNMENT 8
#define MEM_SIZE (192 * 1024) /* What is to be sent. */
#define LWIP_SUPPORT_CUSTOM_PBUF 1
#define PBUF_POOL_SIZE 4
#define MEMP_NUM_PBUF 64
#define MEMP_NUM_TCP_PCB 80
#define MEMP_NUM_TCP_PCB_LISTEN 16
#define MEMP_NUM_TCP_SEG 320
#define MEMP_NUM_UDP_PCB 66
#define MEMP_NUM_RAW_PCB 8
#define MEMP_NUM_REASSDATA 4
#define MEMP_NUM_FRAG_PBUF 16
#define IP_REASS_MAX_PBUFS 16
#define ARP_TABLE_SIZE 32
#define ARP_QUEUEING 0

#define LWIP_IPV4 1
#define LWIP_IPV6 0
#define LWIP_ICMP 1
#define LWIP_RAW 1
#define LWIP_UDP 1
#define LWIP_DHCP 1
#define LWIP_DHCP_DOES_ACD_CHECK 0
#define LWIP_ACD 0
#define LWIP_DNS 1
#define DNS_TABLE_SIZE 4
#define DNS_MAX_SERVERS 2
#define LWIP_BROADCAST_PING 0
#define IP_FORWARD 0

/* A window fits into what a socket keeps for its client (sockets.hpp). */
#define LWIP_TCP 1
#define TCP_MSS 1460
#define LWIP_DISABLE_TCP_SANITY_CHECKS                                                             \
    1 /* It wants the window to fit into PBUF_POOL; frames are elsewhere. */
#define TCP_WND (5 * TCP_MSS)
#define TCP_SND_BUF (8 * TCP_MSS)
#define TCP_SND_QUEUELEN 32
#define TCP_QUEUE_OOSEQ 1
#define TCP_OOSEQ_MAX_PBUFS 8
#define TCP_LISTEN_BACKLOG 1
#define LWIP_TCP_KEEPALIVE 1

#define LWIP_NETIF_HOSTNAME 1
#define LWIP_NETIF_TX_SINGLE_PBUF 0
#define LWIP_HAVE_LOOPIF 1
#define LWIP_NETIF_LOOPBACK 1
#define LWIP_LOOPBACK_MAX_PBUFS 32
#define LWIP_CHECKSUM_CTRL_PER_NETIF 1
#define LWIP_CHKSUM_ALGORITHM 3

/* Nobody outside can tell the next sequence number, port or identifier. */
#define LWIP_RANDOMIZE_INITIAL_LOCAL_PORTS 1
#define LWIP_HOOK_FILENAME "servers/net/lwip/hooks.h"
#define LWIP_HOOK_TCP_ISN net_initial_sequence

#define LWIP_STATS 1
#define LWIP_STATS_DISPLAY 0
#define MEM_STATS 1
#define MEMP_STATS 1

#endif
