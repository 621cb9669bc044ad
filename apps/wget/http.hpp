// Http: the address of a file, and the reader of what a server answers.
// SPDX-License-Identifier: BSD-2-Clause
//
//   Response r; while (more) r.take(bytes, [](std::span<const u8> content) { ... return true; })
//   HEAD -> (LENGTH | CHUNK_SIZE -> CHUNK -> CHUNK_END -> ... -> TRAILER | UNTIL_END) -> DONE, or BAD from all of them
// Source: RFC 9112: 4 status line, 5 fields, 6.3 length, 7.1 chunks; RFC 9110: 15.4 redirections.
#pragma once

#include <algorithm>

#include "servers/net/api.hpp"

namespace http {

struct Url {
    sel::Text<127> host;
    u16 port = 80;
    sel::Text<400> path;

    // The name of the file that it means, for here; empty: it names none.
    std::string_view file() const {
        std::string_view name = path.view().substr(0, path.view().find('?'));
        return name.substr(name.rfind('/') + 1);
    }
};

// "http://HOST[:PORT][/PATH]". False: it is none, or too long.
inline bool read_url(std::string_view text, Url &url) {
    constexpr std::string_view kScheme = "http://";
    if (!text.starts_with(kScheme)) {
        return false;
    }
    text = text.substr(kScheme.size(), text.find('#') - kScheme.size());
    std::string_view end = text.substr(0, text.find('/'));
    std::string_view host = end.substr(0, end.find(':')), path = text.substr(end.size());
    u32 port = 80;
    bool ported =
        host.size() == end.size() || net::read_number(end.substr(host.size() + 1), 65536, port);
    auto plain = [](char c) { return c > ' ' && c < 0x7f; };
    if (!ported || port == 0 || host.empty() || host.size() > url.host.kCapacity ||
        path.size() > url.path.kCapacity || !std::all_of(text.begin(), text.end(), plain)) {
        return false;
    }
    url = {};
    url.host.append(host);
    url.port = static_cast<u16>(port);
    url.path.append(path.empty() ? std::string_view{"/"} : path);
    return true;
}

class Response {
  public:
    static constexpr u32 kLine = 1024;  // Bytes of a line of the head, at most.
    static constexpr u32 kFields = 100; // Lines.

    enum class State : u8 {
        STATUS,
        HEAD,
        LENGTH,
        CHUNK_SIZE,
        CHUNK,
        CHUNK_END,
        TRAILER,
        UNTIL_END,
        DONE,
        BAD
    };

    State state() const { return state_; }
    bool done() const { return state_ == State::DONE; }
    bool bad() const { return state_ == State::BAD; }
    bool head_is_there() const { return state_ > State::HEAD; }
    u32 status() const { return status_; }
    bool has_length() const { return has_length_; }
    u64 length() const { return length_; }
    std::string_view location() const { return location_; }

    // What has come. keep(content) false: stop, the response is bad().
    template <typename Keep>
    void take(std::span<const u8> bytes, Keep keep) {
        while (!bytes.empty() && state_ != State::DONE && state_ != State::BAD) {
            if (is_content()) {
                std::span<const u8> part = content(bytes);
                bytes = bytes.subspan(part.size());
                state_ = keep(part) ? state_ : State::BAD;
            } else {
                take_letter(static_cast<char>(bytes[0]));
                bytes = bytes.subspan(1);
            }
        }
    }

    // The other side has finished.
    void end() {
        state_ = state_ == State::UNTIL_END || state_ == State::DONE ? State::DONE : State::BAD;
    }

  private:
    bool is_content() const {
        return state_ == State::LENGTH || state_ == State::CHUNK || state_ == State::UNTIL_END;
    }

    // How much of it is content.
    std::span<const u8> content(std::span<const u8> bytes) {
        if (state_ == State::UNTIL_END) {
            return bytes;
        }
        std::size_t count = static_cast<std::size_t>(std::min<u64>(bytes.size(), left_));
        left_ -= count;
        if (left_ == 0) {
            state_ = state_ == State::LENGTH ? State::DONE : State::CHUNK_END;
        }
        return bytes.first(count);
    }

