// Nictest: tries a driver of network cards on its card, against a peer that sends all frames back.
// SPDX-License-Identifier: BSD-2-Clause
//
//   run nictest DRIVER            frames of all lengths, check sums, groups, broken rules
//   run nictest DRIVER restarts   has the driver restarted with frames in hand
//   run nictest DRIVER link       waits until the link changes
// The peer (test/system/test_cards.py) swaps both addresses of a frame; one whose second byte behind the type is kToGroup it
// sends to the group kGroup.
#include <algorithm>
#include <array>
#include <bit>

#include "servers/nic/client.hpp"

#include "sel/clock.hpp"
#include "sel/environment.hpp"
#include "sel/format.hpp"

#include "nictest.caps.hpp"

namespace {

constexpr u64 kPatienceMs = 10'000;
constexpr u32 kHead = 14, kLeast = 60, kWindow = 32;
constexpr nic::Mac kPeer{{2, 0, 0, 0, 0, 1}}, kGroup{{1, 0, 0x5e, 0, 0, 0x42}};
constexpr u8 kType[2] = {0x88, 0xb5}; // IEEE 802: for local experiments.
constexpr u8 kIpType[2] = {0x08, 0x00};
constexpr u32 kKind = 15, kNumber = 16, kBody = 20;
enum Kind : u8 { ECHO, TO_GROUP };

template <typename... Ts>
void print(std::string_view pattern, const Ts &...values) {
    sel::Text<160> line;
    sel::format(line, pattern, values...);
    [[maybe_unused]] auto printed = stream::put_all(caps::console, line);
}

u16 sum_of(std::span<const u8> bytes) {
    u32 sum = 0;
    for (std::size_t i = 0; i < bytes.size(); i++) {
        sum += i % 2 == 0 ? u32{bytes[i]} << 8 : bytes[i];
    }
    sum = (sum & 0xffff) + (sum >> 16);
    return static_cast<u16>((sum & 0xffff) + (sum >> 16));
}

class Test {
  public:
    explicit Test(const sel::Named<nic::Api> &driver) : driver_{driver} {}

    bool begin() {
        auto region = caps::packets.make(sel::milliseconds(kPatienceMs));
        if (!region) {
            return say("no memory to share with the driver");
        }
        region_ = *region;
        if (sel::Result<> done = attach(); !done) {
            return say(sel::describe(done.error()));
        }
        sel::Text<80> line;
        sel::format(line, "{}, address ", info_.data.view());
        nic::write_mac(line, info_.mac);
        sel::format(line, ", link {}", info_.link.up != 0 ? "up" : "down");
        say(line);
        return true;
    }

    bool all() {
        report("lengths", exchange(400, ECHO));
        report("batches", exchange(1000, ECHO));
        report("sums", info_.checksums == 0 || sums());
        report("groups", groups());
        report("rules", rules());
        report("after it", exchange(100, ECHO));
        return good_ && end();
    }

    // A window of frames is on its way at each end.
    bool restarts() {
        auto number = caps::view.call(root::Find{.data = driver_.name});
        for (u32 i = 0; number && i < kRestarts; i++) {
            good_ = good_ && exchange(100, ECHO);
            for (u32 k = 0; k < kWindow; k++) {
                good_ = good_ && send(k, ECHO);
            }
            good_ = good_ && caps::supervisor.call(supervisor::Restart{.number = *number}).ok() &&
                    attach().ok();
        }
        report("restarts", number.ok() && good_ && exchange(100, ECHO));
        return good_ && end();
    }

    bool link() {
        say("waits for the link");
        auto link = client().call_within(sel::milliseconds(2 * kPatienceMs),
                                         nic::Wait{.card = 0, .changes = info_.link.changes});
        return say(!link           ? sel::describe(link.error())
                   : link->up != 0 ? std::string_view{"link up"}
                                   : std::string_view{"link down"}),
               link.ok() && end();
    }

  private:
    static constexpr u32 kRestarts = 5, kTries = 5;

    sel::Client<nic::Api> client() const { return driver_.client; }
    bool say(std::string_view what) {
        print("{}: {}\n", driver_.name, what);
        return false;
    }
    void report(std::string_view what, bool good) {
        good_ = good_ && good;
        print("{}: {} {}\n", driver_.name, what, good ? "good" : "FAILED");
    }

