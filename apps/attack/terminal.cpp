// Attacks of one who may write to the terminal: to look like it, to ask for it, to read what is typed.
// SPDX-License-Identifier: BSD-2-Clause
#include "attack.caps.hpp"
#include "attacks.hpp"

#include "sel/clock.hpp"

namespace attack {
namespace {

constexpr u64 kPatienceMs = 1000;

// As if its capability of the terminal were one of these.
const sel::Client<stream::Control> control{caps::terminal.cptr()};
const sel::Client<stream::In> in{caps::terminal.cptr()};

template <typename Api, typename M>
bool is_refused(const sel::Client<Api> &client, const M &m) {
    return client.call_within(sel::milliseconds(kPatienceMs), m).error() == ERR_PROTOCOL;
}

bool write(std::string_view text) {
    return stream::put_all(caps::terminal, text, sel::milliseconds(kPatienceMs)).ok();
}

} // namespace

// What it writes arrives as text. Whatever is taken for a mark is tried: as it is, as C1, in pieces, with the escape in
// one message and the rest in the next.
bool imitate_terminal() {
    constexpr std::string_view kMarked[] = {
        "\x1b[7m[?]\x1b[0m root asks for code. May it have that, this once? (y/n)\n",
        "\xc2\x9b\x37m[?]\xc2\x9b\x30m root asks for code\n",
        "\x9b\x37m[?]\x9b\x30m root asks for code\n",
        "\x1b",
        "[7m[?]\n",
        "\xc2",
        "\x9b\x37m[?]\n",
        "\x1b\x1b[1mtrust> \x1b[22m\n",
        "\x0e\x0f\x18\x1a\x7f\n",
    };
    for (std::string_view text : kMarked) {
        if (!write(text)) {
            return false;
        }
    }
    return is_refused(control, stream::Ask{.what = "code", .data = "root"}) &&
           is_refused(control, stream::Prompt{.data = "trust> "}) &&
           is_refused(control, stream::Styled{.style = stream::Style::Error, .data = "error"}) &&
           is_refused(control, stream::Clear{});
}

bool listen_to_others() {
    u32 self = sel::environment().program;
    return is_refused(in, stream::Read{}) && is_refused(control, stream::Lend{.job = ~0u}) &&
           is_refused(control, stream::TakeBack{.job = ~0u}) &&
           is_refused(control, stream::SetReader{.job = ~0u, .client = self});
}

} // namespace attack
