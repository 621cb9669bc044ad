// Vfs: the threads that receive, and what they share.
// SPDX-License-Identifier: BSD-2-Clause
#include <utility>

#include "router.hpp"

#include "vfs.caps.hpp"

#include "sel/environment.hpp"
#include "sel/explain.hpp"
#include "sel/log.hpp"
#include "sel/server.hpp"
#include "sel/thread.hpp"

namespace {

// Besides the first one.
constexpr sel::ReadyThread kThread[] = {caps::worker0, caps::worker1, caps::worker2,
                                        caps::worker3, caps::worker4, caps::worker5,
                                        caps::worker6, caps::worker7, caps::worker8};
constexpr sel::Notification kBell[] = {caps::bell0, caps::bell1, caps::bell2,
                                       caps::bell3, caps::bell4, caps::bell5,
                                       caps::bell6, caps::bell7, caps::bell8};
constexpr int kExitWorker = 1;
constexpr u32 kMounts = static_cast<u32>(caps::volumes.size());

static_assert(kMounts <= std::size(kThread), "with the first thread, one more than file systems");
static_assert(caps::volumes_clients.size() + vfs::kBoundMax < vfs::Names::kNobody);
static_assert(std::size(kBell) == std::size(kThread) && caps::rings.count == std::size(kBell));
static_assert(caps::service.replies.count <= vfs::Gate::kJobs);
static_assert(caps::tokens.count == vfs::LentWindows::kMax);
static_assert(caps::arrivals.count > kMounts, "one for each thread");

// A file system, as vfs calls it.
struct Remote {
    vfs::FileSystem mount;

    void exchange(sel::Regs &r) const {
        r.cptr = mount.server.cptr();
        sel::kernel_call(r);
    }
};

sel::Log<logging::Writer> log{caps::log};

// A notification keeps a ring that comes before its thread receives.
struct Bells {
    static void missing(std::string_view path) {
        log.warning("{} is not there: a program that may name nothing else finds nothing", path);
    }
    static void ring() {
        for (u32 i = 0; i < kMounts; i++) {
            [[maybe_unused]] auto rung = sel::Notification{caps::rings.first + i}.signal();
        }
    }
};

using Router = vfs::Router<Remote, Bells>;

const file::Life life{sel::environment().incarnation};
vfs::Names names{caps::volumes, caps::volumes_clients};
vfs::LentWindows windows{caps::tokens.first};
sel::ReplyPool pool{caps::service.replies};
Bells bells;

template <u32... I>
std::array<Router::Place, sizeof...(I)> make_places(std::integer_sequence<u32, I...>) {
    return {{{Router::Mounts{Remote{caps::volumes[I]}, names, windows, I, life}}...}};
}
std::array<Router::Place, kMounts> places = make_places(std::make_integer_sequence<u32, kMounts>{});
Router router{{names, windows, life}, places, pool, bells};

class Worker : public vfs::Worker<Router> {
  public:
    // The thread with this number, from 0 on.
    Worker(u32 number, sel::Tcb self)
        : vfs::Worker<Router>{router, pool, self, caps::arrivals.first + number}, number_{number} {}

    // Of another thread: nobody else can go on with what it has in hand. The supervisor starts all of it anew.
    bool on_fault(const sel::Fault &fault) {
        log.error("a worker: {}", sel::explain_fault(fault.kind, fault.word).view());
        sel::exit(kExitWorker);
    }

    [[noreturn]] void work() {
        sel::receive_slot(caps::arrivals.first + number_);
        sel::receive<file::Api, vfs::View, vfs::Control, vfs::Binder>(caps::service.endpoint, *this,
                                                                      receiver());
    }

  private:
    u32 number_;
};

template <u32... I>
std::array<Worker, sizeof...(I)> make_workers(std::integer_sequence<u32, I...>) {
    return {{Worker{I + 1, kThread[I].tcb()}...}};
}

sel::Result<> start(Worker &worker, u32 number) {
    sel::Notification bell = kBell[number];
    sel::Result<> done = bell.mint(caps::rings.first + number, RIGHT_WRITE, 1);
    if (done.ok()) {
        done = kThread[number].tcb().bind_notification(bell);
    }
    if (done.ok()) {
        done = worker.receiver().start();
    }
    auto entry = [](void *it) { static_cast<Worker *>(it)->work(); };
    return done.ok() ? kThread[number].start(entry, &worker, caps::faults) : done;
}

} // namespace

int main() {
    static std::array<Worker, kMounts> workers =
        make_workers(std::make_integer_sequence<u32, kMounts>{});
    static Worker first{0, caps::service.self};
    for (u32 i = 0; i < kMounts; i++) {
        if (sel::Result<> started = start(workers[i], i); !started) {
            log.error("thread {} cannot be started: {}", i + 1, sel::describe(started.error()));
            return 1;
        }
    }
    if (sel::Result<> started = first.receiver().start(); !started) {
        log.error("the first thread cannot receive: {}", sel::describe(started.error()));
        return 1;
    }
    first.work();
}
