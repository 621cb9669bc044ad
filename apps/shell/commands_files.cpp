// Commands that name files: cat cp ls mkdir mv rm touch write.
// SPDX-License-Identifier: BSD-2-Clause
#include "calendar.hpp"
#include "new_file.hpp"
#include "progress.hpp"
#include "source.hpp"
#include "walk.hpp"

namespace shell {
namespace {

constexpr u32 kWriteMax = 4096; // Bytes of the words that `write` takes.

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

// Writes everything that `source` has to `to`, which has its old content until all is on the disk. `progress`: nullptr,
// or who tells of it.
int save(Context &c, Source &source, std::string_view name, std::string_view to,
         Progress *progress) {
    constexpr u64 kTellEvery = 256 * 1024;
    NewFile file{c.system};
    sel::Result<> done = file.open(to);
    u64 bytes = 0; // Not told of yet.
    for (std::string_view piece = source.next(); done && !piece.empty();
         piece = done ? source.next() : piece) {
        done = file.append(piece);
        bytes += piece.size();
        if (progress != nullptr && bytes >= kTellEvery) {
            progress->add(0, bytes);
            bytes = 0;
        }
    }
    if (source.failed()) { // That has been told.
        [[maybe_unused]] auto given_up = file.end(ERR_EMPTY);
        return kFailed;
    }
    if (progress != nullptr) {
        progress->add(1, bytes);
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

// Where FROM, called `from`, goes when it is copied or moved to `typed`: into it, if that is another directory, under
// the name that it has. False: the error has been told.
bool destination(Context &c, std::string_view from, std::string_view typed, file::Path &to) {
    if (!c.path(typed, to)) {
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
    if (directory) {
        sel::Text<file::kNameMax + 1> shown{name};
        shown.append("/");
        c.out.styled(stream::Style::Directory, shown);
        c.out.write("\n");
    } else {
        c.out.print("{}\n", name);
    }
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

// Of `cp -r`: one of the things below `from`, and below `to` under the same name. False: the error has been told.
bool copy_one(Context &c, const Walk::Step &step, std::string_view from, std::string_view to,
              Progress &progress) {
    file::Path path;
    sel::Text<2 * file::kPathMax> below{to};
    below.append(step.path.substr(from == "/" ? 0 : from.size()));
    if (!c.path(below, path)) {
        return false;
    }
    if (step.info.kind == file::Kind::Directory) {
        sel::Result<> made = c.system.make_directory(path);
        if (!made && made.error() != ERR_EXISTS) {
            c.fail_on(path, made.error());
        }
        return made || made.error() == ERR_EXISTS;
    }
    Source source{c, step.path};
    return source.open() && save(c, source, path, path, &progress) == 0;
}

int copy_tree(Context &c, std::string_view from, std::string_view to) {
    sel::Result<file::Path> inside = c.system.resolve(from);
    sel::Result<> made = c.system.make_directory(to);
    sel::Result<file::Path> outside = c.system.resolve(to);
    if (!inside || !outside) {
        return c.fail_on(inside ? to : from, inside ? made.error() : inside.error());
    }
    auto end = [](const file::Path &path) { return path.view() == "/" ? 0 : path.size; };
    if (outside->view().starts_with(inside->view().substr(0, end(*inside))) &&
        (outside->size == end(*inside) || outside->view()[end(*inside)] == '/')) {
        if (made) {
            [[maybe_unused]] auto gone = c.system.remove(to);
        }
        return c.fail("{} lies in {}", to, from);
    }
    if (!made && made.error() != ERR_EXISTS) {
        return c.fail_on(to, made.error());
    }
    Progress progress{c};
    Walk walk{c.system, from};
    auto step = walk.next();
    for (; step && !c.system.interrupted(); step = walk.next()) {
        if (!step->leaves && !copy_one(c, *step, from, to, progress)) {
            return kFailed;
        }
    }
    if (c.system.interrupted()) {
        return kInterrupted;
    }
    return step || step.error() == ERR_EMPTY ? 0 : c.fail_on(from, step.error());
}

int copy(Context &c, std::string_view typed) {
    file::Path from, to;
    if (!c.path(typed, from) || !destination(c, from, c.args.back(), to)) {
        return kFailed;
    }
    sel::Result<file::Info> info = c.system.stat(from);
    if (info && info->kind == file::Kind::Directory) {
        return c.has("r") ? copy_tree(c, from, to)
                          : c.fail("{}: it is a directory: cp -r does that", typed);
    }
    if (are_same(c, from, to)) {
        return c.fail("{} and {} are the same file", typed, c.args.back());
    }
    Source source{c, typed};
    Progress progress{c};
    return source.open() ? save(c, source, c.args.back(), to, &progress) : kFailed;
}

int move(Context &c, std::string_view typed) {
    file::Path from, to;
    if (!c.path(typed, from) || !destination(c, from, c.args.back(), to)) {
        return kFailed;
    }
    sel::Result<> done = c.system.rename(from, to);
    switch (done.error()) {
    case OK:
        return 0;
    case ERR_ARG:
        return c.fail("{} is a root, or {} lies in it", typed, c.args.back());
    case ERR_FULL:
        return c.fail("{}: the directory is full, or a path below {} would have more than {} bytes",
                      to, typed, file::kPathMax);
    default:
        return c.fail_on(done.error() == ERR_NAME ? typed : c.args.back(), done.error());
    }
}

// What `each` does with every argument but the last one, which is a directory if they are several.
template <typename Each>
int for_sources(Context &c, Each each) {
    if (c.args.size() > 2) {
        file::Path to;
        if (!c.path(c.args.back(), to)) {
            return kFailed;
        }
        sel::Result<file::Info> info = c.system.stat(to);
        if (!info || info->kind != file::Kind::Directory) {
            return c.fail("{}: several files need a directory to go to", c.args.back());
        }
    }
    int status = 0;
    for (std::string_view from : c.args.first(c.args.size() - 1)) {
        int code = c.system.interrupted() ? int{kInterrupted} : each(from);
        status = code != 0 ? code : status;
    }
    return status;
}

// The directory `path` and all in it: always what is first, deeper and deeper, until nothing is left. `path` is what could
// not be removed, if that fails.
sel::Result<> remove_tree(Context &c, file::Path &path) {
    std::size_t top = path.size;
    Progress progress{c};
    while (!c.system.interrupted()) {
        sel::Result<file::Entries> entries = c.system.list(path, 0);
        file::Entry entry;
        u32 at = 0;
        if (entries && entries->take(at, entry)) {
            std::size_t before = path.size;
            if (before + 1 + entry.name.size() > file::kPathMax) {
                return ERR_SYNTAX;
            }
            path.append('/');
            path.append(entry.name);
            if (entry.info.kind == file::Kind::Directory) {
                continue;
            }
            if (sel::Result<> done = c.system.remove(path); !done) {
                return done;
            }
            path.size = static_cast<u32>(before);
        } else if (entries.error() != ERR_EMPTY) {
            return entries.error();
        } else {
            if (sel::Result<> done = c.system.remove(path); !done || path.size == top) {
                return done;
            }
            path.size = static_cast<u32>(path.view().rfind('/'));
        }
        progress.add(1, 0);
    }
    return {};
}

// `path` and the directories above it, as far as they are not there.
sel::Result<> make_path(Context &c, std::string_view path) {
    for (std::size_t end = path.find('/', 1);; end = path.find('/', end + 1)) {
        std::string_view part = path.substr(0, end);
        sel::Result<> made = c.system.make_directory(part);
        sel::Result<file::Info> there =
            made ? sel::Result<file::Info>{ERR_EXISTS} : c.system.stat(part);
        bool good = made || (there && there->kind == file::Kind::Directory);
        if (!good || end == path.npos) {
            return good ? sel::Result<>{} : made;
        }
    }
}

// Also of a file that is there: something is added, if it is nothing.
sel::Result<> touch(System &system, std::string_view path) {
    sel::Result<u32> handle = system.open(path, file::kWrite | file::kCreate);
    if (!handle) {
        return handle.error();
    }
    sel::Result<> added = system.append(*handle, ""), closed = system.close(*handle);
    return added ? closed : added;
}

} // namespace

bool are_same(Context &c, std::string_view a, std::string_view b) {
    sel::Result<file::Path> first = c.system.resolve(a), second = c.system.resolve(b);
    return first && second && first->view() == second->view();
}

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
    return for_sources(c, [&](std::string_view from) { return copy(c, from); });
}

int command_ls(Context &c) {
    if (c.args.empty()) {
        return list(c, ".", c.has("l"));
    }
    int status = 0;
    for (std::string_view name : c.args) {
        if (c.args.size() > 1) {
            file::Path path;
            sel::Result<file::Info> info =
                c.path(name, path) ? c.system.stat(path) : sel::Result<file::Info>{ERR_NAME};
            if (info && info->kind == file::Kind::Directory) {
                c.out.print("{}:\n", name);
            }
        }
        int code = list(c, name, c.has("l"));
        status = code != 0 ? code : status;
    }
    return status;
}

int command_mkdir(Context &c) {
    return for_paths(c, [&](std::string_view path) {
        return c.has("p") ? make_path(c, path) : c.system.make_directory(path);
    });
}

int command_mv(Context &c) {
    return for_sources(c, [&](std::string_view from) { return move(c, from); });
}

int command_rm(Context &c) {
    int status = 0;
    for (std::string_view name : c.args) {
        file::Path path;
        sel::Result<file::Info> info =
            c.path(name, path) ? c.system.stat(path) : sel::Result<file::Info>{ERR_ARG};
        if (!info) {
            status = info.error() == ERR_ARG ? int{kFailed} : c.fail_on(name, info.error());
            continue;
        }
        bool tree = c.has("r") && info->kind == file::Kind::Directory;
        if (tree && path.view() == "/") {
            status = c.fail("/: everything is in it, so it is left alone");
            continue;
        }
        sel::Result<> done = tree ? remove_tree(c, path) : c.system.remove(path);
        if (!done && done.error() == ERR_CHILDREN) {
            status = c.fail("{}: the directory is not empty: rm -r does that", name);
        } else if (!done) {
            status = c.fail_on(tree ? path.view() : name, done.error());
        }
    }
    return c.system.interrupted() ? int{kInterrupted} : status;
}

int command_touch(Context &c) {
    return for_paths(c, [&](std::string_view path) { return touch(c.system, path); });
}

int command_write(Context &c) {
    file::Path to;
    if (!c.path(c.args[0], to)) {
        return kFailed;
    }
    if (c.args.size() == 1) {
        Source source{c, {}};
        return source.open() ? save(c, source, c.args[0], to, nullptr) : kUsage;
    }
    sel::Text<kWriteMax> line;
    for (std::string_view word : c.args.subspan(1)) {
        line.append(line.size == 0 ? "" : " ");
        line.append(word);
    }
    if (line.full()) {
        return c.fail("the words are longer than {} bytes", kWriteMax - 1);
    }
    line.append('\n');
    TextInput words{line};
    Context piped = c;
    piped.in = &words;
    Source source{piped, {}};
    return source.open() ? save(c, source, c.args[0], to, nullptr) : kFailed;
}

} // namespace shell
