// Words: a line, word by word; blanks part them.
// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <string_view>

namespace sel {

class Words {
  public:
    explicit constexpr Words(std::string_view text) : left_{text} {}

    // Empty behind the last one.
    constexpr std::string_view next() {
        while (left_.starts_with(' ')) {
            left_.remove_prefix(1);
        }
        std::string_view word = left_.substr(0, left_.find(' '));
        left_.remove_prefix(word.size());
        return word;
    }

  private:
    std::string_view left_;
};

} // namespace sel
