// RequestParser: what is read, what is refused, in any pieces; noise.
// SPDX-License-Identifier: BSD-2-Clause
#include "request.hpp"

#include <catch2/catch.hpp>
#include <cstdlib>
#include <random>
#include <string>
#include <vector>

using namespace httpd;
using State = RequestParser::State;

namespace {

struct Outcome {
    State state;
    Status status;
    std::size_t used;
    std::string path, query, host, body;
    bool keep_alive;
    u32 ranges;
    u64 body_bytes;
    bool operator==(const Outcome &) const = default;
};

Outcome outcome_of(const RequestParser &p, std::size_t used, const std::string &body) {
    const Request &r = p.request();
    return {p.state(),
            p.status(),
            used,
            std::string{r.path.view()},
            std::string{r.query.view()},
            std::string{r.host.view()},
            body,
            r.keep_alive,
            r.ranges,
            r.body_bytes};
}

// In pieces of at most `most` bytes.
Outcome read(RequestParser &p, std::string_view text, std::size_t most = ~std::size_t{0}) {
    std::size_t used = 0;
    std::string body;
    while (used < text.size()) {
        std::string_view piece = text.substr(used, most);
        std::size_t took = p.take(piece, [&](std::string_view part) { body += part; });
        used += took;
        if (took < piece.size()) {
            break;
        }
    }
    return outcome_of(p, used, body);
}
Outcome read(std::string_view text, std::size_t most = ~std::size_t{0}) {
    RequestParser p;
    return read(p, text, most);
}

std::string get(std::string_view target, std::string_view fields = "") {
    return "GET " + std::string{target} + " HTTP/1.1\r\nHost: a\r\n" + std::string{fields} + "\r\n";
}
std::string post(std::string_view fields, std::string_view body = "") {
    return "POST /x HTTP/1.1\r\nHost: a\r\n" + std::string{fields} + "\r\n" + std::string{body};
}

// The status of a request that must fail; 0: it did not.
u16 refused(std::string_view text) {
    Outcome whole = read(text), bytes = read(text, 1);
    CHECK(whole == bytes);
    return whole.state == State::FAILED ? u16{whole.status} : u16{0};
}

RequestParser parsed(std::string_view fields, std::string_view target = "/") {
    RequestParser p;
    std::string text = get(target, fields);
    REQUIRE(p.take(text) == text.size());
    REQUIRE(p.state() == State::DONE);
    return p;
}

} // namespace

TEST_CASE("a plain request", "[httpd]") {
    Outcome o = read("GET /api/servers?x=1&y=%20 HTTP/1.1\r\nhOsT:  localhost:8080 \r\n\r\n");
    CHECK(o.state == State::DONE);
    CHECK(o.path == "/api/servers");
    CHECK(o.query == "x=1&y=%20");
    CHECK(o.host == "localhost:8080");
    CHECK(o.keep_alive);
    RequestParser p;
    read(p, "HEAD / HTTP/1.0\r\n\r\n");
    CHECK(p.state() == State::DONE);
    CHECK(p.request().method == Method::HEAD);
    CHECK(p.request().minor == 0);
    CHECK_FALSE(p.request().keep_alive);
}

TEST_CASE("requests one after the other, in any pieces", "[httpd]") {
    const std::string
        one = get("/1"),
        two = post("Content-Length: 5\r\n", "hello"),
        three = post("Transfer-Encoding: chunked\r\n",
                     "3\r\nabc\r\n1A;x=\"y\"\r\nabcdefghijklmnopqrstuvwxyz\r\n0\r\nEnd: x\r\n\r\n"),
        all = one + two + "\r\n" + three + get("/4");
    for (std::size_t most = 1; most < all.size(); most++) {
        RequestParser p;
        std::string_view rest = all;
        std::vector<Outcome> seen;
        while (!rest.empty()) {
            seen.push_back(read(p, rest, most));
            REQUIRE(seen.back().state == State::DONE);
            rest.remove_prefix(seen.back().used);
            p.reset();
        }
        REQUIRE(seen.size() == 4);
        REQUIRE(seen[0].path == "/1");
        REQUIRE(seen[1].body == "hello");
        REQUIRE(seen[2].body == "abcabcdefghijklmnopqrstuvwxyz");
        REQUIRE(seen[3].path == "/4");
    }
}

TEST_CASE("who wants the connection to stay", "[httpd]") {
    CHECK_FALSE(parsed("Connection: close\r\n").request().keep_alive);
    CHECK_FALSE(parsed("Connection: keep-alive, Close\r\n").request().keep_alive);
    CHECK(parsed("Connection: upgrade ,, x\r\n").request().keep_alive);
    CHECK(read("GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n").keep_alive);
}

