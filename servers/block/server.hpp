// Server: the block protocol in front of some disks, for several clients with a partition and a region each.
// SPDX-License-Identifier: BSD-2-Clause
//
// Clients are told apart by program and part. A region is the server's from Attach until the client detaches, ends, or
// attaches with another one, and nothing of it is in flight any more. One that was in flight in a device which is given
// up is kept: nobody knows what that still does. What they write into their ring is copied once, then
// checked, then used: nothing is read from shared memory twice. A device has at most kTags commands in
// flight; whenever one is free, its clients take turns, and with several of them none has more than half.
// Whoever is attached for writing has its sectors alone, until nothing that it has sent is in flight.
//
//   request: in the ring --copied, checked--> in flight (tag) --outcome--> done
//   time-out or nonsense: the device is reset; what was late is done with ERR_TIMEOUT, the others are
//   sent again, three times at most. A device that needs kResets resets in a row is dead: ERR_TIMEOUT
//   for everything until the program is started anew. None of that touches other disks.
//
// Once a second, whoever waits for a device that is at work is promised an answer anew (sel/later.hpp). A
// request that got lost in here is at work nowhere: root notices that the answer is late (adr/0083).
#pragma once

#include "servers/block/device.hpp"
#include "servers/block/partition.hpp"

#include "sel/protocol.hpp"

namespace block {

// Memory is what clients lend (driver.hpp: LentMemory; tests: a model), with
//   void drop()                               the token that came along is not wanted
//   Result<u32> borrow()                      its region: the number of its place, below 32, the same as long as it is there
//   Result<const Pool *> use(place, disk)     for this disk. Pool: u32 pages(), u64 physical(page), T *at<T>(page)
//   void give_back(place)
//   void keep(place)                          never to be given back
template <typename Device, typename Memory>
class Server {
  public:
    static constexpr u32 kClients = 16;
    using Pool = typename Memory::Pool;
    static constexpr u32 kTries = 3;
    static constexpr u32 kResets = 4;
    static constexpr u32 kResetMs = 60'000; // At most.
    static constexpr u32 kLooks = 10;       // At a command, until it is late.

    // `patience`: ticks until a command is late. `report` is told what people should know of a disk.
    explicit Server(u64 patience, Memory &memory,
                    void (*report)(u32 disk, std::string_view) = nullptr)
        : patience_{patience}, memory_{memory}, report_{report} {}

    // The next disk: it is there. False: there are too many.
    bool add_disk(Device &device) {
        if (disks_ == kDisks) {
            return false;
        }
        disk_[disks_++].device = &device;
        return true;
    }
    u32 disks() const { return disks_; }

    // This disk can be used, with these partitions.
    void start(u32 number, const Table &table) {
        Drive &d = disk_[number];
        d.table = table;
        d.whole = {0, d.device->geometry().sectors, {}, {}};
    }

    // It was given up, or was never started: it is not to be asked.
    bool dead(u32 number) const { return disk_[number].dead || disk_[number].whole.sectors == 0; }

    // --- The protocol.

    sel::Result<Disk> on(const Info &m, sel::Caller caller) {
        sel::Result<const Partition *> range = find_range(m.disk, caller.part);
        if (!range) {
            return range.error();
        }
        const Drive &d = disk_[m.disk];
        const Partition &p = **range;
        const Geometry &g = d.device->geometry();
        return Disk{p.sectors,   p.first,   g.sector_bytes, is_read_only(d, p),
                    g.pages_max, g.discard, p.type,         p.id,
                    p.label,     g.name};
    }

    void on(const Attach &m, sel::Caller caller, sel::Later<Attach> later) {
        sel::Result<const Partition *> range = find_range(m.disk, caller.part);
        if (!range) {
            drop_token(caller);
            later.answer(range.error());
            return;
        }
        sel::Result<Client *> found = caller.capability ? lend(caller) : ERR_RIGHT;
        if (!found) {
            later.answer(found.error());
            return;
        }
        Client &c = **found;
        leave(c);
        Drive &d = disk_[m.disk];
        c.wanted = {&d, **range, m.writes != 0 && !is_read_only(d, **range)};
        c.attaching = std::move(later);
        begin(c);
    }

