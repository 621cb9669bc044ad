// Mkfs: makes the file system of a mount point anew, or repairs it.
// SPDX-License-Identifier: BSD-2-Clause
//
//   mkfs /disk       refuses if something is there already
//   mkfs -f /disk    goes on: all that was there is lost
//   mkfs -r /fat     repairs it; the shell's `fsck -r`
#include "mkfs.caps.hpp"

#include "servers/stream/print.hpp"

#include "sel/clock.hpp"
#include "sel/environment.hpp"
#include "sel/format.hpp"

namespace {

enum : int { kGood = 0, kBad = 1, kUsage = 2 };

constexpr u64 kProgressNs = 2 * sel::Clock::kSecond;

std::string_view command = "mkfs"; // That the person typed.

constexpr stream::Printer print{caps::console};

template <typename... Ts>
int fail(int status, std::string_view pattern, const Ts &...values) {
    sel::Text<280> text;
    sel::format(text, pattern, values...);
    print("error: {}: {}\n", command, text);
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

std::string_view name_of(u32 program) {
    static root::Program found;
    found = caps::view.call(root::GetProgram{.number = program}).value_or(root::Program{});
    return found.data.size == 0 ? "somebody else" : found.data.view();
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
    case ERR_BUSY:
        return fail(kBad, "{}: {} writes to the disk", path,
                    made.ok() ? name_of(made->user) : "somebody else");
    default:
        return fail(kBad, "{}: {}", path, sel::describe(error));
    }
}

int explain(std::string_view path, const sel::Result<volume::Repaired> &found) {
    switch (found.error()) {
    case OK:
        print("{} damaged, {} repaired\n", found->damaged, found->repaired);
        return found->damaged == found->repaired ? kGood : kBad;
    case ERR_NAME:
        return fail(kBad, "{}: there is no disk, or nothing on it that could be repaired", path);
    case ERR_TYPE:
        return fail(kBad, "{}: this file system is whole or it is not: it has nothing to repair",
                    path);
    case ERR_RIGHT:
        return fail(kBad, "{} is read-only", path);
    case ERR_FULL:
        return fail(kBad, "{}: it has too many clusters", path);
    default:
        return fail(kBad, "{}: {}", path, sel::describe(found.error()));
    }
}

// All steps; tells now and then how far it is.
sel::Result<volume::Repaired> repair(sel::Client<volume::Control> server) {
    sel::Clock clock = sel::clock();
    u64 told = clock.nanoseconds(sel::now());
    sel::Result<volume::Repaired> found = server.call(volume::Repair{.step = 0});
    while (found.ok() && found->next != 0) {
        u64 now = clock.nanoseconds(sel::now());
        if (now - told >= kProgressNs) {
            told = now;
            print("fsck: {} of {} clusters so far\n", found->seen, found->all);
        }
        found = server.call(volume::Repair{.step = found->next});
    }
    return found;
}

enum class Task { Make, MakeOver, Repair };

// `path` is taken out of the name space meanwhile.
int run(std::string_view path, Task task) {
    const auto *server = find_server(path);
    if (server == nullptr) {
        return fail(kBad, "{}: expected where a disk is mounted (mount lists them)", path);
    }
    sel::Result<> out = caps::mounting.call(vfs::Unmount{.data = path});
    if (!out && out.error() != ERR_GONE) {
        return out.error() == ERR_BUSY ? fail(kBad, "{}: files are open there", path)
                                       : fail(kBad, "{}: {}", path, sel::describe(out.error()));
    }
    int status;
    if (task == Task::Repair) {
        status = explain(path, repair(server->client));
    } else {
        volume::Format format{.force = task == Task::MakeOver ? 1u : 0u};
        status = explain(path, server->client.call(format));
    }
    sel::Result<> back = caps::mounting.call(vfs::Mount{.data = path});
    return status != kGood || back.ok()
               ? status
               : fail(kBad, "{}: that is done, but it cannot be mounted: {}", path,
                      sel::describe(back.error()));
}

} // namespace

int main() {
    std::string_view path = sel::environment().argument_text();
    Task task = path.starts_with("-f ") ? Task::MakeOver : Task::Make;
    if (path.starts_with("-r ")) {
        task = Task::Repair;
        command = "fsck";
    }
    path.remove_prefix(task == Task::Make ? 0 : 3);
    if (path.empty() || path.front() != '/' || path.find(' ') != path.npos) {
        return fail(kUsage, "expected [{}] PATH, where a disk is mounted",
                    task == Task::Repair ? "-r" : "-f");
    }
    return run(path, task);
}
