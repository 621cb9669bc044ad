// What the invariants of the core's memory are checked on: its objects, as the tree names them.
// SPDX-License-Identifier: BSD-2-Clause
//
// The numbers are those of kernel/spec/README.md and of the headers beside it. Each function returns
// the first invariant that does not hold, "" if all do.
#ifndef TEST_CORE_INVARIANTS_HPP
#define TEST_CORE_INVARIANTS_HPP

#include <map>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "test/core/compare.hpp"

namespace host {

struct Objects {
    std::vector<u32> brackets;           // Items of the tree, in its order.
    std::unordered_map<u32, u32> parent; // Of each slot in the tree.
    std::map<u32, u32> alive, dying;     // Index: type. Frames and controls have none.
    std::unordered_map<u32, u32> names;  // Capabilities that name an object.
    bool has(u32 slot) const { return parent.count(slot) != 0; }
    bool is(u32 object, u32 type) const; // It exists, alive or dying, and is of this type.
    template <typename F>
    std::string each(u32 type, F check) const;
};

std::string broken(int number, const char *what, u32 id);

std::string check_capabilities(const Objects &objects); // INV-5 to 11, 33, 39, 57, 61
std::string check_memory(const Objects &objects);       // INV-30, 31, 34 to 38, 58, 62
std::string check_threads(const Objects &objects);      // INV-40, 41, 50 to 54, 59, 60
std::string check_time(const Objects &objects);         // INV-42 to 45

template <typename F>
std::string Objects::each(u32 type, F check) const {
    for (auto *group : {&alive, &dying})
        for (auto [o, kind] : *group)
            if (kind == type)
                if (std::string error = check(o); !error.empty())
                    return error;
    return "";
}

} // namespace host

#endif
