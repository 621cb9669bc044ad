// Attacks of one who may start programs: lists that it may not give, more than its quota, names of others.
// SPDX-License-Identifier: BSD-2-Clause
#include "attack.caps.hpp"
#include "attacks.hpp"

#include "sel/environment.hpp"
#include "sel/process.hpp"

namespace attack {
namespace {

constexpr u32 kSlots = 16;
// Its quota in boot/system.toml: two programs, one percent of the processor, priority 10, a region of 4 KiB.
constexpr u32 kPriority = 10, kPercent = 1'000, kPeriod = 100'000;
constexpr u16 kGiven = 5; // Where the program gets what it is given.

const sel::CNode cspace{caps::empty.first};
const sel::Tcb thread{caps::empty.first + 1};
const sel::Capability kept{caps::empty.first + 2};

root::Admit program(u16 slot, cptr_t own) {
    root::Admit m{.slots = kSlots,
                  .budget_us = kPercent / 2,
                  .period_us = kPeriod,
                  .priority = kPriority,
                  .memory = PAGE_BYTES,
                  .count = 1,
                  .data = "forged"};
    m.entry[0] = {slot, static_cast<u16>(own)};
    return m;
}

sel::Result<u32> admit(const root::Admit &m) {
    sel::Result<root::Admitted> admitted = caps::starter.call_giving(cspace.cptr(), m);
    return admitted.ok() ? sel::Result{admitted->number} : admitted.error();
}

bool drop(u32 number) {
    return caps::starter.call(root::Drop{.number = number}).ok();
}

bool is_empty(sel::Capability what) {
    return what.info().error() == ERR_CAP;
}

// As nothing but a thread and a place for what it is given.
bool make_program() {
    return caps::memory.retype(CAP_CNODE, kSlots, cspace.cptr()).ok() &&
           caps::memory.retype(CAP_TCB, 0, thread.cptr()).ok() &&
           thread.copy(cspace.slot(sel::SLOT_SELF)).ok();
}

bool lists_are_refused() {
    const cptr_t not_to_give[] = {caps::starter.cptr(),
                                  caps::memory.cptr(),
                                  caps::cnode.cptr(),
                                  caps::empty.first,
                                  caps::self.cptr(),
                                  0,
                                  0xffff};
    for (cptr_t own : not_to_give) {
        if (admit(program(kGiven, own)).error() != ERR_RIGHT) {
            return false;
        }
    }
    for (u16 slot : {u16{0}, u16{sel::SLOT_SELF}, u16{kSlots}, u16{0xffff}}) {
        if (admit(program(slot, caps::timer.cptr())).ok()) {
            return false;
        }
    }
    root::Admit many = program(kGiven, caps::timer.cptr());
    many.count = root::Admit::kMax + 1;
    return admit(many).error() == ERR_PROTOCOL && is_empty(sel::Capability{cspace.slot(kGiven)});
}

bool quota_holds() {
    root::Admit high = program(kGiven, caps::timer.cptr()), long_time = high, never = high;
    high.priority = kPriority + 1;
    long_time.budget_us = kPercent + 1;
    never.budget_us = 0;
    return admit(high).error() == ERR_PRIORITY && admit(long_time).error() == ERR_FULL &&
           admit(never).error() == ERR_ARG;
}

bool others_stay() {
    for (u32 number = 0; number <= sel::Environment::kPrograms + 1; number++) {
        if (drop(number)) {
            return false;
        }
    }
    root::Admit m = program(kGiven, caps::timer.cptr());
    return !caps::starter.call(m).ok() && !caps::starter.call_giving(thread.cptr(), m).ok() &&
           !caps::starter.call_giving(caps::memory.cptr(), m).ok();
}

// More than its quota, into slots that are none, without an address space, and beside another one.
bool regions_are_bounded() {
    root::Admit m = program(kGiven, caps::timer.cptr());
    m.region_slot = kGiven + 1;
    m.region_bytes = PAGE_BYTES;
    m.region_address = 0x40000000;
    root::Admit large = m, nowhere = m, last = m, huge = m;
    large.region_bytes = 2 * PAGE_BYTES;
    nowhere.region_address = 1;
    last.region_slot = kSlots - 1;
    huge.region_slot = ~0u;
    sel::Capability lender{cspace.slot(kGiven + 1)}, token{cspace.slot(kGiven + 2)};
    if (admit(m).error() != ERR_ARG || !caps::timer.copy(token.cptr()) ||
        admit(m).error() != ERR_ARG || !token.remove() || !caps::vspace.copy(token.cptr())) {
        return false;
    }
    for (const root::Admit &wrong : {large, nowhere, last, huge}) {
        if (admit(wrong).error() != ERR_ARG) {
            return false;
        }
    }
    // What it gets ends with the number, copies too.
    sel::Result<u32> number = admit(m);
    return number.ok() && is_empty(token) && lender.copy(kept.cptr()).ok() && drop(*number) &&
           is_empty(kept) && is_empty(lender);
}

// A name that is kept does not outlive the program, and so is never that of the next one.
bool names_end() {
    sel::Result<u32> number = admit(program(kGiven, caps::timer.cptr()));
    auto badge = sel::Capability{cspace.slot(kGiven)}.info();
    if (!number || !badge || static_cast<u32>(badge->data) != *number ||
        !sel::Capability{cspace.slot(kGiven)}.copy(kept.cptr()).ok() ||
        admit(program(kGiven + 1, caps::timer.cptr())).ok()) { // The thread has its time.
        return false;
    }
    return drop(*number) && is_empty(kept) && is_empty(sel::Capability{cspace.slot(kGiven)}) &&
           !drop(*number);
}

} // namespace

bool forge_starts() {
    if (!make_program() || !lists_are_refused() || !quota_holds() || !others_stay() ||
        !regions_are_bounded() || !names_end()) {
        return false;
    }
    // What was refused has used up nothing; the last one ends with this program.
    for (u32 i = 0; i < 3; i++) {
        sel::Result<u32> number = admit(program(kGiven, caps::timer.cptr()));
        if (!number || (i < 2 && !drop(*number))) {
            return false;
        }
    }
    return true;
}

} // namespace attack
