// Check: tries libsel's allocator, threads, channels, time-outs, pools and regions on the real kernel.
// SPDX-License-Identifier: BSD-2-Clause
#include "check.caps.hpp"

#include "servers/stream/print.hpp"

#include "sel/channel.hpp"
#include "sel/clock.hpp"
#include "sel/environment.hpp"
#include "sel/format.hpp"
#include "sel/thread.hpp"

#include <span>

namespace {

constexpr u64 kThreadAddress =
    sel::kWindowBase + (1 << 20); // Between the small windows and the large one.
constexpr u8 kPriority = 60;
constexpr u32 kSlots = 16;
constexpr u64 kItems = 100'000;

using Memory = sel::AllocatorOf<24, 96>;
using Ring = sel::Ring<u64, kSlots>;
using Sender = sel::Sender<u64, kSlots, sel::PeerBell>;
using Receiver = sel::Receiver<u64, kSlots, sel::PeerBell>;

Memory memory{caps::pool, caps::free};
Ring ring;

constexpr stream::Printer print{caps::console};

sel::ThreadSetup thread_setup() {
    return {caps::space, caps::cspace, caps::time, kPriority, kThreadAddress, 4};
}

// A Notification of our own, and a capability of it with a badge.
struct Doorbell {
    sel::Notification wait, ring;

