// Disk: a virtio block device on PCI, with one queue.
// SPDX-License-Identifier: BSD-2-Clause
//
// Each tag owns a chain of descriptors: header, data, status byte; so there is no list of free ones that a
// device could confuse. Pages of the driver's pool: 0 descriptors, 1 the two rings, 2 headers and status.
// Nothing that the device writes is used before it is checked.
// Source: Virtual I/O Device (VIRTIO) 1.1: 2.6 split queues, 3.1 initialisation, 4.1 PCI, 5.2 block device.
#pragma once

#include <atomic>

#include "servers/block/device.hpp"
#include "servers/pci/api.hpp"

namespace virtio_blk {

// Features that the driver knows (5.2.3, 6).
enum Feature : u64 {
    FEATURE_SIZE_MAX = 1u << 1,
    FEATURE_SEG_MAX = 1u << 2,
    FEATURE_RO = 1u << 5,
    FEATURE_BLK_SIZE = 1u << 6,
    FEATURE_FLUSH = 1u << 9,
    FEATURE_DISCARD = 1u << 13,
    FEATURE_VERSION_1 = 1ull << 32,
    FEATURE_ACCESS_PLATFORM = 1ull << 33 // Addresses are those of the platform: physical ones.
};

enum Status : u8 {
    STATUS_ACKNOWLEDGE = 1,
    STATUS_DRIVER = 2,
    STATUS_DRIVER_OK = 4,
    STATUS_FEATURES_OK = 8,
    STATUS_NEEDS_RESET = 64
};

// struct virtio_pci_common_cfg (4.1.4.3).
enum Common : u32 {
    COMMON_DEVICE_SELECT = 0,
    COMMON_DEVICE_FEATURE = 4,
    COMMON_DRIVER_SELECT = 8,
    COMMON_DRIVER_FEATURE = 12,
    COMMON_CONFIG_VECTOR = 16,
    COMMON_STATUS = 20,
    COMMON_GENERATION = 21,
    COMMON_QUEUE = 22,
    COMMON_QUEUE_SIZE = 24,
    COMMON_QUEUE_VECTOR = 26,
    COMMON_QUEUE_ENABLE = 28,
    COMMON_QUEUE_NOTIFY = 30,
    COMMON_QUEUE_DESCRIPTORS = 32,
    COMMON_QUEUE_DRIVER = 40,
    COMMON_QUEUE_DEVICE = 48,
    COMMON_BYTES = 56
};

// struct virtio_blk_config (5.2.4).
enum Config : u32 {
    CONFIG_CAPACITY = 0,
    CONFIG_SIZE_MAX = 8,
    CONFIG_SEG_MAX = 12,
    CONFIG_BLK_SIZE = 20,
    CONFIG_DISCARD_SECTORS = 36,
    CONFIG_BYTES = 48
};

enum Type : u32 { TYPE_IN = 0, TYPE_OUT = 1, TYPE_FLUSH = 4, TYPE_DISCARD = 11 };

struct Descriptor {
    u64 address;
    u32 bytes;
    u16 flags, next;
};
enum DescriptorFlags : u16 { DESCRIPTOR_NEXT = 1, DESCRIPTOR_WRITE = 2 };

struct Header {
    u32 type, reserved;
    u64 sector;
};
struct Discard {
    u64 sector;
    u32 sectors, flags;
};
struct Slot {
    Header header;
    Discard discard;
    u8 status;
    u8 unused[31];
};
static_assert(sizeof(Slot) == 64 && sizeof(Descriptor) == 16);

template <typename Bus, typename Pool>
class Disk {
  public:
    static constexpr u32 kPages = 3;

    Disk(Bus &bus, const Pool &pool) : bus_{bus}, pool_{pool} {}

    const block::Geometry &geometry() const { return geometry_; }

    bool stop() { return find_structures() && quieten(); }

    u32 find() const { return 1; } // A controller is a disk.

