// What lwIP asks of its surroundings: time, random numbers, an end when it has lost itself.
// SPDX-License-Identifier: BSD-2-Clause
#include "port.hpp"

#include "api.hpp"
#include "lwip.hpp"
#include "servers/net/lwip/hooks.h"

#include "sel/clock.hpp"

#include <cpuid.h>

namespace net {

u64 now_us() {
    static const sel::Clock clock = sel::clock();
    return clock.nanoseconds(sel::now()) / 1000;
}

Random &random() {
    static Random random;
    return random;
}

namespace {

bool has_generator() {
    constexpr u32 kRdrand = 1u << 30;
    u32 a = 0, b = 0, c = 0, d = 0;
    return __get_cpuid(1, &a, &b, &c, &d) != 0 && (c & kRdrand) != 0;
}

bool draw(u64 &word) {
    constexpr u32 kTries = 10; // As Intel's manual says (SDM 1, 7.3.17.1).
    for (u32 i = 0; i < kTries; i++) {
        bool good = false;
        asm volatile("rdrand %0" : "=r"(word), "=@ccc"(good));
        if (good) {
            return true;
        }
    }
    return false;
}

} // namespace

bool make_key(Key &key) {
    key = {sel::now(), ~sel::now()};
    u64 low = 0, high = 0;
    bool drawn = has_generator() && draw(low) && draw(high);
    const u64 words[] = {low, high, sel::now()};
    key = {key.low ^ low, key.high ^ high};
    key.low ^= sip_hash(key, words);
    return drawn;
}

} // namespace net

extern "C" {

void net_assertion_failed(const char *what) {
    // The text is in a register for who looks at the report.
    asm volatile("ud2" : : "D"(what));
    __builtin_unreachable();
}

uint32_t net_random(void) {
    return net::random().next();
}

uint32_t net_now_ms(void) {
    return static_cast<uint32_t>(net::now_us() / 1000);
}

int net_number(const char *digits) {
    u32 number = 0;
    return net::read_number(digits, 1 << 16, number) ? static_cast<int>(number) : 0;
}

u32_t sys_now(void) {
    return net_now_ms();
}

u32_t net_initial_sequence(const ip_addr_t *local, u16_t local_port, const ip_addr_t *remote,
                           u16_t remote_port) {
    const u64 ends[2] = {u64{ip_2_ip4(local)->addr} << 32 | ip_2_ip4(remote)->addr,
                         u64{local_port} << 16 | remote_port};
    return net::random().sequence(ends, net::now_us());
}

} // extern "C"
