// Uart: a 16550 serial port, driven by its interrupt, with a ring for each direction.
// SPDX-License-Identifier: BSD-2-Clause
//
// Receive: bytes wait in the chip while the input ring is full (its receive interrupt is off until
// there is room again), so a sender that heeds flow control loses nothing; what the chip itself
// lost is counted. Transmit: its interrupt is on exactly while the output ring holds bytes.
// Source of the register facts: National Semiconductor PC16550D data sheet, section 8.
#pragma once

#include <span>
#include <string_view>

#include "sel/ring.hpp"

#include "abi/types.h"

namespace console {

// Ports: `u8 in(unsigned)` and `void out(unsigned, u8)` on register 0..7.
template <typename Ports>
class Uart {
  public:
    static constexpr std::size_t kInput = 4096;
    static constexpr std::size_t kOutput = 8192;

    explicit Uart(Ports ports) : ports_{ports} {}

    // 115,200 baud, 8 data bits, no parity, 1 stop bit; FIFOs on and empty; interrupt line on. A port that is not there
    // takes all, and nothing arrives.
    void start() {
        there_ = keeps(0x5a) && keeps(0xa5);
        if (!there_) {
            return;
        }
        ports_.out(kInterruptEnable, 0);
        ports_.out(kLineControl, kDivisorAccess);
        ports_.out(kData, 1);
        ports_.out(kInterruptEnable, 0);
        ports_.out(kLineControl, kEightBits);
        ports_.out(kFifoControl, kFifoReset);
        ports_.out(kModemControl, kReadyAndInterrupt);
        update_interrupts();
    }

    // Moves what can be moved between the rings and the chip.
    void service() {
        if (!there_) {
            return;
        }
        receive();
        transmit();
        update_interrupts();
    }

    // The line interrupted, and its interrupt is unmasked again. The line is edge-triggered: taking
    // it down for a moment makes a new edge of whatever the chip still has to say.
    void interrupted() {
        if (!there_) {
            return;
        }
        receive();
        transmit();
        ports_.out(kInterruptEnable, 0);
        enabled_ = 0;
        update_interrupts();
    }

    // Copies the oldest bytes that have arrived; how many those are.
    std::size_t peek(std::span<u8> out) const {
        std::size_t count = out.size() < input_.size() ? out.size() : input_.size();
        for (std::size_t i = 0; i < count; i++) {
            out[i] = input_[i];
        }
        return count;
    }
    // Takes the oldest `count` of them away: at most what peek() said.
    void drop(std::size_t count) {
        input_.drop(count);
        service();
    }

    // Byte `i` of those that have arrived, of input().
    std::size_t input() const { return input_.size(); }
    u8 typed(std::size_t i) const { return input_[i]; }

    // Queues bytes, '\n' as "\r\n"; the number of bytes of `text` that had room.
    std::size_t write(std::string_view text) {
        std::size_t count = there_ ? 0 : text.size();
        while (count < text.size() && output_.room() >= 2) {
            if (text[count] == '\n') {
                output_.put('\r');
            }
            output_.put(static_cast<u8>(text[count++]));
        }
        service();
        return count;
    }

    // As if it had arrived; false: there is no room.
    bool type(u8 byte) { return input_.put(byte); }

    bool is_there() const { return there_; }
    bool can_read() const { return !input_.empty(); }
    // For one character at least, which has up to four bytes.
    bool can_write() const { return output_.room() >= 8; }
    std::size_t room() const { return output_.room(); }
    bool idle() const { return output_.empty(); }
    u32 lost() const { return lost_; } // Times that the chip reported an overrun.

  private:
    enum Register : unsigned {
        kData,
        kInterruptEnable,
        kFifoControl,
        kLineControl,
        kModemControl,
        kLineStatus,
        kScratch = 7 // Keeps what is written, and does nothing else.
    };
    enum : u8 {
        kDivisorAccess = 0x80,
        kEightBits = 0x03,
        kFifoReset = 0x07,         // On, both emptied, interrupt at 1 byte.
        kReadyAndInterrupt = 0x0b, // DTR, RTS, OUT2.
        kDataReady = 0x01,
        kOverrun = 0x02,
        kTransmitterEmpty = 0x20,
        kReceiveInterrupt = 0x01,
        kTransmitInterrupt = 0x02
    };
    static constexpr unsigned kFifoBytes = 16;
    static constexpr unsigned kReceiveMost =
        256; // Bytes a call, so that a fast sender cannot hold us.

    bool keeps(u8 value) {
        ports_.out(kScratch, value);
        return ports_.in(kScratch) == value;
    }

    void receive() {
        for (unsigned i = 0; i < kReceiveMost && input_.room() > 0; i++) {
            u8 status = ports_.in(kLineStatus);
            lost_ += (status & kOverrun) != 0 ? 1 : 0;
            if ((status & kDataReady) == 0) {
                return;
            }
            input_.put(ports_.in(kData));
        }
    }

    void transmit() {
        if (output_.empty() || (ports_.in(kLineStatus)&kTransmitterEmpty) == 0) {
            return;
        }
        for (unsigned i = 0; i < kFifoBytes && !output_.empty(); i++) {
            ports_.out(kData, output_.take());
        }
    }

    void update_interrupts() {
        u8 wanted = 0;
        wanted |= input_.room() > 0 ? kReceiveInterrupt : 0;
        wanted |= output_.empty() ? 0 : kTransmitInterrupt;
        if (wanted != enabled_) {
            enabled_ = wanted;
            ports_.out(kInterruptEnable, wanted);
        }
    }

    Ports ports_;
    bool there_ = false;
    u8 enabled_ = 0;
    u32 lost_ = 0;
    sel::Ring<u8, kInput> input_;
    sel::Ring<u8, kOutput> output_;
};

} // namespace console