    sel::Result<> attach() {
        sel::Result<> done = ERR_RESTARTED;
        for (u32 i = 0; i < kTries && done.error() == ERR_RESTARTED; i++) {
            done = attach_once();
        }
        return done;
    }
    sel::Result<> attach_once() {
        sel::Result<nic::Info> info = client().call(nic::GetInfo{.card = 0});
        if (!info) {
            return info.error();
        }
        info_ = *info;
        wire_.begin(region_);
        sel::Result<> done = client().call_giving(caps::bell.cptr(), nic::SetBell{.card = 0});
        return !done ? done : client().call_giving(caps::packets.token(), nic::Attach{.card = 0});
    }
    // True: the driver has let go of all that it had.
    bool end() {
        bool gone = client().call(nic::Detach{.card = 0}).ok() && caps::packets.release().ok() &&
                    caps::packets.make(sel::milliseconds(kPatienceMs)).ok();
        report("end", gone);
        return gone;
    }

    // From both ends.
    static u32 bytes_of(u32 number) {
        u32 more = number / 2 * 37 % (nic::kFrameBytes - kLeast + 1);
        return number % 2 == 0 ? kLeast + more : nic::kFrameBytes - more;
    }
    static u8 pattern(u32 number, u32 i) { return static_cast<u8>(number * 31 + i * 7 + i / 256); }

    void write(std::span<u8> frame, u32 number, Kind kind) const {
        std::copy(std::begin(kPeer.byte), std::end(kPeer.byte), frame.begin());
        std::copy(std::begin(info_.mac.byte), std::end(info_.mac.byte), frame.begin() + 6);
        std::copy(std::begin(kType), std::end(kType), frame.begin() + 12);
        frame[kHead] = 0;
        frame[kKind] = kind;
        for (u32 i = 0; i < 4; i++) {
            frame[kNumber + i] = static_cast<u8>(number >> 8 * i);
        }
        for (u32 i = kBody; i < frame.size(); i++) {
            frame[i] = pattern(number, i);
        }
    }
    bool send(u32 number, Kind kind) {
        std::optional<u16> buffer = wire_.reserve();
        if (!buffer) {
            return false;
        }
        u32 bytes = bytes_of(number);
        write(wire_.buffer(*buffer).first(bytes), number, kind);
        wire_.send(*buffer, static_cast<u16>(bytes));
        return true;
    }

    // Sleeps until there is something; false: nothing came.
    bool wait() {
        if (wire_.wants_kick() && !client().call(nic::Kick{.card = 0})) {
            return false;
        }
        return !wire_.prepare_sleep() || caps::signals.wait(sel::milliseconds(kPatienceMs)).ok();
    }

    // Gives each frame of the peer to `take`; others are not for us.
    template <typename Take>
    bool receive(Take take) {
        bool good = true;
        wire_.receive([&](const nic::Arrived &a) {
            if (a.bytes.size() >= kLeast &&
                (std::equal(kType, kType + 2, a.bytes.begin() + 12) ||
                 std::equal(kIpType, kIpType + 2, a.bytes.begin() + 12)) &&
                std::equal(kPeer.byte, kPeer.byte + 6, a.bytes.begin() + 6)) {
                good = take(a.bytes) && good;
            }
            wire_.give(a.buffer);
        });
        return good && !wire_.bad();
    }

    bool is_answer(std::span<const u8> frame, u32 number, Kind kind) const {
        const nic::Mac &to = kind == TO_GROUP ? kGroup : info_.mac;
        bool same = frame.size() == bytes_of(number) &&
                    std::equal(to.byte, to.byte + 6, frame.begin()) && frame[kKind] == kind;
        for (u32 i = kBody; same && i < frame.size(); i++) {
            same = frame[i] == pattern(number, i);
        }
        return same;
    }

    // `count` frames there and back, in their order, some on their way at a time.
    bool exchange(u32 count, Kind kind) {
        u32 sent = 0, back = 0;
        bool good = true;
        while (good && back < count) {
            while (sent < count && sent - back < kWindow && send(sent, kind)) {
                sent++;
            }
            good = wait() && receive([&](std::span<const u8> frame) {
                       u32 number = frame[kNumber] | u32{frame[kNumber + 1]} << 8;
                       return number >= count || number != back || is_answer(frame, back++, kind);
                   });
        }
        return good;
    }

