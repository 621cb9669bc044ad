// Names: makers and kinds of devices in words.
// SPDX-License-Identifier: BSD-2-Clause
//
// Source: PCI Code and ID Assignment Specification 1.11 (classes); the PCI ID Repository (vendors).
#pragma once

#include <string_view>

#include "abi/types.h"

namespace pci {

constexpr std::string_view vendor_name(u32 vendor) {
    switch (vendor) {
    case 0x1002:
    case 0x1022:
        return "AMD";
    case 0x10de:
        return "NVIDIA";
    case 0x10ec:
        return "Realtek";
    case 0x1234:
        return "QEMU";
    case 0x144d:
        return "Samsung";
    case 0x15ad:
        return "VMware";
    case 0x15b7:
        return "SanDisk";
    case 0x1af4:
        return "virtio";
    case 0x1b36:
        return "QEMU";
    case 0x8086:
        return "Intel";
    default:
        return "";
    }
}

// By class and subclass, else by class alone.
constexpr std::string_view class_name(u32 code) {
    constexpr u32 kNvme = 0x010802, kAhci = 0x010601;
    if (code == kNvme) {
        return "NVMe disk";
    }
    if (code == kAhci) {
        return "SATA controller (AHCI)";
    }
    switch (code >> 8) {
    case 0x0100:
        return "SCSI controller";
    case 0x0101:
        return "IDE controller";
    case 0x0104:
        return "RAID controller";
    case 0x0106:
        return "SATA controller";
    case 0x0108:
        return "flash disk controller";
    case 0x0200:
        return "network card";
    case 0x0300:
        return "graphics card (VGA)";
    case 0x0403:
        return "sound card";
    case 0x0600:
        return "host bridge";
    case 0x0601:
        return "ISA bridge";
    case 0x0604:
        return "PCI bridge";
    case 0x0c03:
        return "USB controller";
    case 0x0c05:
        return "SMBus controller";
    default:
        break;
    }
    constexpr std::string_view kClasses[] = {
        "old device",
        "storage controller",
        "network controller",
        "graphics card",
        "media controller",
        "memory controller",
        "bridge",
        "serial controller",
        "system device",
        "input controller",
        "docking station",
        "processor",
        "bus controller",
        "wireless controller",
        "smart controller",
        "satellite controller",
        "cryptography",
        "signal controller",
        "accelerator",
        "instrument",
    };
    u32 kind = code >> 16;
    return kind < sizeof kClasses / sizeof kClasses[0] ? kClasses[kind] : "unknown device";
}

// What is known better than its class says.
constexpr std::string_view device_name(u32 id) {
    switch (id) {
    case 0x12341111:
        return "graphics card (VGA)";
    case 0x123411e8:
        return "educational device";
    case 0x1af41000:
    case 0x1af41041:
        return "network card";
    case 0x1af41001:
    case 0x1af41042:
        return "disk";
    case 0x1af41003:
    case 0x1af41043:
        return "serial port";
    case 0x1af41005:
    case 0x1af41044:
        return "random number source";
    case 0x1af41050:
        return "graphics card";
    case 0x1af41052:
        return "input device";
    default:
        return "";
    }
}

} // namespace pci
