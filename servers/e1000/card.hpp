// Card: an 82540EM or an 82574L, with one ring in each direction.
// SPDX-License-Identifier: BSD-2-Clause
//
// Pages of the driver's pool: 0 ring for what arrives, 1 for what is sent. A frame takes one descriptor, or two if the card
// is to put a check sum in. Of what the card says only this is believed: that the oldest descriptor is done with, how many
// bytes came (checked), and that there is a link. Waits end: a reset after a second, the EEPROM after a tenth of it.
// Sources: 8254x Software Developer's Manual, 4.0: 5.3 EEPROM, 13.4.1 reset, 13.4.17 interrupt causes, 14.3 to 14.5
// initialisation. 82574 Datasheet, 3.4: 4.6 initialisation, 7.4 MSI-X, 10.2.2 reset; and its Specification Update.
#pragma once

#include <algorithm>

#include "servers/e1000/ring.hpp"
#include "servers/nic/device.hpp"
#include "servers/pci/api.hpp"

namespace e1000 {

template <typename Bus, typename Pool>
class Card {
  public:
    static constexpr u32 kPages = 2;

    Card(Bus &bus, const Pool &pool) : bus_{bus}, in_{pool, 0}, out_{pool, 1} {}

    const nic::Facts &facts() const { return facts_; }

    bool stop() {
        new_ = bus_.config(0) >> 16 == ID_82574L;
        if (bus_.bytes(kBar) < REG_BYTES || get(REG_STATUS) == kGone) {
            return false;
        }
        set(REG_IMC, ~0u);
        set(REG_RCTL, 0);
        set(REG_TCTL, TCTL_PSP);
        if (new_) { // What it has asked of the bus comes first; then it is reset, come or not.
            set(REG_CTRL, get(REG_CTRL) | CTRL_MASTER_DISABLE);
            [[maybe_unused]] bool quiet = driver::await(
                bus_, kMasterMs, [&] { return (get(REG_STATUS) & STATUS_MASTER) == 0; });
        }
        set(REG_CTRL, get(REG_CTRL) | CTRL_RST);
        wait(kSettleMs);
        bool done =
            driver::await(bus_, kResetMs, [&] { return (get(REG_CTRL) & CTRL_RST) == 0; }) &&
            read_itself();
        set(REG_IMC, ~0u);
        hear();
        return done;
    }

    bool start() {
        facts_ = {};
        frames_ = 0;
        if (!read_mac()) {
            return false;
        }
        facts_.checksums = facts_.filters = true;
        facts_.name = new_ ? "Intel 82574L network card" : "Intel 82540EM network card";
        start_link();
        write_groups();
        set_up(REG_RECEIVE, in_, RING_EACH);
        set_up(REG_TRANSMIT, out_, RING_EACH | (new_ ? u32{RING_COUNT_DESCRIPTORS} : 0));
        set(REG_RXCSUM, RXCSUM_ON);
        set(REG_TIPG, new_ ? TIPG_82574L : TIPG_82540EM);
        start_interrupts();
        set(REG_TCTL, TCTL_EN | TCTL_PSP | TCTL_COLLISIONS);
        set(REG_RCTL, RCTL_EN | RCTL_BAM | RCTL_SECRC);
        return true;
    }

    // A card with another address afterwards is another one.
    bool reset() {
        nic::Mac mac = facts_.mac;
        return stop() && start() && facts_.mac == mac;
    }

    // The line falls. Before the rings are looked at, so that nothing is missed.
    void hear() {
        u32 causes = get(REG_ICR); // Clears them, but not with MSI-X.
        set(REG_ICR, causes);
    }

    u32 receive_room() const { return nic::kSlots - in_.taken(); }
    u32 transmit_room() const { return std::min(nic::kSlots - frames_, out_.room() / 2); }

    void receive(u16 tag, driver::Piece buffer) { in_.put(buffer.physical, 0, tag); }

