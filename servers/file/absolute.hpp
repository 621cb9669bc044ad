// absolute(): the path that a name means which somebody has typed in a directory.
// SPDX-License-Identifier: BSD-2-Clause
//
// Servers know absolute paths only. Who takes names from a person makes them absolute with this, `.` and `..` taken
// out as text: there are no links.
#pragma once

#include "servers/file/api.hpp"

namespace file {

// Where a program begins that was told nothing, as the shell tells those that it starts (libsel, environment.hpp).
inline constexpr std::string_view kDirectoryVariable = "PWD";

// `directory` is absolute, or empty for "/". ERR_SYNTAX: `name` is empty, or the path has more than kPathMax bytes.
inline sel::Result<Path> absolute(std::string_view directory, std::string_view name) {
    if (name.empty()) {
        return ERR_SYNTAX;
    }
    Path path;
    std::string_view rest[] = {name.starts_with('/') ? std::string_view{} : directory, name};
    for (std::string_view text : rest) {
        while (!text.empty()) {
            std::string_view part = text.substr(0, text.find('/'));
            text.remove_prefix(part.size() + (part.size() < text.size() ? 1 : 0));
            if (part == "..") {
                std::size_t slash = path.view().rfind('/');
                path.size = slash == std::string_view::npos ? 0 : static_cast<u32>(slash);
            } else if (!part.empty() && part != ".") {
                if (path.size + 1 + part.size() > kPathMax) {
                    return ERR_SYNTAX;
                }
                path.append('/');
                path.append(part);
            }
        }
    }
    if (path.size == 0) {
        path.append('/');
    }
    return path;
}

} // namespace file
