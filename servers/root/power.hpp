// Power: how the machine is switched off, out of the tables of its firmware. Holds no capability.
// SPDX-License-Identifier: BSD-2-Clause
//
//   find_sleep() -> what to write where; switch_off() writes it.
// Source: ACPI specification 6.5, sections 4.8.3.2 (PM1 control), 5.2 (tables), 16.1 (entering S5), 20.2 (AML). The
// tables come from outside: lengths, sums and places are checked, and all loops end with the table.
#pragma once

#include <span>

#include "sel/capability.hpp"
#include "sel/try.hpp"

namespace root {

// Reads bytes that need not lie in one page. False: there is nothing that could be read.
class PhysicalMemory {
  public:
    virtual bool read(u64 at, std::span<u8> out) = 0;

  protected:
    ~PhysicalMemory() = default;
};

struct SleepControl {
    struct Register {
        u16 port; // 0: there is none.
        u16 type; // The machine is off, in its place in the register.
    };
    Register pm1[2]; // PM1a, which is there, and PM1b.
    u16 command; // Port that takes `enable`, until which the firmware has the registers; 0: there is none.
    u8 enable;
};

// S5, "soft off". `rsdp`: physical address of the RSDP; 0: none. ERR_NAME: there are no tables, or they say nothing of
// it. ERR_TYPE: it is done by other registers than these. ERR_SYNTAX: what they say is impossible.
sel::Result<SleepControl> find_sleep(PhysicalMemory &memory, u64 rsdp);

// Off. If it returns OK the machine has not obeyed yet.
sel::Result<> switch_off(const SleepControl &sleep, sel::IoPort ports);

} // namespace root
