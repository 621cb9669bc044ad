// Tests of the serial port driver against a model of the chip.
// SPDX-License-Identifier: BSD-2-Clause
#include "uart.hpp"

#include <catch2/catch.hpp>
#include <deque>
#include <memory>
#include <string>

namespace {

struct Chip {
    std::deque<u8> arriving;
    std::string sent;
    u8 interrupt_enable = 0;
    u8 line_control = 0;
    unsigned fifo = 0; // Bytes in the transmit FIFO.
    bool overrun = false;
    bool there = true;
    u8 scratch = 0;

    // Does the chip hold the interrupt line?
    bool interrupts() const {
        return ((interrupt_enable & 1) != 0 && !arriving.empty()) ||
               ((interrupt_enable & 2) != 0 && fifo == 0);
    }
};

struct Ports {
    Chip *chip;

    u8 in(unsigned reg) {
        if (reg == 0) {
            REQUIRE(!chip->arriving.empty());
            u8 byte = chip->arriving.front();
            chip->arriving.pop_front();
            return byte;
        }
        if (reg == 7) {
            return chip->there ? chip->scratch : 0xff;
        }
        REQUIRE(reg == 5);
        REQUIRE(chip->there);
        u8 status = (chip->arriving.empty() ? 0 : 1) | (chip->overrun ? 2 : 0) |
                    (chip->fifo == 0 ? 0x20 : 0);
        chip->overrun = false;
        return status;
    }
    void out(unsigned reg, u8 value) {
        if (reg == 0 && (chip->line_control & 0x80) == 0) {
            REQUIRE(chip->fifo < 16);
            chip->fifo++;
            chip->sent += static_cast<char>(value);
        } else if (reg == 1 && (chip->line_control & 0x80) == 0) {
            chip->interrupt_enable = value;
        } else if (reg == 3) {
            chip->line_control = value;
        } else if (reg == 7) {
            chip->scratch = value;
        }
    }
};

struct Fixture {
    Chip chip;
    std::unique_ptr<console::Uart<Ports>> uart =
        std::make_unique<console::Uart<Ports>>(Ports{&chip});

    Fixture() { uart->start(); }
    std::size_t write(std::string_view text) { return uart->write(text); }
    std::string read(std::size_t most = 100000) {
        std::string out(most, '?');
        out.resize(uart->peek({reinterpret_cast<u8 *>(out.data()), most}));
        uart->drop(out.size());
        return out;
    }
    void arrive(std::string_view text) {
        chip.arriving.insert(chip.arriving.end(), text.begin(), text.end());
    }
    void settle() {
        for (int i = 0; i < 10000 && (chip.fifo > 0 || chip.interrupts()); i++) {
            chip.fifo = 0;
            uart->service();
        }
    }
};

} // namespace

TEST_CASE_METHOD(Fixture, "output leaves in order, line ends become CR LF", "[console]") {
    CHECK(write("one\ntwo") == 7);
    settle();
    CHECK(chip.sent == "one\r\ntwo");
    CHECK(uart->idle());
    CHECK(chip.interrupt_enable == 1);
}

TEST_CASE_METHOD(Fixture, "output is bounded and goes on when there is room", "[console]") {
    std::string big(20000, 'x');
    std::size_t taken = write(big);
    CHECK(taken >= console::Uart<Ports>::kOutput - 1);
    CHECK(taken < big.size());
    taken += write(big);
    CHECK(write(big) == 0);
    CHECK(!uart->can_write());
    CHECK((chip.interrupt_enable & 2) != 0);
    settle();
    CHECK(uart->can_write());
    CHECK(chip.sent == std::string(chip.sent.size(), 'x'));
    CHECK(chip.sent.size() >= taken);
}

TEST_CASE_METHOD(Fixture, "input waits in the chip while the ring is full", "[console]") {
    std::string sent;
    for (int i = 0; i < 10000; i++) {
        sent += static_cast<char>('a' + i % 26);
    }
    arrive(sent);
    for (int i = 0; i < 100 && chip.interrupts(); i++) {
        uart->service();
    }
    CHECK(!chip.interrupts());
    CHECK(!chip.arriving.empty());
    std::string got;
    for (int i = 0; i < 100 && got.size() < sent.size(); i++) {
        got += read(1000);
        while (chip.interrupts()) {
            uart->service();
        }
    }
    CHECK(got == sent);
    CHECK(uart->lost() == 0);
}

TEST_CASE_METHOD(Fixture, "overruns of the chip are counted", "[console]") {
    CHECK(!uart->can_read());
    chip.overrun = true;
    arrive("x");
    uart->service();
    CHECK(uart->lost() == 1);
    CHECK(read() == "x");
    CHECK(read().empty());
}

TEST_CASE_METHOD(Fixture, "a port that is not there takes all and says nothing", "[console]") {
    chip = {};
    chip.there = false;
    uart->start();
    arrive(std::string(100, '\xff')); // What is read where nothing is.
    CHECK(!uart->is_there());
    CHECK(write(std::string(100000, 'x')) == 100000);
    CHECK(uart->idle());
    CHECK(uart->can_write());
    uart->service();
    uart->interrupted();
    CHECK(!uart->can_read());
    CHECK(uart->type('k')); // Somebody else's keyboard.
    CHECK(read() == "k");
}

TEST_CASE_METHOD(Fixture, "what is typed elsewhere comes in its turn, and is bounded",
                 "[console]") {
    arrive("a");
    uart->service();
    CHECK(uart->type('b'));
    arrive("c");
    uart->service();
    CHECK(read() == "abc");
    for (std::size_t i = 0; i < console::Uart<Ports>::kInput; i++) {
        REQUIRE(uart->type('x'));
    }
    CHECK_FALSE(uart->type('y'));
    CHECK(read() == std::string(console::Uart<Ports>::kInput, 'x'));
}
