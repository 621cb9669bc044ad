// Nc: sends a file through a connection, and shows what comes out of it.
// SPDX-License-Identifier: BSD-2-Clause
//
//   nc HOST PORT [FILE]     connects; without FILE nothing is sent
//   nc -l PORT [FILE]       waits for one who connects
// What comes goes to the terminal, until the other side has finished. Behind the file this side has.
#include "nc.caps.hpp"

#include "servers/socket/command.hpp"

namespace {

constexpr u64 kConnectMs = 30'000, kNameMs = 15'000, kIdleMs = 60'000;
constexpr u64 kTurnMs = 20; // For one direction, as long as the other one has something to do.
constexpr u32 kPorts = 65'536;

const socket::Command command{"nc", "HOST PORT [FILE], or -l PORT [FILE]", caps::console};

// What is to be sent, piece by piece.
class Source {
  public:
    sel::Result<> open(std::string_view name) {
        file::Path path;
        path.append(name.starts_with('/') ? "" : "/");
        path.append(name);
        sel::Result<u32> opened = caps::files.call(file::Open{.flags = 0, .data = path.view()});
        handle_ = opened.value_or(0);
        return opened.error();
    }
    // Empty: the end.
    sel::Result<std::string_view> next() {
        sel::Result<file::Content> got = caps::files.call(
            file::Read{.handle = handle_, .count = net::kChunk, .offset = offset_});
        if (!got) {
            return got.error();
        }
        piece_ = got->data;
        offset_ += piece_.size;
        return std::string_view{reinterpret_cast<const char *>(piece_.byte), piece_.size};
    }

  private:
    u32 handle_ = 0;
    u64 offset_ = 0;
    file::Chunk piece_;
};

class Connection {
  public:
    int connect(std::string_view host, u16 port) {
        sel::Result<net::Address> address = socket::resolve(caps::net, host, kNameMs);
        if (!address) {
            return command.fail("{}: {}", host, socket::why_no_name(address.error()));
        }
        sel::Result<> done = socket_.open(net::Kind::TCP);
        done = done ? socket_.connect({*address, port}, kConnectMs) : done;
        return done ? socket::kGood
                    : command.fail("{} port {}: {}", host, port, socket_.why(done.error()));
    }

    int listen(u16 port) {
        socket::Socket listener{caps::net};
        sel::Result<> done = listener.open(net::Kind::TCP);
        done = done ? listener.listen(port) : done;
        sel::Result<net::Accepted> came = done ? listener.accept(kIdleMs) : done.error();
        if (!came) {
            return command.fail("port {}: {}", port, listener.why(came.error()));
        }
        socket_.adopt(came->socket);
        return socket::kGood;
    }

    // Both directions, in turns as long as both have something to do.
    int run(Source *source) {
        u64 idle = sel::now() + sel::milliseconds(kIdleMs);
        bool sends = source != nullptr, receives = true;
        std::string_view rest;
        while (sends || receives) {
            bool moved = false;
            if (sends) {
                sel::Result<bool> sent = send(*source, rest, receives ? kTurnMs : kIdleMs, sends);
                if (!sent) {
                    return command.fail("{}", socket_.why(sent.error()));
                }
                moved = *sent;
            }
            if (receives) {
                sel::Result<net::Data> got = socket_.receive(sends ? kTurnMs : kIdleMs);
                if (!got && !(sends && got.error() == ERR_TIMEOUT)) {
                    return command.fail("{}", socket_.why(got.error()));
                }
                receives = !got || got->size != 0;
                moved = moved || got;
                show(got ? got->span() : std::span<const u8>{});
            }
            idle = moved ? sel::now() + sel::milliseconds(kIdleMs) : idle;
            if (sel::now() > idle) {
                return command.fail("{}", net::describe(net::Cause::TIMED_OUT));
            }
        }
        return socket::kGood;
    }

  private:
    static void show(std::span<const u8> bytes) {
        [[maybe_unused]] auto shown = stream::put_all(
            caps::console, {reinterpret_cast<const char *>(bytes.data()), bytes.size()});
    }

    // A piece of what is left; true if some of it was taken. Behind the last one this side has finished.
    sel::Result<bool> send(Source &source, std::string_view &rest, u64 ms, bool &more) {
        if (rest.empty()) {
            sel::Result<std::string_view> next = source.next();
            if (!next) {
                return next.error();
            }
            rest = *next;
        }
        if (rest.empty()) {
            more = false;
            sel::Result<> done = socket_.finish();
            return done ? sel::Result<bool>{true} : done.error();
        }
        sel::Result<u32> taken = socket_.send(rest, ms);
        rest.remove_prefix(taken.value_or(0));
        return taken || taken.error() == ERR_TIMEOUT ? sel::Result<bool>{taken.ok()}
                                                     : taken.error();
    }

    socket::Socket socket_{caps::net};
};

} // namespace

int main() {
    socket::Words words;
    std::string_view host = words.next(), port_text = words.next(), file = words.next();
    u32 port = 0;
    if (!net::read_number(port_text, kPorts, port) || port == 0 || !words.next().empty()) {
        return command.usage();
    }
    static Source source;
    if (sel::Result<> opened = file.empty() ? sel::Result<>{} : source.open(file); !opened) {
        return command.fail("{}: {}", file, sel::describe(opened.error()));
    }
    static Connection connection;
    u16 number = static_cast<u16>(port);
    int failed = host == "-l" ? connection.listen(number) : connection.connect(host, number);
    return failed != socket::kGood ? failed : connection.run(file.empty() ? nullptr : &source);
}
