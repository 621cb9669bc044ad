// virtio-net: wires virtio network cards to their clients.
// SPDX-License-Identifier: BSD-2-Clause
#include "card.hpp"

#include "servers/nic/driver.hpp"

#include "sel/log.hpp"
#include "virtio-net.caps.hpp"

int main() {
    nic::drive<virtio_net::Card>(
        caps::service, caps::devices, caps::pci, caps::signals, caps::rings, caps::clients,
        caps::bells, [](std::string_view line) { sel::Log{caps::log}.info("{}", line); });
}
