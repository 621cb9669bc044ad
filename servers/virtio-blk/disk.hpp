// Disk: a virtio block device on PCI, with one queue.
// SPDX-License-Identifier: BSD-2-Clause
//
// Each tag owns a chain of descriptors: header, data, status byte; so there is no list of free ones that a
// device could confuse. Pages of the driver's pool: 0 descriptors, 1 the two rings, 2 headers and status.
// Nothing that the device writes is used before it is checked.
// Source: Virtual I/O Device (VIRTIO) 1.1: 5.2 block device; for the rest see servers/virtio.
#pragma once

#include "servers/block/device.hpp"
#include "servers/virtio/queue.hpp"
#include "servers/virtio/transport.hpp"

namespace virtio_blk {

using virtio::Descriptor, virtio::DESCRIPTOR_NEXT, virtio::DESCRIPTOR_WRITE;

// Features that the driver knows (5.2.3).
enum Feature : u64 {
    FEATURE_SIZE_MAX = 1u << 1,
    FEATURE_SEG_MAX = 1u << 2,
    FEATURE_RO = 1u << 5,
    FEATURE_BLK_SIZE = 1u << 6,
    FEATURE_FLUSH = 1u << 9,
    FEATURE_DISCARD = 1u << 13
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
static_assert(sizeof(Slot) == 64);

template <typename Bus, typename Pool>
class Disk {
  public:
    static constexpr u32 kPages = 3;

    Disk(Bus &bus, const Pool &pool) : transport_{bus}, queue_{pool, kQueue}, pool_{pool} {}

    const block::Geometry &geometry() const { return geometry_; }

    bool stop() { return transport_.find(CONFIG_BYTES) && transport_.reset(); }

    u32 find() const { return 1; } // A controller is a disk.

    bool start(u32 = 0) {
        geometry_ = {};
        __builtin_memset(pool_.template at<u8>(kHeaders), 0, PAGE_BYTES);
        in_flight_ = 0;
        transport_.begin();
        if (!transport_.negotiate(kKnown) || !read_config() ||
            !transport_.set_up(0, queue_, kQueueLeast)) {
            return false;
        }
        set_shape();
        transport_.live();
        return true;
    }

    // A disk that is another one afterwards is not believed.
    bool reset() {
        u64 sectors = geometry_.sectors;
        return transport_.reset() && start() && geometry_.sectors == sectors;
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
        queue_.set(at, {physical + offsetof(Slot, status), 1, DESCRIPTOR_WRITE, 0});
        in_flight_ |= 1u << tag;
        queue_.offer(static_cast<u16>(tag * chain_));
        if (queue_.publish()) {
            transport_.ring(0);
        }
    }

    bool collect(block::Outcomes &out) {
        transport_.clear_line();
        u16 count = queue_.pending();
        if (count > geometry_.depth) {
            return false;
        }
        for (u16 i = 0; i < count; i++) {
            u32 head = queue_.take().head;
            u32 tag = head / chain_;
            if (head % chain_ != 0 || tag >= geometry_.depth || (in_flight_ >> tag & 1) == 0) {
                return false;
            }
            in_flight_ &= ~(1u << tag);
            out.add(tag, slots()[tag].status == kStatusOk ? OK : ERR_IO);
        }
        return count != 0 || !transport_.needs_reset();
    }

  private:
    static constexpr u32 kQueue = 0, kHeaders = 2; // Pages.
    static constexpr u32 kQueueLeast = 4;
    static constexpr u32 kChain = block::kRequestPages + 2;
    static constexpr u8 kNoStatus = 0xff, kStatusOk = 0;
    static constexpr u64 kKnown = FEATURE_SIZE_MAX | FEATURE_SEG_MAX | FEATURE_RO |
                                  FEATURE_BLK_SIZE | FEATURE_FLUSH | FEATURE_DISCARD;

    Slot *slots() const { return pool_.template at<Slot>(kHeaders); }

    // --- Initialisation.

    bool has(Feature feature) const { return transport_.has(feature); }
    u32 config32(u32 offset) { return transport_.template config<u32>(offset); }

    bool read_config() {
        transport_.read_config([&] {
            geometry_.sectors = config32(CONFIG_CAPACITY) | u64{config32(CONFIG_CAPACITY + 4)}
                                                                << 32;
            seg_max_ = has(FEATURE_SEG_MAX) ? config32(CONFIG_SEG_MAX) : block::kRequestPages;
            size_max_ = has(FEATURE_SIZE_MAX) ? config32(CONFIG_SIZE_MAX) : u32{PAGE_BYTES};
            discard_most_ = has(FEATURE_DISCARD) ? config32(CONFIG_DISCARD_SECTORS) : 0;
            geometry_.sector_bytes =
                has(FEATURE_BLK_SIZE) ? config32(CONFIG_BLK_SIZE) : block::kSectorBytes;
        });
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

    // What follows from the size of the queue.
    void set_shape() {
        chain_ = std::min(kChain, queue_.size());
        geometry_.depth = std::min(queue_.size() / chain_, block::kTags);
        geometry_.pages_max = std::min({block::kRequestPages, chain_ - 2, seg_max_});
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
        queue_.set(at, {physical, bytes, static_cast<u16>(flags | DESCRIPTOR_NEXT), next});
        return next;
    }

    virtio::Transport<Bus> transport_;
    virtio::Queue<Pool> queue_;
    const Pool &pool_;
    block::Geometry geometry_;
    u32 seg_max_ = 0, size_max_ = 0, discard_most_ = 0;
    u32 chain_ = kChain;
    u32 in_flight_ = 0; // Bits: tags.
};

} // namespace virtio_blk
