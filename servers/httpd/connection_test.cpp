// Connection: whole conversations, in pieces of any size, and noise; each answer is read as a client reads it.
// SPDX-License-Identifier: BSD-2-Clause
#include "connection.hpp"
#include "json.hpp"
#include "site.hpp"

#include <catch2/catch.hpp>
#include <cstdlib>
#include <random>
#include <string>
#include <vector>

using namespace httpd;

namespace {

const std::string kText = "0123456789abcdefghij";
const std::string kTag = "\"tag\"";
const std::string kLong(5000, 'x');

// Gives a text in pieces, keeps what is sent, and breaks when it has taken `most` bytes.
struct FakeLink {
    std::string in, out;
    std::size_t piece = 1000, most = ~std::size_t{0}, at = 0;
    u32 begun = 0, ended = 0;

    std::string_view receive() {
        std::string_view got = std::string_view{in}.substr(at, piece);
        at += got.size();
        return got;
    }
    bool send(std::string_view text) {
        out += text;
        return out.size() <= most;
    }
    void begin() { begun++; }
    void end() { ended++; }
};

struct FakeSite {
    void answer(const Request &request, Reply<FakeLink> &reply) {
        std::string_view path = request.path.view();
        if (path == "/made") {
            if (reply.content({kUnknown, "text/plain", ""}).body) {
                for (char c : kLong) {
                    reply.put({&c, 1});
                }
            }
            reply.finish();
        } else if (path == "/") {
            const Answer &a = reply.content({kText.size(), "text/plain", kTag});
            if (a.body) {
                reply.put(std::string_view{kText}.substr(a.first, a.bytes));
            }
            reply.finish();
        } else {
            reply.refuse(STATUS_NOT_FOUND);
        }
    }
};

std::string talk(FakeLink &link) {
    FakeSite site;
    Connection<FakeLink, FakeSite>{link, site}.run();
    return link.out;
}
std::string talk(const std::string &in, std::size_t piece = 1000) {
    FakeLink link;
    link.in = in;
    link.piece = piece;
    return talk(link);
}

struct Got {
    u32 status = 0;
    std::string head, body;
    bool closes = false;
};

// Whether a client waits before its body depends on the pieces.
std::string without_continue(std::string text) {
    const std::string kLine = "HTTP/1.1 100 Continue\r\n\r\n";
    for (std::size_t at = text.find(kLine); at != text.npos; at = text.find(kLine)) {
        text.erase(at, kLine.size());
    }
    return text;
}

// Answers, one after the other; `heads`: whether each is to a HEAD. Fails if they are not in order.
std::vector<Got> split(std::string_view out, const std::vector<bool> &heads) {
    std::vector<Got> all;
    while (!out.empty()) {
        std::size_t end = out.find("\r\n\r\n");
        REQUIRE(end != out.npos);
        Got got;
        got.head = out.substr(0, end + 2);
        out.remove_prefix(end + 4);
        REQUIRE(got.head.starts_with("HTTP/1.1 "));
        got.status = static_cast<u32>(std::stoul(got.head.substr(9, 3)));
        if (got.status == 100) {
            continue;
        }
        got.closes = got.head.find("Connection: close\r\n") != std::string::npos;
        bool head = all.size() < heads.size() && heads[all.size()];
        std::size_t length = got.head.find("Content-Length: ");
        if (head || got.status == 304) {
        } else if (length != std::string::npos) {
            std::size_t bytes = std::stoul(got.head.substr(length + 16));
            REQUIRE(out.size() >= bytes);
            got.body = out.substr(0, bytes);
            out.remove_prefix(bytes);
        } else if (got.head.find("Transfer-Encoding: chunked") != std::string::npos) {
            for (std::size_t size = 1; size != 0;) {
                std::size_t line = out.find("\r\n");
                REQUIRE(line != out.npos);
                size = std::stoul(std::string{out.substr(0, line)}, nullptr, 16);
                REQUIRE(out.size() >= line + 4 + size);
                got.body += out.substr(line + 2, size);
                REQUIRE(out.substr(line + 2 + size, 2) == "\r\n");
                out.remove_prefix(line + 4 + size);
            }
        } else {
            got.body = out;
            out = {};
            REQUIRE(got.closes);
        }
        REQUIRE((!got.closes || out.empty()));
        all.push_back(got);
    }
    return all;
}
Got one(const std::string &in) {
    std::vector<Got> all = split(talk(in), {in.starts_with("HEAD")});
    REQUIRE(all.size() == 1);
    return all[0];
}
std::string get(const std::string &path, const std::string &fields = "") {
    return "GET " + path + " HTTP/1.1\r\nHost: a\r\n" + fields + "\r\n";
}
bool has(const Got &got, std::string_view line) {
    return got.head.find("\r\n" + std::string{line} + "\r\n") != std::string::npos;
}

} // namespace

TEST_CASE("answers of a connection, whatever the pieces", "[httpd]") {
    for (std::size_t piece : {1, 2, 5, 17, 1000}) {
        std::vector<Got> all =
            split(talk(get("/") + get("/made") + "HEAD / HTTP/1.1\r\nHost: a\r\n\r\n" + get("/no") +
                           "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc" + get("/"),
                       piece),
                  {false, false, true});
        REQUIRE(all.size() == 6);
        CHECK(all[0].body == kText);
        CHECK(all[1].body == kLong);
        CHECK(has(all[2], "Content-Length: 20"));
        CHECK(all[3].status == 404);
        CHECK(all[4].status == 405);
        CHECK(has(all[4], "Allow: GET, HEAD"));
        CHECK(all[5].body == kText);
        for (const Got &got : all) {
            CHECK_FALSE(got.closes);
        }
    }
}

