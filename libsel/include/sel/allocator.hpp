// Allocator: kernel objects out of one Untyped, with every byte and slot coming back.
// SPDX-License-Identifier: BSD-2-Clause
//
// The kernel hands out untyped memory by a mark that only moves on, and takes it back only when
// nothing made from it is left. So the allocator cuts its Untyped into chunks of kChunk bytes, each
// an Untyped of its own; a chunk holds objects of one type (and size), and when the last of them is
// freed it is reset and serves any type again. Memory is lost to others only while a chunk is
// partly used: at most one chunk's worth per type, plus what long-lived objects hold back.
//
//   sel::AllocatorOf<16, 64> memory{caps::pool, caps::free};     // 16 chunks, 64 slots
//   cptr_t page = memory.make(CAP_FRAME, FRAME_4K).value();
//   ...  memory.free(page);
#pragma once

#include <span>

#include "sel/capability.hpp"

namespace sel {

class Allocator {
  public:
    static constexpr u64 kChunk = 16384; // Four frames, eight threads, or 512 endpoints.

    struct Chunk {
        cptr_t untyped = 0; // 0: not cut off yet.
        u64 size = 0;
        u32 live = 0; // Objects.
        u16 type = CAP_NULL;
        bool full = false;
    };

    Allocator(const Allocator &) = delete;
    Allocator &operator=(const Allocator &) = delete;

    // An object of `type` (`size` as for retype: CNode slots, Untyped bytes, FRAME_4K), zeroed. The
    // address of its capability. ERR_FULL: no slot or chunk left. ERR_MEMORY: the Untyped is used
    // up. ERR_ARG: it does not fit into a chunk.
    Result<cptr_t> make(cap_type_t type, u64 size = 0);

    // Ends an object made here, and with it all copies of its capability. ERR_ARG: it was not.
    Result<> free(cptr_t object);

    // An empty slot for other uses; back with free_slot(), which empties it.
    Result<cptr_t> slot();
    Result<> free_slot(cptr_t slot);

    // Ends everything made here; all memory and all slots are free again.
    Result<> clear();

    u32 live() const; // Objects.

  protected:
    Allocator(Untyped pool, SlotRange slots, std::span<Chunk> chunks, std::span<u16> owner)
        : pool_{pool}, slots_{slots}, chunks_{chunks}, owner_{owner} {}

  private:
    enum : u16 { kFree = 0, kReserved = 0xffff }; // owner_: else number of the chunk, from 1.

    u32 count() const;
    u32 place(cptr_t slot) const;
    Result<u32> choose(cap_type_t type, u64 size);
    Result<u32> cut();
    Result<> release(Chunk &chunk);

    Untyped pool_;
    SlotRange slots_;
    std::span<Chunk> chunks_;
    std::span<u16> owner_;
};

template <u32 Chunks, u32 Slots>
class AllocatorOf : public Allocator {
    static_assert(Chunks != 0 && Chunks < 0xffff);

  public:
    AllocatorOf(Untyped pool, SlotRange slots) : Allocator{pool, slots, chunk_, owner_} {}

  private:
    Chunk chunk_[Chunks];
    u16 owner_[Slots]{};
};

} // namespace sel
