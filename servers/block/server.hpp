// Server: the block protocol in front of a device, for several clients with a partition and a pool each.
// SPDX-License-Identifier: BSD-2-Clause
//
// Clients are told apart by program and part. What they write into their ring is copied once, then
// checked, then used: nothing is read from shared memory twice. The device has at most kTags commands in
// flight; whenever one is free, the clients take turns, and with several of them none has more than half.
//
//   request: in the ring --copied, checked--> in flight (tag) --outcome--> done
//   time-out or nonsense: the device is reset; what was late is done with ERR_TIMEOUT, the others are
//   sent again, three times at most. A device that needs kResets resets in a row is dead: ERR_TIMEOUT
//   for everything until the program is started anew.
#pragma once

#include "servers/block/device.hpp"
#include "servers/block/partition.hpp"

#include "sel/protocol.hpp"

namespace block {

// Pool: sel::DmaPool, or what a test has.
template <typename Device, typename Pool>
class Server {
  public:
    static constexpr u32 kClients = 8;
    static constexpr u32 kTries = 3;
    static constexpr u32 kResets = 4;

    // `patience`: ticks until a command is late. `report` is told what people should know.
    Server(Device &device, u64 patience, void (*report)(std::string_view) = nullptr)
        : device_{device}, patience_{patience}, report_{report} {}

    // Who may send requests, and with which memory. False: there are too many.
    bool add_client(u32 program, u8 part, const Pool &pool) {
        if (clients_ == kClients || pool.pages() < 2) {
            return false;
        }
        client_[clients_].program = program;
        client_[clients_].part = part;
        client_[clients_++].pool = &pool;
        return true;
    }
    // The device is there, with these partitions.
    void start(const Table &table) {
        table_ = table;
        whole_ = {0, device_.geometry().sectors, {}, {}};
    }

    bool dead() const { return dead_; }

    // --- The protocol.

    sel::Result<Disk> on(const Info &, sel::Caller caller) {
        const Partition *range = find_range(caller.part);
        if (range == nullptr || dead_) {
            return dead_ ? ERR_TIMEOUT : absent();
        }
        const Geometry &g = device_.geometry();
        return Disk{range->sectors, range->first, g.sector_bytes, is_read_only(*range),
                    g.pages_max,    g.discard,    range->type,    g.name};
    }

    void on(const Attach &, sel::Caller caller, sel::Later<Attach> later) {
        Client *c = find(caller);
        const Partition *range = find_range(caller.part);
        if (range == nullptr || c == nullptr || dead_) {
            later.answer(dead_ ? ERR_TIMEOUT : range == nullptr ? absent() : ERR_RIGHT);
            return;
        }
        c->attaching.answer(ERR_BUSY); // Of an earlier life of the client, or timed out.
        c->waiting.answer(ERR_BUSY);
        c->attached = false;
        c->range = *range;
        c->attaching = std::move(later);
        begin(*c);
    }

    void on(const Submit &m, sel::Caller caller, sel::Later<Submit> later) {
        Client *c = find(caller);
        error_t error = c == nullptr ? ERR_RIGHT : check(*c, m);
        if (error != OK) {
            later.answer(error);
            return;
        }
        c->submitted = m.submitted;
        c->until = m.until;
        c->waiting = std::move(later);
        pump();
        settle(*c);
    }

    // --- The device.

    // It may have something to say.
    void on_interrupt() {
        if (dead_) {
            return;
        }
        Outcomes outcomes;
        bool sane = device_.collect(outcomes);
        for (u32 i = 0; i < outcomes.count; i++) {
            sane = ended(outcomes.item[i].tag, outcomes.item[i].error) && sane;
        }
        if (!sane) {
            recover("the device talks nonsense");
        }
        pump();
    }

    u64 deadline() const {
        u64 due = sel::kForever;
        for (u32 left = in_flight_; left != 0; left &= left - 1) {
            due = std::min(due, flight_[static_cast<u32>(std::countr_zero(left))].due);
        }
        return due;
    }

    void on_timeout() {
        on_interrupt(); // It may have been lost.
        if (deadline() <= sel::now()) {
            recover("the device does not answer");
            pump();
        }
    }

  private:
    struct Client {
        u32 program = 0;
        u8 part = 0;
        bool attached = false;
        u32 in_flight = 0;
        const Pool *pool = nullptr;
        Partition range{};
        // Numbers of requests: completed <= started <= submitted <= completed + kRequests.
        u64 submitted = 0, started = 0, completed = 0;
        u64 done = 0; // Bit k % 64: request k is done, but one before it is not.
        u64 until = 0;
        sel::Later<Attach> attaching;
        sel::Later<Submit> waiting;
    };

