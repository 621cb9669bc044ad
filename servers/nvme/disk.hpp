// Disk: the first namespace of an NVMe controller, with one pair of queues.
// SPDX-License-Identifier: BSD-2-Clause
//
// A command's identifier is its tag. There are fewer tags than places in the queues, so no queue is ever
// full. Pages of the driver's pool: 0 and 1 the admin queues, 2 and 3 the I/O queues, 4 lists of pages, 5
// what Identify writes, and ranges to discard. Nothing that the device writes is used before it is checked.
// Source: NVM Express 1.4: 3.1 registers, 4 queues and pages, 5 admin commands, 6 I/O, 7.6 initialisation.
#pragma once

#include "servers/block/device.hpp"

namespace nvme {

enum Register : u32 {
    REG_CAP = 0x00,
    REG_CC = 0x14,
    REG_CSTS = 0x1c,
    REG_AQA = 0x24,
    REG_ASQ = 0x28,
    REG_ACQ = 0x30,
    REG_DOORBELLS = 0x1000
};

enum Bits : u32 {
    CC_EN = 1,
    CC_SIZES = 6u << 16 | 4u << 20, // Entries of 64 and of 16 bytes.
    CSTS_RDY = 1,
    CSTS_CFS = 2,
    CAP_HIGH_NVM = 1u << 5,
    CAP_HIGH_MPSMIN = 0xfu << 16
};

enum Opcode : u8 {
    ADMIN_CREATE_SQ = 1,
    ADMIN_CREATE_CQ = 5,
    ADMIN_IDENTIFY = 6,
    ADMIN_SET_FEATURES = 9,
    IO_FLUSH = 0,
    IO_WRITE = 1,
    IO_READ = 2,
    IO_DATASET = 9
};

enum Identify : u32 { IDENTIFY_NAMESPACE = 0, IDENTIFY_CONTROLLER = 1, IDENTIFY_ACTIVE = 2 };

struct Command {
    u8 opcode = 0, flags = 0;
    u16 identifier = 0;
    u32 space = 0;
    u64 reserved[2] = {};
    u64 prp[2] = {};
    u32 word[6] = {}; // Dwords 10 to 15.
};

struct Completion {
    u32 result, reserved;
    u16 head, queue;
    u16 identifier;
    u16 status; // Bit 0: phase.
};

struct Range {
    u32 attributes, sectors;
    u64 sector;
};
static_assert(sizeof(Command) == 64 && sizeof(Completion) == 16 && sizeof(Range) == 16);

template <typename Bus, typename Pool>
class Disk {
  public:
    static constexpr u32 kPages = 6;

    Disk(Bus &bus, const Pool &pool) : bus_{bus}, pool_{pool} {}

    const block::Geometry &geometry() const { return geometry_; }

    bool stop() {
        if (bus_.bytes(0) < REG_DOORBELLS) {
            return false;
        }
        u32 high = get(REG_CAP + 4), low = get(REG_CAP);
        stride_ = 4u << (high & 0xf);
        limit_ms_ = std::min((low >> 24 & 0xff) * 500 + 500, kReadyMostMs);
        entries_ = std::min((low & 0xffff) + 1, kEntries);
        bool usable = (high & CAP_HIGH_NVM) != 0 && (high & CAP_HIGH_MPSMIN) == 0 &&
                      bus_.bytes(0) >= REG_DOORBELLS + 4 * stride_ && entries_ > 1;
        return usable && quieten();
    }

    u32 find() const { return 1; } // A controller is a disk: of its namespaces, only one is used.

    bool start(u32 = 0) {
        geometry_ = {};
        for (u32 page = 0; page < kPages; page++) {
            __builtin_memset(pool_.template at<u8>(page), 0, PAGE_BYTES);
        }
        admin_ = {kAdmin, kAdminEntries};
        io_ = {kIo, entries_};
        in_flight_ = 0;
        set(REG_AQA, (kAdminEntries - 1) << 16 | (kAdminEntries - 1));
        set64(REG_ASQ, pool_.physical(kAdmin));
        set64(REG_ACQ, pool_.physical(kAdmin + 1));
        set(REG_CC, CC_SIZES | CC_EN);
        return wait_ready(CSTS_RDY) && identify_controller() && identify_namespace() &&
               create_queues();
    }

    // A disk that is another one afterwards is not believed.
    bool reset() {
        u64 sectors = geometry_.sectors;
        return quieten() && start() && geometry_.sectors == sectors;
    }

