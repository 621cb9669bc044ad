// Transport: a modern virtio device on PCI: where its registers are, features, queues, bells, reset.
// SPDX-License-Identifier: BSD-2-Clause
//
//   find(bytes)                      structures; false: it is not one that can be used
//   reset()                          it forgets all addresses
//   begin(), negotiate(known)        features that both sides know
//   read_config([&] { ... })         with config<T>()
//   set_up(number, queue, most)      then begun: live()
// Source: Virtual I/O Device (VIRTIO) 1.1: 3.1 initialisation, 4.1 PCI.
#pragma once

#include <algorithm>
#include <bit>

#include "servers/driver/bus.hpp"
#include "servers/pci/api.hpp"
#include "servers/virtio/registers.hpp"

namespace virtio {

template <typename Bus>
class Transport {
  public:
    static constexpr u32 kQueues = 3; // Of a device, that we use.

    explicit Transport(Bus &bus) : bus_{bus} {}

    // The first structure of each kind that lies in the registers that were given (4.1.4). `config_bytes`: what
    // the device must have of its own; 0: it needs none.
    bool find(u32 config_bytes) {
        constexpr u32 kPointer = 0x34, kFirst = 0x40, kMost = 48, kVendor = 9;
        common_ = notify_ = isr_ = config_ = {};
        u32 at = bus_.config(kPointer) & 0xfc;
        for (u32 i = 0; i < kMost && at >= kFirst && at <= 256 - 20; i++) {
            u32 word = bus_.config(at);
            if ((word & 0xff) == kVendor) {
                note_structure(at, word >> 24, config_bytes);
            }
            at = word >> 8 & 0xfc;
        }
        return common_.bytes != 0 && notify_.bytes != 0 &&
               (config_.bytes != 0 || config_bytes == 0) &&
               (isr_.bytes != 0 || bus_.signal() != pci::Signal::LINE);
    }

    bool reset() {
        set_common<u8>(COMMON_STATUS, 0);
        return driver::await(bus_, kResetMs, [&] { return status() == 0; });
    }

    void begin() {
        set_status(STATUS_ACKNOWLEDGE);
        set_status(STATUS_DRIVER);
    }
    void live() { set_status(STATUS_DRIVER_OK); }

    // `known`: of the device's own features. Those of the transport are its own business.
    bool negotiate(u64 known) {
        features_ = 0;
        for (u32 half = 0; half < 2; half++) {
            set_common<u32>(COMMON_DEVICE_SELECT, half);
            features_ |= u64{common<u32>(COMMON_DEVICE_FEATURE)} << 32 * half;
        }
        features_ &= known | FEATURE_VERSION_1 | FEATURE_ACCESS_PLATFORM;
        for (u32 half = 0; half < 2; half++) {
            set_common<u32>(COMMON_DRIVER_SELECT, half);
            set_common<u32>(COMMON_DRIVER_FEATURE, static_cast<u32>(features_ >> 32 * half));
        }
        set_status(STATUS_FEATURES_OK);
        return has(FEATURE_VERSION_1) && (status() & STATUS_FEATURES_OK) != 0;
    }
    bool has(u64 feature) const { return (features_ & feature) != 0; }

    // Reads the device's configuration, again if it has changed meanwhile (4.1.4.3.1).
    template <typename Read>
    void read_config(Read read) {
        constexpr u32 kReads = 10;
        for (u32 i = 0; i < kReads; i++) {
            u8 generation = common<u8>(COMMON_GENERATION);
            read();
            if (generation == common<u8>(COMMON_GENERATION)) {
                break;
            }
        }
    }
    template <typename T>
    T config(u32 offset) {
        return bus_.template read<T>(config_.bar, config_.offset + offset);
    }

