// FakeDevice: an AHCI controller with ports, and what can go wrong with one.
// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <cstring>
#include <map>
#include <string>
#include <vector>

#include "servers/driver/fake_memory.hpp"

#include "disk.hpp"

namespace ahci {

class FakeDevice {
  private:
    driver::FakeMemory &memory_;

  public:
    struct Port {
        std::map<u32, u32> reg;
        bool present = false;
        u32 signature = SIG_DISK;
        u32 resets = 0; // Of the link.
        std::vector<u8> image;
    };

    explicit FakeDevice(driver::FakeMemory &memory) : memory_{memory} {
        image.resize(1000 * 512);
        port[1].present = true; // A CD, and then the disk.
        port[1].signature = 0xeb140101;
        port[2].present = true;
    }

    Port port[4];
    std::vector<u8> &image = port[2].image;
    u32 bar_bytes = 0x1000, cap = CAP_S64A, implemented = 0x3f, firmware = 0;
    u16 commands = 0x2400, trim = 1, size = 0x4000; // Words 83, 169 and 106 of IDENTIFY.
    u32 sector = 512;                               // Bytes.
    std::string model = "Fake disk";

    // Faults, of all ports or of one.
    Port *only = nullptr;
    bool silent = false; // Takes commands and says nothing.
    bool stuck = false;  // A reset does not end.
    bool hangs = false;  // A port does not stop,
    bool cured = false;  // or not before its link is reset.
    bool busy = false;   // The disk never gets ready.
    u32 error = 0;       // PORT_IS bits of the next command.
    bool task_error = false;

    // What it saw.
    u32 resets = 0, flushes = 0;
    std::vector<u64> trimmed;
    u64 time = 0;

    // --- Bus.

    u32 bytes(u32 bar) const { return bar == 5 ? bar_bytes : 0; }
    u64 now_ms() const { return time; }
    void pause() { time++; }

    template <typename T>
    T read(u32 bar, u32 offset) {
        check(bar, offset);
        if (offset >= REG_PORTS) {
            return port_word((offset - REG_PORTS) / PORT_BYTES, offset % PORT_BYTES);
        }
        switch (offset) {
        case REG_CAP:
            return cap;
        case REG_PI:
            return implemented;
        case REG_CAP2:
            return firmware;
        default:
            return reg_[offset];
        }
    }

    template <typename T>
    void write(u32 bar, u32 offset, T value) {
        check(bar, offset);
        if (offset >= REG_PORTS) {
            set_port((offset - REG_PORTS) / PORT_BYTES, offset % PORT_BYTES, value);
        } else if (offset == REG_GHC && (value & GHC_HR) != 0) {
            resets++;
            for (Port &p : port) {
                p.reg.clear();
            }
            reg_[REG_GHC] = stuck ? value : 0;
        } else if (offset == REG_BOHC) {
            reg_[offset] = value & ~u32{BOHC_BOS};
        } else {
            reg_[offset] = value;
        }
    }

    bool interrupts() { return (reg_[REG_GHC] & GHC_IE) != 0 && port[2].reg[PORT_IE] != 0; }

  private:
    void check(u32 bar, u32 offset) {
        memory_.strayed = memory_.strayed || bar != 5 || offset + 4 > bar_bytes || offset % 4 != 0;
    }

    u32 port_word(u32 number, u32 offset) {
        if (number >= 4) {
            return 0;
        }
        Port &p = port[number];
        bool ready = p.present && (p.reg[PORT_CMD] & CMD_FRE) != 0;
        switch (offset) {
        case PORT_SSTS:
            return p.present ? 0x113 : 0;
        case PORT_SIG:
            return ready ? p.signature : ~0u;
        case PORT_TFD:
            return !ready || (busy && is_bad(p)) ? 0x7f | TFD_BSY : 0x50 | p.reg[offset];
        case PORT_CMD:
            return p.reg[offset] |
                   ((hangs && is_bad(p)) || (p.reg[offset] & CMD_ST) != 0 ? u32{CMD_CR} : 0) |
                   ((p.reg[offset] & CMD_FRE) != 0 ? u32{CMD_FR} : 0);
        default:
            return p.reg[offset];
        }
    }

