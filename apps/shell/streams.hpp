// Streams: what a command reads from and writes to, besides the terminal: pipes, files, text.
// SPDX-License-Identifier: BSD-2-Clause
//
// The other end of a pipe is another command, which has its turn when this one waits (fibers.hpp), or a program.
#pragma once

#include <algorithm>

#include "fibers.hpp"
#include "new_file.hpp"
#include "output.hpp"

namespace shell {

class Input {
  public:
    // At least one byte, for which it waits; none: the end.
    virtual sel::Result<u32> read(std::span<char> out) = 0;
    // The pipe that it comes from; 0: none.
    virtual u32 pipe() const { return 0; }

  protected:
    ~Input() = default;
};

// Text that is there.
class TextInput final : public Input {
  public:
    explicit TextInput(std::string_view text) : text_{text} {}
    sel::Result<u32> read(std::span<char> out) override {
        std::size_t count = text_.copy(out.data(), out.size());
        text_.remove_prefix(count);
        return static_cast<u32>(count);
    }

  private:
    std::string_view text_;
};

// A pipe, of which the shell lets go of what it still has.
class OwnPipe {
  public:
    explicit OwnPipe(System &system) : system_{system} {}
    ~OwnPipe() {
        release(piping::End::READER);
        release(piping::End::WRITER);
    }
    OwnPipe(const OwnPipe &) = delete;
    OwnPipe &operator=(const OwnPipe &) = delete;

    sel::Result<> make() {
        sel::Result<u32> made = system_.make_pipe();
        number_ = made.value_or(0);
        reads_ = writes_ = made.ok();
        return made.error();
    }
    void release(piping::End end) {
        bool &holds = end == piping::End::READER ? reads_ : writes_;
        if (holds) {
            system_.release(number_, end);
        }
        holds = false;
    }

    u32 number() const { return number_; } // 0: there is none.
    bool reads() const { return reads_; }
    bool writes() const { return writes_; }

  private:
    System &system_;
    u32 number_ = 0;
    bool reads_ = false, writes_ = false; // The ends that the shell has.
};

class PipeInput final : public Input {
  public:
    PipeInput(System &system, Fibers &fibers, u32 pipe)
        : system_{system}, fibers_{fibers}, pipe_{pipe} {}
    sel::Result<u32> read(std::span<char> out) override;
    u32 pipe() const override { return pipe_; }

  private:
    System &system_;
    Fibers &fibers_;
    u32 pipe_;
};

// What is written goes in pieces as long as a message.
class PiecewiseOutput : public Output {
  public:
    void write(std::string_view text) final;
    void flush() final;
    bool broken() const final { return !done_; }

  protected:
    ~PiecewiseOutput() = default;
    virtual sel::Result<> send(std::string_view piece) = 0;

    sel::Result<> done_; // How the first piece failed that did: all that follow are lost.

  private:
    u32 size_ = 0;
    std::array<char, stream::kChunk> buffer_;
};

class PipeOutput final : public PiecewiseOutput {
  public:
    PipeOutput(System &system, Fibers &fibers, u32 pipe)
        : system_{system}, fibers_{fibers}, pipe_{pipe} {}
    u32 pipe() const override { return pipe_; }

  private:
    // Fails when nobody reads any more.
    sel::Result<> send(std::string_view piece) override;

    System &system_;
    Fibers &fibers_;
    u32 pipe_;
};

// `command < FILE`
class FileInput final : public Input {
  public:
    explicit FileInput(System &system) : system_{system} {}
    ~FileInput();
    FileInput(const FileInput &) = delete;
    FileInput &operator=(const FileInput &) = delete;

    sel::Result<> open(std::string_view path);
    sel::Result<u32> read(std::span<char> out) override;

  private:
    System &system_;
    bool opened_ = false;
    u32 handle_ = 0;
    u64 offset_ = 0,
        end_ = 0; // What is added meanwhile is not read: it may be what is written from this.
};

// `command > FILE`, `command >> FILE`: the new content is there when all of it is (new_file.hpp).
class FileOutput final : public PiecewiseOutput {
  public:
    explicit FileOutput(System &system) : system_{system}, file_{system} {}

    sel::Result<> open(std::string_view path, bool append);
    // All is written, or why not. `given_up`: if it is not OK, nothing shall be.
    sel::Result<> end(error_t given_up);

  private:
    sel::Result<> send(std::string_view piece) override;

    System &system_;
    NewFile file_;
    bool append_ = false;
    u32 handle_ = 0; // Of what is appended to.
};

} // namespace shell
