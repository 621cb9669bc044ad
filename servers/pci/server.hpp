// Server: who has which device, and what it takes to give and to take it.
// SPDX-License-Identifier: BSD-2-Clause
//
// World is what it acts through (main.cpp: root and the clock; tests: a model):
//   Result<root::DeviceGrant> grant(Place)    Place: a `pci` need of a program
//   Result<u32> give_memory(Place, u64 physical, u32 pages)
//   Result<sel::MsiInfo> give_interrupt(Place, u32 line)
//   void quieted(u32 program)                 it has ended, and what it had writes no more; 0: what nobody has
//   u64 now()    u64 reset_ticks()          Ticks; how long a function takes to reset.
// States of a function:
//   free --Take--> given --Start--> running --Quiet--> free; Take again: quiet, then given
// A free function is quiet: no DMA, no interrupts.
#pragma once

#include "bus.hpp"
#include "names.hpp"

#include "servers/root/api.hpp"

#include "sel/environment.hpp"
#include "sel/format.hpp"
#include "sel/later.hpp"
#include "sel/protocol.hpp"
#include "sel/static_vector.hpp"

namespace pci {

struct Place {
    u32 program, need; // Number of the need, as root::GetDeviceGrant has it.
};

template <typename Config, typename World>
class Server {
  public:
    static constexpr u32 kPending = 8; // Takers that wait for a reset.

    Server(Config &config, World &world) : bus_{config}, world_{world} {}

    // Finds all devices, and quietens those that nobody has. With `again` some may have been given
    // away before: by a server that died.
    void start(bool again) {
        bus_.scan();
        if (again) {
            recover();
        }
        for (Function &f : bus_) {
            if (f.owner == 0 && !f.bridge && !belongs_to_board(f)) {
                silence(f);
            }
        }
        world_.quieted(0);
    }

    // --- View.

    sel::Result<Device> on(const GetDevice &m) {
        if (m.place >= bus_.count()) {
            return ERR_NAME;
        }
        const Function &f = bus_[m.place];
        Device device{};
        device.address = f.address;
        device.signal = f.owner != 0 ? f.signal : Signal::NONE;
        device.id = f.id;
        device.code = f.code;
        device.program = f.owner;
        std::string_view vendor = vendor_name(f.id >> 16), kind = device_name(f.id);
        device.data.append(vendor);
        device.data.append(vendor.empty() ? "" : " ");
        device.data.append(kind.empty() ? class_name(f.code) : kind);
        return device;
    }

    sel::Result<u32> on(const GetLeftOut &) { return bus_.left_out(); }

    // --- Claim.

    void on(const Take &m, sel::Caller caller, sel::Later<Take> later) {
        Place place{caller.client, m.place};
        sel::Result<root::DeviceGrant> grant = world_.grant(place);
        if (grant.error() == ERR_EMPTY) {
            later.answer(ERR_RIGHT);
            return;
        }
        if (!grant) {
            later.answer(grant.error());
            return;
        }
        Function *f = find(place, grant->match);
        if (f == nullptr) {
            later.answer(ERR_NAME);
            return;
        }
        if (f->owner == caller.client) {
            forget(*f);
            quieten(*f);
        }
        if (f->ready > world_.now() && pending_.full()) {
            later.answer(ERR_FULL);
            return;
        }
        f->owner = caller.client;
        f->need = m.place;
        if (f->ready <= world_.now()) {
            later.answer(give(*f));
        } else {
            [[maybe_unused]] bool room = pending_.push_back({f, std::move(later)});
        }
    }

    sel::Result<> on(const Start &m, sel::Caller caller) {
        Function *f = owned_by({caller.client, m.place});
        if (f == nullptr || f->ready > world_.now()) {
            return ERR_EMPTY;
        }
        bus_.space(*f).command(0, COMMAND_MASTER);
        bus_.space(*f).messages(*f, f->signal);
        return {};
    }

    sel::Result<u32> on(const ReadConfig &m, sel::Caller caller) {
        Function *f = owned_by({caller.client, m.place});
        if (f == nullptr || f->ready > world_.now()) {
            return ERR_EMPTY;
        }
        if (m.offset % 4 != 0 || m.offset >= 256) {
            return ERR_ARG;
        }
        return bus_.space(*f).read(m.offset);
    }

    // --- Control.

    sel::Result<> on(const Quiet &m) {
        for (Function &f : bus_) {
            if (m.program != 0 && f.owner == m.program) {
                forget(f);
                quieten(f);
                f.owner = 0;
            }
        }
        return {};
    }

