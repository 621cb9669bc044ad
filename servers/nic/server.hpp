// Server: the protocol of network cards in front of some of them; each card has one client at a time.
// SPDX-License-Identifier: BSD-2-Clause
//
// Whose a buffer is stands in memory of the driver alone: CLIENT, IN (the card may write to it) or OUT (it may read it).
// What comes out of a ring is copied, then checked, then used; who gives a buffer that is not its own, or lets a ring
// run over, is detached. A card that names a buffer which it does not have, or does not send a frame within the
// driver's patience, is reset: what it was to send counts as sent, what it was to fill is given to it again. After
// kResets resets without a frame between it is given up, but not for what it does not send without a link.
#pragma once

#include <algorithm>
#include <array>
#include <optional>

#include "servers/nic/device.hpp"

#include "sel/protocol.hpp"

namespace nic {

// Memory is what clients lend (servers/driver/lent_memory.hpp; tests: a model). Bell: how a client is woken (driver.hpp,
// tests: a model), with
//   void take(u32 card)      the capability that came along is the client's bell
//   void drop(u32 card)
//   void ring(u32 card)
template <typename Card, typename Memory, typename Bell>
class Server {
  public:
    static constexpr u32 kResets = 4;
    static_assert(sel::brings<SetBell> && sel::brings<Attach>);
    using Pool = typename Memory::Pool;

    // `patience`: ticks within which a card has sent a frame. `report`: what people should know.
    Server(u64 patience, Memory &memory, Bell &bell, void (*report)(u32 card, std::string_view))
        : patience_{patience}, memory_{memory}, bell_{bell}, report_{report} {}

    // The next card. `usable`: it was started.
    void add_card(Card &card, bool usable) {
        Port &p = port_[cards_++];
        p.card = &card;
        p.number = cards_ - 1;
        p.dead = !usable;
        p.link = {1, usable && card.link() ? 1u : 0u};
    }
    u32 cards() const { return cards_; }
    bool dead(u32 number) const { return port_[number].dead; }

    // --- The protocol.

    sel::Result<Info> on(const GetInfo &m, sel::Caller caller) {
        drop_token(caller);
        sel::Result<Port *> p = find(m.card);
        if (!p) {
            return p.error();
        }
        if ((*p)->dead) {
            return ERR_IO;
        }
        const Facts &f = (*p)->card->facts();
        return Info{f.mac, f.checksums, (*p)->link, f.filters, f.name};
    }

    sel::Result<> on(const SetBell &m, sel::Caller caller) {
        sel::Result<Port *> p = find_free(m.card, caller);
        if (!p || !caller.capability) {
            drop_token(caller);
            return p ? ERR_RIGHT : p.error();
        }
        detach(**p);
        bell_.take(m.card);
        (*p)->client = caller.client;
        return {};
    }

    sel::Result<> on(const Attach &m, sel::Caller caller) {
        sel::Result<Port *> found = find_free(m.card, caller);
        if (!found || !caller.capability) {
            drop_token(caller);
            return found ? ERR_RIGHT : found.error();
        }
        Port &p = **found;
        detach(p);
        if (p.dead) {
            drop_token(caller);
            return ERR_IO;
        }
        return attach(p, caller.client);
    }

    sel::Result<> on(const Detach &m, sel::Caller caller) {
        sel::Result<Port *> p = find_own(m.card, caller);
        if (p) {
            release(**p);
        }
        return p.error();
    }

    sel::Result<> on(const Kick &m, sel::Caller caller) {
        sel::Result<Port *> p = find_own(m.card, caller);
        if (!p || (*p)->pool == nullptr) {
            return p ? ERR_BUSY : p.error();
        }
        work(**p);
        return (*p)->pool != nullptr ? OK : ERR_PROTOCOL;
    }

    void on(const Wait &m, sel::Caller caller, sel::Later<Wait> later) {
        drop_token(caller);
        sel::Result<Port *> p = find(m.card);
        if (!p) {
            later.answer(p.error());
            return;
        }
        (*p)->waiting = std::move(later); // One who waits is enough: an earlier one gets ERR_GONE.
        tell_link(**p, m.changes);
    }

