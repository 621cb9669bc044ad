// Output: where text goes: the console, or the next command of a pipe.
// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <span>
#include <string_view>

#include "sel/bytes.hpp"
#include "sel/format.hpp"

namespace shell {

class Output {
  public:
    virtual void write(std::string_view text) = 0;
    // Shows what has been kept back, before somebody else writes.
    virtual void flush() {}
    // Empties the screen (ECMA-48: cursor home, erase all), if there is one.
    virtual void clear() {}

    template <typename... Ts>
    void print(std::string_view pattern, const Ts &...values) {
        sel::Text<kPrintMax> text;
        sel::format(text, pattern, values...);
        write(text);
    }

  protected:
    ~Output() = default;

  private:
    static constexpr u32 kPrintMax = 1200;
};

// Collects text in memory that somebody else owns. What does not fit is left out, and cut() says so.
class MemoryOutput final : public Output {
  public:
    explicit MemoryOutput(std::span<char> memory) : memory_{memory} {}

    void write(std::string_view text) override {
        std::size_t room = memory_.size() - size_;
        std::size_t count = text.size() < room ? text.size() : room;
        text.copy(memory_.data() + size_, count);
        size_ += count;
        cut_ = cut_ || count < text.size();
    }
    std::string_view view() const { return {memory_.data(), size_}; }
    bool cut() const { return cut_; }

  private:
    std::span<char> memory_;
    std::size_t size_ = 0;
    bool cut_ = false;
};

} // namespace shell
