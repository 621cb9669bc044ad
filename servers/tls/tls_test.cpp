// Tls: servers that are who they say, servers that are not, and bytes that somebody has touched.
// SPDX-License-Identifier: BSD-2-Clause
#include "test_server.hpp"

#include <random>

using namespace tls_test;

namespace {

constexpr u64 kToday = 1'790'000'000; // September 2026.
bool there_is_random = true, there_is_time = true;
std::mt19937_64 numbers{1};

bool fill(std::span<u8> room) {
    for (u8 &byte : room) {
        byte = static_cast<u8>(numbers());
    }
    return there_is_random;
}

bool today(u64 &seconds) {
    seconds = kToday;
    return there_is_time;
}

// Memory that the client and the server of the test share.
alignas(16) u8 heap[1 << 20];

void begin() {
    static bool begun = false;
    if (!begun) {
        CHECK(tls::start(std::span{heap}.first(1000), {fill, today}).error() == ERR_MEMORY);
        there_is_random = false;
        CHECK(tls::start(heap, {fill, today}).error() == ERR_BUSY);
        there_is_random = true;
        REQUIRE(tls::start(heap, {fill, today}));
    }
    begun = true;
    CHECK(tls::start(heap, {fill, today}).error() == ERR_EXISTS);
}

// An authority, one that it has signed, and a server's of that one.
struct Chain {
    Chain() {
        root = sign({.name = "root", .issuer = "root", .host = "", .authority = true}, root_key,
                    root_key);
        middle = sign({.name = "middle", .issuer = "root", .host = "", .authority = true},
                      middle_key, root_key);
    }
    std::vector<std::vector<u8>> shown() { return {sign(own, key, middle_key), middle}; }

    Key root_key, middle_key, key;
    Paper own{.name = "server", .issuer = "middle", .host = "host.example"};
    std::vector<u8> root, middle;
};

struct Ready {
    Ready() { begin(); }
};

struct World : Ready, Chain {};

// What the client says of a server that shows this.
std::string refusal(World &w, const std::vector<std::vector<u8>> &shown,
                    mbedtls_ssl_protocol_version version) {
    Server server{shown, w.key, version};
    tls::Client client;
    REQUIRE(client.trust(pem(w.root)));
    sel::Result<> done = client.connect(server, "host.example");
    CHECK(done.error() == ERR_RIGHT);
    CHECK_FALSE(client.send_all("secret"));
    CHECK(server.heard().empty());
    return std::string{client.why()};
}

std::string read_all(tls::Client &client, sel::Result<> &end) {
    std::string text;
    u8 room[900];
    for (;;) {
        sel::Result<std::size_t> got = client.receive(room);
        end = got.error();
        if (!got || *got == 0) {
            return text;
        }
        text.append(reinterpret_cast<const char *>(room), *got);
    }
}

// The largest block that the heap still gives.
std::size_t largest() {
    std::size_t has = 0;
    for (std::size_t step = sizeof heap / 2; step >= 16; step /= 2) {
        void *block = mbedtls_calloc(1, has + step);
        has += block != nullptr ? step : 0;
        mbedtls_free(block);
    }
    return has;
}

const auto kVersions = {MBEDTLS_SSL_VERSION_TLS1_2, MBEDTLS_SSL_VERSION_TLS1_3};

} // namespace

