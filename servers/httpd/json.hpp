// Json: writes JSON into a reply, with commas where they belong. A text of a program is never more than a text.
// SPDX-License-Identifier: BSD-2-Clause
//
//   Json json{reply};
//   json.open('['); json.open('{'); json.pair("name", text); json.pair("number", 5u); json.close('}'); json.close(']');
#pragma once

#include <concepts>
#include <string_view>

#include "sel/format.hpp"

namespace httpd {

template <typename Out>
class Json {
  public:
    explicit Json(Out &out) : out_{out} {}

    void open(char bracket) {
        comma();
        out_.put({&bracket, 1});
        first_ = true;
    }
    void open(std::string_view name, char bracket) {
        key(name);
        open(bracket);
    }
    void close(char bracket) {
        out_.put({&bracket, 1});
        first_ = false;
    }
    void value(std::string_view text) {
        comma();
        string(text);
    }
    void value(std::integral auto number) {
        comma();
        sel::Text<24> text;
        sel::format(text, "{}", number);
        out_.put(text.view());
    }
    template <typename T>
    void pair(std::string_view name, const T &of) {
        key(name);
        value(of);
    }

  private:
    void comma() {
        if (!first_) {
            out_.put(",");
        }
        first_ = false;
    }
    void key(std::string_view name) {
        comma();
        string(name);
        out_.put(":");
        first_ = true; // No comma before its value.
    }
    // Control characters, and bytes that are no ASCII (they may be no UTF-8), as U+00XX. `<` too, so that no page that holds it
    // takes it for more.
    void string(std::string_view text) {
        out_.put("\"");
        for (char c : text) {
            u8 byte = static_cast<u8>(c);
            if (byte < ' ' || byte >= 0x7f || c == '"' || c == '\\' || c == '<') {
                sel::Text<8> escaped;
                sel::format(escaped, "\\u{:04x}", byte);
                out_.put(escaped.view());
            } else {
                out_.put({&c, 1});
            }
        }
        out_.put("\"");
    }

    Out &out_;
    bool first_ = true;
};

} // namespace httpd
