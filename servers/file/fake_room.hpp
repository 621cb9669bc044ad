// FakeRoom: memory that clients lend, for the tests of file servers.
// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <map>
#include <set>
#include <vector>

#include "sel/device.hpp"

namespace file {

class FakeRoom {
  public:
    struct Lent {
        u32 place;
        sel::Window window;
    };

    static constexpr u32 kPlaces = 16;
    std::map<u32, std::vector<u8>> region; // What there is to lend: number, bytes.
    u32 arrived = 0;                       // Number of the region whose token comes next.
    std::map<u32, u32> place;              // Of each that is borrowed.
    u32 mistakes = 0;                      // A place was given back in which nothing was.

    sel::Result<Lent> borrow() {
        if (!region.contains(arrived)) {
            return ERR_ARG;
        }
        std::set<u32> taken;
        for (auto [number, where] : place) {
            taken.insert(where);
        }
        u32 free = 0;
        while (taken.contains(free)) {
            free++;
        }
        if (!place.contains(arrived) && free == kPlaces) {
            return ERR_FULL;
        }
        auto at = place.try_emplace(arrived, free).first->second;
        std::vector<u8> &bytes = region.at(arrived);
        return Lent{at, {reinterpret_cast<u64>(bytes.data()), bytes.size(), {0, 0}}};
    }
    sel::Result<> give_back(u32 number) {
        mistakes +=
            std::erase_if(place, [&](auto &pair) { return pair.second == number; }) == 1 ? 0 : 1;
        return {};
    }
};

} // namespace file