TEST_CASE("a server that is who it says", "[tls]") {
    World w;
    for (auto version : kVersions) {
        for (std::size_t piece : {1, 100, 70'000}) {
            Server server{w.shown(), w.key, version};
            server.piece = piece;
            server.answer = std::string(50'000, 'x') + "end";
            tls::Client client;
            REQUIRE(client.trust(pem(w.root)));
            REQUIRE(client.connect(server, "host.example"));
            REQUIRE(client.send_all("GET /"));
            sel::Result<> end = ERR_IO;
            CHECK(read_all(client, end) == server.answer);
            CHECK(end);
            CHECK(server.heard() == "GET /");
            client.finish();
            CHECK_FALSE(client.send_all("more"));
        }
    }
}

TEST_CASE("servers that are not", "[tls]") {
    World w;
    Paper good = w.own;
    for (auto version : kVersions) {
        w.own = good;
        w.own.until = "20260101000000";
        CHECK(refusal(w, w.shown(), version) == "the certificate server has expired");
        w.own = good;
        w.own.from = "20300101000000";
        CHECK(refusal(w, w.shown(), version) == "the certificate server is not valid yet");
        w.own = good;
        w.own.host = "other.example";
        CHECK(refusal(w, w.shown(), version) == "the certificate server is of another name");
        w.own = good;
        CHECK(refusal(w, {w.shown()[0]}, version) ==
              "the certificate server is signed by nobody who is trusted");
        // A middle one that nobody trusted has signed, and one that may not sign.
        Key stranger;
        std::vector<u8> false_middle =
            sign({.name = "middle", .issuer = "root", .host = "", .authority = true}, w.middle_key,
                 stranger);
        CHECK(refusal(w, {w.shown()[0], false_middle}, version) ==
              "the issuer's certificate middle is signed by nobody who is trusted");
        std::vector<u8> no_authority =
            sign({.name = "middle", .issuer = "root", .host = ""}, w.middle_key, w.root_key);
        CHECK(refusal(w, {w.shown()[0], no_authority}, version) ==
              "the certificate server is signed by nobody who is trusted");
        std::vector<u8> old_middle = sign({.name = "middle",
                                           .issuer = "root",
                                           .host = "",
                                           .until = "20260101000000",
                                           .authority = true},
                                          w.middle_key, w.root_key);
        CHECK(refusal(w, {w.shown()[0], old_middle}, version) ==
              "the issuer's certificate middle has expired");
        CHECK(refusal(w,
                      {sign({.name = "a\tb", .issuer = "a", .host = "host.example"}, w.key, w.key)},
                      version) == "the certificate a?b is signed by nobody who is trusted");
    }
}

TEST_CASE("nothing is sent without trust, clock and numbers", "[tls]") {
    World w;
    Server server{w.shown(), w.key};
    tls::Client client;
    CHECK(client.connect(server, "host.example").error() == ERR_ARG);
    CHECK(client.why() == "no certificate is trusted");
    CHECK(client.trust("no certificate").error() == ERR_ARG);
    CHECK(client.trust("").error() == ERR_ARG);
    CHECK(client.trust(pem(w.root) + pem({1, 2, 3})).error() == ERR_ARG);
    CHECK(client.connect(server, "").error() == ERR_ARG);
    CHECK(client.connect(server, std::string(256, 'a')).error() == ERR_ARG);
    CHECK(client.connect(server, std::string_view{"host.example\0x", 14}).error() == ERR_ARG);
    there_is_time = false;
    CHECK(client.connect(server, "host.example").error() == ERR_BUSY);
    there_is_time = true;
    there_is_random = false;
    CHECK_FALSE(client.connect(server, "host.example"));
    there_is_random = true;
    CHECK(client.connect(server, "host.example"));
}

TEST_CASE("bytes cut off, changed, or late", "[tls]") {
    World w;
    for (auto version : kVersions) {
        for (std::size_t left : {0, 3, 5, 100, 600}) {
            Server server{w.shown(), w.key, version};
            server.left = left;
            tls::Client client;
            REQUIRE(client.trust(pem(w.root)));
            CHECK(client.connect(server, "host.example").error() == ERR_IO);
            CHECK(client.why() == "the connection was cut off");
        }
        Server server{w.shown(), w.key, version};
        server.says_goodbye = false; // Else an attacker could end a file where it suits.
        tls::Client client;
        REQUIRE(client.trust(pem(w.root)));
        REQUIRE(client.connect(server, "host.example"));
        REQUIRE(client.send_all("x"));
        sel::Result<> end;
        CHECK(read_all(client, end) == "hello");
        CHECK(end.error() == ERR_IO);
        CHECK(client.why() == "the connection was cut off");

        Server changing{w.shown(), w.key, version};
        REQUIRE(client.connect(changing, "host.example"));
        REQUIRE(client.send_all("x"));
        changing.damage = [](std::size_t, u8 byte) { return static_cast<u8>(byte ^ 1); };
        CHECK(read_all(client, end).empty());
        CHECK(end.error() == ERR_IO);

        Server late{w.shown(), w.key, version};
        late.broken = true;
        CHECK(client.connect(late, "host.example").error() == ERR_TIMEOUT);
    }
}

TEST_CASE("any answer ends, and memory comes back", "[tls]") {
    World w;
    std::vector<std::vector<u8>> shown = w.shown();
    std::size_t before = largest();
    u32 good = 0;
    for (u32 i = 0; i < 300; i++) {
        Server server{shown, w.key,
                      i % 2 == 0 ? MBEDTLS_SSL_VERSION_TLS1_2 : MBEDTLS_SSL_VERSION_TLS1_3};
        std::size_t at = numbers() % 1500;
        u8 with = static_cast<u8>(numbers() % 256);
        server.damage = [=](std::size_t place, u8 byte) { return place == at ? with : byte; };
        tls::Client client;
        REQUIRE(client.trust(pem(w.root)));
        sel::Result<> end = client.connect(server, "host.example");
        if (end) {
            good++;
            REQUIRE(client.send_all("x"));
            std::string text = read_all(client, end);
            REQUIRE((!end || text == "hello"));
        }
    }
    CHECK(good > 0);
    CHECK(good < 290);
    CHECK(largest() == before);
}

TEST_CASE("garbage", "[tls]") {
    class Garbage final : public tls::Wire {
      public:
        sel::Result<std::size_t> send(std::span<const u8> bytes) override { return bytes.size(); }
        sel::Result<std::size_t> receive(std::span<u8> room) override {
            std::size_t size = std::min(room.size(), left);
            left -= size;
            fill(room.first(size));
            // A head of a handshake record, often.
            constexpr u8 kHead[] = {22, 3, 3, 0, 60, 2, 0, 0, 56, 3, 3};
            for (std::size_t k = 0; k < size && at < deep; k++) {
                room[k] = kHead[at++];
            }
            return size;
        }
        std::size_t left = numbers() % 400, at = 0, deep = numbers() % 12;
    };
    World w;
    tls::Client client;
    REQUIRE(client.trust(pem(w.root)));
    for (u32 i = 0; i < 1000; i++) {
        Garbage garbage;
        REQUIRE_FALSE(client.connect(garbage, "host.example"));
        REQUIRE_FALSE(client.why().empty());
        std::string text(numbers() % 300, ' ');
        fill({reinterpret_cast<u8 *>(text.data()), text.size()});
        tls::Client other;
        REQUIRE_FALSE(other.trust("-----BEGIN CERTIFICATE-----\n" + text));
    }
}
