// Disk: a disk on a port of an AHCI controller, one command at a time.
// SPDX-License-Identifier: BSD-2-Clause
//
// Only slot 0 of the port is used, without native queueing: an error belongs to the one command that was in
// flight. It is reset with its port, which others do not notice. Pages of its pool: 0 command list, received
// FISes and command table, 1 what IDENTIFY answers, and ranges to trim.
// Source: Serial ATA AHCI 1.3.1: 3 registers, 4 memory, 6.2.2 errors, 10 initialisation and resets; ATA/ATAPI
// Command Set 3 (ACS-3): commands, IDENTIFY DEVICE.
#pragma once

#include <atomic>

#include "servers/block/device.hpp"

namespace ahci {

enum Register : u32 {
    REG_CAP = 0x00,
    REG_GHC = 0x04,
    REG_IS = 0x08,
    REG_PI = 0x0c,
    REG_CAP2 = 0x24,
    REG_BOHC = 0x28,
    REG_PORTS = 0x100,
    PORT_BYTES = 0x80
};
enum PortRegister : u32 {
    PORT_CLB = 0x00,
    PORT_FB = 0x08,
    PORT_IS = 0x10,
    PORT_IE = 0x14,
    PORT_CMD = 0x18,
    PORT_TFD = 0x20,
    PORT_SIG = 0x24,
    PORT_SSTS = 0x28,
    PORT_SCTL = 0x2c,
    PORT_SERR = 0x30,
    PORT_CI = 0x38
};
enum Bits : u32 {
    CAP_S64A = 1u << 31,
    GHC_AE = 1u << 31,
    GHC_IE = 2,
    GHC_HR = 1,
    CAP2_BOH = 1,
    BOHC_BOS = 1,
    BOHC_OOS = 2,
    CMD_ST = 1,
    CMD_SUD = 2,
    CMD_POD = 4,
    CMD_FRE = 0x10,
    CMD_FR = 0x4000,
    CMD_CR = 0x8000,
    IS_DHRS = 1,
    IS_ERRORS = 0x78000000, // Task file, host bus fatal and data, interface fatal.
    TFD_ERR = 1,
    TFD_DRQ = 8,
    TFD_BSY = 0x80,
    SSTS_DET = 0xf,
    SSTS_PRESENT = 3,
    SCTL_DET = 0xf,
    SCTL_RESET = 1,
    SIG_DISK = 0x101
};
enum AtaCommand : u8 {
    ATA_DATA_SET_MANAGEMENT = 0x06,
    ATA_READ_DMA_EXT = 0x25,
    ATA_WRITE_DMA_EXT = 0x35,
    ATA_FLUSH_CACHE_EXT = 0xea,
    ATA_IDENTIFY = 0xec
};

struct CommandHeader {
    u16 flags, pieces;
    u32 bytes;
    u64 table;
    u32 reserved[4];
};
// Register FIS, host to device.
struct CommandFis {
    u8 type, flags, command, features;
    u8 lba_low[3], device;
    u8 lba_high[3], features_high;
    u16 count;
    u8 icc, control;
    u8 reserved[48];
};
struct TablePiece {
    u64 physical;
    u32 reserved, bytes_less_1;
};
struct CommandTable {
    CommandFis fis;
    u8 packet[16], reserved[48];
    TablePiece piece[block::kRequestPages];
};
static_assert(sizeof(CommandHeader) == 32 && sizeof(CommandFis) == 64 && sizeof(TablePiece) == 16);
static_assert(offsetof(CommandTable, piece) == 0x80);

template <typename Bus, typename Pool>
class Disk {
  public:
    static constexpr u32 kPages = 2;

    Disk(Bus &bus, const Pool &pool) : bus_{bus}, pool_{pool} {}

    const block::Geometry &geometry() const { return geometry_; }

    // 10.4.3: a reset of the whole controller.
    bool stop() {
        if (bus_.bytes(kBar) < REG_PORTS + PORT_BYTES || get(REG_CAP) == ~0u) {
            return false;
        }
        take_from_firmware();
        set(REG_GHC, GHC_AE);
        set(REG_GHC, GHC_AE | GHC_HR);
        bool done = driver::await(bus_, kResetMs, [&] { return (get(REG_GHC) & GHC_HR) == 0; });
        set(REG_GHC, GHC_AE);
        return done && (get(REG_CAP) & CAP_S64A) != 0;
    }

