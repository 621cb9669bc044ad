// Redirections: the files that a command reads from and writes to instead.
// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include "interpreter.hpp"

namespace shell {

class Redirections {
  public:
    Redirections(Interpreter &interpreter, System &system, const Streams &io)
        : interpreter_{interpreter}, system_{system}, told_{io.errors}, in_{io.in}, out_{&io.out},
          errors_{&io.errors}, input_{system}, output_{system}, error_output_{system} {}

    // `file` is the word behind the operator, as it is meant. False: that has been told.
    bool open(const Redirection &one, std::string_view file);
    Streams streams() { return {in_, *out_, *errors_}; }
    // All that was written is in the files, or it has been told why not; the exit code of it all.
    int end(int status);

  private:
    bool is_open(const sel::Result<> &opened, std::string_view what, std::string_view file);

    Interpreter &interpreter_;
    System &system_;
    Output &told_;
    Input *in_;
    Output *out_, *errors_;
    FileInput input_;
    FileOutput output_, error_output_;
    std::string_view output_name_, error_name_; // Empty: not open.
};

} // namespace shell
