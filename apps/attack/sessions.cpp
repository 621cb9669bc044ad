// Attacks by leaving: requests that are given up, handles that stay open.
// SPDX-License-Identifier: BSD-2-Clause
#include "attack.caps.hpp"
#include "attacks.hpp"

#include "sel/clock.hpp"

namespace attack {
namespace {

constexpr u64 kLong = 1000 * sel::Clock::kSecond;
constexpr u32 kRounds = 100; // More than any server has room for.
constexpr u32 kHandles = 32; // That a client of the vfs may have on one file system.

u64 a_moment() {
    return sel::milliseconds(1);
}

// Gives `ask` up again and again. Each time it must have waited, not been refused.
template <typename Ask>
bool gives_up(Ask ask) {
    for (u32 i = 0; i < kRounds; i++) {
        if (ask() != ERR_TIMEOUT) {
            return false;
        }
    }
    return true;
}

bool watches(const sel::Client<file::Api> &files, std::string_view path) {
    auto seen = files.call(file::Watch{.seen = 0, .data = path});
    return seen.ok() && gives_up([&] {
               return files.call_within(a_moment(), file::Watch{.seen = *seen, .data = path})
                   .error();
           });
}

// Gives reads up at once. Some are answered all the same; afterwards one that waits is answered, too.
bool reads(const sel::Client<file::Api> &files, std::string_view path) {
    auto handle = files.call(file::Open{.flags = 0, .data = path});
    if (!handle) {
        return false;
    }
    file::Read part{.handle = *handle, .count = 1, .offset = 0};
    for (u32 i = 0; i < kRounds; i++) {
        error_t error = files.call_within(1, part).error();
        if (error != OK && error != ERR_TIMEOUT) {
            return false;
        }
    }
    return files.call(part).ok() && files.call(file::Close{.handle = *handle}).ok();
}

bool opens_all(const sel::Client<file::Api> &files, std::string_view path) {
    for (u32 i = 0; i < kHandles; i++) {
        if (!files.call(file::Open{.flags = 0, .data = path})) {
            return false;
        }
    }
    return true;
}

} // namespace

bool leave_sleeps() {
    return gives_up([] {
               return caps::timer.call_within(a_moment(), timer::Sleep{.ns = kLong}).error();
           }) &&
           caps::timer.call(timer::Sleep{.ns = 1}).ok();
}

bool leave_reads() {
    bool disk = caps::disk.call(file::Stat{.data = "/x"}).ok();
    return reads(caps::files, "/motd") && (!disk || reads(caps::disk, "/x"));
}

bool leave_watches() {
    bool disk = caps::disk.call(file::Stat{.data = "/x"}).ok();
    return watches(caps::files, "/motd") && (!disk || watches(caps::disk, "/x"));
}

// Contained if nothing is held by an earlier life that did the same.
bool leave_handles() {
    bool disk = caps::disk.call(file::Stat{.data = "/x"}).ok();
    return opens_all(caps::files, "/motd") && (!disk || opens_all(caps::disk, "/x"));
}

bool sleep_for_ever() {
    return caps::timer.call(timer::Sleep{.ns = kLong}).ok();
}

} // namespace attack