    // Ports with a disk, or with something that does not get ready. All are waited for together.
    u32 find() {
        u32 linked = wake_ports(), disks = 0;
        [[maybe_unused]] bool all = driver::await(
            bus_, kSpinUpMs, [&] { return each(linked, [&] { return is_idle(); }) == linked; });
        for (port_ = 0; port_ < kPortsMost; port_++) {
            if ((linked >> port_ & 1) != 0 && (!is_idle() || port(PORT_SIG) == SIG_DISK)) {
                disks |= 1u << port_;
            }
        }
        // What it received meanwhile does not matter; a disk says where it wants it.
        each(get(REG_PI), [&] { return stop_port(CMD_FRE, CMD_FR); });
        return disks;
    }

    bool start(u32 place) {
        geometry_ = {};
        busy_ = false;
        port_ = place;
        __builtin_memset(pool_.template at<u8>(kCommands), 0, PAGE_BYTES);
        __builtin_memset(pool_.template at<u8>(kScratch), 0, PAGE_BYTES);
        if (!start_port() || !identify()) {
            return false;
        }
        set_port(PORT_IS, ~0u);
        set(REG_IS, 1u << port_);
        set_port(PORT_IE, IS_DHRS | IS_ERRORS);
        set(REG_GHC, GHC_AE | GHC_IE);
        return true;
    }

    // A disk that is another one afterwards is not believed, and does not interrupt any more.
    bool reset() {
        u64 sectors = geometry_.sectors;
        bool same = reset_port() && start(port_) && geometry_.sectors == sectors;
        if (!same) {
            set_port(PORT_IE, 0);
        }
        return same;
    }

    void submit(u32, const block::Command &c) {
        CommandTable &table = *pool_.template at<CommandTable>(kCommands, kTableOffset);
        for (u32 i = 0; i < c.pieces; i++) {
            table.piece[i] = {c.piece[i].physical, 0, c.piece[i].bytes - 1};
        }
        switch (c.op) {
        case block::Op::Read:
            issue(ATA_READ_DMA_EXT, c.sector / unit(), c.sectors / unit(), c.pieces, false);
            break;
        case block::Op::Write:
            issue(ATA_WRITE_DMA_EXT, c.sector / unit(), c.sectors / unit(), c.pieces, true);
            break;
        case block::Op::Flush:
            issue(ATA_FLUSH_CACHE_EXT, 0, 0, 0, false);
            break;
        case block::Op::Discard:
            trim(table, c);
            break;
        }
        busy_ = true;
    }

    bool collect(block::Outcomes &out) {
        u32 causes = port(PORT_IS);
        set_port(PORT_IS, causes);
        set(REG_IS, 1u << port_);
        bool ended = busy_ && (port(PORT_CI) & 1) == 0;
        bool failed = (causes & IS_ERRORS) != 0 || (ended && (port(PORT_TFD) & TFD_ERR) != 0);
        if (!failed && !ended) {
            return true;
        }
        if (failed && !restart_port()) {
            return false;
        }
        if (busy_) {
            busy_ = false;
            out.add(0, failed ? ERR_IO : OK);
        }
        return true;
    }

  private:
    static constexpr u32 kBar = 5;
    static constexpr u32 kCommands = 0, kScratch = 1; // Pages.
    static constexpr u32 kFisOffset = 1024, kTableOffset = 2048, kTrimOffset = 512;
    static constexpr u32 kResetMs = 1000, kFirmwareMs = 2000, kPresenceMs = 20, kLinkMs = 100,
                         kSpinUpMs = 10'000, kHoldMs = 2, kStopMs = 500, kIdentifyMs = 5000;
    static constexpr u32 kPortsMost = 32, kWordsMost = 1 << 16;
    static_assert(kTableOffset + sizeof(CommandTable) <= PAGE_BYTES);

    // --- Registers.

    u32 get(u32 offset) { return bus_.template read<u32>(kBar, offset); }
    void set(u32 offset, u32 value) { bus_.template write<u32>(kBar, offset, value); }
    u32 port(u32 offset) { return get(REG_PORTS + port_ * PORT_BYTES + offset); }
    void set_port(u32 offset, u32 value) { set(REG_PORTS + port_ * PORT_BYTES + offset, value); }
    void set_port64(u32 offset, u64 value) {
        set_port(offset, static_cast<u32>(value));
        set_port(offset + 4, static_cast<u32>(value >> 32));
    }

    // --- Initialisation.

