// Show: shows a file of those that it was given; with `write` behind the path it writes to it.
// SPDX-License-Identifier: BSD-2-Clause
#include "show.caps.hpp"

#include "servers/file/absolute.hpp"

#include "sel/format.hpp"

namespace {

sel::Result<> show(u32 handle) {
    for (u64 offset = 0;;) {
        auto part =
            caps::files.call(file::Read{.handle = handle, .count = file::kChunk, .offset = offset});
        if (!part || part->data.size == 0) {
            return part.error();
        }
        std::string_view text{reinterpret_cast<const char *>(part->data.byte), part->data.size};
        if (sel::Result<> written = stream::put_all(caps::out, text); !written) {
            return written;
        }
        offset += part->data.size;
    }
}

sel::Result<> write(u32 handle) {
    constexpr std::string_view kText = "written by show\n";
    file::Append m{.handle = handle, .data = {}};
    m.data.assign({reinterpret_cast<const u8 *>(kText.data()), kText.size()});
    sel::Result<> written = caps::files.call(m);
    return written.ok() ? caps::files.call(file::Sync{.handle = handle}) : written;
}

} // namespace

int main() {
    std::string_view words = sel::environment().argument_text(),
                     path = words.substr(0, words.find(' '));
    bool writes = words.ends_with(" write");
    u32 flags = writes ? file::kWrite | file::kCreate : 0;
    sel::Result<file::Path> whole =
        file::absolute(sel::environment().variable(file::kDirectoryVariable), path);
    sel::Result<u32> handle =
        whole.ok() ? caps::files.call(file::Open{.flags = flags, .data = *whole}) : whole.error();
    sel::Result<> done = !handle ? handle.error() : writes ? write(*handle) : show(*handle);
    if (!done) {
        sel::Text<100> line;
        sel::format(line, "show: {}: {}\n", path, sel::describe(done.error()));
        [[maybe_unused]] auto said = stream::put_all(caps::terminal, line);
    }
    return done ? 0 : 2;
}
