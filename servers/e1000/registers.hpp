// What the driver uses of an 82540EM and an 82574L: registers, and descriptors.
// SPDX-License-Identifier: BSD-2-Clause
//
// Sources: PCI/PCI-X Family of Gigabit Ethernet Controllers Software Developer's Manual (8254x), revision 4.0: 3.2.3 receive
// descriptors, 3.3.6 and 3.3.7 transmit descriptors, 13.4 and 13.5 registers; 82574 GbE Controller Family Datasheet, revision
// 3.4: 7.1 and 7.2 the same descriptors, 7.4 interrupts, 10.2 registers.
#pragma once

#include "abi/types.h"

namespace e1000 {

enum Id : u32 { ID_82540EM = 0x100e, ID_82574L = 0x10d3 };

// All in the first block of registers.
enum Register : u32 {
    REG_CTRL = 0x0000,
    REG_STATUS = 0x0008,
    REG_EECD = 0x0010,
    REG_EERD = 0x0014,
    REG_CTRL_EXT = 0x0018,
    REG_ICR = 0x00c0,
    REG_ITR = 0x00c4,
    REG_IMS = 0x00d0,
    REG_IMC = 0x00d8,
    REG_EIAC = 0x00dc, // 82574 alone, and so are
    REG_IVAR = 0x00e4,
    REG_EITR = 0x00e8,
    REG_RCTL = 0x0100,
    REG_TCTL = 0x0400,
    REG_TIPG = 0x0410,
    REG_RECEIVE = 0x2800,  // A ring: see below.
    REG_TRANSMIT = 0x3800, // A ring.
    REG_RXCSUM = 0x5000,
    REG_MTA = 0x5200,
    REG_RAL = 0x5400,
    REG_RAH = 0x5404,
    REG_GCR = 0x5b00,  // these,
    REG_GCR2 = 0x5b64, // too.
    REG_BYTES = 0x5c00
};
// From REG_RECEIVE or REG_TRANSMIT on.
enum RingRegister : u32 {
    RING_BASE_LOW = 0x00,
    RING_BASE_HIGH = 0x04,
    RING_BYTES = 0x08,
    RING_HEAD = 0x10,
    RING_TAIL = 0x18,
    RING_DELAY = 0x20,
    RING_CONTROL = 0x28,
    RING_DELAY_MOST = 0x2c
};

enum Bits : u32 {
    CTRL_MASTER_DISABLE = 1u << 2, // 82574.
    CTRL_LRST = 1u << 3,           // 82540EM.
    CTRL_ASDE = 1u << 5,           // 82540EM.
    CTRL_SLU = 1u << 6,
    CTRL_ILOS = 1u << 7, // 82540EM.
    CTRL_FORCED = 3u << 11,
    CTRL_RST = 1u << 26,
    CTRL_PHY_RST = 1u << 31,
    STATUS_LU = 1u << 1,
    STATUS_MASTER = 1u << 19, // 82574.
    EECD_AUTO_RD = 1u << 9,   // 82574.
    EERD_START = 1,
    CTRL_EXT_DRIVER = 1u << 28, // 82574.
    CTRL_EXT_PBA = 1u << 31,    // 82574.
    CAUSE_TXDW = 1,
    CAUSE_LSC = 1u << 2,
    CAUSE_RXDMT0 = 1u << 4,
    CAUSE_RXT0 = 1u << 7,
    CAUSE_RXQ0 = 1u << 20, // 82574 with MSI-X: these three have messages.
    CAUSE_TXQ0 = 1u << 22,
    CAUSE_OTHER = 1u << 24,
    IVAR_ALL_TO_0 = 1u << 3 | 1u << 11 | 1u << 19, // Valid: receive, transmit, other.
    RCTL_EN = 1u << 1,
    RCTL_BAM = 1u << 15,   // Broadcasts; buffers of 2048 bytes are the default.
    RCTL_SECRC = 1u << 26, // Without its check sum.
    TCTL_EN = 1u << 1,
    TCTL_PSP = 1u << 3,
    TCTL_COLLISIONS = 0x0fu << 4 | 0x40u << 12,
    TIPG_82540EM = 6u << 20 | 8u << 10 | 10,
    TIPG_82574L = 6u << 20 | 8u << 10 | 8,
    RING_EACH = 1u << 24 | 1u << 16,   // Every descriptor is written back by itself.
    RING_COUNT_DESCRIPTORS = 1u << 22, // 82574: must be set for the ring to be sent.
    RXCSUM_ON = 1u << 9 | 1u << 8,
    RAH_VALID = 1u << 31,
    GCR_ERRATUM = 1u << 22, // Specification update of the 82574: completions that get lost.
    GCR2_ERRATUM = 1
};
inline constexpr u32 kGroupWords = 128; // Of REG_MTA.

// 16 bytes each. The second word says what was done with it: kDone.
struct Descriptor {
    u64 address;
    u64 word;
};
static_assert(sizeof(Descriptor) == 16);
inline constexpr u64 kDone = u64{1} << 32;

// Second word of one for receiving: bytes, check sum, status, errors.
enum ReceiveStatus : u32 { RECEIVE_END = 2, RECEIVE_IGNORE_SUMS = 4, RECEIVE_SUM = 0x20 };
enum ReceiveError : u32 { ERROR_OF_FRAME = 0x97, ERROR_SUM = 0x20 };

// Of one for sending.
enum TransmitBits : u64 {
    SEND_END = u64{1} << 24,
    SEND_CRC = u64{1} << 25,
    SEND_REPORT = u64{1} << 27,
    SEND_EXTENDED = u64{1} << 29,
    SEND_DATA = u64{1} << 20, // Else it says where the check sum is.
    SEND_SUM = u64{1} << 41
};

} // namespace e1000
