// ConsoleOutput: the terminal; what is written is collected, and sent when it is asked for or the buffer is full.
// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <array>

#include "output.hpp"
#include "system.hpp"

#include "servers/stream/api.hpp"

#include "sel/printable.hpp"

namespace shell {

class ConsoleOutput final : public Output {
  public:
    explicit ConsoleOutput(System &system) : system_{system} {}

    void write(std::string_view text) override {
        for (char c : text) {
            printable_.put(c, [this](char shown) { put(shown); });
        }
    }
    void styled(stream::Style style, std::string_view text) override {
        flush();
        if (text.size() > stream::kStyledMax || !system_.print_styled(style, text)) {
            write(text);
        }
    }
    void flush() override {
        if (size_ > 0) {
            system_.print({buffer_.data(), size_});
            size_ = 0;
        }
    }
    void prompt(std::string_view text) override {
        flush();
        system_.show_prompt(text);
    }
    void clear() override {
        flush();
        system_.clear_screen();
    }
    bool is_terminal() const override { return true; }

  private:
    void put(char c) {
        constexpr u32 kLongest = 4; // Bytes of a character: it is not parted.
        bool begins = (static_cast<u8>(c) & 0xc0) != 0x80;
        if (begins && size_ + kLongest > buffer_.size()) {
            flush();
        }
        buffer_[size_++] = c;
    }

    System &system_;
    // Whole characters, as the terminal wants them.
    sel::Printable printable_{"\a\b\t\n\r", '?'};
    std::array<char, stream::kChunk> buffer_;
    u32 size_ = 0;
};

} // namespace shell