    sel::Result<> on(const SetFilter &m, sel::Caller caller) {
        sel::Result<Port *> p = find_own(m.card, caller);
        if (!p || (*p)->dead) {
            return p ? ERR_IO : p.error();
        }
        bool done = (*p)->card->filter({m.multicast, m.count});
        if (!done) {
            recover(**p, "the card does not take a command");
        }
        on_interrupt(m.card); // The card may have had something to say meanwhile.
        return done ? OK : ERR_TIMEOUT;
    }

    void on_ended(u32 program) {
        for (u32 i = 0; i < cards_; i++) {
            if (port_[i].client == program) {
                release(port_[i]);
            }
        }
    }

    // --- The cards.

    // This one may have something to say.
    void on_interrupt(u32 number) {
        Port &p = port_[number];
        if (p.dead) {
            return;
        }
        p.card->hear();
        look_at_link(p);
        if (p.pool != nullptr) {
            work(p);
        }
    }

    u64 deadline() const {
        u64 due = sel::kForever;
        for (u32 i = 0; i < cards_; i++) {
            due = std::min(due, port_[i].due);
        }
        return due;
    }

    void on_timeout() {
        for (u32 i = 0; i < cards_; i++) {
            Port &p = port_[i];
            if (p.due > sel::now()) {
                continue;
            }
            on_interrupt(i); // It may have been lost.
            if (p.due <= sel::now()) {
                p.resets = p.link.up != 0 ? p.resets : 0; // Without a link no card can.
                recover(p, "the card does not send");
            }
        }
    }

  private:
    enum class Owner : u8 { CLIENT, IN, OUT };

    // Rings the client at the end of a batch, once, however many rings want it.
    struct Mark {
        bool *wanted;
        void ring() const { *wanted = true; }
    };
    using In = sel::Receiver<Slot, kSlots, Mark>;
    using Out = sel::Sender<Slot, kSlots, Mark>;
    struct Rings {
        In vacant, outgoing;
        Out arrived, sent;
    };

    struct Port {
        Card *card = nullptr;
        u32 number = 0;
        bool dead = false;
        bool ring = false;   // The client is to be woken.
        bool broken = false; // It has broken a rule.
        u32 resets = 0;      // Since the last frame.
        Link link{};
        sel::Later<Wait> waiting;
        u32 client = 0;             // 0: nobody.
        u32 place = 0;              // Of its region,
        const Pool *pool = nullptr; // while it is attached.
        std::optional<Rings> rings;
        u32 buffers = 0;
        u32 in = 0, out = 0; // How many the card has.
        std::array<Owner, kBuffersMax> owner{};
        u64 due = sel::kForever; // When a frame should have been sent.
    };

    // What the card says, of one port.
    struct Sink {
        Server &server;
        Port &p;
        u32 frames = 0;

        bool received(u16 tag, u32 offset, u32 bytes, u16 flags) {
            if (!server.is(p, tag, Owner::IN) || offset > kBufferBytes ||
                bytes > kBufferBytes - offset) {
                return false;
            }
            p.in--;
            frames++;
            server.pass(p, p.rings->arrived,
                        {tag, static_cast<u16>(offset), static_cast<u16>(bytes), flags, 0, 0, 0});
            return true;
        }
        bool sent(u16 tag) {
            if (!server.is(p, tag, Owner::OUT)) {
                return false;
            }
            p.out--;
            frames++;
            server.pass(p, p.rings->sent, {tag, 0, 0, 0, 0, 0, 0});
            return true;
        }
    };

    static bool is(const Port &p, u32 tag, Owner owner) {
        return tag < p.buffers && p.owner[tag] == owner;
    }

    // The buffer is the client's again.
    static void pass(Port &p, Out &ring, const Slot &slot) {
        p.owner[slot.buffer] = Owner::CLIENT;
        sel::Result<std::span<Slot>> room = ring.reserve();
        if (!room || room->empty()) {
            p.broken = true; // More than kSlots buffers are out.
            return;
        }
        (*room)[0] = slot;
        ring.publish(1);
    }

    void drop_token(const sel::Caller &caller) {
        if (caller.capability) {
            memory_.drop();
        }
    }

