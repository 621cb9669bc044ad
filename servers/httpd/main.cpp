// Httpd: one thread takes connections, and eight serve one each.
// SPDX-License-Identifier: BSD-2-Clause
//
// The door holds one more connection while all are busy, and says so (Crowd). When net ends, all connections do; the door
// listens again. When a worker has stopped by a fault the program ends, and the supervisor starts all of it anew.
#include <bit>

#include "link.hpp"
#include "site.hpp"

#include "httpd.caps.hpp"

#include "sel/program.hpp"
#include "sel/thread.hpp"

namespace {

constexpr u16 kPort = 80;
constexpr u32 kWorkers = 8;
constexpr int kExitFault = 1, kExitThread = 2;

constexpr sel::ReadyThread kThread[kWorkers] = {caps::worker0, caps::worker1, caps::worker2,
                                                caps::worker3, caps::worker4, caps::worker5,
                                                caps::worker6, caps::worker7};
constexpr sel::Notification kBell[kWorkers] = {caps::bell0, caps::bell1, caps::bell2, caps::bell3,
                                               caps::bell4, caps::bell5, caps::bell6, caps::bell7};
static_assert(caps::rings.count == kWorkers + 1);

sel::Notification ring(u32 number) {
    return sel::Notification{caps::rings.first + number};
}

const httpd::Views kViews{
    caps::view,    caps::log,
    caps::network, caps::pci,
    caps::volumes, reinterpret_cast<const volatile trace_record_t *>(caps::trace.address)};

httpd::Crowd crowd;
httpd::Pages pages;
std::atomic<u32> free_workers{0}; // Bit i: number i waits for a connection.

using Site = httpd::Site<httpd::Link>;

class Worker {
  public:
    explicit Worker(u32 number) : number_{number} {}

    void give(u32 socket) {
        socket_.store(socket);
        [[maybe_unused]] auto rung = ring(number_).signal();
    }
    [[noreturn]] void work() {
        for (;;) {
            free_workers.fetch_or(1u << number_);
            [[maybe_unused]] auto told = ring(kWorkers).signal();
            [[maybe_unused]] auto rung = kBell[number_].wait();
            httpd::Link link{caps::net, crowd};
            link.open(socket_.load());
            Site site{kViews, pages};
            httpd::Connection<httpd::Link, Site> &connection = *std::construct_at(
                reinterpret_cast<httpd::Connection<httpd::Link, Site> *>(room_), link, site);
            connection.run();
            link.close();
        }
    }

  private:
    u32 number_;
    std::atomic<u32> socket_{0};
    alignas(httpd::Connection<httpd::Link,
                              Site>) char room_[sizeof(httpd::Connection<httpd::Link, Site>)]{};
};

template <u32... I>
std::array<Worker, kWorkers> make_workers(std::integer_sequence<u32, I...>) {
    return {{Worker{I}...}};
}
std::array<Worker, kWorkers> workers = make_workers(std::make_integer_sequence<u32, kWorkers>{});

// A fault of a thread is told to nobody: it stands where it is.
void look_for_faults() {
    for (const sel::ReadyThread &thread : kThread) {
        sel::Result<sel::ThreadInfo> info = thread.tcb().thread_info();
        if (info && info->state == STATE_INACTIVE) {
            sel::exit(kExitFault);
        }
    }
}

// The next worker that is free, as soon as there is one.
Worker &free_worker() {
    constexpr u64 kLookMs = 1000;
    look_for_faults();
    for (;; look_for_faults()) {
        u32 free = free_workers.load();
        if (free != 0) {
            crowd.wait(false);
            u32 number = static_cast<u32>(std::countr_zero(free));
            free_workers.fetch_and(~(1u << number));
            return workers[number];
        }
        crowd.wait(true);
        [[maybe_unused]] auto rung = caps::free.wait(sel::milliseconds(kLookMs));
    }
}

// Connections, until net ends or says no.
void accept_all(u32 listener) {
    while (auto accepted = caps::net.call(net::Accept{.socket = listener})) {
        free_worker().give(accepted->socket);
    }
}

[[noreturn]] void keep_door() {
    constexpr u64 kAgainMs = 500;
    for (;;) {
        auto listener = caps::net.call(net::Open{.kind = net::Kind::TCP});
        if (listener && caps::net.call(net::Listen{.socket = *listener, .port = kPort})) {
            accept_all(*listener);
        }
        if (listener) {
            [[maybe_unused]] auto closed = caps::net.call(net::Close{.socket = *listener});
        }
        // A worker's ring may end it early; that is as well.
        [[maybe_unused]] auto waited = caps::free.wait(sel::milliseconds(kAgainMs));
    }
}

bool start(u32 number) {
    auto entry = [](void *it) { static_cast<Worker *>(it)->work(); };
    return kBell[number].mint(ring(number).cptr(), RIGHT_WRITE, 1).ok() &&
           kThread[number].start(entry, &workers[number]).ok();
}

} // namespace

int main() {
    bool good = caps::free.mint(ring(kWorkers).cptr(), RIGHT_WRITE, 1).ok();
    for (u32 i = 0; i < kWorkers && good; i++) {
        good = start(i);
    }
    if (!good) {
        return kExitThread;
    }
    keep_door();
}
