// NewFile: a file that is written anew: complete under its name, or what was there before.
// SPDX-License-Identifier: BSD-2-Clause
//
// Is there a file of that name already, it is written beside it, as kBeside, which then takes its
// place. A file of the name kBeside is taken for what an earlier life has left.
#pragma once

#include "system.hpp"

namespace shell {

class NewFile {
  public:
    static constexpr std::string_view kBeside = "~saving~";

    explicit NewFile(System &system) : system_{system} {}
    ~NewFile() { [[maybe_unused]] auto given_up = end(ERR_EMPTY); }
    NewFile(const NewFile &) = delete;
    NewFile &operator=(const NewFile &) = delete;

    // Errors: those of the file system.
    sel::Result<> open(std::string_view name);
    sel::Result<> append(std::string_view text) { return system_.append(handle_, text); }
    // It is on the disk under its name, unless `written` or the answer says that it could not be.
    sel::Result<> end(const sel::Result<> &written);

  private:
    System &system_;
    bool open_ = false;
    bool replaces_ = false;
    u32 handle_ = 0;
    file::Path name_, path_; // What it is to be called, and is until then.
};

} // namespace shell
