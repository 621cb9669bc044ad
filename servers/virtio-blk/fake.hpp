// FakeDevice: a virtio block device with its registers, and what can go wrong with one.
// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <cstring>
#include <map>
#include <vector>

#include "servers/block/fake_memory.hpp"

#include "disk.hpp"

namespace virtio_blk {

class FakeDevice {
  public:
    static constexpr u32 kBar = 4, kCommon = 0, kIsr = 0x1000, kConfig = 0x2000, kNotify = 0x3000;
    static constexpr u32 kStep = 4, kNotifyPlace = 2;

    explicit FakeDevice(block::FakeMemory &memory) : memory_{memory}, image(1000 * 512) {
        capability(0x40, 1, kCommon, 0x1000, 0x50);
        capability(0x50, 3, kIsr, 0x1000, 0x60);
        capability(0x60, 4, kConfig, 0x1000, 0x70);
        capability(0x70, 2, kNotify, 0x1000, 0);
        space[0x80] = kStep;
        space[0x34] = 0x40;
    }

  private:
    block::FakeMemory &memory_;

  public:
    std::vector<u8> image;
    std::map<u32, u32> space; // Configuration space.
    u32 bar_bytes = 0x4000;
    pci::Signal way = pci::Signal::MSIX;
    u64 features = FEATURE_VERSION_1 | FEATURE_FLUSH | FEATURE_DISCARD | FEATURE_SEG_MAX;
    u32 seg_max = 254, discard_most = 100, blk_size = 512;
    u16 queue_most = 256;

    // Faults.
    bool silent = false; // Takes requests and says nothing.
    bool stuck = false;  // Never ends a reset.
    bool deaf_vectors = false;
    bool refuse_features = false;
    u8 outcome = 0; // Status byte of requests.

    // What it saw.
    u8 status = 0;
    u64 accepted = 0;
    u32 resets = 0, flushes = 0, isr_reads = 0;
    std::vector<u64> discards; // Sector, number.
    u64 time = 0;

    // --- Bus.

    u32 config(u32 offset) { return space[offset]; }
    u32 bytes(u32 bar) const { return bar == kBar ? bar_bytes : 0; }
    pci::Signal signal() const { return way; }
    u64 now_ms() const { return time; }
    void pause() { time++; }

    template <typename T>
    T read(u32 bar, u32 offset) {
        if (bar != kBar || offset + sizeof(T) > bar_bytes) {
            memory_.strayed = true;
            return 0;
        }
        if (offset >= kConfig && offset < kNotify) {
            return static_cast<T>(config_word(offset - kConfig));
        }
        if (offset >= kIsr) {
            isr_reads++;
            return 0;
        }
        return static_cast<T>(common_word(offset));
    }

    template <typename T>
    void write(u32 bar, u32 offset, T value) {
        if (bar != kBar || offset + sizeof(T) > bar_bytes) {
            memory_.strayed = true;
        } else if (offset >= kNotify) {
            memory_.strayed = memory_.strayed || offset != kNotify + kStep * kNotifyPlace;
            work();
        } else {
            set_common(offset, value);
        }
    }

    // --- The device.

    u64 used_ring() const { return address_[2]; }
    u16 used_index() { return memory_.get<u16>(used_ring() + 2); }
    void set_used_index(u16 index) { memory_.put<u16>(used_ring() + 2, index); }
    void say_used(u32 head) {
        u16 index = used_index();
        memory_.put<u32>(used_ring() + 4 + index % queue_size_ * 8u, head);
        set_used_index(static_cast<u16>(index + 1));
    }

    // Does what has been offered, the last one first if `backwards`.
    void work(bool backwards = false) {
        if ((status & STATUS_DRIVER_OK) == 0 || silent) {
            return;
        }
        std::vector<u16> heads;
        for (u16 end = memory_.get<u16>(address_[1] + 2); seen_ != end; seen_++) {
            heads.push_back(memory_.get<u16>(address_[1] + 4 + seen_ % queue_size_ * 2u));
        }
        if (backwards) {
            std::reverse(heads.begin(), heads.end());
        }
        for (u16 head : heads) {
            request(head);
            say_used(head);
        }
    }

