// Tests of the decoder: every key, what nobody presses, and bytes that mean nothing.
// SPDX-License-Identifier: BSD-2-Clause
#include "decoder.hpp"

#include <catch2/catch.hpp>

#include <random>
#include <set>
#include <string>
#include <vector>

namespace {

using Bytes = std::vector<u8>;

constexpr u8 kUp = 0x80, kMore = 0xe0, kShift = 0x2a, kRightShift = 0x36, kControl = 0x1d,
             kAlt = 0x38;
constexpr u8 kCapitals = 0x3a, kNumbers = 0x45;

struct Fixture {
    ps2::Decoder decoder{ps2::kUs};

    std::string take(const Bytes &bytes) {
        std::string text;
        for (u8 byte : bytes) {
            text += std::string_view{decoder.take(byte)};
        }
        return text;
    }
    std::string press(u8 key) { return take({key, static_cast<u8>(key | kUp)}); }
    std::string press_more(u8 key) { return take({kMore, key, kMore, static_cast<u8>(key | kUp)}); }
};

} // namespace

TEST_CASE_METHOD(Fixture, "every character key, plain and with shift", "[ps2]") {
    struct Row {
        u8 first;
        std::string plain, shift;
    };
    const Row rows[] = {{0x02, "1234567890-=", "!@#$%^&*()_+"},
                        {0x10, "qwertyuiop[]", "QWERTYUIOP{}"},
                        {0x1e, "asdfghjkl;'`", "ASDFGHJKL:\"~"},
                        {0x2b, "\\zxcvbnm,./", "|ZXCVBNM<>?"},
                        {0x39, " ", " "}};
    for (const Row &row : rows) {
        for (u8 i = 0; i < row.plain.size(); i++) {
            u8 key = static_cast<u8>(row.first + i);
            CHECK(press(key) == row.plain.substr(i, 1));
            for (u8 shift : {kShift, kRightShift}) {
                take({shift});
                CHECK(press(key) == row.shift.substr(i, 1));
                take({static_cast<u8>(shift | kUp)});
            }
        }
    }
    std::set<char> typed;
    for (const ps2::KeyText &entry : ps2::kUs) {
        typed.insert(static_cast<char>(entry.plain));
        typed.insert(static_cast<char>(entry.shift));
    }
    CHECK(typed.size() == 95); // All of ASCII.
}

TEST_CASE_METHOD(Fixture, "keys that are no characters", "[ps2]") {
    CHECK(press(0x01) == "\x1b");
    CHECK(press(0x0e) == "\x7f");
    CHECK(press(0x0f) == "\t");
    CHECK(press(0x1c) == "\r");
    CHECK(press_more(0x1c) == "\r");
    CHECK(press_more(0x35) == "/");
    CHECK(press_more(0x48) == "\x1b[A");
    CHECK(press_more(0x50) == "\x1b[B");
    CHECK(press_more(0x4d) == "\x1b[C");
    CHECK(press_more(0x4b) == "\x1b[D");
    CHECK(press_more(0x47) == "\x1b[H");
    CHECK(press_more(0x4f) == "\x1b[F");
    CHECK(press_more(0x53) == "\x1b[3~");
    CHECK(press(0x3b) == "\x1bOP");
    CHECK(press(0x58) == "\x1b[24~");
    CHECK(press_more(0x5b).empty()); // The key with a window on it.
}

TEST_CASE_METHOD(Fixture, "Num Lock says what the keys of the pad are", "[ps2]") {
    CHECK(press(0x48) == "\x1b[A");
    CHECK(press(0x4c).empty());
    take({kShift});
    CHECK(press(0x48) == "8");
    take({kShift | kUp});
    CHECK(press(kNumbers).empty());
    CHECK(decoder.lights() == ps2::LIGHT_NUMBERS);
    CHECK(press(0x47) + press(0x48) + press(0x49) + press(0x4a) + press(0x4b) + press(0x4c) +
              press(0x4d) + press(0x4e) + press(0x4f) + press(0x50) + press(0x51) + press(0x52) +
              press(0x53) ==
          "789-456+1230.");
    take({kShift});
    CHECK(press(0x4b) == "\x1b[D");
    take({kShift | kUp});
    CHECK(press_more(0x4b) == "\x1b[D"); // The other one has no digit.
}