    void submit(u32 tag, const block::Command &c) {
        Command command{};
        command.identifier = static_cast<u16>(tag);
        command.space = space_;
        switch (c.op) {
        case block::Op::Read:
        case block::Op::Write:
            transfer(command, tag, c);
            break;
        case block::Op::Flush:
            command.opcode = IO_FLUSH;
            break;
        case block::Op::Discard:
            discard(command, tag, c);
            break;
        }
        in_flight_ |= 1u << tag;
        send(io_, command);
    }

    bool collect(block::Outcomes &out) {
        Completion done;
        while (out.count < geometry_.depth && take(io_, done)) {
            u32 tag = done.identifier;
            if (done.queue != kIo / 2 || tag >= geometry_.depth || (in_flight_ >> tag & 1) == 0) {
                return false;
            }
            in_flight_ &= ~(1u << tag);
            out.add(tag, done.status >> 1 == 0 ? OK : ERR_IO);
        }
        if (out.count != 0) {
            ring(io_, 1, io_.head);
        }
        return out.count != 0 || (get(REG_CSTS) & CSTS_CFS) == 0;
    }

  private:
    static constexpr u32 kAdmin = 0, kIo = 2; // Pages: submission queue, then completion queue.
    static constexpr u32 kLists = 4, kScratch = 5;
    static constexpr u32 kEntries = PAGE_BYTES / sizeof(Command), kAdminEntries = 16;
    static constexpr u32 kListBytes = PAGE_BYTES / block::kTags;
    static constexpr u32 kUnitMost = block::kPageSectors;
    static constexpr u32 kReadyMostMs = 30'000, kAdminMs = 5000;
    static_assert((block::kRequestPages - 1) * sizeof(u64) <= kListBytes);

    struct Queue {
        u32 page = 0, entries = 1;
        u32 tail = 0, head = 0;
        u16 phase = 1;
    };

    // --- Registers.

    u32 get(u32 offset) { return bus_.template read<u32>(0, offset); }
    void set(u32 offset, u32 value) { bus_.template write<u32>(0, offset, value); }
    void set64(u32 offset, u64 value) {
        set(offset, static_cast<u32>(value));
        set(offset + 4, static_cast<u32>(value >> 32));
    }

    // False: it took too long, or the controller says that it has failed.
    bool wait_ready(u32 ready) {
        u32 status = 0;
        bool done = driver::await(bus_, limit_ms_, [&] {
            status = get(REG_CSTS);
            return (status & CSTS_CFS) != 0 || (status & CSTS_RDY) == ready;
        });
        return done && (status & CSTS_RDY) == ready && (ready == 0 || (status & CSTS_CFS) == 0);
    }

    // 7.6.2: a controller that is being enabled must be ready before it is disabled.
    bool quieten() {
        if ((get(REG_CC) & CC_EN) != 0) {
            [[maybe_unused]] bool ready = wait_ready(CSTS_RDY);
        }
        set(REG_CC, 0);
        return driver::await(bus_, limit_ms_, [&] { return (get(REG_CSTS) & CSTS_RDY) == 0; });
    }

    // --- Queues (4.1, 4.6).

    // `completion`: 0 or 1.
    void ring(const Queue &q, u32 completion, u32 value) {
        set(REG_DOORBELLS + (q.page + completion) * stride_, value);
    }

    void send(Queue &q, const Command &command) {
        pool_.template at<Command>(q.page)[q.tail] = command;
        q.tail = (q.tail + 1) % q.entries;
        __atomic_thread_fence(__ATOMIC_SEQ_CST);
        ring(q, 0, q.tail);
    }

    // The next completion, if there is one.
    bool take(Queue &q, Completion &done) {
        const Completion *from = pool_.template at<Completion>(q.page + 1) + q.head;
        u16 status = __atomic_load_n(&from->status, __ATOMIC_ACQUIRE);
        if ((status & 1) != q.phase) {
            return false;
        }
        auto seen = static_cast<const volatile Completion *>(from);
        done.queue = seen->queue;
        done.identifier = seen->identifier;
        done.status = status;
        q.head = (q.head + 1) % q.entries;
        q.phase ^= q.head == 0 ? 1 : 0;
        return true;
    }

    // An admin command, waited for.
    bool admin(Opcode opcode, u32 space, u32 page, u32 word10, u32 word11 = 0) {
        Command command{};
        command.opcode = opcode;
        command.space = space;
        command.prp[0] = pool_.physical(page);
        command.word[0] = word10;
        command.word[1] = word11;
        send(admin_, command);
        Completion done{};
        if (!driver::await(bus_, kAdminMs, [&] { return take(admin_, done); })) {
            return false;
        }
        ring(admin_, 1, admin_.head);
        return done.status >> 1 == 0;
    }

    // --- Initialisation.

    template <typename T>
    T scratch(u32 offset) const {
        T value;
        __builtin_memcpy(&value, pool_.template at<u8>(kScratch, offset), sizeof value);
        return value;
    }