    bool make() {
        auto object = memory.make(CAP_NOTIFICATION);
        auto slot = memory.slot();
        if (!object || !slot) {
            return false;
        }
        wait = sel::Notification{*object};
        ring = sel::Notification{*slot};
        return wait.mint(*slot, RIGHT_WRITE, 1).ok();
    }
};

// More frames than there is memory, one after the other; then all of it at once, and back.
bool check_allocator() {
    constexpr u32 kRounds = 400;
    for (u32 i = 0; i < kRounds; i++) {
        auto frame = memory.make(i % 2 == 0 ? CAP_FRAME : CAP_TCB);
        if (!frame || !memory.free(*frame)) {
            return false;
        }
    }
    while (memory.make(CAP_FRAME).ok()) {
    }
    return memory.live() > 60 && memory.clear().ok() && memory.live() == 0;
}

void count_up(void *counter) {
    __atomic_add_fetch(static_cast<u32 *>(counter), 1, __ATOMIC_SEQ_CST);
}

bool check_threads() {
    constexpr u32 kThreads = 20, kPatience = 1000;
    u32 counter = 0;
    for (u32 i = 0; i < kThreads; i++) {
        sel::Thread thread{memory};
        if (!thread.start(thread_setup(), count_up, &counter)) {
            return false;
        }
        for (u32 k = 0; k < kPatience && __atomic_load_n(&counter, __ATOMIC_SEQ_CST) == i; k++) {
            [[maybe_unused]] auto nothing = caps::signals.wait(sel::milliseconds(1));
        }
        if (!thread.end()) {
            return false;
        }
    }
    return counter == kThreads && memory.clear().ok();
}

struct Bells {
    Doorbell sender, receiver;
};

void send_all(void *argument) {
    auto &bells = *static_cast<Bells *>(argument);
    Sender sender{ring, {bells.receiver.ring}};
    for (u64 next = 0; next < kItems;) {
        auto free = sender.reserve();
        if (!free) {
            return;
        }
        u32 n = 0;
        for (; n < free->size() && next < kItems; n++) {
            (*free)[n] = next++;
        }
        sender.publish(n);
        if (next < kItems && sender.prepare_sleep()) {
            [[maybe_unused]] auto rung = bells.sender.wait.wait();
            sender.awake();
        }
    }
}

bool receive_all(const Bells &bells) {
    Receiver receiver{ring, {bells.sender.ring}};
    for (u64 next = 0; next < kItems;) {
        auto got = receiver.peek();
        if (!got) {
            return false;
        }
        for (u64 item : *got) {
            if (item != next++) {
                return false;
            }
        }
        receiver.release(static_cast<u32>(got->size()));
        if (next < kItems && receiver.prepare_sleep()) {
            if (!bells.receiver.wait.wait(sel::milliseconds(5000))) {
                return false;
            }
            receiver.awake();
        }
    }
    return true;
}

bool check_channel() {
    static Bells bells;
    sel::Thread thread{memory};
    if (!bells.sender.make() || !bells.receiver.make() ||
        !thread.start(thread_setup(), send_all, &bells)) {
        return false;
    }
    bool received = receive_all(bells);
    return thread.end().ok() && received && memory.clear().ok();
}

bool check_timeout() {
    u64 time = sel::milliseconds(20), before = sel::now();
    error_t error = caps::signals.wait(time).error();
    u64 after = sel::now();
    return error == ERR_TIMEOUT && after - before >= time && after - before < 50 * time;
}

void write_nowhere(void *address) {
    *static_cast<volatile u8 *>(address) = 1;
}

// A fault of another thread comes to our endpoint, as one of this program.
bool check_fault() {
    constexpr u64 kNowhere = 8;
    sel::Thread thread{memory};
    sel::ThreadSetup setup = thread_setup();
    setup.faults = caps::faults;
    if (!thread.start(setup, write_nowhere, reinterpret_cast<void *>(kNowhere))) {
        return false;
    }
    sel::Regs r{};
    bool told = caps::service.endpoint.receive(r, sel::milliseconds(5000)).ok() &&
                r.label() == FAULT_PAGE && r.word[1] == kNowhere &&
                r.badge() == (sel::BADGE_FAULT | sel::environment().program);
    return thread.end().ok() && memory.clear().ok() && told;
}

// Every page lies elsewhere, and keeps what an earlier life wrote: here, how often that happened.
bool check_pool() {
    constexpr u32 kPages = 4;
    const sel::SlotRange frames = caps::shared.frames;
    u64 lives = sel::environment().incarnation, physical[kPages] = {};
    bool good = frames.count == kPages && caps::shared.bytes == kPages * PAGE_BYTES;
    for (u32 i = 0; i < kPages && good; i++) {
        auto info = sel::Frame{frames.first + i}.frame_info();
        physical[i] = info.ok() ? info->physical : 0;
        for (u32 k = 0; k < i; k++) {
            good = good && physical[i] != physical[k];
        }
        u64 &count = *caps::shared.at<u64>(u64{i} * PAGE_BYTES);
        good = good && physical[i] != 0 && physical[i] % PAGE_BYTES == 0 && count == lives - 1;
        count = lives;
    }
    return good;
}

// --- Regions: of small and of large Frames.

bool is_zero(std::span<const u8> bytes) {
    for (u8 byte : bytes) {
        if (byte != 0) {
            return false;
        }
    }
    return true;
}

// Made of each size, zeroed each time; a size that cannot be is refused, and so is a second one.
bool check_region(const root::Region &region, u64 frame) {
    auto make = [&](u64 bytes) { return region.make(sel::milliseconds(1000), bytes); };
    bool good = true;
    for (u64 bytes = frame; bytes <= region.bytes() && good; bytes += frame) {
        auto made = make(bytes);
        good = made.ok() && made->size() == bytes && is_zero(*made);
        if (good) {
            made->front() = made->back() = 0xee;
        }
        good = good && make(bytes).error() == ERR_EXISTS && region.release().ok();
    }
    return good && region.release().error() == ERR_EMPTY && make(frame / 2).error() == ERR_ARG &&
           make(region.bytes() + frame).error() == ERR_ARG && make(0).error() == ERR_ARG;
}

bool check_regions() {
    constexpr u64 kLarge = 2 << 20;
    return check_region(caps::lent, PAGE_BYTES) && check_region(caps::large, kLarge);
}

struct Part {
    const char *name;
    bool (*run)();
};

constexpr Part kParts[] = {{"allocator", check_allocator}, {"threads", check_threads},
                           {"channel", check_channel},     {"timeout", check_timeout},
                           {"fault", check_fault},         {"pool", check_pool},
                           {"regions", check_regions}};

} // namespace

int main() {
    int failed = 0;
    for (const Part &part : kParts) {
        bool good = part.run();
        print("check: {:<10} {}\n", part.name, good ? "good" : "FAILED");
        failed += good ? 0 : 1;
    }
    return failed;
}
