// The environment: one read-only page that root maps for each program it starts.
// SPDX-License-Identifier: BSD-2-Clause
//
// Facts, no authority: that comes only as capabilities (NAME.caps.hpp). All but `ends` stay as they are;
// root counts there, and then signals SIGNAL_ENDED (server.hpp). The address space of a
// program, low to high: this page, the IPC buffer; the stack below kStackTop, with nothing mapped below it;
// image from kImageBase; windows (devices, trace ring) from kWindowBase; the boot archive from kArchiveBase.
// All in one GiB: a program without windows takes four page tables, and each costs at a start and at an end.
#pragma once

#include <string_view>

#include "abi/boot_info.h"
#include "abi/capability.h"

namespace sel {

inline constexpr u64 kEnvironmentAddress = 0x200000; // A program finds it in rdi when it begins.
inline constexpr u64 kBufferAddress = 0x201000;      // Root's stands behind its boot info, too.
inline constexpr u64 kStackTop = 0x3ff000;
inline constexpr u64 kImageBase = 0x400000;
inline constexpr u64 kWindowBase = 0x10000000;
inline constexpr u64 kArchiveBase = 0x30000000;
static_assert(kBufferAddress == kEnvironmentAddress + PAGE_BYTES);
static_assert(BOOT_IPC_BUFFER == BOOT_INFO_ADDRESS + PAGE_BYTES);

struct Environment {
    static constexpr u32 kVersion = 3;
    // Programs have numbers from 1 on: up to kSystemPrograms those of boot/system.toml, in its order; from
    // there to kPrograms those that are started at run time.
    static constexpr u32 kSystemPrograms = 64;
    static constexpr u32 kPrograms = 256;
    static constexpr u32 kArgumentBytes = 1024;

    u32 version;
    u32 program;     // Number of this program.
    u32 incarnation; // 1 when the number is used first; puts handles of an earlier life apart.
    u32 argument_bytes;
    u64 tsc_hz;                           // Time-stamp counter; see sel/clock.hpp.
    char name[16];                        // Ends with 0.
    char arguments[kArgumentBytes];       // As given to Start, not terminated; see below.
    char command_line[BOOT_COMMAND_LINE]; // Of the kernel, from grub.cfg; ends with 0.
    u32 ends
        [kPrograms]; // 0, until program i + 1 has ended as a client of this one; then it changes.

    // What stands in `arguments`: words for the program, and then what whoever starts it tells all programs: a 0 byte,
    // NAME=VALUE, and so on. The shell gives the variables that were exported, and as PWD the directory where relative
    // names begin, if it is not "/" (servers/file/absolute.hpp makes them absolute).
    std::string_view argument_text() const {
        std::string_view all = all_arguments();
        return all.substr(0, all.find('\0'));
    }
    // Empty: nobody has told it.
    std::string_view variable(std::string_view name) const {
        std::string_view rest = all_arguments();
        for (std::size_t zero = rest.find('\0'); zero != rest.npos; zero = rest.find('\0')) {
            rest.remove_prefix(zero + 1);
            std::string_view one = rest.substr(0, rest.find('\0'));
            if (one.starts_with(name) && one.substr(name.size()).starts_with('=')) {
                return one.substr(name.size() + 1);
            }
        }
        return {};
    }

  private:
    std::string_view all_arguments() const {
        return {arguments, argument_bytes < kArgumentBytes ? argument_bytes : kArgumentBytes};
    }
};

#ifdef SEL_HOST
const Environment &environment();
#else
inline const Environment &environment() {
    return *reinterpret_cast<const Environment *>(kEnvironmentAddress);
}
#endif

} // namespace sel
