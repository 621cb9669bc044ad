// ChaCha20 and BLAKE2s against the vectors of their RFCs; the generator; what tests of health find, and what not.
// SPDX-License-Identifier: BSD-2-Clause
#include "generator.hpp"
#include "health.hpp"

#include <catch2/catch.hpp>
#include <random>
#include <string>
#include <vector>

using namespace rng;

namespace {

std::string hex(std::span<const u8> bytes) {
    std::string text;
    for (u8 byte : bytes) {
        text += "0123456789abcdef"[byte / 16];
        text += "0123456789abcdef"[byte % 16];
    }
    return text;
}

Key counting_key() {
    Key key{};
    for (u32 i = 0; i < key.size(); i++) {
        key[i] = static_cast<u8>(i);
    }
    return key;
}

std::string digest(std::string_view text) {
    Blake2s hash;
    hash.add({reinterpret_cast<const u8 *>(text.data()), text.size()});
    return hex(hash.finish());
}

std::vector<u8> good_bytes(std::size_t count, u32 seed = 1) {
    std::mt19937_64 random{seed};
    std::vector<u8> bytes(count);
    for (u8 &byte : bytes) {
        byte = static_cast<u8>(random() >> 56);
    }
    return bytes;
}

// How many bytes of `next(i)` are taken before it fails, `most` at most.
template <typename Next>
u32 survives(Next next, u32 most = 100'000) {
    Health health;
    for (u32 i = 0; i < most; i++) {
        u8 byte = static_cast<u8>(next(i));
        if (!health.take({&byte, 1})) {
            return i;
        }
    }
    return most;
}

} // namespace

TEST_CASE("ChaCha20: RFC 8439, 2.1.1 and 2.3.2", "[random]") {
    Words words{0x11111111, 0x01020304, 0x9b8d6f43, 0x01234567};
    quarter_round(words, 0, 1, 2, 3);
    CHECK(words[0] == 0xea2a92f4);
    CHECK(words[1] == 0xcb1cf8ce);
    CHECK(words[2] == 0x4581472e);
    CHECK(words[3] == 0x5881c4bb);
    Block block = chacha20_block(counting_key(), 1, {0, 0, 0, 9, 0, 0, 0, 0x4a, 0, 0, 0, 0});
    CHECK(hex(block) == "10f1e7e4d13b5915500fdd1fa32071c4c7d1f4c733c068030422aa9ac3d46c4e"
                        "d2826446079faa0914c2d705d98b02a2b5129cd1de164eb9cbd083e8a2503c4e");
}

TEST_CASE("ChaCha20: RFC 8439, A.1", "[random]") {
    CHECK(hex(chacha20_block({}, 0, {})) ==
          "76b8e0ada0f13d90405d6ae55386bd28bdd219b8a08ded1aa836efcc8b770dc7"
          "da41597c5157488d7724e03fb8d84a376a43b8f41518a11cc387b669b2ee6586");
    CHECK(hex(chacha20_block({}, 1, {})) ==
          "9f07e7be5551387a98ba977c732d080dcb0f29a048e3656912c6533e32ee7aed"
          "29b721769ce64e43d57133b074d839d531ed1f28510afb45ace10a1f4b794d6f");
}

TEST_CASE("BLAKE2s: RFC 7693, and the vectors of its authors", "[random]") {
    CHECK(digest("abc") == "508c5e8c327c14e2e1a72ba34eeb452f37458b209ed63a294d999b4c86675982");
    CHECK(digest("") == "69217a3079908094e11121d042354a7c1f55b6482ca1a51e1b250dfd1ed0eef9");
    std::string text(200, 'x'); // In pieces of any length.
    Blake2s pieces;
    for (std::size_t at = 0, step = 1; at < text.size(); at += step, step = step * 2 % 67) {
        std::size_t count = std::min(step, text.size() - at);
        pieces.add({reinterpret_cast<const u8 *>(text.data() + at), count});
    }
    CHECK(hex(pieces.finish()) == digest(text));
}

