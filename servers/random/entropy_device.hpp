// EntropyDevice: a virtio entropy device on PCI, asked for one buffer at a time.
// SPDX-License-Identifier: BSD-2-Clause
//
// Pages of the pool: two for its queue, one that it fills. What it wrote is copied before anybody looks at it.
// Source: Virtual I/O Device (VIRTIO) 1.1: 5.4 entropy device; for the rest see servers/virtio.
#pragma once

#include <span>

#include "servers/virtio/queue.hpp"
#include "servers/virtio/transport.hpp"

namespace rng {

template <typename Bus, typename Pool>
class EntropyDevice {
  public:
    static constexpr u32 kPages = 3, kBytes = 256;
    enum class Got { NOTHING, BYTES, NONSENSE };

    EntropyDevice(Bus &bus, const Pool &pool) : transport_{bus}, queue_{pool, 0}, pool_{pool} {}

    bool stop() { return transport_.find(0) && transport_.reset(); }
    // Behind it, with DMA on.
    bool start() {
        busy_ = false;
        transport_.begin();
        if (!transport_.negotiate(0) || !transport_.set_up(0, queue_, 1)) {
            return false;
        }
        transport_.live();
        return true;
    }

    // Does nothing while it has a buffer.
    void ask() {
        if (busy_) {
            return;
        }
        busy_ = true;
        __builtin_memset(pool_.template at<u8>(kBuffer), 0, kBytes);
        queue_.set(0, {pool_.physical(kBuffer), kBytes, virtio::DESCRIPTOR_WRITE, 0});
        queue_.offer(0);
        if (queue_.publish()) {
            transport_.ring(0);
        }
    }
    bool busy() const { return busy_; }

    // BYTES: `bytes` is what it wrote, until the next call.
    Got collect(std::span<const u8> &bytes) {
        transport_.clear_line();
        u16 pending = queue_.pending();
        if (pending == 0) {
            return transport_.needs_reset() ? Got::NONSENSE : Got::NOTHING;
        }
        if (pending > 1 || !busy_) {
            return Got::NONSENSE;
        }
        auto done = queue_.take();
        busy_ = false;
        if (done.head != 0 || done.bytes == 0 || done.bytes > kBytes) {
            return Got::NONSENSE;
        }
        __builtin_memcpy(copy_, pool_.template at<u8>(kBuffer), done.bytes);
        bytes = {copy_, done.bytes};
        return Got::BYTES;
    }

  private:
    static constexpr u32 kBuffer = 2;

    virtio::Transport<Bus> transport_;
    virtio::Queue<Pool> queue_;
    const Pool &pool_;
    bool busy_ = false;
    u8 copy_[kBytes] = {};
};

} // namespace rng
