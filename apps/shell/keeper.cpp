// Keeper: history on a disk, a line at a time.
// SPDX-License-Identifier: BSD-2-Clause
#include "keeper.hpp"

#include "new_file.hpp"

namespace shell {

void Keeper::load(History &history) {
    sel::Result<file::Info> disk = system_.stat(kDisk);
    there_ = disk.ok() && disk->kind == file::Kind::Directory;
    if (!there_) {
        return;
    }
    sel::Result<> made = system_.make_directory(kFolder);
    there_ = made.ok() || made.error() == ERR_EXISTS;
    sel::Result<u32> handle = system_.open(kHistory, 0);
    if (!handle) {
        return;
    }
    History::Entry line;
    char piece[file::kChunk];
    while (bytes_ < 2 * kBytesMax) {
        u32 count = system_.read(*handle, bytes_, piece).value_or(0);
        if (count == 0) {
            break;
        }
        for (char c : std::string_view{piece, count}) {
            if (c != '\n') {
                line.append(c);
                continue;
            }
            if (refuse(line).size == 0) {
                history.add(line);
            }
            line.clear();
        }
        bytes_ += count;
    }
    [[maybe_unused]] auto closed = system_.close(*handle); // Only read.
    last_ = history.size() == 0 ? History::Entry{} : History::Entry{history.line(0)};
}

bool Keeper::has_start() {
    return there_ && system_.stat(kStart).ok();
}

sel::Result<> Keeper::save(const History &history) {
    if (!there_ || history.size() == 0 || history.line(0) == last_.view()) {
        return {};
    }
    last_ = History::Entry{history.line(0)};
    if (bytes_ + last_.size + 1 > kBytesMax) {
        return make_anew(history);
    }
    sel::Result<u32> handle = system_.open(kHistory, file::kWrite | file::kCreate);
    if (!handle) {
        return handle.error();
    }
    sel::Result<> added = append(*handle, last_), closed = system_.close(*handle);
    bytes_ += added && closed ? last_.size + 1 : 0;
    return added ? closed : added;
}

sel::Result<> Keeper::append(u32 handle, std::string_view line) {
    sel::Text<kLineMax + 1> text{line};
    text.append('\n');
    return system_.append(handle, text);
}

// The newest lines, in half of the room.
sel::Result<> Keeper::make_anew(const History &history) {
    u32 lines = 0, bytes = 0;
    while (lines < history.size() && bytes + history.line(lines).size() + 1 <= kBytesMax / 2) {
        bytes += static_cast<u32>(history.line(lines).size()) + 1;
        lines++;
    }
    NewFile file{system_};
    sel::Result<> done = file.open(kHistory);
    for (u32 age = lines; done && age > 0; age--) {
        sel::Text<kLineMax + 1> text{history.line(age - 1)};
        text.append('\n');
        done = file.append(text);
    }
    done = file.end(done);
    bytes_ = done ? bytes : bytes_;
    return done;
}

} // namespace shell
