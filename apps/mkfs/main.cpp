// Mkfs: makes the file system of a mount point anew.
// SPDX-License-Identifier: BSD-2-Clause
//
//   mkfs /disk       refuses if something is there already
//   mkfs -f /disk    goes on: all that was there is lost
#include "mkfs.caps.hpp"

#include "sel/environment.hpp"
#include "sel/format.hpp"

namespace {

enum : int { kGood = 0, kBad = 1, kUsage = 2 };

template <typename... Ts>
int fail(int status, std::string_view pattern, const Ts &...values) {
    sel::Text<300> line{"error: mkfs: "};
    sel::format(line, pattern, values...);
    line.append('\n');
    console::Write write;
    write.data.assign({reinterpret_cast<const u8 *>(line.byte), line.size});
    [[maybe_unused]] auto taken = caps::console.call(write);
    return status;
}

// The server that has the disk of what is mounted at `path`; nullptr: there is none.
const sel::Named<volume::Control> *find_server(std::string_view path) {
    for (u32 place = 0;; place++) {
        sel::Result<vfs::Volume> mounted = caps::mounted.call(vfs::GetVolume{.place = place});
        if (!mounted) {
            return nullptr;
        }
        for (const auto &server : caps::disks) {
            if (mounted->data == path && mounted->server == server.name) {
                return &server;
            }
        }
    }
}

int explain(std::string_view path, const sel::Result<volume::Formatted> &made) {
    error_t error = made.ok() ? made->error : made.error();
    std::string_view found = made.ok() ? made->data.view() : std::string_view{};
    switch (error) {
    case OK:
        return kGood;
    case ERR_EXISTS:
        return fail(kBad, "{} {}; mkfs -f {} makes it anew, and all of that is lost", path, found,
                    path);
    case ERR_NAME:
        return fail(kBad, "{}: there is no disk, or it has no such partition", path);
    case ERR_RIGHT:
        return fail(kBad, "{} is read-only", path);
    case ERR_FULL:
        return fail(kBad, "{}: the disk is too small", path);
    default:
        return fail(kBad, "{}: {}", path, sel::describe(error));
    }
}

int make(std::string_view path, bool force) {
    const auto *server = find_server(path);
    if (server == nullptr) {
        return fail(kBad, "{}: expected where a disk is mounted (mount lists them)", path);
    }
    sel::Result<> out = caps::mounting.call(vfs::Unmount{.data = path});
    if (!out && out.error() != ERR_GONE) {
        return out.error() == ERR_BUSY ? fail(kBad, "{}: files are open there", path)
                                       : fail(kBad, "{}: {}", path, sel::describe(out.error()));
    }
    sel::Result<volume::Formatted> made =
        server->client.call(volume::Format{.force = force ? 1u : 0u});
    sel::Result<> back = caps::mounting.call(vfs::Mount{.data = path});
    int status = explain(path, made);
    return status != kGood || back.ok() ? status
                                        : fail(kBad, "{}: it was made, but cannot be mounted: {}",
                                               path, sel::describe(back.error()));
}

} // namespace

int main() {
    std::string_view path = sel::environment().argument_text();
    bool force = path.substr(0, 3) == "-f ";
    path.remove_prefix(force ? 3 : 0);
    if (path.empty() || path.front() != '/' || path.find(' ') != path.npos) {
        return fail(kUsage, "expected [-f] PATH, where a disk is mounted");
    }
    return make(path, force);
}
