// SimKernel: capabilities, memory, mappings and threads as the kernel treats them, for tests of libsel.
// SPDX-License-Identifier: BSD-2-Clause
//
// A capability knows its parent; memory is given out by a mark; a Frame has its bytes, which are seen
// where it is mapped in the own address space. Written from abi/call.h alone, so that it does not repeat
// the kernel's own mistakes. The n-th call can be made to fail.
#pragma once

#include <array>
#include <cstring>
#include <map>
#include <tuple>
#include <vector>

#include "sel/host.hpp"

class SimKernel {
  public:
    struct Slot {
        u64 type;
        cptr_t parent;
        u64 object;
        u64 rights = RIGHT_ALL, badge = 0;
        u64 space = 0, address = 0; // Where it is mapped, as an object; 0: nowhere.
        u64 mapped_rights = 0;      // And how.
        bool operator==(const Slot &) const = default;
    };
    using Slots = std::map<cptr_t, Slot>;

    struct Thread {
        std::map<u64, u64> bound; // TCB_SLOT_*: object.
        u64 notification, context, priority, vector;
        regs_t regs;
        bool runs;
    };

    static constexpr cptr_t kPool = 1;

    explicit SimKernel(u64 bytes) {
        add(kPool, CAP_UNTYPED);
        memory_[slot_[kPool].object] = {bytes, 0};
        sel::host::kernel = [this](sel::Regs &r) { call(r); };
    }
    ~SimKernel() { sel::host::kernel = nullptr; }
    SimKernel(const SimKernel &) = delete;
    SimKernel &operator=(const SimKernel &) = delete;

    // A capability that the caller has from the start.
    void add(cptr_t at, u64 type, u64 badge = 0) {
        slot_[at] = {type, 0, ++objects_, RIGHT_ALL, badge};
    }
    // This VSpace is the caller's own, with the page tables for `address`.
    void own(cptr_t space, u64 address) {
        own_ = slot_.at(space).object;
        for (u64 shift : kLevels) {
            table_[{own_, shift, address >> shift}] = 1;
        }
    }
    // Call number `n` from now on, from 1, is refused with `error`; 0: none.
    void fail(u64 n, error_t error) {
        calls_ = 0;
        fail_ = n;
        error_ = error;
    }

    u64 calls() const { return calls_; }
    u64 used(cptr_t untyped) { return memory_.at(slot_.at(untyped).object).mark; }
    std::size_t capabilities() const { return slot_.size() - 1; } // Besides the pool.
    bool occupied(cptr_t slot) const { return slot_.contains(slot); }
    const Slots &slots() const { return slot_; }
    const Slot &slot(cptr_t at) const { return slot_.at(at); }
    std::size_t tables() const { return table_.size(); }
    const Thread &thread(cptr_t tcb) const { return thread_.at(slot_.at(tcb).object); }
    u64 signals(u64 notification) { return signals_[notification]; }
    std::pair<u64, u64> time(u64 context) const { return time_.at(context); }
    u64 bell(u64 handler) const { return bell_.at(handler); } // Badge that an interrupt signals.

    // What is mapped there in `space`; nullptr: nothing.
    const Slot *mapped(cptr_t space, u64 address) const {
        for (const auto &[at, s] : slot_) {
            if (s.space == slot_.at(space).object && s.type == CAP_FRAME && s.address == address) {
                return &s;
            }
        }
        return nullptr;
    }
    std::array<u8, PAGE_BYTES> &bytes(u64 frame) { return bytes_[frame]; }

  private:
    struct Memory {
        u64 bytes, mark;
    };
    static constexpr u64 kLevels[] = {39, 30, 21};

    void call(sel::Regs &r) {
        bool fails = ++calls_ == fail_;
        r.number = fails ? u64{error_} : !slot_.contains(r.cptr) ? u64{ERR_CAP} : run(r);
    }

    u64 run(const sel::Regs &r) {
        Slot &s = slot_[r.cptr];
        switch (r.number) {
        case CALL_UNTYPED_RETYPE:
            return s.type == CAP_UNTYPED ? retype(r) : u64{ERR_TYPE};
        case CALL_UNTYPED_RESET:
            return s.type == CAP_UNTYPED ? reset(r.cptr) : u64{ERR_TYPE};
        case CALL_CAP_COPY:
            return derive(r, 0);
        case CALL_CAP_MINT:
            return s.badge == 0 ? derive(r, r.word[2]) : u64{ERR_ARG};
        case CALL_CAP_DELETE:
            remove(r.cptr);
            return OK;
        case CALL_CAP_REVOKE:
            revoke(r.cptr);
            return OK;
        case CALL_FRAME_MAP:
            return s.type == CAP_FRAME ? map(s, r) : u64{ERR_TYPE};
        case CALL_FRAME_UNMAP:
            unmap(s);
            return s.type == CAP_FRAME ? OK : ERR_TYPE;
        case CALL_TABLE_MAP:
            return s.type == CAP_PAGE_TABLE ? map_table(s, r) : u64{ERR_TYPE};
        case CALL_SC_CONFIGURE:
            return configure(s, r);
        case CALL_SIGNAL:
            signals_[s.object] |= s.badge;
            return s.type == CAP_NOTIFICATION && s.badge != 0 ? OK : ERR_TYPE;
        case CALL_IRQ_BIND:
            if (s.type != CAP_IRQ_HANDLER || !is(r.word[0], CAP_NOTIFICATION)) {
                return ERR_TYPE;
            }
            bell_[s.object] = slot_[r.word[0]].badge;
            return OK;
        default:
            return s.type == CAP_TCB ? change(thread_[s.object], r) : u64{ERR_TYPE};
        }
    }

