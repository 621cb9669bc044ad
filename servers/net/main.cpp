// net: wires lwIP to the driver of a card and to its clients.
// SPDX-License-Identifier: BSD-2-Clause
//
// One thread does everything. That the card or its link is another one says netwatch, who can wait for it. Of several
// cards the first one of the first driver that has one is used, until it cannot be used any more.
#include "port.hpp"
#include "server.hpp"

#include "sel/clock.hpp"
#include "sel/log.hpp"
#include "sel/server.hpp"

#include "net.caps.hpp"

namespace {

constexpr u32 kCard = 0;
constexpr u64 kMakeMs = 5'000;
constexpr u64 kRandomMs = 2'000;

class DriverLink final : public net::Card {
  private:
    static constexpr u32 kTries = 3;

    // A driver that was restarted is asked once more.
    template <typename Ask>
    static auto again(Ask ask) {
        auto answer = ask();
        for (u32 i = 1; i < kTries && answer.error() == ERR_RESTARTED; i++) {
            answer = ask();
        }
        return answer;
    }

    const sel::Client<nic::Api> &driver() const { return caps::cards[used_].client; }

    // The memory is lent to one driver at a time.
    void use(u32 place) {
        if (place != used_) {
            [[maybe_unused]] auto left = driver().call(nic::Detach{.card = kCard});
            used_ = place;
        }
    }

  public:
    sel::Result<nic::Info> info() override {
        sel::Result<nic::Info> first = ERR_NAME;
        for (u32 i = 0; i < caps::cards.size(); i++) {
            u32 place = (used_ + i) % caps::cards.size();
            sel::Result<nic::Info> info =
                again([&] { return caps::cards[place].client.call(nic::GetInfo{.card = kCard}); });
            first = i == 0 ? info : first;
            if (info) {
                use(place);
                return info;
            }
        }
        return first;
    }
    sel::Result<std::span<u8>> memory() override {
        if (memory_.empty()) {
            sel::Result<std::span<u8>> made = caps::packets.make(sel::milliseconds(kMakeMs));
            memory_ = made ? *made : memory_;
        }
        return memory_.empty() ? sel::Result<std::span<u8>>{ERR_MEMORY} : memory_;
    }
    sel::Result<> attach() override {
        sel::Result<> done = driver().call_giving(caps::bell.cptr(), nic::SetBell{.card = kCard});
        return done ? driver().call_giving(caps::packets.token(), nic::Attach{.card = kCard})
                    : done;
    }
    sel::Result<> kick() override { return driver().call(nic::Kick{.card = kCard}); }

  private:
    u32 used_ = 0; // Of the drivers.
    std::span<u8> memory_;
};

constexpr bool can_be_read(net::RightsTexts texts) {
    net::Names names;
    for (std::string_view text : texts) {
        if (net::Rights rights; !rights.read(text, names)) {
            return false;
        }
    }
    return texts.size() <= net::Server::kParts;
}
static_assert(can_be_read(caps::rights),
              "boot/system.toml gives rights that servers/net/rights.hpp cannot read");

// Either of the two alone is enough: who knows one of them does not know the key.
void seed() {
    net::Key key, more;
    bool drawn = net::make_key(key);
    sel::Result<rng::Numbers> numbers =
        caps::random.call_within(sel::milliseconds(kRandomMs), rng::Bytes{.count = sizeof more});
    if (numbers) {
        __builtin_memcpy(&more, numbers->data.byte, sizeof more);
        key = net::mix(key, more);
    }
    if (!drawn && !numbers) {
        sel::Log{caps::log}.info(
            "there are no random numbers: those of connections can be guessed");
    }
    net::random().seed(key);
}

} // namespace

int main() {
    static DriverLink driver;
    static net::Stack stack{driver};
    static net::Server server{stack, caps::rights};
    seed();
    stack.begin();
    server.look();
    sel::serve<net::Api, net::View, net::Control>(caps::service, server);
}
