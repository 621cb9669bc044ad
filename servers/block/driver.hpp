// Driver: the wiring that all disk drivers have in common: pci, interrupts, partitions, the server.
// SPDX-License-Identifier: BSD-2-Clause
//
// A driver has some controllers (need `pci*`), and each of these one disk or several. Disks have their numbers
// in the order of the controllers on the bus, and of their places there; one that cannot be used keeps
// its number. Each has a part of the driver's own memory, as long as there is room.
#pragma once

#include "servers/block/server.hpp"
#include "servers/driver/lent_memory.hpp"
#include "servers/driver/pci_bus.hpp"

#include "sel/format.hpp"
#include "sel/program.hpp"
#include "sel/server.hpp"
#include "sel/static_vector.hpp"

#include <optional>
#include <utility>

namespace block {

using Report = void (*)(std::string_view);

inline constexpr u32 kPatienceMs = 10'000; // For one command.
inline constexpr u32 kPagesLeast = 2;      // Of a region: one is for the ring.
static_assert(kDisks <= driver::kDevices);

// One command, before there are clients. False: it failed.
template <typename Bus, typename Device>
bool perform(Bus &bus, Device &device, const Command &command) {
    Outcomes out;
    bool sane = true;
    device.submit(0, command);
    bool done = driver::await(bus, kPatienceMs, [&] {
        sane = device.collect(out);
        return !sane || out.count != 0;
    });
    if (!done || !sane) {
        return device.reset() && false;
    }
    return out.item[0].tag == 0 && out.item[0].error == OK;
}

// The disks of a driver, with their controllers. `rings`: Device::kPages pages for each disk, and one more.
template <typename Device, std::size_t Controllers>
class Driver : public Server<Device, driver::LentMemory> {
    using Base = Server<Device, driver::LentMemory>;

  public:
    Driver(std::array<driver::PciBus, Controllers> &buses, const sel::Window &rings,
           driver::LentMemory &lent, Report report)
        : Base{sel::milliseconds(kPatienceMs), lent, &Driver::tell_of}, buses_{buses},
          rings_{rings}, lent_{lent} {
        report_ = report;
    }

    using Base::on;

    // What could not be had is asked for again, with all that comes behind: pci may have failed, or lied. With
    // success all begins anew.
    sel::Result<Disk> on(const Info &m, sel::Caller caller) {
        sel::Result<Disk> disk = Base::on(m, caller);
        bool missing = disk.error() == ERR_NAME || disk.error() == ERR_IO;
        if (missing && next_ < Controllers && buses_[next_].take().ok()) {
            sel::exit(kExitFound);
        }
        return disk;
    }

