// ahci: wires a SATA disk to its clients.
// SPDX-License-Identifier: BSD-2-Clause
#include "disk.hpp"

#include "servers/block/driver.hpp"

#include "ahci.caps.hpp"
#include "sel/log.hpp"

int main() {
    static sel::DmaPool rings{caps::rings};
    static block::PciBus bus{caps::device, caps::pci, caps::signals};
    static ahci::Disk<block::PciBus, sel::DmaPool> disk{bus, rings};
    block::drive(caps::service, bus, disk, rings, caps::pools,
                 [](std::string_view line) { sel::Log{caps::log}.info("{}", line); });
}
