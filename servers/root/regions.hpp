// RegionTable: which regions there are, whose they are, and who uses them (adr/0094).
// SPDX-License-Identifier: BSD-2-Clause
//
//   EMPTY --make()--> MADE --release()--> CLOSING --the last use is over--> EMPTY
// A use is a server that has it mapped, or the devices of one that had, until they are quiet. Frames belong to
// nobody else until a region is EMPTY. Holds no capability: what the kernel knows of them stands in regions.cpp.
// Some have no owner of their own: they are kept for the programs that one program starts at run time.
#pragma once

#include "grant.hpp"

#include "sel/result.hpp"

namespace root {

enum class RegionState : u8 { EMPTY, MADE, CLOSING };

struct RegionUse {
    u32 server = 0; // 0: none.
    u8 place = 0;
    bool device = false; // The server has ended; its devices may write.
};

// Where its owner has it.
struct RegionPlace {
    u32 slot = 0;  // Of Lender, in its CSpace; the token follows.
    u64 bytes = 0; // At most.
    u64 address = 0;
};

struct RegionRecord {
    static constexpr u32 kUses = 12; // All mounted file systems, and some drivers.

    u32 owner = 0;   // A program; 0: nobody.
    u32 starter = 0; // Whose programs it is kept for; 0: for none, its owner is always the same.
    u64 kept = 0;    // Bytes that are kept for it.
    RegionPlace place;
    RegionState state = RegionState::EMPTY;
    u64 bytes = 0; // As it was made.
    RegionUse use[kUses];

    bool used() const {
        for (const RegionUse &u : use) {
            if (u.server != 0) {
                return true;
            }
        }
        return false;
    }
};

class RegionTable {
  public:
    // Of boot/system.toml. number < REGION_MAX, of its own.
    void add(u32 number, u32 owner, const RegionPlace &place) {
        region_[number].owner = owner;
        region_[number].place = place;
        region_[number].kept = place.bytes;
    }
    void keep(u32 number, u32 starter, u64 bytes) {
        region_[number].starter = starter;
        region_[number].kept = bytes;
    }

    // One of those that are kept for the programs of `starter`, for this one. ERR_ARG: none has so many bytes. ERR_FULL:
    // all have an owner. One that the last owner has let go, and others not yet, is taken last: it can be made when they
    // have.
    sel::Result<u32> take(u32 starter, u32 owner, const RegionPlace &place) {
        error_t error = ERR_ARG;
        u32 best = REGION_MAX;
        for (u32 i = 0; i < REGION_MAX; i++) {
            RegionRecord &r = region_[i];
            if (starter == 0 || r.starter != starter || r.kept < place.bytes) {
                continue;
            }
            error = ERR_FULL;
            bool better = best == REGION_MAX || region_[best].state != RegionState::EMPTY;
            best = r.owner == 0 && better ? i : best;
        }
        if (best == REGION_MAX) {
            return error;
        }
        region_[best].owner = owner;
        region_[best].place = place;
        return best;
    }
    // It is not MADE.
    void leave(u32 number) { region_[number].owner = 0; }

    const RegionRecord &region(u32 number) const { return region_[number]; }
    bool is_owner(u64 number, u32 program) const {
        return number < REGION_MAX && program != 0 && region_[number].owner == program;
    }

    // EMPTY before.
    void make(u32 number, u64 bytes) {
        region_[number].state = RegionState::MADE;
        region_[number].bytes = bytes;
    }
    // MADE before. True: it is EMPTY at once.
    bool release(u32 number) {
        region_[number].state = RegionState::CLOSING;
        return settle(number);
    }

    // A place of this server, of so many, for a region that is MADE: the one that it has already, or a free one, which
    // is noted. ERR_FULL: there is none, or the region has too many users.
    struct Place {
        u32 number;
        bool anew;
    };
    sel::Result<Place> borrow(u32 number, u32 server, u32 places) {
        RegionUse *free = nullptr;
        u32 taken = 0; // Bits: places.
        for (RegionRecord &r : region_) {
            for (RegionUse &u : r.use) {
                bool mine = &r == &region_[number];
                if (mine && u.server == server && !u.device) {
                    return Place{u.place, false};
                }
                taken |= u.server == server && !u.device ? u32{1} << u.place : 0;
                free = mine && u.server == 0 ? &u : free;
            }
        }
        u32 place = static_cast<u32>(__builtin_ctz(~taken));
        if (free == nullptr || place >= places) {
            return ERR_FULL;
        }
        *free = {server, static_cast<u8>(place), false};
        return Place{place, true};
    }

    // What this server has in that place. ERR_EMPTY: nothing.
    sel::Result<u32> at(u32 server, u32 place) const {
        for (u32 i = 0; i < REGION_MAX; i++) {
            for (const RegionUse &u : region_[i].use) {
                if (u.server == server && server != 0 && u.place == place && !u.device) {
                    return i;
                }
            }
        }
        return ERR_EMPTY;
    }

    // It has let go of region `number`. True: that is EMPTY now.
    bool give_back(u32 number, u32 server) {
        for (RegionUse &u : region_[number].use) {
            u = u.server == server && !u.device ? RegionUse{} : u;
        }
        return settle(number);
    }

    // Server `server` has ended. What it used its devices may go on to use, if it had any. emptied(number) for each
    // that is EMPTY now.
    template <typename Emptied>
    void end_server(u32 server, bool devices, Emptied emptied) {
        for (u32 i = 0; i < REGION_MAX; i++) {
            bool had = false; // A use by these devices.
            for (RegionUse &u : region_[i].use) {
                had = had || (u.server == server && u.device);
            }
            for (RegionUse &u : region_[i].use) {
                if (u.server == server && !u.device) {
                    u = devices && !had ? RegionUse{server, 0, true} : RegionUse{};
                }
            }
            tell(i, emptied);
        }
    }

    // The devices that this program had in an earlier life write no more; 0: those of all programs.
    template <typename Emptied>
    void quieted(u32 server, Emptied emptied) {
        for (u32 i = 0; i < REGION_MAX; i++) {
            for (RegionUse &u : region_[i].use) {
                u = u.device && (server == 0 || u.server == server) ? RegionUse{} : u;
            }
            tell(i, emptied);
        }
    }

  private:
    bool settle(u32 number) {
        RegionRecord &r = region_[number];
        if (r.state != RegionState::CLOSING || r.used()) {
            return false;
        }
        r.state = RegionState::EMPTY;
        return true;
    }
    template <typename Emptied>
    void tell(u32 number, Emptied emptied) {
        if (settle(number)) {
            emptied(number);
        }
    }

    RegionRecord region_[REGION_MAX];
};

} // namespace root
