// Variables: names and their values, in a few KiB altogether.
// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <array>
#include <string_view>

#include "abi/types.h"

namespace shell {

class Variables {
  public:
    static constexpr u32 kBytes = 4096; // Of names and values, and three for each.
    static constexpr u32 kNameMax = 63;

    struct Variable {
        std::string_view name, value; // Until one is set or removed.
        bool exported;
    };

    // Empty: it is not there, or has no value.
    std::string_view value(std::string_view name) const;
    // False: there is no room, and nothing is changed. `value` must not be one of its own.
    [[nodiscard]] bool set(std::string_view name, std::string_view value);
    // Programs that are started are told of it. False: it is not there.
    bool export_to_programs(std::string_view name);
    bool remove(std::string_view name); // False: it was not there.

    // All of them, from `place` 0 on, which becomes that of the next. False: there are no more.
    bool next(u32 &place, Variable &variable) const;

  private:
    // Each: length of the name with a bit for `exported`, length of the value in two bytes, name, value.
    static constexpr u8 kExported = 0x80;
    static constexpr u32 kHead = 3;

    bool find(std::string_view name, u32 &place, Variable &variable) const;

    std::array<char, kBytes> bytes_;
    u32 used_ = 0;
};

} // namespace shell