    bool start(u32 = 0) {
        geometry_ = {};
        clear_memory();
        set_status(STATUS_ACKNOWLEDGE);
        set_status(STATUS_DRIVER);
        return negotiate() && read_config() && set_up_queue() &&
               (set_status(STATUS_DRIVER_OK), true);
    }

    // A disk that is another one afterwards is not believed.
    bool reset() {
        u64 sectors = geometry_.sectors;
        return quieten() && start() && geometry_.sectors == sectors;
    }

    void submit(u32 tag, const block::Command &c) {
        Slot &slot = slots()[tag];
        slot.header = {type_of(c.op), 0, is_data(c.op) ? c.sector : 0};
        slot.status = kNoStatus;
        u64 physical = pool_.physical(kHeaders) + tag * sizeof(Slot);
        u16 at = static_cast<u16>(tag * chain_);
        at = link(at, physical, sizeof(Header), 0);
        u16 data = c.op == block::Op::Read ? u16{DESCRIPTOR_WRITE} : u16{0};
        for (u32 i = 0; i < c.pieces; i++) {
            at = link(at, c.piece[i].physical, c.piece[i].bytes, data);
        }
        if (c.op == block::Op::Discard) {
            slot.discard = {c.sector, std::min(c.sectors, discard_most_), 0};
            at = link(at, physical + offsetof(Slot, discard), sizeof(Discard), 0);
        }
        descriptors()[at] = {physical + offsetof(Slot, status), 1, DESCRIPTOR_WRITE, 0};
        in_flight_ |= 1u << tag;
        offer(static_cast<u16>(tag * chain_));
    }

    bool collect(block::Outcomes &out) {
        if (bus_.signal() == pci::Signal::LINE) {
            [[maybe_unused]] u8 cleared = bus_.template read<u8>(isr_.bar, isr_.offset);
        }
        u16 end = load(used()->index);
        u16 count = static_cast<u16>(end - seen_);
        if (count > geometry_.depth) {
            return false;
        }
        for (u16 i = 0; i < count; i++) {
            u32 head = used()->element[seen_++ % queue_size_].head;
            u32 tag = head / chain_;
            if (head % chain_ != 0 || tag >= geometry_.depth || (in_flight_ >> tag & 1) == 0) {
                return false;
            }
            in_flight_ &= ~(1u << tag);
            out.add(tag, slots()[tag].status == kStatusOk ? OK : ERR_IO);
        }
        return count != 0 || (status() & STATUS_NEEDS_RESET) == 0;
    }

  private:
    static constexpr u32 kDescriptors = 0, kRings = 1, kHeaders = 2; // Pages.
    static constexpr u32 kQueueMost = PAGE_BYTES / sizeof(Descriptor);
    static constexpr u32 kUsedOffset = 1024;
    static constexpr u32 kChain = block::kRequestPages + 2;
    static constexpr u32 kResetMs = 1000;
    static constexpr u8 kNoStatus = 0xff, kStatusOk = 0;
    static constexpr u16 kNoVector = 0xffff, kNoNotify = 1;

    struct Available {
        u16 flags, index;
        u16 head[kQueueMost];
    };
    struct Used {
        u16 flags, index;
        struct {
            u32 head, bytes;
        } element[kQueueMost];
    };
    static_assert(sizeof(Available) <= kUsedOffset);
    static_assert(kUsedOffset + sizeof(Used) <= PAGE_BYTES);

    // A structure in the registers (4.1.4).
    struct Structure {
        u32 bar = 0, offset = 0, bytes = 0; // bytes 0: not found.
    };

    // --- Memory.

    Descriptor *descriptors() const { return pool_.template at<Descriptor>(kDescriptors); }
    Available *available() const { return pool_.template at<Available>(kRings); }
    const volatile Used *used() const { return pool_.template at<Used>(kRings, kUsedOffset); }
    Slot *slots() const { return pool_.template at<Slot>(kHeaders); }

    static u16 load(const volatile u16 &value) { return __atomic_load_n(&value, __ATOMIC_ACQUIRE); }