    void on(const Detach &, sel::Caller caller, sel::Later<Detach> later) {
        Client *c = find(caller);
        if (c == nullptr) {
            later.answer({});
            return;
        }
        leave(*c);
        c->detaching = std::move(later);
        begin(*c);
    }

    sel::Result<u32> on(const GetWriter &m, sel::Caller caller) {
        sel::Result<const Partition *> range = find_range(m.disk, caller.part);
        if (!range) {
            return range.error();
        }
        const Client *writer = find_writer({&disk_[m.disk], **range, true}, find(caller));
        return writer != nullptr ? sel::Result<u32>{writer->program} : ERR_EMPTY;
    }

    void on_ended(u32 program) {
        each([&](Client &c) {
            if (c.program == program) {
                leave(c);
                begin(c);
            }
        });
    }

    void on(const Submit &m, sel::Caller caller, sel::Later<Submit> later) {
        Client *c = find(caller);
        error_t error = c == nullptr ? ERR_BUSY : check(*c, m);
        if (error != OK) {
            later.answer(error);
            return;
        }
        c->submitted = m.submitted;
        c->until = m.until;
        c->waiting = std::move(later);
        c->held.drive->eager |= c->started < c->submitted ? bit(*c) : 0;
        pump(*c->held.drive);
        settle(*c);
    }

    // --- The devices.

    // This one may have something to say.
    void on_interrupt(u32 number) {
        Drive &d = disk_[number];
        if (dead(number)) {
            return;
        }
        Outcomes outcomes;
        bool sane = d.device->collect(outcomes);
        for (u32 i = 0; i < outcomes.count; i++) {
            sane = ended(d, outcomes.item[i].tag, outcomes.item[i].error) && sane;
        }
        if (!sane) {
            recover(d, "the device talks nonsense");
        }
        pump(d);
    }

    u64 deadline() const {
        u64 due = sel::kForever;
        for (u32 i = 0; i < disks_; i++) {
            due = std::min(due, deadline(disk_[i]));
        }
        return due;
    }

    void on_timeout() {
        for (u32 i = 0; i < disks_; i++) {
            if (deadline(disk_[i]) > sel::now()) {
                continue;
            }
            on_interrupt(i); // It may have been lost.
            if (is_late(disk_[i])) {
                recover(disk_[i], "the device does not answer");
                pump(disk_[i]);
            }
        }
        promise(sel::now());
    }

  private:
    struct Flight {
        bool flush_behind = false, flushing = false;
        u8 tries = 0;
        u8 client = 0;
        u64 request = 0;
        u64 look = 0, due = 0; // When to look at it next; when it is late.
        Command command;
    };

    struct Drive {
        Device *device = nullptr;
        Table table;
        Partition whole{}; // Without sectors: it cannot be used.
        bool dead = false;
        u32 resets = 0; // Since the device last answered.
        u32 turn = 0;
        u32 attached = 0;  // Bits: clients.
        u32 eager = 0;     // Those of them that have submitted what is not started.
        u32 in_flight = 0; // Bits: tags.
        std::array<Flight, kTags> flight;
        static_assert(kTags == 32); // Bits of in_flight.
    };

    struct Hold {
        Drive *drive = nullptr;
        Partition range{};
        bool writes = false;
    };

    struct Client {
        u32 program = 0;
        u8 part = 0;
        bool attached = false;
        u8 place = 0; // Of its region.
        u32 in_flight = 0;
        const Pool *pool = nullptr; // While it is attached.
        Hold held;                  // While it is attached, and as long as something is in flight.
        Hold wanted;                // By `attaching`.
        // Numbers of requests: completed <= started <= submitted <= completed + kRequests.
        u64 submitted = 0, started = 0, completed = 0;
        u64 done = 0; // Bit k % 64: request k is done, but one before it is not.
        u64 until = 0;
        sel::Later<Attach> attaching; // These two until nothing is in flight.
        sel::Later<Detach> detaching;
        sel::Later<Submit> waiting;
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

    void drop_token(const sel::Caller &caller) {
        if (caller.capability) {
            memory_.drop();
        }
    }

    static u32 lowest(u32 bits) { return static_cast<u32>(std::countr_zero(bits)); }

    template <typename Action>
    void each(Action action) {
        for (u32 left = clients_; left != 0; left &= left - 1) {
            action(client_[lowest(left)]);
        }
    }

