// RequestParser: lines of a head, what the fields say that we know, bodies of a length or in chunks.
// SPDX-License-Identifier: BSD-2-Clause
#include "request.hpp"

#include <algorithm>

namespace httpd {
namespace {

constexpr char lower(char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}
bool same(std::string_view a, std::string_view b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                      [](char x, char y) { return lower(x) == lower(y); });
}
bool is_digit(char c) {
    return c >= '0' && c <= '9';
}
int hex_digit(char c) {
    c = lower(c);
    return is_digit(c) ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}
// RFC 9110, 5.6.2.
bool is_token(std::string_view text) {
    constexpr std::string_view kOthers = "!#$%&'*+-.^_`|~";
    return !text.empty() && std::all_of(text.begin(), text.end(), [&](char c) {
        return is_digit(c) || (lower(c) >= 'a' && lower(c) <= 'z') ||
               kOthers.find(c) != kOthers.npos;
    });
}
bool is_printable(char c) {
    return c >= ' ' && c != 0x7f;
}
// A value may have tabs, and bytes above 127.
bool is_value(std::string_view text) {
    return std::all_of(text.begin(), text.end(), [](char c) {
        return is_printable(c) || c == '\t' || static_cast<u8>(c) >= 0x80;
    });
}
std::string_view trim(std::string_view text) {
    constexpr std::string_view kSpace = " \t";
    std::size_t first = text.find_first_not_of(kSpace);
    if (first == text.npos) {
        return {};
    }
    return text.substr(first, text.find_last_not_of(kSpace) - first + 1);
}
// Digits alone, below 2^63.
std::optional<u64> number(std::string_view text) {
    constexpr u32 kDigits = 18;
    if (text.empty() || text.size() > kDigits || !std::all_of(text.begin(), text.end(), is_digit)) {
        return {};
    }
    u64 value = 0;
    for (char c : text) {
        value = value * 10 + static_cast<u64>(c - '0');
    }
    return value;
}
// The next element of a list, and the rest.
std::string_view take_element(std::string_view &list) {
    std::size_t end = std::min(list.find(','), list.size());
    std::string_view element = trim(list.substr(0, end));
    list.remove_prefix(std::min(end + 1, list.size()));
    return element;
}

// An entity tag at the start of a list, and the rest (RFC 9110, 8.8.3); false: there is none.
bool take_tag(std::string_view &list, Tags &tags) {
    bool weak = list.starts_with("W/");
    list.remove_prefix(weak ? 2 : 0);
    std::size_t end = list.size() > 1 && list[0] == '"' ? list.find('"', 1) : list.npos;
    if (end == list.npos) {
        return false;
    }
    if (tags.count < kTagsMost && end < kTagMost) {
        Text<kTagMost> &to = tags.tag[tags.count];
        for (char c : list.substr(0, end + 1)) {
            [[maybe_unused]] bool room = to.append(c);
        }
        tags.weak[tags.count++] = weak;
    }
    list = trim(list.substr(end + 1));
    bool more = list.starts_with(',');
    list = more ? trim(list.substr(1)) : list;
    return more || list.empty();
}

bool parse_tags(std::string_view list, Tags &tags) {
    tags.there = true;
    if (list == "*") {
        tags.any = true;
        return true;
    }
    bool good = !list.empty();
    for (u32 i = 0; good && !list.empty(); i++) {
        good = i < 4 * kTagsMost && take_tag(list, tags);
    }
    return good;
}

// "first-last", "first-" or "-last".
std::optional<Range> parse_range(std::string_view text) {
    std::size_t dash = text.find('-');
    if (dash == text.npos) {
        return {};
    }
    std::optional<u64> first = number(text.substr(0, dash)), last = number(text.substr(dash + 1));
    if (dash == 0) {
        return last ? std::optional{Range{0, *last, true}} : std::nullopt;
    }
    bool open = dash + 1 == text.size();
    if (!first || (!open && !last)) {
        return {};
    }
    u64 end = open ? ~u64{0} : *last;
    return *first <= end ? std::optional{Range{*first, end, false}} : std::nullopt;
}

} // namespace

std::optional<Range> within(const Range &range, u64 size) {
    if (range.suffix) {
        u64 bytes = std::min(range.last, size);
        return bytes != 0 ? std::optional{Range{size - bytes, size - 1, false}} : std::nullopt;
    }
    if (range.first >= size) {
        return {};
    }
    return Range{range.first, std::min(range.last, size - 1), false};
}

bool Tags::matches(std::string_view wanted, bool strong) const {
    if (any) {
        return true;
    }
    for (u32 i = 0; i < count; i++) {
        if (tag[i].view() == wanted && !(strong && weak[i])) {
            return true;
        }
    }
    return false;
}