TEST_CASE("a key is used once", "[random]") {
    Generator generator;
    Key seed = counting_key();
    generator.seed(seed);
    std::vector<u8> first(256), second(256), again(256);
    generator.fill(first);
    generator.fill(second);
    CHECK(first != second);
    Generator same;
    same.seed(seed);
    same.fill(again);
    CHECK(again == first);
    // What it holds now is the first half of the block that came before: none of that went out.
    Blake2s hash;
    hash.add(Key{});
    hash.add(seed);
    Key key = hash.finish();
    Block block = chacha20_block(key, 0, {});
    std::string out = hex(first);
    CHECK(out.substr(0, 64) == hex(std::span{block}.last(32)));
    CHECK(out.find(hex(std::span{block}.first(32))) == std::string::npos);
    CHECK(out.substr(64, 128) == hex(chacha20_block(key, 1, {})));
}

TEST_CASE("any length, and each one another stream", "[random]") {
    Generator generator;
    generator.seed(counting_key());
    std::vector<std::string> seen;
    for (u32 count = 1; count <= 256; count++) {
        std::vector<u8> out(count + 2, 0xaa);
        generator.fill(std::span{out}.subspan(1, count));
        REQUIRE(out.front() == 0xaa);
        REQUIRE(out.back() == 0xaa);
        if (count >= 16) {
            seen.push_back(hex(std::span{out}.subspan(1, 16)));
        }
    }
    std::sort(seen.begin(), seen.end());
    CHECK(std::adjacent_find(seen.begin(), seen.end()) == seen.end());
}

TEST_CASE("a seed that is known takes nothing away", "[random]") {
    Generator one, other;
    Key secret = counting_key();
    one.seed(secret);
    secret[0]++;
    other.seed(secret);
    one.seed(Key{});
    other.seed(Key{});
    std::vector<u8> a(32), b(32);
    one.fill(a);
    other.fill(b);
    CHECK(a != b);
}

TEST_CASE("good bytes are good", "[random]") {
    for (u32 seed = 1; seed <= 20; seed++) {
        Health health;
        REQUIRE(health.take(good_bytes(100'000, seed)));
        REQUIRE(health.started());
    }
    Health health;
    CHECK(health.take(good_bytes(Health::kStartBytes - 1)));
    CHECK_FALSE(health.started());
}

TEST_CASE("bytes that are none", "[random]") {
    std::vector<u8> good = good_bytes(1 << 20);
    CHECK(survives([](u32) { return 0; }) == Health::kRepeats - 1);
    CHECK(survives([](u32) { return 0xff; }) == Health::kRepeats - 1);
    CHECK(survives([](u32 i) { return i % 2; }) < 200); // The proportion.
    CHECK(survives([](u32 i) { return i % 7; }) < Health::kWindow);
    CHECK(survives([](u32 i) { return i; }) < 300); // The memory: a counter.
    CHECK(survives([](u32 i) { return i * 37; }) < 300);
    for (u32 period : {8u, 64u, 256u, 512u}) { // A buffer that comes again.
        CHECK(survives([&](u32 i) { return good[i % period]; }) < 2 * period + 8);
    }
    CHECK(survives([&](u32 i) { return i < 5000 ? good[i] : 7; }) < 5010); // It stops later.
    CHECK(survives([&](u32 i) { return i % 5 == 0 ? good[i] : 3; }) < Health::kWindow);
    // Half of them are the same: more than what is believed.
    CHECK(survives([&](u32 i) { return good[2 * i] % 2 == 0 ? 9 : good[2 * i + 1]; }) < 1024);
}

TEST_CASE("what has failed stays so", "[random]") {
    Health health;
    std::vector<u8> zeros(64);
    CHECK_FALSE(health.take(zeros));
    CHECK_FALSE(health.take(good_bytes(10'000)));
}
