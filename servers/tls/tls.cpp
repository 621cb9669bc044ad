// Tls: the life of a connection, and why it is refused.
// SPDX-License-Identifier: BSD-2-Clause
#include "tls.hpp"

#include "port.hpp"

#include "sel/printable.hpp"

#include <algorithm>

namespace tls {

namespace {

// For Mbed TLS, whose other generators are not built.
int random(void *, unsigned char *to, std::size_t size) {
    return psa_generate_random(to, size) == PSA_SUCCESS ? 0 : MBEDTLS_ERR_SSL_NO_RNG;
}

std::string_view text_of(const mbedtls_asn1_buf &bytes) {
    return {reinterpret_cast<const char *>(bytes.p), bytes.len};
}

// What people call it: its common name, or nothing.
std::string_view common_name(const mbedtls_x509_name &subject) {
    constexpr std::string_view kCommonName{MBEDTLS_OID_AT_CN, 3};
    for (const mbedtls_x509_name *part = &subject; part != nullptr; part = part->next) {
        if (part->oid.p != nullptr && text_of(part->oid) == kCommonName) {
            return text_of(part->val);
        }
    }
    return {};
}

void append_name(Why &to, std::string_view name) {
    constexpr std::size_t kShown = 60;
    for (char c : name.substr(0, kShown)) {
        to.append(c >= ' ' && c < 0x7f ? c : '?');
    }
}

// The first of them that matters.
std::string_view reason(u32 flags) {
    constexpr struct {
        u32 flag;
        std::string_view text;
    } kReasons[] = {
        {MBEDTLS_X509_BADCERT_CN_MISMATCH, "is of another name"},
        {MBEDTLS_X509_BADCERT_EXPIRED, "has expired"},
        {MBEDTLS_X509_BADCERT_FUTURE, "is not valid yet"},
        {MBEDTLS_X509_BADCERT_NOT_TRUSTED, "is signed by nobody who is trusted"},
        {MBEDTLS_X509_BADCERT_BAD_MD, "is signed in a way that can be forged"},
        {MBEDTLS_X509_BADCERT_BAD_PK, "is signed in a way that can be forged"},
        {MBEDTLS_X509_BADCERT_BAD_KEY, "has a key that can be guessed"},
        {MBEDTLS_X509_BADCERT_KEY_USAGE, "is for another use"},
        {MBEDTLS_X509_BADCERT_EXT_KEY_USAGE, "is for another use"},
        {MBEDTLS_X509_BADCERT_NS_CERT_TYPE, "is for another use"},
    };
    for (const auto &r : kReasons) {
        if ((flags & r.flag) != 0) {
            return r.text;
        }
    }
    return "is not good";
}

std::string_view describe(int code) {
    switch (code) {
    case MBEDTLS_ERR_SSL_INVALID_RECORD:
    case MBEDTLS_ERR_SSL_UNEXPECTED_MESSAGE:
    case MBEDTLS_ERR_SSL_DECODE_ERROR:
    case MBEDTLS_ERR_SSL_BAD_PROTOCOL_VERSION:
    case MBEDTLS_ERR_SSL_UNSUPPORTED_EXTENSION:
        return "the other side does not speak TLS 1.2 or 1.3";
    case MBEDTLS_ERR_SSL_INVALID_MAC:
        return "the bytes were changed on their way";
    case MBEDTLS_ERR_SSL_CONN_EOF:
        return "the connection was cut off";
    case MBEDTLS_ERR_SSL_FATAL_ALERT_MESSAGE:
        return "the other side refused";
    case MBEDTLS_ERR_SSL_ALLOC_FAILED:
    case MBEDTLS_ERR_X509_ALLOC_FAILED:
        return "no memory is left";
    case MBEDTLS_ERR_SSL_NO_RNG:
        return "there are no random numbers";
    case MBEDTLS_ERR_SSL_HANDSHAKE_FAILURE:
        return "no way to talk that both sides know";
    default:
        return "TLS failed";
    }
}

} // namespace

Client::Client() {
    mbedtls_ssl_init(&ssl_);
    mbedtls_ssl_config_init(&config_);
    mbedtls_x509_crt_init(&trusted_);
}

Client::~Client() {
    reset();
    mbedtls_x509_crt_free(&trusted_);
}

void Client::reset() {
    mbedtls_ssl_free(&ssl_);
    mbedtls_ssl_config_free(&config_);
    mbedtls_ssl_init(&ssl_);
    mbedtls_ssl_config_init(&config_);
    open_ = false;
    wire_error_ = OK;
    certificates_ = 0;
    why_.clear();
    refused_.clear();
}

sel::Result<> Client::trust(std::string_view pem) {
    // Mbed TLS takes text that ends with a zero: a copy of it, in its own heap.
    if (!started()) {
        return ERR_BUSY;
    }
    auto *text = static_cast<unsigned char *>(mbedtls_calloc(1, pem.size() + 1));
    if (text == nullptr) {
        return ERR_MEMORY;
    }
    std::copy(pem.begin(), pem.end(), text);
    int bad = mbedtls_x509_crt_parse(&trusted_, text, pem.size() + 1);
    mbedtls_free(text);
    return bad == 0 ? OK : bad == MBEDTLS_ERR_X509_ALLOC_FAILED ? ERR_MEMORY : ERR_ARG;
}

int Client::on_send(void *self, const unsigned char *bytes, std::size_t size) {
    auto *client = static_cast<Client *>(self);
    sel::Result<std::size_t> sent = client->wire_->send({bytes, size});
    client->wire_error_ = sent.error();
    return sent ? static_cast<int>(*sent) : MBEDTLS_ERR_SSL_INTERNAL_ERROR;
}

int Client::on_receive(void *self, unsigned char *bytes, std::size_t size) {
    auto *client = static_cast<Client *>(self);
    sel::Result<std::size_t> got = client->wire_->receive({bytes, size});
    client->wire_error_ = got.error();
    return got ? static_cast<int>(*got) : MBEDTLS_ERR_SSL_INTERNAL_ERROR;
}

// Called from the top of the chain down, the server's own (depth 0) last.
int Client::on_certificate(void *self, mbedtls_x509_crt *certificate, int depth, u32 *flags) {
    auto *client = static_cast<Client *>(self);
    if (*flags != 0 && client->certificates_++ == 0) {
        client->refused_.append(depth == 0 ? "the certificate " : "the issuer's certificate ");
        append_name(client->refused_, common_name(certificate->subject));
        client->refused_.append(" ");
        client->refused_.append(reason(*flags));
    }
    return 0;
}

sel::Result<> Client::set_up(std::string_view name) {
    constexpr std::size_t kNameMost = 255;
    u64 seconds = 0;
    if (!started() || !now(seconds)) {
        why_.append("there is no clock that tells which certificates are valid");
        return ERR_BUSY;
    }
    char text[kNameMost + 1] = {};
    if (trusted_.version == 0 || name.empty() || name.size() > kNameMost ||
        name.find('\0') != std::string_view::npos) {
        why_.append(trusted_.version == 0 ? "no certificate is trusted" : "that is no name");
        return ERR_ARG;
    }
    std::copy(name.begin(), name.end(), text);
    int bad = mbedtls_ssl_config_defaults(&config_, MBEDTLS_SSL_IS_CLIENT,
                                          MBEDTLS_SSL_TRANSPORT_STREAM, MBEDTLS_SSL_PRESET_DEFAULT);
    mbedtls_ssl_conf_authmode(&config_, MBEDTLS_SSL_VERIFY_REQUIRED);
    mbedtls_ssl_conf_ca_chain(&config_, &trusted_, nullptr);
    mbedtls_ssl_conf_rng(&config_, random, nullptr);
    mbedtls_ssl_conf_verify(&config_, on_certificate, this);
    bad = bad == 0 ? mbedtls_ssl_setup(&ssl_, &config_) : bad;
    bad = bad == 0 ? mbedtls_ssl_set_hostname(&ssl_, text) : bad;
    mbedtls_ssl_set_bio(&ssl_, this, on_send, on_receive, nullptr);
    return bad == 0 ? sel::Result<>{} : failed(bad);
}

sel::Result<> Client::failed(int code) {
    open_ = false;
    why_.clear();
    if (wire_error_ != OK) {
        why_.append(sel::describe(wire_error_));
        return wire_error_;
    }
    if (code == MBEDTLS_ERR_X509_CERT_VERIFY_FAILED && !refused_.view().empty()) {
        why_.append(refused_);
        return ERR_RIGHT;
    }
    why_.append(describe(code));
    return code == MBEDTLS_ERR_SSL_NO_RNG ? ERR_BUSY
           : code == MBEDTLS_ERR_SSL_ALLOC_FAILED || code == MBEDTLS_ERR_X509_ALLOC_FAILED
               ? ERR_MEMORY
               : ERR_IO;
}

sel::Result<> Client::connect(Wire &wire, std::string_view name) {
    reset();
    wire_ = &wire;
    if (sel::Result<> done = set_up(name); !done) {
        return done;
    }
    if (int bad = mbedtls_ssl_handshake(&ssl_); bad != 0) {
        return failed(bad);
    }
    // VERIFY_REQUIRED has done this; what a caller relies on is asked twice.
    if (mbedtls_ssl_get_verify_result(&ssl_) != 0) {
        return failed(MBEDTLS_ERR_X509_CERT_VERIFY_FAILED);
    }
    open_ = true;
    return {};
}

sel::Result<> Client::send_all(std::string_view text) {
    while (open_ && !text.empty()) {
        int sent = mbedtls_ssl_write(&ssl_, reinterpret_cast<const unsigned char *>(text.data()),
                                     text.size());
        if (sent <= 0) {
            return failed(sent);
        }
        text.remove_prefix(static_cast<std::size_t>(sent));
    }
    return open_ ? OK : ERR_IO;
}

sel::Result<std::size_t> Client::receive(std::span<u8> room) {
    for (u32 i = 0; open_ && i < kRecordsMost; i++) {
        int got = mbedtls_ssl_read(&ssl_, room.data(), room.size());
        if (got > 0) {
            return static_cast<std::size_t>(got);
        }
        if (got == MBEDTLS_ERR_SSL_PEER_CLOSE_NOTIFY) {
            return std::size_t{0};
        }
        // Tickets of TLS 1.3 are of no use here; a renegotiation is refused by the library.
        if (got != MBEDTLS_ERR_SSL_WANT_READ &&
            got != MBEDTLS_ERR_SSL_RECEIVED_NEW_SESSION_TICKET) {
            return failed(got == 0 ? MBEDTLS_ERR_SSL_CONN_EOF : got).error();
        }
    }
    return open_ ? failed(MBEDTLS_ERR_SSL_UNEXPECTED_MESSAGE).error() : ERR_IO;
}

void Client::finish() {
    if (open_) {
        [[maybe_unused]] int told = mbedtls_ssl_close_notify(&ssl_);
    }
    open_ = false;
}

} // namespace tls