TEST_CASE("start lines that are none", "[httpd]") {
    CHECK(refused("GET /\r\n") == 400);
    CHECK(refused("GET  / HTTP/1.1\r\n") == 400);
    CHECK(refused("GET / HTTP/1.1 \r\n") == 400);
    CHECK(refused("GET / http/1.1\r\n") == 400);
    CHECK(refused("GET / HTTP/11\r\n") == 400);
    CHECK(refused("G(T / HTTP/1.1\r\n") == 400);
    CHECK(refused(" / HTTP/1.1\r\n") == 400);
    CHECK(refused("GET / HTTP/2.0\r\n") == 505);
    CHECK(refused("PUT / HTTP/1.1\r\n") == 501);
    CHECK(refused("get / HTTP/1.1\r\n") == 501);
    CHECK(refused("GET / HTTP/1.1\n") == 400);
    CHECK(refused("GET / HTTP/1.1\rX") == 400);
    CHECK(refused("\r\n\r\n\r\n\r\n\r\n") == 400);
    CHECK(refused(std::string("GET /\0 HTTP/1.1\r\n", 17)) == 400);
    CHECK(refused("GET /" + std::string(kTargetMost, 'x') + " HTTP/1.1\r\n") == 414);
    CHECK(refused("GET /" + std::string(kLineMost, 'x')) == 414);
}

TEST_CASE("paths", "[httpd]") {
    CHECK(read(get("/a%2Fb%20c%7e")).path == "/a/b c~");
    CHECK(read(get("/a/")).path == "/a/");
    CHECK(read(get("/.../..a/a..")).path == "/.../..a/a..");
    CHECK(read(get("HTTP://host/x?y")).path == "/x");
    CHECK(read(get("http://host")).path == "/");
    CHECK(read(get("/x?")).query.empty());
    CHECK(read(get("/x?a?b")).query == "a?b");
    for (const char *bad :
         {"a",           "*",           "/../x",    "/a/..", "/a/../b", "/%2e%2E/x", "/./x",
          "//x",         "/a//b",       "/%",       "/%4",   "/%4g",    "/%00",      "/a%0d",
          "/a\\b",       "/a#b",        "/\x7f",    "/\x80", "?x",      "http://",   "http:///",
          "http://a b/", "http://a@b/", "ftp://a/", "/..%2f"}) {
        CAPTURE(bad);
        CHECK(refused(get(bad)) == 400);
    }
}

TEST_CASE("fields that are none", "[httpd]") {
    CHECK(refused("GET / HTTP/1.1\r\n\r\n") == 400); // No host.
    CHECK(refused(get("/", "Host: b\r\n")) == 400);
    CHECK(refused("GET http://a/ HTTP/1.1\r\n\r\n") == 400);
    CHECK(refused(get("/", "X : y\r\n")) == 400);
    CHECK(refused(get("/", " X: y\r\n")) == 400);
    CHECK(refused(get("/", "X: y\r\n z\r\n")) == 400);
    CHECK(refused(get("/", "X\r\n")) == 400);
    CHECK(refused(get("/", ": y\r\n")) == 400);
    CHECK(refused(get("/", "X: a\x01\r\n")) == 400);
    CHECK(refused(get("/", "X: a\nY: b\r\n")) == 400);
    CHECK(refused("GET / HTTP/1.1\r\nHost: a/b\r\n\r\n") == 400);
    CHECK(refused("GET / HTTP/1.1\r\nHost: " + std::string(kHostMost + 1, 'h') + "\r\n\r\n") ==
          400);
    CHECK(refused(get("/", "Expect: more\r\n")) == 417);
    std::string many;
    for (u32 i = 0; i < kFieldsMost; i++) {
        many += "X: y\r\n";
    }
    CHECK(refused(get("/", many)) == 431);
    CHECK(refused(get("/", "X: " + std::string(kLineMost, 'y') + "\r\n")) == 431);
    std::string large;
    for (u32 i = 0; i < 5; i++) {
        large += "X: " + std::string(2000, 'y') + "\r\n";
    }
    CHECK(refused(get("/", large)) == 431);
    CHECK(read(get("/", "X: \xc3\xa4\t\r\nY:\r\n")).state == State::DONE);
}

TEST_CASE("bodies that two readers could cut in two places", "[httpd]") {
    CHECK(refused(post("Content-Length: 1\r\nContent-Length: 1\r\n", "x")) == 400);
    CHECK(refused(post("Content-Length: 1\r\nTransfer-Encoding: chunked\r\n", "x")) == 400);
    CHECK(refused(post("Transfer-Encoding: chunked\r\nContent-Length: 1\r\n", "x")) == 400);
    CHECK(refused(post("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n")) == 400);
    CHECK(refused("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n") == 400);
    CHECK(refused(post("Transfer-Encoding: gzip, chunked\r\n")) == 501);
    for (const char *bad : {"-1", "+1", "1,1", "0x1", "", "1 1", "9999999999999999999", "1a"}) {
        CAPTURE(bad);
        CHECK(refused(post("Content-Length: " + std::string{bad} + "\r\n")) == 400);
    }
    CHECK(refused(post("Content-Length: 65537\r\n")) == 413);
    CHECK(read(post("Content-Length: 65536\r\n", std::string(65536, 'x'))).body_bytes == kBodyMost);
    CHECK(read(post("Content-Length: 0\r\n")).state == State::DONE);
}

