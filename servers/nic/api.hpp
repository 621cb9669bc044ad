// Nic: the protocol of network cards. The only header for clients besides client.hpp.
// SPDX-License-Identifier: BSD-2-Clause
//
// A client lends its driver a region (adr/0094): four pages with a ring each, then buffers of 2 KiB, which the card
// reads and writes itself. A buffer is the client's or the driver's; rings (sel/channel.hpp) pass it on:
//
//   vacant:   client -> driver   empty buffers for what arrives
//   arrived:  driver -> client   frames, and the buffers they are in
//   outgoing: client -> driver   frames to be sent
//   sent:     driver -> client   their buffers, sent or not
//
// At most kSlots buffers are out in each direction, so no ring is ever full for who keeps to that. Who finds `arrived`
// and `sent` empty sleeps (prepare_sleep()) and is woken by its doorbell; the driver is told of what stands in `vacant` and
// `outgoing`, if it sleeps there, by one message for all: Kick.
//
//   SetBell, Attach   the rings begin anew: they must be zeroed, and all buffers are the client's
//   Kick              answered at once
//   Wait              answered when the link has changed, or the card begins anew
//   Detach            no buffer is used any more when it is answered
//
// Each frame is at most kFrameBytes, from the destination's address on, without its check sum. What
// a card cannot send, or has no buffer for, is lost: networks do that.
//
// Errors: ERR_NAME no such card, ERR_IO it cannot be used, ERR_BUSY not attached, or somebody else is, ERR_RIGHT no
// capability came along, ERR_ARG the region is too small, ERR_PROTOCOL the client has broken the rules of the rings
// and was detached, ERR_TIMEOUT the card did not do it. ERR_RESTARTED: the driver died; begin anew.
#pragma once

#include "sel/channel.hpp"
#include "sel/client.hpp"
#include "sel/format.hpp"

namespace nic {

inline constexpr u32 kCards = 4;   // Of a driver.
inline constexpr u32 kSlots = 128; // Of a ring.
inline constexpr u32 kBufferBytes = 2048;
inline constexpr u32 kRingPages = 4;
inline constexpr u32 kPagesMax = 256; // Of a region.
inline constexpr u32 kBuffersMax = (kPagesMax - kRingPages) * (PAGE_BYTES / kBufferBytes);
inline constexpr u32 kFrameBytes = 1514; // Ethernet, without its check sum.
inline constexpr u32 kMulticastMax = 16;

enum SlotFlags : u16 {
    kChecked = 1,      // arrived: the card says that the check sums of TCP and UDP are right.
    kNeedsChecksum = 2 // outgoing: the card is to put one in (Info::checksums).
};

// `bytes` from `offset` on, in a buffer: both in it. vacant, sent: only the buffer counts.
struct Slot {
    u16 buffer;
    u16 offset, bytes;
    u16 flags;
    u16 checksum_start,
        checksum_offset; // In the frame: summed from there on, stored there behind `start`.
    u32 unused;
};

using Ring = sel::Ring<Slot, kSlots>;
static_assert(sizeof(Slot) == 16 && sizeof(Ring) <= PAGE_BYTES);
enum RingPage : u32 { PAGE_VACANT, PAGE_ARRIVED, PAGE_OUTGOING, PAGE_SENT };

struct Mac {
    u8 byte[6];
    bool operator==(const Mac &) const = default;
};

template <u32 N>
void write_mac(sel::Text<N> &to, const Mac &mac) {
    for (u32 i = 0; i < sizeof mac.byte; i++) {
        sel::format(to, i == 0 ? "{:02x}" : ":{:02x}", mac.byte[i]);
    }
}

struct Link {
    u32 changes; // How often something changed since the driver began, from 1 on.
    u32 up;      // 0 or 1.
};

struct Info {
    Mac mac;
    u16 checksums; // 1: kNeedsChecksum is understood.
    Link link;
    u32 filters;        // 1: SetFilter does something; else all frames arrive.
    sel::Text<40> data; // Name of the card, for people.
};

struct GetInfo : sel::Asks<Info> {
    u32 card;
};

// What wakes the client: a Notification comes along, with the right to signal it.
struct SetBell : sel::Asks<> {
    static constexpr bool kBrings = true;
    u32 card;
};

// The token of the region comes along. Another attachment of the same client ends.
struct Attach : sel::Asks<> {
    static constexpr bool kBrings = true;
    u32 card;
};

struct Detach : sel::Asks<> {
    u32 card;
};

struct Kick : sel::Asks<> {
    u32 card;
};

// Answered when `changes` is another number than this.
struct Wait : sel::Asks<Link, sel::kNoLimit> {
    u32 card;
    u32 changes;

    bool accepts(const Link &link) const { return link.changes != changes && link.up <= 1; }
};

// Besides its own address and broadcasts, frames for these arrive; others may.
struct SetFilter : sel::Asks<> {
    u32 card;
    u32 count;
    Mac multicast[kMulticastMax];

    bool sound() const { return count <= kMulticastMax; }
};

using Api = sel::Protocol<GetInfo, SetBell, Attach, Detach, Kick, Wait, SetFilter>;

} // namespace nic