    // Queue `number`, of `most` descriptors at most. `least`: fewer are of no use.
    template <typename Queue>
    bool set_up(u32 number, Queue &queue, u32 least) {
        set_common<u16>(COMMON_QUEUE, static_cast<u16>(number));
        u32 size = std::bit_floor(std::min<u32>(common<u16>(COMMON_QUEUE_SIZE), Queue::kMost));
        if (size < least) {
            return false;
        }
        queue.clear();
        queue.set_size(size);
        set_common<u16>(COMMON_QUEUE_SIZE, static_cast<u16>(size));
        if (!set_vector()) {
            return false;
        }
        set_common64(COMMON_QUEUE_DESCRIPTORS, queue.descriptors_at());
        set_common64(COMMON_QUEUE_DRIVER, queue.available_at());
        set_common64(COMMON_QUEUE_DEVICE, queue.used_at());
        u64 bell = u64{common<u16>(COMMON_QUEUE_NOTIFY)} * notify_step_;
        if (bell > notify_.bytes - sizeof(u16)) {
            return false;
        }
        bell_[number] = notify_.offset + static_cast<u32>(bell);
        set_common<u16>(COMMON_QUEUE_ENABLE, 1);
        return true;
    }

    // Changes of the configuration interrupt, too. False: the device has no vector for them.
    bool hear_of_changes() {
        if (bus_.signal() != pci::Signal::MSIX) {
            return true;
        }
        set_common<u16>(COMMON_CONFIG_VECTOR, 0);
        return common<u16>(COMMON_CONFIG_VECTOR) == 0;
    }

    void ring(u32 number) {
        bus_.template write<u16>(notify_.bar, bell_[number], static_cast<u16>(number));
    }

    bool needs_reset() { return (status() & STATUS_NEEDS_RESET) != 0; }

    // A line is held until this was read (4.1.4.5).
    void clear_line() {
        if (bus_.signal() == pci::Signal::LINE) {
            [[maybe_unused]] u8 cleared = bus_.template read<u8>(isr_.bar, isr_.offset);
        }
    }

  private:
    static constexpr u32 kResetMs = 1000;
    static constexpr u16 kNoVector = 0xffff;

    // A structure in the registers (4.1.4).
    struct Structure {
        u32 bar = 0, offset = 0, bytes = 0; // bytes 0: not found.
    };

    template <typename T>
    T common(u32 offset) {
        return bus_.template read<T>(common_.bar, common_.offset + offset);
    }
    template <typename T>
    void set_common(u32 offset, T value) {
        bus_.template write<T>(common_.bar, common_.offset + offset, value);
    }
    void set_common64(u32 offset, u64 value) {
        set_common<u32>(offset, static_cast<u32>(value));
        set_common<u32>(offset + 4, static_cast<u32>(value >> 32));
    }
    u8 status() { return common<u8>(COMMON_STATUS); }
    void set_status(u8 bit) { set_common<u8>(COMMON_STATUS, static_cast<u8>(status() | bit)); }

    void note_structure(u32 at, u32 kind, u32 config_bytes) {
        constexpr u32 kCommon = 1, kNotify = 2, kIsr = 3, kDevice = 4;
        Structure s{bus_.config(at + 4) & 0xff, bus_.config(at + 8), bus_.config(at + 12)};
        u32 room = bus_.bytes(s.bar);
        auto note = [&](Structure &to, u32 least) {
            if (to.bytes == 0 && s.bytes >= least && s.offset <= room &&
                s.bytes <= room - s.offset) {
                to = s;
            }
        };
        if (kind == kCommon) {
            note(common_, COMMON_BYTES);
        } else if (kind == kNotify) {
            note(notify_, sizeof(u16));
            notify_step_ = bus_.config(at + 16);
        } else if (kind == kIsr) {
            note(isr_, 1);
        } else if (kind == kDevice) {
            note(config_, config_bytes);
        }
    }

    bool set_vector() {
        if (bus_.signal() != pci::Signal::MSIX) {
            return true;
        }
        set_common<u16>(COMMON_QUEUE_VECTOR, 0);
        return common<u16>(COMMON_QUEUE_VECTOR) == 0;
    }

    Bus &bus_;
    Structure common_, notify_, isr_, config_;
    u32 notify_step_ = 0;
    u32 bell_[kQueues] = {};
    u64 features_ = 0;
};

} // namespace virtio
