// Block: the protocol of disks. The only header for clients besides client.hpp.
// SPDX-License-Identifier: BSD-2-Clause
//
// A client lends its driver a region (root/api.hpp): pages of memory that stay as long as the driver or a device
// may touch them. Page 0 is a ring of 64 requests; the others hold data,
// and requests name them by number: nothing is copied. Request number k stands in slot k % 64.
//
//   Attach{disk, writes}        begin anew: both counts are 0, nothing is in flight; the token of the region comes along
//   write requests 0 to n-1     status = kPending, then
//   Submit{n, n}                one message for the batch; answered when all n are done
//   look at each status         OK, or what failed
//   Detach{}                    let go of it: others may write to it, and the region is the client's alone
//
// Of those that are attached, one writes to a sector at most: a partition and the whole disk have the
// same sectors. Who only reads is always let in, and may see what is half written.
//
// Requests of a batch may be done in any order and at the same time; only what is acknowledged
// before another one is submitted is ordered. A write that is acknowledged may still be lost with
// the power until a Flush submitted after it is acknowledged, or if it has kFua.
//
// A driver has up to kDisks disks, with numbers from 0 on, which stay the same as long as they are there. A
// client has a partition of each of them, always of the same number, and uses one disk at a time.
//
// Errors: ERR_NAME no such disk, nor one with a higher number, ERR_IO (of Info and Attach) it is there and
// cannot be used, ERR_EMPTY no such partition on it, ERR_RIGHT read-only, ERR_ARG sectors
// outside the partition, parts of a sector of the disk, a page that is not in the region or a malformed
// request, ERR_IO the device reported an error, ERR_TIMEOUT it did not answer and was reset. Attach:
// ERR_BUSY somebody else writes to some of these sectors, or something is in flight in another region of the client, or
// this region is in use by another; ERR_RIGHT no token came along; ERR_FULL there are too many clients; others as
// root::Borrow has them. Submit: ERR_BUSY not attached, or already
// waiting; ERR_ARG `submitted` runs backwards or more than 64 ahead.
// ERR_RESTARTED: the driver died; Attach, and repeat what was not acknowledged.
#pragma once

#include <atomic>

#include "sel/client.hpp"
#include "sel/format.hpp"

namespace block {

inline constexpr u32 kSectorBytes = 512; // What sectors are counted in, whatever a disk has.
inline constexpr u32 kPageBytes = 4096;
inline constexpr u32 kPageSectors = kPageBytes / kSectorBytes;
inline constexpr u32 kRequests = 64;     // Slots of the ring.
inline constexpr u32 kDisks = 8;         // Of a driver.
inline constexpr u32 kRequestPages = 16; // At most in one request.
inline constexpr u32 kPending = ~u32{0}; // Not an error_t.

enum class Op : u8 { Read, Write, Flush, Discard };

enum RequestFlags : u8 { kFua = 1 }; // A write is acknowledged when it is on the medium.

// The data begins `skip` bytes (whole sectors) into page[0], goes on at the start of each next page
// and ends in the last one. Flush has no sectors; Flush and Discard have no pages.
struct Request {
    u64 sector; // First one, counted in the partition.
    u32 sectors;
    Op op;
    u8 flags;
    u16 pages;
    u16 page[kRequestPages]; // In the region, from 1.
    u16 skip;
    u16 unused;
    std::atomic<u32> status; // kPending, then an error_t.
    u32 reserved[2];
};

struct Ring {
    Request slot[kRequests];
};
static_assert(sizeof(Request) == 64 && sizeof(Ring) == kPageBytes);

// What GPT says that a partition is for: its 16 bytes, as they stand on the disk.
struct Guid {
    u64 low, high;
    bool operator==(const Guid &) const = default;
};
// Partitions made for our littlefs (scripts/lib/disk.py has the same), and those of Linux.
inline constexpr Guid kSystemType{0x4232915d983bd8d4, 0xc82da7fd4cbaac89};
inline constexpr Guid kLinuxType{0x477284830fc63daf, 0xe47d47d8693d798e};

using Label = sel::Text<36>; // What a partition is called, in printable ASCII.
// What people call a disk: `nvme`, and `nvme:2` for the second one there.
using DiskName = sel::Text<24>;

// Number `number`, from 0 on, of a driver "NAME" or "NAME/PARTITION".
inline DiskName disk_name(std::string_view driver, u32 number) {
    DiskName name{driver.substr(0, driver.find('/'))};
    if (number != 0) {
        sel::format(name, ":{}", number + 1);
    }
    return name;
}

struct Disk {
    u64 sectors;
    u64 first;        // Where on the whole disk it begins.
    u32 sector_bytes; // kSectorBytes or kPageBytes: requests are whole ones of these.
    u32 read_only;    // 0 or 1.
    u32 pages_max;    // Data pages in one request, at most kRequestPages.
    u32 discard;      // 1: Discard does something.
    Guid type, id;    // Of the partition; zero: it has none. No two partitions have the same `id`.
    Label label;      // Of the partition.
    sel::Text<40> data; // Name of the device, for people.
};

// What the client's partition is.
struct Info : sel::Asks<Disk> {
    u32 disk;
};

// Within which the driver has answered, or has seen that the device works on it (server.hpp).
inline constexpr u32 kAnswerMs = 3'000;

// Answered when nothing of this client is in flight any more. Without `writes` all but Read and
// Flush are ERR_RIGHT. What ends an attachment: Detach, the next Attach, and the end of the client.
struct Attach : sel::Asks<void, kAnswerMs> {
    static constexpr bool kBrings = true;
    u32 disk;
    u32 writes; // 0 or 1.
};

// Answered when nothing of this client is in flight any more.
struct Detach : sel::Asks<void, kAnswerMs> {};

// Number of the program that writes to some sectors of the client's partition, but for the client
// itself. ERR_EMPTY: nobody.
struct GetWriter : sel::Asks<u32> {
    u32 disk;
};

// `completed`: requests 0 to completed-1 are done.
struct Progress {
    u64 completed;
};

// `submitted`: requests written to the ring since Attach, at most 64 more than are completed.
// Answered when `completed` is at least `until` (at most `submitted`; 0: at once).
struct Submit : sel::Asks<Progress, kAnswerMs> {
    u64 submitted, until;

    bool accepts(const Progress &p) const {
        return p.completed <= submitted && p.completed >= until;
    }
};

using Api = sel::Protocol<Info, Attach, Submit, Detach, GetWriter>;

} // namespace block
