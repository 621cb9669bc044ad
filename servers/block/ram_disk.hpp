// RamDisk: a driver in a host test. Does requests at once, fails as told, and writes a log.
// SPDX-License-Identifier: BSD-2-Clause
//
// Faults are injected by the members; the log has every write and flush in the order in which they
// were done, and apply() replays it onto an older image: that is how power cuts are tested.
#pragma once

#include <cstring>
#include <functional>
#include <vector>

#include "servers/block/client.hpp"

namespace block {

class RamDisk final : public Link {
  public:
    struct Event {
        Op op;
        u64 sector;
        std::vector<u8> data;
    };

    RamDisk(std::size_t bytes, std::span<u8> pool) : image(bytes), pool_{pool} {}

    std::vector<u8> image;
    std::vector<Event> log;
    bool logging = false;
    bool read_only = false;
    u32 pages_max = kRequestPages;
    u32 sector_bytes = kSectorBytes;
    u64 first = 0; // Of the partition.
    Guid type{}, id{};
    u64 requests = 0, messages = 0;
    bool strayed = false; // A request named what it may not.

    // Faults. A handler is asked about each request: OK does it, else it fails with that.
    std::function<error_t(const Request &)> fault;
    u32 die_after = 0;      // Not 0: after so many requests more, submit() says ERR_RESTARTED once.
    u32 stall_after = 0;    // The same with ERR_TIMEOUT; nothing more is done until attach().
    u32 torn_sectors = ~0u; // A write does only so many sectors, but says OK.
    bool lose_flushes = false;
    error_t attach_error = OK; // Of attach(): ERR_BUSY when somebody else has it.

    sel::Result<Disk> info() override {
        return Disk{image.size() / kSectorBytes,
                    first,
                    sector_bytes,
                    read_only ? 1u : 0u,
                    pages_max,
                    1,
                    type,
                    id,
                    {},
                    "ram disk"};
    }
    sel::Result<> attach(Access) override {
        attached_ = attach_error == OK;
        completed_ = 0;
        return attach_error;
    }
    sel::Result<> detach() override {
        attached_ = false;
        return {};
    }
    bool attached() const { return attached_; }
    sel::Result<Progress> submit(const Submit &m) override {
        messages++;
        if (!attached_) {
            return ERR_BUSY;
        }
        if (m.submitted < completed_ || m.submitted - completed_ > kRequests) {
            return ERR_ARG;
        }
        while (completed_ < m.submitted) {
            if (counts_down(die_after)) {
                attached_ = false;
                return ERR_RESTARTED;
            }
            if (counts_down(stall_after)) {
                attached_ = false;
                return ERR_TIMEOUT;
            }
            Request &r = reinterpret_cast<Ring *>(pool_.data())->slot[completed_ % kRequests];
            r.status.store(handle(r), std::memory_order_release);
            completed_++;
        }
        return Progress{completed_};
    }

    static void apply(std::vector<u8> &image, const Event &event) {
        if (event.op == Op::Write) {
            std::copy(event.data.begin(), event.data.end(),
                      image.begin() + static_cast<std::ptrdiff_t>(event.sector * kSectorBytes));
        }
    }

  private:
    static bool counts_down(u32 &count) { return count != 0 && --count == 0; }

    error_t handle(const Request &r) {
        requests++;
        u64 all = image.size() / kSectorBytes;
        if (r.sectors > all || r.sector > all - r.sectors || r.pages > pages_max ||
            (r.sector * kSectorBytes | r.sectors * kSectorBytes | r.skip) % sector_bytes != 0) {
            strayed = true;
            return ERR_ARG;
        }
        if (fault) {
            error_t error = fault(r);
            if (error != OK) {
                return error;
            }
        }
        switch (r.op) {
        case Op::Read:
            return move(r, r.sectors);
        case Op::Write:
            return write(r);
        case Op::Flush:
            if (logging && !lose_flushes) {
                log.push_back({Op::Flush, 0, {}});
            }
            return OK;
        case Op::Discard:
            return OK;
        }
        return ERR_ARG;
    }

    error_t write(const Request &r) {
        if (read_only) {
            return ERR_RIGHT;
        }
        u32 sectors = r.sectors < torn_sectors ? r.sectors : torn_sectors;
        error_t error = move(r, sectors);
        if (logging && error == OK) {
            auto from = image.begin() + static_cast<std::ptrdiff_t>(r.sector * kSectorBytes);
            log.push_back({Op::Write, r.sector, {from, from + sectors * kSectorBytes}});
        }
        return error;
    }

    // Between image and pages, sector by sector.
    error_t move(const Request &r, u32 sectors) {
        for (u32 i = 0; i < sectors; i++) {
            u32 place = r.skip / kSectorBytes + i;
            u32 index = place / kPageSectors;
            if (index >= r.pages || r.page[index] == 0 ||
                (r.page[index] + 1u) * kPageBytes > pool_.size()) {
                strayed = true;
                return ERR_ARG;
            }
            u8 *memory = pool_.data() + std::size_t{r.page[index]} * kPageBytes +
                         place % kPageSectors * kSectorBytes;
            u8 *disk = image.data() + (r.sector + i) * kSectorBytes;
            std::memcpy(r.op == Op::Read ? memory : disk, r.op == Op::Read ? disk : memory,
                        kSectorBytes);
        }
        return OK;
    }

    std::span<u8> pool_;
    u64 completed_ = 0;
    bool attached_ = false;
};

// Page-aligned memory for a pool.
template <u32 N>
struct alignas(kPageBytes) PoolMemory {
    u8 byte[std::size_t{N} * kPageBytes] = {};
    std::span<u8> span() { return byte; }
};

} // namespace block
