// FakeDevice: an NVMe controller with its registers and queues, and what can go wrong with one.
// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <cstring>
#include <map>
#include <vector>

#include "servers/driver/fake_memory.hpp"
#include "servers/pci/api.hpp"

#include "disk.hpp"

namespace nvme {

class FakeDevice {
  private:
    driver::FakeMemory &memory_;

  public:
    static constexpr u32 kStride = 8;

    explicit FakeDevice(driver::FakeMemory &memory) : memory_{memory}, image(1000 * 512) {}

    std::vector<u8> image;
    u32 bar_bytes = 0x2000;
    u32 cap_low = 1023 | 2 << 24, cap_high = CAP_HIGH_NVM | 1; // Stride 8, 1 s.
    u8 mdts = 7, vwc = 1, format = 0x10 | 2, attributes = 0, protection = 0;
    u16 oncs = 4;
    u32 active = 5, lbaf = 9 << 16;
    std::string model = "Fake disk";

    // Faults.
    bool silent = false; // Takes I/O commands and says nothing.
    bool deaf = false;   // The same for admin commands.
    bool stuck = false;  // Never leaves the ready state, or never reaches it.
    bool fails_admin = false;
    u32 failed = 0; // CSTS_CFS: it says so.
    u16 status = 0; // Of I/O commands.

    // What it saw.
    u32 enables = 0, flushes = 0;
    std::vector<Command> seen; // I/O commands.
    std::vector<Range> discards;
    u64 time = 0;

    // --- Bus.

    u32 bytes(u32 bar) const { return bar == 0 ? bar_bytes : 0; }
    pci::Signal signal() const { return pci::Signal::MSIX; }
    u64 now_ms() const { return time; }
    void pause() { time++; }

    template <typename T>
    T read(u32 bar, u32 offset) {
        check(bar, offset);
        switch (offset) {
        case REG_CAP:
            return cap_low;
        case REG_CAP + 4:
            return cap_high;
        case REG_CSTS:
            return ready_ | failed;
        default:
            return reg_[offset];
        }
    }
    template <typename T>
    void write(u32 bar, u32 offset, T value) {
        check(bar, offset);
        reg_[offset] = value;
        if (offset == REG_CC) {
            enable((value & CC_EN) != 0);
        } else if (offset >= REG_DOORBELLS) {
            bell((offset - REG_DOORBELLS) / kStride, value);
        }
    }

    // --- The device.

    // Does the I/O commands that it has, the last one first if `backwards`.
    void work(bool backwards = false) {
        std::vector<Command> todo;
        todo.swap(waiting_);
        if (backwards) {
            std::reverse(todo.begin(), todo.end());
        }
        for (const Command &c : todo) {
            complete(1, c.identifier, perform(c));
        }
    }
    void complete(u32 queue, u16 identifier, u16 code, u16 claimed = 1) {
        Queue &q = queue_[queue];
        Completion done{0,
                        0,
                        static_cast<u16>(q.fetched),
                        static_cast<u16>(queue == 0 ? 0 : claimed),
                        identifier,
                        static_cast<u16>(code << 1 | q.phase)};
        memory_.put(q.completions + q.filled * sizeof(Completion), done);
        q.filled = (q.filled + 1) % q.entries;
        q.phase ^= q.filled == 0 ? 1 : 0;
    }
    bool has_queues() const { return queue_[1].submissions != 0 && queue_[1].completions != 0; }

  private:
    struct Queue {
        u64 submissions = 0, completions = 0;
        u32 entries = 1, fetched = 0, filled = 0;
        u16 phase = 1;
    };

    void check(u32 bar, u32 offset) {
        memory_.strayed = memory_.strayed || bar != 0 || offset + 4 > bar_bytes || offset % 4 != 0;
    }
    u64 reg64(u32 offset) { return reg_[offset] | u64{reg_[offset + 4]} << 32; }

    void enable(bool on) {
        ready_ = stuck ? ready_ : on ? u32{CSTS_RDY} : 0;
        queue_[0] = queue_[1] = {};
        waiting_.clear();
        if (on) {
            enables++;
            queue_[0].submissions = reg64(REG_ASQ);
            queue_[0].completions = reg64(REG_ACQ);
            queue_[0].entries = (reg_[REG_AQA] & 0xfff) + 1;
        }
    }

