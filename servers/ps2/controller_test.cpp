// Tests of the i8042 driver against a model of controller and keyboard, also of those that do everything wrong.
// SPDX-License-Identifier: BSD-2-Clause
#include "controller.hpp"

#include <catch2/catch.hpp>

#include <deque>
#include <random>
#include <vector>

namespace {

struct Model {
    bool there = true, full = false; // full: it never takes a byte.
    u8 self_test = 0x55, keyboard_test = 0x00, reply = 0xfa;
    bool keyboard = true;
    std::deque<u8> output{0x1e, 0x9e}; // Typed before anybody was there.
    u8 mode = 0, expects_for = 0;
    bool keyboard_on = true;
    std::vector<u8> to_keyboard;
    u64 reads = 0;
    bool noise = false; // Answers whatever.
    std::mt19937 random{5};

    u8 status() {
        reads++;
        if (noise) {
            return static_cast<u8>(random());
        }
        return there ? static_cast<u8>((output.empty() ? 0 : 1) | (full ? 2 : 0)) : 0xff;
    }
    u8 data() {
        if (noise) {
            return static_cast<u8>(random());
        }
        REQUIRE(!output.empty());
        u8 byte = output.front();
        output.pop_front();
        return byte;
    }
    void command(u8 value) {
        switch (value) {
        case 0xad:
            keyboard_on = false;
            break;
        case 0xae:
            keyboard_on = true;
            break;
        case 0xaa:
            mode = 0; // It may forget.
            output.push_back(self_test);
            break;
        case 0xab:
            output.push_back(keyboard_test);
            break;
        case 0x60:
            expects_for = value;
            break;
        default:
            break;
        }
    }
    void send(u8 value) {
        if (expects_for == 0x60) {
            mode = value;
            expects_for = 0;
        } else if (keyboard) {
            to_keyboard.push_back(value);
            output.push_back(reply);
        }
    }
};

struct Ports {
    Model *model;
    u8 status() { return model->status(); }
    u8 data() { return model->data(); }
    void command(u8 value) { model->command(value); }
    void send(u8 value) { model->send(value); }
};

struct Fixture {
    Model model;
    ps2::Controller<Ports> controller{Ports{&model}};
    std::vector<u8> keys;

    void drain() {
        controller.drain([&](u8 byte) { keys.push_back(byte); });
    }
};

using Bytes = std::vector<u8>;

} // namespace

TEST_CASE_METHOD(Fixture, "the keyboard is set up, and what came before is gone", "[ps2]") {
    REQUIRE(controller.start());
    CHECK(model.keyboard_on);
    CHECK(model.mode == 0x65); // Interrupt 1, translation; no interrupt 12, the mouse's clock off.
    CHECK(model.to_keyboard == Bytes{0xf4});
    drain();
    CHECK(keys.empty());
    model.output = {0x1e, 0x9e, 0xe0, 0x48};
    drain();
    CHECK(keys == Bytes{0x1e, 0x9e, 0xe0, 0x48});
    CHECK(model.output.empty());
}

TEST_CASE_METHOD(Fixture, "no controller, and one that fails its tests, are refused", "[ps2]") {
    SECTION("none") {
        model.there = false;
    }
    SECTION("self test") {
        model.self_test = 0xfc;
    }
    SECTION("keyboard's line") {
        model.keyboard_test = 0x01;
    }
    CHECK_FALSE(controller.start());
    CHECK(model.reads < 3 * controller.kTries);
}

TEST_CASE_METHOD(Fixture, "no keyboard yet is no reason to give up", "[ps2]") {
    model.keyboard = false;
    CHECK(controller.start());
    CHECK(model.reads < 3 * controller.kTries);
}

TEST_CASE_METHOD(Fixture, "a controller that takes nothing costs a bounded time", "[ps2]") {
    model.full = true;
    CHECK(controller.start()); // It answers, at least.
    CHECK(model.reads < 20 * controller.kTries);
}

TEST_CASE_METHOD(Fixture, "lights are told once, between keys", "[ps2]") {
    REQUIRE(controller.start());
    model.to_keyboard.clear();
    controller.set_lights(4);
    model.output.push_back(0x1e);
    drain();
    drain();
    CHECK(model.to_keyboard == Bytes{0xed, 4});
    CHECK(keys == Bytes{0x1e}); // The answers are no keys.
    controller.set_lights(4);
    drain();
    CHECK(model.to_keyboard.size() == 2);
}

TEST_CASE_METHOD(Fixture, "a keyboard that wants all again gets it a few times", "[ps2]") {
    REQUIRE(controller.start());
    model.to_keyboard.clear();
    model.reply = 0xfe;
    controller.set_lights(2);
    for (int i = 0; i < 20; i++) {
        drain();
    }
    CHECK(model.to_keyboard == Bytes{0xed, 0xed, 0xed, 0xed});
    model.reply = 0xfa;
    controller.set_lights(0);
    drain();
    CHECK(model.to_keyboard.back() == 0);
}

TEST_CASE_METHOD(Fixture, "answers that nobody asked for change nothing", "[ps2]") {
    REQUIRE(controller.start());
    model.to_keyboard.clear();
    model.output = {0xfa, 0xfe, 0xfa, 0x1e};
    drain();
    CHECK(model.to_keyboard.empty());
    CHECK(keys == Bytes{0x1e});
}

TEST_CASE_METHOD(Fixture, "a stream without end is taken in pieces", "[ps2]") {
    REQUIRE(controller.start());
    model.output.assign(10000, 0x1e);
    drain();
    CHECK(keys.size() == controller.kBurst);
}

TEST_CASE_METHOD(Fixture, "noise ends", "[ps2]") {
    model.noise = true;
    for (int i = 0; i < 50; i++) {
        model.reads = 0;
        [[maybe_unused]] bool started = controller.start();
        controller.set_lights(static_cast<u8>(i % 8));
        drain();
        CHECK(model.reads < 30 * u64{controller.kTries});
    }
}
