// pci: which devices there are, and giving a driver the one that its manifest names. The only header
// for its clients.
// SPDX-License-Identifier: BSD-2-Clause
//
// A driver has `device = "pci"`, or `devices = "pci*"` for several, and `pci = "pci.Claim"` among its
// needs, and does for each device, in this order:
//   auto taken = pci::take(caps::pci, caps::device);   registers and interrupt are there, DMA is off
//   ...resets its device, so that it forgets all addresses of an earlier life...
//   caps::pci.call(pci::Start{});                      DMA and interrupts are on
// Sources: PCI Local Bus Specification 3.0; PCI Express Base Specification 4.0.
#pragma once

#include "sel/client.hpp"
#include "sel/device.hpp"

namespace pci {

// How a device interrupts. MSI and MSI-X carry one message: vector 0.
enum class Signal : u8 { NONE, LINE, MSI, MSIX };

// --- View: looking.

struct Device {
    u16 address; // bus << 8 | device << 3 | function
    Signal signal;
    u8 reserved;
    u32 id;             // vendor << 16 | device
    u32 code;           // class << 16 | subclass << 8 | programming interface
    u32 program;        // Who has it; 0: nobody.
    sel::Text<43> data; // Maker and kind in words.
};
// Device number `place`, from 0 on. ERR_NAME behind the last one.
struct GetDevice : sel::Asks<Device> {
    u32 place;
};

// How many devices there are beyond those: they are too many, and are left alone.
struct GetLeftOut : sel::Asks<u32> {};

// --- Claim: for drivers.

// Where the registers of a base address register are in the window of sel::PciDevice.
struct Bar {
    u32 offset, bytes; // bytes 0: none, ports, or no room. Less than it has: all that fits.
};
inline constexpr u32 kBars = 6;

struct Taken {
    u32 id, code; // As in Device.
    u16 address;
    Signal signal;
    u8 table_bar;        // Of the MSI-X table,
    u32 table_offset;    // in bytes; take() fills it.
    u32 table_entries;   //
    u32 message_data;    // What the device writes where, to interrupt.
    u64 message_address; //
    Bar bar[kBars];

    bool sound() const {
        for (const Bar &b : bar) {
            if (u64{b.offset} + b.bytes > sel::PciDevice::kWindowBytes) {
                return false;
            }
        }
        return signal <= Signal::MSIX && (signal != Signal::MSIX || has_table());
    }

  private:
    bool has_table() const {
        constexpr u32 kEntry = 16, kEntriesMost = 2048;
        return table_bar < kBars && table_entries != 0 && table_entries <= kEntriesMost &&
               u64{table_offset} + table_entries * kEntry <= bar[table_bar].bytes;
    }
};
// Gives the caller, for its `pci` need number `place`, the device with this number of those that the need
// names, in the order of the bus, but for those that somebody else has. If it had that in an earlier
// life it is quietened and given again; this may take 100 ms. DMA stays off.
// ERR_NAME: there are not as many. ERR_RIGHT: its manifest has no such need. Others: as root.Devices has
// them for its registers or its interrupt; ERR_OCCUPIED also if this life of it has had one there already.
struct Take : sel::Asks<Taken> {
    u32 place;
};

// Switches DMA and interrupts on. ERR_EMPTY: the caller has no device there.
struct Start : sel::Asks<> {
    u32 place;
};

// Four bytes of the device's configuration space. ERR_ARG: `offset` is no multiple of 4 below 256.
struct ReadConfig : sel::Asks<u32> {
    u32 place;
    u32 offset;
};

// --- Control: for the supervisor.

// Ends what the devices of a program do: no DMA, no interrupts, and a reset of each function that can do
// that. The devices are free again. A program without a device: nothing happens.
struct Quiet : sel::Asks<> {
    u32 program;
};

using View = sel::Protocol<GetDevice, GetLeftOut>;
using Claim = sel::Protocol<Take, Start, ReadConfig>;
using Control = sel::Protocol<Quiet>;

// --- The driver's side.

// MSI-X table (PCI 3.0, section 6.8.2.6): message 0 is ours, the others stay masked.
inline void fill_table(const sel::PciDevice &device, const Taken &taken) {
    constexpr u32 kEntry = 16, kAddressHigh = 4, kData = 8, kControl = 12, kMasked = 1;
    u64 table = u64{taken.bar[taken.table_bar].offset} + taken.table_offset;
    for (u32 i = 0; i < taken.table_entries; i++) {
        device.at<u32>(table + i * kEntry + kControl) = kMasked;
    }
    device.at<u32>(table) = static_cast<u32>(taken.message_address);
    device.at<u32>(table + kAddressHigh) = static_cast<u32>(taken.message_address >> 32);
    device.at<u32>(table + kData) = taken.message_data;
    device.at<u32>(table + kControl) = 0;
}

// Take, and the table that only the driver can reach.
inline sel::Result<Taken> take(const sel::Client<Claim> &client, const sel::PciDevice &device,
                               u32 place = 0) {
    sel::Result<Taken> taken = client.call(Take{.place = place});
    if (taken.ok() && taken->signal == Signal::MSIX) {
        fill_table(device, *taken);
    }
    return taken;
}

} // namespace pci
