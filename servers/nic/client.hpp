// Wire: the client's side of a card: its region, whose each buffer is, frames in and out.
// SPDX-License-Identifier: BSD-2-Clause
//
//   wire.begin(region)                        rings zeroed, empty buffers given to the driver; then Attach
//   wire.receive([](const Arrived &) {...})   what has arrived; each buffer is the client's until give(buffer)
//   wire.reserve() -> fill -> wire.send()     nothing is copied, nothing waits: no buffer is no frame
//   if (wire.wants_kick()) ...                one Kick for all of that
//   wire.prepare_sleep()                      before it waits for its bell; false: there is something to do
// The driver is believed only within bounds: a buffer that it does not have, or a frame that is not in it, makes the
// wire bad() until begin().
#pragma once

#include <array>
#include <optional>
#include <span>

#include "servers/nic/api.hpp"

#include "sel/static_vector.hpp"

namespace nic {

// A frame in a buffer.
struct Arrived {
    u16 buffer;
    bool checked; // Check sums need not be looked at.
    std::span<u8> bytes;
};

class Wire {
  public:
    Wire() = default;
    Wire(const Wire &) = delete;
    Wire &operator=(const Wire &) = delete;

    // `region`: at least kRingPages + 1 pages. Half of its buffers, at most kSlots, are for frames to be sent. What of the
    // others is_held() is still the client's, who gives it when it is not.
    template <typename IsHeld>
    void begin(std::span<u8> region, IsHeld is_held) {
        region_ = region;
        bad_ = kick_ = false;
        __builtin_memset(region.data(), 0, kRingPages * PAGE_BYTES);
        auto ring = [&](RingPage page) -> Ring & {
            return *reinterpret_cast<Ring *>(region_.data() + page * PAGE_BYTES);
        };
        Mark mark{&kick_};
        rings_.emplace(Rings{{ring(PAGE_VACANT), mark},
                             {ring(PAGE_OUTGOING), mark},
                             {ring(PAGE_ARRIVED), mark},
                             {ring(PAGE_SENT), mark}});
        u64 pages = region.size() / PAGE_BYTES - kRingPages;
        count_ = std::min(static_cast<u32>(pages) * (PAGE_BYTES / kBufferBytes), kBuffersMax);
        out_ = 0;
        driver_has_.fill(false);
        unsent_.clear();
        spare_.clear();
        u32 to_send = std::min(count_ / 2, kSlots);
        for (u32 i = 0; i < count_; i++) {
            u16 buffer = static_cast<u16>(i);
            [[maybe_unused]] bool kept = i < to_send ? unsent_.push_back(buffer)
                                                     : is_held(buffer) || spare_.push_back(buffer);
        }
        give_spare();
    }

    void begin(std::span<u8> region) {
        begin(region, [](u16) { return false; });
    }

    bool bad() const { return bad_; }
    // A Kick is due; asking forgets it.
    bool wants_kick() { return std::exchange(kick_, false); }

    // At most so many; how many they were.
    template <typename Take>
    u32 receive(Take take, u32 most = ~0u) {
        u32 taken = 0;
        for (; taken < most && rings_ && !bad_; taken++) {
            sel::Result<std::span<Slot>> slots = rings_->arrived.peek();
            if (!slots || slots->empty()) {
                bad_ = bad_ || !slots;
                return taken;
            }
            Slot slot;
            __builtin_memcpy(&slot, &(*slots)[0], sizeof slot);
            rings_->arrived.release(1);
            if (!came_back(slot.buffer) || slot.offset > kBufferBytes ||
                slot.bytes > kBufferBytes - slot.offset) {
                bad_ = true;
                return taken;
            }
            out_--;
            take(Arrived{slot.buffer, (slot.flags & kChecked) != 0,
                         buffer(slot.buffer).subspan(slot.offset, slot.bytes)});
        }
        return taken;
    }

    // A buffer that came with a frame is not needed any more.
    void give(u16 number) {
        [[maybe_unused]] bool kept = spare_.push_back(number);
        give_spare();
    }

    // An empty buffer for a frame.
    std::optional<u16> reserve() {
        if (unsent_.empty()) {
            reclaim();
        }
        if (unsent_.empty() || bad_ || !rings_) {
            return {};
        }
        u16 number = unsent_.back();
        unsent_.pop_back();
        return number;
    }
    // Its memory.
    std::span<u8> buffer(u16 number) const {
        return region_.subspan(kRingPages * PAGE_BYTES + u64{number} * kBufferBytes, kBufferBytes);
    }
    // The first `bytes` of a buffer that was reserved are a frame; at most kFrameBytes.
    void send(u16 number, u16 bytes) { pass(rings_->outgoing, {number, 0, bytes, 0, 0, 0, 0}); }

    // The same; the card puts the check sum in that begins at `start` (Info::checksums).
    void send(u16 number, u16 bytes, u16 start, u16 offset) {
        pass(rings_->outgoing, {number, 0, bytes, kNeedsChecksum, start, offset, 0});
    }

    // Frees what was sent.
    void reclaim() {
        while (rings_ && !bad_) {
            sel::Result<std::span<Slot>> slots = rings_->sent.peek();
            if (!slots || slots->empty()) {
                bad_ = bad_ || !slots;
                return;
            }
            u16 number = (*slots)[0].buffer;
            rings_->sent.release(1);
            if (!came_back(number) || !unsent_.push_back(number)) {
                bad_ = true;
                return;
            }
        }
    }

    bool prepare_sleep() {
        if (!rings_ || bad_) {
            return true;
        }
        bool idle = rings_->arrived.prepare_sleep();
        bad_ = !rings_->arrived.good() || !rings_->sent.good();
        return idle || bad_;
    }

  private:
    struct Mark {
        bool *wanted;
        void ring() const { *wanted = true; }
    };
    using In = sel::Receiver<Slot, kSlots, Mark>;
    using Out = sel::Sender<Slot, kSlots, Mark>;
    struct Rings {
        Out vacant, outgoing;
        In arrived, sent;
    };

    // The driver had it.
    bool came_back(u16 number) {
        bool had = number < count_ && driver_has_[number];
        if (had) {
            driver_has_[number] = false;
        }
        return had;
    }

    void pass(Out &ring, const Slot &slot) {
        sel::Result<std::span<Slot>> room = ring.reserve();
        if (!room || room->empty()) {
            bad_ = true; // The driver does not count right: at most kSlots are out.
            return;
        }
        (*room)[0] = slot;
        driver_has_[slot.buffer] = true;
        ring.publish(1);
    }

    void give_spare() {
        while (!spare_.empty() && out_ < kSlots && rings_ && !bad_) {
            u16 number = spare_.back();
            spare_.pop_back();
            out_++;
            pass(rings_->vacant, {number, 0, 0, 0, 0, 0, 0});
        }
    }

    std::span<u8> region_;
    std::optional<Rings> rings_;
    bool bad_ = false, kick_ = false;
    u32 count_ = 0;
    u32 out_ = 0; // Empty ones that the driver has.
    std::array<bool, kBuffersMax> driver_has_{};
    sel::StaticVector<u16, kBuffersMax> unsent_, spare_;
};

} // namespace nic