TEST_CASE_METHOD(Fixture, "Caps Lock is for letters, and locks once", "[ps2]") {
    CHECK(press(kCapitals).empty());
    CHECK(decoder.lights() == ps2::LIGHT_CAPITALS);
    CHECK(press(0x1e) + press(0x02) == "A1");
    take({kShift});
    CHECK(press(0x1e) + press(0x02) == "a!");
    take({kShift | kUp});
    take({kCapitals, kCapitals, kCapitals, kCapitals | kUp}); // Held, it repeats.
    CHECK(decoder.lights() == 0);
    CHECK(press(0x1e) == "a");
}

TEST_CASE_METHOD(Fixture, "control characters and Alt", "[ps2]") {
    take({kControl});
    CHECK(press(0x2e) == "\x03");
    CHECK(press(0x20) == "\x04");
    CHECK(press(0x2c) == "\x1a");
    CHECK(press(0x1a) == "\x1b");
    CHECK(press(0x39) == std::string(1, '\0'));
    CHECK(press(0x02) == "1");
    take({kControl | kUp, kMore, kControl});
    CHECK(press(0x16) == "\x15");
    take({kMore, kControl | kUp, kAlt});
    CHECK(press(0x30) == "\x1b"
                         "b");
    CHECK(press_more(0x48) == "\x1b\x1b[A");
    take({kAlt | kUp});
    CHECK(press(0x30) == "b");
}

TEST_CASE_METHOD(Fixture, "two shifts are two keys", "[ps2]") {
    take({kShift, kRightShift, kShift | kUp});
    CHECK(press(0x1e) == "A");
    take({kRightShift | kUp});
    CHECK(press(0x1e) == "a");
}

TEST_CASE_METHOD(Fixture, "shifts that nobody pressed change nothing", "[ps2]") {
    CHECK(take({kMore, kShift, kMore, 0x48, kMore, 0xc8, kMore, kShift | kUp}) == "\x1b[A");
    take({kShift});
    CHECK(take({kMore, kShift | kUp, kMore, 0x48, kMore, 0xc8, kMore, kShift}) == "\x1b[A");
    CHECK(press(0x1e) == "A");
}

TEST_CASE_METHOD(Fixture, "Pause is no key", "[ps2]") {
    CHECK(take({0xe1, 0x1d, 0x45, 0xe1, 0x9d, 0xc5}).empty());
    CHECK(decoder.lights() == 0);
    CHECK(press(0x1e) == "a");
}

TEST_CASE_METHOD(Fixture, "a keyboard that has lost something holds no key", "[ps2]") {
    for (u8 lost : {u8{0x00}, u8{0xff}}) {
        take({kShift, kControl, kAlt, lost});
        CHECK(press(0x1e) == "a");
        CHECK(take({0xe1, lost, 0x1e}) == "a"); // In the middle of a sequence, too.
        CHECK(take({kMore, lost, 0x1e}) == "a");
    }
}

TEST_CASE_METHOD(Fixture, "all single codes: what goes up types nothing", "[ps2]") {
    for (u32 byte = 1; byte < 255; byte++) {
        ps2::Decoder fresh{ps2::kUs};
        std::string plain{std::string_view{fresh.take(static_cast<u8>(byte))}};
        CHECK(plain.size() <= ps2::Typed::kCapacity);
        if (byte >= kUp) {
            CHECK(plain.empty());
        }
        ps2::Decoder more{ps2::kUs};
        [[maybe_unused]] auto prefix = more.take(kMore);
        std::string text{std::string_view{more.take(static_cast<u8>(byte))}};
        CHECK((byte < kUp || text.empty()));
    }
}

TEST_CASE("bytes of no meaning leave no key down for ever", "[ps2]") {
    std::mt19937 random{3};
    for (u32 round = 0; round < 2000; round++) {
        Fixture f;
        for (u32 i = random() % 50; i != 0; i--) {
            u8 byte = static_cast<u8>(random() % 4 == 0 ? kMore + random() % 2 : random());
            CHECK(f.take({byte}).size() <= ps2::Typed::kCapacity);
        }
        f.take({0x00});
        std::string text = f.press(0x1e);
        CHECK((text == "a" || text == "A")); // Caps Lock may be on.
    }
}
