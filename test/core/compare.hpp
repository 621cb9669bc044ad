// Holds the core's memory against the reference model, and the core's memory against its invariants.
// SPDX-License-Identifier: BSD-2-Clause
#ifndef TEST_CORE_COMPARE_HPP
#define TEST_CORE_COMPARE_HPP

#include <string>

#include "test/core/host.hpp"
#include "test/model/model.hpp"

namespace host {

// The first difference between the core and the model, "" if there is none. `tables`: also every
// entry of every page table.
std::string difference(const Core &core, const model::Model &model, bool tables);

// The first invariant that the core's own memory breaks, "" if none: the bracket list is a tree of
// slots that agree with it, bonds hold from both sides, queues and bitmaps agree, timers are on the
// wheel exactly when they should be. Needs no model.
std::string broken_invariant();

} // namespace host

#endif
