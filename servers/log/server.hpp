// LogServer: the log ring as its two protocols show it.
// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include "api.hpp"
#include "log.hpp"

#include "sel/clock.hpp"

namespace logging {

class LogServer {
  public:
    explicit LogServer(sel::Clock clock) : clock_{clock} {}

    sel::Result<> on(const sel::LogLine &m, sel::Caller caller) {
        sel::Level level = m.level > sel::Level::DEBUG ? sel::Level::DEBUG : m.level;
        log_.write(clock_.nanoseconds(sel::now()), caller.client, level, m.data.view());
        return {};
    }

    sel::Result<Line> on(const Read &m) {
        sel::Result<Entry> entry = log_.read(m.since, m.level, m.source);
        if (!entry) {
            return entry.error();
        }
        return Line{entry->sequence, entry->time_ns, entry->source, entry->level, entry->text()};
    }

    sel::Result<Range> on(const GetRange &) { return Range{log_.first(), log_.next()}; }

  private:
    sel::Clock clock_;
    Log log_;
};

} // namespace logging
