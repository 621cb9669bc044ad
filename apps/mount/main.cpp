// Mount: puts the file system of a disk into the name space, through one of the servers that are there for that.
// SPDX-License-Identifier: BSD-2-Clause
//
//   mount               at the boot: each disk that nobody uses, in their order, as long as there are places
//   mount PATH          the first disk that nobody uses
//   mount DISK PATH     this one: by its name (`nvme:2`), or by the label of its partition
// The servers of one kind are called like the first of them, with a number behind: fs, fs2. Each is told its disk
// as its argument, which it keeps when it is started anew.
#include "mount.caps.hpp"

#include "servers/stream/print.hpp"

#include "sel/environment.hpp"
#include "sel/format.hpp"

namespace {

enum : int { kGood = 0, kBad = 1, kUsage = 2 };

constexpr u32 kTries = 3;

template <typename... Ts>
int fail(std::string_view pattern, const Ts &...values) {
    sel::Text<280> text;
    sel::format(text, pattern, values...);
    stream::Printer{caps::console}("error: mount: {}\n", text);
    return kBad;
}

sel::Result<vfs::Volume> volume(u32 place) {
    sel::Result<vfs::Volume> found = caps::volumes.call(vfs::GetVolume{.place = place});
    for (u32 i = 1; i < kTries && found.error() == ERR_RESTARTED; i++) {
        found = caps::volumes.call(vfs::GetVolume{.place = place});
    }
    return found;
}

sel::Result<vfs::Volume> volume(std::string_view path) {
    for (u32 place = 0; place < vfs::kVolumesMax; place++) {
        sel::Result<vfs::Volume> found = volume(place);
        if (!found || found->data == path) {
            return found;
        }
    }
    return ERR_NAME;
}

bool serves(const vfs::Volume &v) {
    return v.mounted != 0 && v.error == OK;
}

using Kind = sel::Named<volume::Control>;

// nullptr: it is none that has a disk.
const Kind *kind_of(const vfs::Volume &v) {
    for (const Kind &kind : caps::disks) {
        if (v.server.view().starts_with(kind.name)) {
            return &kind;
        }
    }
    return nullptr;
}

// Another server of this kind has it.
bool is_used(const Kind &kind, std::string_view disk) {
    for (u32 place = 0; place < vfs::kVolumesMax; place++) {
        sel::Result<vfs::Volume> v = volume(place);
        if (!v) {
            return false;
        }
        if (kind_of(*v) == &kind && serves(*v) && v->usage.data == disk) {
            return true;
        }
    }
    return false;
}

sel::Result<volume::Found> disk_at(const Kind &kind, u32 place) {
    sel::Result<volume::Found> found = kind.client.call(volume::GetDisk{.place = place});
    for (u32 i = 1; i < kTries && found.error() == ERR_RESTARTED; i++) {
        found = kind.client.call(volume::GetDisk{.place = place});
    }
    return found;
}

constexpr u32 kDisks = 3 * block::kDisks; // At most: three drivers.

// The first one from `place` on that nobody uses; `place` is then behind it. Empty: there is none.
block::DiskName next_disk(const Kind &kind, u32 &place) {
    while (place < kDisks) {
        sel::Result<volume::Found> found = disk_at(kind, place++);
        if (!found) {
            return {};
        }
        if (!is_used(kind, found->data)) {
            return found->data;
        }
    }
    return {};
}

struct Meant {
    block::DiskName disk;
    u32 count = 0; // So many fit.
};
Meant find_disk(const Kind &kind, std::string_view text) {
    Meant meant;
    for (u32 place = 0; place < kDisks; place++) {
        sel::Result<volume::Found> found = disk_at(kind, place);
        if (!found) {
            break;
        }
        if (found->data == text) {
            return {found->data, 1};
        }
        if (found->label == text) {
            meant = {found->data, meant.count + 1};
        }
    }
    return meant;
}

// The server of `v` is told its disk, and is in the name space if it has a file system there.
sel::Result<> attach(const vfs::Volume &v, std::string_view disk) {
    sel::Result<u32> number = caps::view.call(root::Find{.data = v.server.view()});
    if (!number) {
        return number.error();
    }
    sel::Result<root::Program> program = caps::view.call(root::GetProgram{.number = *number});
    if (program.ok() && program->state == root::State::RUNNING) {
        [[maybe_unused]] auto stopped =
            caps::control.call(root::Stop{.number = *number, .code = 0, .keep = 1});
    }
    if (auto started = caps::control.call(root::Start{.number = *number, .data = disk}); !started) {
        return started;
    }
    sel::Result<> in = caps::mounting.call(vfs::Mount{.data = v.data});
    if (!in && in.error() != ERR_EXISTS) {
        return in;
    }
    sel::Result<vfs::Volume> now = volume(v.data.view());
    error_t error = now.ok() ? now->error : now.error();
    if (error != OK) { // It is not to look for it again with each request.
        [[maybe_unused]] auto out = caps::mounting.call(vfs::Unmount{.data = v.data});
    }
    return error;
}

int explain(std::string_view disk, std::string_view path, error_t error) {
    switch (error) {
    case OK:
        return kGood;
    case ERR_NAME:
        return fail("{}: nothing on {} that can be used there; the log says why, and mkfs {} makes "
                    "a file system",
                    path, disk, path);
    case ERR_BUSY:
        return fail("{}: somebody else writes to {}", path, disk);
    default:
        return fail("{}: {}: {}", path, disk, sel::describe(error));
    }
}

int run(std::string_view disk, std::string_view path) {
    sel::Result<vfs::Volume> v = volume(path);
    const Kind *kind = v.ok() ? kind_of(*v) : nullptr;
    if (kind == nullptr) {
        return fail("{}: no disk can be mounted there", path);
    }
    if (serves(*v)) {
        return fail("{}: it is mounted already", path);
    }
    u32 place = 0;
    Meant meant = disk.empty() ? Meant{next_disk(*kind, place), 1} : find_disk(*kind, disk);
    if (meant.count > 1) {
        return fail("{}: {} disks have a partition of this label", disk, meant.count);
    }
    if (meant.disk.size == 0) {
        return disk.empty()
                   ? fail("{}: there is no disk for it that is not in use", path)
                   : fail("{}: there is no such disk, or it has no partition for {}", disk, path);
    }
    if (is_used(*kind, meant.disk)) {
        return fail("{} is mounted already", meant.disk);
    }
    return explain(meant.disk, path, attach(*v, meant.disk).error());
}

// The next disks, one after the other, until one has a file system.
bool fill(const vfs::Volume &v, const Kind &kind, u32 &disk) {
    for (;;) {
        block::DiskName name = next_disk(kind, disk);
        if (name.size == 0) {
            return false;
        }
        if (attach(v, name).ok()) {
            return true;
        }
    }
}

// All disks, into the places in their order.
void run_all() {
    for (const Kind &kind : caps::disks) {
        u32 disk = 0;
        bool more = true;
        for (u32 place = 0; more && place < vfs::kVolumesMax; place++) {
            sel::Result<vfs::Volume> v = volume(place);
            more = v.ok();
            const Kind *of = more ? kind_of(*v) : nullptr;
            if (of != nullptr && of == &kind && v->known == 0 && v->server != of->name) {
                more = fill(*v, kind, disk);
            }
        }
    }
}

} // namespace

int main() {
    std::string_view path = sel::environment().argument_text(), disk;
    if (path.empty()) {
        run_all();
        return kGood;
    }
    if (std::size_t space = path.find(' '); space != path.npos) {
        disk = path.substr(0, space);
        path.remove_prefix(space + 1);
    }
    if (path.empty() || path.front() != '/' || path.find(' ') != path.npos) {
        fail("expected [DISK] PATH");
        return kUsage;
    }
    return run(disk, path);
}