    // A datagram of UDP over IPv4 (RFC 768, RFC 791): some cards put sums into nothing else.
    bool sums() {
        std::optional<u16> buffer = wire_.reserve();
        if (!buffer) {
            return false;
        }
        std::span<u8> frame = wire_.buffer(*buffer).first(kDatagram);
        write_datagram(frame);
        wire_.send(*buffer, kDatagram, kUdp, kUdpSum - kUdp);
        bool good = true, came = false;
        while (good && !came) {
            good = wait() && receive([&](std::span<const u8> back) {
                       bool mine = back.size() == kDatagram && back[12] == kIpType[0];
                       came = came || mine;
                       // With the pseudo header all of it adds up to nothing.
                       return !mine || add(sum_of(back.subspan(kUdp)), pseudo_sum()) == 0xffff;
                   });
        }
        return good;
    }

    static constexpr u32 kIp = kHead, kUdp = 34, kUdpSum = 40, kDatagram = 301;
    static constexpr u8 kAddresses[8] = {10, 0, 2, 15, 10, 0, 2, 99}, kUdpNumber = 17;

    static u16 add(u16 a, u16 b) {
        u32 sum = u32{a} + b;
        return static_cast<u16>((sum & 0xffff) + (sum >> 16));
    }
    static u16 pseudo_sum() { return add(sum_of(kAddresses), add(kUdpNumber, kDatagram - kUdp)); }
    void write_datagram(std::span<u8> frame) const {
        auto put = [&](u32 at, u32 value) {
            frame[at] = static_cast<u8>(value >> 8);
            frame[at + 1] = static_cast<u8>(value);
        };
        write(frame, 1, ECHO);
        std::copy(kIpType, kIpType + 2, frame.begin() + 12);
        const u8 head[] = {0x45, 0, 0, 0, 0, 0, 0, 0, 64, kUdpNumber, 0, 0};
        std::copy(std::begin(head), std::end(head), frame.begin() + kIp);
        std::copy(std::begin(kAddresses), std::end(kAddresses), frame.begin() + kIp + 12);
        put(kIp + 2, kDatagram - kIp);
        put(kIp + 10, ~u32{sum_of(frame.subspan(kIp, kUdp - kIp))});
        put(kUdp, 9);
        put(kUdp + 2, 9);
        put(kUdp + 4, kDatagram - kUdp);
        put(kUdpSum, pseudo_sum()); // The rest is the card's.
    }

    bool groups() {
        nic::SetFilter filter{.card = 0, .count = 1, .multicast = {kGroup}};
        return client().call(filter).ok() && exchange(20, TO_GROUP);
    }

    // A buffer that is none: the driver lets go, and the card begins anew.
    bool rules() {
        auto &ring =
            *reinterpret_cast<nic::Ring *>(region_.data() + nic::PAGE_OUTGOING * PAGE_BYTES);
        u32 count = ring.sender.count.load();
        ring.slot[count % nic::kSlots] = {60'000, 0, kLeast, 0, 0, 0, 0};
        ring.sender.count.store(count + 1);
        return client().call(nic::Kick{.card = 0}).error() == ERR_PROTOCOL && attach().ok();
    }

    const sel::Named<nic::Api> &driver_;
    std::span<u8> region_;
    nic::Wire wire_;
    nic::Info info_{};
    bool good_ = true;
};

} // namespace

int main() {
    std::string_view text = sel::environment().argument_text();
    std::size_t end = std::min(text.find(' '), text.size());
    std::string_view name = text.substr(0, end), mode = text.substr(std::min(end + 1, text.size()));
    bool known = mode.empty() || mode == "restarts" || mode == "link";
    for (const sel::Named<nic::Api> &driver : caps::cards) {
        if (known && driver.name == name) {
            static Test test{driver};
            bool good = test.begin() && (mode == "restarts" ? test.restarts()
                                         : mode == "link"   ? test.link()
                                                            : test.all());
            return good ? 0 : 1;
        }
    }
    print("usage: nictest virtio-net|e1000 [restarts | link]\n");
    return 2;
}
