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
            sel::Result<> done =
                grant.is<grant::Region>() ? reserve_region(i, grant) : sel::Result<>{};
            if (!done) {
                console_.line("too little memory for {} of {}: it has {}K", grant.title(),
                              system_.program(i).title(), grant.as<grant::Region>().bytes >> 10);
                return done;
            }
        }
    }
    return {};
}

sel::Result<> Programs::reserve_region(u32 owner, const Grant &grant) {
    auto region = grant.as<grant::Region>();
    u32 number = static_cast<u32>(region.number);
    regions_.add(number, owner);
    return kit_.make_untyped(memory_of(region.bytes), slots_of_region(number).memory);
}

Programs::RegionSlots Programs::slots_of_region(u32 region) const {
    cptr_t first = region_slots_ + u64{region} * kRegionSlots;
    return {.memory = first, .frames = first + 1, .token = first + 2};
}

const Grant *Programs::region_grant(u32 region) const {
    for (const Grant &grant : system_.grants(regions_.region(region).owner)) {
        if (grant.is<grant::Region>() && grant.as<grant::Region>().number == region) {
            return &grant;
        }
    }
    return nullptr;
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
    const Grant &grant = *region_grant(region);
    u64 most = grant.as<grant::Region>().bytes;
    if (bytes == 0 || bytes > most || bytes % grant::region_frame(most) != 0) {
        return ERR_ARG;
    }
    regions_.make(region, bytes);
    sel::Result<> filled = fill_region(region, grant, bytes);
    if (!filled) {
        strip_region(region);
        [[maybe_unused]] bool empty = regions_.release(region); // Nobody has had it.
        empty_region(region);
    }
    return filled;
}

sel::Result<> Programs::fill_region(u32 region, const Grant &grant, u64 bytes) {
    auto quota = grant.as<grant::Region>();
    RegionSlots slots = slots_of_region(region);
    sel::Untyped memory{slots.memory};
    u64 frame = grant::region_frame(quota.bytes), count = bytes / frame;
    u32 owner = regions_.region(region).owner;
    sel::Process &process = life_of(owner).process;
    cptr_t first = sel::in_cnode(slots.frames, 1);
    SEL_TRY(memory.retype(CAP_CNODE, count + 1, slots.frames));
    SEL_TRY(sel::retype_runs(first, count, [&](cptr_t at, u64, u64 n) {
        return memory.retype(CAP_FRAME, frame == REGION_LARGE ? FRAME_2M : FRAME_4K, at, n);
    }));
    SEL_TRY(process.map_frames(first, count, quota.address, kReadWrite, frame));
    SEL_TRY(sel::Endpoint{root_endpoint_}.mint(slots.token, 0, badge(owner, kToken, region)));
    return sel::Endpoint{slots.token}.copy(process.in_cspace(grant.slot + 1u));
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
    u64 frame = grant::region_frame(region_grant(region)->as<grant::Region>().bytes);
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
    u64 frame = grant::region_frame(region_grant(region)->as<grant::Region>().bytes);
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
    regions_.end_server(number, device_grant(number, 0) != nullptr,
                        [this](u32 region) { empty_region(region); });
}

void Programs::quieted(u32 program) {
    regions_.quieted(program, [this](u32 region) { empty_region(region); });
}

u64 Programs::lendable(u32 number) const {
    u64 bytes = 0;
    for (const Grant &grant : system_.grants(number)) {
        bytes += grant.is<grant::Region>() ? grant.as<grant::Region>().bytes : 0;
    }
    return bytes;
}

sel::Result<Held> Programs::held(u32 place) const {
    for (u32 region = place; region < REGION_MAX; region++) {
        const RegionRecord &r = regions_.region(region);
        if (r.state != RegionState::CLOSING) {
            continue;
        }
        Held held{.owner = r.owner, .user = 0, .device = 0, .next = region + 1, .bytes = r.bytes};
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
