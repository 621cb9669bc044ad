// Controller: the i8042 between a PS/2 keyboard and the processor. Holds no capability but through Ports.
// SPDX-License-Identifier: BSD-2-Clause
//
// Its mouse stays off. It translates to scan code set 1, which is what firmware that plays a PS/2 keyboard for a USB one
// gives, too. All waits are bounded: a controller that is not there, or answers nothing, costs the start kTries reads
// for each of a few steps. Source: IBM PS/2 Hardware Interface Technical Reference (1990), Keyboard and Auxiliary Device
// Controller; Keyboards, Commands from the system.
#pragma once

#include "abi/types.h"

namespace ps2 {

// Ports: `u8 status()`, `u8 data()`, `void command(u8)`, `void send(u8)`: ports 0x64 and 0x60, to read and to write.
template <typename Ports>
class Controller {
  public:
    static constexpr u32 kTries = 20000;
    static constexpr u32 kBurst = 256; // Bytes that are taken at a time.

    explicit constexpr Controller(Ports ports) : ports_{ports} {}

    // False: there is no controller, or it is broken. A keyboard may come later.
    bool start() {
        if (ports_.status() == kNothing) {
            return false;
        }
        tell(kDisableKeyboard);
        tell(kDisableMouse);
        for (u32 i = 0; i < kBurst && has_data(); i++) {
            ports_.data();
        }
        tell(kSelfTest);
        if (!answers(kSelfTestPassed)) {
            return false;
        }
        tell(kKeyboardTest);
        if (!answers(kKeyboardTestPassed)) {
            return false;
        }
        tell(kWriteMode);
        put(kMode);
        tell(kEnableKeyboard);
        put(kEnableScanning);
        [[maybe_unused]] bool there = answers(kAcknowledge);
        return true;
    }

    // take(byte) for each byte of keys that has arrived.
    template <typename Take>
    void drain(Take take) {
        for (u32 i = 0; i < kBurst && has_data(); i++) {
            u8 byte = ports_.data();
            if (byte == kAcknowledge || byte == kResend) {
                replied(byte);
            } else {
                take(byte);
            }
        }
    }

    // Lights of the keyboard (Light); the answers come with drain().
    void set_lights(u8 lights) {
        if (lights != wanted_) {
            wanted_ = lights;
            tries_ = 0;
            begin_lights();
        }
    }

  private:
    enum : u8 {
        kNothing = 0xff, // Where no device is.
        kOutputFull = 0x01,
        kInputFull = 0x02,
        kWriteMode = 0x60,
        kDisableMouse = 0xa7,
        kSelfTest = 0xaa,
        kKeyboardTest = 0xab,
        kDisableKeyboard = 0xad,
        kEnableKeyboard = 0xae,
        kSelfTestPassed = 0x55,
        kKeyboardTestPassed = 0x00,
        kMode = 0x01 | 0x04 | 0x20 |
                0x40, // Interrupt of the keyboard, system flag, mouse off, translation.
        kSetLights = 0xed,
        kEnableScanning = 0xf4,
        kAcknowledge = 0xfa,
        kResend = 0xfe
    };
    enum class Step : u8 { None, Command, Value };

    bool has_data() { return (ports_.status() & kOutputFull) != 0; }

    void wait_for_room() {
        for (u32 i = 0; i < kTries && (ports_.status() & kInputFull) != 0; i++) {
        }
    }
    void tell(u8 command) {
        wait_for_room();
        ports_.command(command);
    }
    void put(u8 byte) {
        wait_for_room();
        ports_.send(byte);
    }

    // Reads until this byte; what was on its way before it is gone.
    bool answers(u8 expected) {
        for (u32 i = 0; i < kTries; i++) {
            if (has_data() && ports_.data() == expected) {
                return true;
            }
        }
        return false;
    }

    void begin_lights() {
        step_ = Step::Command;
        put(kSetLights);
    }

    void replied(u8 reply) {
        constexpr u32 kTimes = 3;
        if (step_ == Step::None || (reply == kResend && ++tries_ > kTimes)) {
            step_ = Step::None;
        } else if (reply == kResend) {
            begin_lights();
        } else if (step_ == Step::Command) {
            step_ = Step::Value;
            put(wanted_);
        } else {
            step_ = Step::None;
        }
    }

    Ports ports_;
    u8 wanted_ = 0;
    u32 tries_ = 0;
    Step step_ = Step::None;
};

} // namespace ps2
