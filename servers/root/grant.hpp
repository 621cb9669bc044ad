// Grants: what boot/system.toml gives a program, one struct a kind.
// SPDX-License-Identifier: BSD-2-Clause
//
// scripts/lib/manifests reads kinds and layouts from here. A new kind is a struct and its place in All
// (here), a Giver::give (giver.hpp), a class in scripts/lib/manifests/grants.py: the build says what is
// missing. And a row in servers/README.md.
#pragma once

#include <string_view>
#include <type_traits>

#include "abi/capability.h"
#include "sel/process.hpp"

namespace root {

enum { POOL_MAX = 32 };
enum { POOL_BYTES_MAX = 1 << 20, DEVICE_BYTES_MAX = 1 << 20 };
enum { REGION_MAX = 32, REGION_BYTES_MAX = 8 << 20 };
enum { REGION_PLACES_MAX = 16 };                            // kRegionPlaces of api.hpp.
enum { REGION_FRAME = PAGE_BYTES, REGION_LARGE = 2 << 20 }; // Of their Frames.
enum { REGION_SLOTS = 2 }; // Besides Frames: a protocol of root, and a token, or where one arrives.
enum { PCI_PAGES = 64 };   // Of a device's registers, at most.
enum { CHILD_MAX = sel::Environment::kPrograms - sel::Environment::kSystemPrograms };

inline constexpr u64 kUserEnd = 0x7fffffff0000;
inline constexpr u64 kPhysicalEnd = u64{1} << 46;

namespace grant {

// A page boundary of a program's address space.
constexpr bool is_place(u64 address) {
    return address % PAGE_BYTES == 0 && address < kUserEnd;
}

// Whole pages, as many as there are slots.
constexpr bool fills(u64 bytes, u64 slots) {
    return bytes != 0 && bytes == slots * PAGE_BYTES;
}

// sound(slots): it can be given into so many slots, as far as it can be told from itself.

struct Client {
    u32 server; // 0: root.
    u8 protocol, part;
    u16 rights; // With GRANT: capabilities may be sent along.

    bool sound(u64 slots) const { return slots == 1 && rights <= RIGHT_ALL; }
};

struct Io { // Ports.
    u16 first, last;

    bool sound(u64 slots) const { return slots == 1 && first <= last; }
};

struct Irq {
    u64 bit;  // In the notification.
    u64 line; // With IRQ_* flags.

    bool sound(u64 slots) const { return slots == 1; }
};

struct Device { // Registers at a fixed place.
    u64 physical, bytes, address;

    bool sound(u64 slots) const {
        return fills(bytes, slots) && bytes <= DEVICE_BYTES_MAX && physical % PAGE_BYTES == 0 &&
               physical < kPhysicalEnd && is_place(address);
    }
};

struct Archive { // The boot archive, mapped only.
    u64 address;

    bool sound(u64 slots) const { return slots == 0 && is_place(address); }
};

struct Display { // Frame buffer and font, mapped only (sel/display.hpp).
    u64 address;

    bool sound(u64 slots) const {
        return slots == 0 && is_place(address) && address % REGION_LARGE == 0;
    }
};

struct Trace { // The trace ring.
    u64 bytes, address;

    bool sound(u64 slots) const { return fills(bytes, slots) && is_place(address); }
};

struct TraceControl {
    bool sound(u64 slots) const { return slots == 1; }
};

struct Untyped { // Of its own memory.
    u64 bytes;

    bool sound(u64 slots) const { return slots == 1 && bytes != 0 && bytes % PAGE_BYTES == 0; }
};

struct Context { // Of its own memory.
    u32 budget_us, period_us;

    bool sound(u64 slots) const { return slots == 1 && budget_us <= period_us; }
};

struct Space { // Its own.
    bool sound(u64 slots) const { return slots == 1; }
};

struct Cspace { // Its own.
    bool sound(u64 slots) const { return slots == 1; }
};

struct Doorbell { // Its own notification.
    u64 bit;

    bool sound(u64 slots) const { return slots == 1; }
};

struct Slots { // Empty.
    u64 count;

    bool sound(u64 slots) const { return slots == count; }
};

struct Pool { // Memory shared with others.
    u64 number, bytes, address;

    bool sound(u64 slots) const {
        return number < POOL_MAX && fills(bytes, slots) && bytes <= POOL_BYTES_MAX &&
               is_place(address);
    }
};

struct Pci {   // The first slot is for the interrupt, PCI_PAGES follow for the
               // registers.
    u64 match; // A DeviceMatch (api.hpp).
    u64 bit;   // In the notification.
    u64 address;

