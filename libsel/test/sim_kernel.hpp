// SimKernel: capabilities to untyped memory as the kernel treats them, for the allocator's test.
// SPDX-License-Identifier: BSD-2-Clause
//
// One flat CSpace. A capability knows its parent; memory is given out by a mark. Written from
// abi/call.h alone, so that it does not repeat the kernel's own mistakes.
#pragma once

#include <map>

#include "sel/host.hpp"

class SimKernel {
  public:
    explicit SimKernel(u64 bytes) {
        slot_[kPool] = {CAP_UNTYPED, 0, kPool};
        memory_[kPool] = {bytes, 0};
        sel::host::kernel = [this](sel::Regs &r) { call(r); };
    }
    ~SimKernel() { sel::host::kernel = nullptr; }

    static constexpr cptr_t kPool = 1;

    u64 used(cptr_t untyped) { return memory_.at(slot_.at(untyped).object).mark; }
    std::size_t capabilities() const { return slot_.size() - 1; } // Besides the pool.
    bool occupied(cptr_t slot) const { return slot_.contains(slot); }

  private:
    struct Slot {
        u64 type;
        cptr_t parent;
        u64 object;
    };
    struct Memory {
        u64 bytes, mark;
    };

    void call(sel::Regs &r) {
        if (!slot_.contains(r.cptr)) {
            r.number = ERR_CAP;
            return;
        }
        switch (r.number) {
        case CALL_UNTYPED_RETYPE:
            r.number = retype(r);
            break;
        case CALL_UNTYPED_RESET:
            r.number = reset(r.cptr);
            break;
        case CALL_CAP_COPY:
            slot_[r.word[0]] = {slot_[r.cptr].type, r.cptr, slot_[r.cptr].object};
            r.number = OK;
            break;
        case CALL_CAP_DELETE:
            remove(r.cptr);
            r.number = OK;
            break;
        case CALL_CAP_REVOKE:
            revoke(r.cptr);
            r.number = OK;
            break;
        default:
            r.number = ERR_TYPE;
        }
    }

    static u64 bytes_of(u64 type, u64 size) {
        const std::map<u64, u64> bytes{{CAP_CNODE, size * SLOT_BYTES}, {CAP_TCB, TCB_BYTES},
                                       {CAP_ENDPOINT, ENDPOINT_BYTES}, {CAP_FRAME, PAGE_BYTES},
                                       {CAP_PAGE_TABLE, TABLE_BYTES},  {CAP_UNTYPED, size}};
        return bytes.at(type);
    }

    u64 retype(const sel::Regs &r) {
        u64 type = r.word[0], to = r.word[2];
        if (slot_[r.cptr].type != CAP_UNTYPED) {
            return ERR_TYPE;
        }
        if (slot_.contains(to)) {
            return ERR_OCCUPIED;
        }
        Memory &m = memory_[slot_[r.cptr].object];
        u64 bytes = bytes_of(type, r.word[1]);
        u64 align = type == CAP_UNTYPED ? u64{PAGE_BYTES}
                    : type == CAP_CNODE ? u64{OBJECT_ALIGN}
                                        : bytes;
        u64 from = m.mark + (type == CAP_UNTYPED ? u64{UNTYPED_BYTES} : 0);
        from = (from + align - 1) / align * align;
        if (from + bytes > m.bytes) {
            return ERR_MEMORY;
        }
        m.mark = from + bytes;
        slot_[to] = {type, r.cptr, ++objects_};
        if (type == CAP_UNTYPED) {
            memory_[objects_] = {bytes, 0};
        }
        return OK;
    }

    bool has_children(cptr_t parent) const {
        for (const auto &[at, slot] : slot_) {
            if (slot.parent == parent) {
                return true;
            }
        }
        return false;
    }

    u64 reset(cptr_t at) {
        if (has_children(at)) {
            return ERR_CHILDREN;
        }
        memory_[slot_[at].object].mark = 0;
        return OK;
    }

    void remove(cptr_t at) {
        for (auto &[other, slot] : slot_) {
            slot.parent = slot.parent == at ? slot_[at].parent : slot.parent;
        }
        slot_.erase(at);
    }

    void revoke(cptr_t at) {
        for (auto it = slot_.begin(); it != slot_.end();) {
            if (it->second.parent == at) {
                cptr_t child = it->first;
                revoke(child);
                slot_.erase(child);
                it = slot_.begin();
            } else {
                ++it;
            }
        }
    }

    std::map<cptr_t, Slot> slot_;
    std::map<u64, Memory> memory_; // By object.
    u64 objects_ = 1000;
};