    // A sum that starts or stands behind byte 255 cannot be said to the card: the frame goes without.
    void transmit(u16 tag, const nic::Frame &frame) {
        u64 data =
            frame.piece.bytes | SEND_DATA | SEND_EXTENDED | SEND_END | SEND_CRC | SEND_REPORT;
        u32 start = frame.checksum_start, at = start + frame.checksum_offset;
        if (frame.needs_checksum && at <= kSumMost) {
            out_.put(u64{start} << 32 | u64{at} << 40, SEND_EXTENDED, kNoTag);
            data |= SEND_SUM;
        }
        out_.put(frame.piece.physical, data, tag);
        frames_++;
    }

    void tell() {
        tell(REG_RECEIVE, in_);
        tell(REG_TRANSMIT, out_);
    }

    template <typename Sink>
    bool collect(Sink &sink) {
        bool good = true;
        for (u32 i = in_.taken(); i != 0 && good && (in_.word(0) & kDone) != 0; i--) {
            good = take_received(in_.word(0), sink);
        }
        tell(REG_RECEIVE, in_); // What is given to it again.
        while (out_.taken() != 0 && good) {
            bool has_sum = out_.held().tag == kNoTag; // The frame stands behind it.
            if ((out_.word(has_sum ? 1 : 0) & kDone) == 0) {
                break;
            }
            if (has_sum) {
                out_.take();
            }
            frames_--;
            good = sink.sent(out_.take().tag);
        }
        return good;
    }

    bool link() {
        u32 status = get(REG_STATUS);
        return status != kGone && (status & STATUS_LU) != 0;
    }

    // 13.5.1: a bit for each of 4096 sums of addresses, so others may arrive, too.
    bool filter(std::span<const nic::Mac> multicast) {
        groups_ = {};
        for (const nic::Mac &mac : multicast) {
            u32 bit = (mac.byte[4] >> 4 | u32{mac.byte[5]} << 4) & 0xfff;
            groups_[bit / 32] |= 1u << bit % 32;
        }
        write_groups();
        return true;
    }

  private:
    static constexpr u32 kBar = 0, kGone = ~0u;
    static constexpr u16 kNoTag = 0xffff;
    static constexpr u32 kSumMost = 255;
    static constexpr u32 kMasterMs = 80, kSettleMs = 2, kResetMs = 1000, kAutoReadMs = 100,
                         kReadItselfMs = 5, kEepromMs = 100;
    static_assert(2 * nic::kSlots <= Ring<Pool>::kSize);

    u32 get(u32 offset) { return bus_.template read<u32>(kBar, offset); }
    void set(u32 offset, u32 value) { bus_.template write<u32>(kBar, offset, value); }
    void wait(u32 ms) {
        [[maybe_unused]] bool never = driver::await(bus_, ms, [] { return false; });
    }

    // After a reset the card reads its address and settings out of its EEPROM; an 82540EM does not say when it has.
    bool read_itself() {
        if (new_) {
            return driver::await(bus_, kAutoReadMs,
                                 [&] { return (get(REG_EECD) & EECD_AUTO_RD) != 0; });
        }
        wait(kReadItselfMs);
        return true;
    }

    bool read_word(u32 place, u16 &word) {
        u32 done = new_ ? 1u << 1 : 1u << 4, shift = new_ ? 2 : 8, value = 0;
        set(REG_EERD, EERD_START | place << shift);
        bool read = driver::await(bus_, kEepromMs, [&] {
            value = get(REG_EERD);
            return (value & done) != 0;
        });
        word = static_cast<u16>(value >> 16);
        return read;
    }

    static bool is_station(const nic::Mac &mac) {
        constexpr u8 kGroup = 1;
        return mac != nic::Mac{} && (mac.byte[0] & kGroup) == 0;
    }

    // What the card has read of it, or else what stands in its EEPROM.
    bool read_mac() {
        u32 low = get(REG_RAL), high = get(REG_RAH);
        nic::Mac mac;
        for (u32 i = 0; i < sizeof mac.byte; i++) {
            mac.byte[i] = static_cast<u8>((i < 4 ? low : high) >> i % 4 * 8);
        }
        if ((high & RAH_VALID) == 0 || !is_station(mac)) {
            for (u32 i = 0; i < sizeof mac.byte / 2; i++) {
                u16 word = 0;
                if (!read_word(i, word)) {
                    return false;
                }
                mac.byte[2 * i] = static_cast<u8>(word);
                mac.byte[2 * i + 1] = static_cast<u8>(word >> 8);
            }
            auto byte = [&](u32 i) { return u32{mac.byte[i]}; };
            set(REG_RAL, byte(0) | byte(1) << 8 | byte(2) << 16 | byte(3) << 24);
            set(REG_RAH, byte(4) | byte(5) << 8 | RAH_VALID);
        }
        facts_.mac = mac;
        return is_station(mac);
    }