    sel::Result<Port *> find(u32 card) {
        if (card >= cards_) {
            return ERR_NAME;
        }
        return &port_[card];
    }

    // A card that nobody else has.
    sel::Result<Port *> find_free(u32 card, const sel::Caller &caller) {
        sel::Result<Port *> p = find(card);
        bool taken = p && (*p)->client != 0 && (*p)->client != caller.client;
        return taken ? ERR_BUSY : p;
    }
    sel::Result<Port *> find_own(u32 card, const sel::Caller &caller) {
        drop_token(caller);
        sel::Result<Port *> p = find(card);
        return p && (*p)->client != caller.client ? ERR_BUSY : p;
    }

    sel::Result<> attach(Port &p, u32 client) {
        sel::Result<u32> place = memory_.borrow();
        if (!place) {
            return place.error();
        }
        for (u32 i = 0; i < cards_; i++) {
            if (port_[i].pool != nullptr && port_[i].place == *place) {
                return ERR_BUSY; // Another card uses it.
            }
        }
        sel::Result<const Pool *> pool = memory_.use(*place, p.number);
        if (!pool) {
            memory_.give_back(*place);
            return pool.error();
        }
        p.client = client;
        p.place = *place;
        p.pool = *pool;
        u32 pages = std::min(p.pool->pages(), kPagesMax);
        p.buffers = (pages - kRingPages) * (PAGE_BYTES / kBufferBytes);
        p.in = p.out = 0;
        p.owner.fill(Owner::CLIENT);
        p.broken = p.ring = false;
        auto ring = [&](RingPage page) -> Ring & { return *p.pool->template at<Ring>(page); };
        Mark mark{&p.ring};
        p.rings.emplace(Rings{{ring(PAGE_VACANT), mark},
                              {ring(PAGE_OUTGOING), mark},
                              {ring(PAGE_ARRIVED), mark},
                              {ring(PAGE_SENT), mark}});
        work(p);
        return p.pool != nullptr ? OK : ERR_PROTOCOL;
    }

    // The card has no buffer of the client any more; its region is its own.
    void detach(Port &p) {
        if (p.pool == nullptr) {
            return;
        }
        p.pool = nullptr;
        p.due = sel::kForever;
        if (!p.dead && p.in + p.out != 0 && !p.card->reset()) {
            give_up(p);
        }
        if (p.dead && p.in + p.out != 0) {
            memory_.keep(p.place); // Nobody knows what it still does.
        }
        p.rings.reset();
        memory_.give_back(p.place);
    }
    void release(Port &p) {
        detach(p);
        bell_.drop(p.number);
        p.client = 0;
    }

    // --- Frames.

    // All there is to do, on both sides, until nobody has anything more.
    void work(Port &p) {
        do {
            collect(p);
            if (p.pool == nullptr) {
                break; // It was given up.
            }
            bool told = take_outgoing(p);
            told = take_vacant(p) || told;
            if (told) {
                p.card->tell();
            }
        } while (!p.broken && !sleep(p));
        if (p.broken) {
            report_(p.number, "its client has broken the rules of the rings");
            detach(p);
            p.ring = true;
        }
        if (p.ring) {
            p.ring = false;
            bell_.ring(p.number);
        }
    }

    void collect(Port &p) {
        Sink sink{*this, p};
        u32 out = p.out;
        bool sane = p.card->collect(sink);
        p.resets = sink.frames != 0 ? 0 : p.resets;
        if (p.out != out) {
            p.due = p.out != 0 ? sel::now() + patience_ : sel::kForever;
        }
        if (!sane) {
            recover(p, "the card talks nonsense");
        }
    }

    // Whether each ring has nothing that could be done now. The driver is to be woken for frames always, for buffers
    // only if the card can take many.
    bool sleep(Port &p) {
        Rings &r = *p.rings;
        bool idle = p.card->transmit_room() == 0 || r.outgoing.prepare_sleep();
        if (p.card->receive_room() >= kSlots / 2) {
            idle = r.vacant.prepare_sleep() && idle;
        }
        p.broken = p.broken || !r.outgoing.good() || !r.vacant.good();
        return idle;
    }

