// What commands about the network have in common: words, numbers, what they print, how they fail.
// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include "servers/socket/socket.hpp"
#include "servers/stream/api.hpp"

#include "sel/environment.hpp"
#include "sel/printable.hpp"

namespace socket {

enum : int { kGood = 0, kBad = 1, kUsage = 2 };

// The arguments, one by one.
class Words {
  public:
    Words() : text_{sel::environment().argument_text()} {}

    // Empty behind the last one.
    std::string_view next() {
        text_.remove_prefix(std::min(text_.find_first_not_of(' '), text_.size()));
        std::string_view word = text_.substr(0, text_.find(' '));
        text_.remove_prefix(word.size());
        return word;
    }

  private:
    std::string_view text_;
};

class Command {
  public:
    Command(std::string_view name, std::string_view usage, sel::Client<stream::Terminal> terminal)
        : name_{name}, usage_{usage}, terminal_{terminal} {}

    template <typename... Ts>
    void print(std::string_view pattern, const Ts &...values) const {
        sel::Text<400> line;
        sel::format(line, pattern, values...);
        [[maybe_unused]] auto printed = stream::put_all(terminal_, line);
    }
    template <typename... Ts>
    int fail(std::string_view pattern, const Ts &...values) const {
        sel::Text<300> line;
        sel::format(line, pattern, values...);
        print("error: {}: {}\n", name_, line);
        return kBad;
    }
    int usage() const {
        print("error: {}: expected {}\n", name_, usage_);
        return kUsage;
    }

  private:
    std::string_view name_, usage_;
    sel::Client<stream::Terminal> terminal_;
};

inline std::string_view why_no_name(error_t error) {
    return error == ERR_IO        ? net::describe(net::Cause::NO_NAME)
           : error == ERR_ARG     ? "that is no name"
           : error == ERR_RIGHT   ? "this program may not use the network"
           : error == ERR_TIMEOUT ? net::describe(net::Cause::TIMED_OUT)
                                  : sel::describe(error);
}

inline sel::Text<48> text_of(const net::Address &address) {
    sel::Text<48> text;
    net::write_address(text, address);
    return text;
}

} // namespace socket
