// Streams: pipes and files.
// SPDX-License-Identifier: BSD-2-Clause
#include "streams.hpp"

namespace shell {

sel::Result<u32> PipeInput::read(std::span<char> out) {
    sel::Result<u32> count{ERR_BUSY};
    fibers_.until([&]() {
        count = system_.interrupted() ? sel::Result{0u} : system_.read_pipe(pipe_, out);
        return count.error() != ERR_BUSY;
    });
    return count;
}

void PiecewiseOutput::write(std::string_view text) {
    while (!text.empty() && done_) {
        std::size_t count = text.copy(buffer_.data() + size_, buffer_.size() - size_);
        text.remove_prefix(count);
        size_ += static_cast<u32>(count);
        if (size_ == buffer_.size()) {
            flush();
        }
    }
}

void PiecewiseOutput::flush() {
    if (done_ && size_ != 0) {
        done_ = send({buffer_.data(), size_});
    }
    size_ = 0;
}

sel::Result<> PipeOutput::send(std::string_view piece) {
    while (!piece.empty()) {
        sel::Result<u32> count{ERR_BUSY};
        fibers_.until([&]() {
            count = system_.interrupted() ? sel::Result<u32>{ERR_GONE}
                                          : system_.write_pipe(pipe_, piece);
            return count.error() != ERR_BUSY;
        });
        if (!count) {
            return count.error();
        }
        piece.remove_prefix(*count);
    }
    return {};
}

FileInput::~FileInput() {
    if (opened_) {
        [[maybe_unused]] auto closed = system_.close(handle_); // Only read.
    }
}

sel::Result<> FileInput::open(std::string_view path) {
    sel::Result<file::Info> info = system_.stat(path);
    sel::Result<u32> handle = info.ok() ? system_.open(path, 0) : info.error();
    if (handle) {
        opened_ = true;
        handle_ = *handle;
        end_ = info->bytes;
    }
    return handle.error();
}

sel::Result<u32> FileInput::read(std::span<char> out) {
    std::size_t count = std::min<u64>(out.size(), end_ - offset_);
    if (count == 0 || system_.interrupted()) {
        return 0u;
    }
    sel::Result<u32> read = system_.read(handle_, offset_, out.first(count));
    offset_ += read.value_or(0);
    return read;
}

sel::Result<> FileOutput::open(std::string_view path, bool append) {
    append_ = append;
    if (!append) {
        return file_.open(path);
    }
    sel::Result<u32> handle = system_.open(path, file::kWrite | file::kCreate);
    handle_ = handle.value_or(0);
    return handle.error();
}

sel::Result<> FileOutput::send(std::string_view piece) {
    return append_ ? system_.append(handle_, piece) : file_.append(piece);
}

sel::Result<> FileOutput::end(error_t given_up) {
    flush();
    done_ = done_ ? sel::Result<>{given_up} : done_;
    if (!append_) {
        return file_.end(done_);
    }
    sel::Result<> closed = system_.close(handle_);
    return done_ ? closed : done_;
}

} // namespace shell
