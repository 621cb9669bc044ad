// Vfs: a thread for each mounted file system, and the front that gives them work.
// SPDX-License-Identifier: BSD-2-Clause
#include <utility>

#include "front.hpp"

#include "vfs.caps.hpp"

#include "sel/environment.hpp"
#include "sel/explain.hpp"
#include "sel/log.hpp"
#include "sel/thread.hpp"

namespace {

constexpr u32 kStackPages = 8;
constexpr u64 kThreadBytes = 16 * PAGE_BYTES; // Of address space: a gap, stack, buffer.
constexpr sel::SchedContext kTime[] = {caps::time0, caps::time1, caps::time2, caps::time3};
constexpr u8 kPriority[] = {caps::time0_priority, caps::time1_priority, caps::time2_priority,
                            caps::time3_priority}; // A person's programs have their turn, too.
constexpr int kExitWorker = 1;
constexpr u32 kMounts = static_cast<u32>(caps::volumes.size());

static_assert(kMounts <= std::size(kTime), "more file systems than contexts in the manifest");
static_assert(kStackPages + 2 <= kThreadBytes / PAGE_BYTES);

const file::Life life{sel::environment().incarnation};
sel::AllocatorOf<32, 128> memory{caps::pool, caps::free};
const vfs::Names names{caps::volumes, caps::volumes_clients};
vfs::Shared shared{life};
sel::Log<logging::Writer> log{caps::log};

// Runs the jobs of one file system, one after the other.
class Worker {
  public:
    explicit Worker(u32 mount)
        : mount_{mount}, mounted_{caps::volumes[mount], names, mount, life} {}

    sel::Result<> start() {
        if (sel::Result<> made = make_bell(); !made) {
            return made;
        }
        auto entry = [](void *worker) { static_cast<Worker *>(worker)->work(); };
        return thread_.start({caps::space, caps::cspace, kTime[mount_], kPriority[mount_],
                              sel::kWindowBase + mount_ * kThreadBytes, kStackPages, caps::faults},
                             entry, this);
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
    // A notification keeps a ring that comes before the wait.
    sel::Result<> make_bell() {
        sel::Result<cptr_t> object = memory.make(CAP_NOTIFICATION), slot = memory.slot();
        if (!object || !slot) {
            return object.ok() ? slot.error() : object.error();
        }
        wait_ = sel::Notification{*object};
        ring_ = sel::Notification{*slot};
        return wait_.mint(*slot, RIGHT_WRITE, 1);
    }
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
    vfs::Mounted<vfs::FileSystem, vfs::Watcher> mounted_;
    sel::Notification wait_, ring_;
    sel::Thread thread_{memory};
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
    sel::serve<file::Api, vfs::View, vfs::Control>(caps::service, front);
}
