// Output: where text goes: the terminal, a pipe, a file (streams.hpp).
// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <span>
#include <string_view>

#include "servers/stream/api.hpp"

#include "sel/bytes.hpp"
#include "sel/format.hpp"

namespace shell {

class Output {
  public:
    virtual void write(std::string_view text) = 0;
    // Shows what has been kept back, before somebody else writes.
    virtual void flush() {}
    // Text of one line that is shown as what it is, where there are colours.
    virtual void styled(stream::Style, std::string_view text) { write(text); }
    // "error: ...", a line.
    template <typename... Ts>
    void print_error(std::string_view pattern, const Ts &...values) {
        sel::Text<kPrintMax> text{"error: "};
        sel::format(text, pattern, values...);
        styled(stream::Style::Error, text);
        write("\n");
    }
    // What a person is to type behind.
    virtual void prompt(std::string_view text) { write(text); }
    // Empties the screen, if there is one.
    virtual void clear() {}
    // What is written is lost: nobody reads any more, or the disk is full.
    virtual bool broken() const { return false; }
    // The pipe that it goes to; 0: none.
    virtual u32 pipe() const { return 0; }
    virtual bool is_terminal() const { return false; }

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