    bool identify_controller() {
        constexpr u32 kModel = 24, kModelBytes = 40, kMdts = 77, kOncs = 520, kVwc = 525;
        if (!admin(ADMIN_IDENTIFY, 0, kScratch, IDENTIFY_CONTROLLER)) {
            return false;
        }
        std::string_view model{pool_.template at<char>(kScratch, kModel), kModelBytes};
        model = model.substr(0, model.find_last_not_of(" ") + 1);
        for (char c : model) {
            geometry_.name.append(c >= ' ' && c <= '~' ? c : '?');
        }
        u8 most = scratch<u8>(kMdts);
        geometry_.pages_max = most == 0 || most > 4 ? block::kRequestPages : 1u << most;
        geometry_.discard = (scratch<u16>(kOncs) & 4) != 0;
        geometry_.flush = (scratch<u8>(kVwc) & 1) != 0;
        geometry_.fua = true;
        geometry_.depth = std::min(block::kTags, entries_ - 1);
        return true;
    }

    // The first active one. Sectors with metadata or protection are not for us.
    bool identify_namespace() {
        constexpr u32 kFormat = 26, kProtection = 29, kAttributes = 99, kFormats = 128;
        if (!admin(ADMIN_IDENTIFY, 0, kScratch, IDENTIFY_ACTIVE)) {
            return false;
        }
        space_ = scratch<u32>(0);
        if (space_ == 0 || !admin(ADMIN_IDENTIFY, space_, kScratch, IDENTIFY_NAMESPACE)) {
            return false;
        }
        u32 format = scratch<u32>(kFormats + (scratch<u8>(kFormat) & 0xf) * 4);
        u64 sectors = scratch<u64>(0);
        geometry_.read_only = (scratch<u8>(kAttributes) & 1) != 0;
        geometry_.sector_bytes = (format >> 16 & 0xff) < 32 ? 1u << (format >> 16 & 0xff) : 0;
        if (!block::is_sector_size(geometry_.sector_bytes) || sectors > ~u64{0} / kUnitMost) {
            return false;
        }
        geometry_.sectors = sectors * unit();
        bool plain = (format & 0xffff) == 0 && (scratch<u8>(kProtection) & 7) == 0;
        return plain && sectors != 0;
    }
    u32 unit() const { return geometry_.sector_bytes / block::kSectorBytes; }

    bool create_queues() {
        constexpr u32 kQueuesFeature = 7, kContiguous = 1, kInterrupt = 2, kOne = 1;
        u32 shape = kOne | (entries_ - 1) << 16;
        return admin(ADMIN_SET_FEATURES, 0, kScratch, kQueuesFeature) &&
               admin(ADMIN_CREATE_CQ, 0, kIo + 1, shape, kContiguous | kInterrupt) &&
               admin(ADMIN_CREATE_SQ, 0, kIo, shape, kContiguous | kOne << 16);
    }

    // --- Requests (6.8, 6.9, 6.14, 6.15).

    void transfer(Command &command, u32 tag, const block::Command &c) {
        constexpr u32 kFua = 1u << 30;
        command.opcode = c.op == block::Op::Read ? IO_READ : IO_WRITE;
        u64 first = c.sector / unit();
        command.word[0] = static_cast<u32>(first);
        command.word[1] = static_cast<u32>(first >> 32);
        command.word[2] = (c.sectors / unit() - 1) | (c.fua && c.op == block::Op::Write ? kFua : 0);
        command.prp[0] = c.piece[0].physical;
        u64 *list = pool_.template at<u64>(kLists, tag * kListBytes);
        for (u32 i = 1; i < c.pieces; i++) {
            list[i - 1] = c.piece[i].physical;
        }
        if (c.pieces == 2) {
            command.prp[1] = list[0];
        } else if (c.pieces > 2) {
            command.prp[1] = pool_.physical(kLists) + tag * kListBytes;
        }
    }

    void discard(Command &command, u32 tag, const block::Command &c) {
        constexpr u32 kDeallocate = 4;
        *pool_.template at<Range>(kScratch, tag * sizeof(Range)) = {0, c.sectors / unit(),
                                                                    c.sector / unit()};
        command.opcode = IO_DATASET;
        command.word[1] = kDeallocate;
        command.prp[0] = pool_.physical(kScratch) + tag * sizeof(Range);
    }

    Bus &bus_;
    const Pool &pool_;
    block::Geometry geometry_;
    u32 stride_ = 4, limit_ms_ = kReadyMostMs, entries_ = kEntries;
    u32 space_ = 0;
    Queue admin_, io_;
    u32 in_flight_ = 0; // Bits: tags.
};

} // namespace nvme
