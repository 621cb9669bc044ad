// Dates and durations as people read them.
// SPDX-License-Identifier: BSD-2-Clause
#include "calendar.hpp"

#include "sel/format.hpp"

namespace shell {

// Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms", civil_from_days.
DateText date_text(u64 seconds) {
    u64 days = seconds / 86400 + 719468;
    u64 era = days / 146097;
    u64 day_of_era = days - era * 146097;
    u64 year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    u64 day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    u64 month_from_march = (5 * day_of_year + 2) / 153;
    u64 day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    u64 month = month_from_march < 10 ? month_from_march + 3 : month_from_march - 9;
    u64 year = era * 400 + year_of_era + (month <= 2 ? 1 : 0);
    DateText text;
    sel::format(text, "{}-{:02}-{:02} {:02}:{:02}:{:02}", year, month, day, seconds / 3600 % 24,
                seconds / 60 % 60, seconds % 60);
    return text;
}

DateText duration_text(u64 ns) {
    u64 ms = ns / 1'000'000;
    u64 seconds = ms / 1000;
    u64 days = seconds / 86400;
    DateText text;
    if (days > 0) {
        sel::format(text, "{} day{} ", days, days == 1 ? "" : "s");
    }
    sel::format(text, "{}:{:02}:{:02}", seconds / 3600 % 24, seconds / 60 % 60, seconds % 60);
    if (days == 0) {
        sel::format(text, ".{:03}", ms % 1000);
    }
    return text;
}

} // namespace shell
