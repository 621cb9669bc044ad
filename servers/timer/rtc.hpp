// Rtc: the date and time that the PC's CMOS clock keeps.
// SPDX-License-Identifier: BSD-2-Clause
//
// Source: Motorola MC146818A data sheet; register 0x32 (century) is what PC firmware uses.
#pragma once

#include <optional>

#include "abi/types.h"

namespace timer {

struct RtcTime {
    u8 second, minute, hour, day, month;
    u32 year;

    bool operator==(const RtcTime &) const = default;
};

// Days since 1970-01-01 of a date in the Gregorian calendar. Algorithm: Howard Hinnant,
// "chrono-Compatible Low-Level Date Algorithms", days_from_civil.
constexpr u64 days_since_1970(u32 year, u32 month, u32 day) {
    year -= month <= 2 ? 1 : 0;
    u32 era = year / 400;
    u32 year_of_era = year - era * 400;
    u32 day_of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
    u32 day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return u64{era} * 146097 + day_of_era - 719468;
}

constexpr u64 seconds_since_1970(const RtcTime &t) {
    return ((days_since_1970(t.year, t.month, t.day) * 24 + t.hour) * 60 + t.minute) * 60 +
           t.second;
}

// Cmos: `u8 read(u8 register)`. nullopt: no clock there, or it shows no date.
template <typename Cmos>
class Rtc {
  public:
    explicit Rtc(Cmos cmos) : cmos_{cmos} {}

    // Reads until two readings agree, because the clock may step in between.
    std::optional<u64> seconds() {
        std::optional<RtcTime> last = read_once();
        for (int tries = 0; tries < kTries; tries++) {
            std::optional<RtcTime> now = read_once();
            if (now && now == last) {
                return is_date(*now) ? std::optional{seconds_since_1970(*now)} : std::nullopt;
            }
            last = now;
        }
        return std::nullopt;
    }

  private:
    enum : u8 { kSecond = 0, kMinute = 2, kHour = 4, kDay = 7, kMonth = 8, kYear = 9 };
    enum : u8 { kStatusA = 0x0a, kStatusB = 0x0b, kCentury = 0x32 };
    enum : u8 { kUpdating = 0x80, kBinary = 0x04, k24Hours = 0x02, kAfternoon = 0x80 };
    static constexpr int kTries = 8;
    static constexpr int kWait = 100000; // An update takes 2 ms at most.

    std::optional<RtcTime> read_once() {
        int wait = kWait;
        while ((cmos_.read(kStatusA) & kUpdating) != 0) {
            if (--wait == 0) {
                return std::nullopt;
            }
        }
        u8 mode = cmos_.read(kStatusB);
        u8 hour = cmos_.read(kHour);
        RtcTime time{number(mode, cmos_.read(kSecond)),    number(mode, cmos_.read(kMinute)),
                     number(mode, hour & u8(~kAfternoon)), number(mode, cmos_.read(kDay)),
                     number(mode, cmos_.read(kMonth)),     number(mode, cmos_.read(kYear))};
        if ((mode & k24Hours) == 0) {
            time.hour = static_cast<u8>(time.hour % 12 + ((hour & kAfternoon) != 0 ? 12 : 0));
        }
        u32 century = number(mode, cmos_.read(kCentury));
        time.year += century >= 19 && century <= 99 ? century * 100 : 2000;
        return time;
    }

    static u8 number(u8 mode, u8 value) {
        return (mode & kBinary) != 0 ? value : static_cast<u8>((value >> 4) * 10 + (value & 15));
    }

    static bool is_date(const RtcTime &t) {
        return t.second < 60 && t.minute < 60 && t.hour < 24 && t.day >= 1 && t.day <= 31 &&
               t.month >= 1 && t.month <= 12 && t.year >= 1970;
    }

    Cmos cmos_;
};

} // namespace timer
