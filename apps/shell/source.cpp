// Source: files and pipes, read in pieces or in lines.
// SPDX-License-Identifier: BSD-2-Clause
#include "source.hpp"

namespace shell {

bool Source::open() {
    if (!from_file_) {
        if (context_.in == nullptr) {
            context_.usage("a file, or something piped in");
        }
        return context_.in != nullptr;
    }
    file::Path path;
    if (!context_.path(name_, path)) {
        return false;
    }
    sel::Result<> opened = file_.open(path);
    if (!opened) {
        context_.fail_on(name_, opened.error());
    }
    return opened.ok();
}

std::string_view Source::next() {
    if (failed_ || context_.out.broken()) {
        return {};
    }
    Input &input = from_file_ ? static_cast<Input &>(file_) : *context_.in;
    sel::Result<u32> count = input.read(piece_);
    if (!count) {
        context_.fail_on(from_file_ ? name_ : "what is piped in", count.error());
    }
    failed_ = !count || context_.system.interrupted();
    return {piece_, failed_ ? 0 : *count};
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
