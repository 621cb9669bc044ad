// Commands that look at all that lies in directories: du find.
// SPDX-License-Identifier: BSD-2-Clause
#include <array>

#include "glob.hpp"
#include "interpreter.hpp"
#include "progress.hpp"
#include "walk.hpp"

namespace shell {
namespace {

// A path of a walk that began at `top`, as it would be typed: behind the name of the top, as that was typed.
void show_path(Output &out, std::string_view typed, std::string_view top, std::string_view path) {
    out.write(typed);
    path.remove_prefix(top == "/" ? 0 : top.size());
    out.write(path.substr(typed.ends_with('/') && path.starts_with('/') ? 1 : 0));
    out.write("\n");
}

std::string_view name_in(std::string_view path) {
    return path.substr(path.rfind('/') + 1);
}

struct Wanted {
    std::string_view name; // A pattern; empty: all.
    bool files, directories;

    bool fits(std::string_view called, const file::Info &info) const {
        bool directory = info.kind == file::Kind::Directory;
        return (directory ? directories : files) && (name.empty() || matches(name, called));
    }
};

int find_in(Context &c, std::string_view typed, const Wanted &wanted) {
    file::Path top;
    if (!c.path(typed, top)) {
        return kFailed;
    }
    sel::Result<file::Info> info = c.system.stat(top);
    if (!info) {
        return c.fail_on(typed, info.error());
    }
    if (wanted.fits(name_in(top), *info)) {
        c.out.print("{}\n", typed);
    }
    if (info->kind == file::Kind::File) {
        return 0;
    }
    Walk walk{c.system, top};
    auto step = walk.next();
    for (; step && !c.out.broken() && !c.system.interrupted(); step = walk.next()) {
        if (!step->leaves && wanted.fits(name_in(step->path), step->info)) {
            show_path(c.out, typed, top, step->path);
        }
    }
    return step || step.error() == ERR_EMPTY ? 0 : c.fail_on(typed, step.error());
}

void show_size(Context &c, u64 bytes) {
    c.out.print("{:<11} ", size_text(bytes));
}

int show_sizes(Context &c, std::string_view typed) {
    file::Path top;
    if (!c.path(typed, top)) {
        return kFailed;
    }
    sel::Result<file::Info> info = c.system.stat(top);
    if (!info) {
        return c.fail_on(typed, info.error());
    }
    std::array<u64, Walk::kDepthMost + 2> sum{}; // In the directories that it is in.
    sum[0] = info->kind == file::Kind::File ? info->bytes : 0;
    Progress progress{c};
    Walk walk{c.system, top};
    auto step = info->kind == file::Kind::File ? sel::Result<Walk::Step>{ERR_EMPTY} : walk.next();
    for (; step && !c.out.broken() && !c.system.interrupted(); step = walk.next()) {
        if (step->leaves) {
            u64 inside = sum[step->depth + 1];
            sum[step->depth] += inside;
            if (!c.has("s")) {
                show_size(c, inside);
                show_path(c.out, typed, top, step->path);
            }
        } else if (step->info.kind == file::Kind::Directory) {
            sum[step->depth + 1] = 0;
        } else {
            sum[step->depth] += step->info.bytes;
            progress.add(1, step->info.bytes);
        }
    }
    if (!step && step.error() != ERR_EMPTY) {
        return c.fail_on(typed, step.error());
    }
    show_size(c, sum[0]);
    c.out.print("{}\n", typed);
    return 0;
}

// What `look` does with each argument, or with the directory if there are none.
template <typename Look>
int for_tops(Context &c, Look look) {
    if (c.args.empty()) {
        return look(".");
    }
    int status = 0;
    for (std::string_view top : c.args) {
        int code = look(top);
        status = code != 0 ? code : status;
    }
    return status;
}

} // namespace

int command_find(Context &c) {
    std::string_view type = c.options.value("type");
    if (c.has("type") && type != "f" && type != "d") {
        return c.usage("f (files) or d (directories) after -type");
    }
    Wanted wanted{c.options.value("name"), type != "d", type != "f"};
    return for_tops(c, [&](std::string_view top) { return find_in(c, top, wanted); });
}

int command_du(Context &c) {
    return for_tops(c, [&](std::string_view top) { return show_sizes(c, top); });
}

} // namespace shell
