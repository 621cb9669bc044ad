// Nslookup: finds the addresses of a name.
// SPDX-License-Identifier: BSD-2-Clause
//
//   nslookup NAME                   asks whom the network says (DHCP)
//   nslookup NAME SERVER [PORT]     asks that one
#include "nslookup.caps.hpp"

#include "dns.hpp"

#include "servers/socket/command.hpp"

namespace {

constexpr u64 kNameMs = 15'000, kAnswerMs = 2'000;
constexpr u32 kTries = 3;
constexpr u16 kPort = 53;

const socket::Command command{"nslookup", "NAME [SERVER [PORT]]", caps::console};

void show(std::string_view name, const net::Address &address) {
    command.print("{} has address {}\n", name, socket::text_of(address));
}

int ask_network(std::string_view name) {
    sel::Result<net::Address> found = socket::resolve(caps::net, name, kNameMs);
    if (!found) {
        return command.fail("{}: {}", name, socket::why_no_name(found.error()));
    }
    show(name, *found);
    return socket::kGood;
}

std::string_view describe(dns::Outcome outcome) {
    switch (outcome) {
    case dns::Outcome::GOOD:
        return "it has an address";
    case dns::Outcome::NO_SUCH_NAME:
        return "nobody knows this name";
    case dns::Outcome::NO_ADDRESS:
        return "it has no address";
    case dns::Outcome::REFUSED:
        return "the server refuses to answer";
    case dns::Outcome::NONSENSE:
        return "the server's answer makes no sense";
    }
    return "";
}

// Whoever wants to answer in the server's place must tell this number, and the port. Not a secret generator's: net has
// that one, and chose the port.
u16 new_id() {
    return static_cast<u16>((sel::now() * 0x9e3779b97f4a7c15) >> 48);
}

class Question {
  public:
    Question(std::string_view name, const net::Endpoint &server) : name_{name}, server_{server} {}

    int run() {
        if (!dns::make_question(question_, new_id(), name_)) {
            return command.fail("{}: that is no name", name_);
        }
        sel::Result<> done = socket_.open(net::Kind::UDP);
        for (u32 i = 0; i < kTries && done; i++) {
            done = socket_.send_to(server_, question_.span());
            dns::Answer answer;
            if (done && wait(answer)) {
                return show_all(answer);
            }
        }
        return command.fail("{}: {}", socket::text_of(server_.address),
                            socket_.why(done ? ERR_TIMEOUT : done.error()));
    }

  private:
    bool wait(dns::Answer &answer) {
        constexpr u32 kOthers = 16; // Answers to other questions.
        for (u32 i = 0; i < kOthers; i++) {
            sel::Result<net::Datagram> got = socket_.receive_from(kAnswerMs);
            if (!got) {
                return false;
            }
            if (got->from == server_ && dns::read_answer(got->data.span(), question_, answer)) {
                return true;
            }
        }
        return false;
    }

    int show_all(const dns::Answer &answer) const {
        if (answer.outcome != dns::Outcome::GOOD) {
            return command.fail("{}: {}", name_, describe(answer.outcome));
        }
        for (const net::Address &address : answer.address) {
            show(name_, address);
        }
        return socket::kGood;
    }

    std::string_view name_;
    net::Endpoint server_;
    dns::Message question_;
    socket::Socket socket_{caps::net};
};

} // namespace

int main() {
    socket::Words words;
    std::string_view name = words.next(), server = words.next(), port = words.next();
    u32 number = kPort;
    if (name.empty() || !words.next().empty() ||
        (!port.empty() && (!net::read_number(port, 65536, number) || number == 0))) {
        return command.usage();
    }
    if (server.empty()) {
        return ask_network(name);
    }
    sel::Result<net::Address> address = socket::resolve(caps::net, server, kNameMs);
    if (!address) {
        return command.fail("{}: {}", server, socket::why_no_name(address.error()));
    }
    return Question{name, {*address, static_cast<u16>(number)}}.run();
}