    void clear_memory() {
        for (u32 page = 0; page < kPages; page++) {
            __builtin_memset(pool_.template at<u8>(page), 0, PAGE_BYTES);
        }
        seen_ = 0;
        in_flight_ = 0;
    }

    // --- Registers.

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
    u32 config32(u32 offset) {
        return bus_.template read<u32>(config_.bar, config_.offset + offset);
    }
    u8 status() { return common<u8>(COMMON_STATUS); }
    void set_status(u8 bit) { set_common<u8>(COMMON_STATUS, static_cast<u8>(status() | bit)); }

    // The first structure of each kind that lies in the registers that were given (4.1.4).
    bool find_structures() {
        constexpr u32 kPointer = 0x34, kFirst = 0x40, kMost = 48, kVendor = 9;
        common_ = notify_ = isr_ = config_ = {};
        u32 at = bus_.config(kPointer) & 0xfc;
        for (u32 i = 0; i < kMost && at >= kFirst && at <= 256 - 20; i++) {
            u32 word = bus_.config(at);
            if ((word & 0xff) == kVendor) {
                note_structure(at, word >> 24);
            }
            at = word >> 8 & 0xfc;
        }
        return common_.bytes != 0 && notify_.bytes != 0 && config_.bytes != 0 &&
               (isr_.bytes != 0 || bus_.signal() != pci::Signal::LINE);
    }

    void note_structure(u32 at, u32 kind) {
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
            note(config_, CONFIG_BYTES);
        }
    }

    // --- Initialisation (3.1.1).

    bool quieten() {
        set_common<u8>(COMMON_STATUS, 0);
        return block::await(bus_, kResetMs, [&] { return status() == 0; });
    }

    bool negotiate() {
        constexpr u64 kKnown = FEATURE_SIZE_MAX | FEATURE_SEG_MAX | FEATURE_RO | FEATURE_BLK_SIZE |
                               FEATURE_FLUSH | FEATURE_DISCARD | FEATURE_VERSION_1 |
                               FEATURE_ACCESS_PLATFORM;
        features_ = 0;
        for (u32 half = 0; half < 2; half++) {
            set_common<u32>(COMMON_DEVICE_SELECT, half);
            features_ |= u64{common<u32>(COMMON_DEVICE_FEATURE)} << 32 * half;
        }
        features_ &= kKnown;
        for (u32 half = 0; half < 2; half++) {
            set_common<u32>(COMMON_DRIVER_SELECT, half);
            set_common<u32>(COMMON_DRIVER_FEATURE, static_cast<u32>(features_ >> 32 * half));
        }
        set_status(STATUS_FEATURES_OK);
        return (features_ & FEATURE_VERSION_1) != 0 && (status() & STATUS_FEATURES_OK) != 0;
    }

    bool has(Feature feature) const { return (features_ & feature) != 0; }

    bool read_config() {
        constexpr u32 kReads = 10;
        for (u32 i = 0; i < kReads; i++) { // Again if it has changed meanwhile (4.1.4.3.1).
            u8 generation = common<u8>(COMMON_GENERATION);
            geometry_.sectors = config32(CONFIG_CAPACITY) | u64{config32(CONFIG_CAPACITY + 4)}
                                                                << 32;
            seg_max_ = has(FEATURE_SEG_MAX) ? config32(CONFIG_SEG_MAX) : block::kRequestPages;
            size_max_ = has(FEATURE_SIZE_MAX) ? config32(CONFIG_SIZE_MAX) : u32{PAGE_BYTES};
            discard_most_ = has(FEATURE_DISCARD) ? config32(CONFIG_DISCARD_SECTORS) : 0;
            geometry_.sector_bytes =
                has(FEATURE_BLK_SIZE) ? config32(CONFIG_BLK_SIZE) : block::kSectorBytes;
            if (generation == common<u8>(COMMON_GENERATION)) {
                break;
            }
        }
        geometry_.read_only = has(FEATURE_RO);
        geometry_.flush = has(FEATURE_FLUSH);
        geometry_.name = "virtio disk";
        if (!block::is_sector_size(geometry_.sector_bytes)) {
            return false;
        }
        geometry_.sectors -= geometry_.sectors % unit();
        discard_most_ -= discard_most_ % unit();
        geometry_.discard = discard_most_ != 0;
        return geometry_.sectors != 0 && seg_max_ != 0 && size_max_ >= PAGE_BYTES;
    }
    u32 unit() const { return geometry_.sector_bytes / block::kSectorBytes; }

