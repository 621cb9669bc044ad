// Request: reads HTTP/1.1 requests out of bytes that come in any pieces. A pure class: it has no socket.
// SPDX-License-Identifier: BSD-2-Clause
//
//   RequestParser parser;
//   std::size_t used = parser.take(bytes);        as much as belongs to this request
//   parser.state() == State::DONE                 parser.request() holds it until reset()
//   State::FAILED                                 parser.status() is what to answer; then the connection is closed
//   parser.reset()                                the next one of the same connection
// Everything has a limit: k...Most. Lines end with CR LF, and nothing else; a head that two readers could understand in two
// ways (two lengths, a length and chunks, spaces before a colon, lines that go on) is refused, for that is how requests are
// smuggled. A body is not kept: on_body() sees it go by.
// Source: RFC 9112 (messages: 2.2, 3, 5, 6, 7, 9.3), RFC 9110 (13.1 conditions, 14.2 ranges, 8.8.3 entity tags, 5.6.7 dates).
#pragma once

#include <array>
#include <optional>
#include <span>
#include <string_view>

#include "abi/types.h"

namespace httpd {

enum class Method : u8 { GET, HEAD, POST };

// What is answered.
enum Status : u16 {
    STATUS_OK = 200,
    STATUS_PARTIAL = 206,
    STATUS_NOT_MODIFIED = 304,
    STATUS_BAD_REQUEST = 400,
    STATUS_NOT_FOUND = 404,
    STATUS_METHOD = 405,
    STATUS_CONDITION = 412,
    STATUS_TOO_LARGE = 413,
    STATUS_TARGET_TOO_LONG = 414,
    STATUS_RANGE = 416,
    STATUS_EXPECTATION = 417,
    STATUS_FIELDS_TOO_LARGE = 431,
    STATUS_NOT_IMPLEMENTED = 501,
    STATUS_BUSY = 503,
    STATUS_VERSION = 505
};

inline constexpr u32 kTargetMost = 1024; // Bytes, as they come.
inline constexpr u32 kLineMost = 2048;   // Of a head.
inline constexpr u32 kHeadMost = 8192;   // All its lines.
inline constexpr u32 kFieldsMost = 64;
inline constexpr u32 kBodyMost = 65536;
inline constexpr u32 kChunksMost = 1024;
inline constexpr u32 kHostMost = 255;
inline constexpr u32 kTagsMost = 8; // Of a condition; of more none counts.
inline constexpr u32 kTagMost = 64;
inline constexpr u32 kRangesMost = 4; // Of more the range does not count: all is sent.
inline constexpr u32 kEmptyLinesMost = 4;

template <u32 N>
class Text {
  public:
    bool append(char c) {
        if (size_ == N) {
            return false;
        }
        byte_[size_++] = c;
        return true;
    }
    void clear() { size_ = 0; }
    bool empty() const { return size_ == 0; }
    std::string_view view() const { return {byte_.data(), size_}; }

  private:
    std::array<char, N> byte_{};
    u32 size_ = 0;
};

// Bytes `first` to `last`, both in it. Of a range from the end: the last `last`, and `suffix`.
struct Range {
    u64 first = 0, last = 0;
    bool suffix = false;
};
// What of `size` bytes it means; nothing: it lies outside.
std::optional<Range> within(const Range &range, u64 size);

struct Tags {
    bool there = false, any = false; // any: "*".
    u32 count = 0;
    std::array<Text<kTagMost>, kTagsMost> tag; // With quotes, without W/.
    std::array<bool, kTagsMost> weak{};

    // Whether one of them is this one (with quotes). Strong: weak ones are none.
    bool matches(std::string_view tag, bool strong) const;
};

struct Request {
    Method method = Method::GET;
    u32 minor = 1;                 // HTTP/1.minor: 0 or 1.
    Text<kTargetMost> path;        // Decoded; begins with /, has no . or .. and no // or NUL in it.
    Text<kTargetMost> query;       // As it came, without the ?.
    Text<kHostMost> host;          // With its port, if it has one.
    bool keep_alive = true;        // The client would send another one.
    bool expects_continue = false; // It waits for "100 Continue" before it sends its body.
    u64 body_bytes = 0;            // That came.
    u32 ranges = 0;                // 0: all is wanted.
    std::array<Range, kRangesMost> range{};
    Tags if_match, if_none_match, if_range;
    std::optional<u64> if_modified_since, if_unmodified_since; // Seconds since 1970.
};

// Seconds since 1970; nothing: it is no date in the form "Sun, 06 Nov 1994 08:49:37 GMT".
std::optional<u64> parse_date(std::string_view text);

// The path of a target, decoded and in order; false: it is none that can be served.
bool decode_path(std::string_view target, Text<kTargetMost> &path);

class RequestParser {
  public:
    enum class State : u8 { HEAD, BODY, DONE, FAILED };

    State state() const { return state_; }
    Status status() const { return status_; }
    const Request &request() const { return request_; }

    // Bytes used: all of them, unless the request ends before, or fails.
    std::size_t take(std::string_view bytes);
    // What of its body came with the last take(), one after the other in it; call: void(std::string_view).
    template <typename OnBody>
    std::size_t take(std::string_view bytes, OnBody on_body) {
        std::size_t used = 0;
        while (used < bytes.size() && state_ != State::DONE && state_ != State::FAILED) {
            std::string_view rest = bytes.substr(used), body;
            used += step(rest, body);
            if (!body.empty()) {
                on_body(body);
            }
        }
        return used;
    }

    void reset();

  private:
    enum class Part : u8 { START, FIELDS, LENGTH, CHUNK_SIZE, CHUNK, CHUNK_END, TRAILER };

    std::size_t step(std::string_view bytes, std::string_view &body);
    std::size_t take_line(std::string_view bytes);
    std::size_t take_body(std::string_view bytes, std::string_view &body);
    void end_line();
    void start_line(std::string_view line);
    void target(std::string_view text);
    void field(std::string_view line);
    void known_field(std::string_view name, std::string_view value);
    void framing_field(std::string_view name, std::string_view value);
    void conditional_field(std::string_view name, std::string_view value);
    void content_length(std::string_view value);
    void connection(std::string_view value);
    void set_host(std::string_view value);
    void ranges(std::string_view value);
    void end_head();
    void chunk_size(std::string_view line);
    void trailer(std::string_view line);
    void fail(Status status);
    void done() { state_ = State::DONE; }

    State state_ = State::HEAD;
    Part part_ = Part::START;
    Status status_ = STATUS_OK;
    Request request_;
    Text<kLineMost> line_;
    bool carriage_return_ = false; // The last byte of the line was one.
    bool has_host_ = false, has_length_ = false, chunked_ = false, closes_ = false, keeps_ = false;
    u32 head_bytes_ = 0, fields_ = 0, chunks_ = 0, empty_lines_ = 0;
    u64 left_ = 0; // Of the body, or of this chunk.
};

} // namespace httpd
