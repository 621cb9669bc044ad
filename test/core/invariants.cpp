// The invariants of the core's own memory, checked without the model: the tree, and what it names.
// SPDX-License-Identifier: BSD-2-Clause
#include "test/core/invariants.hpp"

#include <sstream>

namespace host {

std::string broken(int number, const char *what, u32 id) {
    std::ostringstream out;
    out << "INV-" << number << ": " << what << std::hex << " (" << id << ")";
    return out.str();
}

bool Objects::is(u32 object, u32 type) const {
    for (auto *group : {&alive, &dying})
        if (auto o = group->find(object); o != group->end())
            return o->second == type;
    return false;
}

namespace {

// INV-1 to INV-4. The bracket list: well nested, links agree both ways, every slot in it holds a
// capability.
std::string read_tree(Objects &objects) {
    std::vector<u32> open{CDT_HEAD};
    u32 item = ITEM(u32{CDT_HEAD}).link.next, before = CDT_HEAD;
    for (u64 steps = 0; steps < 1u << 22; steps++) {
        if (ITEM(item).link.prev != before)
            return broken(1, "a bracket does not link back", item);
        if (item == open.back() + 2) {
            open.pop_back();
            if (open.empty())
                return ITEM(item).link.next == CDT_HEAD ? ""
                                                        : broken(4, "the list is no ring", item);
        } else {
            if (item % 4 != 0)
                return broken(3, "a bracket closes that is not open", item);
            if (SLOT(item).type == CAP_NULL)
                return broken(5, "an empty slot is in the tree", item);
            if (!objects.parent.emplace(item, open.back()).second)
                return broken(2, "a slot is in the tree twice", item);
            open.push_back(item);
        }
        objects.brackets.push_back(item);
        before = item;
        item = ITEM(item).link.next;
    }
    return broken(1, "the bracket list does not end", item);
}

bool has_index(u32 type) {
    return type != CAP_FRAME && type != CAP_SCHED_CONTROL && type != CAP_IRQ_CONTROL &&
           type != CAP_IO_PORT && type != CAP_TRACE_CONTROL;
}

bool is_mortal(u32 type) {
    return has_index(type) && type != CAP_UNTYPED && type != CAP_REPLY && type != CAP_NULL;
}

void read_names(Objects &objects) {
    for (auto [s, parent] : objects.parent)
        if (has_index(SLOT(s).type)) {
            objects.alive[SLOT(s).object] = SLOT(s).type;
            objects.names[SLOT(s).object]++;
        }
}

// INV-32, INV-33: the list of dying objects holds each once, and nobody names one.
std::string read_dying(Objects &objects) {
    for (u32 o = REAPER; o != 0; o = HEADER(o).dying) {
        if (!is_mortal(HEADER(o).kind))
            return broken(32, "what is dying does not die in steps", o);
        if (!objects.dying.emplace(o, HEADER(o).kind).second)
            return broken(32, "an object dies twice", o);
        if (objects.alive.count(o) != 0)
            return broken(33, "a capability names a dying object", o);
    }
    if (objects.dying.size() != DYING)
        return broken(32, "the list of dying objects is of another length", DYING);
    for (auto [o, type] : objects.alive)
        if (is_mortal(type) && HEADER(o).kind != type)
            return broken(33, "an object is of another type than its capability", o);
    return "";
}

} // namespace

std::string broken_invariant() {
    Objects objects;
    std::string error = read_tree(objects);
    if (!error.empty())
        return error;
    read_names(objects);
    error = read_dying(objects);
    for (auto *check : {check_capabilities, check_memory, check_threads, check_time})
        if (error.empty())
            error = check(objects);
    return error;
}

} // namespace host