    bool set_up_queue() {
        set_common<u16>(COMMON_QUEUE, 0);
        queue_size_ = std::bit_floor(std::min<u32>(common<u16>(COMMON_QUEUE_SIZE), kQueueMost));
        if (queue_size_ < 4) {
            return false;
        }
        chain_ = std::min(kChain, queue_size_);
        geometry_.depth = std::min(queue_size_ / chain_, block::kTags);
        geometry_.pages_max = std::min({block::kRequestPages, chain_ - 2, seg_max_});
        set_common<u16>(COMMON_QUEUE_SIZE, static_cast<u16>(queue_size_));
        if (!set_vectors()) {
            return false;
        }
        set_common64(COMMON_QUEUE_DESCRIPTORS, pool_.physical(kDescriptors));
        set_common64(COMMON_QUEUE_DRIVER, pool_.physical(kRings));
        set_common64(COMMON_QUEUE_DEVICE, pool_.physical(kRings) + kUsedOffset);
        u64 bell = u64{common<u16>(COMMON_QUEUE_NOTIFY)} * notify_step_;
        if (bell > notify_.bytes - sizeof(u16)) {
            return false;
        }
        bell_ = notify_.offset + static_cast<u32>(bell);
        set_common<u16>(COMMON_QUEUE_ENABLE, 1);
        return true;
    }

    bool set_vectors() {
        if (bus_.signal() != pci::Signal::MSIX) {
            return true;
        }
        set_common<u16>(COMMON_CONFIG_VECTOR, kNoVector);
        set_common<u16>(COMMON_QUEUE_VECTOR, 0);
        return common<u16>(COMMON_QUEUE_VECTOR) == 0;
    }

    // --- Requests.

    static bool is_data(block::Op op) { return op == block::Op::Read || op == block::Op::Write; }

    static u32 type_of(block::Op op) {
        switch (op) {
        case block::Op::Read:
            return TYPE_IN;
        case block::Op::Write:
            return TYPE_OUT;
        case block::Op::Flush:
            return TYPE_FLUSH;
        case block::Op::Discard:
            return TYPE_DISCARD;
        }
        return TYPE_IN;
    }

    u16 link(u16 at, u64 physical, u32 bytes, u16 flags) {
        u16 next = static_cast<u16>(at + 1);
        descriptors()[at] = {physical, bytes, static_cast<u16>(flags | DESCRIPTOR_NEXT), next};
        return next;
    }

    void offer(u16 head) {
        Available *a = available();
        u16 index = a->index;
        a->head[index % queue_size_] = head;
        __atomic_store_n(&a->index, static_cast<u16>(index + 1), __ATOMIC_SEQ_CST);
        std::atomic_thread_fence(std::memory_order_seq_cst);
        if ((load(used()->flags) & kNoNotify) == 0) {
            bus_.template write<u16>(notify_.bar, bell_, u16{0});
        }
    }

    Bus &bus_;
    const Pool &pool_;
    block::Geometry geometry_;
    Structure common_, notify_, isr_, config_;
    u32 notify_step_ = 0, bell_ = 0;
    u64 features_ = 0;
    u32 seg_max_ = 0, size_max_ = 0, discard_most_ = 0;
    u32 queue_size_ = kQueueMost, chain_ = kChain;
    u32 in_flight_ = 0; // Bits: tags.
    u16 seen_ = 0;      // Of the used ring.
};

} // namespace virtio_blk
