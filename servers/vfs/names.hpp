// Names: from the path that a client says to the file system that has it.
// SPDX-License-Identifier: BSD-2-Clause
//
// A client's "/" is the top of its subtree: what lies outside has no name for it. Mounts, and the subtrees of
// boot/system.toml, never change. Behind these stand those of programs that are started at run time. A binding
// holds until its program ends, which root counts in the environment; its place is used again when no thread has
// anything of it in hand. One thread binds at a time, and all look.
#pragma once

#include <array>
#include <atomic>

#include "api.hpp"
#include "servers/file/path.hpp"

#include "sel/environment.hpp"
#include "sel/mounts.hpp"

namespace vfs {

using FileSystem = sel::Mount<file::Api>;

class Names {
  public:
    static constexpr u32 kMountsMax = 16;

    // Both outlive the Names, and are as scripts/manifest.py makes them: "/" is mounted, and each
    // mount but "/" stands in the root of another.
    Names(std::span<const FileSystem> mounts, std::span<const sel::Subtree> clients)
        : mounts_{mounts}, clients_{clients} {
        for (std::atomic<u8> &part : part_) {
            part = kNobody;
        }
    }

    Names(const Names &) = delete;
    Names &operator=(const Names &) = delete;

    static constexpr u8 kNobody = 255; // A part of no client.

    u32 count() const { return static_cast<u32>(mounts_.size()); }
    const FileSystem &mount(u32 place) const { return mounts_[place]; }

    // Parts, with those for programs at run time.
    u32 clients() const { return static_cast<u32>(clients_.size()) + kBoundMax; }
    // nullptr: there is no such client.
    const sel::Subtree *client(u32 part) const {
        u32 fixed = static_cast<u32>(clients_.size());
        return part < fixed       ? &clients_[part]
               : part < clients() ? &bound_[part - fixed].tree
                                  : nullptr;
    }

    // --- Programs at run time.

    // How often a program has ended.
    static u32 ends_of(u32 program) {
        const u32 *ends = sel::environment().ends;
        return program - 1 < sel::Environment::kPrograms
                   ? __atomic_load_n(&ends[program - 1], __ATOMIC_SEQ_CST)
                   : 0;
    }

    static bool is_child(u32 client) {
        return client >= kFirstChild && client - kFirstChild < kChildren;
    }

    // The part of a client: as its badge says, or the one that it is bound to.
    u8 part_of(sel::Caller caller) const {
        if (!is_child(caller.client)) {
            return caller.part;
        }
        u8 part = part_[caller.client - kFirstChild];
        return part != kNobody && bound_[part - clients_.size()].holds(caller.client) ? part
                                                                                      : kNobody;
    }

    // `is_idle(part)`: no worker has anything of it in hand.
    template <typename IsIdle>
    sel::Result<> bind(u32 client, std::string_view text, bool read_only, IsIdle is_idle) {
        sel::Result<file::FullPath> path = file::FullPath::parse(text);
        if (!is_child(client) || !path) {
            return path ? ERR_ARG : path.error();
        }
        if (part_of({client, false}) != kNobody) {
            return ERR_EXISTS;
        }
        for (u32 i = 0; i < bound_.size(); i++) {
            u32 part = static_cast<u32>(clients_.size()) + i;
            Bound &bound = bound_[i];
            if (!bound.holds(bound.client) && is_idle(part)) {
                bound.client = 0;
                bound.path = *path;
                bound.tree = {bound.path.view(), read_only};
                bound.ends = ends_of(client);
                bound.client = client;
                part_[client - kFirstChild] = static_cast<u8>(part);
                return {};
            }
        }
        return ERR_FULL;
    }

    struct Place {
        u32 mount;
        file::FullPath inside; // As that file system names it.
    };
    sel::Result<Place> find(const sel::Subtree &client, std::string_view text) const {
        sel::Result<file::FullPath> path = file::FullPath::parse(text);
        if (!path) {
            return path.error();
        }
        sel::Result<file::FullPath> full = file::FullPath::parse(client.path);
        file::FullPath joined = full.value();
        if (!joined.join(path->view())) {
            return ERR_SYNTAX;
        }
        u32 mount = holder(joined);
        return Place{mount, joined.below(mounts_[mount].path)};
    }

    // What `client` calls the path `inside` in a mount: its subtree has as many names less in front,
    // however they are spelled.
    sel::Result<file::FullPath> shown(const sel::Subtree &client, u32 mount,
                                      std::string_view inside) const {
        file::FullPath full = *file::FullPath::parse(mounts_[mount].path);
        sel::Result<file::FullPath> top = file::FullPath::parse(client.path);
        if (!top || !full.join(inside)) {
            return ERR_SYNTAX;
        }
        std::string_view rest = full.view();
        for (file::FullPath way = *top; !way.is_root(); way.leave()) {
            rest.remove_prefix(std::min(rest.find('/', 1), rest.size()));
        }
        file::FullPath path;
        path.join(rest);
        return path;
    }

    // What is mounted at `text`; ERR_NAME: nothing.
    sel::Result<u32> find_mount(std::string_view text) const {
        sel::Result<file::FullPath> path = file::FullPath::parse(text);
        u32 place = 0;
        while (place < count() && path.ok() && path->view() != mounts_[place].path) {
            place++;
        }
        return path.ok() && place < count() ? sel::Result<u32>{place} : ERR_NAME;
    }

    // `client` can name all of this file system, or some of it.
    bool sees(const sel::Subtree &client, u32 mount) const {
        return file::FullPath::parse(mounts_[mount].path)->is_within(client.path) ||
               holder(*file::FullPath::parse(client.path)) == mount;
    }

    // Name of the mount point number `k` in the root of `mount`; empty: there are no more.
    std::string_view point(u32 mount, u32 k) const {
        for (const FileSystem &other : mounts_) {
            std::size_t slash = other.path.rfind('/');
            std::string_view parent = other.path.substr(0, slash == 0 ? 1 : slash);
            if (other.path != "/" && parent == mounts_[mount].path && k-- == 0) {
                return other.path.substr(slash + 1);
            }
        }
        return {};
    }

  private:
    static constexpr u32 kFirstChild = sel::Environment::kSystemPrograms + 1;
    static constexpr u32 kChildren =
        sel::Environment::kPrograms - sel::Environment::kSystemPrograms;

    struct Bound {
        std::atomic<u32> client = 0; // 0: nobody.
        std::atomic<u32> ends = 0;   // Of it, before.
        file::FullPath path;
        sel::Subtree tree{"/", true};

        bool holds(u32 program) const {
            return program != 0 && client == program && ends == ends_of(program);
        }
    };

    // The innermost mount that the path is within.
    u32 holder(const file::FullPath &path) const {
        u32 best = 0;
        std::size_t length = 0;
        for (u32 i = 0; i < count(); i++) {
            if (path.is_within(mounts_[i].path) && mounts_[i].path.size() > length) {
                best = i;
                length = mounts_[i].path.size();
            }
        }
        return best;
    }

    std::span<const FileSystem> mounts_;
    std::span<const sel::Subtree> clients_;
    std::array<Bound, kBoundMax> bound_{};
    std::array<std::atomic<u8>, kChildren> part_; // Of each program at run time.
};

} // namespace vfs
