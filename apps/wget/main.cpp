// Wget: gets a file by HTTP.
// SPDX-License-Identifier: BSD-2-Clause
//
//   wget URL [-O FILE]      FILE: what the address calls it if nothing is said; "-": to the terminal
// The file is there when all of it is: until then it is FILE.part.
#include "wget.caps.hpp"

#include "http.hpp"

#include "servers/socket/command.hpp"

namespace {

constexpr u64 kConnectMs = 30'000, kPieceMs = 30'000, kNameMs = 15'000;
constexpr u32 kRedirects = 5;

const socket::Command command{"wget", "http://HOST[:PORT]/PATH [-O FILE]", caps::console};

// Where the content goes.
class Sink {
  public:
    explicit Sink(std::string_view name) : terminal_{name == "-"} {
        if (!terminal_) {
            name_.append(name.starts_with('/') ? "" : "/");
            name_.append(name);
            part_.append(name_);
            part_.append(".part");
        }
    }

    sel::Result<> begin() {
        if (terminal_) {
            return {};
        }
        sel::Result<u32> opened = caps::files.call(file::Open{
            .flags = file::kWrite | file::kCreate | file::kTruncate, .data = part_.view()});
        handle_ = opened.value_or(0);
        open_ = opened.ok();
        return opened.error();
    }
    sel::Result<> put(std::span<const u8> bytes) {
        count_ += bytes.size();
        if (terminal_) {
            return stream::put_all(caps::console,
                                   {reinterpret_cast<const char *>(bytes.data()), bytes.size()});
        }
        while (!bytes.empty()) {
            file::Append m{.handle = handle_, .data = {}};
            m.data.assign(bytes);
            if (sel::Result<> done = caps::files.call(m); !done) {
                return done;
            }
            bytes = bytes.subspan(m.data.size);
        }
        return {};
    }
    // Gives it its name.
    sel::Result<> finish() {
        if (terminal_) {
            return {};
        }
        sel::Result<> closed = close();
        if (!closed) {
            return closed;
        }
        file::Rename m;
        m.from.append(part_);
        m.data.append(name_);
        return caps::files.call(m);
    }
    void give_up() {
        if (open_) {
            [[maybe_unused]] auto closed = close();
            [[maybe_unused]] auto removed = caps::files.call(file::Remove{.data = part_.view()});
        }
    }

    u64 count() const { return count_; }
    bool terminal() const { return terminal_; }
    std::string_view name() const { return name_; }

  private:
    sel::Result<> close() {
        open_ = false;
        return caps::files.call(file::Close{.handle = handle_});
    }

    bool terminal_, open_ = false;
    u32 handle_ = 0;
    u64 count_ = 0;
    file::Path name_, part_;
};

class Download {
  public:
    explicit Download(std::string_view file) : sink_{file} {}

    int run(http::Url url) {
        for (u32 i = 0; i <= kRedirects; i++) {
            response_ = {};
            if (int failed = get(url); failed != socket::kGood) {
                sink_.give_up();
                return failed;
            }
            if (!is_redirect()) {
                return finish();
            }
            if (!http::read_url(response_.location(), url)) {
                return command.fail(
                    "the server sends us to {}, which is no http://HOST[:PORT]/PATH",
                    response_.location());
            }
        }
        return command.fail("the server sends us from place to place");
    }

  private:
    bool is_redirect() const {
        u32 s = response_.status();
        return s == 301 || s == 302 || s == 303 || s == 307 || s == 308;
    }

    int get(const http::Url &url) {
        sel::Result<net::Address> address = socket::resolve(caps::net, url.host, kNameMs);
        if (!address) {
            return command.fail("{}: {}", url.host, socket::why_no_name(address.error()));
        }
        sel::Result<> done = socket_.open(net::Kind::TCP);
        done = done ? socket_.connect({*address, url.port}, kConnectMs) : done;
        if (!done) {
            return command.fail("{} port {}: {}", url.host, url.port, socket_.why(done.error()));
        }
        sel::Text<800> request;
        sel::format(request,
                    "GET {} HTTP/1.1\r\nHost: {}:{}\r\nUser-Agent: TRustOs\r\nAccept: */*\r\n"
                    "Connection: close\r\n\r\n",
                    url.path, url.host, url.port);
        done = socket_.send_all(request, kPieceMs);
        return done ? receive() : command.fail("{}: {}", url.host, socket_.why(done.error()));
    }

    int receive() {
        sel::Result<> kept;
        while (!response_.done() && !response_.bad()) {
            sel::Result<net::Data> got = socket_.receive(kPieceMs);
            if (!got) {
                return command.fail("after {} bytes: {}", sink_.count(), socket_.why(got.error()));
            }
            if (got->size == 0) {
                response_.end();
            } else if (!take(got->span(), kept)) {
                return command.fail("{}: {}", sink_.name(), sel::describe(kept.error()));
            }
        }
        if (response_.bad()) {
            return command.fail("the answer is cut off, or no HTTP, after {} bytes", sink_.count());
        }
        return socket::kGood;
    }

    // The file is made when there is something for it.
    bool take(std::span<const u8> bytes, sel::Result<> &kept) {
        response_.take(bytes, [&](std::span<const u8> content) {
            constexpr u32 kFound = 200;
            if (response_.status() != kFound) {
                return true;
            }
            kept = begun_ ? sel::Result<>{} : sink_.begin();
            begun_ = true;
            kept = kept ? sink_.put(content) : kept;
            return kept.ok();
        });
        return kept.ok();
    }

    int finish() {
        constexpr u32 kFound = 200;
        if (response_.status() != kFound) {
            return command.fail("the server says {}", response_.status());
        }
        sel::Result<> done = begun_ ? sel::Result<>{} : sink_.begin();
        done = done ? sink_.finish() : done;
        if (!done) {
            sink_.give_up();
            return command.fail("{}: {}", sink_.name(), sel::describe(done.error()));
        }
        if (!sink_.terminal()) {
            command.print("{}: {} bytes\n", sink_.name(), sink_.count());
        }
        return socket::kGood;
    }

    socket::Socket socket_{caps::net};
    http::Response response_;
    Sink sink_;
    bool begun_ = false;
};

} // namespace

int main() {
    socket::Words words;
    std::string_view address, file;
    for (std::string_view word = words.next(); !word.empty(); word = words.next()) {
        if (word == "-O" && file.empty()) {
            file = words.next();
            if (file.empty()) {
                return command.usage();
            }
        } else if (address.empty() && word[0] != '-') {
            address = word;
        } else {
            return command.usage();
        }
    }
    http::Url url;
    if (!http::read_url(address, url)) {
        return command.usage();
    }
    file = file.empty() ? url.file() : file;
    if (file.empty() || file.size() + 8 > file::kPathMax) {
        return command.fail("{} names no file: say which with -O FILE", address);
    }
    static Download download{file};
    return download.run(url);
}
