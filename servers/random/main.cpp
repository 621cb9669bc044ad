// random: wires the sources of random numbers to those who want some.
// SPDX-License-Identifier: BSD-2-Clause
#include <cpuid.h>
#include <optional>

#include "entropy_device.hpp"
#include "processor.hpp"
#include "server.hpp"

#include "random.caps.hpp"
#include "sel/log.hpp"
#include "sel/server.hpp"
#include "servers/driver/pci_bus.hpp"

namespace {

constexpr u64 kDeviceMs = 5'000; // For one buffer.

struct Cpu {
    using Leaf = rng::Processor<Cpu>::Leaf;

    u32 features(u32 leaf) const {
        u32 a = 0, b = 0, c = 0, d = 0;
        bool first = leaf == Leaf::LEAF_1_ECX;
        if (__get_cpuid_count(first ? 1 : 7, 0, &a, &b, &c, &d) == 0) {
            return 0;
        }
        return first ? c : b;
    }
    bool seed(u64 &word) const {
        bool good = false;
        asm volatile("rdseed %0" : "=r"(word), "=@ccc"(good));
        return good;
    }
    bool random(u64 &word) const {
        bool good = false;
        asm volatile("rdrand %0" : "=r"(word), "=@ccc"(good));
        return good;
    }
};

using Device = rng::EntropyDevice<driver::PciBus, driver::Slice>;

// The processor's generator, and the device as long as it answers.
class World {
  public:
    explicit World(driver::PciBus &bus) : bus_{bus} {}

    // False: there is none, or it cannot be used; then it is not asked.
    bool find_device() {
        if (!bus_.take()) {
            return false;
        }
        slice_.emplace(bus_.device(), caps::rings, 0, Device::kPages);
        device_.emplace(bus_, *slice_);
        good_ =
            slice_->mapped().ok() && device_->stop() && bus_.allow_dma().ok() && device_->start();
        if (!good_) {
            report("the virtio entropy device cannot be started");
        }
        bus_.acknowledge();
        return good_;
    }

    bool has_processor() const { return processor_.there(); }
    std::size_t draw(std::span<u8> to) { return processor_.draw(to); }
    bool has_device() const { return good_; }
    void ask_device() {
        if (good_ && !device_->busy()) {
            device_->ask();
            due_ = sel::now() + sel::milliseconds(kDeviceMs);
        }
    }
    u64 now_ms() const { return bus_.now_ms(); }
    u64 ticks() const { return sel::now(); }
    void report(std::string_view line) const { sel::Log{caps::log}.info("{}", line); }

    bool is_mine(u64 bits) const { return good_ && bus_.is_mine(bits); }
    Device::Got collect(std::span<const u8> &bytes) {
        Device::Got got = device_->collect(bytes);
        due_ = device_->busy() ? due_ : sel::kForever;
        return got;
    }
    void acknowledge() const { bus_.acknowledge(); }
    // It is quiet from now on, or at least nobody hears it.
    void give_up_device() {
        good_ = false;
        due_ = sel::kForever;
        [[maybe_unused]] bool quiet = device_->stop();
    }
    u64 due() const { return due_; }

  private:
    driver::PciBus &bus_;
    Cpu cpu_;
    rng::Processor<Cpu> processor_{cpu_};
    std::optional<driver::Slice> slice_;
    std::optional<Device> device_;
    bool good_ = false;
    u64 due_ = sel::kForever;
};

class Main : public rng::Server<World> {
  public:
    explicit Main(World &world) : Server{world}, world_{world} {}

    void on_signal(u64 bits) {
        if (!world_.is_mine(bits)) {
            return;
        }
        std::span<const u8> bytes;
        switch (world_.collect(bytes)) {
        case Device::Got::BYTES:
            take_device(bytes);
            break;
        case Device::Got::NOTHING:
            break;
        case Device::Got::NONSENSE:
            give_up("talks nonsense");
            return;
        }
        world_.acknowledge();
    }

    u64 deadline() const { return world_.due(); }
    void on_timeout() {
        if (world_.due() <= sel::now()) {
            give_up("does not answer");
        }
    }

  private:
    void give_up(std::string_view why) {
        world_.give_up_device();
        device_failed(why);
    }

    World &world_;
};

} // namespace

int main() {
    static driver::PciBus bus{0, caps::device, caps::pci, caps::signals};
    static World world{bus};
    static Main server{world};
    world.find_device();
    server.begin();
    sel::serve<rng::Api>(caps::service, server);
}