    // 10.6.3: after the time it is ours, whatever the firmware says.
    void take_from_firmware() {
        if ((get(REG_CAP2) & CAP2_BOH) != 0) {
            set(REG_BOHC, get(REG_BOHC) | BOHC_OOS);
            [[maybe_unused]] bool left =
                driver::await(bus_, kFirmwareMs, [&] { return (get(REG_BOHC) & BOHC_BOS) == 0; });
        }
    }

    // Those of the ports for which it is true.
    template <typename Is>
    u32 each(u32 ports, Is is) {
        u32 found = 0;
        for (port_ = 0; port_ < kPortsMost; port_++) {
            bool there = (ports >> port_ & 1) != 0 &&
                         bus_.bytes(kBar) >= REG_PORTS + (port_ + 1) * PORT_BYTES;
            found |= there && is() ? 1u << port_ : 0;
        }
        return found;
    }

    u32 link() { return port(PORT_SSTS) & SSTS_DET; }
    bool is_idle() { return (port(PORT_TFD) & (TFD_BSY | TFD_DRQ)) == 0; }

    // 10.1.2, 10.10: those with a link. A device shows that it is there within 10 ms, or not at all.
    u32 wake_ports() {
        u32 all = each(get(REG_PI), [&] { return receive(), true; });
        [[maybe_unused]] bool full = driver::await(
            bus_, kPresenceMs, [&] { return each(all, [&] { return link() != 0; }) == all; });
        u32 present = each(all, [&] { return link() != 0; }), linked = 0;
        [[maybe_unused]] bool done = driver::await(bus_, kLinkMs, [&] {
            linked = each(present, [&] { return link() == SSTS_PRESENT; });
            return linked == present;
        });
        each(linked, [&] { return set_port(PORT_SERR, ~0u), true; });
        return linked;
    }

    // 10.3.1: what the disk says comes to our memory.
    void receive() {
        set_port64(PORT_CLB, pool_.physical(kCommands));
        set_port64(PORT_FB, pool_.physical(kCommands) + kFisOffset);
        set_port(PORT_SERR, ~0u);
        set_port(PORT_CMD, port(PORT_CMD) | CMD_SUD | CMD_POD | CMD_FRE);
    }

    // False: no disk.
    bool start_port() {
        receive();
        bool disk = driver::await(bus_, kLinkMs, [&] { return link() == SSTS_PRESENT; }) &&
                    driver::await(bus_, kSpinUpMs, [&] { return is_idle(); }) &&
                    port(PORT_SIG) == SIG_DISK;
        if (disk) {
            set_port(PORT_SERR, ~0u);
            set_port(PORT_CMD, port(PORT_CMD) | CMD_ST);
        } else {
            stop_port(CMD_FRE, CMD_FR);
        }
        return disk;
    }

    // 10.4.2: of the link, for a millisecond at least; also when the port does not stop by itself. False: it
    // does not even then, and may go on to use memory.
    bool reset_port() {
        set_port(PORT_IE, 0);
        [[maybe_unused]] bool stopped = stop_port(CMD_ST, CMD_CR);
        set_port(PORT_SCTL, (port(PORT_SCTL) & ~u32{SCTL_DET}) | SCTL_RESET);
        [[maybe_unused]] bool waited = driver::await(bus_, kHoldMs, [] { return false; });
        set_port(PORT_SCTL, port(PORT_SCTL) & ~u32{SCTL_DET});
        return stop_port(CMD_ST, CMD_CR) && stop_port(CMD_FRE, CMD_FR);
    }

    bool stop_port(u32 bit, u32 running) {
        set_port(PORT_CMD, port(PORT_CMD) & ~bit);
        return driver::await(bus_, kStopMs, [&] { return (port(PORT_CMD) & running) == 0; });
    }

    // 6.2.2.1: after an error the port stops; false: it needs more than a new start.
    bool restart_port() {
        if (!stop_port(CMD_ST, CMD_CR)) {
            return false;
        }
        set_port(PORT_SERR, ~0u);
        set_port(PORT_IS, ~0u);
        if ((port(PORT_TFD) & (TFD_BSY | TFD_DRQ)) != 0 || link() != SSTS_PRESENT) {
            return false;
        }
        set_port(PORT_CMD, port(PORT_CMD) | CMD_ST);
        return true;
    }

    u16 word(u32 i) const { return pool_.template at<u16>(kScratch)[i]; }