    // The first client that is(it); nullptr: none.
    template <typename Is>
    Client *first(Is is) {
        for (u32 left = clients_; left != 0; left &= left - 1) {
            if (is(client_[lowest(left)])) {
                return &client_[lowest(left)];
            }
        }
        return nullptr;
    }

    Client *find(const sel::Caller &caller) {
        return first(
            [&](const Client &c) { return c.program == caller.client && c.part == caller.part; });
    }

    // The client with the region of which it has sent the token.
    sel::Result<Client *> lend(const sel::Caller &caller) {
        sel::Result<u32> place = memory_.borrow();
        if (!place) {
            return place.error();
        }
        Client *c = find(caller);
        if (c != nullptr && c->place == *place) {
            return c;
        }
        if (first([&](const Client &other) { return other.place == *place; }) != nullptr) {
            // Another one goes on using it.
            return ERR_BUSY;
        }
        u32 free = static_cast<u32>(std::countr_one(clients_));
        if (c != nullptr ? c->in_flight != 0 : free >= kClients) {
            memory_.give_back(*place);
            return c != nullptr ? ERR_BUSY : ERR_FULL;
        }
        if (c != nullptr) {
            leave(*c);
            memory_.give_back(c->place);
        } else {
            clients_ |= u32{1} << free;
            c = &client_[free];
            c->program = caller.client;
            c->part = caller.part;
        }
        c->place = static_cast<u8>(*place);
        return c;
    }

    static bool is_read_only(const Drive &d, const Partition &range) {
        return d.device->geometry().read_only || !range.doubt.empty();
    }

    // What Info and Attach say of the disk, or the partition.
    sel::Result<const Partition *> find_range(u32 number, u8 part) const {
        if (number >= disks_) {
            return ERR_NAME;
        }
        const Drive &d = disk_[number];
        if (d.dead || d.whole.sectors == 0) {
            return d.dead ? ERR_TIMEOUT : ERR_IO;
        }
        const Partition *range = part != 0 ? d.table.find(part) : &d.whole;
        return range != nullptr ? sel::Result<const Partition *>{range} : ERR_EMPTY;
    }

    static error_t check(const Client &c, const Submit &m) {
        if (!c.attached || c.waiting.waits()) {
            return ERR_BUSY;
        }
        bool sound = m.submitted >= c.submitted && m.submitted - c.completed <= kRequests &&
                     m.until <= m.submitted;
        return sound ? OK : ERR_ARG;
    }

    // Somebody else who writes to some of these sectors; nullptr: nobody does.
    const Client *find_writer(const Hold &hold, const Client *but) {
        return first([&](const Client &c) {
            return &c != but && c.held.writes && (c.attached || c.in_flight != 0) &&
                   c.held.drive == hold.drive && meets(c.held.range, hold.range);
        });
    }
    static bool meets(const Partition &a, const Partition &b) {
        return a.first < b.first + b.sectors && b.first < a.first + a.sectors;
    }

    // What it has waited for is of an earlier life of it, or timed out.
    void leave(Client &c) {
        c.attaching.answer(ERR_BUSY);
        c.detaching.answer(ERR_BUSY);
        c.waiting.answer(ERR_BUSY);
        c.attached = false;
        if (c.held.drive != nullptr) {
            c.held.drive->attached &= ~bit(c);
            c.held.drive->eager &= ~bit(c);
        }
    }

    // What it has asked for, when nothing of it is in flight any more.
    void begin(Client &c) {
        if (c.attached || c.in_flight != 0) {
            return;
        }
        sel::Result<> attached = c.attaching ? attach(c) : ERR_EMPTY;
        if (!c.attached) { // Before it hears of it: then it may do with its region what it likes.
            memory_.give_back(c.place);
            clients_ &= ~bit(c);
        }
        c.attaching.answer(attached);
        c.detaching.answer({});
    }

    sel::Result<> attach(Client &c) {
        if (c.wanted.writes && find_writer(c.wanted, &c) != nullptr) {
            return ERR_BUSY;
        }
        auto pool = memory_.use(c.place, static_cast<u32>(c.wanted.drive - disk_.data()));
        if (!pool) {
            return pool.error();
        }
        c.pool = *pool;
        c.submitted = c.started = c.completed = c.done = c.until = 0;
        c.held = c.wanted;
        c.attached = true;
        c.held.drive->attached |= bit(c);
        return {};
    }

