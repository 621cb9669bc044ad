// FakeDevice: a virtio block device with its registers, and what can go wrong with one.
// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include "servers/virtio/fake.hpp"

#include "disk.hpp"

namespace virtio_blk {

class FakeDevice final : public virtio::FakeRegisters {
  public:
    explicit FakeDevice(driver::FakeMemory &memory)
        : FakeRegisters{memory, virtio::FEATURE_VERSION_1 | FEATURE_FLUSH | FEATURE_DISCARD |
                                    FEATURE_SEG_MAX},
          image(1000 * 512) {}

    std::vector<u8> image;
    u32 seg_max = 254, discard_most = 100, blk_size = 512;
    u8 outcome = 0; // Status byte of requests.

    // What it saw.
    u32 flushes = 0;
    std::vector<u64> discards; // Sector, number.

    // Does what has been offered, the last one first if `backwards`.
    void work(bool backwards = false) {
        if ((status & virtio::STATUS_DRIVER_OK) == 0 || silent) {
            return;
        }
        std::vector<u16> heads;
        while (offered() != 0) {
            heads.push_back(take_offered());
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
    u32 config_word(u32 offset) const override {
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

    void on_bell(u32) override { work(); }

    void request(u16 head) {
        Descriptor d = descriptor(head);
        Header header = memory_.get<Header>(d.address);
        u64 at = header.sector * 512;
        for (u32 i = 0; i < 64; i++) {
            d = descriptor(d.next);
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
};

} // namespace virtio_blk