std::optional<u64> parse_date(std::string_view text) {
    constexpr std::string_view kMonths = "JanFebMarAprMayJunJulAugSepOctNovDec";
    constexpr std::string_view kForm = "___, 00 ___ 0000 00:00:00 GMT";
    if (text.size() != kForm.size()) {
        return {};
    }
    for (std::size_t i = 0; i < kForm.size(); i++) {
        bool fits = kForm[i] == '0'   ? is_digit(text[i])
                    : kForm[i] == '_' ? is_token(text.substr(i, 1))
                                      : kForm[i] == text[i];
        if (!fits) {
            return {};
        }
    }
    auto at = [&](std::size_t from, std::size_t count) {
        return *number(text.substr(from, count));
    };
    std::size_t place = kMonths.find(text.substr(8, 3));
    u64 day = at(5, 2), year = at(12, 4), hour = at(17, 2), minute = at(20, 2), second = at(23, 2);
    if (place == kMonths.npos || place % 3 != 0 || year < 1970 || day == 0 || day > 31 ||
        hour > 23 || minute > 59 || second > 60) {
        return {};
    }
    // Days since 1970: years begin in March, so that the leap day is the last one.
    u64 month = place / 3 + 1, y = month > 2 ? year : year - 1, m = (month + 9) % 12;
    u64 days = y * 365 + y / 4 - y / 100 + y / 400 + (m * 153 + 2) / 5 + day - 1;
    constexpr u64 kUntil1970 = 719468;
    if (days < kUntil1970) {
        return {};
    }
    return (days - kUntil1970) * 86400 + hour * 3600 + minute * 60 + second;
}

bool decode_path(std::string_view target, Text<kTargetMost> &path) {
    path.clear();
    for (std::size_t i = 0; i < target.size(); i++) {
        char c = target[i];
        if (c == '%') {
            int high = i + 2 < target.size() ? hex_digit(target[i + 1]) : -1;
            int low = i + 2 < target.size() ? hex_digit(target[i + 2]) : -1;
            if (high < 0 || low < 0) {
                return false;
            }
            c = static_cast<char>(high * 16 + low);
            i += 2;
        }
        bool control = static_cast<u8>(c) < ' ' || c == 0x7f;
        if (control || c == '\\' || !path.append(c)) {
            return false;
        }
    }
    std::string_view text = path.view();
    if (!text.starts_with('/')) {
        return false;
    }
    for (std::size_t at = 0; at < text.size();) {
        std::size_t end = std::min(text.find('/', at + 1), text.size());
        std::string_view part = text.substr(at + 1, end - at - 1);
        if (part == "." || part == ".." || (part.empty() && end != text.size())) {
            return false;
        }
        at = end;
    }
    return true;
}

// --- Bytes.

void RequestParser::reset() {
    *this = RequestParser{};
}

std::size_t RequestParser::take(std::string_view bytes) {
    return take(bytes, [](std::string_view) {});
}

void RequestParser::fail(Status status) {
    if (state_ != State::FAILED) {
        state_ = State::FAILED;
        status_ = status;
        request_.keep_alive = false;
    }
}

std::size_t RequestParser::step(std::string_view bytes, std::string_view &body) {
    return part_ == Part::LENGTH || part_ == Part::CHUNK ? take_body(bytes, body)
                                                         : take_line(bytes);
}

// Up to the end of the line, if it is there: RFC 9112, 2.2.
std::size_t RequestParser::take_line(std::string_view bytes) {
    std::size_t used = 0;
    while (used < bytes.size()) {
        char c = bytes[used++];
        if (++head_bytes_ > kHeadMost) {
            fail(STATUS_FIELDS_TOO_LARGE);
            return used;
        }
        if (carriage_return_ && c == '\n') {
            carriage_return_ = false;
            end_line();
            line_.clear();
            return used;
        }
        if (carriage_return_ || c == '\n') {
            fail(STATUS_BAD_REQUEST);
            return used;
        }
        carriage_return_ = c == '\r';
        if (!carriage_return_ && !line_.append(c)) {
            fail(part_ == Part::START ? STATUS_TARGET_TOO_LONG : STATUS_FIELDS_TOO_LARGE);
            return used;
        }
    }
    return used;
}

std::size_t RequestParser::take_body(std::string_view bytes, std::string_view &body) {
    body = bytes.substr(0, std::min<u64>(left_, bytes.size()));
    left_ -= body.size();
    request_.body_bytes += body.size();
    if (left_ == 0 && part_ == Part::LENGTH) {
        done();
    } else if (left_ == 0) {
        part_ = Part::CHUNK_END;
    }
    return body.size();
}

