// Netstat: shows sockets, whose they are; with -m the memory of the network.
// SPDX-License-Identifier: BSD-2-Clause
#include "netstat.caps.hpp"

#include "servers/socket/command.hpp"

namespace {

const socket::Command command{"netstat", "nothing, or -m", caps::console};

sel::Text<60> text_of(const net::Endpoint &end) {
    sel::Text<60> text;
    net::write_address(text, end.address);
    sel::format(text, ":{}", end.port);
    return text;
}

root::Name name_of(u32 client) {
    sel::Result<root::Program> program = caps::view.call(root::GetProgram{.number = client});
    root::Name name;
    sel::format(name, "{}", client);
    return program ? program->data : name;
}

int show_sockets() {
    constexpr std::string_view kKinds[] = {"tcp", "udp", "echo"};
    constexpr std::string_view kStates[] = {"",          "open",      "connecting",
                                            "connected", "listening", "ended"};
    command.print("{:<16}{:<6}{:<12}{:<22}{:<22}{}\n", "PROGRAM", "KIND", "STATE", "HERE", "THERE",
                  "TO READ, TO SEND");
    sel::Result<net::SocketInfo> s = caps::net.call(net::GetSocket{.place = 0});
    for (; s; s = caps::net.call(net::GetSocket{.place = s->next})) {
        command.print("{:<16}{:<6}{:<12}{:<22}{:<22}{}, {}\n", name_of(s->client),
                      kKinds[static_cast<u32>(s->kind)], kStates[static_cast<u32>(s->state)],
                      text_of(s->local), text_of(s->remote), s->to_read, s->to_send);
    }
    return s.error() == ERR_EMPTY ? socket::kGood : command.fail("{}", sel::describe(s.error()));
}

int show_memory() {
    command.print("{:<24}   {}    {}    {}     {}\n", "MEMORY", "BYTES", "USED", "MOST", "ALL");
    u64 all = 0;
    sel::Result<net::Pool> p = caps::net.call(net::GetPool{.place = 0});
    for (u32 place = 1; p; place++) {
        command.print("{:<24}{:8}{:8}{:8}{:8}\n", p->data, p->bytes, p->used, p->most, p->all);
        all += u64{p->bytes} * p->all;
        p = caps::net.call(net::GetPool{.place = place});
    }
    if (p.error() != ERR_NAME) {
        return command.fail("{}", sel::describe(p.error()));
    }
    command.print("all of it: {} KiB, which is there from the start\n", all / 1024);
    return socket::kGood;
}

} // namespace

int main() {
    socket::Words words;
    std::string_view word = words.next();
    if ((!word.empty() && word != "-m") || !words.next().empty()) {
        return command.usage();
    }
    return word.empty() ? show_sockets() : show_memory();
}
