// What every virtio device on PCI has: registers, status, descriptors.
// SPDX-License-Identifier: BSD-2-Clause
//
// Source: Virtual I/O Device (VIRTIO) 1.1: 2.6 split queues, 3.1 initialisation, 4.1 PCI, 6 reserved features.
#pragma once

#include "abi/types.h"

namespace virtio {

enum Feature : u64 {
    FEATURE_VERSION_1 = 1ull << 32,
    FEATURE_ACCESS_PLATFORM = 1ull << 33 // Addresses are those of the platform: physical ones.
};

enum Status : u8 {
    STATUS_ACKNOWLEDGE = 1,
    STATUS_DRIVER = 2,
    STATUS_DRIVER_OK = 4,
    STATUS_FEATURES_OK = 8,
    STATUS_NEEDS_RESET = 64
};

// struct virtio_pci_common_cfg (4.1.4.3).
enum Common : u32 {
    COMMON_DEVICE_SELECT = 0,
    COMMON_DEVICE_FEATURE = 4,
    COMMON_DRIVER_SELECT = 8,
    COMMON_DRIVER_FEATURE = 12,
    COMMON_CONFIG_VECTOR = 16,
    COMMON_STATUS = 20,
    COMMON_GENERATION = 21,
    COMMON_QUEUE = 22,
    COMMON_QUEUE_SIZE = 24,
    COMMON_QUEUE_VECTOR = 26,
    COMMON_QUEUE_ENABLE = 28,
    COMMON_QUEUE_NOTIFY = 30,
    COMMON_QUEUE_DESCRIPTORS = 32,
    COMMON_QUEUE_DRIVER = 40,
    COMMON_QUEUE_DEVICE = 48,
    COMMON_BYTES = 56
};

struct Descriptor {
    u64 address;
    u32 bytes;
    u16 flags, next;
};
static_assert(sizeof(Descriptor) == 16);
enum DescriptorFlags : u16 { DESCRIPTOR_NEXT = 1, DESCRIPTOR_WRITE = 2 };

} // namespace virtio