    void set_port(u32 number, u32 offset, u32 value) {
        if (number >= 4) {
            return;
        }
        Port &p = port[number];
        if (offset == PORT_IS || offset == PORT_SERR) {
            p.reg[offset] &= ~value;
        } else if (offset == PORT_CI) {
            p.reg[PORT_CI] |= value;
            memory_.strayed = memory_.strayed || (p.reg[PORT_CMD] & CMD_ST) == 0 || value != 1;
            work(p);
        } else if (offset == PORT_SCTL) {
            if ((p.reg[offset] & SCTL_DET) == SCTL_RESET && (value & SCTL_DET) == 0) {
                p.resets++;
                p.reg[PORT_CI] = p.reg[PORT_TFD] = 0;
                hangs = hangs && !cured;
            }
            p.reg[offset] = value;
        } else {
            p.reg[offset] = value & ~u32{offset == PORT_CMD ? CMD_CR | CMD_FR : 0};
            if (offset == PORT_CMD && (value & CMD_ST) == 0) {
                p.reg[PORT_CI] = 0;
                p.reg[PORT_TFD] = 0;
            }
        }
    }

    bool is_bad(const Port &p) const { return only == nullptr || only == &p; }

    void work(Port &p) {
        if (silent && is_bad(p)) {
            return;
        }
        if ((error != 0 || task_error) && is_bad(p)) {
            p.reg[PORT_IS] |= error;
            p.reg[PORT_TFD] = task_error ? u32{TFD_ERR} : 0;
            p.reg[PORT_CI] = error != 0 ? 1 : 0;
            error = 0;
            task_error = false;
            return;
        }
        u64 list = p.reg[PORT_CLB] | u64{p.reg[PORT_CLB + 4]} << 32;
        auto header = memory_.get<CommandHeader>(list);
        perform(p, header, memory_.get<CommandTable>(header.table));
        p.reg[PORT_CI] = 0;
        p.reg[PORT_IS] |= IS_DHRS;
    }

    void perform(Port &p, const CommandHeader &header, const CommandTable &table) {
        const CommandFis &fis = table.fis;
        memory_.strayed = memory_.strayed || (header.flags & 0x1f) != 5 || fis.type != 0x27;
        u64 lba = 0;
        for (u32 i = 0; i < 3; i++) {
            lba |= u64{fis.lba_low[i]} << 8 * i | u64{fis.lba_high[i]} << 8 * (i + 3);
        }
        bool write = (header.flags & 0x40) != 0;
        if (fis.command == ATA_IDENTIFY) {
            identify(p.image, table.piece[0].physical);
        } else if (fis.command == ATA_FLUSH_CACHE_EXT) {
            flushes++;
        } else if (fis.command == ATA_DATA_SET_MANAGEMENT) {
            for (u32 i = 0; i < 64 && write && fis.features == 1; i++) {
                u64 range = memory_.get<u64>(table.piece[0].physical + i * 8);
                if (range != 0) {
                    trimmed.insert(trimmed.end(), {range & 0xffffffffffff, range >> 48});
                }
            }
        } else {
            move(p.image, header, table, lba * sector, write);
        }
    }

    void move(std::vector<u8> &image, const CommandHeader &header, const CommandTable &table,
              u64 at, bool write) {
        u64 left = u64{table.fis.count} * sector;
        for (u32 i = 0; i < header.pieces; i++) {
            u32 bytes = table.piece[i].bytes_less_1 + 1;
            u8 *memory = memory_.find(table.piece[i].physical, bytes);
            if (memory == nullptr || at + bytes > image.size() || bytes > left) {
                memory_.strayed = true;
                return;
            }
            std::memcpy(write ? &image[at] : memory, write ? memory : &image[at], bytes);
            at += bytes;
            left -= bytes;
        }
        memory_.strayed = memory_.strayed || left != 0 ||
                          table.fis.command != (write ? ATA_WRITE_DMA_EXT : ATA_READ_DMA_EXT);
    }

    void identify(const std::vector<u8> &image, u64 to) {
        for (u32 i = 0; i < 40; i++) {
            memory_.put<char>(to + 54 + (i ^ 1), i < model.size() ? model[i] : ' ');
        }
        memory_.put<u16>(to + 83 * 2, commands);
        memory_.put<u64>(to + 100 * 2, image.size() / sector);
        memory_.put<u16>(to + 106 * 2, size);
        memory_.put<u32>(to + 117 * 2, sector / 2);
        memory_.put<u16>(to + 169 * 2, trim);
    }

    std::map<u32, u32> reg_;
};

} // namespace ahci
