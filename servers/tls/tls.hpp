// Tls: a connection to a server that has shown who it is, over bytes that anybody may have touched.
// SPDX-License-Identifier: BSD-2-Clause
//
//   tls::start(heap, {random, now});                  once a program
//   tls::Client c; c.trust(pem); c.connect(wire, "host.example");
//   c.send_all(text); while (auto got = c.receive(room); got && *got != 0) ...; c.finish();
//   if (!done) say(c.why());
// TLS 1.2 and 1.3. connect() is good only if the server's certificate leads to one that is trusted, is valid today and is
// of this name; there is no way to leave that out. After an error only why() and another connect() are of use.
#pragma once

#include <span>

#include "sel/format.hpp"
#include "sel/result.hpp"

#include "servers/tls/mbedtls.hpp"

namespace tls {

inline constexpr std::size_t kHeapLeast = 128 * 1024; // For a connection and 20 certificates.
inline constexpr u32 kRecordsMost = 64;               // Without content, on end.

// The bytes below. They wait as long as they want to.
class Wire {
  public:
    // How many were taken, at least one.
    virtual sel::Result<std::size_t> send(std::span<const u8> bytes) = 0;
    // How many came; 0: the other side has finished.
    virtual sel::Result<std::size_t> receive(std::span<u8> room) = 0;

  protected:
    ~Wire() = default;
};

struct Surroundings {
    bool (*random)(
        std::span<u8>
            room); // Fills it with numbers that nobody knows (servers/random); false: there are none.
    bool (*now)(u64 &seconds); // Since 1970, by the wall clock; false: there is none.
};

// `heap` is all the memory that is ever used. ERR_EXISTS: it was called before. ERR_MEMORY: too small.
// ERR_BUSY: there are no random numbers.
sel::Result<> start(std::span<u8> heap, const Surroundings &surroundings);

// A reason in words.
using Why = sel::Text<200>;

class Client {
  public:
    Client();
    Client(const Client &) = delete;
    Client &operator=(const Client &) = delete;
    ~Client();

    // Certificates whose word is taken, as PEM: at least one, and all of them whole, or ERR_ARG.
    sel::Result<> trust(std::string_view pem);

    // ERR_RIGHT: the certificate is not good. ERR_IO: this is no TLS, or the other side refused. ERR_BUSY: there are no
    // random numbers, or no wall clock. ERR_ARG: nothing is trusted, or this is no name. Those of `wire`.
    sel::Result<> connect(Wire &wire, std::string_view name);

    sel::Result<> send_all(std::string_view text);
    // 0: the other side has said that this was all. ERR_IO: it was cut off, or changed on its way.
    sel::Result<std::size_t> receive(std::span<u8> room);
    // Says that this was all.
    void finish();

    // What went wrong last: of which certificate, and why.
    std::string_view why() const { return why_; }

  private:
    static int on_send(void *self, const unsigned char *bytes, std::size_t size);
    static int on_receive(void *self, unsigned char *bytes, std::size_t size);
    static int on_certificate(void *self, mbedtls_x509_crt *certificate, int depth, u32 *flags);

    sel::Result<> set_up(std::string_view name);
    sel::Result<> failed(int code);
    void reset();

    mbedtls_ssl_context ssl_;
    mbedtls_ssl_config config_;
    mbedtls_x509_crt trusted_;
    Wire *wire_ = nullptr;
    error_t wire_error_ = OK;
    bool open_ = false;
    u32 certificates_ = 0; // That are not good.
    Why why_, refused_;
};

} // namespace tls