    struct Flight {
        bool flush_behind = false, flushing = false;
        u8 tries = 0;
        u8 client = 0;
        u64 request = 0, due = 0;
        Command command;
    };

    // A request as it was when it was copied.
    struct Copy {
        u64 sector;
        u32 sectors;
        u8 op, flags;
        u16 pages;
        u16 page[kRequestPages];
        u16 skip, unused;
        u32 status, reserved[2];
    };
    static_assert(sizeof(Copy) == sizeof(Request));

    Client *find(sel::Caller caller) {
        for (u32 i = 0; i < clients_; i++) {
            if (client_[i].program == caller.client && client_[i].part == caller.part) {
                return &client_[i];
            }
        }
        return nullptr;
    }

    error_t absent() const { return whole_.sectors == 0 ? ERR_NAME : ERR_EMPTY; }
    bool is_read_only(const Partition &range) const {
        return device_.geometry().read_only || !range.doubt.empty();
    }

    const Partition *find_range(u8 part) const {
        return part != 0 ? table_.find(part) : whole_.sectors != 0 ? &whole_ : nullptr;
    }

    static error_t check(const Client &c, const Submit &m) {
        if (!c.attached || c.waiting.waits()) {
            return ERR_BUSY;
        }
        bool sound = m.submitted >= c.submitted && m.submitted - c.completed <= kRequests &&
                     m.until <= m.submitted;
        return sound ? OK : ERR_ARG;
    }

    void begin(Client &c) {
        if (c.in_flight == 0 && c.attaching) {
            c.submitted = c.started = c.completed = c.done = c.until = 0;
            c.attached = true;
            c.attaching.answer({});
        }
    }

    void settle(Client &c) {
        if (c.waiting && c.completed >= c.until) {
            c.waiting.answer(Progress{c.completed});
        }
    }

    // --- Requests, in turns.

    void pump() {
        for (u32 tag = free_tag(); tag != kTags; tag = free_tag()) {
            u32 next = next_client();
            if (next == kClients) {
                return;
            }
            turn_ = next;
            start_request(next, tag);
        }
    }

    u32 depth() const { return std::min(device_.geometry().depth, kTags); }

    u32 free_tag() const {
        u32 tag = static_cast<u32>(std::countr_one(in_flight_));
        return tag < depth() ? tag : kTags;
    }
    bool is_used(u32 tag) const { return (in_flight_ >> tag & 1) != 0; }

    u32 next_client() const {
        u32 share = clients_ > 1 ? std::max(depth() / 2, 1u) : depth();
        for (u32 i = 0, k = turn_; i < clients_; i++) {
            k = k + 1 < clients_ ? k + 1 : 0;
            const Client &c = client_[k];
            if (c.attached && c.started < c.submitted && c.in_flight < share) {
                return k;
            }
        }
        return kClients;
    }

    void start_request(u32 number, u32 tag) {
        Client &c = client_[number];
        Flight &f = flight_[tag];
        u64 request = c.started++;
        Copy copy = take(c, request);
        error_t error = dead_ ? ERR_TIMEOUT : translate(c, copy, f.command);
        const Geometry &g = device_.geometry();
        bool nothing =
            (f.command.op == Op::Flush && !g.flush) || (f.command.op == Op::Discard && !g.discard);
        if (error != OK || nothing) {
            finish(c, request, error);
            return;
        }
        in_flight_ |= u32{1} << tag;
        f.flush_behind = f.command.op == Op::Write && f.command.fua && !g.fua && g.flush;
        f.flushing = false;
        f.tries = 0;
        f.client = static_cast<u8>(number);
        f.request = request;
        c.in_flight++;
        send(tag);
    }

    static Copy take(const Client &c, u64 request) {
        u64 word[sizeof(Copy) / sizeof(u64)];
        auto from = reinterpret_cast<const volatile u64 *>(
            &c.pool->template at<Ring>(0)->slot[request % kRequests]);
        for (u64 &w : word) {
            w = *from++;
        }
        return std::bit_cast<Copy>(word);
    }

