// Ping: asks for echoes.
// SPDX-License-Identifier: BSD-2-Clause
//
//   ping [-c COUNT] HOST      one a second, four if nothing is said; exit code 1 if none came back
#include "ping.caps.hpp"

#include "servers/socket/command.hpp"

namespace {

constexpr u64 kSecondMs = 1'000, kNameMs = 10'000;
constexpr u32 kCountMost = 100'000, kBytes = 56;

const socket::Command command{"ping", "[-c COUNT] HOST", caps::console};

struct Echo {
    u64 number, sent; // In ticks.
    u8 rest[kBytes - 16];
};
static_assert(sizeof(Echo) == kBytes);

class Pinger {
  public:
    Pinger(net::Address to, u32 count) : to_{to}, count_{count} {}

    int run() {
        if (sel::Result<> opened = socket_.open(net::Kind::ECHO); !opened) {
            return command.fail("{}", socket_.why(opened.error()));
        }
        for (u32 number = 1; number <= count_; number++) {
            u64 due = sel::now() + sel::milliseconds(kSecondMs);
            if (!send(number)) {
                return socket::kBad;
            }
            bool came = wait(number, due);
            if (!came) {
                command.print("no answer to number {}\n", number);
            }
            if (number != count_ && due > sel::now()) {
                [[maybe_unused]] auto slept = caps::signals.wait(due - sel::now());
            }
        }
        u32 lost = (count_ - came_) * 100 / count_;
        command.print("{} sent, {} came back, {}% lost\n", count_, came_, lost);
        if (came_ != 0) {
            command.print("time min {} us, average {} us, max {} us\n", least_, sum_ / came_,
                          most_);
        }
        return came_ != 0 ? socket::kGood : socket::kBad;
    }

  private:
    bool send(u32 number) {
        Echo echo{number, sel::now(), {}};
        sel::Result<> sent =
            socket_.send_to({to_, 0}, {reinterpret_cast<const u8 *>(&echo), sizeof echo});
        if (!sent) {
            command.fail("{}: {}", socket::text_of(to_), socket_.why(sent.error()));
        }
        return sent.ok();
    }

    // Answers to earlier ones may still come.
    bool wait(u32 number, u64 due) {
        while (due > sel::now()) {
            u64 ms = clock_.nanoseconds(due - sel::now()) / 1'000'000 + 1;
            sel::Result<net::Datagram> got = socket_.receive_from(ms);
            Echo echo;
            if (!got) {
                return false;
            }
            if (got->data.size == sizeof echo && got->from.address == to_) {
                __builtin_memcpy(&echo, got->data.byte, sizeof echo);
                count(echo, *got);
                if (echo.number == number) {
                    return true;
                }
            }
        }
        return false;
    }

    void count(const Echo &echo, const net::Datagram &answer) {
        u64 us = clock_.nanoseconds(sel::now() - echo.sent) / 1'000;
        came_++;
        sum_ += us;
        least_ = std::min(least_, us);
        most_ = std::max(most_, us);
        command.print("{} bytes from {}: number {}, ttl {}, {} us\n", answer.data.size,
                      socket::text_of(answer.from.address), echo.number, answer.ttl, us);
    }

    net::Address to_;
    u32 count_, came_ = 0;
    u64 sum_ = 0, least_ = ~u64{0}, most_ = 0;
    sel::Clock clock_ = sel::clock();
    socket::Socket socket_{caps::net};
};

} // namespace

int main() {
    socket::Words words;
    std::string_view host = words.next();
    u32 count = 4;
    if (host == "-c") {
        if (!net::read_number(words.next(), kCountMost + 1, count) || count == 0) {
            return command.usage();
        }
        host = words.next();
    }
    if (host.empty() || host[0] == '-' || !words.next().empty()) {
        return command.usage();
    }
    sel::Result<net::Address> to = socket::resolve(caps::net, host, kNameMs);
    if (!to) {
        return command.fail("{}: {}", host, socket::why_no_name(to.error()));
    }
    return Pinger{*to, count}.run();
}