    bool is(cptr_t at, u64 type) const { return slot_.contains(at) && slot_.at(at).type == type; }

    // Is there such a slot, and is it empty?
    u64 check_empty(cptr_t at) const {
        cptr_t cnode = at & 0xffffffff, index = at >> 32;
        if (index != 0 && (!is(cnode, CAP_CNODE) || index >= size_.at(slot_.at(cnode).object))) {
            return ERR_CAP;
        }
        return slot_.contains(at) ? ERR_OCCUPIED : OK;
    }

    u64 derive(const sel::Regs &r, u64 badge) {
        if (u64 error = check_empty(r.word[0]); error != OK) {
            return error;
        }
        const Slot &s = slot_[r.cptr];
        slot_[r.word[0]] = {s.type, r.cptr, s.object, s.rights & r.word[1],
                            s.badge != 0 ? s.badge : badge};
        return OK;
    }

    // --- Memory.

    static u64 bytes_of(u64 type, u64 size) {
        const std::map<u64, u64> bytes{
            {CAP_CNODE, size * SLOT_BYTES}, {CAP_TCB, TCB_BYTES},
            {CAP_ENDPOINT, ENDPOINT_BYTES}, {CAP_NOTIFICATION, NOTIFICATION_BYTES},
            {CAP_REPLY, REPLY_BYTES},       {CAP_SCHED_CONTEXT, SCHED_CONTEXT_BYTES},
            {CAP_FRAME, PAGE_BYTES},        {CAP_VSPACE, TABLE_BYTES},
            {CAP_PAGE_TABLE, TABLE_BYTES},  {CAP_UNTYPED, size}};
        return bytes.at(type);
    }

    static u64 align_of(u64 type, u64 bytes) {
        bool small = type == CAP_CNODE || bytes <= SCHED_CONTEXT_BYTES;
        return type == CAP_UNTYPED ? u64{PAGE_BYTES} : small ? u64{OBJECT_ALIGN} : bytes;
    }

    u64 retype(const sel::Regs &r) {
        u64 type = r.word[0], step = r.word[2] >> 32 != 0 ? u64{1} << 32 : 1;
        if (r.word[3] == 0 || r.word[3] > RETYPE_MAX) {
            return ERR_ARG;
        }
        for (u64 i = 0; i < r.word[3]; i++) {
            if (u64 error = check_empty(r.word[2] + i * step); error != OK) {
                return error;
            }
        }
        Memory &m = memory_[slot_[r.cptr].object];
        u64 bytes = bytes_of(type, r.word[1]), align = align_of(type, bytes), mark = m.mark;
        for (u64 i = 0; i < r.word[3]; i++) {
            u64 from = mark + (type == CAP_UNTYPED ? u64{UNTYPED_BYTES} : 0);
            from = (from + align - 1) / align * align;
            if (bytes > m.bytes || from > m.bytes - bytes) {
                return ERR_MEMORY;
            }
            mark = from + bytes;
        }
        m.mark = mark;
        for (u64 i = 0; i < r.word[3]; i++) {
            make(type, r.word[1], r.word[2] + i * step, r.cptr);
        }
        return OK;
    }

    void make(u64 type, u64 size, cptr_t to, cptr_t parent) {
        slot_[to] = {type, parent, ++objects_};
        if (type == CAP_UNTYPED) {
            memory_[objects_] = {size, 0};
        } else if (type == CAP_CNODE) {
            size_[objects_] = size;
            home_[objects_] = to;
        } else if (type == CAP_TCB) {
            thread_[objects_] = {};
        }
    }

    u64 reset(cptr_t at) {
        for (const auto &[other, slot] : slot_) {
            if (slot.parent == at) {
                return ERR_CHILDREN;
            }
        }
        memory_[slot_[at].object].mark = 0;
        return OK;
    }

    void remove(cptr_t at) {
        for (auto &[other, slot] : slot_) {
            slot.parent = slot.parent == at ? slot_[at].parent : slot.parent;
        }
        erase(at);
    }

    void revoke(cptr_t at) {
        std::vector<cptr_t> gone;
        for (const auto &[other, slot] : slot_) {
            cptr_t up = slot.parent;
            while (up != 0 && up != at) {
                up = slot_.at(up).parent;
            }
            if (up == at) {
                gone.push_back(other);
            }
        }
        for (cptr_t other : gone) {
            if (slot_.contains(other)) { // It may have gone with its CNode.
                erase(other);
            }
        }
    }

