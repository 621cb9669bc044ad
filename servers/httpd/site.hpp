// Site: what stands behind each path: files of the page, what is seen of the system, and a stream of events.
// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <atomic>

#include "connection.hpp"
#include "observe.hpp"
#include "pages.hpp"

namespace httpd {

// The number behind NAME= in a query; `other` if there is none.
u64 number_in(std::string_view query, std::string_view name, u64 other);

// Bytes to try a connection with: byte number `at` of it.
constexpr char test_byte(u64 at) {
    return static_cast<char>((at * 7 + (at >> 8) * 13 + (at >> 16)) & 0xff);
}

template <typename Link>
class Site {
  public:
    static constexpr u32 kStreams = 3;             // Connections that may wait for events.
    static constexpr u64 kBytesMost = 64ull << 20; // Of /api/bytes.

    Site(const Views &views, const Pages &pages) : views_{views}, pages_{pages} {}

    void answer(const Request &request, Reply<Link> &reply) {
        std::string_view path = request.path.view();
        if (path == "/api/bytes") {
            bytes(request, reply);
        } else if (path == "/api/events") {
            events(reply);
        } else if (path.starts_with("/api/")) {
            observed(path.substr(5), request, reply);
        } else {
            page(path, reply);
        }
    }

  private:
    static constexpr u32 kTickMs = 1000;
    static constexpr Content kJson{kUnknown, "application/json", ""};

    void page(std::string_view path, Reply<Link> &reply) {
        const Page *page = pages_.find(path);
        if (page == nullptr) {
            return reply.refuse(STATUS_NOT_FOUND);
        }
        const Answer &a = reply.content({page->content.size(), page->type, page->tag.view()});
        if (a.body) {
            reply.put(page->content.substr(a.first, a.bytes));
        }
        reply.finish();
    }

    void bytes(const Request &request, Reply<Link> &reply) {
        u64 count = std::min(number_in(request.query.view(), "count", 0), kBytesMost);
        sel::Text<24> tag;
        sel::format(tag, "\"bytes-{}\"", count);
        const Answer &a = reply.content({count, "application/octet-stream", tag.view()});
        sel::Text<net::kChunk> piece;
        bool good = a.body;
        u64 end = a.first + a.bytes;
        for (u64 at = a.first; good && at < end; at += piece.size) {
            piece.clear();
            u64 size = std::min<u64>(net::kChunk, end - at);
            for (u64 i = 0; i < size; i++) {
                piece.append(test_byte(at + i));
            }
            good = reply.put(piece.view());
        }
        reply.finish();
    }

    void observed(std::string_view what, const Request &request, Reply<Link> &reply) {
        using Look = Observer<Reply<Link>>;
        struct Name {
            std::string_view name;
            void (Look::*show)();
        };
        static constexpr Name kNames[] = {{"servers", &Look::servers},
                                          {"machine", &Look::machine},
                                          {"capabilities", &Look::capabilities},
                                          {"interrupts", &Look::interrupts},
                                          {"trace", &Look::trace},
                                          {"disks", &Look::disks},
                                          {"devices", &Look::devices},
                                          {"network", &Look::network}};
        Look look{views_, reply};
        for (const Name &n : kNames) {
            if (n.name == what) {
                if (reply.content(kJson).body) {
                    (look.*n.show)();
                }
                return reply.finish();
            }
        }
        if (what != "log") {
            return reply.refuse(STATUS_NOT_FOUND);
        }
        if (reply.content(kJson).body) {
            look.log(number_in(request.query.view(), "since", 0));
        }
        reply.finish();
    }

    // Servers and machine once a second, and the log when there is more of it, until nobody listens.
    void events(Reply<Link> &reply) {
        if (streams_.fetch_add(1) >= kStreams) {
            streams_.fetch_sub(1);
            return reply.refuse(STATUS_BUSY);
        }
        u64 next = 0;
        bool good = reply.content({kUnknown, "text/event-stream", ""}).body;
        while (good) {
            tell(reply, "servers", [](auto &look) { look.servers(); });
            tell(reply, "machine", [](auto &look) { look.machine(); });
            u64 now = Observer<Reply<Link>>{views_, reply}.log_next();
            if (now != next) {
                tell(reply, "log", [&](auto &look) { look.log(next); });
                next = now;
            }
            good = reply.flush() && reply.link().pause(kTickMs);
        }
        streams_.fetch_sub(1);
        reply.finish();
    }
    template <typename F>
    void tell(Reply<Link> &reply, std::string_view name, F show) {
        reply.print("event: {}\ndata: ", name);
        Observer<Reply<Link>> look{views_, reply};
        show(look);
        reply.put("\n\n");
    }

    Views views_;
    const Pages &pages_;
    inline static std::atomic<u32> streams_{0};
};

} // namespace httpd
