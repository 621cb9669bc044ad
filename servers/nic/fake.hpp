// What stands for a card, for memory that is lent and for a bell in host tests of the protocol.
// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <deque>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "servers/nic/client.hpp"
#include "servers/nic/server.hpp"

namespace nic {

// Pages of one region; page n lies at `kBase` + 3 n pages for the card.
class FakeRegion {
  public:
    static constexpr u64 kBase = 0x7'0000'0000, kStep = 3 * PAGE_BYTES;

    explicit FakeRegion(u32 pages)
        : memory_{new (std::align_val_t{PAGE_BYTES}) u8[pages * PAGE_BYTES]()}, pages_{pages} {}
    FakeRegion(const FakeRegion &) = delete;
    FakeRegion &operator=(const FakeRegion &) = delete;
    ~FakeRegion() { operator delete[](memory_, std::align_val_t{PAGE_BYTES}); }

    u32 pages() const { return pages_; }
    u64 physical(u32 page) const { return page < pages_ ? kBase + page * kStep : 0; }
    template <typename T>
    T *at(u32 page) const {
        return reinterpret_cast<T *>(memory_ + page * PAGE_BYTES);
    }
    std::span<u8> bytes() const { return {memory_, pages_ * PAGE_BYTES}; }
    // What a card reaches; nullptr: no memory of a buffer.
    u8 *find(driver::Piece piece) const {
        u64 page = (piece.physical - kBase) / kStep, offset = (piece.physical - kBase) % kStep;
        bool inside = page >= kRingPages && page < pages_ && offset + piece.bytes <= PAGE_BYTES;
        return inside ? memory_ + page * PAGE_BYTES + offset : nullptr;
    }

  private:
    u8 *memory_;
    u32 pages_;
};

struct FakeMemory {
    using Pool = FakeRegion;
    FakeRegion *next = nullptr; // That comes with the next message.
    std::set<u32> lent, kept;
    u32 dropped = 0;

    void drop() { dropped++; }
    sel::Result<u32> borrow() {
        if (next == nullptr) {
            return ERR_ARG;
        }
        lent.insert(3);
        return 3u;
    }
    sel::Result<const Pool *> use(u32, u32) {
        return next->pages() > kRingPages ? sel::Result<const Pool *>{next} : ERR_ARG;
    }
    void give_back(u32 place) { lent.erase(place); }
    void keep(u32 place) { kept.insert(place); }
};

struct FakeBell {
    u32 rings = 0, taken = 0, dropped = 0;
    void take(u32) { taken++; }
    void drop(u32) { dropped++; }
    void ring(u32) { rings++; }
};

using Bytes = std::basic_string<u8>;

// A card whose wire are two queues of frames.
class FakeCard {
  public:
    explicit FakeCard(FakeRegion &region) : region_{region} {}

    Facts shape;
    u32 room = kSlots; // In each direction.
    bool up = true, sane = true, alive = true, sends = true, obeys = true;
    bool strayed = false;
    u32 resets = 0, told = 0, lost = 0, heard = 0;
    std::vector<Bytes> out;        // Frames that it has sent.
    std::deque<u16> lies_received; // Tags that it says besides.
    std::deque<u16> lies_sent;
    std::vector<Mac> groups;

    // A frame comes from the wire.
    void arrive(const Bytes &frame, bool checked = false) {
        if (in_.empty()) {
            lost++;
            return;
        }
        Held held = in_.front();
        in_.pop_front();
        if (u8 *to = region_.find(held.piece)) {
            std::copy(frame.begin(), frame.end(), to);
        } else {
            strayed = true;
        }
        done_.push_back({held.tag, static_cast<u32>(frame.size()), checked});
    }

    const Facts &facts() const { return shape; }
    u32 receive_room() const { return room - static_cast<u32>(in_.size()); }
    u32 transmit_room() const { return room - static_cast<u32>(sending_.size()); }
    std::size_t has() const { return in_.size() + sending_.size(); }
    void receive(u16 tag, driver::Piece piece) {
        strayed = strayed || piece.bytes != kBufferBytes || region_.find(piece) == nullptr;
        in_.push_back({tag, piece});
    }
    void transmit(u16 tag, const Frame &frame) {
        const u8 *from = region_.find(frame.piece);
        strayed = strayed || from == nullptr || frame.piece.bytes > kFrameBytes;
        if (from != nullptr) {
            out.emplace_back(from, frame.piece.bytes);
        }
        sending_.push_back({tag, frame.piece});
    }
    void tell() { told++; }
    void hear() { heard++; }
    template <typename Sink>
    bool collect(Sink &sink) {
        bool good = sane;
        for (; good && !lies_received.empty(); lies_received.pop_front()) {
            good = sink.received(lies_received.front(), 0, 60, 0);
        }
        for (; good && !lies_sent.empty(); lies_sent.pop_front()) {
            good = sink.sent(lies_sent.front());
        }
        for (; good && !done_.empty(); done_.pop_front()) {
            const Done &d = done_.front();
            good = sink.received(d.tag, 0, d.bytes, d.checked ? u16{kChecked} : u16{0});
        }
        for (; good && sends && !sending_.empty(); sending_.pop_front()) {
            good = sink.sent(sending_.front().tag);
        }
        return good;
    }
    bool link() const { return up; }
    bool filter(std::span<const Mac> list) {
        groups.assign(list.data(), list.data() + list.size());
        return obeys;
    }
    bool reset() {
        resets++;
        sane = obeys = true;
        in_.clear();
        sending_.clear();
        done_.clear();
        lies_received.clear();
        lies_sent.clear();
        return alive;
    }

  private:
    struct Held {
        u16 tag;
        driver::Piece piece;
    };
    struct Done {
        u16 tag;
        u32 bytes;
        bool checked;
    };
    FakeRegion &region_;
    std::deque<Held> in_, sending_;
    std::deque<Done> done_;
};

} // namespace nic
