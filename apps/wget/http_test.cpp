// Http: addresses of files, answers whole and in pieces, and answers that are none.
// SPDX-License-Identifier: BSD-2-Clause
#include "http.hpp"

#include <catch2/catch.hpp>
#include <random>
#include <string>

using http::Response;
using namespace std::string_literals;

namespace {

// The content, with the answer given in pieces of `size` bytes.
std::string read(Response &r, std::string_view text, std::size_t size, bool ends = true) {
    std::string content;
    while (!text.empty()) {
        std::string_view piece = text.substr(0, size);
        r.take({reinterpret_cast<const u8 *>(piece.data()), piece.size()},
               [&](std::span<const u8> part) {
                   content.append(reinterpret_cast<const char *>(part.data()), part.size());
                   return true;
               });
        text.remove_prefix(piece.size());
    }
    if (ends) {
        r.end();
    }
    return content;
}

const std::string kPlain = "HTTP/1.1 200 OK\r\nServer: x\r\nContent-Length: 5\r\n\r\nhello";
const std::string kChunks = "HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n"
                            "3\r\nhel\r\n2;x=y\r\nlo\r\n0\r\nAfter: all\r\n\r\n";
const std::string kOpen = "HTTP/1.0 200 OK\nContent-Type: text/plain\n\nhello";

} // namespace

TEST_CASE("addresses", "[wget]") {
    http::Url url;
    REQUIRE(http::read_url("http://10.0.2.2:8000/a/b.txt?x=1#part", url));
    CHECK(url.host == "10.0.2.2");
    CHECK(url.port == 8000);
    CHECK(url.path == "/a/b.txt?x=1");
    CHECK(url.file() == "b.txt");
    REQUIRE(http::read_url("http://host", url));
    CHECK(url.port == 80);
    CHECK(url.path == "/");
    CHECK(url.file().empty());
    for (std::string_view bad :
         {"", "host", "https://host/", "http://", "http:///x", "http://:80/", "http://h:0/",
          "http://h:65536/", "http://h:/", "http://h:x/", "http://h/a b", "http://h/\r\nX: y"}) {
        CAPTURE(bad);
        CHECK_FALSE(http::read_url(bad, url));
    }
    CHECK_FALSE(http::read_url("http://h/" + std::string(400, 'a'), url));
    CHECK_FALSE(http::read_url("http://" + std::string(128, 'a'), url));
}

TEST_CASE("answers, in pieces of any size", "[wget]") {
    for (std::size_t size : {1, 2, 3, 7, 1000}) {
        for (const std::string &text :
             {kPlain, kChunks, kOpen, "HTTP/1.1 100 Continue\r\n\r\n" + kPlain}) {
            Response r;
            CHECK(read(r, text, size) == "hello");
            CHECK(r.done());
            CHECK(r.status() == 200);
        }
    }
    Response r;
    CHECK(read(r, kPlain + "more", 3, false) == "hello");
    CHECK(r.done());
}

TEST_CASE("redirections and empty answers", "[wget]") {
    Response moved;
    read(moved, "HTTP/1.1 302 Found\r\nlocation:  http://h/x \r\nContent-Length: 0\r\n\r\n", 1000,
         false);
    CHECK(moved.done());
    CHECK(moved.status() == 302);
    CHECK(moved.location() == "http://h/x");
    Response none;
    read(none, "HTTP/1.1 204 No Content\r\n\r\n", 1000, false);
    CHECK(none.done());
}

TEST_CASE("answers that are none", "[wget]") {
    const std::string kHead = "HTTP/1.1 200 OK\r\n";
    for (const std::string &text :
         {""s,
          "\r\n"s,
          "HTTP/2 200\r\n\r\n"s,
          "HTTP/1.1 20\r\n\r\n"s,
          "HTTP/1.1 099 x\r\n\r\n"s,
          kHead + "No colon\r\n\r\n",
          kHead + ": x\r\n\r\n",
          kHead + "Content-Length: -1\r\n\r\n",
          kHead + "Content-Length: \r\n\r\n",
          kHead + "Content-Length: 99999999999999999999\r\n\r\n",
          kHead + "Content-Length: 1\r\nContent-Length: 2\r\n\r\nxx",
          kHead + "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
          kHead + "Transfer-Encoding: gzip\r\n\r\n",
          kHead + "Transfer-Encoding: chunked\r\n\r\nx\r\n",
          kHead + "Transfer-Encoding: chunked\r\n\r\n\r\n",
          kHead + "Transfer-Encoding: chunked\r\n\r\n2\r\nabc\r\n0\r\n\r\n",
          kHead + "Transfer-Encoding: chunked\r\n\r\n00000000001\r\na\r\n0\r\n\r\n",
          kHead + "Content-Length: 6\r\n\r\nhello",
          kHead + std::string(2000, 'a'),
          kHead + "Location: " + std::string(500, 'a') + "\r\n\r\n",
          "HTTP/1.1 101 Switching\r\n\r\n" + kPlain}) {
        Response r;
        read(r, text, 5);
        CAPTURE(text);
        CHECK(r.bad());
    }
    std::string many = kHead;
    for (u32 i = 0; i <= Response::kFields; i++) {
        many += "A: b\r\n";
    }
    Response r;
    read(r, many + "\r\n", 1000);
    CHECK(r.bad());
}

TEST_CASE("who cannot keep it stops", "[wget]") {
    Response r;
    r.take({reinterpret_cast<const u8 *>(kPlain.data()), kPlain.size()},
           [](std::span<const u8>) { return false; });
    CHECK(r.bad());
}

TEST_CASE("any answer ends", "[wget]") {
    std::mt19937 random{9};
    const std::string *models[] = {&kPlain, &kChunks, &kOpen};
    u32 good = 0;
    for (u32 i = 0; i < 50'000; i++) {
        std::string text = *models[random() % 3];
        for (u32 n = random() % 4; n != 0; n--) {
            std::size_t at = random() % text.size();
            switch (random() % 3) {
            case 0:
                text[at] = static_cast<char>(random());
                break;
            case 1:
                text.erase(at, random() % 8);
                break;
            default:
                text.insert(at, text.substr(random() % text.size(), random() % 8));
            }
            text += text.empty() ? "x" : "";
        }
        Response r;
        std::string content = read(r, text, 1 + random() % 64);
        REQUIRE((r.done() || r.bad()));
        REQUIRE(content.size() <= text.size());
        REQUIRE((!r.done() || !r.has_length() || r.status() == 204 || r.status() == 304 ||
                 content.size() == r.length()));
        good += r.done() ? 1 : 0;
    }
    CHECK(good > 1000);
}
