// Source: what a filter reads: a file, or what is piped in; in pieces or in lines.
// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include "command.hpp"
#include "streams.hpp"

namespace shell {

class Source {
  public:
    // Reads file `path`, or what is piped in if `path` is empty.
    Source(Context &context, std::string_view path)
        : context_{context}, name_{path}, from_file_{!path.empty()}, file_{context.system} {}

    // False, and the error has been told: there is nothing to read from.
    bool open();

    // The next piece; empty at the end, and when nobody wants what is made of it. failed() then says whether that came
    // from an error.
    std::string_view next();
    bool failed() const { return failed_; }

  private:
    Context &context_;
    std::string_view name_;
    bool from_file_;
    bool failed_ = false;
    FileInput file_;
    char piece_[file::kChunk];
};

// Lines of a Source, without their ends. A line of more than kLongest bytes comes in parts.
class Lines {
  public:
    static constexpr std::size_t kLongest = 2048;

    explicit Lines(Source &source) : source_{source} {}
    bool next(std::string_view &line);

  private:
    Source &source_;
    std::string_view rest_;
    char line_[kLongest];
};

} // namespace shell