    // With the last capability to a CNode all that stands in it goes.
    void erase(cptr_t at) {
        Slot s = slot_[at];
        unmap(s);
        slot_.erase(at);
        bool last = s.type == CAP_CNODE;
        for (const auto &[other, slot] : slot_) {
            last = last && slot.object != s.object;
        }
        for (auto it = slot_.begin(); last && it != slot_.end();) {
            cptr_t inside = (it++)->first;
            if (inside >> 32 != 0 && (inside & 0xffffffff) == home_[s.object]) {
                remove(inside);
                it = slot_.upper_bound(inside);
            }
        }
    }

    // --- Address spaces.

    u64 map(Slot &s, const sel::Regs &r) {
        u64 address = r.word[1], rights = r.word[2];
        if (!is(r.word[0], CAP_VSPACE) || address % PAGE_BYTES != 0) {
            return ERR_ARG;
        }
        u64 space = slot_[r.word[0]].object;
        if ((rights & ~s.rights) != 0) {
            return ERR_RIGHT;
        }
        for (u64 shift : kLevels) {
            if (!table_.contains({space, shift, address >> shift})) {
                return ERR_TABLE;
            }
        }
        if (s.space != 0 || mapped(r.word[0], address) != nullptr) {
            return ERR_OCCUPIED;
        }
        s.space = space;
        s.address = address;
        s.mapped_rights = rights;
        if (space == own_) {
            std::memcpy(reinterpret_cast<void *>(address), bytes_[s.object].data(), PAGE_BYTES);
        }
        return OK;
    }

    u64 map_table(Slot &s, const sel::Regs &r) {
        if (!is(r.word[0], CAP_VSPACE)) {
            return ERR_ARG;
        }
        u64 space = slot_[r.word[0]].object;
        for (u64 shift : kLevels) {
            auto key = std::tuple{space, shift, r.word[1] >> shift};
            if (!table_.contains(key)) {
                table_[key] = s.object;
                s.space = space;
                return OK;
            }
        }
        return ERR_OCCUPIED;
    }

    void unmap(Slot &s) {
        if (s.type == CAP_FRAME && s.space == own_ && own_ != 0) {
            auto *from = reinterpret_cast<const u8 *>(s.address);
            std::copy(from, from + PAGE_BYTES, bytes_[s.object].data());
        }
        if (s.type == CAP_PAGE_TABLE) {
            std::erase_if(table_, [&](const auto &entry) { return entry.second == s.object; });
        }
        s.space = s.address = s.mapped_rights = 0;
    }

    // --- Threads and time.

    u64 configure(const Slot &s, const sel::Regs &r) {
        if (s.type != CAP_SCHED_CONTROL || !is(r.word[0], CAP_SCHED_CONTEXT)) {
            return ERR_TYPE;
        }
        if (r.word[1] == 0 || r.word[1] > r.word[2]) {
            return ERR_ARG;
        }
        time_[slot_[r.word[0]].object] = {r.word[1], r.word[2]};
        return OK;
    }

    u64 change(Thread &t, const sel::Regs &r) {
        constexpr u64 kTypes[TCB_SLOTS] = {0,         CAP_CNODE,    CAP_VSPACE,  CAP_REPLY,
                                           CAP_FRAME, CAP_ENDPOINT, CAP_ENDPOINT};
        u64 a = r.word[0], b = r.word[1];
        switch (r.number) {
        case CALL_TCB_BIND:
            if (a == 0 || a >= TCB_SLOTS || !is(b, kTypes[a])) {
                return ERR_TYPE;
            }
            t.bound[a] = slot_[b].object;
            return OK;
        case CALL_TCB_PRIORITY:
            t.priority = a;
            return OK;
        case CALL_TCB_NOTIFICATION:
            t.notification = is(a, CAP_NOTIFICATION) ? slot_[a].object : 0;
            return t.notification != 0 ? OK : ERR_TYPE;
        case CALL_TCB_CONTEXT:
            t.context = is(a, CAP_SCHED_CONTEXT) ? slot_[a].object : 0;
            return t.context != 0 ? OK : ERR_TYPE;
        case CALL_TCB_VECTOR:
            t.vector = a;
            return OK;
        case CALL_TCB_WRITE:
            std::memcpy(&t.regs, sel::ipc_buffer(), sizeof t.regs);
            return OK;
        case CALL_TCB_RESUME:
            t.runs = true;
            return OK;
        default:
            return ERR_TYPE;
        }
    }

    Slots slot_;
    std::map<u64, Memory> memory_;                    // By object.
    std::map<u64, u64> size_;                         // Of CNodes: slots,
    std::map<u64, cptr_t> home_;                      // and where they were made.
    std::map<u64, Thread> thread_;                    // By object.
    std::map<u64, std::array<u8, PAGE_BYTES>> bytes_; // Of Frames.
    std::map<std::tuple<u64, u64, u64>, u64> table_;  // Space, level, place: object.
    std::map<u64, u64> signals_, bell_;
    std::map<u64, std::pair<u64, u64>> time_;
    u64 own_ = 0, objects_ = 1000;
    u64 calls_ = 0, fail_ = 0;
    error_t error_ = OK;
};
