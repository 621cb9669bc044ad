// Volume: the disks of a file server: which there are; making and repairing a file system. Files themselves are reached by
// servers/file/api.hpp. The only header for its clients (apps/mkfs).
// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include "servers/block/api.hpp"

#include "sel/client.hpp"

namespace volume {

// `error`: OK; ERR_EXISTS something is there, and `force` was not 1; ERR_RIGHT it is read-only;
// ERR_BUSY files are open, or `user` writes to the disk; ERR_FULL it is too small; ERR_IO the disk failed.
// `data`: for people, what was found there: "holds btrfs". Empty: nothing.
struct Formatted {
    error_t error;
    u32 user; // A program; 0: none.
    sel::Text<120> data;
};

// Makes the server's own file system, empty, on its disk. ERR_NAME: it has no disk. The server looks at
// the disk anew when a client next says file::CloseAll: whoever has it mounted takes it out before,
// and puts it back behind.
struct Format : sel::Asks<Formatted> {
    u32 force; // 0 or 1.
};

// Mends what is between files and can be mended, a step with each request. Step 0 begins; then ask for
// `next` as long as it is not 0. The server looks at the disk anew as behind a Format, for which
// whoever has it mounted takes it out before, too. ERR_NAME: it has no disk, or nothing that could be
// repaired. ERR_TYPE: this file system needs none. ERR_BUSY: files are open, or somebody else writes to the disk. ERR_RIGHT: it is
// read-only. ERR_FULL: it is too large for that. ERR_GONE: somebody else has begun.
struct Repaired {
    u32 next;
    u32 damaged, repaired; // So far; the second of the first.
    u32 seen, all;         // How far it is.

    bool sound() const { return repaired <= damaged; }
};
struct Repair : sel::Asks<Repaired> {
    u32 step;

    bool accepts(const Repaired &r) const { return r.next == 0 || r.next == step + 1; }
};

// The disks of its drivers that have the server's number of partition, counted from 0 on to ERR_NAME behind
// the last one. By `data` a server is told, as its argument, which one to use; without it uses the first.
struct Found {
    u64 sectors;
    block::Label label;
    block::DiskName data;
};
struct GetDisk : sel::Asks<Found> {
    u32 place;
};

using Control = sel::Protocol<Format, Repair, GetDisk>;

} // namespace volume
