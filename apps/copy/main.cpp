// Copy: writes what it reads, until the end.
// SPDX-License-Identifier: BSD-2-Clause
#include "copy.caps.hpp"

#include "sel/format.hpp"

namespace {

sel::Result<> copy() {
    for (;;) {
        sel::Result<stream::Input> input = caps::in.call(stream::Read{});
        if (!input || input->data.size == 0) {
            return input.error();
        }
        std::string_view text{reinterpret_cast<const char *>(input->data.byte), input->data.size};
        if (sel::Result<> written = stream::put_all(caps::out, text); !written) {
            return written;
        }
    }
}

} // namespace

int main() {
    sel::Result<> done = copy();
    if (!done) {
        sel::Text<100> why;
        sel::format(why, "copy: {}\n",
                    done.error() == ERR_GONE ? "nobody reads any more"
                                             : sel::describe(done.error()));
        [[maybe_unused]] auto said = stream::put_all(caps::terminal, why);
    }
    return done ? 0 : 1;
}
