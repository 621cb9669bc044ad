// Edu: tries on QEMU's educational device what every driver relies on.
// SPDX-License-Identifier: BSD-2-Clause
//
// Source of the registers: QEMU, docs/specs/edu.
#include "edu.caps.hpp"

#include "servers/stream/print.hpp"

#include "sel/clock.hpp"
#include "sel/environment.hpp"
#include "sel/format.hpp"

namespace {

enum Register : u64 {
    REG_ID = 0x00,
    REG_INVERT = 0x04, // Reads as the inverse of what was written.
    REG_RAISED = 0x24, // Why it interrupts.
    REG_RAISE = 0x60,
    REG_ACKNOWLEDGE = 0x64,
    REG_DMA_FROM = 0x80,
    REG_DMA_TO = 0x88,
    REG_DMA_BYTES = 0x90,
    REG_DMA_COMMAND = 0x98
};
enum Dma : u64 { DMA_START = 1, DMA_TO_MEMORY = 2, DMA_INTERRUPT = 4 };

constexpr u64 kBuffer = 0x40000; // Address of the device's own 4 KiB, for its DMA only.
constexpr u32 kDmaDone = 0x100;  // In REG_RAISED.
constexpr u32 kOut = 0, kIn = 1; // Pages of the pool.
constexpr u32 kBytes = 2048;     // QEMU 7.2 stops at a copy that fills the device's own 4 KiB.
constexpr u32 kWords = kBytes / sizeof(u64);
constexpr u64 kPatienceMs = 2000;
constexpr u64 kUntouched = 0x1111111111111111;

sel::DmaMemory pool;

constexpr stream::Printer print{caps::console};

// Waits for the interrupt, and says why it came.
u32 wait_for_interrupt() {
    auto bits = caps::signals.wait(sel::milliseconds(kPatienceMs));
    if (!bits || (*bits & caps::device.bit) == 0) {
        return 0;
    }
    u32 raised = caps::device.at<u32>(REG_RAISED);
    caps::device.at<u32>(REG_ACKNOWLEDGE) = raised;
    return caps::device.interrupt().acknowledge().ok() ? raised : 0;
}

void start_copy(u64 from, u64 to, u64 how) {
    caps::device.at<u64>(REG_DMA_FROM) = from;
    caps::device.at<u64>(REG_DMA_TO) = to;
    caps::device.at<u64>(REG_DMA_BYTES) = kBytes;
    caps::device.at<u64>(REG_DMA_COMMAND) = DMA_START | DMA_INTERRUPT | how;
}

// The device cannot be reset: it may still say why it wanted to interrupt an earlier life.
sel::Result<> start_device() {
    if (auto taken = pci::take(caps::pci, caps::device); !taken) {
        return taken.error();
    }
    caps::device.at<u32>(REG_ACKNOWLEDGE) = caps::device.at<u32>(REG_RAISED);
    if (auto mapped = pool.map(caps::device, caps::pool); !mapped) {
        return mapped;
    }
    return caps::pci.call(pci::Start{});
}

bool check_registers() {
    caps::device.at<u32>(REG_INVERT) = 0x12345678;
    return (caps::device.at<u32>(REG_ID) & 0xffff) == 0xed &&
           caps::device.at<u32>(REG_INVERT) == ~0x12345678u;
}

bool check_interrupt() {
    for (u32 why = 1; why <= 3; why++) {
        caps::device.at<u32>(REG_RAISE) = why;
        if (wait_for_interrupt() != why) {
            return false;
        }
    }
    return true;
}

bool check_dma() {
    for (u32 i = 0; i < kWords; i++) {
        pool.at<u64>(kOut)[i] = 0x9e3779b97f4a7c15 * (i + 1);
        pool.at<u64>(kIn)[i] = 0;
    }
    start_copy(pool.physical(kOut), kBuffer, 0);
    if (wait_for_interrupt() != kDmaDone) {
        return false;
    }
    start_copy(kBuffer, pool.physical(kIn), DMA_TO_MEMORY);
    if (wait_for_interrupt() != kDmaDone) {
        return false;
    }
    for (u32 i = 0; i < kWords; i++) {
        if (*static_cast<volatile u64 *>(pool.at<u64>(kIn) + i) != pool.at<u64>(kOut)[i]) {
            return false;
        }
    }
    return true;
}

// The slots are full: the device that was taken cannot be taken once more.
bool check_once() {
    return caps::pci.call(pci::Take{}).error() == ERR_OCCUPIED &&
           caps::pci.call(pci::Start{}).error() == ERR_EMPTY;
}

bool check_untouched() {
    for (u32 i = 0; i < kWords; i++) {
        if (caps::pool.at<u64>(kIn * PAGE_BYTES)[i] != kUntouched) {
            return false;
        }
    }
    return true;
}

struct Part {
    const char *name;
    bool (*run)();
};
constexpr Part kParts[] = {{"registers", check_registers},
                           {"interrupt", check_interrupt},
                           {"dma", check_dma},
                           {"once", check_once}};
constexpr Part kLook = {"untouched", check_untouched};

int run(const Part &part) {
    bool good = part.run();
    print("edu: {:<10} {}\n", part.name, good ? "good" : "FAILED");
    return good ? 0 : 1;
}

int die() {
    for (u32 i = 0; i < kWords; i++) {
        pool.at<u64>(kIn)[i] = kUntouched;
    }
    start_copy(kBuffer, pool.physical(kIn), DMA_TO_MEMORY);
    return 0;
}

} // namespace

int main() {
    std::string_view argument = sel::environment().argument_text();
    if (argument == "look") {
        return run(kLook);
    }
    if (sel::Result<> started = start_device(); !started) {
        print("edu: no device: {}\n", sel::describe(started.error()));
        return 1;
    }
    if (argument == "die") {
        return die();
    }
    int failed = 0;
    for (const Part &part : kParts) {
        failed += run(part);
    }
    return failed;
}
