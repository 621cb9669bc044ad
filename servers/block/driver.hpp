// Driver: the wiring that all disk drivers have in common: pci, interrupts, partitions, the server.
// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include "servers/block/server.hpp"
#include "servers/pci/api.hpp"

#include "sel/clock.hpp"
#include "sel/format.hpp"
#include "sel/server.hpp"
#include "sel/static_vector.hpp"

namespace block {

// The device that pci has for this program. One for each program.
class PciBus {
  public:
    PciBus(sel::PciDevice device, sel::Client<pci::Claim> pci, sel::Notification signals)
        : device_{device}, pci_{pci}, signals_{signals} {}

    // Registers are there; no DMA yet.
    sel::Result<> take() {
        sel::Result<pci::Taken> taken = pci::take(pci_, device_);
        for (u32 i = 0; i < kTries && taken.error() == ERR_RESTARTED; i++) {
            taken = pci::take(pci_, device_);
        }
        if (taken.ok()) {
            taken_ = *taken;
        }
        return taken.error();
    }
    sel::Result<> allow_dma() { return pci_.call(pci::Start{}).error(); }

    u32 config(u32 offset) { return pci_.call(pci::ReadConfig{.offset = offset}).value_or(0); }
    u32 bytes(u32 bar) const { return bar < pci::kBars ? taken_.bar[bar].bytes : 0; }
    template <typename T>
    T read(u32 bar, u32 offset) const {
        return has<T>(bar, offset) ? device_.at<T>(taken_.bar[bar].offset + offset) : 0;
    }
    template <typename T>
    void write(u32 bar, u32 offset, T value) const {
        if (has<T>(bar, offset)) {
            device_.at<T>(taken_.bar[bar].offset + offset) = value;
        }
    }

    pci::Signal signal() const { return taken_.signal; }
    bool is_mine(u64 bits) const { return (bits & device_.bit) != 0; }
    void acknowledge() const { [[maybe_unused]] auto done = device_.interrupt().acknowledge(); }

    u64 now_ms() const { return clock_.nanoseconds(sel::now()) / 1'000'000; }
    void pause() const {
        sel::Result<u64> woken = signals_.wait(sel::milliseconds(1));
        if (woken && is_mine(*woken)) {
            acknowledge();
        }
    }

  private:
    static constexpr u32 kTries = 3;

    // Devices say where their registers are; not all of them are right.
    template <typename T>
    bool has(u32 bar, u32 offset) const {
        return u64{offset} + sizeof(T) <= bytes(bar);
    }

    sel::PciDevice device_;
    sel::Client<pci::Claim> pci_;
    sel::Notification signals_;
    sel::Clock clock_ = sel::clock();
    pci::Taken taken_{};
};

using Report = void (*)(std::string_view);

namespace detail {

inline constexpr u32 kPatienceMs = 10'000; // For one command.

template <typename Device>
class Served : public Server<Device, sel::DmaPool> {
  public:
    Served(Device &device, PciBus &bus, Report report)
        : Server<Device, sel::DmaPool>{device, sel::milliseconds(kPatienceMs), report}, bus_{bus} {}

    void on_signal(u64 bits) {
        if (bus_.is_mine(bits)) {
            this->on_interrupt();
            if (!this->dead()) {
                bus_.acknowledge();
            }
        }
    }

  private:
    PciBus &bus_;
};

// One command, before there are clients. False: it failed.
template <typename Device>
bool perform(PciBus &bus, Device &device, const Command &command) {
    Outcomes out;
    bool sane = true;
    device.submit(0, command);
    bool done = await(bus, kPatienceMs, [&] {
        sane = device.collect(out);
        return !sane || out.count != 0;
    });
    if (!done || !sane) {
        return device.reset() && false;
    }
    return out.item[0].tag == 0 && out.item[0].error == OK;
}

template <typename Device>
Table read_partitions(PciBus &bus, Device &device, const sel::DmaPool &rings) {
    u32 bytes = device.geometry().sector_bytes, unit = bytes / kSectorBytes;
    return read_table(device.geometry().sectors, bytes, [&](u64 sector, Sector &to) {
        Command read{};
        read.op = Op::Read;
        read.sector = sector / unit * unit;
        read.sectors = unit;
        read.pieces = 1;
        read.piece[0] = {rings.physical(Device::kPages), bytes};
        bool done = perform(bus, device, read);
        u32 place = static_cast<u32>(sector % unit * kSectorBytes);
        __builtin_memcpy(to.data(), rings.at<u8>(Device::kPages, place), to.size());
        return done;
    });
}

template <typename Device>
bool bring_up(PciBus &bus, Device &device, const sel::DmaPool &rings, Report report) {
    sel::Text<100> line;
    sel::Result<> taken = rings.pages() > Device::kPages ? bus.take() : ERR_MEMORY;
    if (!taken) {
        sel::format(line, "no device: {}", sel::describe(taken.error()));
    } else if (!device.stop() || !bus.allow_dma() || !device.start()) {
        u32 bytes = device.geometry().sector_bytes;
        line = "the device cannot be started";
        if (!is_sector_size(bytes)) {
            sel::format(line, ": sectors of {} bytes, expected {} or {}", bytes, kSectorBytes,
                        kPageBytes);
        }
    }
    if (line.size != 0) {
        report(line);
    }
    return line.size == 0;
}

inline void introduce(const Geometry &g, const Table &table, Report report) {
    sel::Text<160> line;
    sel::format(line, "{}, {} sectors", g.name.view(), g.sectors / (g.sector_bytes / kSectorBytes));
    if (g.sector_bytes != kSectorBytes) {
        sel::format(line, " of {} bytes", g.sector_bytes);
    }
    sel::format(line, ", partition table {}: ", table.kind);
    if (table.refused.empty()) {
        sel::format(line, "{} partitions", table.count());
    } else {
        line.append(table.refused);
    }
    report(line);
    for (u32 i = 0; i < Table::kPartitions; i++) {
        const Partition &p = table.partition[i];
        if (!p.doubt.empty()) {
            line = {};
            sel::format(line, "partition {}: {}: {}", i + 1, p.doubt,
                        p.sectors != 0 ? "read-only" : "left out");
            report(line);
        }
    }
    if (!table.remark.empty()) {
        report(table.remark);
    }
}

} // namespace detail

// The life of a driver. `rings`: Device::kPages pages for the device, and one more. Without a device it
// serves, too: everything is ERR_NAME.
template <typename Device, std::size_t N>
[[noreturn]] void drive(const sel::Service &service, PciBus &bus, Device &device,
                        const sel::DmaPool &rings, const std::array<sel::ClientPool, N> &clients,
                        Report report) {
    static sel::StaticVector<sel::DmaPool, N + 1> pools;
    static detail::Served<Device> server{device, bus, report};
    for (const sel::ClientPool &client : clients) {
        bool added = pools.push_back(sel::DmaPool{client.window}) &&
                     server.add_client(client.program, client.part, pools.back());
        if (!added) {
            report("a client's pool cannot be used");
        }
    }
    if (detail::bring_up(bus, device, rings, report)) {
        static Table table; // No room on the stack.
        table = detail::read_partitions(bus, device, rings);
        detail::introduce(device.geometry(), table, report);
        server.start(table);
        bus.acknowledge();
    }
    sel::serve<Api>(service, server);
}

} // namespace block
