// Client of a disk: batches of requests over the shared ring, repeated if the driver dies.
// SPDX-License-Identifier: BSD-2-Clause
//
//   client.add({.op = Op::Read, .sector = 8, .sectors = 8, .pages = pages});    up to 64
//   client.run();      one message: waits until all are done; OK, or the first error
//
// detach() lets others write to the disk; the next run() attaches again.
// Every batch is waited for, so requests of different batches are ordered and the data pages of a
// batch belong to the device only inside run(). When the driver is restarted, run() attaches again
// and repeats what the old one had not acknowledged with OK; reads, writes of the same content,
// flushes and discards may all be done twice. If the new driver has another disk or partition there, or
// none, everything is ERR_GONE.
#pragma once

#include <array>
#include <span>

#include "servers/block/api.hpp"

namespace block {

enum class Access : u8 { Read, Write };

// How messages reach a driver; host tests have their own.
class Link {
  public:
    virtual sel::Result<Disk> info() = 0;
    virtual sel::Result<> attach(Access access) = 0;
    virtual sel::Result<> detach() = 0;
    virtual sel::Result<Progress> submit(const Submit &m) = 0;

  protected:
    ~Link() = default;
};

class ServerLink final : public Link {
  public:
    // `patience`: ticks to wait for an answer; longer than the driver's own time-outs. `token`: of the region that is
    // lent to the driver (root::Region), for attach() only.
    ServerLink(sel::Client<Api> driver, u64 patience, u32 disk = 0, cptr_t token = 0)
        : driver_{driver}, patience_{patience}, disk_{disk}, token_{token} {}

    sel::Result<Disk> info() override {
        return driver_.call_within(patience_, Info{.disk = disk_});
    }
    sel::Result<> attach(Access access) override {
        Attach attach{.disk = disk_, .writes = access == Access::Write ? 1u : 0u};
        return driver_.call_giving_within(patience_, token_, attach);
    }
    sel::Result<> detach() override { return driver_.call_within(patience_, Detach{}); }
    sel::Result<Progress> submit(const Submit &m) override {
        return driver_.call_within(patience_, m);
    }
    // Who else writes to it: a program; 0: nobody.
    u32 writer() { return driver_.call_within(patience_, GetWriter{.disk = disk_}).value_or(0); }

  private:
    sel::Client<Api> driver_;
    u64 patience_;
    u32 disk_;
    cptr_t token_;
};

// `pages`: numbers in the region. For Flush: only the operation.
struct Transfer {
    Op op;
    u64 sector = 0;
    u32 sectors = 0;
    std::span<const u16> pages = {};
    u16 skip = 0;
    u8 flags = 0;
};

class Client {
  public:
    static constexpr u32 kTries = 4; // Of a batch, when drivers die under it.

    // `pool`: at least two pages, the first one for the ring.
    Client(Link &link, std::span<u8> pool) : link_{link}, pool_{pool} {}

    // Asks what there is and begins anew. To be called once before anything else. ERR_BUSY: somebody
    // else writes to it.
    sel::Result<> start(Access access = Access::Write);
    const Disk &disk() const { return disk_; }

    std::span<u8> page(u16 number) const {
        return pool_.subspan(std::size_t{number} * kPageBytes, kPageBytes);
    }
    // Data pages are 1 to pages().
    u16 pages() const {
        std::size_t count = pool_.size() / kPageBytes;
        return static_cast<u16>((count < 0xffff ? count : 0xffff) - 1);
    }

    bool full() const { return count_ == kRequests; }
    // Not full(). ERR_ARG: outside the disk or malformed; then it is not in the batch.
    sel::Result<> add(const Transfer &transfer);

    // Does the batch and empties it. Not OK: the first error; error(i) tells each.
    sel::Result<> run();
    error_t error(u32 index) const { return outcome_[index]; }

    // Nothing of an earlier batch is in flight: a batch that timed out may still be, until the
    // driver has answered Attach. To be asked before pages are used for something else.
    sel::Result<> settle() { return attached_ ? sel::Result<>{} : attach_again(); }

    // Others may write to the disk until the next settle() or run(). Nothing is in flight any more.
    sel::Result<> detach();

    // Times that a driver was found to have been restarted.
    u32 restarts() const { return restarts_; }

  private:
    bool sound(const Transfer &transfer) const;
    sel::Result<> attach();
    sel::Result<> attach_again();
    sel::Result<> attempt();
    u32 send();
    void collect(u32 sent);
    Ring &ring() const { return *reinterpret_cast<Ring *>(pool_.data()); }

    Link &link_;
    std::span<u8> pool_;
    Disk disk_{};
    Access access_ = Access::Write;
    bool attached_ = false;
    u64 submitted_ = 0; // Since the last Attach.
    u32 restarts_ = 0;
    u32 count_ = 0;
    std::array<Transfer, kRequests> batch_{};
    std::array<std::array<u16, kRequestPages>, kRequests> pages_{};
    std::array<error_t, kRequests> outcome_{};
    std::array<u32, kRequests> sent_{}; // Place in the batch of each request sent.
};

} // namespace block
