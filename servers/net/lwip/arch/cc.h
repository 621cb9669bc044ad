/* What lwIP is told of this machine and of who runs it.
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef NET_LWIP_CC_H
#define NET_LWIP_CC_H

#include <limits.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/types.h>

#ifndef SSIZE_MAX
#define SSIZE_MAX LONG_MAX /* Else lwIP makes a ssize_t of its own. */
#endif

#define BYTE_ORDER LITTLE_ENDIAN
#define LWIP_NO_CTYPE_H 1
#define LWIP_NO_INTTYPES_H 1
#define LWIP_NO_UNISTD_H 1
#define X8_F "x"
#define U16_F "u"
#define S16_F "d"
#define X16_F "x"
#define U32_F "u"
#define S32_F "d"
#define X32_F "x"
#define SZT_F "zu"

#ifdef __cplusplus
extern "C" {
#endif
/* port.cpp. An assertion that fails ends the program: a fault, which the supervisor reports. */
__attribute__((noreturn)) void net_assertion_failed(const char *what);
uint32_t net_random(void);
uint32_t net_now_ms(void);
int net_number(const char *digits); /* 0: it is none. */
#ifdef __cplusplus
}
#endif

#define atoi(digits) net_number(digits)
#define LWIP_RAND() net_random()
#define LWIP_PLATFORM_DIAG(x) ((void)0)
#define LWIP_PLATFORM_ASSERT(x) net_assertion_failed(x)

#endif
