// Commands that name files: cat cp ls mkdir mv rm write.
// SPDX-License-Identifier: BSD-2-Clause
#include "calendar.hpp"
#include "new_file.hpp"
#include "parser.hpp"
#include "source.hpp"

namespace shell {
namespace {

// Copies everything to the command's output.
int show(Context &c, std::string_view name) {
    Source source{c, name};
    if (!source.open()) {
        return kFailed;
    }
    for (std::string_view piece = source.next(); !piece.empty(); piece = source.next()) {
        c.out.write(piece);
    }
    return source.failed() ? kFailed : 0;
}

// Writes everything that `source` has to `to`, which has its old content until all is on the disk.
int save(Context &c, Source &source, std::string_view name, std::string_view to) {
    NewFile file{c.system};
    sel::Result<> done = file.open(to);
    for (std::string_view piece = source.next(); done && !piece.empty();
         piece = done ? source.next() : piece) {
        done = file.append(piece);
    }
    if (source.failed()) { // That has been told.
        [[maybe_unused]] auto given_up = file.end(ERR_EMPTY);
        return kFailed;
    }
    done = file.end(done);
    return done ? 0 : c.fail_on(name, done.error());
}

std::string_view last_name(std::string_view path) {
    while (path.size() > 1 && path.ends_with('/')) {
        path.remove_suffix(1);
    }
    return path.substr(path.rfind('/') + 1);
}

bool are_same(Context &c, std::string_view a, std::string_view b) {
    sel::Result<file::Path> first = c.system.resolve(a), second = c.system.resolve(b);
    return first && second && first->view() == second->view();
}

// Where FROM goes when it is copied or moved to TO: into TO, if that is another directory, under
// the name that it has.
bool destination(Context &c, std::string_view from, file::Path &to) {
    if (!c.path(c.args[1], to)) {
        return false;
    }
    sel::Result<file::Info> info = c.system.stat(to);
    if (info && info->kind == file::Kind::Directory && !are_same(c, from, to)) {
        sel::Text<2 * file::kPathMax> inside{to.view()};
        inside.append(to.view().ends_with('/') ? "" : "/");
        sel::Result<file::Path> spelled = c.system.resolve(from);
        inside.append(last_name(spelled ? spelled->view() : from));
        return c.path(inside.view(), to);
    }
    return true;
}

void show_entry(Context &c, const file::Info &info, std::string_view name, bool details) {
    bool directory = info.kind == file::Kind::Directory;
    if (details) {
        DateText date = info.changed == 0 ? DateText{"-"} : date_text(info.changed);
        c.out.print("{} {:10}  {:<19}  ",
                    directory             ? "d"
                    : info.read_only != 0 ? "r"
                                          : "w",
                    info.bytes, date.view());
    }
    c.out.print("{}{}\n", name, directory ? "/" : "");
}

int list(Context &c, std::string_view name, bool details) {
    file::Path path;
    if (!c.path(name, path)) {
        return kFailed;
    }
    sel::Result<file::Info> info = c.system.stat(path);
    if (!info) {
        return c.fail_on(name, info.error());
    }
    if (info->kind == file::Kind::File) {
        show_entry(c, *info, name, details);
        return 0;
    }
    sel::Result<> listed = each_entry(c.system, path, [&](const file::Entry &entry) {
        show_entry(c, entry.info, entry.name, details);
        return !c.out.broken() && !c.system.interrupted();
    });
    return listed.ok() ? 0 : c.fail_on(name, listed.error());
}

// Does `change` to every argument; tells each failure.
template <typename Change>
int for_paths(Context &c, Change change) {
    int status = 0;
    for (std::string_view name : c.args) {
        file::Path path;
        if (!c.path(name, path)) {
            status = kFailed;
            continue;
        }
        sel::Result<> done = change(path);
        if (!done) {
            status = c.fail_on(name, done.error());
        }
    }
    return status;
}

} // namespace

int command_cat(Context &c) {
    if (c.args.empty()) {
        return show(c, {});
    }
    int status = 0;
    for (std::string_view name : c.args) {
        int code = show(c, name);
        status = code != 0 ? code : status;
    }
    return status;
}

int command_cp(Context &c) {
    file::Path from, to;
    if (!c.path(c.args[0], from) || !destination(c, from, to)) {
        return kFailed;
    }
    if (are_same(c, from, to)) {
        return c.fail("{} and {} are the same file", c.args[0], c.args[1]);
    }
    Source source{c, c.args[0]};
    return source.open() ? save(c, source, c.args[1], to) : kFailed;
}

int command_ls(Context &c) {
    bool details = !c.args.empty() && c.args[0] == "-l";
    std::span<const std::string_view> names = c.args.subspan(details ? 1 : 0);
    if (names.empty()) {
        return list(c, "/", details);
    }
    int status = 0;
    for (std::string_view name : names) {
        int code = list(c, name, details);
        status = code != 0 ? code : status;
    }
    return status;
}

int command_mkdir(Context &c) {
    return for_paths(c, [&](std::string_view path) { return c.system.make_directory(path); });
}

int command_mv(Context &c) {
    file::Path from, to;
    if (!c.path(c.args[0], from) || !destination(c, from, to)) {
        return kFailed;
    }
    sel::Result<> done = c.system.rename(from, to);
    switch (done.error()) {
    case OK:
        return 0;
    case ERR_ARG:
        return c.fail("{} is a root, or {} lies in it", c.args[0], c.args[1]);
    case ERR_FULL:
        return c.fail("{}: the directory is full, or a path below {} would have more than {} bytes",
                      to, c.args[0], file::kPathMax);
    default:
        return c.fail_on(c.args[done.error() == ERR_NAME ? 0 : 1], done.error());
    }
}

int command_rm(Context &c) {
    return for_paths(c, [&](std::string_view path) { return c.system.remove(path); });
}

int command_write(Context &c) {
    file::Path to;
    if (!c.path(c.args[0], to)) {
        return kFailed;
    }
    if (c.args.size() == 1) {
        Source source{c, {}};
        return source.open() ? save(c, source, c.args[0], to) : kUsage;
    }
    char memory[kLineMax + 1];
    MemoryOutput text{memory};
    for (std::string_view word : c.args.subspan(1)) {
        text.write(text.view().empty() ? "" : " ");
        text.write(word);
    }
    text.write("\n");
    TextInput words{text.view()};
    Context piped{c.shell, c.system, c.args, c.name, &words, c.out, c.errors, 0};
    Source source{piped, {}};
    return source.open() ? save(c, source, c.args[0], to) : kFailed;
}

} // namespace shell
