// Answer: conditions, ranges, and the lines of the head.
// SPDX-License-Identifier: BSD-2-Clause
#include "answer.hpp"

namespace httpd {
namespace {

Status check(const Request &request, const Content &content) {
    if (request.if_match.there && !request.if_match.matches(content.tag, true)) {
        return STATUS_CONDITION;
    }
    if (request.if_none_match.there && request.if_none_match.matches(content.tag, false)) {
        return STATUS_NOT_MODIFIED;
    }
    return STATUS_OK;
}

// One range; of several all is sent, as RFC 9110 allows.
bool wants_range(const Request &request, const Content &content) {
    return request.ranges == 1 && content.bytes != kUnknown && request.method == Method::GET &&
           (!request.if_range.there ||
            (!content.tag.empty() && request.if_range.matches(content.tag, true)));
}

} // namespace

std::string_view reason_of(Status status) {
    switch (status) {
    case STATUS_OK:
        return "OK";
    case STATUS_PARTIAL:
        return "Partial Content";
    case STATUS_NOT_MODIFIED:
        return "Not Modified";
    case STATUS_BAD_REQUEST:
        return "Bad Request";
    case STATUS_NOT_FOUND:
        return "Not Found";
    case STATUS_METHOD:
        return "Method Not Allowed";
    case STATUS_CONDITION:
        return "Precondition Failed";
    case STATUS_TOO_LARGE:
        return "Content Too Large";
    case STATUS_TARGET_TOO_LONG:
        return "URI Too Long";
    case STATUS_RANGE:
        return "Range Not Satisfiable";
    case STATUS_EXPECTATION:
        return "Expectation Failed";
    case STATUS_FIELDS_TOO_LARGE:
        return "Request Header Fields Too Large";
    case STATUS_NOT_IMPLEMENTED:
        return "Not Implemented";
    case STATUS_BUSY:
        return "Service Unavailable";
    case STATUS_VERSION:
        return "HTTP Version Not Supported";
    }
    return "Unknown";
}

Answer answer_to(const Request &request, const Content &content) {
    Answer a;
    a.status = check(request, content);
    a.type = content.type;
    a.tag = content.tag;
    a.chunked = content.bytes == kUnknown;
    a.all = a.bytes = a.chunked ? 0 : content.bytes;
    // To a client of HTTP/1.0 the end of the connection ends what has no length.
    a.keep_alive = request.keep_alive && (!a.chunked || request.minor != 0);
    a.body = request.method != Method::HEAD && a.status == STATUS_OK;
    if (a.status == STATUS_OK && wants_range(request, content)) {
        std::optional<Range> range = within(request.range[0], content.bytes);
        a.status = range ? STATUS_PARTIAL : STATUS_RANGE;
        a.first = range ? range->first : 0;
        a.bytes = range ? range->last - range->first + 1 : 0;
    }
    if (a.status == STATUS_CONDITION) {
        a.bytes = 0;
        a.chunked = false;
    }
    return a;
}

Answer refusal(const Request &request, Status status, u64 bytes) {
    Answer a;
    a.status = status;
    a.bytes = a.all = bytes;
    a.type = "text/plain; charset=utf-8";
    a.body = request.method != Method::HEAD;
    a.keep_alive = request.keep_alive;
    return a;
}

Head head_of(const Answer &a) {
    Head head;
    sel::format(head, "HTTP/1.1 {} {}\r\nServer: TRustOs\r\n", static_cast<u32>(a.status),
                reason_of(a.status));
    if (!a.type.empty()) {
        sel::format(head, "Content-Type: {}\r\n", a.type);
    }
    if (!a.tag.empty()) {
        sel::format(head, "ETag: {}\r\n", a.tag);
    }
    if (a.status == STATUS_PARTIAL) {
        sel::format(head, "Content-Range: bytes {}-{}/{}\r\n", a.first, a.first + a.bytes - 1,
                    a.all);
    } else if (a.status == STATUS_RANGE) {
        sel::format(head, "Content-Range: bytes */{}\r\n", a.all);
    } else if (a.status == STATUS_METHOD) {
        sel::format(head, "Allow: GET, HEAD\r\n");
    } else if (a.status == STATUS_BUSY) {
        sel::format(head, "Retry-After: 5\r\n");
    }
    if (a.status == STATUS_NOT_MODIFIED) { // It has no content, so no length of it.
    } else if (!a.chunked) {
        sel::format(head, "Content-Length: {}\r\n", a.bytes);
    } else if (a.keep_alive) {
        sel::format(head, "Transfer-Encoding: chunked\r\n");
    }
    sel::format(head,
                "{}Cache-Control: no-cache\r\nX-Content-Type-Options: nosniff\r\n"
                "Content-Security-Policy: default-src 'self'; img-src 'self' data:\r\n"
                "Connection: {}\r\n\r\n",
                a.chunked ? "" : "Accept-Ranges: bytes\r\n", a.keep_alive ? "keep-alive" : "close");
    return head;
}

} // namespace httpd