TEST_CASE("chunks", "[httpd]") {
    auto chunks = [](std::string_view body) {
        return post("Transfer-Encoding: chunked\r\n", body);
    };
    CHECK(read(chunks("0\r\n\r\n")).state == State::DONE);
    CHECK(read(chunks("2 ; a=b\r\nxy\r\n0\r\n\r\n")).body == "xy");
    for (const char *bad : {"\r\n", "g\r\n", "-1\r\n", " 1\r\n", "1 x\r\nx", "1\r\nxx\r\n", "1\nx",
                            "1\r\nx\n", "0\r\nX\r\n", "0\r\nX : y\r\n", "1;\x01\r\n"}) {
        CAPTURE(bad);
        CHECK(refused(chunks(bad)) == 400);
    }
    CHECK(refused(chunks("000000001\r\n")) == 413);
    CHECK(refused(chunks("10001\r\n")) == 413);
    CHECK(refused(chunks("ffffffff\r\n")) == 413);
    std::string many;
    for (u32 i = 0; i <= kChunksMost; i++) {
        many += "1\r\nx\r\n";
    }
    CHECK(refused(chunks(many)) == 413);
    std::string fields;
    for (u32 i = 0; i <= kFieldsMost; i++) {
        fields += "X: y\r\n";
    }
    CHECK(refused(chunks("0\r\n" + fields)) == 400);
}

TEST_CASE("it says when the client waits", "[httpd]") {
    RequestParser p;
    std::string head = post("Expect: 100-Continue\r\nContent-Length: 3\r\n");
    CHECK(p.take(head) == head.size());
    CHECK(p.state() == State::BODY);
    CHECK(p.request().expects_continue);
    CHECK(p.take("abc") == 3);
    CHECK(p.state() == State::DONE);
    CHECK_FALSE(parsed("Expect: 100-continue\r\n").request().expects_continue); // Without a body.
}

TEST_CASE("ranges", "[httpd]") {
    auto range = [](std::string_view value) {
        return parsed("Range: " + std::string{value} + "\r\n").request();
    };
    Request r = range("bytes=0-99, 200-,-5");
    REQUIRE(r.ranges == 3);
    auto first = within(r.range[0], 50), second = within(r.range[1], 300),
         last = within(r.range[2], 3);
    REQUIRE((first && second && last));
    CHECK((first->first == 0 && first->last == 49));
    CHECK((second->first == 200 && second->last == 299));
    CHECK((last->first == 0 && last->last == 2));
    CHECK_FALSE(within(r.range[1], 200));
    CHECK_FALSE(within(r.range[0], 0));
    CHECK_FALSE(within(r.range[2], 0));
    CHECK_FALSE(within(range("bytes=-0").range[0], 10));
    CHECK(within(range("bytes=5-5").range[0], 10)->first == 5);
    for (const char *none :
         {"bytes=", "bytes=1", "bytes=2-1", "bytes=a-b", "bytes=1-2-3", "lines=1-2", "bytes=-",
          "bytes=1-2,x", "bytes=0-0,0-0,0-0,0-0,0-0", "bytes=99999999999999999999-"}) {
        CAPTURE(none);
        CHECK(range(none).ranges == 0);
    }
    CHECK(parsed("Range: bytes=1-2\r\nRange: bytes=3-4\r\n").request().ranges == 0);
}

TEST_CASE("conditions", "[httpd]") {
    Request r = parsed("If-None-Match: \"a\", W/\"b,c\" ,\"\"\r\nIf-Match: *\r\n").request();
    CHECK(r.if_none_match.count == 3);
    CHECK(r.if_none_match.matches("\"a\"", false));
    CHECK(r.if_none_match.matches("\"b,c\"", false));
    CHECK_FALSE(r.if_none_match.matches("\"b,c\"", true)); // A weak one.
    CHECK_FALSE(r.if_none_match.matches("a", false));
    CHECK(r.if_match.matches("\"anything\"", true));
    CHECK_FALSE(r.if_range.there);
    CHECK(parsed("If-Range: \"x\"\r\n").request().if_range.matches("\"x\"", true));
    Request dated = parsed("If-Range: Sun, 06 Nov 1994 08:49:37 GMT\r\n").request();
    CHECK(dated.if_range.there);
    CHECK_FALSE(dated.if_range.matches("\"x\"", true));
    for (const char *bad : {"", "a", "\"a", "\"a\" \"b\"", "W/a", "*, \"a\""}) {
        CAPTURE(bad);
        CHECK(refused(get("/", "If-Match: " + std::string{bad} + "\r\n")) == 400);
    }
    CHECK(refused(get("/", "If-Match: \"a\"\r\nIf-Match: \"b\"\r\n")) == 400);
    std::string many = "If-None-Match: \"0\"";
    for (u32 i = 1; i < kTagsMost + 3; i++) {
        many += ", \"" + std::to_string(i) + "\"";
    }
    CHECK(parsed(many + "\r\n").request().if_none_match.count == kTagsMost);
    CHECK(parsed("If-Match: \"" + std::string(kTagMost, 'x') + "\"\r\n").request().if_match.count ==
          0);
}

