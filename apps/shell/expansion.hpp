// Expansion: words as they were typed become words as commands get them.
// SPDX-License-Identifier: BSD-2-Clause
//
// In this order: $NAME and $(...) are put in; what they give outside of quotes is parted at blanks; patterns become
// the names of files, or stay as typed if there are none; quotes and backslashes are taken off.
#pragma once

#include <span>
#include <string_view>

#include "arena.hpp"
#include "output.hpp"
#include "syntax.hpp"
#include "system.hpp"

namespace shell {

// What a line refers to.
class Values {
  public:
    // Of `$NAME`: a name, a number, ? or #. Stays as it is until something is run.
    virtual std::string_view value(std::string_view name) = 0;
    // Of `$@`.
    virtual std::span<const std::string_view> arguments() const = 0;
    // Runs what stands in $( ); what it prints goes to `out`. False: it cannot be run, and that has been told.
    virtual bool substitute(std::string_view text, Output &out) = 0;
    // Where relative names begin.
    virtual std::string_view directory() const = 0;

  protected:
    ~Values() = default;
};

class Expansion {
  public:
    static constexpr u32 kWordMax = 4096; // Bytes that one word may become.

    Expansion(System &system, Arena &arena, Values &values)
        : system_{system}, arena_{arena}, values_{values} {}

    // The words lie in the arena. False: they do not fit, and problem() says why, or is empty if that has been told.
    bool words(const Word *typed, std::span<const std::string_view> &all);
    // One word that is neither parted nor a pattern: a value, the name of a file.
    bool text(std::string_view typed, std::string_view &out);

    std::string_view problem() const { return problem_; }

  private:
    bool fail(std::string_view why) {
        problem_ = why;
        return false;
    }
    bool put_in(std::string_view typed, bool parts);
    bool put_letter(std::string_view typed, std::size_t &at);
    bool put_dollar(std::string_view typed, std::size_t &at);
    bool put_name(std::string_view name);
    bool put_arguments();
    bool put_substitution(std::string_view text);
    bool put_value(std::string_view value);
    bool put(char c);
    bool put_plain(char c);
    bool part(std::span<char> marked);
    bool add_field(std::span<char> marked, bool quoted);
    bool add(std::string_view field);

    System &system_;
    Arena &arena_;
    Values &values_;
    std::string_view problem_;

    std::span<char> block_; // The word that is being made, with marks.
    std::size_t size_ = 0;
    bool quoted_ = false; // Between double quotes.
    bool parts_ = false;

    struct Field {
        std::string_view text;
        Field *next;
    };
    Field *first_ = nullptr, *last_ = nullptr;
    u32 count_ = 0;
};

} // namespace shell
