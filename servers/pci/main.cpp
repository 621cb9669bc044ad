// pci: wires the configuration ports and root to the drivers.
// SPDX-License-Identifier: BSD-2-Clause
#include "pci.caps.hpp"
#include "server.hpp"

#include "sel/clock.hpp"
#include "sel/environment.hpp"

namespace {

// Configuration mechanism 1 (PCI Local Bus Specification 3.0, section 3.2.2.3.2).
struct Ports {
    static constexpr u16 kAddress = 0xcf8, kData = 0xcfc;
    static constexpr u32 kEnable = 1u << 31;

    static void choose(u16 address, u32 offset) {
        u32 value = kEnable | u32{address} << 8 | offset;
        [[maybe_unused]] auto chosen = caps::config.out(kAddress, 4, value);
    }
    u32 read(u16 address, u32 offset) const {
        choose(address, offset);
        return caps::config.in(kData, 4).value_or(~0u);
    }
    void write(u16 address, u32 offset, u32 value) const {
        choose(address, offset);
        [[maybe_unused]] auto written = caps::config.out(kData, 4, value);
    }
};

struct World {
    sel::Result<root::DeviceGrant> grant(pci::Place place) const {
        return caps::view.call(root::GetDeviceGrant{.number = place.program, .need = place.need});
    }
    sel::Result<u32> give_memory(pci::Place place, u64 physical, u32 pages) const {
        return caps::devices.call(root::GiveMemory{
            .number = place.program, .need = place.need, .pages = pages, .physical = physical});
    }
    sel::Result<sel::MsiInfo> give_interrupt(pci::Place place, u32 line) const {
        return caps::devices.call(
            root::GiveInterrupt{.number = place.program, .need = place.need, .line = line});
    }
    void quieted(u32 program) const {
        [[maybe_unused]] auto told = caps::devices.call(root::Quieted{.number = program});
    }
    u64 now() const { return sel::now(); }
    u64 reset_ticks() const { return sel::milliseconds(100) + 1; }
};

} // namespace

int main() {
    static Ports ports;
    static World world;
    static pci::Server<Ports, World> server{ports, world};
    server.start(sel::environment().incarnation > 1);
    sel::serve<pci::View, pci::Claim, pci::Control>(caps::service, server);
}