    void settle(Client &c) {
        if (c.waiting && c.completed >= c.until) {
            c.waiting.answer(Progress{c.completed});
        }
    }

    // --- Requests, in turns.

    void pump(Drive &d) {
        while (d.eager != 0) {
            u32 tag = free_tag(d), next = next_client(d);
            if (tag == kTags || next == kClients) {
                return;
            }
            d.turn = next;
            start_request(d, next, tag);
        }
    }

    static u32 depth(const Drive &d) { return std::min(d.device->geometry().depth, kTags); }

    static u32 free_tag(const Drive &d) {
        u32 tag = static_cast<u32>(std::countr_one(d.in_flight));
        return tag < depth(d) ? tag : kTags;
    }
    static bool is_used(const Drive &d, u32 tag) { return (d.in_flight >> tag & 1) != 0; }

    u32 next_client(const Drive &d) const {
        bool several = (d.attached & (d.attached - 1)) != 0;
        u32 share = several ? std::max(depth(d) / 2, 1u) : depth(d);
        u32 behind = d.turn + 1;
        for (u32 left = std::rotr(d.eager, behind); left != 0; left &= left - 1) {
            u32 k = (behind + lowest(left)) % 32;
            if (client_[k].in_flight < share) {
                return k;
            }
        }
        return kClients;
    }

    u32 bit(const Client &c) const { return u32{1} << (&c - client_.data()); }

    void start_request(Drive &d, u32 number, u32 tag) {
        Client &c = client_[number];
        Flight &f = d.flight[tag];
        u64 request = c.started++;
        d.eager &= c.started < c.submitted ? ~u32{0} : ~bit(c);
        Copy copy = take(c, request);
        error_t error = d.dead ? ERR_TIMEOUT : translate(c, copy, f.command);
        const Geometry &g = d.device->geometry();
        bool nothing =
            (f.command.op == Op::Flush && !g.flush) || (f.command.op == Op::Discard && !g.discard);
        if (error != OK || nothing) {
            finish(c, request, error);
            return;
        }
        d.in_flight |= u32{1} << tag;
        f.flush_behind = f.command.op == Op::Write && f.command.fua && !g.fua && g.flush;
        f.flushing = false;
        f.tries = 0;
        f.client = static_cast<u8>(number);
        f.request = request;
        c.in_flight++;
        send(d, tag);
    }

    static Copy take(const Client &c, u64 request) {
        Copy copy;
        __builtin_memcpy(&copy, &c.pool->template at<Ring>(0)->slot[request % kRequests],
                         sizeof copy);
        asm volatile("" : "+m"(copy)); // What is used is this copy: the ring may change meanwhile.
        return copy;
    }

    // The request as a command of the device, if the client may have it.
    static error_t translate(const Client &c, const Copy &r, Command &to) {
        if (r.op > static_cast<u8>(Op::Discard) || (r.flags & ~kFua) != 0) {
            return ERR_ARG;
        }
        to.op = static_cast<Op>(r.op);
        to.fua = (r.flags & kFua) != 0;
        to.pieces = 0;
        if (to.op == Op::Flush) {
            return r.sectors == 0 && r.pages == 0 ? OK : ERR_ARG;
        }
        const Partition &range = c.held.range;
        if (r.sectors == 0 || r.sectors > range.sectors || r.sector > range.sectors - r.sectors) {
            return ERR_ARG;
        }
        if (to.op != Op::Read && !c.held.writes) {
            return ERR_RIGHT;
        }
        if ((r.sector | r.sectors) % unit(c) != 0) {
            return ERR_ARG;
        }
        to.sector = range.first + r.sector;
        to.sectors = r.sectors;
        if (to.op == Op::Discard) {
            return r.pages == 0 ? OK : ERR_ARG;
        }
        return scatter(c, r, to);
    }

    static const Geometry &geometry(const Client &c) { return c.held.drive->device->geometry(); }
    static u32 unit(const Client &c) { return geometry(c).sector_bytes / kSectorBytes; }

