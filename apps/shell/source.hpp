// Source: what a filter reads: a file, or what comes through the pipe; in pieces or in lines.
// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include "command.hpp"

namespace shell {

class Source {
  public:
    // Reads file `path`, or the pipe if `path` is empty.
    Source(Context &context, std::string_view path)
        : context_{context}, name_{path}, from_file_{!path.empty()} {}
    ~Source();
    Source(const Source &) = delete;
    Source &operator=(const Source &) = delete;

    // False, and the error has been told: there is nothing to read from.
    bool open();

    // The next piece; empty at the end. failed() then says whether that came from an error.
    std::string_view next();
    bool failed() const { return failed_; }

  private:
    Context &context_;
    std::string_view name_;
    bool from_file_;
    bool opened_ = false;
    bool failed_ = false;
    u32 handle_ = 0;
    u64 offset_ = 0;
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
