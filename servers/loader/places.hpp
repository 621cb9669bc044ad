// Places: where programs run: memories of two sizes, each cut off once, so that nothing fragments.
// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <iterator>

#include "sel/result.hpp"
#include "sel/static_vector.hpp"

namespace loader {

struct PlaceSize {
    u64 bytes;
    u32 count;
};
inline constexpr PlaceSize kPlaceSizes[] = {{192 << 10, 104}, {1 << 20, 8}};
inline constexpr u32 kPlaces = kPlaceSizes[0].count + kPlaceSizes[1].count;

constexpr u64 place_bytes(u32 place) {
    return kPlaceSizes[place < kPlaceSizes[0].count ? 0 : 1].bytes;
}

// Which are free. Taking one and giving it back cost the same however many there are.
class Places {
  public:
    Places() {
        for (u32 place = kPlaces; place-- != 0;) {
            release(place);
        }
    }

    // The smallest that is free and has so many bytes. ERR_MEMORY: none has so many. ERR_FULL: they are taken.
    sel::Result<u32> take(u64 bytes) {
        error_t error = ERR_MEMORY;
        for (u32 size = 0; size < std::size(kPlaceSizes); size++) {
            if (bytes > kPlaceSizes[size].bytes) {
                continue;
            }
            error = ERR_FULL;
            if (u32 left = free_[size].size(); left != 0) {
                u32 place = free_[size][left - 1];
                free_[size].remove(left - 1);
                return place;
            }
        }
        return error;
    }

    void release(u32 place) {
        u32 size = place < kPlaceSizes[0].count ? 0 : 1;
        [[maybe_unused]] bool room = free_[size].push_back(static_cast<u8>(place));
    }

  private:
    static_assert(kPlaces <= 255);

    sel::StaticVector<u8, kPlaces> free_[std::size(kPlaceSizes)];
};

} // namespace loader