void RequestParser::end_line() {
    std::string_view line = line_.view();
    switch (part_) {
    case Part::START:
        if (line.empty()) { // Some clients send them behind a body.
            if (++empty_lines_ > kEmptyLinesMost) {
                fail(STATUS_BAD_REQUEST);
            }
        } else {
            start_line(line);
        }
        break;
    case Part::FIELDS:
        if (line.empty()) {
            end_head();
        } else {
            field(line);
        }
        break;
    case Part::CHUNK_SIZE:
        chunk_size(line);
        break;
    case Part::CHUNK_END:
        part_ = Part::CHUNK_SIZE;
        if (!line.empty()) {
            fail(STATUS_BAD_REQUEST);
        }
        break;
    default:
        trailer(line);
    }
}

// --- The head.

// RFC 9112, 3: one space between the parts.
void RequestParser::start_line(std::string_view line) {
    std::size_t first = line.find(' '), second = line.find(' ', first + 1);
    if (first == line.npos || second == line.npos || line.find(' ', second + 1) != line.npos) {
        return fail(STATUS_BAD_REQUEST);
    }
    std::string_view method = line.substr(0, first), version = line.substr(second + 1);
    std::string_view text = line.substr(first + 1, second - first - 1);
    if (!is_token(method) || version.size() != 8 || !version.starts_with("HTTP/") ||
        !is_digit(version[5]) || version[6] != '.' || !is_digit(version[7])) {
        return fail(STATUS_BAD_REQUEST);
    }
    if (version[5] != '1') {
        return fail(STATUS_VERSION);
    }
    request_.minor = version[7] == '0' ? 0 : 1;
    if (method == "GET") {
        request_.method = Method::GET;
    } else if (method == "HEAD") {
        request_.method = Method::HEAD;
    } else if (method == "POST") {
        request_.method = Method::POST;
    } else {
        return fail(STATUS_NOT_IMPLEMENTED);
    }
    target(text);
    part_ = Part::FIELDS;
}

// RFC 9112, 3.2: a path, or all of http://HOST/PATH.
void RequestParser::target(std::string_view text) {
    if (text.size() > kTargetMost) {
        return fail(STATUS_TARGET_TOO_LONG);
    }
    constexpr std::string_view kScheme = "http://";
    if (text.size() > kScheme.size() && same(text.substr(0, kScheme.size()), kScheme)) {
        text.remove_prefix(kScheme.size());
        std::size_t slash = text.find('/');
        if (slash == 0) {
            return fail(STATUS_BAD_REQUEST);
        }
        set_host(text.substr(0, slash));
        has_host_ = false; // There must be the field, too.
        text = slash == text.npos ? std::string_view{"/"} : text.substr(slash);
    }
    std::size_t mark = std::min(text.find('?'), text.size());
    bool plain = std::all_of(text.begin(), text.end(),
                             [](char c) { return c > ' ' && c < 0x7f && c != '#'; });
    if (!plain || !decode_path(text.substr(0, mark), request_.path)) {
        return fail(STATUS_BAD_REQUEST);
    }
    for (char c : text.substr(std::min(mark + 1, text.size()))) {
        [[maybe_unused]] bool room = request_.query.append(c);
    }
}

// RFC 9112, 5: no space before the colon, and no line that goes on.
void RequestParser::field(std::string_view line) {
    std::size_t colon = line.find(':');
    if (colon == line.npos || !is_token(line.substr(0, colon)) ||
        !is_value(line.substr(colon + 1))) {
        return fail(STATUS_BAD_REQUEST);
    }
    if (++fields_ > kFieldsMost) {
        return fail(STATUS_FIELDS_TOO_LARGE);
    }
    known_field(line.substr(0, colon), trim(line.substr(colon + 1)));
}

void RequestParser::known_field(std::string_view name, std::string_view value) {
    if (same(name, "host")) {
        if (has_host_) {
            return fail(STATUS_BAD_REQUEST);
        }
        request_.host.clear(); // Not what stands in the target.
        set_host(value);
    } else if (same(name, "connection")) {
        connection(value);
    } else if (same(name, "expect")) {
        request_.expects_continue = same(value, "100-continue");
        if (!request_.expects_continue) {
            fail(STATUS_EXPECTATION);
        }
    } else if (same(name, "range")) {
        ranges(value);
    } else {
        framing_field(name, value);
    }
}

// How long the body is: RFC 9112, 6.
void RequestParser::framing_field(std::string_view name, std::string_view value) {
    if (same(name, "content-length")) {
        content_length(value);
    } else if (same(name, "transfer-encoding")) {
        if (chunked_ || has_length_ || request_.minor == 0) {
            return fail(STATUS_BAD_REQUEST);
        }
        chunked_ = same(value, "chunked");
        if (!chunked_) {
            fail(STATUS_NOT_IMPLEMENTED);
        }
    } else {
        conditional_field(name, value);
    }
}

