// Experiment on restarts: what clients see whose server dies with their request in hand.
// SPDX-License-Identifier: BSD-2-Clause
#include "probe.hpp"

namespace probe {
namespace {

constexpr u64 kPatience = 1000; // Milliseconds until the experiment is given up.

struct Client {
    error_t (*ask)();   // Waits long.
    error_t (*again)(); // Is answered at once.
    error_t first = OK, second = OK;
    u32 done = 0;
};

void use(void *argument) {
    auto &client = *static_cast<Client *>(argument);
    client.first = client.ask();
    client.second = client.again();
    __atomic_store_n(&client.done, 1, __ATOMIC_SEQ_CST);
}

bool waits_for_answer(const sel::Thread &thread) {
    for (u64 i = 0; i < kPatience; i++) {
        auto info = thread.tcb().thread_info();
        if (info && info->state == STATE_REPLY) {
            return true;
        }
        sleep(1);
    }
    return false;
}

// Restarts the server while the client waits for its answer.
bool restart(Line &line, std::string_view server, Client &client) {
    sel::Thread thread{memory};
    auto number = caps::view.call(root::Find{.data = server});
    if (!number || !start(thread, 0, caps::slice, kPriority, use, &client) ||
        !waits_for_answer(thread) ||
        !caps::supervisor.call(supervisor::Restart{.number = *number})) {
        return false;
    }
    for (u64 i = 0; i < kPatience && __atomic_load_n(&client.done, __ATOMIC_SEQ_CST) == 0; i++) {
        sleep(1);
    }
    sel::format(line, " {} {} {}", client.done, static_cast<u32>(client.first),
                static_cast<u32>(client.second));
    return thread.end().ok();
}

error_t sleep_long() {
    constexpr u64 kNanoseconds = 100'000'000'000;
    return caps::timer.call(timer::Sleep{.ns = kNanoseconds}).error();
}
error_t ask_time() {
    return caps::timer.call(timer::Uptime{}).error();
}
error_t read_keys() {
    return caps::keyboard.call(stream::Read{}).error();
}
error_t ask_console() {
    return caps::console.call(stream::GetSize{}).error();
}

} // namespace

// For the timer and the console: whether the client came to its end, and its two errors.
bool measure_restarts(Line &line) {
    Client sleeper{sleep_long, ask_time}, reader{read_keys, ask_console};
    return restart(line, "timer", sleeper) && restart(line, "console", reader);
}

// Gives up reading three times, says so, and ends while it reads once more.
bool leave_keys(Line &line) {
    constexpr u64 kTypingMs = 500;
    u32 left = 0;
    for (u32 i = 0; i < 3; i++) {
        auto keys = caps::keyboard.call_within(sel::milliseconds(1), stream::Read{});
        left += keys.error() == ERR_TIMEOUT ? 1 : 0;
    }
    sel::format(line, " {}", left);
    [[maybe_unused]] auto told = stream::put_all(caps::console, "reading was given up\n");
    sleep(kTypingMs);
    return true;
}

} // namespace probe
