// Dns: questions, answers, and answers that are none.
// SPDX-License-Identifier: BSD-2-Clause
#include "dns.hpp"

#include <catch2/catch.hpp>
#include <random>
#include <string>

namespace {

dns::Message question_for(std::string_view name) {
    dns::Message q;
    REQUIRE(dns::make_question(q, 0x1234, name));
    return q;
}

// An answer with these records behind the question.
std::string answer_to(const dns::Message &q, u32 code, u32 records, std::string_view data) {
    std::string a(reinterpret_cast<const char *>(q.byte), q.size);
    a[2] = static_cast<char>(0x81);
    a[3] = static_cast<char>(0x80 | code);
    a[7] = static_cast<char>(records);
    return a.append(data);
}
bool read(std::string_view text, const dns::Message &q, dns::Answer &answer) {
    return dns::read_answer({reinterpret_cast<const u8 *>(text.data()), text.size()}, q, answer);
}

using namespace std::string_literals;
const std::string kRecord = "\xc0\x0c\0\1\0\1\0\0\0\x3c\0\4\x0a\0\2\x09"s;
const std::string kAlias = "\xc0\x0c\0\5\0\1\0\0\0\x3c\0\6\3www\xc0\x0c"s;

} // namespace

TEST_CASE("a question", "[nslookup]") {
    dns::Message q = question_for("test.example");
    std::string text(reinterpret_cast<const char *>(q.byte), q.size);
    CHECK(text == "\x12\x34\1\0\0\1\0\0\0\0\0\0\4test\7example\0\0\1\0\1"s);
    CHECK(question_for("test.example.").size == q.size);
    for (const std::string &name :
         {""s, "."s, ".a"s, "a..b"s, std::string(64, 'a'), "a."s + std::string(253, 'b')}) {
        dns::Message bad;
        CHECK_FALSE(dns::make_question(bad, 1, name));
    }
    std::string longest;
    for (u32 i = 0; i < 126; i++) {
        longest += "a.";
    }
    CHECK(question_for(longest + "a").size <= dns::kMessage);
}

TEST_CASE("answers", "[nslookup]") {
    dns::Message q = question_for("test.example");
    dns::Answer answer;
    REQUIRE(read(answer_to(q, 0, 2, kAlias + kRecord), q, answer));
    CHECK(answer.outcome == dns::Outcome::GOOD);
    REQUIRE(answer.address.size() == 1);
    CHECK(answer.address[0] == net::v4(10, 0, 2, 9));
    REQUIRE(read(answer_to(q, 3, 0, ""), q, answer));
    CHECK(answer.outcome == dns::Outcome::NO_SUCH_NAME);
    REQUIRE(read(answer_to(q, 5, 0, ""), q, answer));
    CHECK(answer.outcome == dns::Outcome::REFUSED);
    REQUIRE(read(answer_to(q, 0, 1, kAlias), q, answer));
    CHECK(answer.outcome == dns::Outcome::NO_ADDRESS);
    REQUIRE(read(answer_to(q, 0, 3, kAlias + kRecord), q, answer)); // One is missing.
    CHECK(answer.outcome == dns::Outcome::NONSENSE);
    REQUIRE(read(answer_to(q, 0, 1, "\x40xx"), q, answer));
    CHECK(answer.outcome == dns::Outcome::NONSENSE);
    std::string many;
    for (u32 i = 0; i < 20; i++) {
        many += kRecord;
    }
    REQUIRE(read(answer_to(q, 0, 20, many), q, answer));
    CHECK(answer.address.size() == dns::kAddresses);
}

TEST_CASE("answers to other questions", "[nslookup]") {
    dns::Message q = question_for("test.example");
    dns::Answer answer;
    std::string good = answer_to(q, 0, 1, kRecord);
    for (u32 at : {0u, 1u, 2u, 5u, 13u, 20u}) {
        std::string bad = good;
        bad[at] = static_cast<char>(bad[at] ^ 0x80);
        CAPTURE(at);
        CHECK_FALSE(read(bad, q, answer));
    }
    CHECK_FALSE(read(good.substr(0, 28), q, answer));
    CHECK_FALSE(read("", q, answer));
}

TEST_CASE("any answer ends", "[nslookup]") {
    dns::Message q = question_for("test.example");
    std::string model = answer_to(q, 0, 3, kAlias + kRecord + kRecord);
    std::mt19937 random{8};
    u32 read_at_all = 0;
    for (u32 i = 0; i < 100'000; i++) {
        std::string text =
            model.substr(0, random() % 3 == 0 ? random() % model.size() : model.size());
        for (u32 n = random() % 4; n != 0 && text.size() > 30; n--) {
            text[30 + random() % (text.size() - 30)] = static_cast<char>(random());
        }
        dns::Answer answer;
        bool ours = read(text, q, answer);
        read_at_all += ours ? 1 : 0;
        REQUIRE((ours || answer.outcome == dns::Outcome::NONSENSE));
        REQUIRE((answer.outcome == dns::Outcome::GOOD) ==
                (ours && answer.outcome != dns::Outcome::NONSENSE && !answer.address.empty()));
    }
    CHECK(read_at_all > 10'000);
}
