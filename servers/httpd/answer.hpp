// Answer: what is sent for a request: conditions, ranges, the head. Pure; times of change are not known, so dates count as none.
// SPDX-License-Identifier: BSD-2-Clause
// Source: RFC 9110, 13.2.2 (order of conditions), 14.2 and 15.3.7 (ranges), RFC 9112, 6 and 7.1 (lengths and chunks).
#pragma once

#include "request.hpp"

#include "sel/format.hpp"

namespace httpd {

inline constexpr u64 kUnknown = ~u64{0};

// What a path stands for.
struct Content {
    u64 bytes = kUnknown;  // kUnknown: it is made as it is sent, in chunks.
    std::string_view type; // Of media.
    std::string_view tag;  // With its quotes; empty: it is another one each time.
};

struct Answer {
    Status status = STATUS_OK;
    u64 first = 0, bytes = 0; // Of the content: what is sent, and of what it is a part.
    u64 all = 0;
    bool chunked = false; // Its length is not known.
    bool body = true;     // It is sent.
    bool keep_alive = false;
    std::string_view type, tag;
};

inline constexpr u32 kHeadOut = 640;
using Head = sel::Text<kHeadOut>;

std::string_view reason_of(Status status);

// To a good request.
Answer answer_to(const Request &request, const Content &content);
// A page that says what is wrong, of so many bytes.
Answer refusal(const Request &request, Status status, u64 bytes);

// Up to the empty line, and with it.
Head head_of(const Answer &answer);

} // namespace httpd