TEST_CASE("connections that end", "[httpd]") {
    std::vector<Got> all = split(talk(get("/", "Connection: close\r\n") + get("/")), {});
    REQUIRE(all.size() == 1);
    CHECK(all[0].closes);
    Got old = one("GET /made HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    CHECK(old.closes); // It does not know chunks.
    CHECK(old.body == kLong);
    CHECK_FALSE(one("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n").closes);
    CHECK(one("GET / HTTP/1.0\r\n\r\n").closes);
    Got bad = one("NONSENSE\r\n\r\n" + get("/"));
    CHECK(bad.status == 400);
    CHECK(bad.closes);
    CHECK(talk("GET / HTTP/1.1\r\nHost:").empty());

    std::string many;
    for (u32 i = 0; i < kRequestsMost + 10; i++) {
        many += get("/");
    }
    all = split(talk(many), {});
    REQUIRE(all.size() == kRequestsMost);
    CHECK(all.back().closes);

    FakeLink gone;
    gone.in = get("/made") + get("/");
    gone.most = 2000;
    talk(gone);
    CHECK(gone.begun == 1); // What cannot be sent ends it.
}

TEST_CASE("ranges and conditions", "[httpd]") {
    Got got = one(get("/", "Range: bytes=2-4\r\n"));
    CHECK(got.status == 206);
    CHECK(got.body == "234");
    CHECK(has(got, "Content-Range: bytes 2-4/20"));
    CHECK(one(get("/", "Range: bytes=-3\r\n")).body == "hij");
    CHECK(one(get("/", "Range: bytes=18-\r\n")).body == "ij");
    CHECK(one(get("/", "Range: bytes=1-2,4-5\r\n")).body == kText);
    got = one(get("/", "Range: bytes=20-\r\n"));
    CHECK(got.status == 416);
    CHECK(has(got, "Content-Range: bytes */20"));
    CHECK(one(get("/made", "Range: bytes=1-2\r\n")).status == 200);
    CHECK(one(get("/", "Range: bytes=1-2\r\nIf-Range: \"tag\"\r\n")).status == 206);
    CHECK(one(get("/", "Range: bytes=1-2\r\nIf-Range: \"x\"\r\n")).status == 200);

    got = one(get("/", "If-None-Match: \"x\", W/\"tag\"\r\n"));
    CHECK(got.status == 304);
    CHECK(got.body.empty());
    CHECK(has(got, "ETag: \"tag\""));
    CHECK_FALSE(has(got, "Content-Length: 20"));
    CHECK(one(get("/", "If-None-Match: \"x\"\r\n")).status == 200);
    CHECK(one(get("/", "If-Match: W/\"tag\"\r\n")).status == 412);
    CHECK(one(get("/", "If-Match: \"tag\"\r\n")).status == 200);
    CHECK(one(get("/", "If-Match: *\r\n")).status == 200);
}

TEST_CASE("a client that waits before its body", "[httpd]") {
    std::string out = talk("POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: "
                           "3\r\n\r\n",
                           1000);
    CHECK(out == "HTTP/1.1 100 Continue\r\n\r\n");
}

TEST_CASE("numbers in a query", "[httpd]") {
    CHECK(number_in("count=5", "count", 1) == 5);
    CHECK(number_in("a=2&count=7", "count", 1) == 7);
    for (std::string_view bad : {"", "count", "count=", "count=x", "count=-1", "counts=3",
                                 "count=1234567890123456", "xcount=3", "&", "="}) {
        CAPTURE(bad);
        CHECK(number_in(bad, "count", 1) == 1);
    }
}

TEST_CASE("JSON", "[httpd]") {
    struct {
        std::string text;
        void put(std::string_view more) { text += more; }
    } out;
    Json json{out};
    json.open('{');
    json.pair("a", 1u);
    json.open("b", '[');
    json.value(std::string_view{"x\"\\\n</\xff"});
    json.value(-2);
    json.open('[');
    json.close(']');
    json.close(']');
    json.pair("c", std::string_view{});
    json.close('}');
    CHECK(out.text == R"({"a":1,"b":["x\u0022\u005c\u000a\u003c/\u00ff",-2,[]],"c":""})");
}

TEST_CASE("noise: every answer is one", "[httpd][fuzz]") {
    const char *rounds = std::getenv("HTTPD_ROUNDS");
    u32 count = rounds != nullptr ? static_cast<u32>(std::atoi(rounds)) : 50'000;
    const std::string words[] = {get("/"),
                                 get("/made"),
                                 get("/no"),
                                 get("/", "Range: bytes=3-9\r\n"),
                                 get("/", "If-None-Match: \"tag\"\r\n"),
                                 get("/", "Connection: close\r\n"),
                                 "GET / HTTP/1.0\r\n\r\n",
                                 "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nab",
                                 "POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n"
                                 "Transfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n",
                                 "GET /\r\n",
                                 "\r\n",
                                 "Range: bytes="};
    std::mt19937 random{14};
    u32 good = 0, bad = 0;
    for (u32 round = 0; round < count; round++) {
        std::string in;
        for (u32 i = 1 + random() % 5; i != 0; i--) {
            in += words[random() % std::size(words)];
        }
        for (u32 i = random() % 3; i != 0; i--) {
            in[random() % in.size()] = static_cast<char>(random());
        }
        std::string whole = talk(in);
        REQUIRE(without_continue(whole) == without_continue(talk(in, 1 + random() % 9)));
        for (const Got &got : split(whole, {})) {
            good += got.status < 300 ? 1 : 0;
            bad += got.status >= 400 ? 1 : 0;
        }
    }
    CHECK(good > count / 4);
    CHECK(bad > count / 10);
}