    // The request as a command of the device, if the client may have it.
    error_t translate(const Client &c, const Copy &r, Command &to) const {
        if (r.op > static_cast<u8>(Op::Discard) || (r.flags & ~kFua) != 0) {
            return ERR_ARG;
        }
        to.op = static_cast<Op>(r.op);
        to.fua = (r.flags & kFua) != 0;
        to.pieces = 0;
        if (to.op == Op::Flush) {
            return r.sectors == 0 && r.pages == 0 ? OK : ERR_ARG;
        }
        if (r.sectors == 0 || r.sectors > c.range.sectors ||
            r.sector > c.range.sectors - r.sectors) {
            return ERR_ARG;
        }
        if (to.op != Op::Read && is_read_only(c.range)) {
            return ERR_RIGHT;
        }
        if ((r.sector | r.sectors) % unit() != 0) {
            return ERR_ARG;
        }
        to.sector = c.range.first + r.sector;
        to.sectors = r.sectors;
        if (to.op == Op::Discard) {
            return r.pages == 0 ? OK : ERR_ARG;
        }
        return scatter(c, r, to);
    }

    u32 unit() const { return device_.geometry().sector_bytes / kSectorBytes; }

    error_t scatter(const Client &c, const Copy &r, Command &to) const {
        u64 bytes = u64{r.sectors} * kSectorBytes;
        u32 most = std::min(device_.geometry().pages_max, kRequestPages);
        if (r.skip >= kPageBytes || r.skip % (unit() * kSectorBytes) != 0 || r.pages > most ||
            (r.skip + bytes + kPageBytes - 1) / kPageBytes != r.pages) {
            return ERR_ARG;
        }
        for (u32 i = 0, skip = r.skip; i < r.pages; i++, skip = 0) {
            u64 physical = r.page[i] == 0 ? 0 : c.pool->physical(r.page[i]);
            if (physical == 0) {
                return ERR_ARG;
            }
            u32 count = static_cast<u32>(std::min<u64>(kPageBytes - skip, bytes));
            to.piece[to.pieces++] = {physical + skip, count};
            bytes -= count;
        }
        return OK;
    }

    void send(u32 tag) {
        Flight &f = flight_[tag];
        f.due = sel::now() + patience_;
        if (f.flushing) {
            Command flush{};
            flush.op = Op::Flush;
            device_.submit(tag, flush);
        } else {
            device_.submit(tag, f.command);
        }
    }

    // --- Outcomes.

    // False: nothing like that was asked.
    bool ended(u32 tag, error_t error) {
        if (tag >= kTags || !is_used(tag)) {
            return false;
        }
        Flight &f = flight_[tag];
        resets_ = 0;
        if (error == OK && f.flush_behind && !f.flushing) {
            f.flushing = true;
            send(tag);
        } else {
            land(tag, error);
        }
        return true;
    }

    void land(u32 tag, error_t error) {
        Flight &f = flight_[tag];
        Client &c = client_[f.client];
        in_flight_ &= ~(u32{1} << tag);
        c.in_flight--;
        if (c.attached) {
            finish(c, f.request, error);
        }
        begin(c);
    }

    void finish(Client &c, u64 request, error_t error) {
        u64 place = request % kRequests;
        c.pool->template at<Ring>(0)->slot[place].status.store(error, std::memory_order_release);
        c.done |= u64{1} << place;
        while ((c.done >> c.completed % kRequests & 1) != 0) {
            c.done &= ~(u64{1} << c.completed % kRequests);
            c.completed++;
        }
        settle(c);
    }

    // --- A device that does not do what it should.

    void recover(std::string_view why) {
        u64 now = sel::now();
        tell(why);
        dead_ = dead_ || resets_++ == kResets || !device_.reset();
        if (dead_) {
            tell("the device is given up");
        }
        for (u32 tag = 0; tag < kTags; tag++) {
            if (!is_used(tag)) {
                continue;
            }
            Flight &f = flight_[tag];
            f.flushing = false;
            if (dead_ || f.due <= now || ++f.tries == kTries) {
                land(tag, ERR_TIMEOUT);
            } else {
                send(tag);
            }
        }
    }

    void tell(std::string_view what) const {
        if (report_ != nullptr) {
            report_(what);
        }
    }

    Device &device_;
    u64 patience_;
    void (*report_)(std::string_view);
    Table table_;
    Partition whole_{};
    bool dead_ = false;
    u32 resets_ = 0; // Since the device last answered.
    u32 clients_ = 0;
    u32 turn_ = 0;
    u32 in_flight_ = 0; // Bits: tags.
    std::array<Client, kClients> client_;
    std::array<Flight, kTags> flight_;
    static_assert(kTags == 32); // Bits of in_flight_.
};

} // namespace block