    // All controllers that there are, and what is on them. One that cannot be had keeps the number of its first disk.
    void find_disks() {
        for (driver::PciBus &bus : buses_) {
            sel::Result<> taken = bus.take();
            if (taken.error() == ERR_NAME) {
                break; // Nor are there any behind it.
            }
            used_++;
            if (!taken) {
                say("a controller cannot be had: ", sel::describe(taken.error()));
                next_ = std::min(next_, used_ - 1);
                if (Device *device = make(bus); device != nullptr) {
                    add(bus, *device, false);
                }
            } else {
                find_disks(bus);
                bus.acknowledge();
            }
        }
        next_ = std::min(next_, used_);
        if (this->disks() == 0) {
            report_("no disk");
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
        for (u32 i = 0; i < used_; i++) {
            if (buses_[i].is_mine(bits) && take_outcomes(buses_[i])) {
                buses_[i].acknowledge();
            }
        }
    }

  private:
    static constexpr int kExitFound = 73;

    static void tell_of(u32 disk, std::string_view what) {
        sel::Text<160> line;
        sel::format(line, "disk {}: {}", disk + 1, what);
        report_(line);
    }
    static void say(std::string_view what, std::string_view why) {
        sel::Text<100> line;
        sel::format(line, "{}{}", what, why);
        report_(line);
    }

    // False: all its disks are dead.
    bool take_outcomes(const driver::PciBus &bus) {
        bool alive = false;
        for (u32 i = 0; i < this->disks(); i++) {
            if (bus_[i] == &bus) {
                this->on_interrupt(i);
                alive = alive || !this->dead(i);
            }
        }
        return alive;
    }

    // A device for the next disk; nullptr: there is no room for it.
    Device *make(driver::PciBus &bus) {
        u32 number = this->disks();
        if (number == kDisks || (number + 1) * Device::kPages >= rings_.frames.count) {
            report_("there are more disks than this driver has room for");
            return nullptr;
        }
        slice_[number].emplace(bus.device(), rings_, number * Device::kPages, Device::kPages);
        if (!slice_[number]->mapped()) {
            report_("memory of the driver cannot be mapped for its device");
            return nullptr;
        }
        auto &device = device_[number];
        device.emplace(bus, *slice_[number]);
        return &*device;
    }

    void find_disks(driver::PciBus &bus) {
        Device *device = make(bus);
        bool stopped = device != nullptr && device->stop() && bus.allow_dma().ok();
        for (u32 places = stopped ? device->find() : 1; places != 0; places &= places - 1) {
            device = device != nullptr ? device : make(bus);
            if (device == nullptr) {
                return;
            }
            u32 place = static_cast<u32>(std::countr_zero(places));
            add(bus, *device, stopped && device->start(place));
            device = nullptr;
        }
    }

    void add(driver::PciBus &bus, Device &device, bool usable) {
        u32 number = this->disks();
        bus_[number] = &bus;
        if (!this->add_disk(device)) {
            return;
        }
        lent_.set_device(number, bus.device());
        if (!usable) {
            tell_unusable(number, device.geometry().sector_bytes);
            return;
        }
        static Table table; // No room on the stack.
        table = read_partitions(bus, device);
        introduce(number, device.geometry(), table);
        this->start(number, table);
    }

    Table read_partitions(driver::PciBus &bus, Device &device) {
        u32 bytes = device.geometry().sector_bytes, unit = bytes / kSectorBytes;
        driver::Slice page{bus.device(), rings_, rings_.frames.count - 1, 1};
        return read_table(device.geometry().sectors, bytes, [&](u64 sector, Sector &to) {
            Command read{};
            read.op = Op::Read;
            read.sector = sector / unit * unit;
            read.sectors = unit;
            read.pieces = 1;
            read.piece[0] = {page.physical(0), bytes};
            bool done = page.mapped().ok() && perform(bus, device, read);
            u32 place = static_cast<u32>(sector % unit * kSectorBytes);
            __builtin_memcpy(to.data(), page.at<u8>(0, place), done ? to.size() : 0);
            return done;
        });
    }

    static void tell_unusable(u32 number, u32 sector_bytes) {
        sel::Text<100> line{"the device cannot be started"};
        if (!is_sector_size(sector_bytes)) {
            sel::format(line, ": sectors of {} bytes, expected {} or {}", sector_bytes,
                        kSectorBytes, kPageBytes);
        }
        tell_of(number, line);
    }

    static void introduce(u32 number, const Geometry &g, const Table &table) {
        sel::Text<150> line;
        sel::format(line, "{}, {} sectors", g.name.view(),
                    g.sectors / (g.sector_bytes / kSectorBytes));
        if (g.sector_bytes != kSectorBytes) {
            sel::format(line, " of {} bytes", g.sector_bytes);
        }
        sel::format(line, ", partition table {}: ", table.kind);
        if (table.refused.empty()) {
            sel::format(line, "{} partitions", table.count());
        } else {
            line.append(table.refused);
        }
        tell_of(number, line);
        for (u32 i = 0; i < Table::kPartitions; i++) {
            const Partition &p = table.partition[i];
            if (!p.doubt.empty()) {
                line = {};
                sel::format(line, "partition {}: {}: {}", i + 1, p.doubt,
                            p.sectors != 0 ? "read-only" : "left out");
                tell_of(number, line);
            }
        }
        if (!table.remark.empty()) {
            tell_of(number, table.remark);
        }
    }

    static inline Report report_ = nullptr;
    std::array<driver::PciBus, Controllers> &buses_;
    u32 used_ = 0;           // Of these.
    u32 next_ = Controllers; // The first that could not be had, or was not there.
    const sel::Window &rings_;
    driver::LentMemory &lent_;
    sel::EndedClients ended_; // Those whose signal the server has missed.
    std::array<std::optional<driver::Slice>, kDisks> slice_;
    std::array<std::optional<Device>, kDisks> device_;
    std::array<const driver::PciBus *, kDisks> bus_{};
};

// The life of a driver. Without a disk it serves, too: everything is ERR_NAME.
template <template <typename, typename> class Disk, std::size_t C>
[[noreturn]] void drive(const sel::Service &service, const std::array<sel::PciDevice, C> &devices,
                        sel::Client<pci::Claim> pci, sel::Notification signals,
                        const sel::Window &rings, const root::RegionRoom &clients, Report report) {
    static std::array<driver::PciBus, C> buses =
        driver::make_buses(std::make_index_sequence<C>{}, devices, pci, signals);
    static driver::LentMemory lent{clients, kPagesLeast};
    static Driver<Disk<driver::PciBus, driver::Slice>, C> driver{buses, rings, lent, report};
    sel::receive_slot(clients.arrival());
    driver.find_disks();
    sel::serve<Api>(service, driver);
}

} // namespace block
