// Vfs: a thread for each mounted file system, and the front that gives them work.
// SPDX-License-Identifier: BSD-2-Clause
#include <utility>

#include "front.hpp"

#include "vfs.caps.hpp"

#include "sel/environment.hpp"
#include "sel/explain.hpp"
#include "sel/log.hpp"

namespace {

constexpr sel::ReadyThread kThread[] = {caps::worker0, caps::worker1, caps::worker2,
                                        caps::worker3, caps::worker4, caps::worker5,
                                        caps::worker6, caps::worker7, caps::worker8};
constexpr sel::Notification kBell[] = {caps::bell0, caps::bell1, caps::bell2,
                                       caps::bell3, caps::bell4, caps::bell5,
                                       caps::bell6, caps::bell7, caps::bell8};
constexpr int kExitWorker = 1;
constexpr u32 kMounts = static_cast<u32>(caps::volumes.size());

static_assert(kMounts <= std::size(kThread), "more file systems than threads in the manifest");
static_assert(caps::volumes_clients.size() + vfs::kBoundMax < vfs::Names::kNobody);
static_assert(std::size(kBell) == std::size(kThread) && caps::rings.count == std::size(kBell));

const file::Life life{sel::environment().incarnation};
vfs::Names names{caps::volumes, caps::volumes_clients};
vfs::Shared shared{life};
sel::Log<logging::Writer> log{caps::log};

// Runs the jobs of one file system, one after the other.
class Worker {
  public:
    explicit Worker(u32 mount)
        : mount_{mount}, wait_{kBell[mount]}, ring_{caps::rings.first + mount},
          mounted_{caps::volumes[mount], names, mount, life} {}

    sel::Result<> start() {
        // A notification keeps a ring that comes before the wait.
        if (sel::Result<> made = wait_.mint(ring_.cptr(), RIGHT_WRITE, 1); !made) {
            return made;
        }
        auto entry = [](void *worker) { static_cast<Worker *>(worker)->work(); };
        return kThread[mount_].start(entry, this, caps::faults);
    }

    // For the front. There are fewer jobs than places in the queue.
    void push(u32 job) {
        u32 pushed = pushed_.load(std::memory_order_relaxed);
        queue_[pushed % queue_.size()] = job;
        pushed_.store(pushed + 1, std::memory_order_release);
        wake();
    }
    void sweep() {
        sweep_ = true;
        wake();
    }

  private:
    void wake() { [[maybe_unused]] auto rung = ring_.signal(); }

    void work() {
        for (u32 done = 0;;) {
            if (sweep_.exchange(false)) {
                shared.sweep(mounted_);
            }
            if (done != pushed_.load(std::memory_order_acquire)) {
                shared.run(queue_[done++ % queue_.size()], mounted_);
            } else {
                [[maybe_unused]] auto bits = wait_.wait();
            }
        }
    }

    u32 mount_;
    sel::Notification wait_, ring_;
    vfs::Mounted<vfs::FileSystem, vfs::Watcher> mounted_;
    std::array<u32, sel::ReplySet::kMax> queue_{};
    std::atomic<u32> pushed_ = 0;
    std::atomic<bool> sweep_ = false;
};

template <u32... I>
std::array<Worker, sizeof...(I)> make_workers(std::integer_sequence<u32, I...>) {
    return {{Worker{I}...}};
}

struct Workers {
    std::array<Worker, kMounts> worker = make_workers(std::make_integer_sequence<u32, kMounts>{});

    void push(u32 mount, u32 job) { worker[mount].push(job); }
    void ring(u32 mount) { worker[mount].sweep(); }
};

class Server : public vfs::Front<Workers> {
  public:
    using Front::Front;

    // Of a worker: nobody else can go on with its jobs. The supervisor starts all of it anew.
    bool on_fault(const sel::Fault &fault) {
        log.error("a worker: {}", sel::explain_fault(fault.kind, fault.word).view());
        sel::exit(kExitWorker);
    }
};

} // namespace

int main() {
    static Workers workers;
    static Server front{names, shared, workers};
    for (u32 mount = 0; mount < kMounts; mount++) {
        if (sel::Result<> started = workers.worker[mount].start(); !started) {
            log.error("no thread for {}: {}", caps::volumes[mount].path,
                      sel::describe(started.error()));
            return 1;
        }
    }
    sel::serve<file::Api, vfs::View, vfs::Control, vfs::Binder>(caps::service, front);
}
