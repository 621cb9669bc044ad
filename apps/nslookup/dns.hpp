// Dns: a question for a name server, and what it answers.
// SPDX-License-Identifier: BSD-2-Clause
//
// Source: RFC 1035, 4.1 (messages), 4.1.4 (compression). All that an answer says of itself is checked.
#pragma once

#include <algorithm>

#include "servers/net/api.hpp"

#include "sel/static_vector.hpp"

namespace dns {

inline constexpr u32 kMessage = 512; // Without extensions.
inline constexpr u32 kLabel = 63;
inline constexpr u32 kAddresses = 16; // Of an answer, at most.
using Message = sel::Bytes<kMessage>;

enum class Outcome { GOOD, NO_SUCH_NAME, NO_ADDRESS, REFUSED, NONSENSE };

struct Answer {
    Outcome outcome = Outcome::NONSENSE;
    sel::StaticVector<net::Address, kAddresses> address;
};

inline void put(Message &to, u32 value, u32 bytes) {
    while (bytes-- != 0) {
        to.byte[to.size++] = static_cast<u8>(value >> 8 * bytes);
    }
}

// A question for addresses of IPv4. False: that is no name.
inline bool make_question(Message &to, u16 id, std::string_view name) {
    constexpr u32 kRecurse = 0x0100, kAddress = 1, kInternet = 1, kNameMost = 253;
    to.size = 0;
    name.remove_suffix(name.ends_with('.') ? 1 : 0);
    if (name.empty() || name.size() > kNameMost) {
        return false;
    }
    for (u32 word : {u32{id}, kRecurse, 1u, 0u, 0u, 0u}) {
        put(to, word, 2);
    }
    for (bool more = true; more;) {
        std::string_view label = name.substr(0, name.find('.'));
        if (label.empty() || label.size() > kLabel) {
            return false;
        }
        put(to, static_cast<u32>(label.size()), 1);
        for (char c : label) {
            put(to, static_cast<u8>(c), 1);
        }
        more = label.size() != name.size();
        name.remove_prefix(std::min(label.size() + 1, name.size()));
    }
    put(to, 0, 1);
    put(to, kAddress, 2);
    put(to, kInternet, 2);
    return true;
}

// Reads a message from its beginning to its end; after the first mistake there is nothing more.
class Reader {
  public:
    explicit Reader(std::span<const u8> message) : message_{message} {}

    bool good() const { return good_; }

    u32 number(u32 bytes) {
        u32 value = 0;
        for (std::span<const u8> part = take(bytes); u8 byte : part) {
            value = value << 8 | byte;
        }
        return value;
    }
    std::span<const u8> take(u32 bytes) {
        good_ = good_ && message_.size() - at_ >= bytes;
        std::span<const u8> part = good_ ? message_.subspan(at_, bytes) : std::span<const u8>{};
        at_ += static_cast<u32>(part.size());
        return part;
    }
    // One that ends in a pointer ends there: what it points to is not looked at.
    void skip_name() {
        constexpr u32 kPointer = 0xc0;
        for (u32 length = 1; good_ && length != 0;) {
            length = number(1);
            bool pointer = (length & kPointer) == kPointer;
            good_ = good_ && (pointer || length <= kLabel);
            take(pointer ? 1 : length);
            length = pointer ? 0 : length;
        }
    }

  private:
    std::span<const u8> message_;
    u32 at_ = 0;
    bool good_ = true;
};

// False: it is none to this question, so another one may come.
inline bool read_answer(std::span<const u8> message, const Message &question, Answer &answer) {
    constexpr u32 kIsAnswer = 0x8000, kCode = 15, kNoSuchName = 3, kAddress = 1, kInternet = 1,
                  kHead = 12;
    answer.outcome = Outcome::NONSENSE;
    answer.address.clear();
    Reader r{message};
    u32 id = r.number(2), flags = r.number(2), questions = r.number(2), answers = r.number(2);
    r.number(4);
    std::span<const u8> asked = question.span().subspan(kHead);
    std::span<const u8> echoed = r.take(static_cast<u32>(asked.size()));
    bool ours = r.good() && (flags & kIsAnswer) != 0 && questions == 1 &&
                id == (u32{question.byte[0]} << 8 | question.byte[1]) &&
                std::equal(asked.begin(), asked.end(), echoed.begin());
    if (!ours) {
        return false;
    }
    if ((flags & kCode) != 0) {
        answer.outcome = (flags & kCode) == kNoSuchName ? Outcome::NO_SUCH_NAME : Outcome::REFUSED;
        return true;
    }
    for (u32 i = 0; i < answers && r.good(); i++) {
        r.skip_name();
        u32 type = r.number(2), space = r.number(2);
        r.number(4);
        std::span<const u8> data = r.take(r.number(2));
        if (r.good() && type == kAddress && space == kInternet && data.size() == 4) {
            [[maybe_unused]] bool kept =
                answer.address.push_back(net::v4(data[0], data[1], data[2], data[3]));
        }
    }
    answer.outcome = !r.good()                ? Outcome::NONSENSE
                     : answer.address.empty() ? Outcome::NO_ADDRESS
                                              : Outcome::GOOD;
    return true;
}

} // namespace dns