    // Its devices were its own: nobody else sees to it if the supervisor could not.
    void on_ended(u32 client) {
        [[maybe_unused]] auto quiet = on(Quiet{.program = client});
        world_.quieted(client);
    }

    // --- Takers whose device is being reset.

    u64 deadline() {
        u64 due = sel::kForever;
        for (Pending &p : pending_) {
            due = p.function->ready < due ? p.function->ready : due;
        }
        return due;
    }

    void on_timeout() {
        u64 now = world_.now();
        for (u32 i = pending_.size(); i-- != 0;) {
            if (pending_[i].function->ready <= now) {
                pending_[i].later.answer(give(*pending_[i].function));
                pending_.remove(i);
            }
        }
    }

  private:
    struct Pending {
        Function *function;
        sel::Later<Take> later;
    };

    // Bridges and graphics work for everybody.
    static bool belongs_to_board(const Function &f) {
        constexpr u32 kDisplay = 3, kBridge = 6;
        return f.code >> 16 == kDisplay || f.code >> 16 == kBridge;
    }

    Function *owned_by(Place place) {
        for (Function &f : bus_) {
            if (f.owner == place.program && f.need == place.need) {
                return &f;
            }
        }
        return nullptr;
    }

    // The one that it has already, or the one with this number of those that fit.
    Function *find(Place place, const root::DeviceMatch &match) {
        if (Function *own = owned_by(place)) {
            return own;
        }
        u32 before = place.need;
        for (Function &f : bus_) {
            bool fits = !f.bridge && !belongs_to_board(f) && match.fits(f.id, f.code);
            if (fits && (f.owner == 0 || f.owner == place.program) && before-- == 0) {
                return f.owner == 0 ? &f : nullptr;
            }
        }
        return nullptr;
    }

    // Whoever waits for it gets ERR_GONE.
    void forget(const Function &f) {
        for (u32 i = pending_.size(); i-- != 0;) {
            if (pending_[i].function == &f) {
                pending_.remove(i);
            }
        }
    }

    void silence(Function &f) {
        bus_.space(f).command(COMMAND_MASTER, COMMAND_NO_LINE);
        bus_.space(f).messages(f, Signal::NONE);
    }

    void quieten(Function &f) {
        silence(f);
        if (bus_.space(f).reset(f)) {
            f.ready = world_.now() + world_.reset_ticks();
        }
    }

    // Programs keep their devices when this server dies: root knows whose registers are whose.
    void recover() {
        for (u32 program = 1; program <= sel::Environment::kSystemPrograms; program++) {
            for (u32 need = 0; need < root::kDevices; need++) {
                sel::Result<root::DeviceGrant> grant = world_.grant({program, need});
                if (grant.error() == ERR_NAME) {
                    return;
                }
                if (!grant) {
                    break;
                }
                if (grant->physical != 0) {
                    recover({program, need}, grant->physical);
                }
            }
        }
    }
    void recover(Place place, u64 physical) {
        for (Function &f : bus_) {
            if (has_page(f, physical)) {
                f.owner = place.program;
                f.need = place.need;
                f.signal = choose(f, lay_out(f));
            }
        }
    }

    static bool has_page(const Function &f, u64 physical) {
        for (const Base &base : f.base) {
            if (base.is_memory() && base.at / PAGE_BYTES == physical / PAGE_BYTES) {
                return true;
            }
        }
        return false;
    }

    // --- Giving.

    struct Layout {
        u32 order[kBars]; // Small ones first, so that a large one does not take all the room.
        u32 count = 0;
        u32 pages[kBars] = {}; // Of each register, as far as there is room.
    };

    static u32 pages_of(const Base &base) {
        u64 pages = (base.at % PAGE_BYTES + base.bytes + PAGE_BYTES - 1) / PAGE_BYTES;
        return pages < kPagesMost ? static_cast<u32>(pages) : kPagesMost;
    }

    static Layout lay_out(const Function &f) {
        Layout l;
        for (u32 i = 0; i < kBars; i++) {
            if (!f.base[i].is_memory()) {
                continue;
            }
            u32 k = l.count++;
            for (; k != 0 && f.base[l.order[k - 1]].bytes > f.base[i].bytes; k--) {
                l.order[k] = l.order[k - 1];
            }
            l.order[k] = i;
        }
        u32 left = kPagesMost;
        for (u32 k = 0; k < l.count; k++) {
            u32 want = pages_of(f.base[l.order[k]]);
            l.pages[l.order[k]] = want < left ? want : left;
            left -= l.pages[l.order[k]];
        }
        return l;
    }