    // The next slot of a ring, copied; false: there is none.
    static bool take(Port &p, In &ring, Slot &slot) {
        sel::Result<std::span<Slot>> slots = ring.peek();
        p.broken = p.broken || !slots;
        if (!slots || slots->empty()) {
            return false;
        }
        __builtin_memcpy(&slot, &(*slots)[0], sizeof slot);
        ring.release(1);
        return true;
    }

    driver::Piece piece(const Port &p, const Slot &slot) const {
        constexpr u32 kEach = PAGE_BYTES / kBufferBytes;
        u64 page = p.pool->physical(kRingPages + slot.buffer / kEach);
        return {page + slot.buffer % kEach * kBufferBytes + slot.offset, slot.bytes};
    }

    bool take_vacant(Port &p) {
        bool any = false;
        Slot slot;
        while (p.card->receive_room() != 0 && take(p, p.rings->vacant, slot)) {
            if (!is(p, slot.buffer, Owner::CLIENT)) {
                p.broken = true;
                return any;
            }
            slot.offset = 0;
            slot.bytes = kBufferBytes;
            p.owner[slot.buffer] = Owner::IN;
            p.in++;
            p.card->receive(slot.buffer, piece(p, slot));
            any = true;
        }
        return any;
    }

    static bool sound(const Slot &slot) {
        bool inside = slot.bytes != 0 && slot.bytes <= kFrameBytes && slot.offset < kBufferBytes &&
                      slot.bytes <= kBufferBytes - slot.offset;
        bool sum = (slot.flags & kNeedsChecksum) == 0 ||
                   u32{slot.checksum_start} + slot.checksum_offset + 2 <= slot.bytes;
        return inside && sum;
    }

    bool take_outgoing(Port &p) {
        bool any = false;
        Slot slot;
        while (p.card->transmit_room() != 0 && take(p, p.rings->outgoing, slot)) {
            bool sums = (slot.flags & kNeedsChecksum) != 0;
            if (!is(p, slot.buffer, Owner::CLIENT) || !sound(slot) ||
                (sums && !p.card->facts().checksums)) {
                p.broken = true;
                return any;
            }
            p.due = p.out == 0 ? sel::now() + patience_ : p.due;
            p.owner[slot.buffer] = Owner::OUT;
            p.out++;
            p.card->transmit(slot.buffer,
                             {piece(p, slot), slot.checksum_start, slot.checksum_offset, sums});
            any = true;
        }
        return any;
    }

    // --- Link, and cards that do not do what they should.

    void look_at_link(Port &p) {
        u32 up = !p.dead && p.card->link() ? 1 : 0;
        if (up != p.link.up) {
            p.link.up = up;
            change(p);
        }
    }
    void change(Port &p) {
        p.link.changes++;
        tell_link(p, p.link.changes - 1);
    }
    void tell_link(Port &p, u32 known) {
        if (p.link.changes != known) {
            p.waiting.answer(p.link);
        }
    }

    void recover(Port &p, std::string_view why) {
        report_(p.number, why);
        bool quiet = p.card->reset();
        if (!quiet || p.resets++ == kResets) {
            p.in = quiet ? 0 : p.in;
            p.out = quiet ? 0 : p.out;
            give_up(p);
            p.ring = p.pool != nullptr;
            detach(p);
            return;
        }
        p.due = sel::kForever;
        for (u32 i = 0; i < p.buffers && p.pool != nullptr; i++) {
            u16 tag = static_cast<u16>(i);
            if (p.owner[i] == Owner::OUT) {
                pass(p, p.rings->sent, {tag, 0, 0, 0, 0, 0, 0});
            } else if (p.owner[i] == Owner::IN) {
                p.card->receive(tag, piece(p, {tag, 0, kBufferBytes, 0, 0, 0, 0}));
            }
        }
        p.out = 0;
        p.card->tell();
        look_at_link(p);
    }

    void give_up(Port &p) {
        report_(p.number, "the card is given up");
        p.dead = true;
        look_at_link(p);
    }

    u64 patience_;
    Memory &memory_;
    Bell &bell_;
    void (*report_)(u32, std::string_view);
    u32 cards_ = 0;
    std::array<Port, kCards> port_;
};

} // namespace nic
