// Walk: all that lies below a directory, one after the other.
// SPDX-License-Identifier: BSD-2-Clause
//
// A directory comes before what is in it, and once more when all of that has come (`leaves`). What is removed or made
// meanwhile may come or not.
#pragma once

#include <array>

#include "system.hpp"

namespace shell {

class Walk {
  public:
    Walk(System &system, std::string_view top) : system_{system}, path_{top} {}

    struct Step {
        std::string_view path; // Until the next one.
        file::Info info;
        bool leaves;
        u32 depth; // 0: in the directory where it begins; of `leaves`, that of what was in it, less one.
    };
    // ERR_EMPTY: there are no more. ERR_SYNTAX: below `path` of the last step there is more than a path can name. After
    // an error it has ended.
    sel::Result<Step> next();

    static constexpr u32 kDepthMost = file::kPathMax / 2;

  private:
    bool enter(std::string_view name);
    void leave();

    System &system_;
    file::Path path_; // The directory, and the name in it behind a step.
    u32 name_ = 0;    // Bytes of it that are that name; 0: none.
    file::Info info_{};
    u32 depth_ = 0;
    std::array<u32, kDepthMost + 1> position_{}; // In the directories above.
    file::Entries entries_;                      // Of this one, those not looked at from at_ on.
    u32 at_ = 0;
    bool loaded_ = false;
};

} // namespace shell