    bool identify() {
        constexpr u32 kModel = 27, kModelWords = 20, kCommandSet = 83, kSectors = 100, kSize = 106,
                      kSectorWords = 117, kTrim = 169, kBytes = 512;
        CommandTable &table = *pool_.template at<CommandTable>(kCommands, kTableOffset);
        table.piece[0] = {pool_.physical(kScratch), 0, kBytes - 1};
        issue(ATA_IDENTIFY, 0, 0, 1, false);
        bool done = driver::await(bus_, kIdentifyMs, [&] {
            return (port(PORT_CI) & 1) == 0 || (port(PORT_IS) & IS_ERRORS) != 0;
        });
        if (!done || (port(PORT_IS) & IS_ERRORS) != 0 || (port(PORT_TFD) & TFD_ERR) != 0) {
            return false;
        }
        for (u32 i = 0; i < kModelWords; i++) {
            append(static_cast<u8>(word(kModel + i) >> 8));
            append(static_cast<u8>(word(kModel + i)));
        }
        std::string_view name = geometry_.name;
        geometry_.name = name.substr(0, name.find_last_not_of(' ') + 1);
        for (u32 i = 0; i < 4; i++) {
            geometry_.sectors |= u64{word(kSectors + i)} << 16 * i;
        }
        constexpr u32 kLba48 = 1u << 10, kFlush = 1u << 13;
        geometry_.flush = (word(kCommandSet) & kFlush) != 0;
        geometry_.discard = (word(kTrim) & 1) != 0;
        bool large = (word(kSize) & 0xd000) == 0x5000; // Valid, and logical sectors are not 512.
        u32 words = word(kSectorWords) | u32{word(kSectorWords + 1)} << 16;
        geometry_.sector_bytes = !large ? block::kSectorBytes : words < kWordsMost ? 2 * words : 0;
        if (!block::is_sector_size(geometry_.sector_bytes) || geometry_.sectors >> 48 != 0) {
            return false;
        }
        geometry_.sectors *= unit();
        return (word(kCommandSet) & kLba48) != 0 && geometry_.sectors != 0;
    }
    u32 unit() const { return geometry_.sector_bytes / block::kSectorBytes; }
    void append(u8 c) { geometry_.name.append(c >= ' ' && c <= '~' ? static_cast<char>(c) : '?'); }

    // --- Requests.

    void issue(AtaCommand command, u64 lba, u32 count, u32 pieces, bool write, u8 features = 0) {
        constexpr u8 kHostToDevice = 0x27, kIsCommand = 0x80, kLba = 0x40;
        constexpr u16 kFisWords = 5, kWrite = 1u << 6;
        auto byte = [&](u32 i) { return static_cast<u8>(lba >> 8 * i); };
        CommandTable &table = *pool_.template at<CommandTable>(kCommands, kTableOffset);
        table.fis = {};
        table.fis.type = kHostToDevice;
        table.fis.flags = kIsCommand;
        table.fis.command = command;
        table.fis.features = features;
        table.fis.device = kLba;
        for (u32 i = 0; i < 3; i++) {
            table.fis.lba_low[i] = byte(i);
            table.fis.lba_high[i] = byte(i + 3);
        }
        table.fis.count = static_cast<u16>(count);
        *pool_.template at<CommandHeader>(kCommands) = {
            static_cast<u16>(kFisWords | (write ? kWrite : u16{0})),
            static_cast<u16>(pieces),
            0,
            pool_.physical(kCommands) + kTableOffset,
            {}};
        std::atomic_thread_fence(std::memory_order_seq_cst);
        set_port(PORT_CI, 1);
    }

    // ACS-3, 7.5: one block of ranges, of 65535 sectors at most.
    void trim(CommandTable &table, const block::Command &c) {
        constexpr u32 kBlock = 512, kRanges = kBlock / sizeof(u64), kRangeMost = 0xffff;
        constexpr u8 kTrim = 1;
        u64 *range = pool_.template at<u64>(kScratch, kTrimOffset), sector = c.sector / unit();
        u32 left = c.sectors / unit();
        for (u32 i = 0; i < kRanges; i++) {
            u32 count = std::min(left, kRangeMost);
            range[i] = count == 0 ? 0 : sector | u64{count} << 48;
            sector += count;
            left -= count;
        }
        table.piece[0] = {pool_.physical(kScratch) + kTrimOffset, 0, kBlock - 1};
        issue(ATA_DATA_SET_MANAGEMENT, 0, 1, 1, true, kTrim);
    }

    Bus &bus_;
    const Pool &pool_;
    block::Geometry geometry_;
    u32 port_ = 0;
    bool busy_ = false;
};

} // namespace ahci