    void take_letter(char c) {
        if (c != '\n') {
            line_.append(c);
            state_ = line_.full() ? State::BAD : state_;
            return;
        }
        std::string_view line = line_;
        line.remove_suffix(line.ends_with('\r') ? 1 : 0);
        take_line(line);
        line_.clear();
    }

    void take_line(std::string_view line) {
        bool good = true;
        switch (state_) {
        case State::STATUS:
            good = read_status(line);
            state_ = State::HEAD;
            break;
        case State::HEAD:
            good = ++fields_ <= kFields && (line.empty() ? end_head() : read_field(line));
            break;
        case State::CHUNK_SIZE:
            good = read_chunk(line);
            break;
        case State::CHUNK_END:
            good = line.empty();
            state_ = State::CHUNK_SIZE;
            break;
        default: // TRAILER
            good = ++fields_ <= kFields;
            state_ = line.empty() ? State::DONE : state_;
        }
        state_ = good ? state_ : State::BAD;
    }

    bool read_status(std::string_view line) {
        constexpr std::size_t kCode = 9, kDigits = 3;
        return line.starts_with("HTTP/1.") && line.size() >= kCode + kDigits &&
               net::read_number(line.substr(kCode, kDigits), 1000, status_) && status_ >= 100;
    }

    static bool same(std::string_view a, std::string_view b) {
        auto small = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
        return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                          [&](char x, char y) { return small(x) == small(y); });
    }

    bool read_field(std::string_view line) {
        std::string_view name = line.substr(0, line.find(':'));
        if (name.empty() || name.size() == line.size()) {
            return false;
        }
        std::string_view value = line.substr(name.size() + 1);
        value.remove_prefix(std::min(value.find_first_not_of(" \t"), value.size()));
        value = value.substr(0, value.find_last_not_of(" \t") + 1);
        if (same(name, "content-length")) {
            return read_length(value);
        }
        if (same(name, "transfer-encoding")) {
            chunked_ = same(value, "chunked");
            return chunked_;
        }
        if (same(name, "location")) {
            location_.clear();
            location_.append(value);
            return value.size() <= location_.kCapacity;
        }
        return true;
    }

    // Two that differ are an attack on whoever believes one of them.
    bool read_length(std::string_view digits) {
        constexpr u64 kMost = u64{1} << 40;
        u64 value = 0;
        for (char c : digits) {
            if (c < '0' || c > '9' || value > kMost) {
                return false;
            }
            value = value * 10 + static_cast<u64>(c - '0');
        }
        bool first = !has_length_ || value == length_;
        has_length_ = true;
        length_ = value;
        return !digits.empty() && first;
    }

    bool end_head() {
        constexpr u32 kNoContent = 204, kNotModified = 304;
        fields_ = 0;
        if (status_ < 200) { // Something else follows.
            state_ = State::STATUS;
            return status_ != 101 && ++interim_ < kFields;
        }
        if (chunked_ && has_length_) {
            return false;
        }
        left_ = length_;
        bool empty =
            status_ == kNoContent || status_ == kNotModified || (has_length_ && length_ == 0);
        state_ = empty         ? State::DONE
                 : chunked_    ? State::CHUNK_SIZE
                 : has_length_ ? State::LENGTH
                               : State::UNTIL_END;
        return true;
    }

    bool read_chunk(std::string_view line) {
        constexpr u32 kDigitsMost = 10;
        std::string_view digits = line.substr(0, line.find_first_of("; \t"));
        left_ = 0;
        for (char c : digits) {
            u32 digit = c >= '0' && c <= '9'   ? static_cast<u32>(c - '0')
                        : c >= 'a' && c <= 'f' ? static_cast<u32>(c - 'a') + 10
                        : c >= 'A' && c <= 'F' ? static_cast<u32>(c - 'A') + 10
                                               : 16;
            if (digit == 16) {
                return false;
            }
            left_ = left_ * 16 + digit;
        }
        state_ = left_ != 0 ? State::CHUNK : State::TRAILER;
        return !digits.empty() && digits.size() <= kDigitsMost;
    }

    State state_ = State::STATUS;
    bool chunked_ = false, has_length_ = false;
    u32 status_ = 0, fields_ = 0, interim_ = 0;
    u64 length_ = 0, left_ = 0;
    sel::Text<400> location_;
    sel::Text<kLine> line_;
};

} // namespace http