    static u32 bytes_given(const Base &base, u32 pages) {
        u64 room = u64{pages} * PAGE_BYTES - (pages != 0 ? base.at % PAGE_BYTES : 0);
        return static_cast<u32>(base.bytes < room ? base.bytes : room);
    }

    Signal choose(const Function &f, const Layout &layout) {
        constexpr u32 kEntry = 16;
        Space<Config> space = bus_.space(f);
        if (f.msix != 0) {
            u32 bar = space.table_bar(f);
            u64 end = u64{space.table_offset(f)} + space.table_entries(f) * kEntry;
            if (bar < kBars && f.base[bar].is_memory() &&
                end <= bytes_given(f.base[bar], layout.pages[bar])) {
                return Signal::MSIX;
            }
        }
        return f.msi != 0 ? Signal::MSI : f.line != 0 ? Signal::LINE : Signal::NONE;
    }

    // Moves registers that the firmware did not place, or put into a page with those of others, or
    // that root does not have: only on bus 0, where no bridge must be told.
    bool move(Function &f, Base &base) {
        if (f.address >> 8 != 0) {
            return false;
        }
        u64 at = bus_.find_room(base.bytes);
        base.at = at != 0 ? at : base.at;
        return at != 0;
    }

    sel::Result<Taken> give(Function &f) {
        sel::Result<Taken> taken = give_parts(f);
        if (!taken) {
            silence(f);
            bus_.space(f).place(f);
            f.owner = 0;
        }
        return taken;
    }

    sel::Result<Taken> give_parts(Function &f) {
        Taken taken{};
        taken.id = f.id;
        taken.code = f.code;
        taken.address = f.address;
        for (Base &base : f.base) {
            if (base.is_memory() && (base.at == 0 || bus_.shares_page(f, base)) && !move(f, base)) {
                return ERR_ARG;
            }
        }
        Layout layout = lay_out(f);
        for (u32 k = 0; k < layout.count; k++) {
            u32 i = layout.order[k];
            if (sel::Result<> given = give_base(f, i, layout.pages[i], taken.bar[i]); !given) {
                return given.error();
            }
        }
        f.signal = choose(f, layout);
        if (sel::Result<> given = give_signal(f, taken); !given) {
            return given.error();
        }
        Space<Config> space = bus_.space(f);
        space.place(f);
        space.command(COMMAND_MASTER | COMMAND_NO_LINE,
                      COMMAND_MEMORY | (f.signal == Signal::LINE ? 0 : u32{COMMAND_NO_LINE}));
        if (f.signal == Signal::MSI) {
            space.set_message(f, {taken.message_address, taken.message_data});
        }
        return taken;
    }

    sel::Result<> give_base(Function &f, u32 i, u32 pages, Bar &bar) {
        Base &base = f.base[i];
        if (pages == 0) {
            return {};
        }
        auto give = [&] {
            return world_.give_memory({f.owner, f.need}, base.at & ~u64{PAGE_BYTES - 1}, pages);
        };
        sel::Result<u32> page = give();
        if (page.error() == ERR_ARG && move(f, base)) {
            page = give();
        }
        if (!page) {
            return page.error();
        }
        bar.offset = *page * PAGE_BYTES + static_cast<u32>(base.at % PAGE_BYTES);
        bar.bytes = bytes_given(base, pages);
        return {};
    }

    sel::Result<> give_signal(const Function &f, Taken &taken) {
        taken.signal = f.signal;
        if (f.signal == Signal::NONE) {
            return {};
        }
        u32 line = f.signal == Signal::LINE ? u32{f.line} | IRQ_LEVEL | IRQ_LOW : u32{IRQ_MSI};
        sel::Result<sel::MsiInfo> message = world_.give_interrupt({f.owner, f.need}, line);
        if (!message) {
            return message.error();
        }
        taken.message_address = message->address;
        taken.message_data = static_cast<u32>(message->data);
        if (f.signal == Signal::MSIX) {
            Space<Config> space = bus_.space(f);
            taken.table_bar = static_cast<u8>(space.table_bar(f));
            taken.table_offset = space.table_offset(f);
            taken.table_entries = space.table_entries(f);
        }
        return {};
    }

    static constexpr u32 kPagesMost = 64; // PCI_PAGES of servers/root/system.hpp.

    Bus<Config> bus_;
    World &world_;
    sel::StaticVector<Pending, kPending> pending_;
};

} // namespace pci
