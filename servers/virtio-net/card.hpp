// Card: a virtio network device on PCI, with one queue in each direction and one for commands.
// SPDX-License-Identifier: BSD-2-Clause
//
// The header of each frame lies in the driver's own memory, in a descriptor of its own, so that buffers of clients hold
// frames alone and no client can change a header. Place k of a queue has descriptors 2k and 2k + 1. Pages of the driver's
// pool: two for each queue, one for headers and commands. Nothing that the device writes is used before it is
// checked.
// Source: Virtual I/O Device (VIRTIO) 1.1: 5.1 network device; for the rest see servers/virtio.
#pragma once

#include "servers/nic/device.hpp"
#include "servers/virtio/queue.hpp"
#include "servers/virtio/transport.hpp"

namespace virtio_net {

// Features that the driver knows (5.1.3).
enum Feature : u64 {
    FEATURE_CSUM = 1u << 0,       // It puts check sums into frames.
    FEATURE_GUEST_CSUM = 1u << 1, // It says which are right.
    FEATURE_MAC = 1u << 5,
    FEATURE_STATUS = 1u << 16,
    FEATURE_CTRL_VQ = 1u << 17,
    FEATURE_CTRL_RX = 1u << 18
};

// struct virtio_net_config (5.1.4).
enum Config : u32 { CONFIG_MAC = 0, CONFIG_STATUS = 6, CONFIG_BYTES = 8 };
inline constexpr u16 kLinkUp = 1;

// struct virtio_net_hdr (5.1.6).
struct Header {
    u8 flags, segmentation;
    u16 header_bytes, segment_bytes;
    u16 checksum_start, checksum_offset;
    u16 buffers;
};
static_assert(sizeof(Header) == 12);
enum HeaderFlags : u8 { HEADER_NEEDS_CSUM = 1, HEADER_DATA_VALID = 2 };

// Commands (5.1.6.5).
enum Command : u16 { COMMAND_PROMISCUOUS = 0x0000, COMMAND_MAC_TABLE = 0x0100 }; // Class, command.
inline constexpr u8 kAccepted = 0, kNotDone = 0xff;

template <typename Bus, typename Pool>
class Card {
  public:
    static constexpr u32 kPages = 7;

    Card(Bus &bus, const Pool &pool)
        : bus_{bus},
          transport_{bus}, receive_{pool, 0}, transmit_{pool, 2}, control_{pool, 4}, pool_{pool} {}

    const nic::Facts &facts() const { return facts_; }

    bool stop() { return transport_.find(CONFIG_BYTES) && transport_.reset(); }

    bool start() {
        facts_ = {};
        __builtin_memset(pool_.template at<u8>(kShared), 0, PAGE_BYTES);
        transport_.begin();
        if (!transport_.negotiate(kKnown) || !transport_.hear_of_changes() ||
            !transport_.set_up(kReceive, receive_, kQueueLeast) ||
            !transport_.set_up(kTransmit, transmit_, kQueueLeast)) {
            return false;
        }
        bool commands = transport_.has(FEATURE_CTRL_VQ) && transport_.has(FEATURE_CTRL_RX);
        facts_.filters = commands && transport_.set_up(kControl, control_, kQueueLeast);
        facts_.checksums = transport_.has(FEATURE_CSUM);
        facts_.name = "virtio network card";
        in_.begin(receive_.size() / 2);
        out_.begin(transmit_.size() / 2);
        transport_.live();
        return read_mac();
    }

    // A card with another address afterwards is another one.
    bool reset() {
        nic::Mac mac = facts_.mac;
        return transport_.reset() && start() && facts_.mac == mac;
    }

    u32 receive_room() const { return in_.room(); }
    u32 transmit_room() const { return out_.room(); }

    void receive(u16 tag, driver::Piece buffer) {
        u32 place = in_.take(tag);
        u64 header = header_at(kInHeaders, place);
        put(receive_, place, {header, sizeof(Header)}, buffer, virtio::DESCRIPTOR_WRITE);
        news_ |= 1u << kReceive;
    }

