// Programs: the regions that they lend (regions.hpp), and who has them.
// SPDX-License-Identifier: BSD-2-Clause
//
// A region is made of an Untyped of its own, which is reset only when the table says that it is EMPTY: its Frames,
// mapped for the owner, and in the slots of the servers copies of them. What is lent, the token, is a capability of
// root's endpoint without a right: holding it says that its owner, or somebody to whom the owner gave it, agrees.
#include "programs.hpp"

#include "sel/objects.hpp"
#include "sel/protocol.hpp"

namespace root {

namespace {

constexpr u64 kReadWrite = RIGHT_READ | RIGHT_WRITE;
constexpr u64 kToken = sel::BADGE_SERVICE; // In the place of a protocol: no server has so many.
enum : u8 { kLender = 4, kBorrower = 5 };  // Places in manifest.toml, as main.cpp serves them.

u64 badge(u32 owner, u64 service, u32 region) {
    return owner | service << sel::BADGE_SERVICE_SHIFT | u64{region} << sel::BADGE_PART_SHIFT;
}

// With the CNode for its Frames, and what lies in front of the first one.
u64 memory_of(u64 bytes) {
    u64 frame = grant::region_frame(bytes);
    u64 slots = (bytes / frame + 1) * SLOT_BYTES;
    u64 front = (slots + frame - 1) / frame * frame;
    return bytes + front;
}

} // namespace

// --- Once, at boot.

sel::Result<> Programs::prepare_regions() {
    region_slots_ = kit_.slots(REGION_MAX * kRegionSlots);
    if (region_slots_ == 0) {
        return ERR_FULL;
    }
    for (u32 i = 1; i <= system_.count(); i++) {
        for (const Grant &grant : system_.grants(i)) {
            if (sel::Result<> done = reserve_regions(i, grant); !done) {
                console_.line("too little memory for {} of {}", grant.title(),
                              system_.program(i).title());
                return done;
            }
        }
    }
    return {};
}

sel::Result<> Programs::reserve_regions(u32 program, const Grant &grant) {
    if (grant.is<grant::Region>()) {
        auto region = grant.as<grant::Region>();
        u32 number = static_cast<u32>(region.number);
        regions_.add(number, program, {grant.slot, region.bytes, region.address});
        return reserve_region(number);
    }
    auto starter = grant.is<grant::Starter>() ? grant.as<grant::Starter>() : grant::Starter{};
    for (u32 i = 0; i < starter.regions; i++) {
        regions_.keep(starter.first_region + i, program, starter.region_bytes);
        SEL_TRY(reserve_region(starter.first_region + i));
    }
    return {};
}

sel::Result<> Programs::reserve_region(u32 number) {
    return kit_.make_untyped(memory_of(regions_.region(number).kept),
                             slots_of_region(number).memory);
}

Programs::RegionSlots Programs::slots_of_region(u32 region) const {
    cptr_t first = region_slots_ + u64{region} * kRegionSlots;
    return {.memory = first,
            .frames = first + 1,
            .token = first + 2,
            .lender = first + 3,
            .space = first + 4};
}

u64 Programs::frame_of_region(u32 region) const {
    return grant::region_frame(regions_.region(region).kept);
}

const Grant *Programs::room_of(u32 server) const {
    for (const Grant &grant : system_.grants(server)) {
        if (grant.is<grant::Regions>()) {
            return &grant;
        }
    }
    return nullptr;
}

// --- What a program has from its start on.

sel::Result<> Programs::give_region(u32 number, const Grant &grant) {
    u32 region = static_cast<u32>(grant.as<grant::Region>().number);
    return life(number).process.mint(grant.slot, sel::Endpoint{root_endpoint_}, RIGHT_WRITE,
                                     badge(number, kLender, region));
}

sel::Result<> Programs::give_room(u32 number, const Grant &grant) {
    return life(number).process.mint(grant.slot, sel::Endpoint{root_endpoint_},
                                     RIGHT_WRITE | RIGHT_GRANT, badge(number, kBorrower, 0));
}

// --- Its owner.

sel::Result<u32> Programs::region_of(sel::Caller caller) const {
    return regions_.is_owner(caller.part, caller.client) && runs(caller.client)
               ? sel::Result<u32>{caller.part}
               : ERR_RIGHT;
}

sel::Result<> Programs::make_region(u32 region, u64 bytes) {
    u64 most = regions_.region(region).place.bytes;
    if (bytes == 0 || bytes > most || bytes % frame_of_region(region) != 0) {
        return ERR_ARG;
    }
    regions_.make(region, bytes);
    sel::Result<> filled = fill_region(region, bytes);
    if (!filled) {
        strip_region(region);
        [[maybe_unused]] bool empty = regions_.release(region); // Nobody has had it.
        empty_region(region);
    }
    return filled;
}

sel::Result<> Programs::fill_region(u32 region, u64 bytes) {
    const RegionRecord &r = regions_.region(region);
    RegionSlots slots = slots_of_region(region);
    sel::Untyped memory{slots.memory};
    u64 frame = frame_of_region(region), count = bytes / frame;
    cptr_t first = sel::in_cnode(slots.frames, 1);
    SEL_TRY(memory.retype(CAP_CNODE, count + 1, slots.frames));
    SEL_TRY(sel::retype_runs(first, count, [&](cptr_t at, u64, u64 n) {
        return memory.retype(CAP_FRAME, frame == REGION_LARGE ? FRAME_2M : FRAME_4K, at, n);
    }));
    SEL_TRY(map_region(region, first, count));
    SEL_TRY(sel::Endpoint{root_endpoint_}.mint(slots.token, 0, badge(r.owner, kToken, region)));
    return sel::Endpoint{slots.token}.copy(
        sel::in_cnode(cspace(r.owner).cptr(), r.place.slot + 1u));
}

// For its owner. A program at run time has the page tables already.
sel::Result<> Programs::map_region(u32 region, cptr_t first, u64 count) {
    const RegionRecord &r = regions_.region(region);
    u64 frame = frame_of_region(region);
    if (is_system(r.owner)) {
        return life_of(r.owner).process.map_frames(first, count, r.place.address, kReadWrite,
                                                   frame);
    }
    sel::VSpace space{slots_of_region(region).space};
    for (u64 i = 0; i < count; i++) {
        sel::Frame page{first + i * sel::slot_step(first)};
        SEL_TRY(page.map(space, r.place.address + i * frame, kReadWrite));
    }
    return {};
}

sel::Result<> Programs::release_region(u32 region) {
    if (regions_.region(region).state != RegionState::MADE) {
        return ERR_EMPTY;
    }
    strip_region(region);
    if (regions_.release(region)) {
        empty_region(region);
    }
    return {};
}

// Its owner has it no more, and nobody can borrow it.
void Programs::strip_region(u32 region) {
    RegionSlots slots = slots_of_region(region);
    u64 frame = frame_of_region(region);
    [[maybe_unused]] auto copies = sel::Endpoint{slots.token}.revoke();
    [[maybe_unused]] auto removed = sel::Endpoint{slots.token}.remove();
    for (u32 i = 1; i <= regions_.region(region).bytes / frame; i++) {
        [[maybe_unused]] auto unmapped = sel::Frame{sel::in_cnode(slots.frames, i)}.unmap();
    }
}

// All Frames go, wherever copies of them are.
void Programs::empty_region(u32 region) {
    sel::Untyped memory{slots_of_region(region).memory};
    sel::Result<> back = memory.revoke();
    back = back.ok() ? memory.reset() : back;
    region_lost_[region] = !back.ok();
    if (!back) {
        console_.line("the memory of region {} did not come back: {}", region,
                      sel::describe(back.error()));
    }
}

// --- Who borrows it.

sel::Result<Borrowed> Programs::borrow(u32 server, sel::Capability token) {
    const Grant *grant = is_system(server) && runs(server) ? room_of(server) : nullptr;
    if (grant == nullptr) {
        return ERR_RIGHT;
    }
    auto info = token.info(), own = sel::Endpoint{root_endpoint_}.info();
    if (!info || !own || info->type != CAP_ENDPOINT || info->object != own->object ||
        (info->data >> sel::BADGE_SERVICE_SHIFT & sel::BADGE_SERVICE) != kToken) {
        return ERR_ARG;
    }
    u32 region = static_cast<u32>(info->data >> sel::BADGE_PART_SHIFT & sel::BADGE_SERVICE);
    if (!regions_.is_owner(region, static_cast<u32>(info->data & sel::BADGE_CLIENT)) ||
        regions_.region(region).state != RegionState::MADE) {
        return ERR_GONE;
    }
    auto room = grant->as<grant::Regions>();
    u64 bytes = regions_.region(region).bytes;
    u64 frame = frame_of_region(region);
    if (bytes > room.bytes || frame != grant::region_frame(room.bytes)) {
        return ERR_ARG;
    }
    auto place = regions_.borrow(region, server, static_cast<u32>(room.places));
    SEL_TRY(place);
    if (place->anew) {
        u32 slot = grant->slot + static_cast<u32>(REGION_SLOTS + place->number * room.frames());
        auto given = life_of(server).process.give_frames(
            slot, static_cast<u32>(bytes / frame),
            {.first = sel::in_cnode(slots_of_region(region).frames, 1), .bytes = frame},
            room.at(place->number), kReadWrite);
        if (!given) {
            [[maybe_unused]] bool empty = regions_.give_back(region, server); // It is MADE.
            return given.error();
        }
    }
    return Borrowed{place->number, bytes};
}

sel::Result<> Programs::give_back(u32 server, u32 place) {
    const Grant *grant = is_system(server) && runs(server) ? room_of(server) : nullptr;
    sel::Result<u32> region = grant != nullptr ? regions_.at(server, place) : ERR_EMPTY;
    SEL_TRY(region);
    auto room = grant->as<grant::Regions>();
    life(server).process.take_frames(grant->slot +
                                         static_cast<u32>(REGION_SLOTS + place * room.frames()),
                                     static_cast<u32>(room.frames()));
    if (regions_.give_back(*region, server)) {
        empty_region(*region);
    }
    return {};
}

// --- Ends.

// Its memory is gone, and with it what it had mapped and borrowed.
void Programs::end_regions(u32 number) {
    for (u32 region = 0; region < REGION_MAX; region++) {
        if (regions_.is_owner(region, number)) {
            [[maybe_unused]] auto released = release_region(region); // If it is there.
        }
    }
    if (is_child(number)) {
        leave_regions(number);
    } else if (room_of(number) != nullptr) { // Others borrow nothing.
        regions_.end_server(number, device_grant(number, 0) != nullptr,
                            [this](u32 region) { empty_region(region); });
    }
}

// A program at run time has one at most.
sel::Result<> Programs::give_child_region(u32 number, const Admit &m) {
    bool fits = m.region_slot < m.slots && m.region_slot + 1u < m.slots;
    if (m.region_bytes == 0) {
        return {};
    }
    if (!fits || !grant::is_region(m.region_bytes, m.region_address) ||
        grant::region_frame(m.region_bytes) != REGION_FRAME) {
        return ERR_ARG;
    }
    auto region = regions_.take(children_.child(number).starter, number,
                                {m.region_slot, m.region_bytes, m.region_address});
    SEL_TRY(region);
    RegionSlots slots = slots_of_region(*region);
    cptr_t cspace = slots_of(number).cspace;
    sel::Endpoint lender{slots.lender};
    sel::Capability space{sel::in_cnode(cspace, m.region_slot + 1)};
    auto info = space.info();
    if (!info || info->type != CAP_VSPACE) {
        return ERR_ARG;
    }
    SEL_TRY(space.move(slots.space));
    SEL_TRY(sel::Endpoint{root_endpoint_}.mint(lender.cptr(), RIGHT_WRITE,
                                               badge(number, kLender, *region)));
    return lender.copy(sel::in_cnode(cspace, m.region_slot));
}

// Of a program at run time: the next one may have them.
void Programs::leave_regions(u32 number) {
    for (u32 region = 0; region < REGION_MAX; region++) {
        if (regions_.is_owner(region, number)) {
            RegionSlots slots = slots_of_region(region);
            [[maybe_unused]] auto copies = sel::Endpoint{slots.lender}.revoke();
            [[maybe_unused]] auto removed = sel::Endpoint{slots.lender}.remove();
            [[maybe_unused]] auto space = sel::VSpace{slots.space}.remove();
            regions_.leave(region);
        }
    }
}

void Programs::quieted(u32 program) {
    regions_.quieted(program, [this](u32 region) { empty_region(region); });
}

u64 Programs::lendable(u32 number) const {
    u64 bytes = 0;
    for (const Grant &grant : system_.grants(number)) {
        auto starter = grant.is<grant::Starter>() ? grant.as<grant::Starter>() : grant::Starter{};
        bytes += grant.is<grant::Region>() ? grant.as<grant::Region>().bytes : 0;
        bytes += starter.regions * starter.region_bytes;
    }
    return bytes;
}

u32 Programs::region_slot(u32 number) const {
    u32 slot = 0;
    for (u32 region = 0; region < REGION_MAX; region++) {
        slot = regions_.is_owner(region, number) ? regions_.region(region).place.slot : slot;
    }
    return slot;
}

sel::Result<Held> Programs::held(u32 place) const {
    for (u32 region = place; region < REGION_MAX; region++) {
        const RegionRecord &r = regions_.region(region);
        if (r.state != RegionState::CLOSING) {
            continue;
        }
        u32 owner = r.owner != 0 ? r.owner : r.starter;
        Held held{.owner = owner, .user = 0, .device = 0, .next = region + 1, .bytes = r.bytes};
        for (const RegionUse &u : r.use) {
            if (u.server != 0) {
                held.user = u.server;
                held.device = u.device;
            }
        }
        return held;
    }
    return ERR_EMPTY;
}

} // namespace root
