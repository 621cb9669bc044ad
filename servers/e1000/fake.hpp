// FakeDevice: an 82540EM or 82574L with its registers and rings, and what can go wrong with one.
// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <cstring>
#include <vector>

#include "servers/driver/fake_memory.hpp"

#include "card.hpp"

namespace e1000 {

class FakeDevice {
  public:
    explicit FakeDevice(driver::FakeMemory &memory) : memory_{memory} { power_on(); }

    u32 id = ID_82540EM;
    u32 bar_bytes = 0x20000;
    pci::Signal way = pci::Signal::LINE;
    u8 mac[6] = {0x52, 0x54, 0, 1, 2, 3};

    // Faults.
    bool gone = false;        // All registers read as ones.
    bool stuck = false;       // Never ends a reset.
    bool busy_master = false; // Always has something to ask of the bus.
    bool no_auto_read = false;
    bool silent = false;      // Sends nothing.
    bool no_address = false;  // Has not read it.
    bool mute_eeprom = false; // Does not answer.
    u32 wrong_position = 0;   // What it says of its heads.
    bool is_position_wrong = false;

    // What it saw.
    std::vector<std::vector<u8>> sent;
    u32 resets = 0, eeprom_reads = 0, messages = 0; // Messages: of MSI-X.
    u32 tails[2] = {};                              // How often each was written.
    u64 time = 0;

    u32 &at(u32 offset) { return register_[offset / 4]; }

    // --- Bus.

    u32 config(u32 offset) const { return offset == 0 ? id << 16 | 0x8086 : 0; }
    u32 bytes(u32 bar) const { return bar == 0 ? bar_bytes : 0; }
    pci::Signal signal() const { return way; }
    u64 now_ms() const { return time; }
    void pause() { time++; }

    template <typename T>
    T read(u32 bar, u32 offset) {
        static_assert(sizeof(T) == 4);
        if (bar != 0 || offset + 4 > bar_bytes || offset % 4 != 0) {
            memory_.strayed = true;
            return 0;
        }
        if (gone) {
            return ~0u;
        }
        bool head = offset == REG_RECEIVE + RING_HEAD || offset == REG_TRANSMIT + RING_HEAD;
        u32 value = head && is_position_wrong ? wrong_position : at(offset);
        if (offset == REG_ICR && way != pci::Signal::MSIX) {
            at(REG_ICR) = 0;
        }
        return value;
    }

    template <typename T>
    void write(u32 bar, u32 offset, T value) {
        static_assert(sizeof(T) == 4);
        if (bar != 0 || offset + 4 > bar_bytes || offset % 4 != 0) {
            memory_.strayed = true;
        } else if (offset == REG_ICR) {
            at(REG_ICR) &= ~value;
        } else if (offset == REG_IMS) {
            at(REG_IMS) |= value;
        } else if (offset == REG_IMC) {
            at(REG_IMS) &= ~value;
        } else if (offset == REG_CTRL) {
            set_control(value);
        } else if (offset == REG_EERD) {
            read_eeprom(value);
        } else {
            at(offset) = value;
            tails[0] += offset == REG_RECEIVE + RING_TAIL ? 1 : 0;
            if (offset == REG_TRANSMIT + RING_TAIL) {
                tails[1]++;
                send();
            }
        }
    }

    // --- The device's side of its rings.

    u64 place(u32 ring, u32 i) {
        u64 base = u64{at(ring + RING_BASE_HIGH)} << 32 | at(ring + RING_BASE_LOW);
        return base + i % size(ring) * sizeof(Descriptor);
    }
    u32 size(u32 ring) {
        u32 count = at(ring + RING_BYTES) / sizeof(Descriptor);
        return count == 0 ? 1 : count;
    }
    Descriptor descriptor(u32 ring, u32 i) { return memory_.get<Descriptor>(place(ring, i)); }
    void set_word(u32 ring, u32 i, u64 word) { memory_.put<u64>(place(ring, i) + 8, word); }
    u32 &head(u32 ring) { return at(ring + RING_HEAD); }
    bool has(u32 ring) { return head(ring) != at(ring + RING_TAIL); }

    static u64 received(u32 bytes, u32 status = 1 | RECEIVE_END, u32 errors = 0) {
        return bytes | u64{status} << 32 | u64{errors} << 40;
    }

