// Connection: requests of one client, one after the other, and their answers. Link and Site are its template arguments, so that
// it is tested on the host.
// SPDX-License-Identifier: BSD-2-Clause
//
//   Link   std::string_view receive()   what has come; empty: nothing more will, or it took too long
//          bool send(std::string_view)  all of it; false: the connection is of no use any more
//          void begin(), end()          a request is waited for; it is there
//   Site   void answer(const Request &, Reply<Link> &)
// A connection is closed behind a request that is none, behind kRequestsMost, and when a client says so.
#pragma once

#include "answer.hpp"

#include "sel/bytes.hpp"

namespace httpd {

inline constexpr u32 kRequestsMost = 1000; // Of a connection.
inline constexpr u32 kChunkOut = 840; // Bytes of a chunk: with its frame in one message of net.

// The answer to one request: content() or refuse() once; behind content() put() all of it, then finish().
template <typename Link>
class Reply {
  public:
    Reply(Link &link, const Request &request) : link_{link}, request_{request} {}

    // What is to be sent of it. Nothing need be put if it has no body.
    const Answer &content(const Content &content) {
        answer_ = answer_to(request_, content);
        begun_ = true;
        Head head = head_of(answer_);
        good_ = link_.send(head.view());
        return answer_;
    }
    void refuse(Status status) {
        Text<80> text;
        for (char c : reason_of(status)) {
            [[maybe_unused]] bool room = text.append(c);
        }
        [[maybe_unused]] bool room = text.append('\n');
        answer_ = refusal(request_, status, text.view().size());
        begun_ = true;
        Head head = head_of(answer_);
        good_ = link_.send(head.view()) && (!answer_.body || link_.send(text.view()));
        answer_.body = false;
    }

    // False: nobody hears it any more.
    bool put(std::string_view bytes) {
        if (!answer_.body) {
            return good_;
        }
        if (!answer_.chunked) {
            good_ = good_ && link_.send(bytes);
            return good_;
        }
        while (!bytes.empty() && good_) {
            if (chunk_.size == kChunkOut) {
                flush();
            }
            std::string_view piece =
                bytes.substr(0, std::min<std::size_t>(bytes.size(), kChunkOut - chunk_.size));
            chunk_.append(piece);
            bytes.remove_prefix(piece.size());
        }
        return good_;
    }
    template <typename... Ts>
    bool print(std::string_view pattern, const Ts &...values) {
        sel::Text<512> text;
        sel::format(text, pattern, values...);
        return put(text.view());
    }
    // What was put is sent.
    bool flush() {
        if (chunk_.size == 0 || !good_) {
            return good_;
        }
        sel::Text<kChunkOut + 16> out;
        if (answer_.keep_alive) {
            sel::format(out, "{:x}\r\n", chunk_.size);
        }
        out.append(chunk_.view());
        out.append(answer_.keep_alive ? "\r\n" : "");
        chunk_.clear();
        good_ = link_.send(out.view());
        return good_;
    }
    void finish() {
        flush();
        if (good_ && answer_.body && answer_.chunked && answer_.keep_alive) {
            good_ = link_.send("0\r\n\r\n");
        }
    }

    Link &link() { return link_; }
    bool begun() const { return begun_; }
    // Another request may follow.
    bool goes_on() const { return begun_ && good_ && answer_.keep_alive; }

  private:
    Link &link_;
    const Request &request_;
    Answer answer_;
    bool good_ = true, begun_ = false;
    sel::Text<kChunkOut> chunk_;
};

template <typename Link, typename Site>
class Connection {
  public:
    Connection(Link &link, Site &site) : link_{link}, site_{site} {}

    // Up to its end.
    void run() {
        u32 count = 0;
        while (count++ < kRequestsMost && serve_one(count == kRequestsMost)) {
        }
    }

  private:
    // False: no more of them.
    bool serve_one(bool last) {
        parser_.reset();
        link_.begin();
        bool told = false;
        while (parser_.state() == RequestParser::State::HEAD ||
               parser_.state() == RequestParser::State::BODY) {
            if (rest_.empty()) {
                rest_ = link_.receive();
            }
            if (rest_.empty()) {
                return false;
            }
            rest_.remove_prefix(parser_.take(rest_));
            bool waits = parser_.state() == RequestParser::State::BODY && !told && rest_.empty() &&
                         parser_.request().expects_continue;
            told = told || waits;
            if (waits && !link_.send("HTTP/1.1 100 Continue\r\n\r\n")) {
                return false;
            }
        }
        link_.end();
        Request &request = request_;
        request = parser_.request();
        request.keep_alive = request.keep_alive && !last;
        Reply<Link> reply{link_, request};
        if (parser_.state() == RequestParser::State::FAILED) {
            reply.refuse(parser_.status());
        } else if (request.method == Method::POST) {
            reply.refuse(STATUS_METHOD);
        } else {
            site_.answer(request, reply);
        }
        return reply.goes_on();
    }

    Link &link_;
    Site &site_;
    RequestParser parser_;
    Request request_;
    std::string_view rest_; // That came, and belongs to no request yet.
};

} // namespace httpd
