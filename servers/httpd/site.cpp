// Site: numbers in a query.
// SPDX-License-Identifier: BSD-2-Clause
#include "site.hpp"

namespace httpd {

u64 number_in(std::string_view query, std::string_view name, u64 other) {
    constexpr u32 kDigitsMost = 15;
    while (!query.empty()) {
        std::string_view part = query.substr(0, query.find('&'));
        query.remove_prefix(std::min(part.size() + 1, query.size()));
        std::string_view text = part.substr(std::min(name.size() + 1, part.size()));
        if (!part.starts_with(name) || part.substr(name.size(), 1) != "=" || text.empty() ||
            text.size() > kDigitsMost || text.find_first_not_of("0123456789") != text.npos) {
            continue;
        }
        u64 number = 0;
        for (char c : text) {
            number = number * 10 + static_cast<u64>(c - '0');
        }
        return number;
    }
    return other;
}

} // namespace httpd