  private:
    void capability(u32 at, u32 kind, u32 offset, u32 bytes, u32 next) {
        space[at] = 9 | next << 8 | 20 << 16 | kind << 24;
        space[at + 4] = kBar;
        space[at + 8] = offset;
        space[at + 12] = bytes;
    }

    u32 config_word(u32 offset) const {
        switch (offset) {
        case CONFIG_CAPACITY:
            return static_cast<u32>(image.size() / 512);
        case CONFIG_SEG_MAX:
            return seg_max;
        case CONFIG_BLK_SIZE:
            return blk_size;
        case CONFIG_DISCARD_SECTORS:
            return discard_most;
        default:
            return 0;
        }
    }

    u32 common_word(u32 offset) const {
        switch (offset) {
        case COMMON_DEVICE_FEATURE:
            return static_cast<u32>(features >> 32 * select_);
        case COMMON_STATUS:
            return status;
        case COMMON_QUEUE_SIZE:
            return queue_size_;
        case COMMON_QUEUE_VECTOR:
            return deaf_vectors ? 0xffff : vector_;
        case COMMON_QUEUE_NOTIFY:
            return kNotifyPlace;
        default:
            return 0;
        }
    }

    void set_common(u32 offset, u64 value) {
        if (offset == COMMON_STATUS) {
            set_status(static_cast<u8>(value));
        } else if (offset == COMMON_DEVICE_SELECT || offset == COMMON_DRIVER_SELECT) {
            select_ = static_cast<u32>(value);
        } else if (offset == COMMON_DRIVER_FEATURE) {
            accepted |= value << 32 * select_;
        } else if (offset == COMMON_QUEUE_SIZE) {
            queue_size_ = static_cast<u16>(value);
        } else if (offset == COMMON_QUEUE_VECTOR) {
            vector_ = static_cast<u16>(value);
        } else if (offset >= COMMON_QUEUE_DESCRIPTORS) {
            u32 i = (offset - COMMON_QUEUE_DESCRIPTORS) / 8;
            address_[i] |= value << ((offset & 4) != 0 ? 32 : 0);
        }
    }

    void set_status(u8 value) {
        if (value == 0) {
            resets++;
            status = stuck ? status : 0;
            accepted = 0;
            queue_size_ = queue_most;
            seen_ = 0;
            std::memset(address_, 0, sizeof address_);
        } else {
            u8 no = refuse_features ? STATUS_FEATURES_OK : 0;
            status = static_cast<u8>(value & ~no);
        }
    }

    void request(u16 head) {
        Descriptor d = memory_.get<Descriptor>(address_[0] + head * 16u);
        Header header = memory_.get<Header>(d.address);
        u64 at = header.sector * 512;
        for (u32 i = 0; i < 64; i++) {
            d = memory_.get<Descriptor>(address_[0] + d.next * 16u);
            if ((d.flags & DESCRIPTOR_NEXT) == 0) {
                break;
            }
            if (header.type == TYPE_DISCARD) {
                Discard range = memory_.get<Discard>(d.address);
                discards.insert(discards.end(), {range.sector, range.sectors});
                continue;
            }
            u8 *memory = memory_.find(d.address, d.bytes);
            bool writes = (d.flags & DESCRIPTOR_WRITE) != 0;
            if (memory == nullptr || at + d.bytes > image.size() ||
                writes != (header.type == TYPE_IN)) {
                memory_.strayed = true;
                return;
            }
            std::memcpy(writes ? memory : &image[at], writes ? &image[at] : memory, d.bytes);
            at += d.bytes;
        }
        flushes += header.type == TYPE_FLUSH ? 1 : 0;
        memory_.put<u8>(d.address, outcome);
    }

    u32 select_ = 0;
    u16 queue_size_ = 0, vector_ = 0xffff, seen_ = 0;
    u64 address_[3] = {};
};

} // namespace virtio_blk
