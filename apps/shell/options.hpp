// Options: the words of a command that begin with `-`, read in the same way for all commands.
// SPDX-License-Identifier: BSD-2-Clause
//
// What a command knows is a list: "l,n:,name:". One letter is `-l`, several `-lr`, more letters `--name` or `-name`; with
// a colon a value follows: `-n 3`, `-n3`, `--name X`, `--name=X`; and where there is "n:", `-3` is `-n 3`. Options may
// stand behind other words, but not behind `--`, nor, if the list begins with '+', behind the first other word. The list
// "*" takes every word as it is. `--help` is known everywhere.
#pragma once

#include <array>
#include <span>
#include <string_view>

#include "lexer.hpp"

namespace shell {

class Options {
  public:
    static constexpr u32 kMost = 12;

    // Puts all other words into `operands`, which has room for as many as there are. False: `error` says what is wrong
    // with one.
    bool read(std::string_view known, std::span<const std::string_view> words,
              std::span<std::string_view> operands, Message &error);

    u32 operands() const { return operands_; }
    bool help() const { return help_; }
    bool has(std::string_view name) const;
    std::string_view value(std::string_view name) const; // Of the last one; empty: none.

    struct Option {
        std::string_view name, value;
    };
    std::span<const Option> all() const { return {option_.data(), count_}; }

  private:
    bool read_word(std::string_view known, std::span<const std::string_view> words, std::size_t &at,
                   Message &error);
    bool read_letters(std::string_view known, std::span<const std::string_view> words,
                      std::size_t &at, Message &error);
    bool add(std::string_view name, std::string_view value, Message &error);

    std::array<Option, kMost> option_{};
    u32 count_ = 0, operands_ = 0;
    bool help_ = false;
};

} // namespace shell