    // 14.3, 14.6: speed and duplex are what both ends agree on.
    void start_link() {
        u32 keep = get(REG_CTRL) & ~(CTRL_LRST | CTRL_ILOS | CTRL_FORCED | CTRL_PHY_RST |
                                     CTRL_ASDE | CTRL_MASTER_DISABLE);
        set(REG_CTRL, keep | CTRL_SLU | (new_ ? 0 : u32{CTRL_ASDE}));
        if (new_) {
            set(REG_CTRL_EXT, get(REG_CTRL_EXT) | CTRL_EXT_DRIVER);
            set(REG_GCR, get(REG_GCR) | GCR_ERRATUM);
            set(REG_GCR2, get(REG_GCR2) | GCR2_ERRATUM);
        }
    }

    void write_groups() {
        for (u32 i = 0; i < kGroupWords; i++) {
            set(REG_MTA + 4 * i, groups_[i]);
        }
    }

    void set_up(u32 registers, Ring<Pool> &ring, u32 control) {
        ring.clear();
        u64 at = ring.physical();
        set(registers + RING_BASE_LOW, static_cast<u32>(at));
        set(registers + RING_BASE_HIGH, static_cast<u32>(at >> 32));
        set(registers + RING_BYTES, PAGE_BYTES);
        set(registers + RING_HEAD, 0);
        set(registers + RING_TAIL, 0);
        set(registers + RING_DELAY, 0);
        set(registers + RING_DELAY_MOST, 0);
        set(registers + RING_CONTROL, control);
    }

    // No pauses between interrupts: the next one waits until this one was acknowledged.
    void start_interrupts() {
        u32 causes = CAUSE_TXDW | CAUSE_RXT0 | CAUSE_RXDMT0;
        set(REG_ITR, 0);
        if (new_ && bus_.signal() == pci::Signal::MSIX) {
            causes = CAUSE_RXQ0 | CAUSE_TXQ0 | CAUSE_OTHER;
            set(REG_CTRL_EXT, get(REG_CTRL_EXT) | CTRL_EXT_PBA);
            set(REG_IVAR, IVAR_ALL_TO_0);
            set(REG_EITR, 0);
            set(REG_EIAC, 0); // What clears itself masks itself, too: hear() does it.
        }
        hear();
        set(REG_IMS, causes | CAUSE_LSC);
    }

    void tell(u32 registers, Ring<Pool> &ring) {
        if (ring.has_news()) {
            set(registers + RING_TAIL, ring.tell_tail());
        }
    }

    // A frame that is damaged or too long is lost; its buffer goes back to the card.
    template <typename Sink>
    bool take_received(u64 word, Sink &sink) {
        u32 bytes = word & 0xffff, status = word >> 32 & 0xff, errors = word >> 40 & 0xff;
        auto held = in_.take();
        if ((status & RECEIVE_END) == 0 || bytes == 0 || bytes > nic::kBufferBytes) {
            return false;
        }
        if ((errors & ERROR_OF_FRAME) != 0 || bytes > nic::kFrameBytes) {
            in_.put(held.address, 0, held.tag);
            return true;
        }
        bool checked = (status & (RECEIVE_SUM | RECEIVE_IGNORE_SUMS)) == RECEIVE_SUM &&
                       (errors & ERROR_SUM) == 0;
        return sink.received(held.tag, 0, bytes, checked ? u16{nic::kChecked} : u16{0});
    }

    Bus &bus_;
    Ring<Pool> in_, out_;
    nic::Facts facts_;
    bool new_ = false; // An 82574L.
    u32 frames_ = 0;   // In out_.
    std::array<u32, kGroupWords> groups_{};
};

} // namespace e1000
