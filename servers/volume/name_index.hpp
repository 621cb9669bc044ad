// NameIndex: which parts of a long directory of littlefs a name lies behind, so that they are not read.
// SPDX-License-Identifier: BSD-2-Clause
//
// A directory is a list of pairs of blocks, and the library looks through it from the start. When it
// has found all names of a pair to be before the one that it looks for, that is noted here, and
// holds until one of the two blocks is written. Bounded: what has no room is looked at again.
#pragma once

#include <algorithm>
#include <array>
#include <string_view>

#include "abi/types.h"

namespace volume {

class NameIndex {
  public:
    static constexpr u32 kPairs = 256;
    static constexpr u32 kNameMost = 63;

    using Pair = std::array<u32, 2>;

    // All names of `pair` are before `name`; behind it the directory goes on with `next`.
    void learn(const Pair &pair, std::string_view name, const Pair &next) {
        Known &known = known_[pair[0] % kPairs];
        bool better = holds(known, pair) && !before(name, known.view());
        if (name.size() > kNameMost || better) {
            return;
        }
        known = {pair, next, stamps_of(pair), static_cast<u32>(name.size()), {}};
        std::copy(name.begin(), name.end(), known.name.begin());
    }
    // Where to look instead of in `pair`; false: there.
    bool skip(Pair &pair, std::string_view name) const {
        const Known &known = known_[pair[0] % kPairs];
        if (!holds(known, pair) || before(name, known.view())) {
            return false;
        }
        pair = known.next;
        return true;
    }
    void written(u32 block) { stamp_[block % kStamps]++; }
    void clear() { known_ = {}; }

  private:
    static constexpr u32 kStamps = 1024;

    struct Known {
        Pair pair, next, stamps;
        u32 size; // 0: nothing is known.
        std::array<char, kNameMost> name;
        std::string_view view() const { return {name.data(), size}; }
    };

    // As littlefs has them: of two that begin the same the longer one is first.
    static bool before(std::string_view a, std::string_view b) {
        std::size_t common = std::min(a.size(), b.size());
        int order = a.substr(0, common).compare(b.substr(0, common));
        return order != 0 ? order < 0 : a.size() > b.size();
    }
    Pair stamps_of(const Pair &pair) const {
        return {stamp_[pair[0] % kStamps], stamp_[pair[1] % kStamps]};
    }
    bool holds(const Known &known, const Pair &pair) const {
        return known.size != 0 && known.pair == pair && known.stamps == stamps_of(pair);
    }

    std::array<Known, kPairs> known_{};
    std::array<u32, kStamps> stamp_{};
};

} // namespace volume
