// Source: files and pipes, read in pieces or in lines.
// SPDX-License-Identifier: BSD-2-Clause
#include "source.hpp"

namespace shell {

Source::~Source() {
    if (opened_) {
        [[maybe_unused]] auto closed = context_.system.close(handle_); // Only read.
    }
}

bool Source::open() {
    if (!from_file_) {
        if (!context_.piped) {
            context_.usage("a file, or something piped in");
        }
        return context_.piped;
    }
    file::Path path;
    if (!context_.path(name_, path)) {
        return false;
    }
    sel::Result<u32> handle = context_.system.open(path, 0);
    if (!handle) {
        context_.fail_on(name_, handle.error());
        return false;
    }
    handle_ = *handle;
    opened_ = true;
    return true;
}

std::string_view Source::next() {
    if (!from_file_) {
        std::string_view all = context_.input.substr(offset_);
        offset_ += all.size();
        return all;
    }
    sel::Result<u32> count = context_.system.read(handle_, offset_, piece_);
    if (!count) {
        failed_ = true;
        context_.fail_on(name_, count.error());
        return {};
    }
    offset_ += *count;
    return {piece_, *count};
}

bool Lines::next(std::string_view &line) {
    std::size_t size = 0;
    while (size < kLongest) {
        if (rest_.empty()) {
            rest_ = source_.next();
        }
        if (rest_.empty()) {
            break;
        }
        char c = rest_.front();
        rest_.remove_prefix(1);
        if (c == '\n') {
            line = {line_, size};
            return true;
        }
        line_[size++] = c;
    }
    line = {line_, size};
    return size > 0;
}

} // namespace shell