    void transmit(u16 tag, const nic::Frame &frame) {
        u32 place = out_.take(tag);
        *header(kOutHeaders, place) = {frame.needs_checksum ? u8{HEADER_NEEDS_CSUM} : u8{0},
                                       0,
                                       0,
                                       0,
                                       frame.checksum_start,
                                       frame.checksum_offset,
                                       0};
        put(transmit_, place, {header_at(kOutHeaders, place), sizeof(Header)}, frame.piece, 0);
        news_ |= 1u << kTransmit;
    }

    void tell() {
        tell(kReceive, receive_);
        tell(kTransmit, transmit_);
        news_ = 0;
    }

    void hear() { transport_.clear_line(); }

    template <typename Sink>
    bool collect(Sink &sink) {
        transport_.clear_line();
        u32 received = receive_.pending(), sent = transmit_.pending();
        if (received > in_.taken() || sent > out_.taken()) {
            return false;
        }
        for (u32 i = 0; i < received; i++) {
            if (!take_received(sink)) {
                return false;
            }
        }
        for (u32 i = 0; i < sent; i++) {
            u32 place = place_of(out_, transmit_.take().head);
            if (place == kNone || !sink.sent(out_.free(place))) {
                return false;
            }
        }
        return received + sent != 0 || !transport_.needs_reset();
    }

    bool link() {
        return !transport_.has(FEATURE_STATUS) ||
               (transport_.template config<u16>(CONFIG_STATUS) & kLinkUp) != 0;
    }

    bool filter(std::span<const nic::Mac> multicast) {
        if (!facts_.filters) {
            return true;
        }
        constexpr u32 kTables = 2; // Of single addresses, which is empty, and of groups.
        u8 data[kTables * sizeof(u32) + sizeof(nic::Mac) * nic::kMulticastMax] = {};
        u32 count = static_cast<u32>(multicast.size());
        __builtin_memcpy(data + sizeof(u32), &count, sizeof count);
        for (u32 i = 0; i < count; i++) {
            __builtin_memcpy(data + kTables * sizeof(u32) + i * sizeof(nic::Mac), &multicast[i],
                             sizeof(nic::Mac));
        }
        const u8 off[1] = {0};
        std::size_t bytes = kTables * sizeof(u32) + count * sizeof(nic::Mac);
        return command(COMMAND_MAC_TABLE, {data, bytes}) && command(COMMAND_PROMISCUOUS, off);
    }

  private:
    static constexpr u32 kReceive = 0, kTransmit = 1, kControl = 2;            // Queues.
    static constexpr u32 kShared = 6;                                          // Page,
    static constexpr u32 kInHeaders = 0, kOutHeaders = 1536, kCommands = 3072; // and in it.
    static constexpr u32 kQueueLeast = 4, kPlaces = nic::kSlots, kNone = kPlaces;
    static constexpr u32 kCommandMs = 1000;
    static constexpr u64 kKnown = FEATURE_CSUM | FEATURE_GUEST_CSUM | FEATURE_MAC | FEATURE_STATUS |
                                  FEATURE_CTRL_VQ | FEATURE_CTRL_RX;
    static_assert(kPlaces * sizeof(Header) <= kOutHeaders - kInHeaders);
    static_assert(kPlaces * sizeof(Header) <= kCommands - kOutHeaders);

    // Which places of a queue have which tag.
    class Places {
      public:
        void begin(u32 count) {
            count_ = std::min(count, kPlaces);
            free_ = count_;
            for (u32 i = 0; i < count_; i++) {
                list_[i] = static_cast<u8>(i);
                used_[i] = false;
            }
        }
        u32 room() const { return free_; }
        u32 taken() const { return count_ - free_; }
        bool is_taken(u32 place) const { return place < count_ && used_[place]; }
        // room() != 0.
        u32 take(u16 tag) {
            u32 place = list_[--free_];
            used_[place] = true;
            tag_[place] = tag;
            return place;
        }
        u16 free(u32 place) {
            used_[place] = false;
            list_[free_++] = static_cast<u8>(place);
            return tag_[place];
        }

