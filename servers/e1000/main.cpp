// e1000: wires Intel network cards to their clients.
// SPDX-License-Identifier: BSD-2-Clause
#include "card.hpp"

#include "servers/nic/driver.hpp"

#include "e1000.caps.hpp"
#include "sel/log.hpp"

int main() {
    nic::drive<e1000::Card>(caps::service, caps::devices, caps::pci, caps::signals, caps::rings,
                            caps::clients, caps::bells,
                            [](std::string_view line) { sel::Log{caps::log}.info("{}", line); });
}
