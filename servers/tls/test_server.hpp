// A TLS server in the test's own process, and certificates made for it.
// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include "servers/tls/tls.hpp"

#include <catch2/catch.hpp>
#include <functional>
#include <string>
#include <vector>

namespace tls_test {

inline int random(void *, unsigned char *to, std::size_t size) {
    return psa_generate_random(to, size) == PSA_SUCCESS ? 0 : -1;
}

struct Key {
    Key() {
        mbedtls_pk_init(&pk);
        REQUIRE(mbedtls_pk_setup(&pk, mbedtls_pk_info_from_type(MBEDTLS_PK_ECKEY)) == 0);
        REQUIRE(mbedtls_ecp_gen_key(MBEDTLS_ECP_DP_SECP256R1, mbedtls_pk_ec(pk), random, nullptr) ==
                0);
    }
    Key(const Key &) = delete;
    Key &operator=(const Key &) = delete;
    ~Key() { mbedtls_pk_free(&pk); }

    mbedtls_pk_context pk;
};

struct Paper {
    std::string name, issuer;
    std::string host; // Empty: it signs others.
    const char *from = "20250101000000", *until = "20350101000000";
    bool authority = false;
};

// As DER.
inline std::vector<u8> sign(const Paper &paper, Key &of, Key &by) {
    mbedtls_x509write_cert writer;
    mbedtls_x509write_crt_init(&writer);
    mbedtls_x509write_crt_set_version(&writer, MBEDTLS_X509_CRT_VERSION_3);
    mbedtls_x509write_crt_set_md_alg(&writer, MBEDTLS_MD_SHA256);
    mbedtls_x509write_crt_set_subject_key(&writer, &of.pk);
    mbedtls_x509write_crt_set_issuer_key(&writer, &by.pk);
    unsigned char serial[] = {1};
    REQUIRE(mbedtls_x509write_crt_set_serial_raw(&writer, serial, 1) == 0);
    REQUIRE(mbedtls_x509write_crt_set_subject_name(&writer, ("CN=" + paper.name).c_str()) == 0);
    REQUIRE(mbedtls_x509write_crt_set_issuer_name(&writer, ("CN=" + paper.issuer).c_str()) == 0);
    REQUIRE(mbedtls_x509write_crt_set_validity(&writer, paper.from, paper.until) == 0);
    REQUIRE(mbedtls_x509write_crt_set_basic_constraints(&writer, paper.authority, -1) == 0);
    std::string host = paper.host;
    mbedtls_x509_san_list names{};
    names.node.type = MBEDTLS_X509_SAN_DNS_NAME;
    names.node.san.unstructured_name = {0, host.size(),
                                        reinterpret_cast<unsigned char *>(host.data())};
    if (!host.empty()) {
        REQUIRE(mbedtls_x509write_crt_set_subject_alternative_name(&writer, &names) == 0);
    }
    std::vector<u8> room(2000);
    int size = mbedtls_x509write_crt_der(&writer, room.data(), room.size(), random, nullptr);
    mbedtls_x509write_crt_free(&writer);
    REQUIRE(size > 0);
    return {room.end() - size, room.end()};
}

inline std::string pem(const std::vector<u8> &der) {
    constexpr char kDigits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    std::string text = "-----BEGIN CERTIFICATE-----\n";
    for (std::size_t i = 0; i < der.size(); i += 3) {
        u32 three = 0;
        for (std::size_t k = 0; k < 3; k++) {
            three = three * 256 + (i + k < der.size() ? der[i + k] : 0);
        }
        for (std::size_t k = 0; k < 4; k++) {
            text += i + k > der.size() ? '=' : kDigits[three >> (18 - 6 * k) & 63];
        }
        text += i % 48 == 45 ? "\n" : "";
    }
    return text + "\n-----END CERTIFICATE-----\n";
}

// The server, and the wire to it: it does its part whenever the client waits.
class Server : public tls::Wire {
  public:
    Server(const std::vector<std::vector<u8>> &chain, Key &key,
           mbedtls_ssl_protocol_version version = MBEDTLS_SSL_VERSION_TLS1_3) {
        mbedtls_ssl_init(&ssl_);
        mbedtls_ssl_config_init(&config_);
        mbedtls_x509_crt_init(&chain_);
        for (const std::vector<u8> &der : chain) {
            REQUIRE(mbedtls_x509_crt_parse_der(&chain_, der.data(), der.size()) == 0);
        }
        REQUIRE(mbedtls_ssl_config_defaults(&config_, MBEDTLS_SSL_IS_SERVER,
                                            MBEDTLS_SSL_TRANSPORT_STREAM,
                                            MBEDTLS_SSL_PRESET_DEFAULT) == 0);
        mbedtls_ssl_conf_rng(&config_, random, nullptr);
        mbedtls_ssl_conf_max_tls_version(&config_, version);
        REQUIRE(mbedtls_ssl_conf_own_cert(&config_, &chain_, &key.pk) == 0);
        REQUIRE(mbedtls_ssl_setup(&ssl_, &config_) == 0);
        mbedtls_ssl_set_bio(&ssl_, this, on_send, on_receive, nullptr);
    }
    Server(const Server &) = delete;
    Server &operator=(const Server &) = delete;
    virtual ~Server() {
        mbedtls_ssl_free(&ssl_);
        mbedtls_ssl_config_free(&config_);
        mbedtls_x509_crt_free(&chain_);
    }

