// nvme: wires NVMe disks to their clients.
// SPDX-License-Identifier: BSD-2-Clause
#include "disk.hpp"

#include "servers/block/driver.hpp"

#include "nvme.caps.hpp"
#include "sel/log.hpp"

int main() {
    block::drive<nvme::Disk>(caps::service, caps::devices, caps::pci, caps::signals, caps::rings,
                             caps::clients,
                             [](std::string_view line) { sel::Log{caps::log}.info("{}", line); });
}