    // A frame for the driver; false: there is no buffer, or nobody listens.
    bool arrive(const std::vector<u8> &frame, u32 status = 1 | RECEIVE_END, u32 errors = 0) {
        if ((at(REG_RCTL) & RCTL_EN) == 0 || !has(REG_RECEIVE)) {
            return false;
        }
        u32 i = head(REG_RECEIVE);
        u8 *to = memory_.find(descriptor(REG_RECEIVE, i).address, nic::kBufferBytes);
        if (to == nullptr) {
            return false;
        }
        std::memcpy(to, frame.data(), frame.size());
        set_word(REG_RECEIVE, i, received(static_cast<u32>(frame.size()), status, errors));
        head(REG_RECEIVE) = (i + 1) % size(REG_RECEIVE);
        raise(CAUSE_RXT0, CAUSE_RXQ0);
        return true;
    }

    void send() {
        while (!silent && (at(REG_TCTL) & TCTL_EN) != 0 && has(REG_TRANSMIT)) {
            u32 i = head(REG_TRANSMIT);
            send(i, descriptor(REG_TRANSMIT, i));
            head(REG_TRANSMIT) = (i + 1) % size(REG_TRANSMIT);
        }
    }

  private:
    void power_on() {
        std::memset(register_, 0, sizeof register_);
        auto byte = [this](u32 i) { return u32{mac[i]}; };
        at(REG_STATUS) = STATUS_LU | STATUS_MASTER;
        at(REG_EECD) = no_auto_read ? 0 : u32{EECD_AUTO_RD};
        at(REG_RAL) = no_address ? 0 : byte(0) | byte(1) << 8 | byte(2) << 16 | byte(3) << 24;
        at(REG_RAH) = no_address ? 0 : byte(4) | byte(5) << 8 | RAH_VALID;
    }

    void set_control(u32 value) {
        if ((value & CTRL_RST) != 0) {
            resets++;
            power_on();
            at(REG_CTRL) = stuck ? u32{CTRL_RST} : 0;
            return;
        }
        at(REG_CTRL) = value;
        bool off = (value & CTRL_MASTER_DISABLE) != 0 && !busy_master;
        at(REG_STATUS) = STATUS_LU | (off ? 0 : u32{STATUS_MASTER});
    }

    // With MSI-X a cause that is not there yet sends a message; what EIAC names is then cleared, and masked.
    void raise(u32 cause, u32 of_msix) {
        if (way != pci::Signal::MSIX) {
            at(REG_ICR) |= cause;
            return;
        }
        bool sends = (at(REG_IMS) & ~at(REG_ICR) & of_msix) != 0;
        at(REG_ICR) |= of_msix;
        if (sends) {
            messages++;
            at(REG_ICR) &= ~at(REG_EIAC);
            at(REG_IMS) &= ~at(REG_EIAC);
        }
    }

    void read_eeprom(u32 value) {
        eeprom_reads++;
        bool newer = id == ID_82574L;
        u32 word = newer ? value >> 2 : value >> 8;
        u32 done = newer ? 2 : 16;
        if (mute_eeprom || (value & EERD_START) == 0 || word > 2) {
            at(REG_EERD) = 0;
        } else {
            at(REG_EERD) = done | u32{mac[2 * word]} << 16 | u32{mac[2 * word + 1]} << 24;
        }
    }

    void send(u32 i, const Descriptor &d) {
        u32 bytes = d.word & 0xfffff;
        if ((d.word & SEND_EXTENDED) != 0 && (d.word & SEND_DATA) == 0) {
            sum_start_ = d.address >> 32 & 0xff;
            sum_at_ = d.address >> 40 & 0xff;
            return;
        }
        const u8 *from = memory_.find(d.address, bytes);
        if (from == nullptr || (d.word & SEND_END) == 0) {
            memory_.strayed = true;
            return;
        }
        std::vector<u8> frame(from, from + bytes);
        if ((d.word & SEND_SUM) != 0) {
            put_sum(frame);
        }
        sent.push_back(frame);
        if ((d.word & SEND_REPORT) != 0) {
            set_word(REG_TRANSMIT, i, d.word | kDone);
            raise(CAUSE_TXDW, CAUSE_TXQ0);
        }
    }

    // The Internet's check sum (RFC 1071), as both manuals say: of all from the start to the end.
    void put_sum(std::vector<u8> &frame) const {
        u64 sum = 0;
        for (std::size_t i = sum_start_; i < frame.size(); i++) {
            sum += (i - sum_start_) % 2 == 0 ? u64{frame[i]} << 8 : frame[i];
        }
        while (sum >> 16 != 0) {
            sum = (sum & 0xffff) + (sum >> 16);
        }
        frame.at(sum_at_) = static_cast<u8>(~sum >> 8);
        frame.at(sum_at_ + 1) = static_cast<u8>(~sum);
    }

    driver::FakeMemory &memory_;
    u32 register_[0x8000] = {};
    u64 sum_start_ = 0, sum_at_ = 0;
};

} // namespace e1000
