// What Mbed TLS asks of its surroundings: memory, time, random numbers, an end when it has lost itself.
// SPDX-License-Identifier: BSD-2-Clause
#include "port.hpp"

namespace tls {

namespace {

Surroundings surroundings;
bool is_started = false;

// Source: Hinnant, chrono-compatible low-level date algorithms, civil_from_days.
struct tm *split(int64_t seconds, struct tm *to) {
    constexpr int64_t kDay = 86'400, kDaysOfEra = 146'097, kToEpoch = 719'468;
    int64_t days = seconds / kDay - (seconds % kDay < 0 ? 1 : 0);
    int64_t rest = seconds - days * kDay, z = days + kToEpoch;
    int64_t era = (z >= 0 ? z : z - kDaysOfEra + 1) / kDaysOfEra;
    int64_t day = z - era * kDaysOfEra;
    int64_t year = (day - day / 1460 + day / 36'524 - day / 146'096) / 365;
    int64_t of_year = day - (365 * year + year / 4 - year / 100);
    int64_t month = (5 * of_year + 2) / 153;
    *to = {};
    to->tm_mday = static_cast<int>(of_year - (153 * month + 2) / 5 + 1);
    to->tm_mon = static_cast<int>(month < 10 ? month + 2 : month - 10);
    to->tm_year = static_cast<int>(year + era * 400 + (to->tm_mon < 2 ? 1 : 0) - 1900);
    to->tm_hour = static_cast<int>(rest / 3600);
    to->tm_min = static_cast<int>(rest / 60 % 60);
    to->tm_sec = static_cast<int>(rest % 60);
    return to;
}

} // namespace

bool started() {
    return is_started;
}

bool now(u64 &seconds) {
    return surroundings.now(seconds);
}

sel::Result<> start(std::span<u8> heap, const Surroundings &s) {
    if (is_started) {
        return ERR_EXISTS;
    }
    if (heap.size() < kHeapLeast) {
        return ERR_MEMORY;
    }
    surroundings = s;
    mbedtls_memory_buffer_alloc_init(heap.data(), heap.size());
    u8 first = 0; // psa_crypto_init() itself asks for none.
    if (psa_crypto_init() != PSA_SUCCESS ||
        psa_generate_random(&first, sizeof first) != PSA_SUCCESS) {
        mbedtls_psa_crypto_free();
        mbedtls_memory_buffer_alloc_free();
        return ERR_BUSY;
    }
    is_started = true;
    return {};
}

} // namespace tls

extern "C" {

psa_status_t mbedtls_psa_external_get_random(mbedtls_psa_external_random_context_t *, u8 *to,
                                             size_t size, size_t *done) {
    *done = 0;
    if (!tls::surroundings.random({to, size})) {
        return PSA_ERROR_INSUFFICIENT_ENTROPY;
    }
    *done = size;
    return PSA_SUCCESS;
}

// connect() has seen before that there is a clock. One that has gone since makes every certificate one of tomorrow.
int64_t tls_time(int64_t *to) {
    u64 seconds = 0;
    int64_t time = tls::now(seconds) ? static_cast<int64_t>(seconds) : 0;
    if (to != nullptr) {
        *to = time;
    }
    return time;
}

mbedtls_ms_time_t mbedtls_ms_time(void) {
    return tls_time(nullptr) * 1000;
}

struct tm *mbedtls_platform_gmtime_r(const mbedtls_time_t *seconds, struct tm *to) {
    return tls::split(*seconds, to);
}

void mbedtls_platform_zeroize(void *at, size_t size) {
    auto *byte = static_cast<volatile u8 *>(at);
    for (size_t i = 0; i < size; i++) {
        byte[i] = 0;
    }
}

// Its heap is damaged: a fault, which the supervisor reports.
void tls_stop(int) {
    __builtin_trap();
}

#ifndef SEL_HOST
// For texts about certificates, which nobody asks for here: it always fails.
int tls_snprintf(char *text, size_t size, const char *, ...) {
    if (size != 0) {
        *text = 0;
    }
    return -1;
}

char *strncpy(char *__restrict to, const char *__restrict from, size_t size) {
    size_t i = 0;
    for (; i < size && from[i] != 0; i++) {
        to[i] = from[i];
    }
    for (; i < size; i++) {
        to[i] = 0;
    }
    return to;
}

// <string.h> declares it as two overloads of C++.
const char *find_text(const char *in, const char *what) asm("strstr");
const char *find_text(const char *in, const char *what) {
    std::string_view text{in};
    std::size_t at = text.find(what);
    return at == std::string_view::npos ? nullptr : in + at;
}
#endif

} // extern "C"
