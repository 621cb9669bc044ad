// Allocator: chunks and slots, both found by searching short tables.
// SPDX-License-Identifier: BSD-2-Clause
#include "sel/allocator.hpp"

namespace sel {

u32 Allocator::count() const {
    return slots_.count < owner_.size() ? slots_.count : static_cast<u32>(owner_.size());
}

// Place of a slot in owner_; count(): it is not one of ours.
u32 Allocator::place(cptr_t slot) const {
    return slot >= slots_.first && slot - slots_.first < count()
               ? static_cast<u32>(slot - slots_.first)
               : count();
}

u32 Allocator::live() const {
    u32 sum = 0;
    for (const Chunk &chunk : chunks_) {
        sum += chunk.live;
    }
    return sum;
}

// --- Slots.

Result<cptr_t> Allocator::slot() {
    for (u32 i = 0; i < count(); i++) {
        if (owner_[i] == kFree) {
            owner_[i] = kReserved;
            return slots_.first + i;
        }
    }
    return ERR_FULL;
}

Result<> Allocator::free_slot(cptr_t slot) {
    u32 i = place(slot);
    if (i == count() || owner_[i] != kReserved) {
        return ERR_ARG;
    }
    Result<> emptied = Capability{slot}.remove();
    if (!emptied && emptied.error() != ERR_CAP) { // ERR_CAP: it is empty already.
        return emptied;
    }
    owner_[i] = kFree;
    return {};
}

// --- Chunks.

// Cuts a new chunk off the pool.
Result<u32> Allocator::cut() {
    for (u32 c = 0; c < chunks_.size(); c++) {
        if (chunks_[c].untyped != 0) {
            continue;
        }
        Result<cptr_t> slot = this->slot();
        if (!slot) {
            return slot.error();
        }
        if (Result<> made = pool_.retype(CAP_UNTYPED, kChunk, *slot); !made) {
            owner_[place(*slot)] = kFree;
            return made.error();
        }
        chunks_[c] = Chunk{.untyped = *slot};
        return c;
    }
    return ERR_FULL;
}

// A chunk with room for one more, as far as is known.
Result<u32> Allocator::choose(cap_type_t type, u64 size) {
    for (u32 c = 0; c < chunks_.size(); c++) {
        const Chunk &k = chunks_[c];
        if (k.live != 0 && k.type == type && k.size == size && !k.full) {
            return c;
        }
    }
    for (u32 c = 0; c < chunks_.size(); c++) {
        if (chunks_[c].untyped != 0 && chunks_[c].live == 0) {
            return c;
        }
    }
    return cut();
}

// The chunk has no objects left: all of it is usable again.
Result<> Allocator::release(Chunk &chunk) {
    chunk = Chunk{.untyped = chunk.untyped};
    return Untyped{chunk.untyped}.reset();
}

// --- Objects.

Result<cptr_t> Allocator::make(cap_type_t type, u64 size) {
    Result<cptr_t> slot = this->slot();
    if (!slot) {
        return slot;
    }
    error_t error = ERR_MEMORY;
    for (std::size_t tries = 0; tries <= chunks_.size() && error == ERR_MEMORY; tries++) {
        Result<u32> chosen = choose(type, size);
        if (!chosen) {
            error = chosen.error();
            break;
        }
        Chunk &chunk = chunks_[*chosen];
        error = Untyped{chunk.untyped}.retype(type, size, *slot).error();
        if (error == OK) {
            chunk.type = static_cast<u16>(type);
            chunk.size = size;
            chunk.live++;
            owner_[place(*slot)] = static_cast<u16>(*chosen + 1);
            return slot;
        }
        if (error == ERR_MEMORY && chunk.live == 0) {
            error = ERR_ARG; // Not even an empty chunk holds it.
        }
        chunk.full = chunk.live != 0;
    }
    owner_[place(*slot)] = kFree;
    return error;
}

Result<> Allocator::free(cptr_t object) {
    u32 i = place(object);
    if (i == count() || owner_[i] == kFree || owner_[i] == kReserved) {
        return ERR_ARG;
    }
    if (Result<> revoked = Capability{object}.revoke(); !revoked) {
        return revoked;
    }
    if (Result<> removed = Capability{object}.remove(); !removed) {
        return removed;
    }
    Chunk &chunk = chunks_[owner_[i] - 1u];
    owner_[i] = kFree;
    return --chunk.live == 0 ? release(chunk) : Result<>{};
}

Result<> Allocator::clear() {
    if (Result<> revoked = pool_.revoke(); !revoked) {
        return revoked;
    }
    for (u32 i = 0; i < count(); i++) {
        if (owner_[i] == kReserved) {
            [[maybe_unused]] auto emptied = Capability{slots_.first + i}.remove();
        }
        owner_[i] = kFree;
    }
    for (Chunk &chunk : chunks_) {
        chunk = Chunk{};
    }
    return pool_.reset();
}

} // namespace sel