    sel::Result<std::size_t> send(std::span<const u8> bytes) override {
        if (broken) {
            return ERR_TIMEOUT;
        }
        to_server_.append(reinterpret_cast<const char *>(bytes.data()), bytes.size());
        return bytes.size();
    }
    sel::Result<std::size_t> receive(std::span<u8> room) override {
        if (broken) {
            return ERR_TIMEOUT;
        }
        work();
        std::size_t size = std::min({room.size(), to_client_.size(), piece, left});
        std::copy_n(to_client_.begin(), size, room.begin());
        for (std::size_t i = 0; damage && i < size; i++) {
            room[i] = damage(given_ + i, room[i]);
        }
        given_ += size;
        left -= size;
        to_client_.erase(0, size);
        return size;
    }

    std::string heard() { return heard_; }

    std::string answer = "hello"; // To the first that is heard.
    bool says_goodbye = true, broken = false;
    std::size_t piece = 7000, left = ~std::size_t{0};
    std::function<u8(std::size_t, u8)> damage;

  private:
    void work() {
        int state = answered_ ? 0 : mbedtls_ssl_handshake(&ssl_);
        unsigned char room[2000];
        int got = state == 0 && !answered_ ? mbedtls_ssl_read(&ssl_, room, sizeof room) : 0;
        if (got <= 0) {
            return;
        }
        heard_.append(reinterpret_cast<const char *>(room), static_cast<std::size_t>(got));
        for (std::size_t done = 0; done < answer.size();) {
            int put = mbedtls_ssl_write(&ssl_, reinterpret_cast<const u8 *>(answer.data()) + done,
                                        answer.size() - done);
            REQUIRE(put > 0);
            done += static_cast<std::size_t>(put);
        }
        answered_ = true;
        if (says_goodbye) {
            mbedtls_ssl_close_notify(&ssl_);
        }
    }

    static int on_send(void *self, const unsigned char *bytes, std::size_t size) {
        static_cast<Server *>(self)->to_client_.append(reinterpret_cast<const char *>(bytes), size);
        return static_cast<int>(size);
    }
    static int on_receive(void *self, unsigned char *to, std::size_t size) {
        std::string &from = static_cast<Server *>(self)->to_server_;
        size = std::min(size, from.size());
        std::copy_n(from.begin(), size, to);
        from.erase(0, size);
        return size == 0 ? MBEDTLS_ERR_SSL_WANT_READ : static_cast<int>(size);
    }

    mbedtls_ssl_context ssl_;
    mbedtls_ssl_config config_;
    mbedtls_x509_crt chain_;
    std::string to_server_, to_client_, heard_;
    std::size_t given_ = 0;
    bool answered_ = false;
};

} // namespace tls_test