TEST_CASE("dates", "[httpd]") {
    CHECK(parse_date("Sun, 06 Nov 1994 08:49:37 GMT") == 784111777);
    CHECK(parse_date("Thu, 01 Jan 1970 00:00:00 GMT") == 0);
    CHECK(parse_date("Tue, 29 Feb 2000 23:59:59 GMT") == 951868799);
    CHECK(parse_date("Fri, 31 Dec 9999 23:59:59 GMT") == 253402300799);
    for (const char *bad : {"", "Sun, 06 Nov 1994 08:49:37 UTC", "Sun, 6 Nov 1994 08:49:37 GMT",
                            "Sun, 06 ovN 1994 08:49:37 GMT", "Sun, 06 Nov 1969 08:49:37 GMT",
                            "Sun, 00 Nov 1994 08:49:37 GMT", "Sun, 06 Nov 1994 24:49:37 GMT",
                            "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994",
                            "Sun, 06 nov 1994 08:49:37 GMT"}) {
        CAPTURE(bad);
        CHECK_FALSE(parse_date(bad));
    }
    Request r =
        parsed("If-Modified-Since: Sun, 06 Nov 1994 08:49:37 GMT\r\nIf-Unmodified-Since: x\r\n")
            .request();
    CHECK(r.if_modified_since == 784111777);
    CHECK_FALSE(r.if_unmodified_since);
}

// Requests that are cut, mixed, changed and repeated. What must not happen is seen by the sanitizers; and however the
// pieces are cut, the outcome is the same.
TEST_CASE("noise", "[httpd][fuzz]") {
    const char *rounds = std::getenv("HTTPD_ROUNDS");
    const u32 count = rounds != nullptr ? static_cast<u32>(std::atoi(rounds)) : 50'000;
    const std::vector<std::string> words = {
        "GET ",
        "POST ",
        "HEAD ",
        "/",
        "/a/b%20c",
        "?x=y",
        "http://h/",
        " HTTP/1.1",
        " HTTP/1.0",
        "\r\n",
        "\r\n",
        "\r\n\r\n",
        "Host: a",
        "Connection: close",
        "Content-Length: ",
        "Transfer-Encoding: chunked",
        "Range: bytes=",
        "0-9",
        "-5",
        ",",
        "If-Match: ",
        "If-None-Match: \"x\"",
        "W/",
        "\"",
        "*",
        "If-Range: ",
        "Expect: 100-continue",
        "5",
        "0",
        "ff",
        ";",
        ":",
        " ",
        "\t",
        "%",
        "..",
        "\n",
        "\r",
        "If-Modified-Since: Sun, 06 Nov 1994 08:49:37 GMT",
        get("/x"),
        post("Content-Length: 5\r\n", "hello"),
        post("Transfer-Encoding: chunked\r\n", "3\r\nabc\r\n0\r\n\r\n")};
    std::mt19937 random{11};
    u32 done = 0, failed = 0;
    for (u32 round = 0; round < count; round++) {
        std::string text = random() % 2 != 0 ? get("/") : "";
        for (u32 i = random() % 12; i != 0; i--) {
            text += words[random() % words.size()];
        }
        for (u32 i = random() % 3; i != 0 && !text.empty(); i--) {
            text[random() % text.size()] = static_cast<char>(random());
        }
        Outcome whole = read(text), pieces = read(text, 1 + random() % 7);
        REQUIRE(whole == pieces);
        REQUIRE(whole.used <= text.size());
        REQUIRE((whole.state == State::FAILED) == (whole.status != STATUS_OK));
        if (whole.state == State::DONE) {
            REQUIRE(whole.path.starts_with('/'));
            REQUIRE(whole.path.find("/../") == std::string::npos);
            REQUIRE(whole.path.find('\0') == std::string::npos);
            REQUIRE(whole.body.size() == whole.body_bytes);
            done++;
        }
        failed += whole.state == State::FAILED ? 1 : 0;
    }
    CHECK(done > count / 10); // Both are tried.
    CHECK(failed > count / 10);
}