    void bell(u32 number, u32 value) {
        if (number > 3 || value >= queue_[number / 2].entries) {
            memory_.strayed = true;
        } else if (number % 2 == 0) {
            fetch(number / 2, value);
        }
    }

    void fetch(u32 number, u32 tail) {
        Queue &q = queue_[number];
        for (; q.fetched != tail; q.fetched = (q.fetched + 1) % q.entries) {
            Command c = memory_.get<Command>(q.submissions + q.fetched * sizeof(Command));
            if (number == 1) {
                waiting_.push_back(c);
            } else if (!deaf) {
                complete(0, c.identifier, admin(c));
            }
        }
        if (number == 1 && !silent) {
            work();
        }
    }

    u16 admin(const Command &c) {
        Queue &io = queue_[1];
        if (fails_admin) {
            return 1;
        }
        switch (c.opcode) {
        case ADMIN_IDENTIFY:
            identify(c);
            return 0;
        case ADMIN_CREATE_CQ:
            io.completions = c.prp[0];
            io.entries = (c.word[0] >> 16) + 1;
            return c.word[1] == 3 ? 0 : 1;
        case ADMIN_CREATE_SQ:
            io.submissions = c.prp[0];
            return c.word[1] == 0x10001 && io.completions != 0 ? 0 : 1;
        case ADMIN_SET_FEATURES:
            return c.word[0] == 7 ? 0 : 1;
        default:
            return 1;
        }
    }

    void identify(const Command &c) {
        u64 to = c.prp[0];
        if (c.word[0] == IDENTIFY_CONTROLLER) {
            for (u32 i = 0; i < 40; i++) {
                memory_.put<char>(to + 24 + i, i < model.size() ? model[i] : ' ');
            }
            memory_.put<u8>(to + 77, mdts);
            memory_.put<u16>(to + 520, oncs);
            memory_.put<u8>(to + 525, vwc);
        } else if (c.word[0] == IDENTIFY_ACTIVE) {
            memory_.put<u32>(to, active);
        } else if (c.space == active) {
            memory_.put<u64>(to, image.size() >> (lbaf >> 16 & 0x1f));
            memory_.put<u8>(to + 26, format);
            memory_.put<u8>(to + 29, protection);
            memory_.put<u8>(to + 99, attributes);
            memory_.put<u32>(to + 128 + (format & 0xf) * 4, lbaf);
        }
    }

    u16 perform(const Command &c) {
        seen.push_back(c);
        memory_.strayed = memory_.strayed || c.space != active;
        if (c.opcode == IO_FLUSH) {
            flushes++;
        } else if (c.opcode == IO_DATASET) {
            discards.push_back(memory_.get<Range>(c.prp[0]));
        } else {
            move(c);
        }
        return status;
    }

    // Pages as section 4.3 has them: a command with two pages has no list.
    void move(const Command &c) {
        u32 shift = lbaf >> 16;
        u64 at = (c.word[0] | u64{c.word[1]} << 32) << shift;
        u64 bytes = u64{(c.word[2] & 0xffff) + 1} << shift;
        u64 page = c.prp[0], rest = bytes - std::min<u64>(bytes, 4096 - page % 4096);
        for (u32 i = 0; bytes != 0; i++) {
            u64 count = std::min<u64>(bytes, 4096 - page % 4096);
            u8 *memory = memory_.find(page, count);
            if (memory == nullptr || at + count > image.size() || (i != 0 && page % 4096 != 0)) {
                memory_.strayed = true;
                return;
            }
            bool reads = c.opcode == IO_READ;
            std::memcpy(reads ? memory : &image[at], reads ? &image[at] : memory, count);
            at += count;
            bytes -= count;
            page = rest <= 4096 ? c.prp[1] : memory_.get<u64>(c.prp[1] + i * 8);
        }
    }

    u32 ready_ = 0;
    std::map<u32, u32> reg_;
    Queue queue_[2];
    std::vector<Command> waiting_;
};

} // namespace nvme
