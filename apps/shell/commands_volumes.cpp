// Commands about file systems: df fsck mkfs mount stress sync umount.
// SPDX-License-Identifier: BSD-2-Clause
#include "command.hpp"
#include "progress.hpp"

namespace shell {
namespace {

template <typename Show>
int for_volumes(Context &c, Show show) {
    for (u32 place = 0; place < vfs::kVolumesMax; place++) {
        sel::Result<vfs::Volume> volume = c.system.volume(place);
        if (!volume) {
            return volume.error() == ERR_NAME ? 0 : c.fail("{}", sel::describe(volume.error()));
        }
        if (volume->known != 0 ||
            volume->error != ERR_GONE) { // Else it is of a disk that is not there.
            show(*volume);
        }
    }
    return 0;
}

// False: its server has never been started, for there is no disk for it.
bool is_known(Context &c, std::string_view path) {
    bool known = false;
    for_volumes(c, [&](const vfs::Volume &v) { known = known || v.data == path; });
    return known;
}

// Tells how `change` to the only argument went.
int changed(Context &c, const sel::Result<> &done) {
    switch (done.error()) {
    case OK:
        return 0;
    case ERR_NAME:
        return c.fail("{}: no file system is mounted there", c.args[0]);
    case ERR_EXISTS:
        return c.fail("{}: it is mounted already", c.args[0]);
    case ERR_GONE:
        return c.fail("{}: it is taken out already", c.args[0]);
    case ERR_BUSY:
        return c.fail("{}: files are open there", c.args[0]);
    default:
        return c.fail_on(c.args[0], done.error());
    }
}

constexpr u32 kTries = 3;

// All steps of a check; tells now and then how far it is.
sel::Result<file::Checked> check(Context &c, std::string_view path) {
    Progress progress{c};
    sel::Result<file::Checked> found = c.system.check(path, 0);
    while (found && found->next != 0 && !c.system.interrupted()) {
        progress.tell(found->files, found->bytes);
        found = c.system.check(path, found->next);
    }
    return found;
}

} // namespace

int tell_unsaved(Context &c, error_t error) {
    if (error == ERR_RESTARTED) {
        return c.fail("a file system died: what was changed since the last sync may be lost");
    }
    bool told = false;
    for_volumes(c, [&](const vfs::Volume &v) {
        if (v.unsaved != OK) {
            c.fail("{}: what was changed last is not on the disk: {}", v.data,
                   sel::describe(v.unsaved));
            told = true;
        }
    });
    return told ? kFailed : c.fail("{}", sel::describe(error));
}

int command_df(Context &c) {
    c.out.print("{:<11}  {:<11}  {:<5}  {:<9}  {}\n", "USED", "FREE", "FILES", "SERVER", "ON");
    return for_volumes(c, [&](const vfs::Volume &v) {
        if (v.error != OK) {
            c.out.print("{:<11}  {:<11}  {:<5}  {:<9}  {}: {}\n", "-", "-", "-", v.server, v.data,
                        sel::describe(v.error));
            return;
        }
        u64 free = v.usage.bytes_max > v.usage.bytes ? v.usage.bytes_max - v.usage.bytes : 0;
        sel::Text<16> files;
        sel::format(files, "{}", v.usage.files);
        c.out.print("{:<11}  {:<11}  {:<5}  {:<9}  {}\n", size_text(v.usage.bytes), size_text(free),
                    v.usage.files_max != 0 ? files.view() : "-", v.server, v.data);
    });
}

int command_fsck(Context &c) {
    file::Path path;
    if (!c.path(c.args[0], path)) {
        return kFailed;
    }
    if (c.has("r")) {
        const std::string_view words[] = {"-r", path};
        return run_program(c, "mkfs", words);
    }
    sel::Result<file::Checked> found = check(c, path);
    for (u32 i = 1; i < kTries && (found.error() == ERR_BUSY || found.error() == ERR_GONE); i++) {
        found = check(c, path);
    }
    if (c.system.interrupted()) {
        return kInterrupted;
    }
    if (found.error() == ERR_BUSY || found.error() == ERR_GONE) {
        return c.fail("{}: files there are changed, or its server dies, again and again",
                      c.args[0]);
    }
    if (!found) {
        return c.fail_on(c.args[0], found.error());
    }
    c.out.print("{} files, {} directories, {} bytes, {}{} damaged\n", found->files,
                found->directories, found->bytes,
                found->unseen != 0 ? "too many clusters to look at the chains, " : "",
                found->damaged);
    return found->damaged == 0 ? 0 : kFailed;
}

int command_mount(Context &c) {
    if (c.args.empty()) {
        return for_volumes(c, [&](const vfs::Volume &v) {
            std::string_view disk = v.error == OK ? v.usage.data.view() : std::string_view{};
            c.out.print("{:<10} on {}{}{}{}\n", v.server, v.data, disk.empty() ? "" : ", ", disk,
                        v.mounted ? "" : ", taken out");
        });
    }
    file::Path path;
    if (!c.path(c.args.back(), path)) {
        return kFailed;
    }
    if (c.args.size() == 1 && is_known(c, path)) {
        return changed(c, c.system.mount(path));
    }
    const std::string_view words[] = {c.args[0], path};
    return run_program(c, "mount", std::span{words}.subspan(c.args.size() == 1 ? 1 : 0));
}

int command_mkfs(Context &c) {
    file::Path path;
    if (!c.path(c.args[0], path)) {
        return kFailed;
    }
    const std::string_view words[] = {"-f", path};
    return run_program(c, "mkfs", std::span{words}.subspan(c.has("f") ? 0 : 1));
}

int command_stress(Context &c) {
    file::Path path;
    if (!c.path(c.args[0], path)) {
        return kFailed;
    }
    const std::string_view words[] = {path, c.args[1], c.args.back()};
    return run_program(c, "stress", std::span{words}.first(c.args.size()));
}

int command_sync(Context &c) {
    sel::Result<> done = c.system.sync();
    return done ? 0 : tell_unsaved(c, done.error());
}

int command_umount(Context &c) {
    file::Path path;
    return c.path(c.args[0], path) ? changed(c, c.system.unmount(path)) : kFailed;
}

} // namespace shell
