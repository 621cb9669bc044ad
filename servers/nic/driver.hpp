// The life of a driver of network cards, from its devices to serving.
// SPDX-License-Identifier: BSD-2-Clause
//
// Cards have their numbers in the order of the bus. One that cannot be used keeps its number (ERR_IO). Without a card it
// serves, too: everything is ERR_NAME.
#pragma once

#include "servers/driver/lent_memory.hpp"
#include "servers/driver/pci_bus.hpp"
#include "servers/nic/server.hpp"

#include "sel/program.hpp"
#include "sel/server.hpp"

namespace nic {

inline constexpr u32 kPatienceMs = 5'000;          // For one frame.
inline constexpr u32 kPagesLeast = kRingPages + 1; // Of a region.
static_assert(kCards <= driver::kDevices);

using Report = void (*)(std::string_view);

// The bells of clients, a slot for each card.
class Bells {
  public:
    Bells(sel::SlotRange slots, cptr_t arrival) : slots_{slots}, arrival_{arrival} {}

    void take(u32 card) {
        drop(card);
        [[maybe_unused]] auto moved = sel::Capability{arrival_}.move(slots_.first + card);
    }
    void drop(u32 card) {
        [[maybe_unused]] auto gone = sel::Capability{slots_.first + card}.remove();
    }
    void ring(u32 card) const {
        [[maybe_unused]] auto rung = sel::Notification{slots_.first + card}.signal();
    }

  private:
    sel::SlotRange slots_;
    cptr_t arrival_;
};

template <typename Card, std::size_t N>
class Driver : public Server<Card, driver::LentMemory, Bells> {
    using Base = Server<Card, driver::LentMemory, Bells>;
    static_assert(N <= kCards);

  public:
    Driver(std::array<driver::PciBus, N> &buses, const sel::Window &rings, driver::LentMemory &lent,
           Bells &bells, Report report)
        : Base{sel::milliseconds(kPatienceMs), lent, bells, &Driver::tell_of}, buses_{buses},
          rings_{rings}, lent_{lent} {
        report_ = report;
    }

    using Base::on;

    // What could not be had is asked for again: pci may have failed. With success all begins anew.
    sel::Result<Info> on(const GetInfo &m, sel::Caller caller) {
        sel::Result<Info> info = Base::on(m, caller);
        bool missing = info.error() == ERR_NAME || info.error() == ERR_IO;
        if (missing && next_ < N && buses_[next_].take().ok()) {
            sel::exit(kExitFound);
        }
        return info;
    }

    void find_cards() {
        for (driver::PciBus &bus : buses_) {
            sel::Result<> taken = bus.take();
            if (taken.error() == ERR_NAME) {
                break; // Nor are there any behind it.
            }
            add(bus, taken);
            if (taken) {
                bus.acknowledge();
            } else {
                next_ = std::min(next_, this->cards() - 1);
            }
        }
        next_ = std::min(next_, this->cards());
        if (this->cards() == 0) {
            report_("no card");
        }
    }

    u64 deadline() const { return driver::PciBus::missed != 0 ? sel::now() : Base::deadline(); }

    void on_timeout() {
        u64 missed = std::exchange(driver::PciBus::missed, 0);
        if ((missed & sel::SIGNAL_ENDED) != 0) {
            ended_.take([this](u32 program) { this->on_ended(program); });
        }
        on_signal(missed);
        Base::on_timeout();
    }

    void on_signal(u64 bits) {
        for (u32 i = 0; i < this->cards(); i++) {
            if (buses_[i].is_mine(bits)) {
                this->on_interrupt(i);
                if (!this->dead(i)) {
                    buses_[i].acknowledge();
                }
            }
        }
    }

  private:
    static constexpr int kExitFound = 73;

    static void tell_of(u32 card, std::string_view what) {
        sel::Text<160> line;
        sel::format(line, "card {}: {}", card + 1, what);
        report_(line);
    }

    void add(driver::PciBus &bus, const sel::Result<> &taken) {
        u32 number = this->cards();
        slice_[number].emplace(bus.device(), rings_, number * Card::kPages, Card::kPages);
        auto &card = card_[number];
        card.emplace(bus, *slice_[number]);
        lent_.set_device(number, bus.device());
        bool started = taken && slice_[number]->mapped() && card->stop() && bus.allow_dma().ok() &&
                       card->start();
        this->add_card(*card, started);
        sel::Text<100> line;
        if (started) {
            const Facts &f = card->facts();
            sel::format(line, "{}, address ", f.name.view());
            write_mac(line, f.mac);
        } else {
            sel::format(line, "cannot be started: {}",
                        taken ? "the device does not do what it should"
                              : sel::describe(taken.error()));
        }
        tell_of(number, line);
    }

    static inline Report report_ = nullptr;
    std::array<driver::PciBus, N> &buses_;
    u32 next_ = N; // The first that could not be had, or was not there.
    const sel::Window &rings_;
    driver::LentMemory &lent_;
    sel::EndedClients ended_; // Those whose signal the server has missed.
    std::array<std::optional<driver::Slice>, N> slice_;
    std::array<std::optional<Card>, N> card_;
};

// `rings`: Card::kPages pages for each card.
template <template <typename, typename> class Card, std::size_t N>
[[noreturn]] void drive(const sel::Service &service, const std::array<sel::PciDevice, N> &devices,
                        sel::Client<pci::Claim> pci, sel::Notification signals,
                        const sel::Window &rings, const root::RegionRoom &clients,
                        sel::SlotRange bell_slots, Report report) {
    static std::array<driver::PciBus, N> buses =
        driver::make_buses(std::make_index_sequence<N>{}, devices, pci, signals);
    static driver::LentMemory lent{clients, kPagesLeast};
    static Bells bells{bell_slots, clients.arrival()};
    static Driver<Card<driver::PciBus, driver::Slice>, N> server{buses, rings, lent, bells, report};
    sel::receive_slot(clients.arrival());
    server.find_cards();
    sel::serve<Api>(service, server);
}

} // namespace nic