// RFC 9110, 13.1. A condition that cannot be read is refused: it must not be taken for none. A date that is none counts as
// none, as 13.1.3 and 13.1.4 say.
void RequestParser::conditional_field(std::string_view name, std::string_view value) {
    bool good = true;
    if (same(name, "if-match")) {
        good = !request_.if_match.there && parse_tags(value, request_.if_match);
    } else if (same(name, "if-none-match")) {
        good = !request_.if_none_match.there && parse_tags(value, request_.if_none_match);
    } else if (same(name, "if-range")) {
        // A date, or what is neither, matches no tag: then all is sent.
        good = !request_.if_range.there;
        request_.if_range.there = true;
        if (Tags tags; parse_tags(value, tags) && !tags.any && tags.count == 1) {
            request_.if_range = tags;
        }
    } else if (same(name, "if-modified-since")) {
        request_.if_modified_since = parse_date(value);
    } else if (same(name, "if-unmodified-since")) {
        request_.if_unmodified_since = parse_date(value);
    }
    if (!good) {
        fail(STATUS_BAD_REQUEST);
    }
}

void RequestParser::content_length(std::string_view value) {
    std::optional<u64> length = number(value);
    if (has_length_ || chunked_ || !length) {
        return fail(STATUS_BAD_REQUEST);
    }
    has_length_ = true;
    left_ = *length;
    if (left_ > kBodyMost) {
        fail(STATUS_TOO_LARGE);
    }
}

void RequestParser::connection(std::string_view value) {
    while (!value.empty()) {
        std::string_view option = take_element(value);
        closes_ = closes_ || same(option, "close");
        keeps_ = keeps_ || same(option, "keep-alive");
    }
}

void RequestParser::set_host(std::string_view value) {
    constexpr std::string_view kOthers = "-._~:[]";
    has_host_ = true;
    for (char c : value) {
        bool good =
            is_digit(c) || (lower(c) >= 'a' && lower(c) <= 'z') || kOthers.find(c) != kOthers.npos;
        if (!good || !request_.host.append(c)) {
            return fail(STATUS_BAD_REQUEST);
        }
    }
}

// RFC 9110, 14.2: ranges that cannot be read, or are too many, do not count.
void RequestParser::ranges(std::string_view value) {
    constexpr std::string_view kUnit = "bytes=";
    bool good = request_.ranges == 0 && value.size() > kUnit.size() &&
                same(value.substr(0, kUnit.size()), kUnit);
    request_.ranges = 0;
    value.remove_prefix(good ? kUnit.size() : value.size());
    u32 count = 0;
    while (good && !value.empty()) {
        std::optional<Range> range = parse_range(take_element(value));
        good = range.has_value() && count < kRangesMost;
        if (good) {
            request_.range[count++] = *range;
        }
    }
    request_.ranges = good ? count : 0;
}

// RFC 9112, 3.2 (a host), 9.3 (the connection), 6.3 (the body).
void RequestParser::end_head() {
    if (!has_host_ && request_.minor != 0) {
        return fail(STATUS_BAD_REQUEST);
    }
    request_.keep_alive = !closes_ && (request_.minor != 0 || keeps_);
    head_bytes_ = 0;
    if (chunked_) {
        state_ = State::BODY;
        part_ = Part::CHUNK_SIZE;
    } else if (left_ != 0) {
        state_ = State::BODY;
        part_ = Part::LENGTH;
    } else {
        request_.expects_continue = false;
        done();
    }
}

// --- Chunks: RFC 9112, 7.1. What stands behind the size counts for nothing.
void RequestParser::chunk_size(std::string_view line) {
    constexpr u32 kDigits = 8;
    u64 size = 0;
    u32 digits = 0;
    while (digits < line.size() && hex_digit(line[digits]) >= 0) {
        if (digits == kDigits) {
            return fail(STATUS_TOO_LARGE);
        }
        size = size * 16 + static_cast<u64>(hex_digit(line[digits++]));
    }
    std::string_view rest = line.substr(digits);
    if (digits == 0 || !is_value(rest) || (!rest.empty() && trim(rest).substr(0, 1) != ";")) {
        return fail(STATUS_BAD_REQUEST);
    }
    head_bytes_ = 0;
    left_ = size;
    part_ = size != 0 ? Part::CHUNK : Part::TRAILER;
    if (++chunks_ > kChunksMost || request_.body_bytes + size > kBodyMost) {
        fail(STATUS_TOO_LARGE);
    }
}

// 7.1.2: fields behind the body are read, and not used.
void RequestParser::trailer(std::string_view line) {
    if (line.empty()) {
        return done();
    }
    std::size_t colon = line.find(':');
    if (colon == line.npos || !is_token(line.substr(0, colon)) ||
        !is_value(line.substr(colon + 1)) || ++fields_ > kFieldsMost) {
        fail(STATUS_BAD_REQUEST);
    }
}

} // namespace httpd