    static error_t scatter(const Client &c, const Copy &r, Command &to) {
        u64 bytes = u64{r.sectors} * kSectorBytes;
        u32 most = std::min(geometry(c).pages_max, kRequestPages);
        if (r.skip >= kPageBytes || r.skip % (unit(c) * kSectorBytes) != 0 || r.pages > most ||
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

    void send(Drive &d, u32 tag) {
        Flight &f = d.flight[tag];
        u64 now = sel::now();
        f.due = now + patience_;
        f.look = now + look_;
        if (now >= promise_next_) {
            promise(now);
        }
        if (f.flushing) {
            Command flush{};
            flush.op = Op::Flush;
            d.device->submit(tag, flush);
        } else {
            d.device->submit(tag, f.command);
        }
    }

    // --- Who waits.

    // Some device is at work for it, or has its turn to come.
    bool at_work(const Client &c) const {
        const Drive &d = *c.held.drive;
        bool flies = false;
        for (u32 left = d.in_flight; left != 0; left &= left - 1) {
            flies = flies || &client_[flight(d, left).client] == &c;
        }
        return flies || (c.attached && c.started < c.submitted && d.in_flight != 0);
    }

    void promise(u64 now) {
        promise_next_ = now + look_;
        for (Drive &d : disk_) {
            for (u32 left = d.in_flight; left != 0; left &= left - 1) {
                Flight &f = d.flight[static_cast<u32>(std::countr_zero(left))];
                f.look = std::min(now + look_, f.due);
            }
        }
        each([&](Client &c) {
            if (c.held.drive != nullptr && at_work(c)) {
                promise(c, kAnswerMs);
            }
        });
    }

    static void promise(Client &c, u32 ms) {
        c.attaching.promise(ms);
        c.detaching.promise(ms);
        c.waiting.promise(ms);
    }

    // --- Outcomes.

    static const Flight &flight(const Drive &d, u32 tags) {
        return d.flight[static_cast<u32>(std::countr_zero(tags))];
    }

    static u64 deadline(const Drive &d) {
        u64 due = sel::kForever;
        for (u32 left = d.in_flight; left != 0; left &= left - 1) {
            due = std::min(due, flight(d, left).look);
        }
        return due;
    }

    static bool is_late(const Drive &d) {
        u64 now = sel::now();
        for (u32 left = d.in_flight; left != 0; left &= left - 1) {
            if (flight(d, left).due <= now) {
                return true;
            }
        }
        return false;
    }

    // False: nothing like that was asked.
    bool ended(Drive &d, u32 tag, error_t error) {
        if (tag >= kTags || !is_used(d, tag)) {
            return false;
        }
        Flight &f = d.flight[tag];
        d.resets = 0;
        if (error == OK && f.flush_behind && !f.flushing) {
            f.flushing = true;
            send(d, tag);
        } else {
            land(d, tag, error);
        }
        return true;
    }

    void land(Drive &d, u32 tag, error_t error) {
        Flight &f = d.flight[tag];
        Client &c = client_[f.client];
        d.in_flight &= ~(u32{1} << tag);
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

    void recover(Drive &d, std::string_view why) {
        u64 now = sel::now();
        tell(d, why);
        each([](Client &c) { promise(c, kResetMs); });
        d.dead = d.dead || d.resets++ == kResets || !d.device->reset();
        if (d.dead) {
            tell(d, "the device is given up");
        }
        for (u32 tag = 0; tag < kTags; tag++) {
            if (!is_used(d, tag)) {
                continue;
            }
            Flight &f = d.flight[tag];
            f.flushing = false;
            if (d.dead) {
                memory_.keep(client_[f.client].place);
            }
            if (d.dead || f.due <= now || ++f.tries == kTries) {
                land(d, tag, ERR_TIMEOUT);
            } else {
                send(d, tag);
            }
        }
        promise(sel::now());
    }

    void tell(const Drive &d, std::string_view what) const {
        if (report_ != nullptr) {
            report_(static_cast<u32>(&d - disk_.data()), what);
        }
    }

    u64 patience_, look_ = patience_ / kLooks, promise_next_ = 0;
    Memory &memory_;
    void (*report_)(u32, std::string_view);
    u32 disks_ = 0;
    u32 clients_ = 0; // Bits: those that there are.
    std::array<Drive, kDisks> disk_;
    std::array<Client, kClients> client_;
};

} // namespace block
