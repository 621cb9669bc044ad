// What a driver of network cards and the server in front of it say to each other.
// SPDX-License-Identifier: BSD-2-Clause
//
// A card is a class with
//   const Facts &facts() const
//   u32 receive_room() const                  buffers that it can take now
//   u32 transmit_room() const                 frames
//   void receive(u16 tag, driver::Piece)      `tag` is not in there
//   void transmit(u16 tag, const Frame &)
//   void tell()                               of all that came since: once for a batch
//   void hear()                               it has interrupted; comes before link() and collect()
//   template <Sink> bool collect(Sink &)      what has ended; false: the card talks nonsense
//   bool link()                               is there one?
//   bool filter(std::span<const Mac>)
//   bool reset()                              nothing is in there any more, or false: it is dead
// and, for its driver (driver.hpp),
//   static constexpr u32 kPages               of its pool, from page 0 on
//   bool stop()                               the card forgets all addresses of an earlier life
//   bool start()                              behind it, with DMA on; then facts() hold
// A Sink has
//   bool received(u16 tag, u32 offset, u32 bytes, u16 flags)    false: no such tag, so nonsense
//   bool sent(u16 tag)
#pragma once

#include <span>

#include "servers/driver/bus.hpp"
#include "servers/nic/api.hpp"

namespace nic {

struct Facts {
    Mac mac{};
    bool checksums = false; // Puts them into frames (kNeedsChecksum).
    bool filters = false;
    sel::Text<40> name;
};

struct Frame {
    driver::Piece piece;
    u16 checksum_start = 0, checksum_offset = 0;
    bool needs_checksum = false;
};

} // namespace nic