    bool sound(u64 slots) const {
        return slots == 1 + PCI_PAGES && bit != 0 && (bit & (bit - 1)) == 0 && is_place(address);
    }
};

// A region of so many bytes is of these Frames. Small ones are as many as a driver can use at most.
constexpr u64 region_frame(u64 bytes) {
    return bytes % REGION_LARGE == 0 ? u64{REGION_LARGE} : u64{REGION_FRAME};
}
constexpr bool is_region(u64 bytes, u64 address) {
    u64 most = region_frame(bytes) == REGION_LARGE ? u64{REGION_BYTES_MAX} : u64{POOL_BYTES_MAX};
    return bytes != 0 && bytes % REGION_FRAME == 0 && bytes <= most && is_place(address) &&
           address % region_frame(bytes) == 0;
}

struct Region { // Memory of its own that it may lend (adr/0094).
    u64 number, bytes, address;

    bool sound(u64 slots) const {
        return slots == REGION_SLOTS && number < REGION_MAX && is_region(bytes, address);
    }
};

struct Regions { // Places for what its clients lend, each with a gap behind it.
    u64 places, bytes, address;

    bool sound(u64 slots) const {
        return places != 0 && places <= REGION_PLACES_MAX && is_region(bytes, address) &&
               slots == REGION_SLOTS + places * frames();
    }
    u64 frames() const { return bytes / region_frame(bytes); } // Of a place.
    u64 at(u32 place) const { return address + place * (bytes + region_frame(bytes)); }
};

struct Faults { // The faults of its own threads come to its endpoint.
    bool sound(u64 slots) const { return slots == 1; }
};

struct Thread { // All but what it runs: a stack, its buffer behind it.
    u32 budget_us, period_us;
    u32 stack_bytes, priority;
    u64 address;

    bool sound(u64 slots) const {
        return slots == 1 && budget_us != 0 && budget_us <= period_us && stack_bytes != 0 &&
               stack_bytes % PAGE_BYTES == 0 && stack_bytes <= sel::Process::kStackMax &&
               priority != 0 && is_place(address);
    }
    u64 pages() const { return stack_bytes / PAGE_BYTES + 1; }
};

struct Notification { // Of its own memory, without a badge.
    bool sound(u64 slots) const { return slots == 1; }
};

struct Starter {               // root.Starter: programs at run time, out of a quota.
    u32 programs;              // At a time.
    u32 permille;              // Of the processor, that all together may have.
    u16 priority;              // Of each, at most.
    u16 protocol;              // Of root.
    u16 regions, first_region; // That they may lend: how many, numbers from here on,
    u64 region_bytes;          // and of each.

    bool sound(u64 slots) const {
        return slots == 1 && programs != 0 && programs <= CHILD_MAX && permille != 0 &&
               permille <= 1000 && priority != 0 && priority <= 255 &&
               u32{first_region} + regions <= REGION_MAX &&
               (regions == 0 || is_region(region_bytes, 0));
    }
};

template <typename... Gs>
struct List {
    // Place in the list, from 1.
    template <typename G>
    static constexpr u16 kind() {
        u16 place = 0, found = 0;
        ((place++, found = std::is_same_v<G, Gs> ? place : found), ...);
        return found;
    }
};

using All = List<Client, Io, Irq, Device, Archive, Trace, TraceControl, Untyped, Context, Space,
                 Cspace, Doorbell, Slots, Pool, Pci, Faults, Thread, Notification, Starter, Region,
                 Regions, Display>;

} // namespace grant

// One line of [needs], as it stands in the table (system.hpp).
struct Grant {
    char name[16]; // Ends with 0.
    u64 value[3];  // The struct of its kind.
    u16 kind;      // Place in grant::All, from 1.
    u16 slot, slots;
    u16 reserved;

    std::string_view title() const { return name; }

    template <typename G>
    bool is() const {
        return kind == grant::All::kind<G>();
    }

    template <typename G>
    G as() const {
        static_assert(sizeof(G) <= sizeof value && std::is_trivially_copyable_v<G>);
        G what{};
        if constexpr (!std::is_empty_v<G>) {
            __builtin_memcpy(&what, value, sizeof what); // Not a call, as std::memcpy is here.
        }
        return what;
    }
};

namespace grant {

template <typename F, typename... Gs>
bool visit_list(const Grant &grant, F f, List<Gs...>) {
    return ((grant.is<Gs>() && (f(grant.as<Gs>()), true)) || ...);
}

// Calls f with the struct of its kind. False: there is no such kind.
template <typename F>
bool visit(const Grant &grant, F f) {
    return visit_list(grant, f, All{});
}

} // namespace grant

} // namespace root
