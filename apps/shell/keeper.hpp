// Keeper: what the shell remembers on a disk, when there is one: the lines typed, and a script that it
// runs at its start (settings).
// SPDX-License-Identifier: BSD-2-Clause
//
// The shell works without, whatever the disk answers. The file of history has
// at most kBytesMax; a line that would not fit makes it anew with the newest lines.
#pragma once

#include "editor.hpp"
#include "system.hpp"

namespace shell {

class Keeper {
  public:
    static constexpr std::string_view kDisk = "/disk";
    static constexpr std::string_view kFolder = "/disk/shell";
    static constexpr std::string_view kHistory = "/disk/shell/history";
    static constexpr std::string_view kStart = "/disk/shell/start";
    static constexpr u32 kBytesMax = 16 * 1024;

    explicit Keeper(System &system) : system_{system} {}

    // Finds out whether there is a disk, and puts the lines of earlier times into `history`.
    void load(History &history);
    // There is a script to be run.
    bool has_start();
    // Keeps the newest line of `history`, if it has not been kept.
    sel::Result<> save(const History &history);

  private:
    sel::Result<> append(u32 handle, std::string_view line);
    sel::Result<> make_anew(const History &history);

    System &system_;
    bool there_ = false;
    u32 bytes_ = 0; // In the file of history.
    History::Entry last_;
};

} // namespace shell
