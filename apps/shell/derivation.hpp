// Derivation: how deep a program's capabilities stand below what root gave it, from what root says of each alone.
// SPDX-License-Identifier: BSD-2-Clause
//
// add() for all of them, then depth() of each: a capability stands as deep as its elder sibling, one deeper than its
// parent, as far as the program holds these itself.
#pragma once

#include <algorithm>

#include "sel/static_vector.hpp"

namespace shell {

class Derivation {
  public:
    static constexpr u32 kMost = 4096;

    void clear() { entries_.clear(); }

    // One more than there is room for counts as not held.
    void add(u32 id, u32 relative, bool sibling) {
        [[maybe_unused]] bool room = entries_.push_back({id, relative, sibling});
        sorted_ = false;
    }

    u32 depth(u32 id) {
        if (!sorted_) {
            std::sort(entries_.begin(), entries_.end(),
                      [](const Entry &a, const Entry &b) { return a.id < b.id; });
            sorted_ = true;
        }
        u32 depth = 0;
        const Entry *at = find(id);
        // Capabilities that moved while they were listed may make a circle.
        for (u32 steps = 0; at != nullptr && steps < entries_.size(); steps++) {
            const Entry *before = find(at->relative);
            depth += before != nullptr && !at->sibling ? 1 : 0;
            at = before;
        }
        return depth;
    }

  private:
    struct Entry {
        u32 id, relative;
        bool sibling;
    };

    const Entry *find(u32 id) const {
        const Entry *at =
            std::lower_bound(entries_.begin(), entries_.end(), id,
                             [](const Entry &e, u32 wanted) { return e.id < wanted; });
        return at != entries_.end() && at->id == id ? at : nullptr;
    }

    sel::StaticVector<Entry, kMost> entries_;
    bool sorted_ = false;
};

} // namespace shell
