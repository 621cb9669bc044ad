// FakeRegisters: what every virtio device on PCI has, and what can go wrong with it; a device in a test is made of it.
// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <array>
#include <cstring>
#include <map>
#include <vector>

#include "servers/driver/fake_memory.hpp"
#include "servers/virtio/transport.hpp"

namespace virtio {

class FakeRegisters {
  public:
    static constexpr u32 kBar = 4, kCommon = 0, kIsr = 0x1000, kConfig = 0x2000, kNotify = 0x3000;
    static constexpr u32 kStep = 4,
                         kNotifyPlace = 2; // The bell of queue n is at place kNotifyPlace + n.

    FakeRegisters(driver::FakeMemory &memory, u64 offered) : features{offered}, memory_{memory} {
        capability(0x40, 1, kCommon, 0x1000, 0x50);
        capability(0x50, 3, kIsr, 0x1000, 0x60);
        capability(0x60, 4, kConfig, 0x1000, 0x70);
        capability(0x70, 2, kNotify, 0x1000, 0);
        space[0x80] = kStep;
        space[0x34] = 0x40;
    }

    std::map<u32, u32> space; // Configuration space.
    u32 bar_bytes = 0x4000;
    pci::Signal way = pci::Signal::MSIX;
    u64 features;
    u16 queue_most = 256;

    // Faults.
    bool silent = false; // Takes requests and says nothing.
    bool stuck = false;  // Never ends a reset.
    bool deaf_vectors = false;
    bool refuse_features = false;

    // What it saw.
    u8 status = 0;
    u64 accepted = 0;
    u32 resets = 0, isr_reads = 0, bells = 0;
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
            u32 bell = (offset - kNotify) / kStep - kNotifyPlace;
            memory_.strayed = memory_.strayed || bell != value || bell >= kQueues;
            bells++;
            on_bell(bell % kQueues);
        } else {
            set_common(offset, value);
        }
    }

    // --- The device's side of its queues.

    u64 used_ring(u32 queue = 0) const { return queue_[queue].address[2]; }
    u16 used_index(u32 queue = 0) { return memory_.get<u16>(used_ring(queue) + 2); }
    void set_used_index(u16 index, u32 queue = 0) { memory_.put<u16>(used_ring(queue) + 2, index); }
    void say_used(u32 head, u32 bytes = 0, u32 queue = 0) {
        u16 index = used_index(queue);
        u64 at = used_ring(queue) + 4 + index % queue_[queue].size * 8u;
        memory_.put<u32>(at, head);
        memory_.put<u32>(at + 4, bytes);
        set_used_index(static_cast<u16>(index + 1), queue);
    }
    Descriptor descriptor(u16 at, u32 queue = 0) {
        return memory_.get<Descriptor>(queue_[queue].address[0] + at * 16u);
    }
    // How much was offered and not taken.
    u16 offered(u32 queue = 0) {
        return static_cast<u16>(memory_.get<u16>(queue_[queue].address[1] + 2) -
                                queue_[queue].seen);
    }
    u16 take_offered(u32 queue = 0) {
        Ring &q = queue_[queue];
        return memory_.get<u16>(q.address[1] + 4 + q.seen++ % q.size * 2u);
    }

  protected:
    static constexpr u32 kQueues = Transport<FakeRegisters>::kQueues;

    ~FakeRegisters() = default;
    virtual u32 config_word(u32 offset) const = 0;
    virtual void on_bell(u32 queue) = 0;

    driver::FakeMemory &memory_;

  private:
    struct Ring {
        u16 size = 0, vector = 0xffff, seen = 0;
        u64 address[3] = {};
    };

    void capability(u32 at, u32 kind, u32 offset, u32 bytes, u32 next) {
        space[at] = 9 | next << 8 | 20 << 16 | kind << 24;
        space[at + 4] = kBar;
        space[at + 8] = offset;
        space[at + 12] = bytes;
    }

    u32 common_word(u32 offset) const {
        switch (offset) {
        case COMMON_DEVICE_FEATURE:
            return static_cast<u32>(features >> 32 * select_);
        case COMMON_STATUS:
            return status;
        case COMMON_CONFIG_VECTOR:
            return deaf_vectors ? 0xffff : config_vector_;
        case COMMON_QUEUE_SIZE:
            return queue_[number_].size;
        case COMMON_QUEUE_VECTOR:
            return deaf_vectors ? 0xffff : queue_[number_].vector;
        case COMMON_QUEUE_NOTIFY:
            return kNotifyPlace + number_;
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
        } else if (offset == COMMON_CONFIG_VECTOR) {
            config_vector_ = static_cast<u16>(value);
        } else if (offset == COMMON_QUEUE) {
            number_ = static_cast<u32>(value % kQueues);
        } else if (offset == COMMON_QUEUE_SIZE) {
            queue_[number_].size = static_cast<u16>(value);
        } else if (offset == COMMON_QUEUE_VECTOR) {
            queue_[number_].vector = static_cast<u16>(value);
        } else if (offset >= COMMON_QUEUE_DESCRIPTORS) {
            u32 i = (offset - COMMON_QUEUE_DESCRIPTORS) / 8;
            queue_[number_].address[i] |= value << ((offset & 4) != 0 ? 32 : 0);
        }
    }

    void set_status(u8 value) {
        if (value == 0) {
            resets++;
            status = stuck ? status : 0;
            accepted = 0;
            config_vector_ = 0xffff;
            queue_ = {};
            for (Ring &q : queue_) {
                q.size = queue_most;
            }
        } else {
            u8 no = refuse_features ? STATUS_FEATURES_OK : 0;
            status = static_cast<u8>(value & ~no);
        }
    }

    u32 select_ = 0, number_ = 0;
    u16 config_vector_ = 0xffff;
    std::array<Ring, kQueues> queue_;
};

} // namespace virtio
