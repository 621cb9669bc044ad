// Timer: wires the CMOS clock and the kernel's time-outs to the clients.
// SPDX-License-Identifier: BSD-2-Clause
#include "rtc.hpp"
#include "server.hpp"

#include "timer.caps.hpp"

namespace {

struct Cmos {
    static constexpr u16 kIndex = 0x70;
    static constexpr u16 kData = 0x71;

    u8 read(u8 reg) const {
        [[maybe_unused]] auto chosen = caps::cmos.out8(kIndex, reg);
        return caps::cmos.in8(kData).value_or(0);
    }
};

// The date at the moment of boot, 0: unknown.
u64 boot_seconds(sel::Clock clock) {
    std::optional<u64> now = timer::Rtc<Cmos>{Cmos{}}.seconds();
    return now ? *now - clock.nanoseconds(sel::now()) / sel::Clock::kSecond : 0;
}

} // namespace

int main() {
    sel::Clock clock = sel::clock();
    static timer::TimerServer server{clock, caps::arrival.first, caps::kept, boot_seconds(clock)};
    sel::receive_slot(caps::arrival.first);
    sel::serve<timer::Api>(caps::service, server);
}
