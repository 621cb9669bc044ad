// net: wires lwIP to the driver of a card and to its clients.
// SPDX-License-Identifier: BSD-2-Clause
//
// One thread does everything. That the card or its link is another one says netwatch, who can wait for it.
#include "port.hpp"
#include "server.hpp"

#include "sel/clock.hpp"
#include "sel/log.hpp"
#include "sel/server.hpp"

#include "net.caps.hpp"

namespace {

constexpr u32 kCard = 0;
constexpr u64 kMakeMs = 5'000;

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

  public:
    sel::Result<nic::Info> info() override {
        return again([] { return caps::card.call(nic::GetInfo{.card = kCard}); });
    }
    sel::Result<std::span<u8>> memory() override {
        if (memory_.empty()) {
            sel::Result<std::span<u8>> made = caps::packets.make(sel::milliseconds(kMakeMs));
            memory_ = made ? *made : memory_;
        }
        return memory_.empty() ? sel::Result<std::span<u8>>{ERR_MEMORY} : memory_;
    }
    sel::Result<> attach() override {
        sel::Result<> done = caps::card.call_giving(caps::bell.cptr(), nic::SetBell{.card = kCard});
        return done ? caps::card.call_giving(caps::packets.token(), nic::Attach{.card = kCard})
                    : done;
    }
    sel::Result<> kick() override { return caps::card.call(nic::Kick{.card = kCard}); }

  private:
    std::span<u8> memory_;
};

constexpr bool can_be_read(net::RightsTexts texts) {
    for (std::string_view text : texts) {
        if (net::Rights rights; !rights.read(text)) {
            return false;
        }
    }
    return texts.size() <= net::Server::kParts;
}
static_assert(can_be_read(caps::rights),
              "boot/system.toml gives rights that servers/net/rights.hpp cannot read");

} // namespace

int main() {
    static DriverLink driver;
    static net::Stack stack{driver};
    static net::Server server{stack, caps::rights};
    net::Key key;
    if (!net::make_key(key)) {
        sel::Log{caps::log}.info("this processor has no generator of random numbers: those of "
                                 "connections can be guessed");
    }
    net::random().seed(key);
    stack.begin();
    server.look();
    sel::serve<net::Api, net::View, net::Control>(caps::service, server);
}
