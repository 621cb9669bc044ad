// Log: what a program sends to the log server, and a short way to send it.
// SPDX-License-Identifier: BSD-2-Clause
//
//   sel::Log log{caps::log};
//   log.info("mounted {} files", count);
// A line that cannot be delivered in time is dropped: logging never stops a program for long.
#pragma once

#include "sel/client.hpp"
#include "sel/clock.hpp"
#include "sel/format.hpp"

namespace sel {

enum class Level : u32 { ERROR, WARNING, INFO, DEBUG };

inline constexpr u32 kLogLineBytes = 200;

struct LogLine : Asks<> {
    Level level;
    Text<kLogLineBytes> data;
};

// LogApi: a protocol that has LogLine (servers/log/api.hpp).
template <typename LogApi>
class Log {
  public:
    explicit constexpr Log(Client<LogApi> client) : client_{client} {}

    template <typename... Ts>
    void error(std::string_view pattern, const Ts &...values) const {
        write(Level::ERROR, pattern, values...);
    }
    template <typename... Ts>
    void warning(std::string_view pattern, const Ts &...values) const {
        write(Level::WARNING, pattern, values...);
    }
    template <typename... Ts>
    void info(std::string_view pattern, const Ts &...values) const {
        write(Level::INFO, pattern, values...);
    }
    template <typename... Ts>
    void debug(std::string_view pattern, const Ts &...values) const {
        write(Level::DEBUG, pattern, values...);
    }
    template <typename... Ts>
    void write(Level level, std::string_view pattern, const Ts &...values) const {
        LogLine line;
        line.level = level;
        format(line.data, pattern, values...);
        [[maybe_unused]] auto sent = client_.call_within(milliseconds(kPatienceMs), line);
    }

  private:
    static constexpr u64 kPatienceMs = 100;

    Client<LogApi> client_;
};

} // namespace sel
