// LentWindows: the tokens of memory that clients have lent to vfs (file::Lend), one for each.
// SPDX-License-Identifier: BSD-2-Clause
//
// vfs maps nothing: it passes a token on to a file system that is to read or write there, under the number of its place
// here. Each change of a place has a version of its own, so that a file system which knows it by an older one is told
// anew, or to let go.
//
//   free -> claimed -> has an owner -> its owner has ended, and nothing of it is in hand -> claimed -> ...
// Threads share no lock. One thread at a time changes what a client has lent; a place gets another owner only while no
// request of the last one is in hand, so whoever does one finds in the place what its client has lent, or nothing.
#pragma once

#include <array>
#include <atomic>

#include "servers/file/api.hpp"

namespace vfs {

// Whose handle, or window, it is. Each CloseAll of a client, and each end of it, is another life: what is older is void.
struct Owner {
    u8 part;
    u32 program, life;
    bool operator==(const Owner &) const = default;
};

class LentWindows {
  public:
    static constexpr u32 kMax = file::kWindows, kNone = kMax;
    static constexpr u32 kUnknown = 1; // No version that lasts.

    // `first`: of kMax empty slots, for tokens.
    explicit LentWindows(cptr_t first) : first_{first} {}

    // What the owner has lent; kNone: nothing.
    u32 find(Owner owner) const {
        u32 number = of_part_[owner.part];
        return number < kMax && place_[number].owner == word(owner) && place_[number].lent ? number
                                                                                           : kNone;
    }
    cptr_t token(u32 number) const { return first_ + number; }
    // Another one after each change; odd: in the middle of one.
    u32 version(u32 number) const { return place_[number].version; }
    // The version that a file system knows is that of what a client lends now. is_void(owner): its life is over.
    template <typename IsVoid>
    bool is_current(u32 number, u32 version, IsVoid is_void) const {
        const Place &place = place_[number];
        u64 owner = place.owner;
        return place.version == version && place.lent && has_owner(owner) &&
               !is_void(owner_of(owner));
    }

    // The token in slot `arrival` is what the owner lends from now on; 0: nothing. Of one part, one thread at a time.
    // can_take(owner): that is void, and nothing of it is in hand. ERR_FULL: all places are taken.
    template <typename CanTake>
    sel::Result<> lend(Owner owner, cptr_t arrival, CanTake can_take) {
        u32 number = of_part_[owner.part];
        bool mine = number < kMax && place_[number].owner == word(owner);
        if (!mine && arrival == 0) {
            return {};
        }
        number = mine ? number : claim(can_take);
        if (number == kNone) {
            return ERR_FULL;
        }
        sel::Result<> kept = change(number, arrival);
        place_[number].owner = word(owner);
        of_part_[owner.part] = static_cast<u8>(number);
        return kept;
    }

    // What nobody lends any more is forgotten.
    template <typename CanTake>
    void drop_void(CanTake can_take) {
        for (u32 number = 0; number < kMax; number++) {
            if (has_owner(place_[number].owner) && try_claim(number, can_take)) {
                [[maybe_unused]] auto emptied = change(number, 0);
                place_[number].owner = kFree;
            }
        }
    }

  private:
    struct Place {
        std::atomic<u64> owner = kFree;
        std::atomic<u32> version = 0;
        std::atomic<bool> lent = false;
    };
    static constexpr u64 kFree = 0, kClaimed = ~u64{0};

    static u64 word(Owner o) { return u64{o.life} << 32 | u64{o.program} << 8 | o.part; }
    static Owner owner_of(u64 word) {
        return {static_cast<u8>(word), static_cast<u32>(word) >> 8, static_cast<u32>(word >> 32)};
    }
    static bool has_owner(u64 word) { return word != kFree && word != kClaimed; }

    template <typename CanTake>
    bool try_claim(u32 number, CanTake can_take) {
        u64 owner = place_[number].owner;
        bool free = owner == kFree || (owner != kClaimed && can_take(owner_of(owner)));
        return free && place_[number].owner.compare_exchange_strong(owner, kClaimed);
    }
    template <typename CanTake>
    u32 claim(CanTake can_take) {
        u32 number = 0;
        while (number < kMax && !try_claim(number, can_take)) {
            number++;
        }
        return number;
    }

    sel::Result<> change(u32 number, cptr_t arrival) {
        Place &place = place_[number];
        place.version++;
        [[maybe_unused]] auto removed = sel::Capability{token(number)}.remove();
        sel::Result<> moved =
            arrival != 0 ? sel::Capability{arrival}.move(token(number)) : sel::Result<>{};
        place.lent = arrival != 0 && moved.ok();
        place.version++;
        return moved;
    }

    cptr_t first_;
    std::array<Place, kMax> place_{};
    std::array<std::atomic<u8>, 256> of_part_{}; // The place that it had last.
};

} // namespace vfs
