// Log: keeps what the other servers report.
// SPDX-License-Identifier: BSD-2-Clause
#include "server.hpp"

#include "log.caps.hpp"
#include "sel/server.hpp"

int main() {
    static logging::LogServer server{sel::clock()};
    sel::serve<logging::Writer, logging::Reader>(caps::service, server);
}
