// Keeper: history on a disk, a line at a time.
// SPDX-License-Identifier: BSD-2-Clause
#include "keeper.hpp"

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
    system_.close(*handle);
    last_ = history.size() == 0 ? History::Entry{} : History::Entry{history.line(0)};
}

bool Keeper::has_start() {
    return there_ && system_.stat(kStart).ok();
}

void Keeper::save(const History &history) {
    if (!there_ || history.size() == 0 || history.line(0) == last_.view()) {
        return;
    }
    last_ = History::Entry{history.line(0)};
    if (bytes_ + last_.size + 1 > kBytesMax) {
        make_anew(history);
        return;
    }
    sel::Result<u32> handle = system_.open(kHistory, file::kWrite | file::kCreate);
    if (handle) {
        bytes_ += append(*handle, last_) ? last_.size + 1 : 0;
        system_.close(*handle);
    }
}

bool Keeper::append(u32 handle, std::string_view line) {
    sel::Text<kLineMax + 1> text{line};
    text.append('\n');
    return system_.append(handle, text).ok();
}

// The newest lines, in half of the room.
void Keeper::make_anew(const History &history) {
    u32 lines = 0, bytes = 0;
    while (lines < history.size() && bytes + history.line(lines).size() + 1 <= kBytesMax / 2) {
        bytes += static_cast<u32>(history.line(lines).size()) + 1;
        lines++;
    }
    sel::Result<u32> handle =
        system_.open(kNewHistory, file::kWrite | file::kCreate | file::kTruncate);
    if (!handle) {
        return;
    }
    bool done = true;
    for (u32 age = lines; done && age > 0; age--) {
        done = append(*handle, history.line(age - 1));
    }
    system_.close(*handle);
    if (done && system_.rename(kNewHistory, kHistory).ok()) {
        bytes_ = bytes;
    }
}

} // namespace shell
