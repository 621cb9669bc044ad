// Programs: those that other programs start (children.hpp).
// SPDX-License-Identifier: BSD-2-Clause
#include "programs.hpp"

#include "sel/protocol.hpp"

namespace root {

// The SchedContexts are there from the start: whoever made the thread never has a capability of one, so that what is
// taken from a quota comes back to it.
sel::Result<> Programs::prepare_children() {
    child_slots_ = kit_.slots(CHILD_MAX * kChildSlots);
    if (child_slots_ == 0) {
        return ERR_FULL;
    }
    for (u32 i = 0; i < CHILD_MAX; i++) {
        SEL_TRY(kit_.make(CAP_SCHED_CONTEXT, 0, slots_of(Children::kFirst + i).time));
    }
    return {};
}

Programs::ChildSlots Programs::slots_of(u32 number) const {
    cptr_t first = child_slots_ + u64{number - Children::kFirst} * kChildSlots;
    return {.cspace = first, .tcb = first + 1, .time = first + 2, .given = first + 3};
}

// What of the starter's stands in this slot; nullptr: no server that it may pass on.
const grant::Client *Programs::passed_on(u32 starter, u32 own, grant::Client &client) const {
    for (const Grant &grant : system_.grants(starter)) {
        if (grant.slot == own && grant.is<grant::Client>()) {
            client = grant.as<grant::Client>();
            return client.server != 0 ? &client : nullptr;
        }
    }
    return nullptr;
}

sel::Result<> Programs::give_child(u32 number, u32 place) {
    const Child &c = children_.child(number);
    grant::Client client;
    if (passed_on(c.starter, c.entry[place].own, client) == nullptr) {
        return ERR_RIGHT;
    }
    cptr_t from = endpoint_of(client.server);
    if (from == 0) {
        return {}; // Comes with the server's next start.
    }
    ChildSlots slots = slots_of(number);
    sel::Endpoint given{slots.given + place};
    u64 rights = c.entry[place].give != 0 ? client.rights : client.rights & ~u64{RIGHT_GRANT};
    SEL_TRY(sel::Endpoint{from}.mint(given.cptr(), rights, badge_of(number, client)));
    return given.copy(sel::in_cnode(slots.cspace, c.entry[place].slot));
}

sel::Result<> Programs::set_up_child(u32 number, const Admit &m, sel::CNode cspace) {
    ChildSlots slots = slots_of(number);
    SEL_TRY(cspace.move(slots.cspace));
    SEL_TRY(sel::Tcb{sel::in_cnode(slots.cspace, sel::SLOT_SELF)}.copy(slots.tcb));
    sel::Tcb tcb{slots.tcb};
    SEL_TRY(tcb.thread_info());
    SEL_TRY(tcb.priority(static_cast<u8>(m.priority), static_cast<u8>(m.priority)));
    SEL_TRY(bind_fault(number));
    sel::SchedContext time{slots.time};
    SEL_TRY(sel::SchedControl{BOOT_CAP_SCHED_CONTROL}.configure(time, kit_.ticks(m.budget_us),
                                                                kit_.ticks(m.period_us)));
    SEL_TRY(tcb.context(time));
    for (u32 i = 0; i < m.count; i++) {
        Child &c = children_.child(number);
        c.entry[i] = m.entry[i];
        c.count = i + 1; // Also if it fails half-way: strip() looks there.
        SEL_TRY(give_child(number, i));
    }
    return give_child_region(number, m);
}

sel::Result<Admitted> Programs::admit(u32 starter, const Admit &m, sel::CNode cspace) {
    const Grant *quota = nullptr;
    for (const Grant &grant : system_.grants(starter)) {
        quota = grant.is<grant::Starter>() ? &grant : quota;
    }
    if (quota == nullptr) {
        return ERR_RIGHT;
    }
    sel::Result<u32> number = children_.take(starter, quota->as<grant::Starter>(), m);
    SEL_TRY(number);
    if (sel::Result<> done = set_up_child(*number, m, cspace); !done) {
        children_.end(*number, 0);
        strip(*number);
        children_.drop(*number);
        return done.error();
    }
    return Admitted{*number, children_.child(*number).incarnation};
}

// Nobody has anything of this number any more: not what it was given, wherever the copies are, nor its time, nor what it
// lends, but for those who use it.
void Programs::strip(u32 number) {
    ChildSlots slots = slots_of(number);
    const Child &c = children_.child(number);
    [[maybe_unused]] auto stopped = sel::Tcb{slots.tcb}.suspend();
    [[maybe_unused]] auto taken = sel::Tcb{slots.tcb}.context(sel::SchedContext{0});
    for (u32 i = 0; i < c.count; i++) {
        sel::Endpoint given{slots.given + i};
        [[maybe_unused]] auto copies = given.revoke();
        [[maybe_unused]] auto removed = given.remove();
    }
    end_regions(number);
    [[maybe_unused]] auto tcb = sel::Tcb{slots.tcb}.remove();
    [[maybe_unused]] auto cspace = sel::CNode{slots.cspace}.remove();
}

void Programs::end_child(u32 number, s32 code, bool tell_starter) {
    children_.end(number, code);
    strip(number);
    const Child &c = children_.child(number);
    for (u32 i = 0; i < c.count; i++) {
        grant::Client client;
        if (passed_on(c.starter, c.entry[i].own, client) != nullptr && runs(client.server)) {
            [[maybe_unused]] auto told = life(client.server).process.tell_ended(number, c.ends);
        }
    }
    if (tell_starter && runs(c.starter)) {
        [[maybe_unused]] auto told = life(c.starter).process.tell_ended(number, c.ends);
    }
}

sel::Result<s32> Programs::drop(u32 starter, u32 number) {
    if (!children_.has(number) || children_.child(number).starter != starter) {
        return ERR_NAME;
    }
    if (children_.runs(number)) {
        end_child(number, kDropped, false);
    }
    children_.drop(number);
    return children_.child(number).exit_code;
}

sel::Result<> Programs::set_stopped(u32 starter, u32 number, bool stopped) {
    if (!children_.runs(number) || children_.child(number).starter != starter) {
        return ERR_NAME;
    }
    ChildSlots slots = slots_of(number);
    return sel::Tcb{slots.tcb}.context(sel::SchedContext{stopped ? 0 : slots.time});
}

// Its memory is gone, and with it all that it has started.
void Programs::drop_children(u32 starter) {
    for (u32 number = Children::kFirst;
         number <= sel::Environment::kPrograms && children_.any_of(starter); number++) {
        if (children_.has(number) && children_.child(number).starter == starter) {
            [[maybe_unused]] auto dropped = drop(starter, number);
        }
    }
}

} // namespace root