      private:
        static_assert(kPlaces <= 256);
        u32 count_ = 0, free_ = 0;
        u8 list_[kPlaces] = {}; // The free ones.
        bool used_[kPlaces] = {};
        u16 tag_[kPlaces] = {};
    };

    Header *header(u32 table, u32 place) const {
        return pool_.template at<Header>(kShared, table + place * static_cast<u32>(sizeof(Header)));
    }
    u64 header_at(u32 table, u32 place) const {
        return pool_.physical(kShared) + table + place * sizeof(Header);
    }

    bool read_mac() {
        if (!transport_.has(FEATURE_MAC)) {
            return false;
        }
        transport_.read_config([&] {
            for (u32 i = 0; i < sizeof facts_.mac.byte; i++) {
                facts_.mac.byte[i] = transport_.template config<u8>(CONFIG_MAC + i);
            }
        });
        constexpr u8 kGroup = 1;
        return facts_.mac != nic::Mac{} && (facts_.mac.byte[0] & kGroup) == 0;
    }

    static void put(virtio::Queue<Pool> &queue, u32 place, driver::Piece header,
                    driver::Piece frame, u16 flags) {
        u16 head = static_cast<u16>(2 * place), next = static_cast<u16>(head + 1);
        u16 chained = static_cast<u16>(flags | virtio::DESCRIPTOR_NEXT);
        queue.set(head, {header.physical, header.bytes, chained, next});
        queue.set(next, {frame.physical, frame.bytes, flags, 0});
        queue.offer(head);
    }

    void tell(u32 number, virtio::Queue<Pool> &queue) {
        if ((news_ >> number & 1) != 0 && queue.publish()) {
            transport_.ring(number);
        }
    }

    // kNone: the device does not have it.
    static u32 place_of(const Places &places, u32 head) {
        return head % 2 == 0 && places.is_taken(head / 2) ? head / 2 : kNone;
    }

    template <typename Sink>
    bool take_received(Sink &sink) {
        auto done = receive_.take();
        u32 place = place_of(in_, done.head);
        if (place == kNone || done.bytes < sizeof(Header) ||
            done.bytes > sizeof(Header) + nic::kBufferBytes) {
            return false;
        }
        constexpr u8 kGood = HEADER_NEEDS_CSUM | HEADER_DATA_VALID;
        bool checked =
            transport_.has(FEATURE_GUEST_CSUM) && (header(kInHeaders, place)->flags & kGood) != 0;
        u32 bytes = done.bytes - static_cast<u32>(sizeof(Header));
        return sink.received(in_.free(place), 0, bytes, checked ? u16{nic::kChecked} : u16{0});
    }

    // One command, waited for.
    bool command(Command what, std::span<const u8> data) {
        constexpr u32 kHead = 0, kAnswer = 8, kData = 16; // In the memory for it.
        u8 *memory = pool_.template at<u8>(kShared, kCommands);
        u64 physical = pool_.physical(kShared) + kCommands;
        memory[kHead] = static_cast<u8>(what >> 8);
        memory[kHead + 1] = static_cast<u8>(what);
        memory[kAnswer] = kNotDone;
        __builtin_memcpy(memory + kData, data.data(), data.size());
        control_.set(0, {physical + kHead, 2, virtio::DESCRIPTOR_NEXT, 1});
        control_.set(1,
                     {physical + kData, static_cast<u32>(data.size()), virtio::DESCRIPTOR_NEXT, 2});
        control_.set(2, {physical + kAnswer, 1, virtio::DESCRIPTOR_WRITE, 0});
        control_.offer(0);
        if (control_.publish()) {
            transport_.ring(kControl);
        }
        if (!driver::await(bus_, kCommandMs, [&] { return control_.pending() != 0; })) {
            return false;
        }
        control_.take();
        return __atomic_load_n(&memory[kAnswer], __ATOMIC_ACQUIRE) == kAccepted;
    }

    Bus &bus_;
    virtio::Transport<Bus> transport_;
    virtio::Queue<Pool> receive_, transmit_, control_;
    const Pool &pool_;
    nic::Facts facts_;
    Places in_, out_;
    u32 news_ = 0; // Bits: queues in which something was offered.
};

} // namespace virtio_net
